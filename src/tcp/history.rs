//! Remembers delivered bytes for a while, so that a copy that comes later can be compared with them.
//!
//! The bytes of all streams share one ring; what is overwritten is forgotten, and a later copy of it goes unverified.

use super::log::{Log, Trail};
use super::run::{Difference, Origin, Run, difference, index, length32, length64};
use crate::limits::{HISTORY_BYTES, HISTORY_BYTES_PER_DIRECTION};
use crate::packet::PacketNumber;
use crate::short::copy;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// Runs remembered at most: as many as are looked through in 8 directions ([`STEPS`]). With the typical frame of this protocol
/// the ring of bytes is not full before that.
const RUNS: usize = 8 << 10;

/// What the ring grows by at once. No run is longer, and the ring is a multiple of it.
const GROWTH: usize = 64 << 10;

/// Runs of one direction that are looked through for a copy.
const STEPS: u64 = 1 << 10;

/// Runs from one milestone to the next: the root of the above, for as many milestones as runs to be walked over.
const STRIDE: u64 = 1 << 5;

/// The ring of delivered bytes.
#[derive(Debug)]
pub(super) struct History {
    /// Grows to [`HISTORY_BYTES`], then is overwritten from the start.
    ring: Vec<u8>,
    /// Where the next byte goes, counted without wrapping.
    written: u64,
    runs: Log<Remembered>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Remembered {
    offset: u64,
    /// Where in the ring, counted without wrapping.
    at: u64,
    length: u32,
    /// Its origin, field by field: as one it would be written and then copied.
    packet_offset: u32,
    packet: PacketNumber,
    ts: Timestamp,
    /// How many runs of the same owner were remembered before.
    before: u64,
    /// The owner's last milestone before it.
    milestone: Trail,
}

/// Where an owner's newest run is. Every so many of them one is a milestone, for those who look for an old one: every
/// run knows the milestone before it, so that it is found by a walk over milestones and one from there on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past {
    newest: Trail,
    milestone: Trail,
    /// How many there have been.
    count: u64,
}

impl Remembered {
    fn end(&self) -> u64 {
        self.offset + u64::from(self.length)
    }

    fn origin(&self) -> Origin {
        Origin { packet: self.packet, ts: self.ts, at: self.packet_offset }
    }
}

impl History {
    pub(super) const fn new() -> Self {
        Self { ring: Vec::new(), written: 0, runs: Log::new(RUNS) }
    }

    /// Remembers what was delivered to the owner of `past`.
    #[expect(clippy::inline_always, reason = "as for its caller, which nearly all segments go through")]
    #[inline(always)]
    pub(super) fn remember(&mut self, past: &mut Past, run: Run<'_>) {
        if length64(run.bytes.len()) > HISTORY_BYTES_PER_DIRECTION {
            return self.remember_end(past, run);
        }
        let at = self.keep(run.bytes);
        let Past { milestone, count: before, .. } = *past;
        let (Run { offset, bytes, .. }, Origin { packet, ts, at: packet_offset }) = (run, run.origin);
        let length = length32(bytes.len());
        let remembered = Remembered { offset, at, length, packet_offset, packet, ts, before, milestone };
        self.runs.push(&mut past.newest, remembered);
        past.count += 1;
        if before.is_multiple_of(STRIDE) {
            past.milestone = past.newest;
        }
    }

    /// Of a very long run only the end could be compared later anyway.
    #[cold]
    #[inline(never)]
    fn remember_end(&mut self, past: &mut Past, run: Run<'_>) {
        self.remember(past, run.part(run.end() - HISTORY_BYTES_PER_DIRECTION, run.end()));
    }

    /// Compares a later copy with what is remembered, in stream order.
    pub(super) fn compare(&self, past: Past, later: Run<'_>) -> SmallVec<[Difference; 1]> {
        let Some((_, newest)) = self.runs.get(past.newest) else { return SmallVec::new() };
        let is_recent = |run: &Remembered| past.count - run.before <= STEPS;
        let mut found: SmallVec<[Difference; 1]> = self
            .runs
            .walk(self.newest_below(past, later.end()))
            .take_while(|run| {
                run.end() > later.offset && is_recent(run) && run.end() + HISTORY_BYTES_PER_DIRECTION > newest.end()
            })
            .filter_map(|run| difference(self.recall(run)?, later))
            .collect();
        found.reverse();
        found
    }

    /// The newest run that begins before `end`: an owner's runs are in the order of its stream. One that is not looked at
    /// any more, where that is further back.
    fn newest_below(&self, past: Past, end: u64) -> Trail {
        self.way_back(past, end).last().unwrap_or(past.newest)
    }

    fn way_back(&self, past: Past, end: u64) -> impl Iterator<Item = Trail> {
        let step = move |at: &Trail| {
            let (older, run) = self.runs.get(*at)?;
            if run.offset < end || past.count - run.before > STEPS {
                return None;
            }
            let is_behind = self.runs.get(run.milestone).is_some_and(|(_, far)| far.offset >= end);
            Some(if is_behind { run.milestone } else { older })
        };
        std::iter::successors(Some(past.newest), step)
    }

