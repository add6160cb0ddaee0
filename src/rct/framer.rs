//! A stream of bytes into frames, known non-frames, junk and gaps.
//!
//! What holds for every input:
//!
//! 1. The items do not depend on how the bytes were cut into pieces.
//! 2. No frame whose CRC verifies is lost to a broken one before it, whatever that one's length field says.
//! 3. A complete frame is handed out at once. None waits for bytes behind it, except while it is ambiguous, and then
//!    at most until the next start byte, the end of the stream, or the limit.
//! 4. Every byte belongs to exactly one item; items are gapless in stream offset.
//! 5. Time is linear, and at most a frame's length of bytes is held.
//!
//! Knows no packets and no clock. Whoever knows that nothing has come for a while says so with [`Framer::settle`].

use super::candidate::{Extent, Horizon, Verdict, judge, read_plain};
use super::crc::checksum;
use super::encode::START;
use super::frame::{Frame, FrameStatus, Item, NonFrame, NonFrameKind};
use super::parse::{CRC_BYTES, fields};
use super::remainder::Tails;
use super::unescape::Unescaped;
use crate::limits::FRAME_BYTES;

const SEPARATOR: u8 = 0;
const KEEP_ALIVE: &[u8] = b"AT+\r";
const BOOTLOADER: &[u8] = &[0x50, 0xf7, 0x05, 0xab];
const PROTOCOL_SWITCH: &[u8] = &[START, 0x3c, 0xe1];
/// More of them in a row separate nothing: they are junk, handed out in one piece.
const SEPARATORS: usize = 4;
/// From so many start bytes in a row on they are noise of the bridge, not a doubled start byte.
const NOISE_RUN: &[u8] = &[START, START, START];

/// How sure it is that nothing more comes soon, for [`Framer::settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The sender has paused for longer than it does inside a frame.
    Pause,
    /// Nobody would wait for the rest any more.
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
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the bytes at hand")]
pub struct Framer {
    /// The bytes not yet handed out, from `front` on.
    buffer: Vec<u8>,
    /// The first byte not yet handed out; `front <= buffer.len()`.
    front: usize,
    /// Stream offset of `buffer[front]`.
    offset: u64,
    /// Bytes from `front` on that are known to begin no frame; `front + pending <= buffer.len()`.
    pending: usize,
    /// Whether those bytes began with a run of start bytes.
    pending_is_noise: bool,
    /// Where the noise handed out last ended: what follows it and is no frame belongs to it.
    noise_end: Option<u64>,
    /// The candidate at `front + pending`, as far as read.
    candidate: Unescaped,
    /// The candidate belongs to what has been handed out already; its bytes may still be lent.
    candidate_is_spent: bool,
    /// What begins at `front + pending`, where it was found while bytes before it were still to be handed out.
    ahead: Option<Found>,
    /// What is known of the bytes behind the buffer.
    horizon: Horizon,
    /// Bytes that the capture lost behind the buffer.
    gap: u64,
    /// Bytes were lost, and no frame has proved since that the stream is in step again.
    out_of_step: bool,
    /// The capture ended before the stream did.
    end_unseen: bool,
    /// The ends of the last frames, to recognise their remainders.
    tails: Tails,
}

/// Where the next item lies: its length from `front` on, and what it is.
#[derive(Clone, Copy, Debug)]
enum Found {
    Frame(Extent),
    NonFrame { length: usize, kind: NonFrameKind },
    Separator,
    Gap,
}

impl Found {
    fn length(&self) -> usize {
        match self {
            Self::Frame(extent) => extent.raw_length,
            Self::NonFrame { length, .. } => *length,
            Self::Separator => 1,
            Self::Gap => 0,
        }
    }
}

/// What the bytes at one place are.
enum Look {
    /// Not known yet, or there are none.
    Wait,
    /// An item starts here.
    Item(Found),
    /// No item starts within the next `length` bytes.
    Skip { length: usize, noise: bool },
}

impl Framer {
    /// A framer for a stream whose beginning was captured.
    pub fn new() -> Self {
        Self::default()
    }

    /// A framer for a stream that began before the capture: it may start in the middle of a frame.
    pub fn midstream() -> Self {
        Self { out_of_step: true, ..Self::default() }
    }

