//! What comes out of the analyzer, in order of time, and the trait of whoever takes it.

use crate::anomaly::Anomaly;
use crate::endpoint::{ConnectionId, Endpoint};
use crate::line::{Exchange, PlainExchange, Sender, Sighting, SightingId};
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::NonFrameKind;
use crate::tcp::CloseReason;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// One thing the analyzer has found. Sorted by time, then packet, then offset.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A frame on one connection.
    Frame(&'a Sighting),
    /// Bytes on one connection that are no frame.
    NonFrame(&'a NonFrameSighting),
    /// A request with its answer, or one of the two alone. At the request's time.
    Exchange(&'a Exchange),
    /// Something that did not go as it should.
    Anomaly(&'a Anomaly),
    /// A connection that carried the protocol, when it ended.
    Connection(&'a ConnectionSummary),
    /// The totals; always the last event.
    Summary(&'a Summary),
}

/// Bytes on one connection that are no frame, or bytes that the capture lost.
#[derive(Clone, Debug, PartialEq)]
pub struct NonFrameSighting {
    /// Its number; frames and non-frames are counted together.
    pub id: SightingId,
    /// When its last byte first appeared.
    pub ts: Timestamp,
    /// The same moment on a clock that never goes back.
    pub clock: Timestamp,
    /// The connection.
    pub connection: ConnectionId,
    /// Who sent it, as far as known.
    pub sender: Sender,
    /// The sender's end.
    pub src: Endpoint,
    /// The receiver's end.
    pub dst: Endpoint,
    /// What it is.
    pub kind: NonFrameKind,
    /// Left over from what the capture lost.
    pub capture_incomplete: bool,
    /// The bytes; empty for a gap.
    pub raw: SmallVec<[u8; 16]>,
    /// Stream offset of the first byte.
    pub stream_offset: u64,
    /// Bytes of the stream.
    pub stream_length: u64,
    /// Where its bytes stand; empty for a gap.
    pub spans: SmallVec<[ByteRange; 1]>,
}

/// What one connection was, told when it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSummary {
    /// Its number.
    pub id: ConnectionId,
    /// First packet's time.
    pub first: Timestamp,
    /// Last packet's time.
    pub last: Timestamp,
    /// Packets, both directions.
    pub packet_count: u64,
    /// The end of whoever asks.
    pub client: Endpoint,
    /// The inverter's end.
    pub device: Endpoint,
    /// Whether a frame proved which end is the device, or it is a guess from ports.
    pub roles_proven: bool,
    /// The side that opened the connection; `None` when it began before the capture.
    pub opened_by: Option<Sender>,
    /// How it ended.
    pub closed: CloseReason,
    /// The vendor's server rather than an ordinary client: it keeps the connection alive with `AT+`.
    pub portal: bool,
    /// Requests made on it.
    pub request_count: u64,
    /// Answers to its own requests seen on it.
    pub own_count: u64,
    /// Device frames on it that were meant for others.
    pub foreign_count: u64,
    /// Requests on it that went unanswered.
    pub unanswered_count: u64,
}

/// The totals of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Packets read.
    pub packet_count: u64,
    /// TCP segments among them.
    pub segment_count: u64,
    /// First and last packet's time in the order read; `None` when there is no packet.
    pub first: Option<Timestamp>,
    /// The last packet's time in the order read.
    pub last: Option<Timestamp>,
    /// The number of the last packet.
    pub last_packet: PacketNumber,
    /// False when the input was damaged or cut.
    pub complete: bool,
    /// All TCP connections.
    pub tcp_connection_count: u64,
    /// Those that carried the protocol.
    pub connection_count: u64,
    /// Frames seen, copies included.
    pub frame_count: u64,
    /// Requests by clients.
    pub request_count: u64,
    /// Requests answered.
    pub answered_count: u64,
    /// Requests answered by something that is not to be trusted.
    pub damaged_count: u64,
    /// Requests never answered.
    pub unanswered_count: u64,
    /// WRITEs without a RESPONSE.
    pub unconfirmed_count: u64,
    /// Requests still open when the connection or the capture ended.
    pub open_count: u64,
    /// Device frames nobody asked for.
    pub unsolicited_count: u64,
    /// All anomalies.
    pub anomaly_count: u64,
    /// Those of severity error.
    pub error_count: u64,
    /// Those of severity warning.
    pub warning_count: u64,
    /// Those of severity note.
    pub note_count: u64,
    /// TCP data bytes by server port, of connections that do not carry the protocol: the five with most.
    pub other_ports: Vec<(u16, u64)>,
}

/// Takes events, in order. The analyzer stops at the first error and hands it to its caller.
pub trait Sink {
    /// What can go wrong on this side; usually an I/O error.
    type Error;

    /// Takes the next event.
    fn event(&mut self, event: Event<'_>) -> Result<(), Self::Error>;

    /// Takes the next event where it is an exchange of which there is nothing to say. It is the same event in fewer bytes:
    /// worth a way of its own only to who is handed millions of them.
    fn plain(&mut self, exchange: &PlainExchange) -> Result<(), Self::Error> {
        self.event(Event::Exchange(&exchange.exchange()))
    }
}
