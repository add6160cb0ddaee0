//! A frame as it was seen on one connection, and a request with its answer.

use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::{ConnectionId, Endpoint};
use crate::object::ObjectId;
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::registry::ObjectPlace;
use crate::rct::{Command, Escaping, FrameStatus};
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::fmt;

/// The number of a frame sighting in a session, shown as `F12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SightingId(pub u64);

impl fmt::Display for SightingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "F{}", self.0)
    }
}

/// Which side of the dialogue sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// Whoever asks.
    Client,
    /// The inverter.
    Device,
}

impl Sender {
    /// `client` or `device`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Device => "device",
        }
    }
}

/// The payload of a frame, unescaped: short ones are kept where they are mentioned.
pub type Payload = SmallVec<[u8; 16]>;

/// The place of the bytes in the last packet of those they stand in.
pub(super) fn last_of(spans: &[ByteRange]) -> ByteRange {
    if let [only] = spans {
        return *only;
    }
    let nowhere = ByteRange { packet: PacketNumber(0), offset: 0, length: 0 };
    spans.iter().copied().max_by_key(|span| span.packet).unwrap_or(nowhere)
}

/// One frame on one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Its number.
    pub id: SightingId,
    /// When its receiver could have it: all its bytes, and all before them in its stream, were there.
    pub ts: Timestamp,
    /// The same moment on a clock that never goes back: what differences between moments are taken from.
    pub clock: Timestamp,
    /// When its last byte first appeared in the capture, as the capture says: before `ts` where an earlier segment was
    /// late.
    pub completed: Timestamp,
    /// The connection.
    pub connection: ConnectionId,
    /// Who sent it, as far as known by now.
    pub sender: Sender,
    /// The sender's end.
    pub src: Endpoint,
    /// The receiver's end.
    pub dst: Endpoint,
    /// The command.
    pub command: Command,
    /// The object.
    pub object_id: ObjectId,
    /// Its place in the registry, where it is looked up already.
    pub known: Option<ObjectPlace>,
    /// The address of a plant frame.
    pub address: Option<u32>,
    /// How it came out of the stream.
    pub status: FrameStatus,
    /// How its sender escapes.
    pub escaping: Escaping,
    /// An escape byte in it is followed by neither a start nor an escape byte.
    pub bad_escape: bool,
    /// Part of it, or of what stood before it, was lost to the capture.
    pub capture_incomplete: bool,
    /// The length field.
    pub declared_length: u16,
    /// What the length field should have said.
    pub real_length: u32,
    /// The CRC in the frame; `None` when it was cut before.
    pub crc_read: Option<u16>,
    /// The CRC over the body.
    pub crc_computed: u16,
    /// Payload, unescaped.
    pub payload: Payload,
    /// The bytes on the wire, escapes included. Empty unless the analyzer was told to keep them.
    pub raw: SmallVec<[u8; 16]>,
    /// Stream offset of the start byte.
    pub stream_offset: u64,
    /// Bytes on the wire.
    pub stream_length: u32,
    /// Where its bytes stand, in stream order. The packet that completed it is the greatest, not always the last.
    pub spans: SmallVec<[ByteRange; 1]>,
    /// The first sighting of this frame, when this is a copy of it on a sibling connection.
    pub copy_of: Option<SightingId>,
}

impl Sighting {
    /// Whether the CRC proves the frame.
    pub const fn crc_ok(&self) -> bool {
        matches!(self.status, FrameStatus::Ok | FrameStatus::LengthLie)
    }

    /// The packet that completed the frame.
    pub fn packet(&self) -> PacketNumber {
        self.place().packet
    }

    /// The bytes of the frame in the packet that completed it.
    pub fn place(&self) -> ByteRange {
        last_of(&self.spans)
    }

    /// The device's end of the connection.
    pub const fn device(&self) -> Endpoint {
        match self.sender {
            Sender::Client => self.dst,
            Sender::Device => self.src,
        }
    }
}

