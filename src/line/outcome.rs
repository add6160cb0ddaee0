//! What a line has to say, to whom, and the numbers it gives out.

use super::exchange::{Exchange, ExchangeId, Sighting};
use super::plain::PlainExchange;
use crate::anomaly::{Anomaly, AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::in_place::boxed;
use crate::limits::EVIDENCE_SPANS;
use crate::object::ObjectId;
use crate::packet::ByteRange;
use crate::time::Timestamp;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// The line of a device, for as long as something on it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineId(pub(super) u32);

/// Hears what the lines find out, at once and in order.
pub trait Listener {
    /// A request was made; its exchange follows once its fate is known. Keeps its place in the order of time.
    ///
    /// `id`: the exchange that will follow. `line`: where it was made, as [`Lines::give_up`](super::Lines::give_up) wants it.
    /// `clock`: when, on the clock that never goes back. `at`: the bytes of the request.
    fn asked(&mut self, id: ExchangeId, line: LineId, clock: Timestamp, at: ByteRange);

    /// An exchange is complete.
    fn exchange(&mut self, exchange: Box<Exchange>);

    /// The same, where there is nothing to say of it.
    fn plain(&mut self, exchange: Box<PlainExchange>) {
        self.exchange(Box::new(exchange.exchange()));
    }

    /// An anomaly, and when it was, on the clock that never goes back.
    fn anomaly(&mut self, clock: Timestamp, anomaly: Box<Anomaly>);
}

/// Passes on what is found out, and counts exchanges and anomalies through a session.
///
/// Only [`Lines`](super::Lines) knows who listens.
#[derive(Debug)]
pub(super) struct Outbox<L: ?Sized = dyn Listener> {
    /// Objects marked `secret` that have crossed the wire.
    secrets: FxHashSet<ObjectId>,
    exchanges: u64,
    anomalies: u64,
    /// Where there was a plain exchange that has been told, the next one may be.
    #[expect(clippy::vec_box, reason = "it is the boxes that are used again")]
    spare: Vec<Box<PlainExchange>>,
    pub(super) listener: L,
}

/// The anomalies found on one frame.
pub(super) type Found = Vec<(AnomalyId, Code)>;

/// What an anomaly is about.
pub(super) struct About {
    ts: Timestamp,
    clock: Timestamp,
    connection: ConnectionId,
    object_id: Option<ObjectId>,
    evidence: SmallVec<[ByteRange; 2]>,
}

impl About {
    /// About one frame.
    pub(super) fn frame(sighting: &Sighting) -> Self {
        Self {
            ts: sighting.ts,
            clock: sighting.clock,
            connection: sighting.connection,
            object_id: Some(sighting.object_id),
            evidence: proof(&sighting.spans).collect(),
        }
    }

    /// About bytes that are no frame.
    pub(super) fn bytes(ts: Timestamp, clock: Timestamp, connection: ConnectionId, spans: &[ByteRange]) -> Self {
        Self { ts, clock, connection, object_id: None, evidence: proof(spans).collect() }
    }

    /// With the bytes of another frame as further evidence.
    pub(super) fn and(mut self, spans: &[ByteRange]) -> Self {
        self.evidence.extend(proof(spans));
        self
    }
}

/// What of a frame's bytes is named as evidence: all of them, unless they came in very many pieces.
fn proof(spans: &[ByteRange]) -> impl Iterator<Item = ByteRange> {
    let beyond = spans.len() > EVIDENCE_SPANS;
    let (first, last) = if beyond { (&spans[..EVIDENCE_SPANS - 1], spans.last()) } else { (spans, None) };
    first.iter().chain(last).copied()
}

impl<L> Outbox<L> {
    pub(super) fn new(listener: L) -> Self {
        Self { secrets: FxHashSet::default(), exchanges: 0, anomalies: 0, spare: Vec::new(), listener }
    }
}

impl<L: Listener + ?Sized> Outbox<L> {
    /// Whether this secret is met for the first time in the session.
    pub(super) fn is_first_secret(&mut self, object_id: ObjectId) -> bool {
        self.secrets.insert(object_id)
    }

    /// Gives a request its number and its place in the order.
    #[inline]
    pub(super) fn asked(&mut self, line: LineId, clock: Timestamp, at: ByteRange) -> ExchangeId {
        let id = self.exchange_id();
        self.listener.asked(id, line, clock, at);
        id
    }

    pub(super) fn exchange_id(&mut self) -> ExchangeId {
        self.exchanges += 1;
        ExchangeId(self.exchanges)
    }

    #[inline]
    pub(super) fn exchange(&mut self, exchange: Box<Exchange>) {
        self.listener.exchange(exchange);
    }

    /// `exchange`: made where it stays, see [`in_place`](crate::in_place).
    #[inline]
    pub(super) fn plain(&mut self, exchange: impl FnOnce() -> PlainExchange) {
        let exchange = match self.spare.pop() {
            Some(mut room) => {
                *room = exchange();
                room
            }
            None => boxed(exchange),
        };
        self.listener.plain(exchange);
    }

    /// Takes back the room of one that has been told. What waits is bounded, and so is this.
    #[inline]
    pub(super) fn reuse(&mut self, told: Box<PlainExchange>) {
        self.spare.push(told);
    }

    pub(super) fn anomaly_id(&mut self) -> AnomalyId {
        self.anomalies += 1;
        AnomalyId(self.anomalies)
    }

    /// Numbers an anomaly and tells it. There are few: what leads here shall cost nothing where there is none.
    #[cold]
    #[inline(never)]
    pub(super) fn anomaly(&mut self, code: Code, about: About, message: impl Into<String>) -> (AnomalyId, Code) {
        let id = self.anomaly_id();
        let About { ts, clock, connection, object_id, evidence } = about;
        let message = message.into();
        let anomaly = Anomaly { id, code, ts, connection: Some(connection), object_id, message, evidence };
        self.listener.anomaly(clock, Box::new(anomaly));
        (id, code)
    }
}
