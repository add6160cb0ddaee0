//! What a line knows of one object at one address: what it is, what was last said of it, what is remembered of it.
//!
//! Every frame is about one, so all of it is found with one look. Knows nothing of who asks.

use super::exchange::Sighting;
use super::memory::{Memory, TOGETHER};
use super::nature::Nature;
use super::ordinary::Ordinary;
use super::request::Key;
use super::slab::{At, Slab};
use super::trace::Trace;
use super::writes::LastWrite;
use crate::endpoint::ConnectionId;
use crate::limits::REMEMBERED_OBJECTS_PER_DEVICE;
use crate::loan::Loan;
use crate::rct::registry::{ObjectPlace, Registry};
use foldhash::HashMap;

/// Memories of each kind per line; objects are some 900, an attacker's are more.
const REMEMBERED: usize = 8192;

/// Subjects per line: more than all kinds of memory and all open requests together can be about.
const MOST: usize = 6 * REMEMBERED;

/// A line with so many subjects is worth a list of all objects there are: not one of those of a flood.
const BUSY: usize = 32;

/// The last answer given for an object.
#[derive(Debug)]
pub(super) struct LastAnswer {
    pub(super) trace: Trace,
    /// The connection that had asked.
    pub(super) owner: ConnectionId,
}

/// What is remembered of one object at one address.
#[derive(Debug, Default)]
pub(super) struct Subject {
    answered: Option<LastAnswer>,
    /// A request that timed out, to recognise an answer that comes later still.
    expired: Option<Box<Trace>>,
    /// The last WRITE to it.
    written: Option<Box<LastWrite>>,
    /// The longest text seen, to recognise one that was cut.
    longest: Option<usize>,
    /// Registered for periodic sending, if all was not ended since.
    subscribed: Option<u64>,
}

/// The subjects of a line.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    slab: Slab<Subject>,
    /// What each is, by the index of its place: apart from what is remembered, since that is all that most requests need, and
    /// so small that it stays in the nearest cache.
    natures: Vec<Nature>,
    by_key: HashMap<Key, At>,
    /// The same for objects without an address, by their place in the registry, as far as they were asked for so.
    by_place: Vec<Option<At>>,
    /// The room for [`TOGETHER`] each, where it could be had.
    room: Vec<Option<Loan>>,
    /// How many have each kind of memory.
    answered: usize,
    expired: usize,
    written: usize,
    longest: usize,
    subscribed: usize,
    /// How often all subscriptions have been ended.
    endings: u64,
}

impl Subjects {
    /// The place of what is known of an object, which may be one of the registry. `is_asked`: whether a request is about the
    /// one at some place.
    #[inline]
    pub(super) fn place(
        &mut self,
        (key, object): (Key, Option<ObjectPlace>),
        known: (&Registry, &Memory),
        is_asked: impl Fn(At) -> bool,
    ) -> At {
        if let (Some(object), None) = (object, key.address) {
            if let Some(Some(place)) = self.by_place.get(object.index()) {
                return *place;
            }
            return self.meet_known(object, key, known, is_asked);
        }
        self.find_or_meet(key, known, is_asked)
    }

    #[inline(never)]
    fn find_or_meet(&mut self, key: Key, known: (&Registry, &Memory), is_asked: impl Fn(At) -> bool) -> At {
        match self.by_key.get(&key) {
            Some(place) => *place,
            None => self.meet(key, known, is_asked),
        }
    }

    #[cold]
    fn meet_known(
        &mut self,
        object: ObjectPlace,
        key: Key,
        known: (&Registry, &Memory),
        is_asked: impl Fn(At) -> bool,
    ) -> At {
        let place = self.find_or_meet(key, known, is_asked);
        if self.by_key.len() >= BUSY {
            if self.by_place.len() <= object.index() {
                self.by_place.resize(object.index() + 1, None);
            }
            self.by_place[object.index()] = Some(place);
        }
        place
    }

    #[cold]
    fn meet(&mut self, key: Key, (registry, memory): (&Registry, &Memory), is_asked: impl Fn(At) -> bool) -> At {
        if self.by_key.len() >= MOST {
            self.sweep(&is_asked);
        }
        if self.lacks_room() {
            self.find_room(memory, is_asked);
        }
        let place = self.slab.insert(Subject::default());
        if self.natures.len() <= place.index() {
            self.natures.resize(place.index() + 1, Nature::UNKNOWN);
        }
        self.natures[place.index()] = Nature::of(registry, key.object_id);
        self.by_key.insert(key, place);
        place
    }

    fn lacks_room(&self) -> bool {
        let places = REMEMBERED_OBJECTS_PER_DEVICE + TOGETHER * self.room.len();
        self.slab.is_full() && self.slab.next_place().index() > places
    }

