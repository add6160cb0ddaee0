//! The time of a packet: nanoseconds since the epoch, and nothing else.
//!
//! Times come from the capture alone; no module of the core reads a clock. How a time is written for people or
//! programs is the business of `output`.

use std::time::Duration;

const YEAR_NANOS: i64 = 366 * 24 * 3600 * 1_000_000_000;

/// No moment is further from the epoch, so that 63 bits hold the time between any two. Pcap ends in 2106.
const END: i64 = i64::MAX / 2;

/// A moment of the capture, in nanoseconds since 1970-01-01T00:00:00Z.
///
/// It lies in the years 1823 to 2116: what is beyond is clamped. A float is never used: it cannot hold nanoseconds of
/// today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest moment a capture may claim, in 2115: later ones are clamped, so that a span still fits behind them.
    pub const LATEST: Self = Self(END - YEAR_NANOS);

    /// The earliest moment a capture may claim, in 1824.
    pub const EARLIEST: Self = Self(YEAR_NANOS - END);

    /// The moment `nanos` nanoseconds after the epoch (before it, when negative), clamped.
    pub const fn from_nanos(nanos: i64) -> Self {
        let late = if nanos < -END { -END } else { nanos };
        Self(if late > END { END } else { late })
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Nanoseconds from `earlier` to `self`; negative when the clock went backwards.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Time passed since `earlier`, zero when the clock went backwards.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanos_since(earlier)).unwrap_or(0))
    }

    /// Whether no more than `span` has passed since `earlier`; true when the clock went backwards.
    #[inline]
    pub fn is_within(self, span: impl Into<Span>, earlier: Self) -> bool {
        self.nanos_since(earlier) <= span.into().0
    }

    /// The moment `span` later, clamped at the end of time.
    #[must_use]
    #[inline]
    pub fn saturating_add(self, span: impl Into<Span>) -> Self {
        Self((self.0 + span.into().0).min(END))
    }

    /// The moment `span` earlier, clamped at the beginning of time.
    #[must_use]
    #[inline]
    pub fn saturating_sub(self, span: impl Into<Span>) -> Self {
        Self((self.0 - span.into().0).max(-END))
    }
}

/// A time that passes, in nanoseconds, clamped at some 146 years. (The standard library counts seconds and nanoseconds apart:
/// what is added to every moment is to be converted once.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl From<Duration> for Span {
    #[inline]
    fn from(span: Duration) -> Self {
        const SECOND: i64 = 1_000_000_000;
        match i64::try_from(span.as_secs()) {
            Ok(seconds) if seconds < END / SECOND => Self(seconds * SECOND + i64::from(span.subsec_nanos())),
            _ => Self(END),
        }
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_nanos(span.0.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_gives_no_negative_span() {
        let (a, b) = (Timestamp::from_nanos(5), Timestamp::from_nanos(3));
        assert_eq!(a.nanos_since(b), 2);
        assert_eq!(b.nanos_since(a), -2);
        assert_eq!(b.since(a), Duration::ZERO);
        for span in [Duration::ZERO, Duration::from_nanos(1), Duration::from_nanos(2), Duration::MAX] {
            assert_eq!(a.is_within(span, b), a.since(b) <= span);
            assert_eq!(b.is_within(span, a), b.since(a) <= span);
        }
    }

    #[test]
    fn adding_stops_at_the_end_of_time() {
        let end = Timestamp::from_nanos(i64::MAX);
        assert_eq!(end.saturating_add(Duration::from_secs(1)), end);
        let beginning = Timestamp::from_nanos(i64::MIN);
        assert_eq!(beginning.saturating_sub(Duration::from_secs(1)), beginning);
        assert_eq!(Timestamp::from_nanos(3).saturating_sub(Duration::from_nanos(5)), Timestamp::from_nanos(-2));
    }

    #[test]
    fn the_time_between_any_two_moments_fits() {
        let [first, last] = [i64::MIN, i64::MAX].map(Timestamp::from_nanos);
        assert_eq!((last.nanos_since(first), first.nanos_since(last)), (2 * END, -2 * END));
        assert_eq!((last.nanos(), first.nanos()), (END, -END));
    }
}
