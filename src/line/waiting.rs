//! READs that nothing has happened to: they wait for their answers, and answers wait for those before them.
//!
//! Knows which there are and in what order. What is made of them is decided elsewhere (`shortcut`).

use super::contests::Contest;
use super::exchange::{ExchangeId, SightingId};
use super::ordinary::Ordinary;
use super::request::Ordinal;
use super::requests::grow;
use super::slab::At;
use crate::object::ObjectId;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// READs that nothing has happened to, fewer than a backlog.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// In the order in which they were made, from `first` up to `end`. What stands before and behind is room.
    places: Vec<Read>,
    first: usize,
    end: usize,
    /// None of them was made before.
    since: Option<Timestamp>,
    /// How many of them are about each subject, by the index of its place.
    counts: Vec<u8>,
    /// Answers for objects that several of them are for, all of one connection, in the order in which they came: they wait
    /// until there is one for each.
    pub(super) early: Vec<Early>,
}

/// Where the first one stands at most, before all move to the front again.
const BEHIND: usize = 16;

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) frame: Ordinary,
    pub(super) sighting: SightingId,
    pub(super) id: ExchangeId,
    pub(super) ordinal: Ordinal,
    /// The place of its connection among the members.
    pub(super) member: At,
    /// The place of what is known of its object.
    pub(super) subject: At,
}

impl Early {
    /// Whether it came after this READ, which it could be the answer to.
    pub(super) fn serves(&self, asked: &Read) -> bool {
        self.frame.object_id == asked.frame.object_id && self.sighting > asked.sighting
    }
}

impl Waiting {
    /// All that wait, in order.
    #[inline]
    pub(super) fn reads(&self) -> &[Read] {
        &self.places[self.first..self.end]
    }

    /// Whether a READ waits on this connection.
    pub(super) fn is_waiting(&self, member: At) -> bool {
        self.reads().iter().any(|read| read.member == member)
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
            && self.reads().iter().any(|read| read.member == member && read.frame.clock < moment)
    }

    /// One more waits, behind all others.
    #[expect(clippy::inline_always, reason = "so it is made where it stays, and not handed over")]
    #[inline(always)]
    pub(super) fn push(&mut self, read: Read) {
        let (clock, subject) = (read.frame.clock, read.subject);
        self.since = Some(self.since.map_or(clock, |since| since.min(clock)));
        grow(&mut self.counts, subject);
        self.counts[subject.index()] += 1;
        match self.places.get_mut(self.end) {
            Some(place) => *place = read,
            None => self.places.push(read),
        }
        self.end += 1;
    }

    /// The one at some place in the order, which is about this subject, waits no more.
    #[inline]
    pub(super) fn remove(&mut self, place: usize, subject: At) {
        if place > 0 {
            // The others keep their order.
            self.places[self.first..=self.first + place].rotate_right(1);
        }
        self.first += 1;
        self.counts[subject.index()] -= 1;
        self.tidy();
    }

    /// Takes out some of them, in order.
    pub(super) fn take(&mut self, is_meant: impl Fn(&Read) -> bool) -> SmallVec<[Read; 4]> {
        let mut taken = SmallVec::new();
        let mut kept = self.first;
        for at in self.first..self.end {
            let read = self.places[at];
            if is_meant(&read) {
                self.counts[read.subject.index()] -= 1;
                taken.push(read);
            } else {
                self.places[kept] = read;
                kept += 1;
            }
        }
        self.end = kept;
        self.tidy();
        taken
    }

    #[inline]
    fn tidy(&mut self) {
        if self.first == self.end {
            (self.first, self.end, self.since) = (0, 0, None);
        } else if self.first >= BEHIND {
            self.places.copy_within(self.first..self.end, 0);
            (self.first, self.end) = (0, self.end - self.first);
        }
    }

    /// Those for an object.
    pub(super) fn of(&self, object_id: ObjectId) -> impl Iterator<Item = &Read> {
        self.reads().iter().filter(move |read| read.frame.object_id == object_id)
    }

    /// The place in the order of the first one for an object. As a rule that is the first of all.
    #[inline]
    pub(super) fn first(&self, object_id: ObjectId) -> Option<usize> {
        let reads = self.reads();
        if reads.first()?.frame.object_id == object_id {
            return Some(0);
        }
        reads.iter().position(|read| read.frame.object_id == object_id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::slab::Slab;
    use super::*;
    use crate::endpoint::Direction;
    use crate::rct::Command;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Act {
        Push { object: u32, member: usize },
        RemoveFirst,
        Remove(prop::sample::Index),
        Take { object: u32 },
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (0..4_u32, 0..2_usize).prop_map(|(object, member)| Act::Push { object, member }),
            2 => Just(Act::RemoveFirst),
            3 => any::<prop::sample::Index>().prop_map(Act::Remove),
            1 => (0..4_u32).prop_map(|object| Act::Take { object }),
        ]
    }

    proptest! {
        /// So many that the first ones are far behind, and moved.
        #[test]
        fn it_holds_what_a_list_holds(acts in prop::collection::vec(act(), 1..600)) {
            let (mut waiting, mut model) = (Waiting::default(), Vec::<Read>::new());
            let places: Vec<At> = (0..4).scan(Slab::default(), |slab, thing| Some(slab.insert(thing))).collect();
            for (step, act) in (1..).zip(acts) {
                let clock = Timestamp::from_nanos(i64::from(step));
                match act {
                    Act::Push { object, member } => {
                        let way = (1, Direction::ToServer);
                        let read = Read {
                            frame: Ordinary::sample(way, Command::READ, ObjectId(object), &[], clock),
                            sighting: SightingId(step.into()),
                            id: ExchangeId(step.into()),
                            ordinal: Ordinal(step),
                            member: places[member],
                            subject: places[object as usize],
                        };
                        waiting.push(read);
                        model.push(read);
                    }
                    Act::Remove(_) | Act::RemoveFirst if model.is_empty() => {}
                    Act::RemoveFirst => waiting.remove(0, model.remove(0).subject),
                    Act::Remove(index) => {
                        let place = index.index(model.len());
                        waiting.remove(place, model.remove(place).subject);
                    }
                    Act::Take { object } => {
                        let taken = waiting.take(|read| read.frame.object_id == ObjectId(object));
                        let meant = model.extract_if(.., |read| read.frame.object_id == ObjectId(object));
                        prop_assert!(taken.iter().map(|read| read.id).eq(meant.map(|read| read.id)));
                    }
                }
                prop_assert!(waiting.reads().iter().map(|read| read.id).eq(model.iter().map(|read| read.id)));
                for object in 0..4 {
                    let is_it = |read: &&Read| read.frame.object_id == ObjectId(object);
                    let count = usize::from(waiting.count(places[object as usize]));
                    prop_assert_eq!(count, model.iter().filter(is_it).count());
                    prop_assert_eq!(waiting.first(ObjectId(object)), model.iter().position(|read| is_it(&read)));
                }
                for (member, before) in [(0, 0), (1, step / 2), (0, step)] {
                    let (member, before) = (places[member], Timestamp::from_nanos(before.into()));
                    let any = model.iter().any(|read| read.member == member && read.frame.clock < before);
                    prop_assert_eq!(waiting.any_before(before, member), any);
                }
            }
        }
    }
}