    /// Takes the next bytes of the stream. All items are to be taken before the next call.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.front > 0 {
            self.buffer.drain(..self.front);
            self.front = 0;
        }
        self.buffer.extend_from_slice(bytes);
        self.horizon = Horizon::Open;
    }

    /// Tells that the next `length` bytes are missing. What is held is handed out as it is, then the gap.
    pub fn gap(&mut self, length: u64) {
        self.horizon = Horizon::End;
        self.gap += length;
    }

    /// Tells that the sender has been silent: what is ambiguous only because more could come is decided.
    pub fn settle(&mut self, silence: Silence) {
        self.horizon = match silence {
            Silence::Pause => Horizon::Quiet,
            Silence::Long => Horizon::Expired,
        };
    }

    /// Tells that the stream is over: what is held is handed out as it is.
    pub fn finish(&mut self, end: StreamEnd) {
        self.horizon = Horizon::End;
        self.end_unseen |= end == StreamEnd::Unseen;
    }

    /// Has what is held handed out as it is, because there is no room for more. What this spoils is nobody's fault. To be
    /// called when there are no more items; once there are none again, the memory is free.
    pub fn give_up(&mut self) {
        self.horizon = Horizon::End;
        self.out_of_step = true;
    }

    /// Frees memory that is not in use.
    pub fn shrink(&mut self) {
        if self.held() == 0 {
            *self = Self {
                offset: self.offset,
                out_of_step: self.out_of_step,
                tails: std::mem::take(&mut self.tails),
                ..Self::default()
            };
        }
    }

    /// How many bytes are held because they cannot be decided yet.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.front
    }

    /// Stream offset of the next byte to be handed out.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next item, or `None` until more is known.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        let found = self.find_plain().or_else(|| self.find())?;
        Some(self.hand_out(&found))
    }

    /// A short way to what [`Self::find`] finds nearly always: a frame that is whole, right and free of escapes, or the
    /// separator before one.
    #[inline]
    fn find_plain(&mut self) -> Option<Found> {
        if self.pending > 0 || self.ahead.is_some() {
            return None;
        }
        let rest = &self.buffer[self.front..];
        if let [SEPARATOR, behind @ ..] = rest {
            self.ahead = Some(Found::Frame(read_plain(behind)?));
            return Some(Found::Separator);
        }
        read_plain(rest).map(Found::Frame)
    }

    fn find(&mut self) -> Option<Found> {
        if self.ahead.is_some() {
            return if self.pending == 0 { self.ahead.take() } else { Some(self.flush()) };
        }
        if self.held() == 0 && self.horizon == Horizon::Open {
            return None;
        }
        loop {
            if std::mem::take(&mut self.candidate_is_spent) {
                self.candidate.reset();
            }
            let rest = &self.buffer[self.front + self.pending..];
            match look(rest, &mut self.candidate, self.horizon) {
                Look::Item(found) if self.pending == 0 => return Some(found),
                Look::Item(found) => {
                    self.ahead = Some(found);
                    return Some(self.flush());
                }
                Look::Skip { noise: true, .. } if self.pending > 0 && !self.pending_is_noise => {
                    return Some(self.flush());
                }
                Look::Skip { length, noise } => {
                    self.candidate_is_spent = true;
                    self.pending += length;
                    self.pending_is_noise |= noise;
                    if self.pending >= FRAME_BYTES {
                        return Some(self.flush());
                    }
                }
                Look::Wait if self.horizon == Horizon::Open => return None,
                Look::Wait if self.pending > 0 => return Some(self.flush()),
                Look::Wait => return (self.gap > 0).then_some(Found::Gap),
            }
        }
    }

    /// The first item of the pending bytes. A `00` that stands alone or last before something else is a separator.
    fn flush(&self) -> Found {
        let bytes = &self.buffer[self.front..self.front + self.pending];
        if bytes.len() <= SEPARATORS && bytes.iter().all(|byte| *byte == SEPARATOR) {
            return Found::Separator;
        }
        let is_last = self.front + self.pending == self.buffer.len();
        let length = bytes.len() - usize::from(!is_last && bytes.ends_with(&[SEPARATOR]));
        let kind = if self.pending_is_noise || self.noise_end == Some(self.offset) {
            NonFrameKind::BridgeNoise
        } else if self.tails.has(&bytes[..length]) {
            NonFrameKind::Remainder
        } else {
            NonFrameKind::Junk
        };
        Found::NonFrame { length, kind }
    }

    fn hand_out(&mut self, found: &Found) -> Item<'_> {
        let (offset, start, length) = (self.offset, self.front, found.length());
        if self.pending == 0 {
            self.candidate_is_spent = true;
        }
        self.front += length;
        self.offset += length as u64;
        self.pending = self.pending.saturating_sub(length);
        self.pending_is_noise &= self.pending > 0;
        if matches!(found, Found::NonFrame { kind: NonFrameKind::BridgeNoise, .. }) {
            self.noise_end = Some(self.offset);
        }
        match found {
            Found::Separator => Item::Separator { offset },
            Found::Frame(extent) => Item::Frame(self.frame(extent, start, offset)),
            Found::NonFrame { kind, .. } => Item::NonFrame(NonFrame {
                offset,
                length: length as u64,
                raw: &self.buffer[start..start + length],
                kind: *kind,
                capture_incomplete: self.out_of_step || (self.is_cut_off() && *kind == NonFrameKind::Stub),
            }),
            Found::Gap => {
                let length = std::mem::take(&mut self.gap);
                self.offset += length;
                self.out_of_step = true;
                self.horizon = Horizon::Open;
                Item::NonFrame(NonFrame { offset, length, raw: &[], kind: NonFrameKind::Gap, capture_incomplete: true })
            }
        }
    }

    /// Whether what was just taken ends where the capture lost the stream.
    fn is_cut_off(&self) -> bool {
        self.front == self.buffer.len() && (self.gap > 0 || self.end_unseen)
    }

    fn frame(&mut self, extent: &Extent, start: usize, offset: u64) -> Frame<'_> {
        let cut = extent.status == FrameStatus::Truncated;
        let proven = matches!(extent.status, FrameStatus::Ok | FrameStatus::LengthLie);
        self.out_of_step &= !proven;
        let capture_incomplete = !proven && (self.out_of_step || (cut && self.is_cut_off()));
        let raw = &self.buffer[start..start + extent.raw_length];
        let covered = if extent.plain { &raw[1..=extent.covered] } else { &self.candidate.body[..extent.covered] };
        let fields = fields(covered).expect("a candidate is a frame only when its object id is whole");
        if fields.header.command.is_response() && !cut {
            self.tails.remember(raw);
        }
        let crc_computed = match extent.crc_read {
            Some(crc) if proven => crc,
            _ => checksum(covered),
        };
        let crc_at = extent.raw_length - CRC_BYTES;
        Frame {
            offset,
            raw,
            command: fields.header.command,
            declared_length: fields.header.declared_length,
            real_length: u32::try_from(covered.len() - 1 - fields.header.command.length_bytes()).unwrap_or(u32::MAX),
            address: fields.address,
            object_id: fields.object_id,
            payload: fields.payload,
            crc_read: extent.crc_read,
            crc_computed,
            status: extent.status,
            escaping: extent.escaping,
            bad_escape: !extent.plain && self.candidate.bad_escape_at.is_some_and(|at| at < crc_at),
            capture_incomplete,
        }
    }
}

