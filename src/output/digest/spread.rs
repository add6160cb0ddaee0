//! How a quantity spreads: percentiles of any number of times in bounded memory.
//!
//! Knows numbers. Knows nothing of what was timed.
//!
//! Keeping every sample would be exact and would grow with the file. Here samples are counted in buckets whose width is
//! 1/64 of where they begin, so that the middle of a bucket is at most 1/128 = 0.8 % away from any sample in it.

/// log2 of the buckets for each power of two.
const FINE: u32 = 6;

/// Counts of samples, and the exact ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    /// Bucket and count, by bucket. At most 59 powers of two of 64 buckets each; a device's answers fall into some fifty.
    buckets: Vec<(u16, u64)>,
    count: u64,
    min: u64,
    max: u64,
}

impl Spread {
    /// Counts a sample; what is negative, because a clock went backwards, counts as 0.
    pub(super) fn add(&mut self, nanos: i64) {
        let nanos = u64::try_from(nanos).unwrap_or(0);
        self.min = if self.count == 0 { nanos } else { self.min.min(nanos) };
        self.max = self.max.max(nanos);
        self.count += 1;
        let bucket = bucket(nanos);
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(place) => self.buckets[place].1 += 1,
            Err(place) => self.buckets.insert(place, (bucket, 1)),
        }
    }

    /// The smallest sample, exactly.
    pub(super) fn min(&self) -> Option<i64> {
        (self.count > 0).then(|| i64::try_from(self.min).unwrap_or(i64::MAX))
    }

    /// The greatest sample, exactly.
    pub(super) fn max(&self) -> Option<i64> {
        (self.count > 0).then(|| i64::try_from(self.max).unwrap_or(i64::MAX))
    }

    /// The smallest value that `percent` of the samples do not exceed, within 0.8 %. `None` without samples.
    pub(super) fn percentile(&self, percent: u64) -> Option<i64> {
        let rank = (self.count.saturating_mul(percent)).div_ceil(100).max(1);
        let mut passed = 0;
        let (bucket, _) = self.buckets.iter().find(|(_, count)| {
            passed += count;
            passed >= rank
        })?;
        let nanos = middle(*bucket).clamp(self.min, self.max);
        Some(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

/// The bucket of a value: its power of two and the six bits behind the leading one. Small values have their own.
fn bucket(value: u64) -> u16 {
    let exponent = value.checked_ilog2().unwrap_or(0).saturating_sub(FINE);
    let bucket = (u64::from(exponent) << FINE) + (value >> exponent);
    u16::try_from(bucket).unwrap_or(u16::MAX)
}

/// The value in the middle of a bucket.
fn middle(bucket: u16) -> u64 {
    let exponent = u32::from((bucket >> FINE).saturating_sub(1));
    let start = (u64::from(bucket) - (u64::from(exponent) << FINE)) << exponent;
    start + ((1 << exponent) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The exact percentile, from all samples sorted.
    fn exact(samples: &[i64], percent: u64) -> i64 {
        let mut sorted: Vec<i64> = samples.iter().map(|sample| (*sample).max(0)).collect();
        sorted.sort_unstable();
        let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1);
        sorted[usize::try_from(rank).expect("small") - 1]
    }

    #[test]
    fn buckets_follow_one_another() {
        let mut last = 0;
        for value in (0..20_000).chain((0..44).map(|power| 1_u64 << (power + 19))) {
            let bucket = bucket(value);
            assert!(bucket >= last, "{value}");
            last = bucket;
        }
        assert!(bucket(u64::MAX) < 60 * 64);
    }

    #[test]
    fn without_samples_there_is_nothing_to_say() {
        let spread = Spread::default();
        assert_eq!((spread.percentile(50), spread.min(), spread.max()), (None, None, None));
    }

    #[test]
    fn memory_does_not_grow_with_the_samples() {
        let mut spread = Spread::default();
        for sample in 0..200_000_i64 {
            spread.add(sample.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()).wrapping_abs());
        }
        assert!(spread.buckets.len() <= 60 * 64);
    }

    proptest! {
        #[test]
        fn percentiles_are_within_one_percent(
            samples in prop::collection::vec(prop_oneof![0..1000_i64, 0..10_000_000_000_i64, any::<i64>()], 1..200),
            percent in 0_u64..=100,
        ) {
            let mut spread = Spread::default();
            for sample in &samples {
                spread.add(*sample);
            }
            let (exact, found) = (exact(&samples, percent), spread.percentile(percent).expect("samples"));
            prop_assert!(exact.abs_diff(found) <= exact.unsigned_abs() / 100, "{} {}", exact, found);
            prop_assert_eq!(spread.min(), samples.iter().map(|sample| (*sample).max(0)).min());
            prop_assert_eq!(spread.max(), samples.iter().map(|sample| (*sample).max(0)).max());
        }
    }
}
