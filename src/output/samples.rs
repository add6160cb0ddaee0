//! Events made by hand, for the tests of what is shown of them. Knows neither captures nor the analyzer.
//!
//! Times are milliseconds after 2025-03-17 21:06:00 UTC; bytes stand anywhere.

use crate::anomaly::{Anomaly, AnomalyId, Code};
use crate::endpoint::{ConnectionId, Endpoint};
use crate::event::{ConnectionSummary, Event, NonFrameSighting, Sink};
use crate::line::{Exchange, ExchangeId, ExchangeStatus, Pairing, Response, Sender, Sighting, SightingId};
use crate::object::ObjectId;
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::{Command, NonFrameKind};
use crate::tcp::CloseReason;
use crate::time::Timestamp;
use smallvec::{SmallVec, smallvec};

pub(super) const SOC: ObjectId = ObjectId(0x9599_30BF);
pub(super) const ACC: ObjectId = ObjectId(0x400F_015B);
pub(super) const GRID: ObjectId = ObjectId(0x9161_7C58);
pub(super) const IS_GRID: ObjectId = ObjectId(0x97E2_03F9);
pub(super) const SOC_MIN: ObjectId = ObjectId(0xCE26_6F0F);

/// 2025-03-17 21:06:00 UTC.
const START: i64 = 1_742_245_560_000_000_000;

pub(super) fn at(ms: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a test")]
    let nanos = (ms * 1e6).round() as i64;
    Timestamp::from_nanos(START + nanos)
}

pub(super) fn range(packet: u64) -> ByteRange {
    ByteRange { packet: PacketNumber(packet), offset: 54, length: 9 }
}

/// The end of the client of a connection: `192.0.2.10:50001` for the first.
pub(super) fn client(connection: u32) -> Endpoint {
    let number = u16::try_from(connection).expect("a small number");
    Endpoint::new([192, 0, 2, 9 + number.to_be_bytes()[1]].into(), 50_000 + number)
}

pub(super) fn device() -> Endpoint {
    Endpoint::new([192, 0, 2, 20].into(), 8899)
}

fn sighting(command: Command, connection: u32, packet: u64, ts: Timestamp, object_id: ObjectId) -> Sighting {
    let sender = if command.is_response() { Sender::Device } else { Sender::Client };
    let (src, dst) = match sender {
        Sender::Client => (client(connection), device()),
        Sender::Device => (device(), client(connection)),
    };
    Sighting {
        id: SightingId(packet),
        src,
        dst,
        spans: smallvec![range(packet)],
        ..Sighting::sample(sender, connection, command, object_id, ts)
    }
}

/// A request that nobody has answered: what the others start from.
pub(super) fn request(command: Command, connection: u32, packet: u64, ms: f64, object: ObjectId) -> Exchange {
    let frame = sighting(command, connection, packet, at(ms), object);
    Exchange {
        id: ExchangeId(packet),
        ts: frame.ts,
        request: Some(frame),
        response: None,
        status: ExchangeStatus::Unanswered,
        response_time: None,
        service_time: None,
        periodic: false,
        anomalies: Vec::new(),
    }
}

pub(super) fn read(connection: u32, packet: u64, ms: f64, object: ObjectId) -> Exchange {
    request(Command::READ, connection, packet, ms, object)
}

/// A frame of the device that nobody asked for.
pub(super) fn unasked(command: Command, packet: u64, ms: f64, object: ObjectId, payload: &[u8]) -> Exchange {
    let mut exchange = request(command, 1, packet, ms, object);
    let mut frame = sighting(command, 1, packet, at(ms), object);
    (frame.sender, frame.src, frame.dst) = (Sender::Device, device(), client(1));
    frame.payload = SmallVec::from_slice(payload);
    exchange.request = None;
    exchange.status = ExchangeStatus::Unsolicited;
    exchange.response =
        Some(Response { frame, on_asking_connection: false, copies: SmallVec::new(), pairing: Pairing::Certain });
    exchange
}

