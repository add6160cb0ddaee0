//! The bytes of lines that are not yet written.
//!
//! Lines are made of a hundred small pieces, so that a piece has to be cheap: its place is found with one comparison with a
//! constant, and is written to with moves of a fixed size, of which some may go beyond its end. Knows no JSON.
#![expect(clippy::inline_always, reason = "a call costs more than most pieces, and constants have to be seen as such")]

use crate::output::digits::{ROOM, Room};
use crate::short;

/// More than is gathered before it is written and than nearly all lines are long. What does not fit moves on.
const WINDOW: usize = 96 << 10;
/// The longest constant.
const LONGEST: usize = 1 << 10;

/// Bytes that are kept, to be appended often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<const N: usize> {
    /// More than `N` where there were too many bytes.
    length: u8,
    bytes: [u8; N],
}

impl<const N: usize> Default for Piece<N> {
    fn default() -> Self {
        Self { length: 0, bytes: [0; N] }
    }
}

impl<const N: usize> From<&[u8]> for Piece<N> {
    fn from(bytes: &[u8]) -> Self {
        const { assert!(N < u8::MAX as usize, "so that there is a length for what is too long") };
        let mut piece = Self { length: u8::try_from(bytes.len()).unwrap_or(u8::MAX), bytes: [0; N] };
        if let Some(room) = piece.bytes.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
        }
        piece
    }
}

/// What is written last stands in a window of a fixed size, and what was there before it in front.
#[derive(Debug)]
pub(super) struct Buffer {
    window: Box<[u8; WINDOW]>,
    end: usize,
    before: Vec<u8>,
}

impl Default for Buffer {
    fn default() -> Self {
        // Made of a vector, since an array would be on the stack first.
        let window = vec![0; WINDOW].into_boxed_slice().try_into().expect("as many bytes as an array of that size");
        Self { window, end: 0, before: Vec::new() }
    }
}

impl Buffer {
    pub(super) fn as_bytes(&mut self) -> &[u8] {
        if self.before.is_empty() {
            return &self.window[..self.end];
        }
        self.move_on();
        &self.before
    }

    pub(super) fn len(&self) -> usize {
        self.before.len() + self.end
    }

    /// Forgets what is written and keeps the room.
    pub(super) fn clear(&mut self) {
        self.before.clear();
        self.end = 0;
    }

    #[cold]
    #[inline(never)]
    fn move_on(&mut self) {
        self.before.extend_from_slice(&self.window[..self.end]);
        self.end = 0;
    }

    /// Where the next `size` bytes go, [`WINDOW`] at most.
    #[inline(always)]
    fn place(&mut self, size: usize) -> usize {
        if self.end > WINDOW - size {
            self.move_on();
            return 0;
        }
        self.end
    }

    /// Appends one byte.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        let at = self.place(1);
        self.window[at] = byte;
        self.end = at + 1;
    }

    /// Appends bytes. Inlined, so that a constant costs a few moves and no call with a length.
    #[inline(always)]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > LONGEST {
            self.move_on();
            return self.before.extend_from_slice(bytes);
        }
        let at = self.place(bytes.len());
        self.window[at..at + bytes.len()].copy_from_slice(bytes);
        self.end = at + bytes.len();
    }

    /// Appends bytes of which there are few as a rule.
    #[inline(always)]
    pub(super) fn extend_short(&mut self, bytes: &[u8]) {
        if bytes.len() > LONGEST {
            return self.extend(bytes);
        }
        let at = self.place(bytes.len());
        short::copy(&mut self.window[at..at + bytes.len()], bytes);
        self.end = at + bytes.len();
    }

    /// Appends a piece that is kept, with moves of a fixed size; false where it was too long for that.
    #[inline(always)]
    #[must_use]
    pub(super) fn extend_piece<const N: usize>(&mut self, piece: &Piece<N>) -> bool {
        let length = usize::from(piece.length);
        if length > N {
            return false;
        }
        let at = self.place(N);
        if let Some(place) = self.window[at..].first_chunk_mut() {
            *place = piece.bytes;
        }
        self.end = at + length;
        true
    }

    /// What has been appended since the length was `begin`, as a piece to be kept.
    #[inline]
    pub(super) fn piece_from<const N: usize>(&mut self, begin: usize) -> Piece<N> {
        let start = begin.checked_sub(self.before.len());
        match start.and_then(|start| Some((start, self.window.get(start..)?.first_chunk()?))) {
            // With what stands behind it: a copy of a fixed size.
            Some((start, bytes)) => Piece { length: u8::try_from(self.end - start).unwrap_or(u8::MAX), bytes: *bytes },
            None => self.as_bytes()[begin..].into(),
        }
    }

    /// Appends a constant and behind it what `write` says to have written.
    #[inline(always)]
    pub(super) fn write(&mut self, front: &str, write: impl FnOnce(&mut Room) -> usize) {
        self.try_write(front, |room| Some(write(room)));
    }

    /// The same; appends nothing, not even the constant, where `write` says so.
    #[inline(always)]
    pub(super) fn try_write(&mut self, front: &str, write: impl FnOnce(&mut Room) -> Option<usize>) -> bool {
        let at = self.place(front.len() + ROOM);
        let (head, rest) = self.window[at..].split_at_mut(front.len());
        head.copy_from_slice(front.as_bytes());
        let Some(length) = rest.first_chunk_mut().and_then(write) else { return false };
        self.end = at + front.len() + length;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_length_stand_behind_one_another() {
        let letters: Vec<u8> = (b'a'..=b'z').cycle().take(300).collect();
        let (mut buffer, mut expected) = (Buffer::default(), Vec::new());
        for length in 0..letters.len() {
            buffer.extend_short(&letters[..length]);
            buffer.push(b'-');
            buffer.extend(&letters[..length]);
            let piece = Piece::<128>::from(&letters[..length]);
            if !buffer.extend_piece(&piece) {
                assert!(length > 128);
                buffer.extend(&letters[..length]);
            }
            buffer.write("front", |room| {
                room.fill(b'!');
                length.min(ROOM)
            });
            expected.extend(
                [
                    &letters[..length],
                    b"-",
                    &letters[..length],
                    &letters[..length],
                    b"front",
                    &[b'!'; 300][..length.min(ROOM)],
                ]
                .concat(),
            );
        }
        assert_eq!(buffer.as_bytes(), expected);
        buffer.clear();
        buffer.push(b'x');
        assert_eq!(buffer.as_bytes(), b"x");
    }
}
