//! Bytes at a place in a stream, where they came from, and how two copies of the same place differ.

use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;

/// The packet that bytes came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) packet: PacketNumber,
    pub(super) ts: Timestamp,
    /// Where in the packet the first byte stands.
    pub(super) at: u32,
}

impl Origin {
    /// The origin of the byte `count` further on.
    pub(super) fn advanced(self, count: usize) -> Self {
        Self { at: self.at.saturating_add(length32(count)), ..self }
    }

    /// Where `length` bytes from here stand.
    pub(super) fn range(self, length: usize) -> ByteRange {
        ByteRange { packet: self.packet, offset: self.at, length: length32(length) }
    }
}

/// Bytes at a place in a stream. Offsets are internal ones (see `half`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
    pub(super) origin: Origin,
}

impl Run<'_> {
    pub(super) fn end(&self) -> u64 {
        self.offset + length64(self.bytes.len())
    }

    /// The part from `from` to `to`, which may lie partly or wholly outside.
    pub(super) fn part(self, from: u64, to: u64) -> Self {
        let from = from.clamp(self.offset, self.end());
        let to = to.clamp(from, self.end());
        let (skip, stop) = (index(from - self.offset), index(to - self.offset));
        Self { offset: from, bytes: &self.bytes[skip..stop], origin: self.origin.advanced(skip) }
    }
}

/// How a later copy of bytes differs from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Stream offset of the first differing byte.
    pub(super) offset: u64,
    /// From the first to the last differing byte.
    pub(super) length: u32,
    pub(super) first: ByteRange,
    pub(super) later: ByteRange,
}

/// Compares two runs where they overlap.
pub(super) fn difference(first: Run<'_>, later: Run<'_>) -> Option<Difference> {
    let (from, to) = (first.offset.max(later.offset), first.end().min(later.end()));
    let (first, later) = (first.part(from, to), later.part(from, to));
    if first.bytes == later.bytes {
        return None;
    }
    let differs = |(a, b): (&u8, &u8)| a != b;
    let start = first.bytes.iter().zip(later.bytes).position(differs)?;
    let last = first.bytes.iter().zip(later.bytes).rposition(differs)?;
    let length = last - start + 1;
    Some(Difference {
        offset: first.offset + length64(start),
        length: length32(length),
        first: first.origin.advanced(start).range(length),
        later: later.origin.advanced(start).range(length),
    })
}

/// A length within a packet: a record is at most 16 MiB.
pub(super) fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A length in memory as a distance in a stream.
pub(super) fn length64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A distance within a run as an index.
pub(super) fn index(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(offset: u64, bytes: &[u8], packet: u64) -> Run<'_> {
        let origin = Origin { packet: PacketNumber(packet), ts: Timestamp::default(), at: 54 };
        Run { offset, bytes, origin }
    }

    #[test]
    fn a_difference_names_both_places() {
        assert_eq!(difference(run(10, b"abcdef", 1), run(12, b"cdefgh", 2)), None);
        assert_eq!(difference(run(10, b"abcdef", 1), run(16, b"x", 2)), None);
        assert_eq!(difference(run(10, b"abcdef", 1), run(3, b"x", 2)), None);
        let found = difference(run(10, b"abcdef", 1), run(11, b"bXdXf", 2));
        let at = |packet, offset| ByteRange { packet: PacketNumber(packet), offset, length: 3 };
        assert_eq!(found, Some(Difference { offset: 12, length: 3, first: at(1, 56), later: at(2, 55) }));
    }
}