/// What stands at the beginning of `rest`. `candidate` has read some of it if it begins with a start byte.
fn look(rest: &[u8], candidate: &mut Unescaped, horizon: Horizon) -> Look {
    let (pattern, kind) = match rest.first() {
        None => return Look::Wait,
        Some(&START) => (PROTOCOL_SWITCH, NonFrameKind::ProtocolSwitch),
        Some(first) if *first == KEEP_ALIVE[0] => (KEEP_ALIVE, NonFrameKind::KeepAlive),
        Some(first) if *first == BOOTLOADER[0] => (BOOTLOADER, NonFrameKind::Bootloader),
        Some(_) => return Look::Skip { length: foreign(rest), noise: false },
    };
    if rest.starts_with(pattern) {
        return Look::Item(Found::NonFrame { length: pattern.len(), kind });
    }
    if horizon == Horizon::Open && pattern.starts_with(rest) {
        return Look::Wait;
    }
    if kind == NonFrameKind::ProtocolSwitch {
        look_at_start(rest, candidate, horizon)
    } else {
        Look::Skip { length: foreign(rest), noise: false }
    }
}

/// How many bytes from the first on cannot be the beginning of anything known.
fn foreign(rest: &[u8]) -> usize {
    let begins = |byte: &u8| matches!(*byte, START) || *byte == KEEP_ALIVE[0] || *byte == BOOTLOADER[0];
    rest[1..].iter().position(begins).map_or(rest.len(), |at| at + 1)
}

fn look_at_start(rest: &[u8], candidate: &mut Unescaped, horizon: Horizon) -> Look {
    if rest.starts_with(NOISE_RUN) {
        return Look::Skip { length: 1, noise: true };
    }
    if horizon == Horizon::Open && NOISE_RUN.starts_with(rest) {
        return Look::Wait;
    }
    if rest.get(1) == Some(&START) {
        return Look::Skip { length: 1, noise: false };
    }
    if let Some(extent) = read_plain(rest) {
        return Look::Item(Found::Frame(extent));
    }
    candidate.read(rest);
    match judge(candidate, rest, horizon) {
        Verdict::Wait => Look::Wait,
        Verdict::Frame(extent) => Look::Item(Found::Frame(extent)),
        Verdict::Stub { raw_length } => Look::Item(Found::NonFrame { length: raw_length, kind: NonFrameKind::Stub }),
        Verdict::Junk { raw_length } => Look::Skip { length: raw_length, noise: false },
    }
}

#[cfg(test)]
#[path = "framer_tests.rs"]
mod tests;
