//! Copies: the hub sends every byte of the device to all its connections. One answer is one event with several
//! sightings; this module tells which sighting is a copy of which.

use super::exchange::{Sighting, SightingId};
use super::ordinary::Ordinary;
use super::request::Handle;
use crate::endpoint::ConnectionId;
use crate::limits::COPIES;
use crate::object::ObjectId;
use crate::rct::{Command, NonFrameKind};
use crate::time::Timestamp;
use foldhash::fast::RandomState;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use std::time::Duration;

/// How much later a copy may appear on a sibling connection: a lost segment costs a second or two on a bad path.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection may get a copy of what was on its way when it was opened.
const ACCEPTING: Duration = Duration::from_millis(100);

/// Frames remembered at once. A line makes some thirty a second at best; more is an attack.
const MOST: usize = 4096;

/// The place of a device frame in the order of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(u64);

/// One frame of the device, however often it was seen.
#[derive(Clone, Debug)]
pub(super) struct Original {
    /// Its first sighting.
    pub(super) sighting: SightingId,
    /// When it was seen first.
    pub(super) ts: Timestamp,
    /// The request it answers, once known.
    pub(super) exchange: Option<Handle>,
    /// The connection whose request it answers, once known.
    pub(super) owner: Option<ConnectionId>,
    /// Where it has been seen; with [`COPIES`] of them it counts as seen everywhere.
    seen: SmallVec<[ConnectionId; 4]>,
    content: u64,
}

impl Original {
    fn is_seen_on(&self, connection: ConnectionId) -> bool {
        self.seen.len() >= COPIES || self.seen.contains(&connection)
    }
}

/// The device frames of the last few seconds.
#[derive(Debug, Default)]
pub(super) struct Copies {
    originals: VecDeque<Original>,
    /// The place of `originals[0]`.
    first: u64,
    /// When the latest of them was seen.
    latest: Timestamp,
    /// The places of originals with the same content, in order.
    by_content: FxHashMap<u64, SmallVec<[Place; 2]>>,
    /// It has a secret: frames are told apart by a hash alone, and whoever makes a capture must not know two that have the
    /// same.
    hasher: RandomState,
}

impl Copies {
    /// A hash over all that makes two sightings the same frame.
    pub(super) fn identity(&self, frame: &Sighting) -> u64 {
        let object = (frame.object_id, frame.address);
        self.identity_of((frame.command, object), (frame.crc_read, frame.declared_length), &frame.payload)
    }

    /// The same of an ordinary one.
    fn identity_of_ordinary(&self, frame: &Ordinary) -> u64 {
        let object = (frame.object_id, None);
        self.identity_of((frame.command, object), (Some(frame.crc), frame.declared_length()), frame.payload())
    }

    fn identity_of(
        &self,
        what: (Command, (ObjectId, Option<u32>)),
        (crc, declared_length): (Option<u16>, u16),
        payload: &[u8],
    ) -> u64 {
        self.hasher.hash_one((what, crc, declared_length, payload))
    }

    /// A hash over bytes that are no frame.
    pub(super) fn bytes_identity(&self, kind: NonFrameKind, raw: &[u8]) -> u64 {
        self.hasher.hash_one((kind.name(), raw))
    }

    /// The earliest frame with this content that has not been seen on `connection`, which was open by then.
    ///
    /// `content` is a hash of all bytes of the frame, which was seen at `ts`.
    pub(super) fn find(
        &self,
        content: u64,
        connection: ConnectionId,
        opened: Timestamp,
        ts: Timestamp,
    ) -> Option<Place> {
        let may_be = |original: &Original| {
            // What has been too long ago may still be remembered, where nothing new has come.
            ts.is_within(PATIENCE, original.ts)
                && original.ts.saturating_add(ACCEPTING) >= opened
                && !original.is_seen_on(connection)
        };
        let places = self.by_content.get(&content)?;
        places.iter().copied().find(|place| self.get(*place).is_some_and(may_be))
    }

