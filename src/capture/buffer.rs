//! The buffer between an input and what is decoded from it.
//!
//! Knows nothing of what the bytes are. Nothing is copied but the start of a record that does not fit behind the
//! last whole one.

use std::ops::Range;

/// Bytes read but not yet consumed, in one piece.
#[derive(Debug)]
pub(super) struct Buffer {
    /// `start <= end <= bytes.len()`, and `bytes` is never empty.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity.max(1)], start: 0, end: 0 }
    }

    /// The bytes not yet consumed.
    #[inline]
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Leaves out the first `count` bytes.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// Some of the bytes not yet consumed, counted from the first of them.
    #[inline]
    pub(super) fn part(&self, part: &Range<usize>) -> &[u8] {
        self.bytes.get(self.start + part.start..self.start + part.end).unwrap_or_default()
    }

    /// Lets `read` add bytes once, on the way to `need` bytes in all. 0 is what `read` says at the end of its input.
    pub(super) fn fill<E>(
        &mut self,
        need: usize,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        self.make_room(need);
        let room = &mut self.bytes[self.end..];
        let most = room.len();
        let count = read(room)?.min(most);
        self.end += count;
        Ok(count)
    }

    /// Makes room for one more byte at least, and for `need` bytes in all where that takes no growing.
    fn make_room(&mut self, need: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.start > 0 && (self.end == self.bytes.len() || self.start.saturating_add(need) > self.bytes.len()) {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.bytes.len() {
            // Grows with what has come in, not with what a length field claims.
            let doubled = self.bytes.len().saturating_mul(2);
            self.bytes.resize(need.clamp(self.bytes.len() + 1, doubled), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn fill(buffer: &mut Buffer, need: usize, bytes: &[u8]) -> usize {
        let read = |room: &mut [u8]| -> Result<usize, Infallible> {
            let count = bytes.len().min(room.len());
            room[..count].copy_from_slice(&bytes[..count]);
            Ok(count)
        };
        buffer.fill(need, read).unwrap_or_else(|never| match never {})
    }

    #[test]
    fn grows_only_as_bytes_come_in() {
        let mut buffer = Buffer::new(4);
        for step in [4, 4, 8, 16] {
            assert_eq!(fill(&mut buffer, 1 << 20, &[7; 100]), step);
        }
        assert_eq!(buffer.data(), [7; 32]);
    }

    #[test]
    fn what_is_consumed_makes_room() {
        let mut buffer = Buffer::new(4);
        fill(&mut buffer, 1, b"abcd");
        assert_eq!(buffer.part(&(1..3)), b"bc");
        buffer.consume(3);
        assert_eq!(buffer.data(), b"d");
        fill(&mut buffer, 4, b"efg");
        assert_eq!(buffer.data(), b"defg");
    }

    #[test]
    fn a_reader_that_claims_too_much_does_no_harm() {
        let mut buffer = Buffer::new(4);
        assert_eq!(buffer.fill::<()>(1, |_| Ok(99)), Ok(4));
        buffer.consume(99);
        assert!(buffer.data().is_empty());
    }
}
