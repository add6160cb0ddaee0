//! Finds the connection of a segment, and the one that has been silent for longest.
//!
//! Knows where connections are, not what they do. Connections stand in slots that are used again; the number of a
//! connection is never used again.

use super::connection::Connection;
use super::slot::{Links, Queue, Slot};
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::net::Segment;
use crate::time::Timestamp;
use foldhash::fast::RandomState;
use rustc_hash::FxHashMap;
use std::hash::BuildHasher as _;

#[derive(Clone, Copy, Debug)]
struct Ends {
    oldest: Slot,
    newest: Slot,
}

/// All connections.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Connection>,
    free: Vec<Slot>,
    /// The first connection with this hash. Keyed by the hash alone: the connections themselves hold the ends, and a
    /// table with the ends in it would be half of what a connection costs.
    by_hash: FxHashMap<u64, Slot>,
    /// With a secret of its own: whoever makes a capture cannot choose ends that have one hash.
    hasher: RandomState,
    by_id: FxHashMap<ConnectionId, Slot>,
    queues: [Ends; 2],
    /// The connection found last: packets come in bursts.
    recent: Slot,
}

impl Table {
    pub(super) fn new() -> Self {
        let empty = Ends { oldest: Slot::NONE, newest: Slot::NONE };
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_hash: FxHashMap::default(),
            hasher: RandomState::default(),
            by_id: FxHashMap::default(),
            queues: [empty; 2],
            recent: Slot::NONE,
        }
    }

    /// How many connections there are, tombstones included.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &Connection {
        &self.slots[slot.index()]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Connection {
        &mut self.slots[slot.index()]
    }

    /// The connection in `slot`, if it still is the one with that number.
    pub(super) fn get_if(&self, slot: Slot, id: ConnectionId) -> Option<&Connection> {
        self.slots.get(slot.index()).filter(|connection| connection.id() == id)
    }

    pub(super) fn slot_of(&self, id: ConnectionId) -> Option<Slot> {
        if self.get_if(self.recent, id).is_some() {
            return Some(self.recent);
        }
        self.by_id.get(&id).copied()
    }

    /// All numbers, in order.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        let mut ids: Vec<_> = self.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The connection on the two ends of a segment, and which way it goes.
    #[inline]
    pub(super) fn find(&mut self, segment: &Segment<'_>) -> Option<(Slot, Direction)> {
        match self.slots.get(self.recent.index()).and_then(|connection| direction_of(connection, segment)) {
            Some(direction) => Some((self.recent, direction)),
            None => self.look_up(segment),
        }
    }

    fn look_up(&mut self, segment: &Segment<'_>) -> Option<(Slot, Direction)> {
        let mut at = self.by_hash.get(&self.hash_of(segment.src, segment.dst)).copied()?;
        while at.is_some() {
            let connection = self.get(at);
            if let Some(direction) = direction_of(connection, segment) {
                self.recent = at;
                return Some((at, direction));
            }
            at = connection.links.same_hash;
        }
        None
    }

    /// Adds a connection that `segment` belongs to.
    pub(super) fn insert(&mut self, mut connection: Connection, segment: &Segment<'_>, now: Timestamp) -> Slot {
        let hash = self.hash_of(segment.src, segment.dst);
        let id = connection.id();
        let slot = self.free.pop().unwrap_or_else(|| Slot::at(self.slots.len()));
        connection.links.same_hash = self.by_hash.insert(hash, slot).unwrap_or(Slot::NONE);
        if slot.index() == self.slots.len() {
            self.slots.push(connection);
        } else {
            self.slots[slot.index()] = connection;
        }
        self.by_id.insert(id, slot);
        self.enqueue(slot, Queue::Live, now);
        self.recent = slot;
        slot
    }

    /// Makes a connection unfindable by its ends: others may use them now.
    pub(super) fn detach(&mut self, slot: Slot) {
        self.dequeue(slot);
        let connection = self.get(slot);
        let (hash, same_hash) = (self.hash_of(connection.client(), connection.server()), connection.links.same_hash);
        let first = self.by_hash.get(&hash).copied().unwrap_or(Slot::NONE);
        if first == slot {
            if same_hash.is_some() {
                self.by_hash.insert(hash, same_hash);
            } else {
                self.by_hash.remove(&hash);
            }
            return;
        }
        let mut at = first;
        while at.is_some() && self.get(at).links.same_hash != slot {
            at = self.get(at).links.same_hash;
        }
        if at.is_some() {
            self.get_mut(at).links.same_hash = same_hash;
        }
    }

    /// Frees the slot of a detached connection.
    pub(super) fn remove(&mut self, slot: Slot) {
        if self.by_id.remove(&self.get(slot).id()).is_some() {
            self.free.push(slot);
        }
    }

    /// Whether it can still be found by its ends.
    pub(super) fn is_attached(&self, slot: Slot) -> bool {
        self.get(slot).links.queue != Queue::None
    }

    /// The one at the old end of a queue, and when it was last touched.
    pub(super) fn oldest(&self, queue: Queue) -> Option<(Slot, Timestamp)> {
        let slot = self.queues[Self::index(queue)?].oldest;
        slot.is_some().then(|| (slot, self.get(slot).links.touched))
    }

    /// Moves a live connection to the young end. Within one second the order does not matter enough to do so.
    #[inline]
    pub(super) fn touch(&mut self, slot: Slot, now: Timestamp) {
        const SECOND: i64 = 1_000_000_000;
        let links = &self.get(slot).links;
        if links.queue == Queue::Live && now.nanos_since(links.touched) >= SECOND {
            self.enqueue(slot, Queue::Live, now);
        }
    }

    /// Puts a connection at the young end of a queue, out of the one it is in.
    pub(super) fn enqueue(&mut self, slot: Slot, queue: Queue, now: Timestamp) {
        self.dequeue(slot);
        let Some(index) = Self::index(queue) else { return };
        let newest = self.queues[index].newest;
        let links = &mut self.get_mut(slot).links;
        (links.queue, links.touched, links.older, links.newer) = (queue, now, newest, Slot::NONE);
        self.queues[index].newest = slot;
        if newest.is_some() {
            self.get_mut(newest).links.newer = slot;
        } else {
            self.queues[index].oldest = slot;
        }
    }

    fn dequeue(&mut self, slot: Slot) {
        let Links { older, newer, queue, .. } = self.get(slot).links;
        let Some(index) = Self::index(queue) else { return };
        if older.is_some() {
            self.get_mut(older).links.newer = newer;
        } else {
            self.queues[index].oldest = newer;
        }
        if newer.is_some() {
            self.get_mut(newer).links.older = older;
        } else {
            self.queues[index].newest = older;
        }
        self.get_mut(slot).links.queue = Queue::None;
    }

    const fn index(queue: Queue) -> Option<usize> {
        match queue {
            Queue::None => None,
            Queue::Live => Some(0),
            Queue::Tombstones => Some(1),
        }
    }

    /// The same for both directions: a product has no order, and to bring the ends into one costs more than the hash.
    fn hash_of(&self, a: Endpoint, b: Endpoint) -> u64 {
        // Odd numbers, whose product loses nothing of either.
        let [a, b] = [a, b].map(|end| self.hasher.hash_one(end) | 1);
        a.wrapping_mul(b)
    }
}

/// Which way a segment goes on a connection that can be found by its ends, if they are those of the segment.
#[inline]
fn direction_of(connection: &Connection, segment: &Segment<'_>) -> Option<Direction> {
    let is_attached = connection.links.queue != Queue::None;
    connection.direction_of(segment).filter(|_| is_attached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::colliding;
    use std::collections::HashSet;

    /// Connections whose ends were made for it were all in one chain: 32,000 of them took ten seconds.
    #[test]
    fn ends_that_are_made_to_collide_do_not() {
        let table = Table::new();
        let server = Endpoint::new(std::net::Ipv6Addr::LOCALHOST.into(), 8899);
        for ends in colliding() {
            let hashes: HashSet<_> = ends.iter().map(|end| table.hash_of(*end, server)).collect();
            assert_eq!(hashes.len(), ends.len());
        }
    }
}