    /// Room for further subjects. Where other lines have all there is, what is remembered here is lost, but for what requests
    /// are about: if that is all, these need room anyway, and there are not many.
    fn find_room(&mut self, memory: &Memory, is_asked: impl Fn(At) -> bool) {
        let room = memory.lend_subjects();
        if room.is_none() {
            self.slab.iter_mut().for_each(|subject| *subject = Subject::default());
            [self.answered, self.expired, self.written, self.longest, self.subscribed] = [0; 5];
            self.sweep(is_asked);
        }
        if room.is_some() || self.slab.is_full() {
            self.room.push(room);
        }
    }

    /// The place of what is known of an object, if anything is.
    pub(super) fn find(&self, key: Key) -> Option<At> {
        self.by_key.get(&key).copied()
    }

    pub(super) fn nature(&self, place: At) -> &Nature {
        self.natures.get(place.index()).unwrap_or(&Nature::UNKNOWN)
    }

    /// The last answer given for it.
    pub(super) fn answered(&self, place: At) -> Option<&LastAnswer> {
        self.slab.get(place)?.answered.as_ref()
    }

    /// Takes note of an answer that `owner` had asked for.
    pub(super) fn remember_answer(&mut self, place: At, frame: &Sighting, owner: ConnectionId, memory: &Memory) {
        let follow = |trace: &mut Trace| trace.follow(frame, memory);
        self.remember_traced(place, owner, follow, || Trace::of(frame, memory));
    }

    /// The same of an ordinary one, that the connection which it came on had asked for.
    #[inline]
    pub(super) fn remember_ordinary(&mut self, place: At, frame: &Ordinary) {
        let follow = |trace: &mut Trace| trace.follow_ordinary(frame);
        self.remember_traced(place, frame.connection, follow, || Trace::of_ordinary(frame));
    }

    /// `follow` makes the trace of the last answer that of this one, `make` makes one where there is none.
    #[inline]
    fn remember_traced(
        &mut self,
        place: At,
        owner: ConnectionId,
        follow: impl FnOnce(&mut Trace),
        make: impl FnOnce() -> Trace,
    ) {
        make_room(&mut self.answered, &mut self.slab, |subject| subject.answered = None);
        let Some(subject) = self.slab.get_mut(place) else { return };
        if let Some(last) = &mut subject.answered {
            follow(&mut last.trace);
            last.owner = owner;
        } else {
            subject.answered = Some(LastAnswer { trace: make(), owner });
            self.answered += 1;
        }
    }

    /// The last WRITE to it.
    pub(super) fn written(&self, place: At) -> Option<&LastWrite> {
        self.slab.get(place)?.written.as_deref()
    }

    pub(super) fn remember_write(&mut self, place: At, write: LastWrite) {
        make_room(&mut self.written, &mut self.slab, |subject| subject.written = None);
        let Some(subject) = self.slab.get_mut(place) else { return };
        self.written += usize::from(subject.written.replace(Box::new(write)).is_none());
    }

    pub(super) fn remember_expired(&mut self, place: At, request: Trace) {
        make_room(&mut self.expired, &mut self.slab, |subject| subject.expired = None);
        let Some(subject) = self.slab.get_mut(place) else { return };
        self.expired += usize::from(subject.expired.replace(Box::new(request)).is_none());
    }

    /// The request that timed out last, which is forgotten by that.
    pub(super) fn take_expired(&mut self, place: At) -> Option<Trace> {
        let request = self.slab.get_mut(place)?.expired.take()?;
        self.expired -= 1;
        Some(*request)
    }

    /// The length of the longest text seen, one of `length` being the latest.
    pub(super) fn longest(&mut self, place: At, length: usize) -> usize {
        make_room(&mut self.longest, &mut self.slab, |subject| subject.longest = None);
        let Some(subject) = self.slab.get_mut(place) else { return length };
        let longest = subject.longest.map_or(length, |longest| longest.max(length));
        self.longest += usize::from(subject.longest.replace(longest).is_none());
        longest
    }

    pub(super) fn is_subscribed(&self, place: At) -> bool {
        self.slab.get(place).is_some_and(|subject| subject.subscribed == Some(self.endings))
    }

    pub(super) fn subscribe(&mut self, place: At) {
        if self.subscribed >= REMEMBERED {
            self.end_subscriptions();
        }
        let Some(subject) = self.slab.get_mut(place) else { return };
        self.subscribed += usize::from(subject.subscribed.replace(self.endings) != Some(self.endings));
    }

    pub(super) fn end_subscriptions(&mut self) {
        self.endings += 1;
        self.subscribed = 0;
    }

    /// Forgets those that nothing is remembered of.
    fn sweep(&mut self, is_asked: impl Fn(At) -> bool) {
        self.by_place.clear();
        self.by_key.retain(|_, place| {
            let kept = is_asked(*place)
                || self.slab.get(*place).is_some_and(|subject| {
                    subject.answered.is_some()
                        || subject.expired.is_some()
                        || subject.written.is_some()
                        || subject.longest.is_some()
                        || subject.subscribed == Some(self.endings)
                });
            if !kept {
                self.slab.remove(*place);
            }
            kept
        });
    }
}

