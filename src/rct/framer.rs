//! A stream of bytes into frames, known non-frames, junk and gaps.
//!
//! What holds for every input:
//!
//! 1. The items do not depend on how the bytes were cut into pieces.
//! 2. No frame whose CRC verifies is lost to a broken one before it, whatever that one's length field says.
//! 3. A complete frame is handed out at once. None waits for bytes behind it, except while it is ambiguous, and then
//!    at most until the next start byte, a long silence, the end of the stream, or the limit.
//! 4. Every byte belongs to exactly one item; items are gapless in stream offset.
//! 5. Time is linear, and at most a frame's length of bytes is held.
//!
//! Keeps what cannot be decided yet; what bytes are is decided in `scan`. Knows no packets and no clock. Whoever knows
//! that nothing has come for a while says so with [`Framer::settle`].

use super::frame::{Item, WholeFrame};
use super::scan::Scan;
use super::verdict::Horizon;

/// How sure it is that nothing more comes soon, for [`Framer::settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The sender has paused for longer than it does inside a frame.
    Pause,
    /// Nobody would wait for the rest any more. What is cut still waits, unless a right frame stands in it.
    Long,
}

/// Why a stream ends, for [`Framer::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The sender closed it: what is cut was cut by the sender.
    Closed,
    /// The capture ended first: nobody is to blame for what is cut.
    Unseen,
}

/// Turns one direction of a connection into items. Push bytes, then take items until there are none.
#[derive(Debug, Default)]
pub struct Framer {
    /// The bytes not yet handed out, from `front` on.
    buffer: Vec<u8>,
    /// The first byte not yet handed out; `front <= buffer.len()`.
    front: usize,
    scan: Scan,
}

impl Framer {
    /// A framer for a stream whose beginning was captured.
    pub fn new() -> Self {
        Self::default()
    }

    /// A framer for a stream that began before the capture: it may start in the middle of a frame.
    pub fn midstream() -> Self {
        Self { scan: Scan::midstream(), ..Self::default() }
    }

    /// Takes the next bytes of the stream. All items are to be taken before the next call.
    pub fn push(&mut self, bytes: &[u8]) {
        self.keep(bytes);
        self.scan.horizon = Horizon::Open;
    }

    /// As [`Framer::push`], but what is complete in the bytes is lent from where they are: only the rest is copied.
    #[inline]
    pub fn items<'a>(&'a mut self, bytes: &'a [u8]) -> Items<'a> {
        let in_place = self.held() == 0;
        if !in_place {
            self.keep(bytes);
        }
        self.scan.horizon = Horizon::Open;
        Items { framer: self, rest: if in_place { bytes } else { &[] } }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.front > 0 {
            self.buffer.drain(..self.front);
            self.front = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Tells that the next `length` bytes are missing. What is held is handed out as it is, then the gap.
    pub fn gap(&mut self, length: u64) {
        self.scan.horizon = Horizon::End;
        self.scan.gap += length;
    }

    /// Tells that the sender has been silent: what is ambiguous only because more could come is decided.
    pub fn settle(&mut self, silence: Silence) {
        self.scan.horizon = match silence {
            Silence::Pause => Horizon::Quiet,
            Silence::Long => Horizon::Expired,
        };
    }

    /// Tells that the stream is over: what is held is handed out as it is.
    pub fn finish(&mut self, end: StreamEnd) {
        self.scan.horizon = Horizon::End;
        self.scan.end_unseen |= end == StreamEnd::Unseen;
    }

    /// Has what is held handed out as it is, because there is no room for more. What this spoils is nobody's fault. To be
    /// called when there are no more items; once there are none again, the memory is free.
    pub fn give_up(&mut self) {
        self.scan.horizon = Horizon::End;
        self.scan.out_of_step = true;
    }

    /// Frees memory that is not in use.
    pub fn shrink(&mut self) {
        if self.held() == 0 {
            *self = Self { scan: self.scan.renewed(), ..Self::default() };
        }
    }

    /// How many bytes are held because they cannot be decided yet.
    #[inline]
    pub fn held(&self) -> usize {
        self.buffer.len() - self.front
    }

    /// Stream offset of the next byte to be handed out.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.scan.offset
    }

    /// The next item, or `None` until more is known.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        let (item, length) = self.scan.next(&self.buffer[self.front..])?;
        self.front += length;
        Some(item)
    }
}

/// The items that some bytes complete, lent from there. What is left when this is dropped is kept by its framer.
#[derive(Debug)]
pub struct Items<'a> {
    framer: &'a mut Framer,
    /// The bytes not yet handed out, when the framer holds none before them.
    rest: &'a [u8],
}

impl Items<'_> {
    /// The next item where it is what nearly all are. A separator in front of it is passed over. Anything else is left to
    /// [`Items::next`].
    #[inline]
    pub fn next_whole(&mut self) -> Option<WholeFrame<'_>> {
        if self.rest.is_empty() {
            return None;
        }
        let (whole, raw) = self.framer.scan.take_whole(&mut self.rest)?;
        Some(self.framer.scan.lend(&whole, raw))
    }

    /// The next item, or `None` until more is known. Lent until the next call.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend")]
    pub fn next(&mut self) -> Option<Item<'_>> {
        if self.rest.is_empty() {
            return if self.framer.held() == 0 { None } else { self.framer.next_item() };
        }
        let (item, length) = self.framer.scan.next(self.rest)?;
        self.rest = &self.rest[length..];
        Some(item)
    }
}

impl Drop for Items<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.rest.is_empty() {
            self.framer.keep(self.rest);
        }
    }
}

#[cfg(test)]
#[path = "framer_tests.rs"]
mod tests;
