//! A frame that is what nearly all are: right, in one packet that was not late, and its bytes on the wire not wanted.
//!
//! It is a fraction as large as a [`Sighting`], which says of it only what goes without saying, and which is made where it
//! stays: what goes from packets to lines is millions of these.

use super::order::Place;
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::line::exchange::{Payload, kept};
use crate::line::{Sender, Sighting, SightingId};
use crate::object::ObjectId;
use crate::packet::ByteRange;
use crate::rct::{Command, Escaping, FrameStatus, WholeFrame};
use crate::time::Timestamp;
use smallvec::SmallVec;

/// What of such a frame is not the same for all of them, but for its place.
#[derive(Debug)]
pub(super) struct Ordinary {
    payload: Payload,
    ts: Timestamp,
    stream_offset: u64,
    stream_length: u32,
    object_id: ObjectId,
    pub(super) connection: ConnectionId,
    declared_length: u16,
    crc: u16,
    command: Command,
    pub(super) direction: Direction,
}

impl Ordinary {
    /// `ts`: when its packet came.
    #[inline]
    pub(super) fn new(frame: &WholeFrame<'_>, connection: ConnectionId, direction: Direction, ts: Timestamp) -> Self {
        Self {
            payload: kept(frame.payload),
            ts,
            stream_offset: frame.offset,
            stream_length: u32::try_from(frame.raw.len()).unwrap_or(u32::MAX),
            object_id: frame.object_id,
            connection,
            declared_length: frame.declared_length,
            crc: frame.crc,
            command: frame.command,
            direction,
        }
    }

    pub(super) fn object_id(&self) -> ObjectId {
        self.object_id
    }

    /// The bytes it takes beside itself.
    pub(super) fn weight(&self) -> usize {
        self.payload.len()
    }

    /// All of it. `at`: where it stands; `src`, `dst`: the ends of its connection.
    #[inline]
    pub(super) fn sighting(self, id: SightingId, at: Place, [src, dst]: [Endpoint; 2], sender: Sender) -> Sighting {
        let span = ByteRange { packet: at.packet(), offset: at.offset(), length: self.stream_length };
        Sighting {
            id,
            ts: self.ts,
            clock: at.clock(),
            completed: self.ts,
            connection: self.connection,
            sender,
            src,
            dst,
            command: self.command,
            object_id: self.object_id,
            address: None,
            status: FrameStatus::Ok,
            escaping: Escaping::Full,
            bad_escape: false,
            capture_incomplete: false,
            declared_length: self.declared_length,
            real_length: self.declared_length.into(),
            crc_read: Some(self.crc),
            crc_computed: self.crc,
            payload: self.payload,
            raw: SmallVec::new(),
            stream_offset: self.stream_offset,
            stream_length: self.stream_length,
            spans: SmallVec::from_buf([span]),
            copy_of: None,
        }
    }
}
