//! The latest requests of a connection, what became of them, and which of them a new one repeats.

use super::request::{Handle, Key, Ordinal};
use crate::rct::Command;
use crate::time::{Span, Timestamp};
use foldhash::fast::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

/// Requests remembered, to recognise repeated ones. A client that asks more in one go is not recognised repeating.
const REMEMBERED: u8 = 64;

/// So many more are kept, so that the oldest ones are thrown away together.
const THROWN_AWAY: u8 = 64;

/// Who asks more often than this cannot be told from who repeats what failed.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Pending,
    Fine,
    Failed,
}

/// The latest requests of a connection.
#[derive(Debug)]
pub(super) struct Asked {
    /// They, and a few before them, in the order in which they were made.
    entries: Vec<Entry>,
    /// How many of them did not go well, or have not yet.
    doubtful: usize,
    /// None of those was made before.
    doubtful_since: Timestamp,
    /// The number of the next one.
    next: Ordinal,
    hasher: RandomState,
}

/// A request as it is remembered.
#[derive(Debug)]
struct Entry {
    /// `None` while the request has no place among the others.
    handle: Option<Handle>,
    question: Question,
    clock: Timestamp,
    fate: Fate,
    /// When its fate was known.
    settled: Timestamp,
}

/// A hash over all that makes two requests the same, with a secret: nothing else is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question(u64);

/// A request that was made before, and did not go well so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    /// It failed, and is asked again because of that: neither long after it, nor as the next of a series.
    Failed,
    /// What becomes of it is not known yet.
    Pending {
        first: Handle,
        /// Whether it is a retry in case that the first one fails.
        is_retry: bool,
    },
}

impl Default for Asked {
    fn default() -> Self {
        let (entries, doubtful_since) = (Vec::new(), Timestamp::LATEST);
        Self { entries, doubtful: 0, doubtful_since, next: Ordinal::FIRST, hasher: RandomState::default() }
    }
}

impl Asked {
    /// What makes a request the same as another.
    #[inline]
    pub(super) fn question(&self, key: Key, command: Command, payload: &[u8]) -> Question {
        let head = (key, command);
        Question(if payload.is_empty() { self.hasher.hash_one(head) } else { self.hasher.hash_one((head, payload)) })
    }

    /// Takes note of a request, and gives it a number.
    #[inline]
    pub(super) fn note(&mut self, question: Question, handle: Option<Handle>, clock: Timestamp) -> Ordinal {
        let number = self.next;
        self.next = Ordinal(number.0.wrapping_add(1));
        if self.entries.len() == usize::from(REMEMBERED + THROWN_AWAY) {
            self.throw_away();
        }
        self.doubt(clock);
        self.entries.push(Entry { handle, question, clock, fate: Fate::Pending, settled: clock });
        number
    }

    #[cold]
    fn throw_away(&mut self) {
        let thrown_away = self.entries.drain(..usize::from(THROWN_AWAY));
        let doubtful = thrown_away.filter(|entry| entry.fate != Fate::Fine).count();
        self.settle(doubtful);
    }

    /// One more that was made at this time is in doubt.
    #[inline]
    fn doubt(&mut self, clock: Timestamp) {
        self.doubtful += 1;
        self.doubtful_since = self.doubtful_since.min(clock);
    }

    /// So many of those in doubt are no more.
    #[inline]
    fn settle(&mut self, count: usize) {
        self.doubtful -= count;
        if self.doubtful == 0 {
            self.doubtful_since = Timestamp::LATEST;
        }
    }

    /// The same request before one at `clock`, if the client has asked nothing else since it saw that one fail, or may see it.
    /// `one_go`: requests so close together were sent in one go. `reach`: what comes later than this after a failure is no
    /// retry.
    #[inline]
    pub(super) fn repeated(&self, question: Question, clock: Timestamp, one_go: Span, reach: Span) -> Option<Repeated> {
        // As a rule all earlier ones went well.
        if self.doubtful_since >= clock.saturating_sub(one_go) {
            return None;
        }
        self.look_back(question, clock, one_go, reach)
    }

    fn look_back(&self, question: Question, clock: Timestamp, one_go: Span, reach: Span) -> Option<Repeated> {
        let same = |entry: &Entry| entry.question == question;
        let mut earlier = self.recent().iter().rev();
        let this_go = clock.saturating_sub(one_go);
        // What is asked twice in one go is no repetition but two requests.
        let last = loop {
            let entry = earlier.next()?;
            if entry.clock < this_go {
                break entry;
            }
            if same(entry) {
                return None;
            }
        };
        let last_go = last.clock.saturating_sub(one_go);
        let mut first = last;
        while !same(first) {
            first = earlier.next().filter(|entry| entry.clock >= last_go)?;
        }
        let before = || self.recent().iter().rev().filter(|other| same(other) && other.clock < first.clock);
        let is_next = || is_series(clock, first.clock, before());
        match first.fate {
            Fate::Fine => None,
            Fate::Failed => (clock.is_within(reach, first.settled) && !is_next()).then_some(Repeated::Failed),
            Fate::Pending => Some(Repeated::Pending { first: first.handle?, is_retry: !is_next() }),
        }
    }

    fn recent(&self) -> &[Entry] {
        &self.entries[self.entries.len().saturating_sub(usize::from(REMEMBERED))..]
    }

    /// What became of a request is known since `at`.
    #[inline]
    pub(super) fn set_fate(&mut self, request: Ordinal, fate: Fate, at: Timestamp) {
        let Some(entry) = self.entry(request) else { return };
        let (was_doubtful, clock) = (entry.fate != Fate::Fine, entry.clock);
        entry.fate = fate;
        entry.settled = at;
        self.settle(usize::from(was_doubtful));
        if fate != Fate::Fine {
            self.doubt(clock);
        }
    }

