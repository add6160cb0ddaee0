//! Things by the number of their connection, found at once where it is one of those that are busy.
//!
//! Several stages keep something of each connection and ask for it with every chunk or frame: half of what a hash table
//! costs for so small a key is to hash it and to walk through its control bytes.

use super::ConnectionId;
use rustc_hash::FxHashMap;

/// Places remembered. Connections are told apart by the last digits of their numbers: those that are busy at one time
/// have numbers that are close to one another.
const LATELY: usize = 64;

/// What is kept of each connection.
#[derive(Debug)]
pub(crate) struct ByConnection<T> {
    /// Each with the number it belongs to. A place that was left is taken again.
    things: Vec<Option<(ConnectionId, T)>>,
    free: Vec<usize>,
    places: FxHashMap<ConnectionId, usize>,
    /// The places found lately. What stands there says whether it is the one that is asked for.
    lately: [usize; LATELY],
}

impl<T> Default for ByConnection<T> {
    fn default() -> Self {
        Self { things: Vec::new(), free: Vec::new(), places: FxHashMap::default(), lately: [0; LATELY] }
    }
}

impl<T> ByConnection<T> {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Keeps a thing for a connection, in place of what was kept before.
    pub(crate) fn insert(&mut self, id: ConnectionId, thing: T) {
        self.remove(id);
        let place = self.free.pop().unwrap_or(self.things.len());
        if place == self.things.len() {
            self.things.push(None);
        }
        self.things[place] = Some((id, thing));
        self.places.insert(id, place);
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<T> {
        let place = self.places.remove(&id)?;
        self.free.push(place);
        self.things[place].take().map(|(_, thing)| thing)
    }

    #[inline]
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&T> {
        let place = self.place(id)?;
        self.things[place].as_ref().map(|(_, thing)| thing)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut T> {
        let place = self.place(id)?;
        self.lately[slot(id)] = place;
        self.things[place].as_mut().map(|(_, thing)| thing)
    }

    #[inline]
    fn place(&self, id: ConnectionId) -> Option<usize> {
        let place = self.lately[slot(id)];
        match self.things.get(place) {
            Some(Some((found, _))) if *found == id => Some(place),
            _ => self.places.get(&id).copied(),
        }
    }
}

#[inline]
fn slot(id: ConnectionId) -> usize {
    usize::try_from(id.0).unwrap_or(0) % LATELY
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Numbers that share their last digits are among them.
        #[test]
        fn it_keeps_what_a_map_keeps(asked in prop::collection::vec((0..4_u32, 0..3_u32, 0..3_u32), 0..200)) {
            let (mut kept, mut model) = (ByConnection::default(), HashMap::new());
            for (step, (what, low, high)) in asked.into_iter().enumerate() {
                let id = ConnectionId(low + high * 64);
                match what {
                    0 => {
                        kept.insert(id, step);
                        model.insert(id, step);
                    }
                    1 => prop_assert_eq!(kept.remove(id), model.remove(&id)),
                    2 => prop_assert_eq!(kept.get_mut(id).copied(), model.get(&id).copied()),
                    _ => prop_assert_eq!(kept.get(id), model.get(&id)),
                }
                prop_assert_eq!(kept.len(), model.len());
            }
        }
    }
}
