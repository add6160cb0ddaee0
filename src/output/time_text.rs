//! Times as text: RFC 3339 in UTC for records, and the device's wall clock, which has no zone.
//!
//! Knows the calendar and nothing of time zones: what people see in their own zone is made elsewhere.

use super::digits;
use crate::time::Timestamp;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A moment of the proleptic Gregorian calendar, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Civil {
    /// The year; four digits for every [`Timestamp`] and every device time.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59: the epoch counts no leap seconds.
    pub second: u8,
}

impl Civil {
    /// The calendar's moment `seconds` after 1970-01-01T00:00:00.
    pub const fn from_unix(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        // Years are counted from March, so that the leap day is a year's last; eras of 400 years are all alike.
        let from_march = days + 719_468;
        let (era, day_of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: year_of_era + era * 400 + (month <= 2) as i64,
            month: small(month),
            day: small(day_of_year - (153 * shifted_month + 2) / 5 + 1),
            hour: small(rest / 3_600),
            minute: small(rest / 60 % 60),
            second: small(rest % 60),
        }
    }

    /// `2025-03-17T21:06:11`
    fn text(self) -> [u8; WALL_MOMENT] {
        let mut text = *b"0000-00-00T00:00:00";
        let year = self.year.clamp(0, 9_999);
        two_digits(&mut text[0..2], small(year / 100));
        two_digits(&mut text[2..4], small(year % 100));
        two_digits(&mut text[5..7], self.month);
        two_digits(&mut text[8..10], self.day);
        two_digits(&mut text[11..13], self.hour);
        two_digits(&mut text[14..16], self.minute);
        two_digits(&mut text[17..19], self.second);
        text
    }
}

/// A part of a date or a clock: the callers divide until it fits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=99 by the arithmetic of each caller")]
const fn small(part: i64) -> u8 {
    part as u8
}

fn two_digits(text: &mut [u8], number: u8) {
    text[0] = b'0' + number / 10;
    text[1] = b'0' + number % 10;
}

/// Writes time stamps as RFC 3339 in UTC, always with nine decimals and `Z`.
///
/// The second that was written last is kept: in a capture most neighbours share it, and the calendar costs more than
/// all the rest.
#[derive(Clone, Debug)]
pub struct Rfc3339 {
    /// When that second began, in nanoseconds; `None` where this is before all that can be counted.
    second: Option<i64>,
    text: [u8; MOMENT],
}

/// Bytes of a time stamp in RFC 3339.
pub(super) const MOMENT: usize = 30;

/// Bytes of a moment of the device's wall clock.
pub(super) const WALL_MOMENT: usize = 19;

impl Default for Rfc3339 {
    fn default() -> Self {
        Self { second: None, text: *b"1970-01-01T00:00:00.000000000Z" }
    }
}

impl Rfc3339 {
    /// `2025-03-17T21:06:11.050224973Z`
    pub fn text(&mut self, ts: Timestamp) -> &str {
        let mut text = self.text;
        self.write(&mut text, ts);
        self.text = text;
        // ASCII by construction; an empty string would show a bug without ending the run.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Writes the same as ASCII bytes to where they are to stand: put together elsewhere, they would be copied while they
    /// are still on their way to memory, and the copy would have to wait.
    #[inline]
    pub(super) fn write(&mut self, to: &mut [u8; MOMENT], ts: Timestamp) {
        let since = self.second.map(|second| ts.nanos().wrapping_sub(second).cast_unsigned());
        let nanos = match since {
            Some(nanos) if nanos < NANOS_PER_SECOND.unsigned_abs() => nanos,
            _ => self.turn_to(ts),
        };
        *to = self.text;
        to[20..29].copy_from_slice(&digits::nine(nanos));
    }

    /// Keeps the second of `ts`; the nanoseconds since it began.
    #[cold]
    fn turn_to(&mut self, ts: Timestamp) -> u64 {
        let (second, nanos) = (ts.nanos().div_euclid(NANOS_PER_SECOND), ts.nanos().rem_euclid(NANOS_PER_SECOND));
        self.second = ts.nanos().checked_sub(nanos);
        self.text[..19].copy_from_slice(&Civil::from_unix(second).text());
        nanos.unsigned_abs()
    }
}

/// The device's wall clock, which it writes as if it were UTC: `2025-03-17T21:00:00`, without a zone.
pub fn device_time(out: &mut String, seconds: u32) {
    out.push_str(std::str::from_utf8(&device_time_bytes(seconds)).unwrap_or_default());
}

/// The same as ASCII bytes.
pub fn device_time_bytes(seconds: u32) -> [u8; WALL_MOMENT] {
    Civil::from_unix(i64::from(seconds)).text()
}

/// Writes many moments of the device's wall clock: the hour that was written last is kept, since the rows of a table are
/// minutes apart.
#[derive(Clone, Debug)]
pub(super) struct WallClock {
    hour: u32,
    text: [u8; WALL_MOMENT],
}

impl Default for WallClock {
    fn default() -> Self {
        Self { hour: 0, text: *b"1970-01-01T00:00:00" }
    }
}

impl WallClock {
    /// Writes the same as [`device_time_bytes`] to where it is to stand.
    #[inline(always)]
    pub(super) fn write(&mut self, to: &mut [u8; WALL_MOMENT], seconds: u32) {
        const HOUR: u32 = 3_600;
        if seconds / HOUR != self.hour {
            self.hour = seconds / HOUR;
            self.text = device_time_bytes(seconds);
        }
        *to = self.text;
        to[14..16].copy_from_slice(&digits::pair(seconds % HOUR / 60));
        to[17..19].copy_from_slice(&digits::pair(seconds % 60));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_keeps_the_day_and_nothing_else() {
        let mut clock = WallClock::default();
        for seconds in [0, 59, 86_399, 86_400, 1_742_245_571, 1_742_245_570, 1_742_169_600, u32::MAX, 1] {
            let mut text = [0; WALL_MOMENT];
            clock.write(&mut text, seconds);
            assert_eq!(text, device_time_bytes(seconds));
        }
    }

    #[test]
    fn known_moments() {
        let mut clock = Rfc3339::default();
        for (nanos, expected) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
            (1_742_245_571_050_224_973, "2025-03-17T21:06:11.050224973Z"),
            (1_742_245_571_900_000_000, "2025-03-17T21:06:11.900000000Z"),
            (4_107_542_399_000_000_000, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
            (i64::MIN, "1823-11-12T00:06:21.572612097Z"),
            (i64::MAX, "2116-02-20T23:53:38.427387903Z"),
        ] {
            assert_eq!(clock.text(Timestamp::from_nanos(nanos)), expected);
        }
    }

    #[test]
    fn days_follow_one_another_through_four_centuries() {
        let days_of = |year: i64, month: u8| match month {
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            _ => 31,
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..150_000 {
            let civil = Civil::from_unix(days * SECONDS_PER_DAY + 3_723);
            assert_eq!((civil.year, civil.month, civil.day), (year, month, day));
            assert_eq!((civil.hour, civil.minute, civil.second), (1, 2, 3));
            day += 1;
            if day > days_of(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    #[test]
    fn the_device_clock_has_no_zone() {
        let mut out = String::new();
        device_time(&mut out, 1_742_245_200);
        device_time(&mut out, u32::MAX);
        assert_eq!(out, "2025-03-17T21:00:002106-02-07T06:28:15");
    }
}
