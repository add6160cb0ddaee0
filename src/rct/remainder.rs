//! Remainders: bytes that some firmware leaves in its output buffer and sends again in front of the next answer.

use crate::short::copy;

/// How many bytes of a frame's end are remembered. A remainder longer than this is reported as junk.
const TAIL_BYTES: usize = 64;

/// How many frames are remembered. The remainder is one of the frame just before; a second client's may lie between.
const FRAMES: usize = 4;

/// Shorter ones are met by chance too often.
const SHORTEST: usize = 2;

/// The ends of the last few frames of a stream.
#[derive(Clone, Debug)]
pub(super) struct Tails {
    ends: [[u8; TAIL_BYTES]; FRAMES],
    /// Bytes of each that are set, at its end; `lengths[n] <= TAIL_BYTES`.
    lengths: [usize; FRAMES],
    next: usize,
}

impl Default for Tails {
    fn default() -> Self {
        Self { ends: [[0; TAIL_BYTES]; FRAMES], lengths: [0; FRAMES], next: 0 }
    }
}

impl Tails {
    /// Takes a whole frame as it was on the wire.
    pub(super) fn remember(&mut self, raw: &[u8]) {
        let tail = &raw[raw.len().saturating_sub(TAIL_BYTES)..];
        copy(&mut self.ends[self.next][TAIL_BYTES - tail.len()..], tail);
        self.lengths[self.next] = tail.len();
        self.next = (self.next + 1) % FRAMES;
    }

    /// Whether one of the frames ends in `bytes`.
    pub(super) fn has(&self, bytes: &[u8]) -> bool {
        bytes.len() >= SHORTEST
            && self.ends.iter().zip(self.lengths).any(|(tail, length)| tail[TAIL_BYTES - length..].ends_with(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_one_of_the_last_frames_is_a_remainder() {
        let mut tails = Tails::default();
        for n in 0..6u8 {
            tails.remember(&[0x2b, 0x05, n, 0xaa, n]);
        }
        assert!(tails.has(&[0xaa, 5]) && tails.has(&[2, 0xaa, 2]));
        assert!(!tails.has(&[0xaa, 1]), "forgotten");
        assert!(!tails.has(&[5]), "too short to mean anything");
        assert!(!tails.has(&[0; 65]));
    }
}