/// Where there are too many memories of a kind, all of them are lost.
fn make_room(count: &mut usize, subjects: &mut Slab<Subject>, forget: impl FnMut(&mut Subject)) {
    if *count >= REMEMBERED {
        subjects.iter_mut().for_each(forget);
        *count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectId;

    fn key(number: u32) -> Key {
        Key { object_id: ObjectId(number), address: None }
    }

    /// Those of the registry are found by their place in it. Whether that is known makes no difference, nor what became of them
    /// since; with an address, an object is another one.
    #[test]
    fn known_objects_are_found_as_all_others_are() {
        let (mut subjects, registry, memory) = (Subjects::default(), Registry::builtin(), Memory::default());
        let known: Vec<_> = registry.objects().map(|object| (object.id, registry.place(object.id))).collect();
        for round in 0..3 {
            for &(id, known) in &known {
                let plain = key(id.0);
                let plant = Key { address: Some(7), ..plain };
                let places = [(plain, known), (plain, None), (plain, known), (plant, known)]
                    .map(|object| subjects.place(object, (registry, &memory), |_| false));
                assert_eq!(Some(places[0]), subjects.find(plain), "{id}");
                assert_eq!(Some(places[3]), subjects.find(plant), "{id}");
                assert!(places[0] == places[1] && places[0] == places[2] && places[0] != places[3], "{id}");
                assert!(subjects.nature(places[0]).is_known, "{id}");
            }
            subjects.sweep(|place| round == 0 && place.index() % 3 == 0);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut subjects, registry, memory) = (Subjects::default(), Registry::default(), Memory::default());
        for number in 0..200_000 {
            let place = subjects.place((key(number), None), (&registry, &memory), |_| false);
            assert!(!subjects.is_subscribed(place));
            subjects.subscribe(place);
            assert_eq!(subjects.longest(place, 3), 3, "nothing of another object at this place before");
            assert!(subjects.is_subscribed(place));
            assert!(subjects.by_key.len() <= MOST && subjects.slab.next_place().index() <= MOST + 1);
            assert!(subjects.longest <= REMEMBERED && subjects.subscribed <= REMEMBERED);
        }
        let last = subjects.find(key(199_999)).expect("just met");
        assert_eq!((subjects.longest(last, 2), subjects.longest(last, 5)), (3, 5));
        subjects.end_subscriptions();
        assert!(!subjects.is_subscribed(last));
    }

    #[test]
    fn what_a_request_is_about_stays() {
        let (mut subjects, registry, memory) = (Subjects::default(), Registry::default(), Memory::default());
        let asked = subjects.place((key(1), None), (&registry, &memory), |_| false);
        for number in 2..100_000 {
            subjects.place((key(number), None), (&registry, &memory), |place| place == asked);
        }
        assert_eq!(subjects.find(key(1)), Some(asked));
        assert!(subjects.find(key(2)).is_none());
    }

    /// Two lines, and room for what one of them has: the other forgets over and over, but keeps what requests are about, and
    /// gets the room of the first one when that is forgotten.
    #[test]
    fn where_another_line_has_the_room_what_is_remembered_is_lost() {
        let (registry, memory) = (Registry::default(), Memory::of(0, 10 * TOGETHER));
        let [mut rich, mut poor] = [(); 2].map(|()| Subjects::default());
        for number in 0..1_000 {
            let place = rich.place((key(number), None), (&registry, &memory), |_| false);
            rich.longest(place, 3);
            assert!(rich.slab.next_place().index() <= REMEMBERED_OBJECTS_PER_DEVICE + 10 * TOGETHER + 1);
        }
        let asked = poor.place((key(0), None), (&registry, &memory), |_| false);
        for number in 1..1_000 {
            let place = poor.place((key(number), None), (&registry, &memory), |place| place == asked);
            poor.longest(place, 3);
            poor.subscribe(place);
            assert!(poor.is_subscribed(place) && poor.find(key(0)) == Some(asked));
            assert!(poor.by_key.len() <= REMEMBERED_OBJECTS_PER_DEVICE && poor.longest <= poor.by_key.len());
        }
        drop(rich);
        let before = poor.by_key.len();
        for number in 2_000..2_400 {
            poor.place((key(number), None), (&registry, &memory), |place| place == asked);
        }
        assert_eq!(poor.by_key.len(), before + 400);
    }

    #[test]
    fn open_requests_have_room_in_any_case() {
        let (mut subjects, registry, memory) = (Subjects::default(), Registry::default(), Memory::of(0, 0));
        for number in 0..1_000 {
            subjects.place((key(number), None), (&registry, &memory), |_| true);
        }
        assert!((0..1_000).all(|number| subjects.find(key(number)).is_some()));
    }
}
