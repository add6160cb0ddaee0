//! What the bytes of a stream are, one item after the other.
//!
//! Is shown all bytes that have not been handed out, wherever they are, and knows how far it has looked at them.

use super::candidate::judge;
use super::crc::checksum;
use super::encode::START;
use super::frame::{Frame, FrameStatus, Item, NonFrame, NonFrameKind, WholeFrame};
use super::hidden::HiddenFrames;
use super::parse::{CRC_BYTES, fields};
use super::remainder::Tails;
use super::stretch::Stretch;
use super::verdict::{Extent, Horizon, Verdict};
use super::whole::{Whole, whole};
use crate::limits::FRAME_BYTES;

const SEPARATOR: u8 = 0;
const KEEP_ALIVE: &[u8] = b"AT+\r";
const BOOTLOADER: &[u8] = &[0x50, 0xf7, 0x05, 0xab];
const PROTOCOL_SWITCH: &[u8] = &[START, 0x3c, 0xe1];
/// More of them in a row separate nothing: they are junk, handed out in one piece.
const SEPARATORS: usize = 4;
/// From so many start bytes in a row on they are noise of the bridge, not a doubled start byte.
const NOISE_RUN: &[u8] = &[START, START, START];

/// How far a stream has been looked at.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Stream offset of the first byte not yet handed out. Where there is talk of the front, it is this byte.
    pub(super) offset: u64,
    /// Bytes from the front on that are known to begin no frame.
    pending: usize,
    /// Whether those bytes began with a run of start bytes.
    pending_is_noise: bool,
    /// Where the noise handed out last ended: what follows it and is no frame belongs to it.
    noise_end: Option<u64>,
    /// What has been read of the bytes behind the pending ones. Those of what was handed out last may still be lent.
    stretch: Stretch,
    /// The right frames in them, as far as they were looked for.
    hidden: HiddenFrames,
    /// The unescaped bytes of a whole frame that is handed out.
    scratch: Vec<u8>,
    /// What begins behind the pending bytes, where it was found while they were still to be handed out.
    ahead: Option<Found>,
    /// What is known of the bytes behind those at hand.
    pub(super) horizon: Horizon,
    /// Bytes that the capture lost behind those at hand.
    pub(super) gap: u64,
    /// Bytes were lost, and no frame has proved since that the stream is in step again.
    pub(super) out_of_step: bool,
    /// The capture ended before the stream did.
    pub(super) end_unseen: bool,
    /// The ends of the last frames, to recognise their remainders.
    tails: Tails,
}

/// Where the next item lies: its length from the front on, and what it is.
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

impl Scan {
    pub(super) fn midstream() -> Self {
        Self { out_of_step: true, ..Self::default() }
    }

    /// The same place in the stream, nothing being held, without memory that is not in use.
    pub(super) fn renewed(&mut self) -> Self {
        Self {
            offset: self.offset,
            noise_end: self.noise_end,
            out_of_step: self.out_of_step,
            tails: std::mem::take(&mut self.tails),
            ..Self::default()
        }
    }

