//! What a stream of the protocol is made of: frames, known non-frames, junk and gaps.

use super::command::Command;
use crate::object::ObjectId;

/// One thing found in a stream. Every byte of a stream belongs to exactly one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// A frame, whole or damaged, with at least its object id.
    Frame(Frame<'a>),
    /// Bytes that are no frame, or missing ones.
    NonFrame(NonFrame<'a>),
    /// The single `00` that the device sends in front of a frame. No fault, and not shown.
    Separator {
        /// Its stream offset.
        offset: u64,
    },
}

/// A frame with at least a command, a length and an object id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame<'a> {
    /// Stream offset of the start byte.
    pub offset: u64,
    /// The bytes on the wire, from the start byte to the last CRC byte, escapes included.
    pub raw: &'a [u8],
    /// The command.
    pub command: Command,
    /// The length field.
    pub declared_length: u16,
    /// What the length field should have said: bytes of address, object id and payload.
    pub real_length: u32,
    /// The address of a plant frame.
    pub address: Option<u32>,
    /// The object.
    pub object_id: ObjectId,
    /// The payload, unescaped.
    pub payload: &'a [u8],
    /// The CRC as it stands in the frame; `None` when the frame was cut before it.
    pub crc_read: Option<u16>,
    /// The CRC over the frame's body.
    pub crc_computed: u16,
    /// How it came out.
    pub status: FrameStatus,
    /// How its sender escapes.
    pub escaping: Escaping,
    /// A `2d` in it is followed by neither `2b` nor `2d`.
    pub bad_escape: bool,
    /// Bytes of the stream were lost to the capture inside or just before it: what is wrong with it is nobody's fault.
    pub capture_incomplete: bool,
}

/// A frame that is what nearly all are: whole, its length and CRC right, everything escaped, and of no plant form. What is
/// the same for all of these is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeFrame<'a> {
    /// Stream offset of the start byte.
    pub offset: u64,
    /// The bytes on the wire, from the start byte to the last CRC byte, escapes included.
    pub raw: &'a [u8],
    /// The command, which is known.
    pub command: Command,
    /// The length field.
    pub declared_length: u16,
    /// The object.
    pub object_id: ObjectId,
    /// The payload, unescaped.
    pub payload: &'a [u8],
    /// The CRC.
    pub crc: u16,
}

impl<'a> From<WholeFrame<'a>> for Frame<'a> {
    fn from(whole: WholeFrame<'a>) -> Self {
        Self {
            offset: whole.offset,
            raw: whole.raw,
            command: whole.command,
            declared_length: whole.declared_length,
            real_length: whole.declared_length.into(),
            address: None,
            object_id: whole.object_id,
            payload: whole.payload,
            crc_read: Some(whole.crc),
            crc_computed: whole.crc,
            status: FrameStatus::Ok,
            escaping: Escaping::Full,
            bad_escape: false,
            capture_incomplete: false,
        }
    }
}

impl Frame<'_> {
    /// Whether the CRC proves the frame.
    pub const fn crc_ok(&self) -> bool {
        matches!(self.status, FrameStatus::Ok | FrameStatus::LengthLie)
    }
}

/// How a frame came out of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameStatus {
    /// Length and CRC are right.
    Ok,
    /// The CRC fits over a body that is not as long as declared.
    LengthLie,
    /// No reading of the frame fits its CRC.
    CrcMismatch,
    /// A new frame started, or the stream ended, inside it.
    Truncated,
}

impl FrameStatus {
    /// `ok`, `length_lie`, `crc_mismatch` or `truncated`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::LengthLie => "length_lie",
            Self::CrcMismatch => "crc_mismatch",
            Self::Truncated => "truncated",
        }
    }
}

/// How the sender of a frame treats `2b` and `2d` inside it. What cannot be told apart counts as `Full`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// Everything escaped, as it should be.
    Full,
    /// The CRC was sent raw.
    RawCrc,
    /// Nothing was escaped.
    None,
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonFrame<'a> {
    /// Stream offset of the first byte.
    pub offset: u64,
    /// How many bytes of the stream (`raw.len()`, except for a gap).
    pub length: u64,
    /// The bytes; empty for a gap.
    pub raw: &'a [u8],
    /// What they are.
    pub kind: NonFrameKind,
    /// They are what is left of a frame that the capture lost a part of: nobody's fault.
    pub capture_incomplete: bool,
}

/// The kinds of [`NonFrame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NonFrameKind {
    /// `41 54 2b 0d`, the keep-alive of the vendor's server.
    KeepAlive,
    /// `2b 3c e1`, the app's protocol switch.
    ProtocolSwitch,
    /// Runs of `2b` and what follows them: AT-mode noise of the network bridge.
    BridgeNoise,
    /// `50 f7 05 ab`, the bootloader.
    Bootloader,
    /// The tail of an earlier frame of this stream.
    Remainder,
    /// The beginning of a frame cut before its object id was complete.
    Stub,
    /// Anything else.
    Junk,
    /// Bytes the capture lost.
    Gap,
}

impl NonFrameKind {
    /// The name in records. A stub is `junk` there: its kind only decides which anomaly it is.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep_alive",
            Self::ProtocolSwitch => "protocol_switch",
            Self::BridgeNoise => "bridge_noise",
            Self::Bootloader => "bootloader",
            Self::Remainder => "remainder",
            Self::Stub | Self::Junk => "junk",
            Self::Gap => "gap",
        }
    }
}
