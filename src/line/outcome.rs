//! What a line has to say, and the numbers it gives out.

use super::exchange::{Exchange, ExchangeId, Sighting};
use crate::anomaly::{Anomaly, AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::in_place::push_back;
use crate::object::ObjectId;
use crate::packet::ByteRange;
use crate::time::Timestamp;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// One thing a line has found out.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A request was made; its exchange follows once its fate is known. Keeps its place in the order of time.
    Asked {
        /// The exchange that will follow.
        id: ExchangeId,
        /// When the request was made, on the clock that never goes back.
        clock: Timestamp,
        /// The bytes of the request.
        at: ByteRange,
    },
    /// An exchange is complete.
    Exchange(Box<Exchange>),
    /// An anomaly.
    Anomaly {
        /// When, on the clock that never goes back.
        clock: Timestamp,
        /// The anomaly.
        anomaly: Box<Anomaly>,
    },
}

/// Collects outcomes and counts exchanges and anomalies through a session.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    outcomes: VecDeque<Outcome>,
    /// Objects marked `secret` that have crossed the wire.
    secrets: FxHashSet<ObjectId>,
    exchanges: u64,
    anomalies: u64,
}

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
            evidence: sighting.spans.iter().copied().collect(),
        }
    }

    /// About bytes that are no frame.
    pub(super) fn bytes(ts: Timestamp, clock: Timestamp, connection: ConnectionId, spans: &[ByteRange]) -> Self {
        Self { ts, clock, connection, object_id: None, evidence: SmallVec::from_slice(spans) }
    }

    /// With the bytes of another frame as further evidence.
    pub(super) fn and(mut self, spans: &[ByteRange]) -> Self {
        self.evidence.extend_from_slice(spans);
        self
    }
}

impl Outbox {
    /// The next thing that has been found out.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Outcome> {
        self.outcomes.pop_front()
    }

    /// Whether this secret is met for the first time in the session.
    pub(super) fn is_first_secret(&mut self, object_id: ObjectId) -> bool {
        self.secrets.insert(object_id)
    }

    /// Gives a request its number and its place in the order.
    pub(super) fn asked(&mut self, request: &Sighting) -> ExchangeId {
        let id = self.exchange_id();
        let (clock, at) = (request.clock, request.place());
        push_back(&mut self.outcomes, || Outcome::Asked { id, clock, at });
        id
    }

    pub(super) fn exchange_id(&mut self) -> ExchangeId {
        self.exchanges += 1;
        ExchangeId(self.exchanges)
    }

    #[inline]
    pub(super) fn exchange(&mut self, exchange: Box<Exchange>) {
        push_back(&mut self.outcomes, || Outcome::Exchange(exchange));
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
        self.outcomes.push_back(Outcome::Anomaly { clock, anomaly: Box::new(anomaly) });
        (id, code)
    }
}