#[cfg(test)]
impl Sighting {
    /// A right frame without a payload, nine bytes long, that stands nowhere: what those of tests start from.
    pub(crate) fn sample(
        sender: Sender,
        connection: u32,
        command: Command,
        object_id: ObjectId,
        ts: Timestamp,
    ) -> Self {
        let nowhere = Endpoint::new(std::net::Ipv4Addr::LOCALHOST.into(), 8899);
        Self {
            id: SightingId(0),
            ts,
            clock: ts,
            completed: ts,
            connection: ConnectionId(connection),
            sender,
            src: nowhere,
            dst: nowhere,
            command,
            object_id,
            known: None,
            address: None,
            status: FrameStatus::Ok,
            escaping: Escaping::Full,
            bad_escape: false,
            capture_incomplete: false,
            declared_length: 4,
            real_length: 4,
            crc_read: Some(0),
            crc_computed: 0,
            payload: SmallVec::new(),
            raw: SmallVec::new(),
            stream_offset: 0,
            stream_length: 9,
            spans: SmallVec::new(),
            copy_of: None,
        }
    }
}

/// The number of an exchange in a session, shown as `T7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u64);

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{}", self.0)
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExchangeStatus {
    /// An answer came and is to be trusted.
    Answered,
    /// An answer came and is not to be trusted.
    Damaged,
    /// No answer came in time.
    Unanswered,
    /// A WRITE without a RESPONSE.
    Unconfirmed,
    /// The connection or the capture ended before the time-out.
    Open,
    /// A device frame that nobody asked for.
    Unsolicited,
}

impl ExchangeStatus {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Damaged => "damaged",
            Self::Unanswered => "unanswered",
            Self::Unconfirmed => "unconfirmed",
            Self::Open => "open",
            Self::Unsolicited => "unsolicited",
        }
    }
}

/// How sure it is that an answer belongs to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pairing {
    /// Object, address and order say so.
    Certain,
    /// A guess: the answer is damaged, or something else could have been meant.
    Tentative,
}

/// The answer of an exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The sighting on the asking connection where there is one, else the first sighting anywhere.
    pub frame: Sighting,
    /// Whether `frame` was seen on the asking connection.
    pub on_asking_connection: bool,
    /// The connections that got a copy, the asking one left out.
    pub copies: SmallVec<[ConnectionId; 4]>,
    /// How sure the pairing is.
    pub pairing: Pairing,
}

/// One request and its answer, or a request without one, or a device frame without a request.
///
/// At least one of `request` and `response` is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Its number.
    pub id: ExchangeId,
    /// The request's time, or the device frame's where nobody asked.
    pub ts: Timestamp,
    /// The request.
    pub request: Option<Sighting>,
    /// The answer, or the device frame that nobody asked for.
    pub response: Option<Response>,
    /// How it ended.
    pub status: ExchangeStatus,
    /// From the packet that completed the request to the one that completed the answer, in nanoseconds.
    pub response_time: Option<i64>,
    /// From when the line became free for this request, in nanoseconds.
    pub service_time: Option<i64>,
    /// Whether a periodic registration explains the device frame.
    pub periodic: bool,
    /// The anomalies that name this exchange.
    pub anomalies: Vec<(AnomalyId, Code)>,
}

impl Exchange {
    /// One that begins with this request: nothing has come of it yet, and it has no number.
    #[inline]
    pub(crate) fn asking(request: Sighting) -> Self {
        Self {
            id: ExchangeId(0),
            ts: request.ts,
            request: Some(request),
            response: None,
            status: ExchangeStatus::Open,
            response_time: None,
            service_time: None,
            periodic: false,
            anomalies: Vec::new(),
        }
    }

    /// The frame that names the exchange: the request, or the device frame that nobody asked for.
    ///
    /// # Panics
    ///
    /// Never for an exchange made by `line`: one of the two is always there.
    pub fn lead(&self) -> &Sighting {
        self.request
            .as_ref()
            .or_else(|| self.response.as_ref().map(|response| &response.frame))
            .expect("an exchange has a request or a response")
    }
}