impl Exchange {
    /// Answered in `packet`, `after` milliseconds later; connections 1 to 3 all get it.
    pub(super) fn answered(mut self, packet: u64, after: f64, payload: &[u8]) -> Self {
        let asked = self.lead().connection;
        let nanos = at(after).nanos_since(at(0.0));
        let ts = Timestamp::from_nanos(self.ts.nanos() + nanos);
        let mut frame = sighting(Command::RESPONSE, asked.0, packet, ts, self.lead().object_id);
        frame.payload = SmallVec::from_slice(payload);
        let copies = (1..=3).map(ConnectionId).filter(|connection| *connection != asked).collect();
        self.status = ExchangeStatus::Answered;
        self.response_time = Some(nanos);
        self.response = Some(Response { frame, on_asking_connection: true, copies, pairing: Pairing::Certain });
        self
    }

    /// The answer's frame, to be spoilt.
    pub(super) fn spoil(mut self, change: impl FnOnce(&mut Sighting)) -> Self {
        let response = self.response.as_mut().expect("an answer");
        change(&mut response.frame);
        self.status = ExchangeStatus::Damaged;
        self
    }

    pub(super) fn status(mut self, status: ExchangeStatus) -> Self {
        self.status = status;
        self
    }

    pub(super) fn writes(mut self, payload: &[u8]) -> Self {
        let request = self.request.as_mut().expect("a request");
        request.payload = SmallVec::from_slice(payload);
        self
    }

    pub(super) fn marked(mut self, id: u64, code: Code) -> Self {
        self.anomalies.push((AnomalyId(id), code));
        self
    }
}

pub(super) fn anomaly(id: u64, code: Code, connection: u32, ms: f64, packet: u64, message: &str) -> Anomaly {
    Anomaly {
        id: AnomalyId(id),
        code,
        ts: at(ms),
        connection: Some(ConnectionId(connection)),
        object_id: None,
        message: message.to_owned(),
        evidence: smallvec![range(packet)],
    }
}

pub(super) fn non_frame(kind: NonFrameKind, connection: u32, packet: u64, ms: f64, length: u64) -> NonFrameSighting {
    NonFrameSighting {
        id: SightingId(packet),
        ts: at(ms),
        clock: at(ms),
        connection: ConnectionId(connection),
        sender: Sender::Client,
        src: client(connection),
        dst: device(),
        kind,
        capture_incomplete: false,
        raw: SmallVec::new(),
        stream_offset: 0,
        stream_length: length,
        spans: smallvec![range(packet)],
    }
}

/// The summary of a connection with its counts: requests, own, foreign, unanswered.
pub(super) fn connection(id: u32, portal: bool, counts: [u64; 4]) -> ConnectionSummary {
    let [request_count, own_count, foreign_count, unanswered_count] = counts;
    ConnectionSummary {
        id: ConnectionId(id),
        first: at(0.0),
        last: at(60_000.0),
        packet_count: 100,
        client: client(id),
        device: device(),
        roles_proven: true,
        opened_by: Some(Sender::Client),
        closed: CloseReason::EndOfCapture,
        portal,
        request_count,
        own_count,
        foreign_count,
        unanswered_count,
    }
}

/// An event that owns what it tells.
#[derive(Clone, Debug)]
pub(super) enum Made {
    Exchange(Box<Exchange>),
    Anomaly(Anomaly),
    NonFrame(NonFrameSighting),
    Connection(ConnectionSummary),
}

impl From<Exchange> for Made {
    fn from(exchange: Exchange) -> Self {
        Self::Exchange(Box::new(exchange))
    }
}

impl From<Anomaly> for Made {
    fn from(anomaly: Anomaly) -> Self {
        Self::Anomaly(anomaly)
    }
}

impl From<NonFrameSighting> for Made {
    fn from(bytes: NonFrameSighting) -> Self {
        Self::NonFrame(bytes)
    }
}

impl From<ConnectionSummary> for Made {
    fn from(connection: ConnectionSummary) -> Self {
        Self::Connection(connection)
    }
}

/// Gives events to a sink.
pub(super) fn feed<S: Sink<Error: std::fmt::Debug>>(sink: &mut S, events: &[Made]) {
    for event in events {
        let event = match event {
            Made::Exchange(exchange) => Event::Exchange(exchange),
            Made::Anomaly(anomaly) => Event::Anomaly(anomaly),
            Made::NonFrame(bytes) => Event::NonFrame(bytes),
            Made::Connection(connection) => Event::Connection(connection),
        };
        sink.event(event).expect("the sink takes it");
    }
}
