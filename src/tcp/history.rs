//! Remembers delivered bytes for a while, so that a copy that comes later can be compared with them.
//!
//! The bytes of all streams share one ring; what is overwritten is forgotten, and a later copy of it goes unverified.

use super::log::{Log, Trail};
use super::run::{Difference, Origin, Run, difference, length64};
use crate::limits::{HISTORY_BYTES, HISTORY_BYTES_PER_DIRECTION};
use smallvec::SmallVec;

/// Runs remembered at most: with the typical frame of this protocol the ring of bytes is not full before that.
const RUNS: usize = 64 << 10;

/// Runs of one direction that are looked through for a copy.
const STEPS: u64 = 1 << 10;

/// The ring of delivered bytes.
#[derive(Debug)]
pub(super) struct History {
    /// Grows to [`HISTORY_BYTES`], then is overwritten from the start.
    ring: Vec<u8>,
    /// Where the next byte goes, counted without wrapping.
    written: u64,
    runs: Log<Remembered>,
}

#[derive(Clone, Copy, Debug)]
struct Remembered {
    offset: u64,
    /// Where in the ring, counted without wrapping.
    at: u64,
    length: usize,
    origin: Origin,
    /// How many runs of the same owner were remembered before.
    before: u64,
    /// A run of the same owner further back, for those who look for an old one: see [`History::jump_from`].
    jump: Jump,
}

/// Where an owner's earlier run is, and how many were remembered before that one.
#[derive(Clone, Copy, Debug, Default)]
struct Jump {
    to: Trail,
    before: u64,
}

impl Remembered {
    fn end(&self) -> u64 {
        self.offset + length64(self.length)
    }
}

impl History {
    pub(super) const fn new() -> Self {
        Self { ring: Vec::new(), written: 0, runs: Log::new(RUNS) }
    }

    /// Remembers what was delivered to the owner of `trail`.
    pub(super) fn remember(&mut self, trail: &mut Trail, run: Run<'_>) {
        // Of a very long run only the end could be compared later anyway.
        let run = if length64(run.bytes.len()) > HISTORY_BYTES_PER_DIRECTION {
            run.part(run.end() - HISTORY_BYTES_PER_DIRECTION, run.end())
        } else {
            run
        };
        let at = self.make_room(run.bytes.len());
        let start = Self::place(at);
        if start == self.ring.len() {
            // As for a log: what is not written to costs nothing.
            self.ring.reserve_exact(HISTORY_BYTES - start);
            self.ring.extend_from_slice(run.bytes);
        } else {
            self.ring[start..start + run.bytes.len()].copy_from_slice(run.bytes);
        }
        self.written = at + length64(run.bytes.len());
        let (before, jump) = self.jump_from(*trail);
        let entry = Remembered { offset: run.offset, at, length: run.bytes.len(), origin: run.origin, before, jump };
        self.runs.push(trail, entry);
    }

    /// How many runs are remembered behind `newest`, the one there included, and where the next one of its owner jumps.
    ///
    /// Jumps of equal length are joined to one of twice the length, as in a skew-binary list: so any run is reached in a
    /// number of jumps and steps that grows with the logarithm of its distance.
    #[inline]
    fn jump_from(&self, newest: Trail) -> (u64, Jump) {
        let Some((_, run)) = self.runs.get(newest) else { return (0, Jump::default()) };
        let near = Jump { to: newest, before: run.before };
        let jump = match self.runs.get(run.jump.to) {
            Some((_, far)) if run.before - far.before == far.before - far.jump.before => far.jump,
            _ => near,
        };
        (run.before + 1, jump)
    }

    /// Compares a later copy with what is remembered, in stream order.
    pub(super) fn compare(&self, trail: Trail, later: Run<'_>) -> SmallVec<[Difference; 1]> {
        let Some((_, newest)) = self.runs.get(trail) else { return SmallVec::new() };
        let mut found: SmallVec<[Difference; 1]> = self
            .runs
            .walk(self.newest_below(trail, later.end()))
            .take_while(|run| {
                run.end() > later.offset
                    && newest.before - run.before < STEPS
                    && run.end() + HISTORY_BYTES_PER_DIRECTION > newest.end()
            })
            .filter_map(|run| difference(self.recall(run)?, later))
            .collect();
        found.reverse();
        found
    }

    /// The newest run that begins before `end`: an owner's runs are in the order of its stream.
    fn newest_below(&self, trail: Trail, end: u64) -> Trail {
        std::iter::successors(Some(trail), |at| self.step_back(*at, end)).last().unwrap_or(trail)
    }

    /// From a run that begins at `end` or behind it, as far back as its jump leads without passing over the newest that does
    /// not.
    fn step_back(&self, at: Trail, end: u64) -> Option<Trail> {
        let (older, run) = self.runs.get(at).filter(|(_, run)| run.offset >= end)?;
        let is_behind = self.runs.get(run.jump.to).is_some_and(|(_, far)| far.offset >= end);
        Some(if is_behind { run.jump.to } else { older })
    }

    fn recall(&self, run: &Remembered) -> Option<Run<'_>> {
        if self.written - run.at > length64(HISTORY_BYTES) {
            return None;
        }
        let start = Self::place(run.at);
        Some(Run { offset: run.offset, bytes: self.ring.get(start..start + run.length)?, origin: run.origin })
    }

    /// Where a run of `length` goes: behind the last one, or at the start where it would not fit in one piece.
    fn make_room(&mut self, length: usize) -> u64 {
        let start = Self::place(self.written);
        if start + length <= HISTORY_BYTES {
            return self.written;
        }
        self.ring.resize(HISTORY_BYTES, 0);
        self.written + length64(HISTORY_BYTES - start)
    }

    fn place(at: u64) -> usize {
        usize::try_from(at % length64(HISTORY_BYTES)).unwrap_or(0)
    }
}

#[cfg(test)]
impl History {
    /// [`History::compare`] by a look at every run.
    fn compare_with_all(&self, trail: Trail, later: Run<'_>) -> Vec<Difference> {
        let runs = || self.runs.walk(trail).take(1 << 10);
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
        let (mut a, mut b) = (Trail::default(), Trail::default());
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
            let (mut trails, mut ends) = ([Trail::default(); 2], [0_u64; 2]);
            let bytes = [0; 400];
            for (owner, length, gap) in runs {
                let owner = usize::from(owner);
                history.remember(&mut trails[owner], run(ends[owner] + gap, &bytes[..length]));
                ends[owner] += gap + length64(length);
            }
            for (at, length) in copies {
                let later = [1; 400];
                for (trail, end) in trails.into_iter().zip(ends) {
                    let offset = length64(at.index(usize::try_from(end).unwrap() + 1));
                    let later = run(offset, &later[..length]);
                    prop_assert_eq!(history.compare(trail, later).to_vec(), history.compare_with_all(trail, later));
                }
            }
        }
    }

    #[test]
    fn an_old_copy_is_found_in_few_steps() {
        let mut history = History::new();
        let mut trail = Trail::default();
        for offset in 0..length64(RUNS) {
            history.remember(&mut trail, run(offset, b"+"));
        }
        let steps = std::iter::successors(Some(trail), |at| history.step_back(*at, 8)).skip(1).count();
        assert!(steps < 64, "{steps}");
    }
}
