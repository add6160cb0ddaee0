//! The bytes of one direction that came before their turn.
//!
//! Invariant: pieces do not overlap and none is empty. Which of two copies of a byte is kept is decided here, what that
//! means for the stream is decided in `half`.

use super::held::Account;
use super::run::{Difference, Origin, Run, difference, length64};
use crate::limits::PENDING_PIECE_OVERHEAD;
#[cfg(test)]
use crate::packet::PacketNumber;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes held until those before them have come.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    by_offset: BTreeMap<u64, Piece>,
    cost: usize,
}

/// A run of bytes that came out of one packet.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) origin: Origin,
    /// When it came, on the clock of timers.
    pub(super) since: Timestamp,
}

impl Piece {
    fn run_at(&self, offset: u64) -> Run<'_> {
        Run { offset, bytes: &self.bytes, origin: self.origin }
    }

    const fn cost(&self) -> usize {
        self.bytes.len() + PENDING_PIECE_OVERHEAD
    }
}

impl Pieces {
    pub(super) fn is_empty(&self) -> bool {
        self.by_offset.is_empty()
    }

    /// What all pieces cost, overhead included.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// Where the first piece starts, and since when it waits.
    pub(super) fn first(&self) -> Option<(u64, Timestamp)> {
        self.by_offset.first_key_value().map(|(offset, piece)| (*offset, piece.since))
    }

    /// The parts of `range` that no piece covers, in order.
    pub(super) fn uncovered(&self, range: Range<u64>) -> SmallVec<[Range<u64>; 2]> {
        let mut free = SmallVec::new();
        let mut at = range.start;
        for (offset, piece) in self.overlapping(&range) {
            if at < offset {
                free.push(at..offset);
            }
            at = at.max(piece.run_at(offset).end());
        }
        if at < range.end {
            free.push(at..range.end);
        }
        free
    }

    /// Where a later copy differs from what is held, in order.
    pub(super) fn compare(&self, later: Run<'_>) -> SmallVec<[Difference; 1]> {
        self.overlapping(&(later.offset..later.end()))
            .filter_map(|(offset, piece)| difference(piece.run_at(offset), later))
            .collect()
    }

    /// Holds a copy of `run`, which no piece may cover.
    pub(super) fn insert(&mut self, run: Run<'_>, since: Timestamp, held: &mut Account<'_>) {
        self.put(run.offset, Piece { bytes: run.bytes.to_vec(), origin: run.origin, since }, held);
    }

    /// Takes out the piece that starts at `offset`.
    pub(super) fn take(&mut self, offset: u64, held: &mut Account<'_>) -> Option<Piece> {
        let piece = self.by_offset.remove(&offset)?;
        self.cost -= piece.cost();
        held.release(piece.origin.packet, piece.cost());
        Some(piece)
    }

    /// Forgets what is held of `range`, to make place for a later copy.
    pub(super) fn cut_out(&mut self, range: &Range<u64>, held: &mut Account<'_>) {
        let touched: SmallVec<[u64; 4]> = self.overlapping(range).map(|(offset, _)| offset).collect();
        for offset in touched {
            let Some(piece) = self.take(offset, held) else { continue };
            let whole = piece.run_at(offset);
            for rest in [whole.part(offset, range.start), whole.part(range.end, whole.end())] {
                if !rest.bytes.is_empty() {
                    self.insert(rest, piece.since, held);
                }
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self, held: &mut Account<'_>) {
        for piece in std::mem::take(&mut self.by_offset).into_values() {
            held.release(piece.origin.packet, piece.cost());
        }
        self.cost = 0;
    }

    /// The packets that they came out of.
    #[cfg(test)]
    pub(super) fn packets(&self) -> impl Iterator<Item = PacketNumber> {
        self.by_offset.values().map(|piece| piece.origin.packet)
    }

    fn put(&mut self, offset: u64, piece: Piece, held: &mut Account<'_>) {
        debug_assert!(!piece.bytes.is_empty());
        self.cost += piece.cost();
        held.charge(piece.origin.packet, piece.cost());
        self.by_offset.insert(offset, piece);
    }

    fn overlapping(&self, range: &Range<u64>) -> impl Iterator<Item = (u64, &Piece)> {
        // Of the pieces that start before the range, only the last can reach into it.
        let before = self.by_offset.range(..range.start).next_back();
        let inside = self.by_offset.range(range.start..range.end.max(range.start));
        let start = range.start;
        before
            .filter(move |(offset, piece)| *offset + length64(piece.bytes.len()) > start)
            .into_iter()
            .chain(inside)
            .map(|(offset, piece)| (*offset, piece))
    }
}
