//! A frame that is what nearly all are: right, short, in one packet that came in its time, and its bytes on the wire not
//! wanted.
//!
//! It is a fraction as large as a [`Sighting`], which says of it only what goes without saying: what goes from packets to
//! lines, and from one processor's cache to the other's, is millions of these.

use super::exchange::{Payload, Sender, Sighting, SightingId};
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::object::ObjectId;
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::registry::{ObjectPlace, Registry};
use crate::rct::{Command, Escaping, FrameStatus, WholeFrame};
use crate::short::Short;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// Bytes of an object id, where there is no address with it.
const ID_BYTES: u16 = 4;

/// What of such a frame is not the same for all of them. One more byte would be one more line of the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ordinary {
    pub(super) clock: Timestamp,
    packet: PacketNumber,
    stream_offset: u64,
    payload: Short,
    /// Where in its packet it begins.
    offset: u32,
    pub(super) object_id: ObjectId,
    pub(super) connection: ConnectionId,
    pub(super) crc: u16,
    known: Option<ObjectPlace>,
    pub(super) command: Command,
    stream_length: u8,
    pub(super) direction: Direction,
    /// Nothing more comes of before it. It is of no matter to a line, but there is room for it here.
    pub(crate) settles: bool,
}

impl Ordinary {
    /// One with this payload that begins at `at` (packet and offset in it), where that packet's time was that of the clock.
    #[inline]
    pub(crate) fn new(
        frame: &WholeFrame<'_>,
        payload: Short,
        (connection, direction): (ConnectionId, Direction),
        (clock, (packet, offset)): (Timestamp, (PacketNumber, u32)),
        registry: &Registry,
    ) -> Self {
        debug_assert_eq!(frame.declared_length, ID_BYTES + u16::from(payload.length()), "a whole frame says so");
        Self {
            clock,
            packet,
            stream_offset: frame.offset,
            payload,
            offset,
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

    /// When it came: by the capture, and on the clock that never goes back.
    #[inline]
    pub fn ts(&self) -> Timestamp {
        self.clock
    }

    /// The connection it came on.
    #[inline]
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Its object.
    #[inline]
    pub fn object_id(&self) -> ObjectId {
        self.object_id
    }

    /// The place of that in the registry, where it has one.
    #[inline]
    pub fn known(&self) -> Option<ObjectPlace> {
        self.known
    }

    /// Its command, which is known.
    #[inline]
    pub fn command(&self) -> Command {
        self.command
    }

    /// What it carries.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        self.payload.bytes()
    }

    /// The same, as it is kept.
    #[inline]
    pub(super) fn short(&self) -> Short {
        self.payload
    }

    /// Where its bytes stand.
    #[inline]
    pub fn place(&self) -> ByteRange {
        ByteRange { packet: self.packet, offset: self.offset, length: self.stream_length.into() }
    }

    /// The length that it claims, which is that of the object id and the payload.
    #[inline]
    pub(super) fn declared_length(&self) -> u16 {
        u16::from(self.payload.length()) + ID_BYTES
    }

    /// All of it. `src`, `dst`: the ends of its connection.
    #[inline]
    pub(super) fn sighting(&self, id: SightingId, [src, dst]: [Endpoint; 2], sender: Sender) -> Sighting {
        let length = self.declared_length();
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
            spans: SmallVec::from_buf([self.place()]),
            copy_of: None,
        }
    }
}

#[cfg(test)]
impl Ordinary {
    /// One that stands nowhere in particular: what those of tests start from.
    pub(crate) fn sample(
        (connection, direction): (u32, Direction),
        command: Command,
        object_id: ObjectId,
        payload: &[u8],
        clock: Timestamp,
    ) -> Self {
        Self {
            clock,
            packet: PacketNumber(1),
            stream_offset: 0,
            payload: Short::of(payload).expect("a short one"),
            offset: 54,
            object_id,
            connection: ConnectionId(connection),
            crc: 0x1234,
            known: Registry::builtin().place(object_id),
            command,
            stream_length: 9 + u8::try_from(payload.len()).expect("a short one"),
            direction,
            settles: false,
        }
    }
}
