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
const STEPS: usize = 1 << 10;

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
}

impl History {
    pub(super) const fn new() -> Self {
        Self { ring: Vec::new(), written: 0, runs: Log::new(RUNS) }
    }

    /// Remembers what was delivered to the owner of `trail`.
    pub(super) fn remember(&mut self, trail: &mut Trail, run: Run<'_>) {
        // Of a very long run only the end could be compared later anyway.
        let run = run.part(run.end().saturating_sub(HISTORY_BYTES_PER_DIRECTION), run.end());
        let at = self.make_room(run.bytes.len());
        let start = Self::place(at);
        if start == self.ring.len() {
            self.ring.extend_from_slice(run.bytes);
        } else {
            self.ring[start..start + run.bytes.len()].copy_from_slice(run.bytes);
        }
        self.written = at + length64(run.bytes.len());
        let entry = Remembered { offset: run.offset, at, length: run.bytes.len(), origin: run.origin };
        self.runs.push(trail, entry);
    }

    /// Compares a later copy with what is remembered, in stream order.
    pub(super) fn compare(&self, trail: Trail, later: Run<'_>) -> SmallVec<[Difference; 1]> {
        let mut newest = None;
        let mut found: SmallVec<[Difference; 1]> = self
            .runs
            .walk(trail)
            .take(STEPS)
            .take_while(|run| {
                let end = run.offset + length64(run.length);
                let reach = *newest.get_or_insert(end);
                end > later.offset && end + HISTORY_BYTES_PER_DIRECTION > reach
            })
            .filter_map(|run| difference(self.recall(run)?, later))
            .collect();
        found.reverse();
        found
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
mod tests {
    use super::*;
    use crate::packet::PacketNumber;
    use crate::time::Timestamp;

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
}