    /// A request has got a place among the others.
    pub(super) fn set_handle(&mut self, request: Ordinal, handle: Handle) {
        if let Some(entry) = self.entry(request) {
            entry.handle = Some(handle);
        }
    }

    /// What is remembered of a request, if anything is.
    #[inline]
    fn entry(&mut self, request: Ordinal) -> Option<&mut Entry> {
        let ago = usize::try_from(self.next.0.wrapping_sub(request.0)).unwrap_or(usize::MAX);
        let place = self.entries.len().checked_sub(ago)?;
        self.entries.get_mut(place)
    }
}

/// Whether a request at `now` comes as the next of a series, `last` having been the last one: after the same time as
/// two of `before`, newest first, which went well, came one after the other.
fn is_series<'a>(now: Timestamp, last: Timestamp, mut before: impl Iterator<Item = &'a Entry>) -> bool {
    let pace = now.since(last);
    let mut later = last;
    pace >= SLOW_POLL
        && (0..2).all(|_| {
            before.next().is_some_and(|entry| {
                let gap = later.since(entry.clock);
                later = entry.clock;
                entry.fate == Fate::Fine && gap.abs_diff(pace) <= pace / 20
            })
        })
}

#[cfg(test)]
mod tests {
    use super::super::exchange::ExchangeId;
    use super::super::member::ONE_GO;
    use super::super::requests::Requests;
    use super::*;
    use crate::object::ObjectId;
    use proptest::prelude::*;

    const REACH: Duration = Duration::from_secs(5);

    fn handle(number: u64) -> Handle {
        Requests::default().next_handle(ExchangeId(number))
    }

    fn write(asked: &Asked, payload: &[u8]) -> Question {
        asked.question(Key { object_id: ObjectId(7), address: None }, Command::WRITE, payload)
    }

    /// `FxHasher` has the same hash for both payloads: what is multiplied with the bytes behind is zero.
    #[test]
    fn a_write_that_is_made_to_collide_with_another_repeats_nothing() {
        let collide = |behind: [u8; 8]| [0x243f_6a88_85a3_08d3_u64.to_le_bytes(), behind].concat();
        let payloads = [collide([0; 8]), collide([1; 8])];
        let fx = payloads.clone().map(|payload| rustc_hash::FxBuildHasher.hash_one(payload));
        assert_eq!(fx[0], fx[1], "they do collide");
        for (second, repeats) in [(0, true), (1, false)] {
            let mut asked = Asked::default();
            let mut ask = |seconds: u32, payload: &[u8]| {
                let clock = Timestamp::from_nanos(i64::from(seconds) * 1_000_000_000);
                let question = write(&asked, payload);
                let repeated = asked.repeated(question, clock, ONE_GO.into(), REACH.into());
                asked.note(question, Some(handle(seconds.into())), clock);
                repeated.is_some()
            };
            assert!(!ask(1, &payloads[0]));
            assert_eq!(ask(2, &payloads[second]), repeats);
        }
    }

    proptest! {
        /// Where nothing is in doubt, a look back finds nothing.
        #[test]
        fn who_looks_back_only_in_doubt_misses_nothing(
            acts in proptest::collection::vec((0..4_u8, 0..30_i64, prop_oneof![6 => Just(Fate::Fine), 1 => Just(Fate::Failed)], 0..9_u32), 1..300),
        ) {
            let (mut asked, mut clock) = (Asked::default(), 1_000_000_000);
            for (payload, ms, fate, ago) in acts {
                clock += (ms - 3) * 1_000_000;
                let now = Timestamp::from_nanos(clock);
                let question = write(&asked, &[payload]);
                let [short, long] = [Asked::repeated, Asked::look_back].map(|ask| ask(&asked, question, now, ONE_GO.into(), REACH.into()));
                prop_assert_eq!(short, long);
                let Ordinal(number) = asked.note(question, Some(handle(1)), now);
                asked.set_fate(Ordinal(number.saturating_sub(ago).max(1)), fate, now);
                let doubtful = asked.entries.iter().filter(|entry| entry.fate != Fate::Fine);
                prop_assert!(doubtful.clone().all(|entry| entry.clock >= asked.doubtful_since));
                prop_assert_eq!(doubtful.count(), asked.doubtful);
            }
        }

        /// Also where numbers wrap, and where a request is long forgotten.
        #[test]
        fn a_fate_is_that_of_its_request(
            first in prop_oneof![Just(1), (u32::MAX - 300)..=u32::MAX],
            count in 1..400_u64,
            ago in 0..400_usize,
        ) {
            let mut asked = Asked { next: Ordinal(first), ..Asked::default() };
            let mut ask = |number: u64| {
                let (question, handle) = (write(&asked, &[]), handle(number));
                (handle, asked.note(question, Some(handle), Timestamp::default()))
            };
            let requests: Vec<_> = (0..count).map(&mut ask).collect();
            let Some((handle, ordinal)) = requests.len().checked_sub(ago + 1).map(|at| requests[at]) else { return Ok(()) };
            asked.set_fate(ordinal, Fate::Failed, Timestamp::default());
            let failed: Vec<_> = asked.entries.iter().filter(|entry| entry.fate == Fate::Failed).collect();
            prop_assert!(failed.iter().all(|entry| entry.handle == Some(handle)));
            prop_assert!(failed.len() == 1 || ago >= usize::from(REMEMBERED), "{} of {count}", ago);
        }
    }
}
