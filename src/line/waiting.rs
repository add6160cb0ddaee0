//! READs that nothing has happened to: they wait for their answers, and answers wait for those before them.
//!
//! Knows which there are and in what order. What is made of them is decided elsewhere (`shortcut`).

use super::contests::Contest;
use super::exchange::{ExchangeId, SightingId};
use super::ordinary::Ordinary;
use super::request::Ordinal;
use super::requests::grow;
use super::slab::{At, Slab};
use crate::object::ObjectId;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// READs that nothing has happened to, fewer than a backlog.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    reads: Slab<Read>,
    /// In which order they were made.
    pub(super) order: VecDeque<Turn>,
    /// None of them was made before.
    since: Option<Timestamp>,
    /// How many of them are about each subject, by the index of its place.
    counts: Vec<u8>,
    /// Answers for objects that several of them are for, all of one connection, in the order in which they came: they wait
    /// until there is one for each.
    pub(super) early: Vec<Early>,
}

/// Such an answer.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) contest: Contest,
    pub(super) frame: Ordinary,
    pub(super) sighting: SightingId,
    /// When the line began to work on it.
    pub(super) line_free: Timestamp,
}

/// Such a READ.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) id: ExchangeId,
    pub(super) frame: Ordinary,
    pub(super) sighting: SightingId,
    pub(super) ordinal: Ordinal,
}

/// The turn of such a READ: what every frame asks of all of them, and where it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) clock: Timestamp,
    pub(super) object_id: ObjectId,
    pub(super) member: At,
    pub(super) subject: At,
    pub(super) at: At,
}

impl Early {
    /// Whether it came after this READ, which it could be the answer to.
    pub(super) fn serves(&self, asked: &Read) -> bool {
        self.frame.object_id == asked.frame.object_id && self.sighting > asked.sighting
    }
}

impl Waiting {
    /// Whether a READ waits on this connection.
    pub(super) fn is_waiting(&self, member: At) -> bool {
        self.order.iter().any(|turn| turn.member == member)
    }

    /// How many READs wait for this object.
    #[inline]
    pub(super) fn count(&self, subject: At) -> u8 {
        self.counts.get(subject.index()).copied().unwrap_or(0)
    }

    /// Whether one of those of a connection was made before this moment.
    #[inline]
    pub(super) fn any_before(&self, moment: Timestamp, member: At) -> bool {
        self.since.is_some_and(|since| since < moment)
            && self.order.iter().any(|turn| turn.member == member && turn.clock < moment)
    }

    /// One more waits, behind all others.
    #[inline]
    pub(super) fn push(
        &mut self,
        (frame, sighting): (&Ordinary, SightingId),
        id: ExchangeId,
        (member, subject): (At, At),
        ordinal: Ordinal,
    ) {
        let (clock, object_id) = (frame.clock, frame.object_id);
        self.since = Some(self.since.map_or(clock, |since| since.min(clock)));
        grow(&mut self.counts, subject);
        self.counts[subject.index()] += 1;
        let at = self.reads.insert_with(|| Read { id, frame: *frame, sighting, ordinal });
        self.order.push_back(Turn { clock, object_id, member, subject, at });
    }

    /// The one at some place in the order waits no more.
    #[inline]
    pub(super) fn remove(&mut self, place: usize) {
        let turn = if place == 0 { self.order.pop_front() } else { self.order.remove(place) };
        if let Some(Turn { at, subject, .. }) = turn {
            self.reads.discard(at);
            self.counts[subject.index()] -= 1;
        }
        self.since.take_if(|_| self.order.is_empty());
    }

    /// Takes out some of them, in order.
    pub(super) fn take(&mut self, is_meant: impl Fn(&Turn) -> bool) -> SmallVec<[(Turn, Read); 4]> {
        let taken = self.order.iter().filter(|turn| is_meant(turn)).copied();
        let taken: SmallVec<[_; 4]> = taken.filter_map(|turn| Some((turn, self.reads.remove(turn.at)?))).collect();
        self.order.retain(|turn| !is_meant(turn));
        for (Turn { subject, .. }, _) in &taken {
            self.counts[subject.index()] -= 1;
        }
        self.since.take_if(|_| self.order.is_empty());
        taken
    }

    pub(super) fn get(&self, at: At) -> Option<&Read> {
        self.reads.get(at)
    }

    /// Those for an object.
    pub(super) fn of(&self, object_id: ObjectId) -> impl Iterator<Item = &Turn> {
        self.order.iter().filter(move |turn| turn.object_id == object_id)
    }

    /// The place in the order of the first one for an object. As a rule that is the first of all.
    #[inline]
    pub(super) fn first(&self, object_id: ObjectId) -> Option<usize> {
        if self.order.front()?.object_id == object_id {
            return Some(0);
        }
        self.order.iter().position(|turn| turn.object_id == object_id)
    }
}
