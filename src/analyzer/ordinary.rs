//! A frame that is what nearly all are: right, short, in one packet that came in its time, and its bytes on the wire not
//! wanted.
//!
//! It is a fraction as large as a [`Sighting`], which says of it only what goes without saying, and which is made where it
//! stays: what goes from packets to lines, and from one processor's cache to the other's, is millions of these.

use super::order::Place;
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::line::exchange::Payload;
use crate::line::{Glimpse, Sender, Sighting, SightingId};
use crate::object::ObjectId;
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::registry::{ObjectPlace, Registry};
use crate::rct::{Command, Escaping, FrameStatus, WholeFrame};
use crate::short::Short;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// What of such a frame is not the same for all of them. One more byte would be one more line of the cache.
#[derive(Debug)]
pub(super) struct Ordinary {
    clock: Timestamp,
    packet: PacketNumber,
    stream_offset: u64,
    payload: Short,
    /// Where in its packet it begins.
    offset: u32,
    pub(super) object_id: ObjectId,
    pub(super) connection: ConnectionId,
    crc: u16,
    known: Option<ObjectPlace>,
    command: Command,
    stream_length: u8,
    pub(super) direction: Direction,
    /// Nothing more comes of before it.
    pub(super) settles: bool,
}

impl Ordinary {
    /// One with this payload that stands at `at`, where its packet's time was that of the clock.
    #[inline]
    pub(super) fn new(
        frame: &WholeFrame<'_>,
        payload: Short,
        (connection, direction): (ConnectionId, Direction),
        at: Place,
        registry: &Registry,
    ) -> Self {
        debug_assert_eq!(frame.declared_length, ID_BYTES + u16::from(payload.length()), "a whole frame says so");
        Self {
            clock: at.clock(),
            packet: at.packet(),
            stream_offset: frame.offset,
            payload,
            offset: at.offset(),
            object_id: frame.object_id,
            connection,
            crc: frame.crc,
            known: registry.place(frame.object_id),
            command: frame.command,
            // All of it escaped would be some fifty bytes.
            stream_length: u8::try_from(frame.raw.len()).unwrap_or(u8::MAX),
            direction,
            settles: false,
        }
    }

    /// Where it stands.
    #[inline]
    pub(super) fn at(&self) -> Place {
        Place::new(self.clock, self.packet, self.offset)
    }

    /// What there is to be asked before all of it is made.
    #[inline]
    pub(super) fn glimpse(&self, id: SightingId) -> Glimpse<'_> {
        Glimpse {
            id,
            connection: self.connection,
            direction: self.direction,
            clock: self.clock,
            command: self.command,
            object_id: self.object_id,
            known: self.known,
            payload: self.payload.bytes(),
        }
    }

    /// All of it. `src`, `dst`: the ends of its connection.
    #[inline]
    pub(super) fn sighting(&self, id: SightingId, [src, dst]: [Endpoint; 2], sender: Sender) -> Sighting {
        let length = u16::from(self.payload.length()) + ID_BYTES;
        let span = ByteRange { packet: self.packet, offset: self.offset, length: self.stream_length.into() };
        Sighting {
            id,
            ts: self.clock,
            clock: self.clock,
            completed: self.clock,
            connection: self.connection,
            sender,
            src,
            dst,
            command: self.command,
            object_id: self.object_id,
            known: self.known,
            address: None,
            status: FrameStatus::Ok,
            escaping: Escaping::Full,
            bad_escape: false,
            capture_incomplete: false,
            declared_length: length,
            real_length: length.into(),
            crc_read: Some(self.crc),
            crc_computed: self.crc,
            payload: Payload::from_buf_and_len(self.payload.room(), self.payload.length().into()),
            raw: SmallVec::new(),
            stream_offset: self.stream_offset,
            stream_length: self.stream_length.into(),
            spans: SmallVec::from_buf([span]),
            copy_of: None,
        }
    }
}

/// Bytes of an object id, where there is no address with it.
const ID_BYTES: u16 = 4;

#[cfg(test)]
mod tests {
    use super::super::step::Step;

    /// A line of the cache holds 64 bytes.
    #[test]
    fn a_step_is_a_line_of_the_cache() {
        assert_eq!(size_of::<Step>(), 64);
    }
}