    fn recall(&self, run: &Remembered) -> Option<Run<'_>> {
        if self.written - run.at > length64(HISTORY_BYTES) {
            return None;
        }
        let start = Self::place(run.at);
        let bytes = self.ring.get(start..start + index(run.length.into()))?;
        Some(Run { offset: run.offset, bytes, origin: run.origin() })
    }

    /// Copies bytes to the ring, in one piece, and tells where they are.
    #[inline]
    fn keep(&mut self, bytes: &[u8]) -> u64 {
        let start = Self::place(self.written);
        if start + bytes.len() > self.ring.len() {
            self.make_room(bytes.len());
        }
        let (at, start) = (self.written, Self::place(self.written));
        if let Some(room) = self.ring.get_mut(start..start + bytes.len()) {
            copy(room, bytes);
        }
        self.written += length64(bytes.len());
        at
    }

    /// Goes back to the start of a ring that has too little room for a run of `length`, or lets it grow.
    #[cold]
    fn make_room(&mut self, length: usize) {
        let start = Self::place(self.written);
        if start + length > HISTORY_BYTES {
            self.written += length64(HISTORY_BYTES - start);
            self.ring.resize(HISTORY_BYTES, 0);
            return;
        }
        // As for a log: what is not written to costs nothing.
        self.ring.reserve_exact(HISTORY_BYTES - self.ring.len());
        self.ring.resize((start + length).next_multiple_of(GROWTH), 0);
    }

    fn place(at: u64) -> usize {
        usize::try_from(at % length64(HISTORY_BYTES)).unwrap_or(0)
    }
}

#[cfg(test)]
impl History {
    /// [`History::compare`] by a look at every run.
    fn compare_with_all(&self, past: Past, later: Run<'_>) -> Vec<Difference> {
        let runs = || self.runs.walk(past.newest).take(1 << 10);
        let reach = runs().next().map_or(0, Remembered::end);
        let near = runs().filter(|run| run.end() + HISTORY_BYTES_PER_DIRECTION > reach);
        let mut found: Vec<_> = near.filter_map(|run| difference(self.recall(run)?, later)).collect();
        found.reverse();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::PacketNumber;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    fn run(offset: u64, bytes: &[u8]) -> Run<'_> {
        Run { offset, bytes, origin: Origin { packet: PacketNumber(1), ts: Timestamp::default(), at: 0 } }
    }

    #[test]
    fn recent_bytes_are_compared_and_overwritten_ones_are_not() {
        let mut history = History::new();
        let (mut a, mut b) = (Past::default(), Past::default());
        history.remember(&mut a, run(0, b"hello "));
        history.remember(&mut b, run(0, b"other stream"));
        history.remember(&mut a, run(6, b"world"));
        assert!(history.compare(a, run(3, b"lo wor")).is_empty());
        let found = history.compare(a, run(3, b"LO WOR"));
        assert_eq!(found.iter().map(|difference| difference.offset).collect::<Vec<_>>(), [3, 6]);

        let filler = vec![0; 60_000];
        for number in 0..200 {
            history.remember(&mut b, run(number * 60_000, &filler));
        }
        assert!(history.compare(a, run(3, b"LO WOR")).is_empty(), "forgotten");
        assert_eq!(history.ring.len(), HISTORY_BYTES);
        assert_eq!(history.compare(b, run(199 * 60_000, b"\x01")).len(), 1);
        assert!(history.compare(b, run(197 * 60_000, b"\x01")).is_empty(), "too far back");
    }

    proptest! {
        #[test]
        fn what_is_compared_is_what_a_look_at_every_run_would_compare(
            runs in prop::collection::vec((any::<bool>(), 1_usize..200, 0_u64..3), 0..3_000),
            copies in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..400), 1..40),
        ) {
            let mut history = History::new();
            let (mut pasts, mut ends) = ([Past::default(); 2], [0_u64; 2]);
            let bytes = [0; 400];
            for (owner, length, gap) in runs {
                let owner = usize::from(owner);
                history.remember(&mut pasts[owner], run(ends[owner] + gap, &bytes[..length]));
                ends[owner] += gap + length64(length);
            }
            for (at, length) in copies {
                let later = [1; 400];
                for (past, end) in pasts.into_iter().zip(ends) {
                    let offset = length64(at.index(usize::try_from(end).unwrap() + 1));
                    let later = run(offset, &later[..length]);
                    prop_assert_eq!(history.compare(past, later).to_vec(), history.compare_with_all(past, later));
                }
            }
        }
    }

    #[test]
    fn an_old_copy_is_found_in_few_steps() {
        let mut history = History::new();
        let mut past = Past::default();
        for offset in 0..length64(RUNS) {
            history.remember(&mut past, run(offset, b"+"));
        }
        for end in [8, length64(RUNS) - STEPS, length64(RUNS) - STEPS + 1] {
            let steps = history.way_back(past, end).skip(1).count();
            assert!(steps <= 64, "{steps}");
        }
    }
}
