//! What the events tell of one anomaly, exchange or frame.
//!
//! Two passes over the same capture: [`Locate`] finds the thing itself, [`Dossier`] then gathers its frames and what
//! happened near it, which may have come before anybody knew what to look for. Memory does not grow with the capture.

use super::places::Places;
use crate::anomaly::{Anomaly, AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::event::{Event, NonFrameSighting, Sink};
use crate::line::{Exchange, ExchangeId, Sighting, SightingId};
use crate::packet::ByteRange;
use crate::time::Timestamp;
use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What is near: a second before and a second after.
const NEAR: Duration = Duration::from_secs(1);
/// So much of what is near is kept.
const MOST: usize = 512;

/// What is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `A7`
    Anomaly(AnomalyId),
    /// `T7`
    Exchange(ExchangeId),
    /// `F12`
    Frame(SightingId),
}

impl Target {
    /// Reads `A7`, `T7` or `F12`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let kind = text.chars().next()?.to_ascii_uppercase();
        let number = text.get(1..)?;
        let number = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()?;
        match kind {
            'A' => Some(Self::Anomaly(AnomalyId(number))),
            'T' => Some(Self::Exchange(ExchangeId(number))),
            'F' => Some(Self::Frame(SightingId(number))),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anomaly(id) => id.fmt(f),
            Self::Exchange(id) => id.fmt(f),
            Self::Frame(id) => id.fmt(f),
        }
    }
}

/// Finds a target among the events.
#[derive(Debug)]
pub struct Locate {
    target: Target,
    anomaly: Option<Anomaly>,
    exchange: Option<Exchange>,
    frame: Option<Sighting>,
    bytes: Option<NonFrameSighting>,
    start: Option<Timestamp>,
    /// The greatest numbers met, to say what there is.
    last: [u64; 3],
}

impl Locate {
    /// Looks for `target`.
    pub const fn new(target: Target) -> Self {
        Self { target, anomaly: None, exchange: None, frame: None, bytes: None, start: None, last: [0; 3] }
    }

    /// Whether it is there.
    pub const fn is_found(&self) -> bool {
        match self.target {
            Target::Anomaly(_) => self.anomaly.is_some(),
            Target::Exchange(_) => self.exchange.is_some(),
            Target::Frame(_) => self.frame.is_some() || self.bytes.is_some(),
        }
    }

    /// The last number of the target's kind in the capture.
    pub const fn last(&self) -> u64 {
        match self.target {
            Target::Anomaly(_) => self.last[0],
            Target::Exchange(_) => self.last[1],
            Target::Frame(_) => self.last[2],
        }
    }

    /// The second pass.
    pub fn dossier(self) -> Dossier {
        let evidence = match (&self.anomaly, &self.frame, &self.bytes) {
            (Some(anomaly), ..) => anomaly.evidence.to_vec(),
            (None, Some(frame), _) => frame.spans.to_vec(),
            (None, None, Some(bytes)) => bytes.spans.to_vec(),
            (None, None, None) => Vec::new(),
        };
        let lead = self.exchange.as_ref().map(Exchange::lead).or(self.frame.as_ref());
        let device = lead.map(|frame| frame.device().ip);
        let ts = self.anomaly.as_ref().map(|anomaly| anomaly.ts);
        let ts = ts.or_else(|| self.exchange.as_ref().map(|exchange| exchange.ts));
        let ts = ts.or_else(|| lead.map(|frame| frame.ts)).or_else(|| self.bytes.as_ref().map(|bytes| bytes.ts));
        Dossier {
            target: self.target,
            ts: ts.unwrap_or_default(),
            start: self.start,
            anomaly: self.anomaly,
            exchange: self.exchange,
            frame: self.frame,
            bytes: self.bytes.into_iter().collect(),
            places: Places::new(&evidence),
            evidence,
            device,
            frames: Vec::new(),
            copies: Vec::new(),
            near: Vec::new(),
            related: Vec::new(),
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        self.last[1] = self.last[1].max(exchange.id.0);
        let frame_id = |frame: &Sighting| Target::Frame(frame.id) == self.target;
        let is_it = match self.target {
            Target::Exchange(id) => exchange.id == id,
            Target::Anomaly(id) => exchange.anomalies.iter().any(|(anomaly, _)| *anomaly == id),
            Target::Frame(_) => {
                exchange.request.as_ref().is_some_and(frame_id)
                    || exchange.response.as_ref().is_some_and(|response| frame_id(&response.frame))
            }
        };
        if is_it && self.exchange.is_none() {
            self.exchange = Some(exchange.clone());
        }
    }
}

impl Sink for Locate {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Anomaly(anomaly) => {
                self.last[0] = self.last[0].max(anomaly.id.0);
                if Target::Anomaly(anomaly.id) == self.target {
                    self.anomaly = Some(anomaly.clone());
                }
            }
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Frame(frame) => {
                self.last[2] = self.last[2].max(frame.id.0);
                if Target::Frame(frame.id) == self.target {
                    self.frame = Some(frame.clone());
                }
            }
            Event::NonFrame(bytes) => {
                self.last[2] = self.last[2].max(bytes.id.0);
                if Target::Frame(bytes.id) == self.target {
                    self.bytes = Some(bytes.clone());
                }
            }
            Event::Summary(summary) => self.start = summary.first,
            Event::Connection(_) => {}
        }
        Ok(())
    }
}

