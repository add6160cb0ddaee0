//! Times on the device's wall clock, as people write them.
//!
//! Knows the calendar, no time zones: the device counts its wall clock as if it were UTC.

/// Seconds since 1970 of `2025-03-17T21:06:11`, with a blank for the `T`, without seconds, or a day alone. A `Z` may
/// follow. `None` for anything else, for days that no calendar has, and for times a `u32` cannot hold.
pub(super) fn parse(text: &str) -> Option<u32> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2]).or_else(|| {
        let [hour, minute] = numbers(time, ':', [2, 2])?;
        Some([hour, minute, 0])
    })?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_1970(year, month, day)? * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    u32::try_from(seconds).ok()
}

/// `N` numbers of exactly as many digits as said.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u32; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let right = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = right.then(|| part.parse().ok()).flatten()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn days_since_1970(year: u32, month: u32, day: u32) -> Option<i64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month).ok()?.checked_sub(1)?;
    if year == 0 || !(1..=*lengths.get(before)?).contains(&day) {
        return None;
    }
    let past = i64::from(year) - 1;
    let days = past * 365 + past / 4 - past / 100 + past / 400;
    let in_year: u32 = lengths[..before].iter().sum::<u32>() + day - 1;
    // Days from the first of January of the year 1 to that of 1970.
    Some(days + i64::from(in_year) - 719_162)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1970-01-01T00:00:01", Some(1)),
            ("2025-03-17T21:00:00Z", Some(1_742_245_200)),
            ("2025-03-17 21:00", Some(1_742_245_200)),
            ("2000-02-29", Some(951_782_400)),
            ("2100-02-28", Some(4_107_456_000)),
            ("2106-02-07T06:28:15", Some(u32::MAX)),
            ("2106-02-07T06:28:16", None),
            ("1969-12-31T23:59:59", None),
            ("2100-02-29", None),
            ("2025-13-01", None),
            ("2025-00-01", None),
            ("2025-04-31", None),
            ("2025-04-00", None),
            ("2025-03-17T24:00", None),
            ("2025-03-17T21:00:00+01:00", None),
            ("2025-3-17", None),
            ("+025-03-17", None),
            ("0000-01-01", None),
            ("noon", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
