//! Places in packets, to be asked whether others have bytes in common with them.
//!
//! A frame may have come in as many pieces as it has bytes, and its evidence as well: each is looked up, not compared with
//! each.

use crate::packet::{ByteRange, PacketNumber};

/// A set of places.
#[derive(Debug)]
pub(super) struct Places {
    /// Where each starts, in order.
    starts: Vec<(PacketNumber, u64)>,
    /// Where the one that reaches furthest ends, of each and those before it in its packet.
    ends: Vec<u64>,
}

impl Places {
    pub(super) fn new(ranges: &[ByteRange]) -> Self {
        let mut places: Vec<_> = ranges.iter().map(|range| (range.packet, bounds(*range))).collect();
        places.sort_unstable();
        let mut ends: Vec<u64> = Vec::with_capacity(places.len());
        let mut last = None;
        for (packet, (_, end)) in &places {
            let before = ends.last().copied().filter(|_| last == Some(*packet));
            ends.push(before.map_or(*end, |before| before.max(*end)));
            last = Some(*packet);
        }
        Self { starts: places.into_iter().map(|(packet, (start, _))| (packet, start)).collect(), ends }
    }

    /// Whether any of `ranges` overlaps one of these.
    pub(super) fn meet(&self, ranges: &[ByteRange]) -> bool {
        ranges.iter().any(|range| {
            let (start, end) = bounds(*range);
            let before = self.starts.partition_point(|place| *place < (range.packet, end));
            before.checked_sub(1).is_some_and(|last| self.starts[last].0 == range.packet && self.ends[last] > start)
        })
    }
}

fn bounds(range: ByteRange) -> (u64, u64) {
    let start = u64::from(range.offset);
    (start, start + u64::from(range.length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range() -> impl Strategy<Value = ByteRange> {
        let offset = prop_oneof![0_u32..12, (u32::MAX - 12)..=u32::MAX];
        let length = prop_oneof![0_u32..6, Just(u32::MAX)];
        (0_u64..4, offset, length).prop_map(|(packet, offset, length)| {
            let packet = PacketNumber(packet);
            ByteRange { packet, offset, length }
        })
    }

    proptest! {
        #[test]
        fn they_meet_if_one_of_them_overlaps_one_of_the_others(
            ranges in prop::collection::vec(range(), 0..8),
            others in prop::collection::vec(range(), 0..3),
        ) {
            let overlap = |a: &ByteRange, b: &ByteRange| {
                let (a_end, b_end) =
                    (u64::from(a.offset) + u64::from(a.length), u64::from(b.offset) + u64::from(b.length));
                a.packet == b.packet && u64::from(a.offset) < b_end && u64::from(b.offset) < a_end
            };
            let pairwise = others.iter().any(|other| ranges.iter().any(|range| overlap(range, other)));
            prop_assert_eq!(Places::new(&ranges).meet(&others), pairwise);
        }
    }
}
