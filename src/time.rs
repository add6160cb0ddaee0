//! The time of a packet: nanoseconds since the epoch, and nothing else.
//!
//! Times come from the capture alone; no module of the core reads a clock. How a time is written for people or
//! programs is the business of `output`.

use std::time::Duration;

const YEAR_NANOS: i64 = 366 * 24 * 3600 * 1_000_000_000;

/// A moment of the capture, in nanoseconds since 1970-01-01T00:00:00Z.
///
/// An `i64` holds the years 1677 to 2262; what lies beyond is clamped by whoever reads the capture. A float is never
/// used: it cannot hold nanoseconds of today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest moment a capture may claim, in 2261: later ones are clamped, so that adding a span never wraps.
    pub const LATEST: Self = Self(i64::MAX - YEAR_NANOS);

    /// The earliest moment a capture may claim, in 1678.
    pub const EARLIEST: Self = Self(i64::MIN + YEAR_NANOS);

    /// The moment `nanos` nanoseconds after the epoch (before it, when negative).
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Nanoseconds from `earlier` to `self`; negative when the clock went backwards.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Time passed since `earlier`, zero when the clock went backwards.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanos_since(earlier)).unwrap_or(0))
    }

    /// The moment `span` later, clamped at the end of time.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
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
    }

    #[test]
    fn adding_stops_at_the_end_of_time() {
        let end = Timestamp::from_nanos(i64::MAX);
        assert_eq!(end.saturating_add(Duration::from_secs(1)), end);
    }
}
