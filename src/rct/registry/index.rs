//! Where objects stand, by their ids.
//!
//! Asked for every frame, mostly for another object than before, so that there is to be nothing to guess: all that may be
//! the one are compared at once, and they stand together.

use crate::object::ObjectId;
use std::array;
use std::hint::select_unpredictable;

/// Objects that are compared at once.
const GROUP: usize = 4;

/// The places of objects in their registry.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// An object stands in the group that its id says, or behind it where that is full. At most half of the room is taken, so
    /// that few are. Their number is a power of two.
    groups: Box<[Group]>,
    /// Leaves as many of 32 bits as number the groups.
    shift: u32,
}

/// Some objects.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Group {
    ids: [u32; GROUP],
    /// Counted from 1. Where there is no object, 0.
    places: [u32; GROUP],
}

impl Index {
    /// The index of objects with these ids, no two of them the same, in the order of their places.
    pub(super) fn new(ids: impl ExactSizeIterator<Item = ObjectId>) -> Self {
        let count = (2 * ids.len()).div_ceil(GROUP).next_power_of_two().max(2);
        let groups = vec![Group::default(); count].into();
        let mut index = Self { groups, shift: u32::BITS - count.trailing_zeros() };
        for (place, id) in (1..).zip(ids) {
            index.insert(id, place);
        }
        index
    }

    fn insert(&mut self, id: ObjectId, place: u32) {
        let mut at = self.group(id);
        loop {
            let Group { ids, places } = &mut self.groups[at];
            if let Some(free) = places.iter().position(|place| *place == 0) {
                (ids[free], places[free]) = (id.0, place);
                return;
            }
            at = self.next(at);
        }
    }

    /// The place of the object with this id, counted from 0.
    #[inline]
    pub(super) fn get(&self, id: ObjectId) -> Option<u32> {
        let mut at = self.group(id);
        loop {
            let Group { ids, places } = &self.groups[at];
            let found: [u32; GROUP] = array::from_fn(|n| select_unpredictable(ids[n] == id.0, places[n], 0));
            let place = found.into_iter().fold(0, |place, found| place | found);
            if place > 0 || places[GROUP - 1] == 0 {
                return place.checked_sub(1);
            }
            at = self.next(at);
        }
    }

    #[inline]
    fn group(&self, id: ObjectId) -> usize {
        /// 2^32 by the golden ratio: neighbouring ids go far apart.
        const FACTOR: u32 = 0x9e37_79b9;
        (id.0.wrapping_mul(FACTOR) >> self.shift) as usize
    }

    fn next(&self, group: usize) -> usize {
        (group + 1) & (self.groups.len() - 1)
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new([].into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Also where ids are neighbours, or 0, which is that of an empty slot.
        #[test]
        fn it_finds_what_a_map_finds(
            ids in prop::collection::btree_set(prop_oneof![0..20_u32, any::<u32>(), 0xffff_fff0_u32..], 0..200),
            asked in prop::collection::vec(prop_oneof![0..30_u32, any::<u32>()], 0..50),
        ) {
            let ids: Vec<_> = ids.into_iter().map(ObjectId).collect();
            let index = Index::new(ids.iter().copied());
            let model: HashMap<_, _> = ids.iter().copied().zip(0..).collect();
            for id in ids.into_iter().chain(asked.into_iter().map(ObjectId)) {
                prop_assert_eq!(index.get(id), model.get(&id).copied());
            }
        }
    }
}