/// All that is told of one thing.
#[derive(Debug)]
pub struct Dossier {
    pub(super) target: Target,
    pub(super) ts: Timestamp,
    /// The time of the capture's first packet.
    pub(super) start: Option<Timestamp>,
    pub(super) anomaly: Option<Anomaly>,
    /// The exchange that it is, or belongs to.
    pub(super) exchange: Option<Exchange>,
    pub(super) frame: Option<Sighting>,
    pub(super) bytes: Vec<NonFrameSighting>,
    pub(super) evidence: Vec<ByteRange>,
    /// The same, to be looked up.
    places: Places,
    device: Option<IpAddr>,
    /// The frames that the evidence points at, in the order of the evidence.
    pub(super) frames: Vec<Sighting>,
    /// Other sightings of those.
    pub(super) copies: Vec<(SightingId, ConnectionId, ByteRange)>,
    /// Exchanges of the same device about the same time.
    pub(super) near: Vec<Exchange>,
    /// Anomalies of the exchange, when it is an exchange that is explained.
    pub(super) related: Vec<Anomaly>,
}

impl Dossier {
    /// The bytes that prove it, where no frame holds them.
    pub fn evidence(&self) -> &[ByteRange] {
        &self.evidence
    }

    /// Whether the bytes of the packets are to be shown: where they are in no frame and no other item of the protocol, and
    /// where they are there twice and differ.
    pub fn needs_packets(&self) -> bool {
        let differs = self.anomaly.as_ref().is_some_and(|anomaly| anomaly.code == Code::OverlapConflict);
        differs || self.frames.is_empty() && self.bytes.is_empty() && self.evidence.iter().any(|range| range.length > 0)
    }

    fn take_frame(&mut self, frame: &Sighting) {
        if self.places.meet(&frame.spans) && self.frames.len() < MOST {
            self.frames.push(frame.clone());
        }
        let original = frame.copy_of.unwrap_or(frame.id);
        if self.copies.len() < MOST && self.is_near(frame.ts) {
            self.copies.push((original, frame.connection, frame.place()));
        }
    }

    fn is_near(&self, ts: Timestamp) -> bool {
        ts.nanos_since(self.ts).unsigned_abs() <= u64::try_from(NEAR.as_nanos()).unwrap_or(u64::MAX)
    }

    fn take_exchange(&mut self, exchange: &Exchange) {
        let answered = exchange.response.as_ref().map(|response| response.frame.ts);
        let near = self.is_near(exchange.ts) || answered.is_some_and(|ts| self.is_near(ts));
        let same_device = self.device.is_none_or(|device| exchange.lead().device().ip == device);
        if near && same_device && self.near.len() < MOST {
            self.near.push(exchange.clone());
        }
    }
}

impl Sink for Dossier {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Frame(frame) => self.take_frame(frame),
            Event::NonFrame(bytes) if self.anomaly.is_some() && self.places.meet(&bytes.spans) => {
                if self.bytes.len() < MOST {
                    self.bytes.push(bytes.clone());
                }
            }
            Event::Exchange(exchange) => self.take_exchange(exchange),
            Event::Anomaly(anomaly) => {
                let named = |exchange: &Exchange| exchange.anomalies.iter().any(|(id, _)| *id == anomaly.id);
                if self.exchange.as_ref().is_some_and(named) && self.related.len() < MOST {
                    self.related.push(anomaly.clone());
                }
            }
            Event::NonFrame(_) | Event::Connection(_) | Event::Summary(_) => {}
        }
        Ok(())
    }
}