    /// The next item and how many of the bytes at hand it is, or `None` until more is known. `bytes` are all that have
    /// not been handed out: those of the last call, less what that handed out, and more behind.
    #[inline]
    pub(super) fn next<'a>(&'a mut self, bytes: &'a [u8]) -> Option<(Item<'a>, usize)> {
        let found = self.find(bytes)?;
        let length = found.length();
        Some((self.hand_out(bytes, &found), length))
    }

    /// A short way to what is nearly always next: a [`whole`] frame, with or without a separator in front. Takes them out
    /// of `bytes`, which are as for [`Scan::next`]. What it is tells [`Scan::lend`].
    #[inline]
    pub(super) fn take_whole<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<(Whole, &'a [u8])> {
        if self.pending > 0 || self.ahead.is_some() {
            return None;
        }
        let separator = usize::from(bytes.first() == Some(&SEPARATOR));
        let behind = &bytes[separator..];
        let whole = whole(behind, &mut self.scratch)?;
        let (raw, rest) = behind.split_at(whole.raw_length);
        *bytes = rest;
        self.offset += (separator + raw.len()) as u64;
        self.out_of_step = false;
        if whole.is_response() {
            self.tails.remember(raw);
        }
        Some((whole, raw))
    }

    /// The frame just taken, whose bytes on the wire are `raw`.
    #[inline]
    pub(super) fn lend<'a>(&'a self, whole: &Whole, raw: &'a [u8]) -> WholeFrame<'a> {
        whole.frame(raw, &self.scratch, self.offset - raw.len() as u64)
    }

    /// Has the bytes at hand read again from the first on.
    #[cfg(test)]
    pub(super) fn forget(&mut self) {
        // What was found ahead is still to be lent.
        if self.ahead.is_none() {
            (self.stretch, self.hidden) = (Stretch::default(), HiddenFrames::default());
        }
    }

    fn find(&mut self, bytes: &[u8]) -> Option<Found> {
        if self.ahead.is_some() {
            return if self.pending == 0 { self.ahead.take() } else { Some(self.flush(bytes)) };
        }
        if bytes.is_empty() && self.horizon == Horizon::Open {
            return None;
        }
        loop {
            match self.look(&bytes[self.pending..]) {
                Look::Item(found) if self.pending == 0 => return Some(found),
                Look::Item(found) => {
                    self.ahead = Some(found);
                    return Some(self.flush(bytes));
                }
                Look::Skip { noise: true, .. } if self.pending > 0 && !self.pending_is_noise => {
                    return Some(self.flush(bytes));
                }
                Look::Skip { length, noise } => {
                    self.pending += length;
                    self.pending_is_noise |= noise;
                    if self.pending >= FRAME_BYTES {
                        return Some(self.flush(bytes));
                    }
                }
                Look::Wait if self.horizon == Horizon::Open => return None,
                Look::Wait if self.pending > 0 => return Some(self.flush(bytes)),
                Look::Wait => return (self.gap > 0).then_some(Found::Gap),
            }
        }
    }

    /// What stands at the beginning of `rest`, the bytes behind the pending ones.
    fn look(&mut self, rest: &[u8]) -> Look {
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
        if self.horizon == Horizon::Open && pattern.starts_with(rest) {
            return Look::Wait;
        }
        if kind == NonFrameKind::ProtocolSwitch {
            self.look_at_start(rest)
        } else {
            Look::Skip { length: foreign(rest), noise: false }
        }
    }

    fn look_at_start(&mut self, rest: &[u8]) -> Look {
        if rest.starts_with(NOISE_RUN) {
            return Look::Skip { length: 1, noise: true };
        }
        if self.horizon == Horizon::Open && NOISE_RUN.starts_with(rest) {
            return Look::Wait;
        }
        if rest.get(1) == Some(&START) {
            return Look::Skip { length: 1, noise: false };
        }
        if self.stretch.turn_to(self.offset + self.pending as u64, rest) {
            self.hidden = HiddenFrames::default();
        }
        match judge(self.stretch.candidate(rest), &mut self.hidden, self.horizon) {
            Verdict::Wait => Look::Wait,
            Verdict::Frame(extent) => Look::Item(Found::Frame(extent)),
            Verdict::Stub { raw_length } => {
                Look::Item(Found::NonFrame { length: raw_length, kind: NonFrameKind::Stub })
            }
            Verdict::Junk { raw_length } => Look::Skip { length: raw_length, noise: false },
        }
    }

    /// The first item of the pending bytes. A `00` that stands alone or last before something else is a separator.
    fn flush(&self, bytes: &[u8]) -> Found {
        let is_last = self.pending == bytes.len();
        let bytes = &bytes[..self.pending];
        if bytes.len() <= SEPARATORS && bytes.iter().all(|byte| *byte == SEPARATOR) {
            return Found::Separator;
        }
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

    fn hand_out<'a>(&'a mut self, bytes: &'a [u8], found: &Found) -> Item<'a> {
        let (offset, length) = (self.offset, found.length());
        let raw = &bytes[..length];
        let is_last = raw.len() == bytes.len();
        self.offset += length as u64;
        self.pending = self.pending.saturating_sub(length);
        self.pending_is_noise &= self.pending > 0;
        if matches!(found, Found::NonFrame { kind: NonFrameKind::BridgeNoise, .. }) {
            self.noise_end = Some(self.offset);
        }
        match found {
            Found::Separator => Item::Separator { offset },
            Found::Frame(extent) => Item::Frame(self.frame(extent, raw, is_last, offset)),
            Found::NonFrame { kind, .. } => Item::NonFrame(NonFrame {
                offset,
                length: length as u64,
                raw,
                kind: *kind,
                capture_incomplete: self.out_of_step || (self.is_cut_off(is_last) && *kind == NonFrameKind::Stub),
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

    /// Whether what was just taken ends where the capture lost the stream. `is_last`: nothing is behind it.
    fn is_cut_off(&self, is_last: bool) -> bool {
        is_last && (self.gap > 0 || self.end_unseen)
    }

    fn frame<'a>(&'a mut self, extent: &Extent, raw: &'a [u8], is_last: bool, offset: u64) -> Frame<'a> {
        let cut = extent.status == FrameStatus::Truncated;
        let proven = matches!(extent.status, FrameStatus::Ok | FrameStatus::LengthLie);
        self.out_of_step &= !proven;
        let capture_incomplete = !proven && (self.out_of_step || (cut && self.is_cut_off(is_last)));
        let candidate = self.stretch.candidate(raw);
        let covered = if extent.plain { &raw[1..=extent.covered] } else { &candidate.body()[..extent.covered] };
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
            bad_escape: !extent.plain && candidate.has_bad_escape(crc_at),
            capture_incomplete,
        }
    }
}

/// How many bytes from the first on cannot be the beginning of anything known.
fn foreign(rest: &[u8]) -> usize {
    let begins = |byte: &u8| matches!(*byte, START) || *byte == KEEP_ALIVE[0] || *byte == BOOTLOADER[0];
    rest[1..].iter().position(begins).map_or(rest.len(), |at| at + 1)
}
