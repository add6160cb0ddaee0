//! Moments as people read them: date and time of day in the zone they chose.
//!
//! Knows UTC. Any other zone is somebody else's knowledge, handed in as a function: time zone data is no matter for a
//! library that reads neither files nor the environment.

use super::time_text::Civil;
use crate::time::Timestamp;
use std::fmt;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A zone to show times in: its name, and how a moment reads in it.
#[derive(Clone, Copy)]
pub struct Zone<'a> {
    /// What stands in the heading: `UTC`, `Europe/Berlin`.
    pub name: &'a str,
    /// The date and time of day of a moment. Zones are whole seconds apart, so the fraction is the same in all of them.
    pub civil: &'a (dyn Fn(Timestamp) -> Civil + Sync),
}

impl Zone<'static> {
    /// UTC, which every output uses unless told otherwise.
    pub const UTC: Self = Self { name: "UTC", civil: &utc };
}

fn utc(ts: Timestamp) -> Civil {
    Civil::from_unix(ts.nanos().div_euclid(NANOS_PER_SECOND))
}

impl Zone<'_> {
    /// `2025-03-17`
    pub fn date(&self, ts: Timestamp) -> String {
        let Civil { year, month, day, .. } = (self.civil)(ts);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `21:06:11`
    pub fn time(&self, ts: Timestamp) -> String {
        let Civil { hour, minute, second, .. } = (self.civil)(ts);
        format!("{hour:02}:{minute:02}:{second:02}")
    }

    /// `21:06:11.995`, cut and not rounded, as clocks do.
    pub fn time_ms(&self, ts: Timestamp) -> String {
        format!("{}.{:03}", self.time(ts), ts.nanos().rem_euclid(NANOS_PER_SECOND) / 1_000_000)
    }
}

impl fmt::Debug for Zone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_they_should() {
        for (nanos, date, time) in [
            (0, "1970-01-01", "00:00:00.000"),
            (-1, "1969-12-31", "23:59:59.999"),
            (1_742_245_571_995_999_999, "2025-03-17", "21:06:11.995"),
            (i64::MAX, "2116-02-20", "23:53:38.427"),
        ] {
            let ts = Timestamp::from_nanos(nanos);
            assert_eq!((Zone::UTC.date(ts).as_str(), Zone::UTC.time_ms(ts).as_str()), (date, time));
        }
    }

    #[test]
    fn another_zone_is_a_function() {
        let berlin = |ts: Timestamp| Civil::from_unix(ts.nanos().div_euclid(NANOS_PER_SECOND) + 3600);
        let zone = Zone { name: "Europe/Berlin", civil: &berlin };
        let ts = Timestamp::from_nanos(1_742_252_399_500_000_000);
        assert_eq!((zone.date(ts).as_str(), zone.time_ms(ts).as_str()), ("2025-03-17", "23:59:59.500"));
        assert_eq!(zone.time(ts.saturating_add(std::time::Duration::from_secs(1))), "00:00:00");
    }
}
