//! Answers that could belong to several requests. They wait until there is one for each request, or until the first request
//! has run out of time.
//!
//! Knows which answers wait, and between which requests. Whose each of them is in the end is decided elsewhere (`answers`,
//! `fate`).

use super::copies::Place;
use super::exchange::Sighting;
use super::request::{Answer, Key};
use crate::endpoint::ConnectionId;
use crate::time::Timestamp;
use foldhash::HashMap;
use smallvec::SmallVec;

/// The requests that an answer can belong to: those for one object, of all connections or, where nothing is copied, of
/// the one it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Contest {
    pub(super) key: Key,
    pub(super) within: Option<ConnectionId>,
}

/// An answer that could belong to several requests.
#[derive(Clone, Debug)]
pub(super) struct Contested {
    pub(super) contest: Contest,
    pub(super) answer: Answer,
    /// Its sightings behind the first: one of them may turn out to be the asking connection's.
    pub(super) seen: SmallVec<[Box<Sighting>; 2]>,
    /// Identifies the frame to whoever wants to know to which exchange it went.
    pub(super) place: Option<Place>,
}

/// All answers of a line that wait.
#[derive(Debug, Default)]
pub(super) struct Contests {
    objects: HashMap<Key, OfObject>,
    /// How many have come so far.
    count: u64,
}

/// Those about one object.
#[derive(Debug, Default)]
struct OfObject {
    /// With its number each, in the order in which they came.
    waiting: Vec<(u64, Contested)>,
    /// The latest of them.
    latest: Option<Timestamp>,
}

impl Contests {
    /// One more answer waits. What is known by now of who gets copies holds for those before it, too.
    pub(super) fn add(&mut self, contested: Contested) {
        let contest = contested.contest;
        let object = self.objects.entry(contest.key).or_default();
        if contest.within.is_none() {
            object.waiting.iter_mut().for_each(|(_, before)| before.contest = contest);
        }
        object.latest = object.latest.max(Some(contested.answer.first.clock));
        object.waiting.push((self.count, contested));
        self.count += 1;
    }

    /// How many answers there are in a contest.
    pub(super) fn count(&self, contest: Contest) -> usize {
        let object = self.objects.get(&contest.key);
        object.map_or(0, |object| object.waiting.iter().filter(|(_, contested)| contested.contest == contest).count())
    }

    /// Takes the answers of a contest, in the order in which they came.
    pub(super) fn take(&mut self, contest: Contest) -> Vec<Contested> {
        let Some(object) = self.objects.get_mut(&contest.key) else { return Vec::new() };
        let taken = object.waiting.extract_if(.., |(_, contested)| contested.contest == contest);
        let taken = taken.map(|(_, contested)| contested).collect();
        object.latest = object.waiting.iter().map(|(_, contested)| contested.answer.first.clock).max();
        if object.waiting.is_empty() {
            self.objects.remove(&contest.key);
        }
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The answer about `key` that stands at `place` among what may be copied.
    pub(super) fn find(&mut self, key: Key, place: Place) -> Option<&mut Contested> {
        let mut waiting = self.objects.get_mut(&key)?.waiting.iter_mut().map(|(_, contested)| contested);
        waiting.find(|contested| contested.place == Some(place))
    }

    /// When the last of the answers about `key` came that wait.
    pub(super) fn latest(&self, key: Key) -> Option<Timestamp> {
        self.objects.get(&key)?.latest
    }

    /// All contests, in the order of the first answer in each.
    pub(super) fn in_order(&self) -> Vec<Contest> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut first = HashMap::default();
        for (number, contested) in self.objects.values().flat_map(|object| &object.waiting) {
            first.entry(contested.contest).or_insert(*number);
        }
        let mut contests: Vec<_> = first.into_iter().collect();
        contests.sort_unstable_by_key(|(_, first)| *first);
        contests.into_iter().map(|(contest, _)| contest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::copies::Copies;
    use super::super::exchange::{Pairing, Sender};
    use super::*;
    use crate::object::ObjectId;
    use crate::rct::Command;
    use proptest::prelude::*;

    fn key(object: u32) -> Key {
        Key { object_id: ObjectId(object), address: None }
    }

    fn contested(object: u32, within: Option<u32>, clock: i64, place: Place) -> Contested {
        let clock = Timestamp::from_nanos(clock);
        let first = Sighting::sample(Sender::Device, 1, Command::RESPONSE, ObjectId(object), clock);
        let answer = Answer {
            first: Box::new(first),
            copies: SmallVec::new(),
            pairing: Pairing::Certain,
            line_free: Timestamp::EARLIEST,
            anomalies: Vec::new(),
        };
        let contest = Contest { key: key(object), within: within.map(ConnectionId) };
        Contested { contest, answer, seen: SmallVec::new(), place: Some(place) }
    }

    /// What tells one from another.
    fn known(contested: &Contested) -> (Contest, Timestamp, Option<Place>) {
        (contested.contest, contested.answer.first.clock, contested.place)
    }

    #[derive(Clone, Debug)]
    enum Act {
        Add { object: u32, within: Option<u32>, back: i64 },
        Take { object: u32, within: Option<u32> },
    }

    fn act() -> impl Strategy<Value = Act> {
        let (object, within) = (0..3_u32, proptest::option::of(0..2_u32));
        prop_oneof![
            3 => (object.clone(), within.clone(), 0..6_i64)
                .prop_map(|(object, within, back)| Act::Add { object, within, back }),
            1 => (object, within).prop_map(|(object, within)| Act::Take { object, within }),
        ]
    }

    proptest! {
        /// What is asked of them comes to what a look at a plain list of all of them comes to.
        #[test]
        fn contests_are_those_of_a_plain_list(acts in proptest::collection::vec(act(), 1..60)) {
            let (mut contests, mut list, mut copies) = (Contests::default(), Vec::<Contested>::new(), Copies::default());
            for (now, act) in (10_i64..).zip(acts) {
                match act {
                    Act::Add { object, within, back } => {
                        let number = u64::try_from(now).expect("positive");
                        let seen = super::super::exchange::SightingId(number);
                        let place = copies.remember(number, seen, ConnectionId(1), Timestamp::from_nanos(now));
                        let added = contested(object, within, now - back, place);
                        if within.is_none() {
                            let before = list.iter_mut().filter(|before| before.contest.key == key(object));
                            before.for_each(|before| before.contest = added.contest);
                        }
                        list.push(added.clone());
                        contests.add(added);
                    }
                    Act::Take { object, within } => {
                        let contest = Contest { key: key(object), within: within.map(ConnectionId) };
                        let (taken, kept): (Vec<_>, _) = list.drain(..).partition(|of| of.contest == contest);
                        list = kept;
                        prop_assert_eq!(contests.count(contest), taken.len());
                        prop_assert!(contests.take(contest).iter().map(known).eq(taken.iter().map(known)));
                    }
                }
                let mut in_order = Vec::new();
                for contested in &list {
                    if !in_order.contains(&contested.contest) {
                        in_order.push(contested.contest);
                    }
                    let place = contested.place.expect("each has one");
                    let found = contests.find(contested.contest.key, place).map(|found| known(found));
                    prop_assert_eq!(found, Some(known(contested)));
                }
                prop_assert_eq!(contests.in_order(), in_order);
                for object in 0..3 {
                    let of_object = list.iter().filter(|contested| contested.contest.key == key(object));
                    prop_assert_eq!(contests.latest(key(object)), of_object.map(|of| of.answer.first.clock).max());
                }
            }
        }
    }
}