    /// Remembers a frame seen for the first time.
    pub(super) fn remember(
        &mut self,
        content: u64,
        sighting: SightingId,
        connection: ConnectionId,
        ts: Timestamp,
    ) -> Place {
        self.forget_before(ts);
        let place = Place(self.first + self.originals.len() as u64);
        let seen = SmallVec::from_slice(&[connection]);
        self.latest = self.latest.max(ts);
        self.originals.push_back(Original { sighting, ts, exchange: None, owner: None, seen, content });
        self.by_content.entry(content).or_default().push(place);
        place
    }

    /// Notes that the frame at `place` was seen on `connection` too.
    pub(super) fn mark(&mut self, place: Place, connection: ConnectionId) {
        if let Some(original) = self.get_mut(place) {
            original.seen.push(connection);
        }
    }

    /// Notes that what has been seen so far will not appear on `connection` any more: the capture lost bytes of it.
    pub(super) fn write_off(&mut self, connection: ConnectionId) {
        for original in self.originals.iter_mut().filter(|original| !original.is_seen_on(connection)) {
            original.seen.push(connection);
        }
    }

    pub(super) fn get(&self, place: Place) -> Option<&Original> {
        self.originals.get(self.index(place)?)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Original> {
        let index = self.index(place)?;
        self.originals.get_mut(index)
    }

    fn index(&self, place: Place) -> Option<usize> {
        usize::try_from(place.0.checked_sub(self.first)?).ok()
    }

    /// Whether what is seen at `ts` may be a copy of anything.
    pub(super) fn may_be_known(&self, ts: Timestamp) -> bool {
        !self.originals.is_empty() && ts.is_within(PATIENCE, self.latest)
    }

    /// Whether this may be a copy of anything.
    #[inline]
    pub(super) fn may_know(&self, frame: &Ordinary) -> bool {
        self.may_be_known(frame.clock) && self.by_content.contains_key(&self.identity_of_ordinary(frame))
    }

    fn forget_before(&mut self, now: Timestamp) {
        while let Some(oldest) = self.originals.front() {
            if now.is_within(PATIENCE, oldest.ts) && self.originals.len() < MOST {
                break;
            }
            if let Some(places) = self.by_content.get_mut(&oldest.content) {
                places.retain(|place| place.0 != self.first);
                if places.is_empty() {
                    self.by_content.remove(&oldest.content);
                }
            }
            self.originals.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: SightingId = SightingId(1);
    const A: ConnectionId = ConnectionId(1);
    const B: ConnectionId = ConnectionId(2);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn equal_frames_pair_in_order() {
        let mut copies = Copies::default();
        let first = copies.remember(7, F, A, at(0));
        let second = copies.remember(7, F, A, at(10));
        assert_eq!(copies.find(7, A, at(0), at(10)), None);
        assert_eq!(copies.find(7, B, at(0), at(10)), Some(first));
        copies.mark(first, B);
        assert_eq!(copies.find(7, B, at(0), at(10)), Some(second));
        assert_eq!(copies.find(8, B, at(0), at(10)), None);
    }

    #[test]
    fn a_connection_gets_no_copies_from_before_it_was_opened() {
        let mut copies = Copies::default();
        copies.remember(7, F, A, at(0));
        assert_eq!(copies.find(7, B, at(500), at(510)), None);
    }

    #[test]
    fn an_equal_frame_long_after_is_no_copy_even_if_nothing_else_came() {
        let mut copies = Copies::default();
        let first = copies.remember(7, F, A, at(0));
        assert_eq!(copies.find(7, B, at(0), at(5_000)), Some(first));
        assert_eq!(copies.find(7, B, at(0), at(5_001)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut copies = Copies::default();
        for n in 0..100_000 {
            copies.remember(n, F, A, at(0));
        }
        assert!(copies.originals.len() <= MOST && copies.by_content.len() <= MOST);
        copies.remember(1, F, A, at(60_000));
        assert_eq!((copies.originals.len(), copies.by_content.len()), (1, 1));
    }
}
