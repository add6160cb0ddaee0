//! What can become of a possible frame, and what is known of the bytes behind it when that is decided.

use super::frame::{Escaping, FrameStatus};

/// How much is known of what follows the bytes at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Horizon {
    /// More may come.
    #[default]
    Open,
    /// More may come, but nothing has for a while: what fits now is taken.
    Quiet,
    /// As `Quiet`, and for so long that a whole frame with a wrong CRC is given up too, and a cut one that a right frame
    /// stands in.
    Expired,
    /// Nothing comes any more.
    End,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not decidable yet.
    Wait,
    /// A frame.
    Frame(Extent),
    /// The beginning of a frame, cut before its object id was whole.
    Stub {
        /// Its raw bytes, the start byte included.
        raw_length: usize,
    },
    /// No frame at all.
    Junk {
        /// The raw bytes that are known to be none, the start byte included.
        raw_length: usize,
    },
}

/// Where a frame ends, and which reading says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes on the wire, the start byte included.
    pub(super) raw_length: usize,
    /// Unescaped bytes from the command to the end of the payload.
    pub(super) covered: usize,
    /// The CRC as it stands in the frame; `None` when it was cut before.
    pub(super) crc_read: Option<u16>,
    pub(super) status: FrameStatus,
    pub(super) escaping: Escaping,
    /// The unescaped bytes are the raw ones behind the start byte: nothing is escaped there, or nothing should be.
    pub(super) plain: bool,
}
