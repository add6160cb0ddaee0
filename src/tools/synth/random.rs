//! Random numbers that are the same everywhere and for ever.
//!
//! SplitMix64, by Steele, Lea and Flood (2014): a counter and a mixer. No crate, because those reserve the right to
//! change what a seed gives, and a made-up capture is promised to keep its bytes. Floats are made by exact operations
//! only (no logarithm, no sine), so that no processor and no C library can make a difference.

use std::time::Duration;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next 32 bits.
    pub(super) fn word(&mut self) -> u32 {
        u32::try_from(self.bits() >> 32).unwrap_or(0)
    }

    /// A number from 0 to `limit - 1`. The bias of not rejecting is below one in four billion times the limit.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        u32::try_from((u64::from(self.word()) * u64::from(limit)) >> 32).unwrap_or(0)
    }

    /// A place in a slice of `length` items.
    pub(super) fn index(&mut self, length: usize) -> usize {
        let limit = u32::try_from(length).unwrap_or(u32::MAX);
        usize::try_from(self.below(limit)).unwrap_or(0)
    }

    /// True once in `times`, on average.
    pub(super) fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// A byte.
    pub(super) fn byte(&mut self) -> u8 {
        u8::try_from(self.bits() >> 56).unwrap_or(0)
    }

    /// From 0 to just below 1, in steps of 2⁻¹⁶: exact in an `f32`.
    pub(super) fn fraction(&mut self) -> f32 {
        f32::from(u16::try_from(self.bits() >> 48).unwrap_or(0)) / 65_536.0
    }

    /// A span from `shortest` to just below `longest`, in whole nanoseconds.
    pub(super) fn span(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let range = u32::try_from(longest.saturating_sub(shortest).as_nanos()).unwrap_or(u32::MAX);
        shortest + Duration::from_nanos(u64::from(self.below(range)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        let mut random = Random::new(1_234_567);
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
        ];
        assert_eq!(published.map(|_| random.bits()), published);
    }

    #[test]
    fn everything_stays_in_its_range() {
        let mut random = Random::new(1);
        let (short, long) = (Duration::from_micros(3), Duration::from_micros(5));
        for _ in 0..10_000 {
            assert!(random.below(7) < 7);
            assert!((0.0..1.0).contains(&random.fraction()));
            assert!((short..long).contains(&random.span(short, long)));
        }
        assert_eq!(random.below(0), 0);
        assert_eq!(random.span(long, short), long);
    }
}
