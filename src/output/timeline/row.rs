//! One row of a timeline before it is printed, and what the events say becomes one.
//!
//! Knows events and their meaning for a reader. Knows neither columns nor order.

use crate::anomaly::{Anomaly, AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::event::NonFrameSighting;
use crate::limits::RESPONSE_TIMEOUT;
use crate::line::{Exchange, ExchangeStatus, Pairing, Sighting};
use crate::output::cell::Reader;
use crate::packet::PacketNumber;
use crate::rct::{Command, NonFrameKind};
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::time::Duration;

/// Copies of one thing reach the connections within milliseconds of one another.
pub(super) const COPY_SPREAD: Duration = Duration::from_millis(20);

/// Something worth showing that happened at one moment.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) ts: Timestamp,
    /// When the last thing that belongs to it happened; until then something may still come to it.
    pub(super) until: Timestamp,
    /// The connection it was asked on.
    pub(super) connection: Option<ConnectionId>,
    /// The packet to look at first, and the one with the answer.
    pub(super) packets: (Option<PacketNumber>, Option<PacketNumber>),
    /// Where its frames begin: packet, and byte within it.
    pub(super) places: SmallVec<[(PacketNumber, u32); 2]>,
    pub(super) kind: Kind,
    /// What was wrong.
    pub(super) marks: Vec<Mark>,
    pub(super) visibility: Visibility,
}

/// What a row is about.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// An exchange.
    Exchange(Asked),
    /// A batch of requests equal to one shown before.
    Fold {
        /// The first command, and the response time of the slowest.
        asked: Asked,
        count: usize,
        as_at: Timestamp,
        changed: usize,
    },
    /// Bytes that are no frame: what they are, who sent them, and what to say of them.
    NonFrame(NonFrameKind, IpAddr, String),
    /// An anomaly that belongs to no exchange: its mark says all.
    Anomaly,
}

/// What is shown of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) command: Command,
    /// The device sent it unasked.
    pub(super) unasked: bool,
    pub(super) object: String,
    pub(super) value: String,
    pub(super) response_time: Option<i64>,
    /// The value differs from the last one of this object.
    pub(super) changed: bool,
    /// Facts about it that are no anomalies.
    pub(super) facts: Vec<String>,
}

/// An anomaly at a row.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) id: AnomalyId,
    pub(super) code: Code,
    /// What its own event said; `None` until that came.
    pub(super) told: Option<Told>,
}

/// What an anomaly's own event adds to its id and code.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) ts: Timestamp,
    pub(super) connection: Option<ConnectionId>,
    pub(super) message: String,
}

/// Whether a row is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    /// Yes.
    Shown,
    /// No: a fold stands for it.
    Hidden,
    /// Its batch is not complete yet.
    Undecided,
}

impl Row {
    /// The row of an exchange; `changed` is for others to fill in.
    pub(super) fn exchange(exchange: &Exchange, reader: &Reader<'_>) -> Self {
        let lead = exchange.lead();
        let unasked = exchange.request.is_none();
        let answer = exchange.response.as_ref().map(|response| &response.frame);
        let asked = Asked {
            command: lead.command,
            unasked,
            object: reader.name(lead.object_id, lead.address),
            value: reader.value(exchange),
            response_time: exchange.response_time,
            changed: false,
            facts: facts(exchange),
        };
        Self {
            ts: exchange.ts,
            until: until(exchange),
            connection: if unasked { None } else { Some(lead.connection) },
            packets: (Some(lead.packet()), answer.filter(|_| !unasked).map(Sighting::packet)),
            places: exchange.request.iter().chain(answer).filter_map(place).collect(),
            kind: Kind::Exchange(asked),
            marks: exchange.anomalies.iter().map(|&(id, code)| Mark { id, code, told: None }).collect(),
            visibility: Visibility::Shown,
        }
    }

    /// The row that stands for a batch equal to one shown at `as_at`; `None` where they are not all exchanges.
    pub(super) fn fold(rows: &[&Self], as_at: Timestamp) -> Option<Self> {
        let asked: Option<Vec<&Asked>> = rows.iter().map(|row| row.asked()).collect();
        let asked = asked?;
        let first = *rows.first()?;
        let slowest = *asked.iter().max_by_key(|asked| asked.response_time)?;
        let changed = asked.iter().filter(|asked| asked.changed).count();
        let kind = Kind::Fold {
            asked: Asked { command: asked.first()?.command, ..slowest.clone() },
            count: rows.len(),
            as_at,
            changed,
        };
        let until = rows.iter().map(|row| row.until).max()?;
        let packets = (first.packets.0, None);
        Some(Self { kind, until, packets, visibility: Visibility::Shown, ..first.clone() })
    }

    /// Whether these bytes are a copy of those: the hub gives every connection what the device sends.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        let (Kind::NonFrame(kind, from, text), Kind::NonFrame(other_kind, other_from, other_text)) =
            (&self.kind, &other.kind)
        else {
            return false;
        };
        *kind != NonFrameKind::Gap
            && self.connection != other.connection
            && (kind, from, text) == (other_kind, other_from, other_text)
            && self.ts.nanos_since(other.ts) <= i64::try_from(COPY_SPREAD.as_nanos()).unwrap_or(i64::MAX)
    }

    /// Whether an anomaly that names no exchange is about this one: its evidence shows the request or the answer.
    pub(super) fn is_shown_by(&self, anomaly: &Anomaly) -> bool {
        let shown = anomaly.evidence.iter().map(|range| (range.packet, range.offset));
        self.connection == anomaly.connection && shown.into_iter().any(|place| self.places.contains(&place))
    }

    fn asked(&self) -> Option<&Asked> {
        if let Kind::Exchange(asked) = &self.kind { Some(asked) } else { None }
    }

    /// The row of an anomaly that belongs to no exchange.
    pub(super) fn anomaly(anomaly: &Anomaly) -> Self {
        Self {
            ts: anomaly.ts,
            until: anomaly.ts,
            connection: anomaly.connection,
            packets: (anomaly.evidence.first().map(|range| range.packet), None),
            places: SmallVec::new(),
            kind: Kind::Anomaly,
            marks: vec![Mark::new(anomaly)],
            visibility: Visibility::Shown,
        }
    }

    /// The row of bytes that are no frame.
    pub(super) fn non_frame(bytes: &NonFrameSighting) -> Self {
        Self {
            ts: bytes.ts,
            until: bytes.ts.saturating_add(COPY_SPREAD),
            connection: Some(bytes.connection),
            packets: (bytes.spans.first().map(|range| range.packet), None),
            places: SmallVec::new(),
            kind: Kind::NonFrame(bytes.kind, bytes.src.ip, non_frame_text(bytes)),
            marks: Vec::new(),
            visibility: Visibility::Shown,
        }
    }
}

impl Mark {
    pub(super) fn new(anomaly: &Anomaly) -> Self {
        Self { id: anomaly.id, code: anomaly.code, told: Some(Told::new(anomaly)) }
    }
}

impl Told {
    pub(super) fn new(anomaly: &Anomaly) -> Self {
        Self { ts: anomaly.ts, connection: anomaly.connection, message: anomaly.message.clone() }
    }
}

/// Until when something may come to an exchange: its answer's copy on the connection that asked, or the end of patience.
fn until(exchange: &Exchange) -> Timestamp {
    match &exchange.response {
        Some(response) if response.on_asking_connection || exchange.request.is_none() => {
            exchange.ts.max(response.frame.ts)
        }
        _ => exchange.ts.saturating_add(RESPONSE_TIMEOUT),
    }
}

fn place(frame: &Sighting) -> Option<(PacketNumber, u32)> {
    frame.spans.first().map(|range| (range.packet, range.offset))
}

/// What a reader has to know about an exchange although nothing is wrong with it.
fn facts(exchange: &Exchange) -> Vec<String> {
    let Some(response) = exchange.response.as_ref().filter(|_| exchange.request.is_some()) else { return Vec::new() };
    let mut facts = Vec::new();
    if !response.on_asking_connection {
        facts.push(format!("the answer was seen on connection {} only", response.frame.connection));
    }
    if response.pairing == Pairing::Tentative && exchange.status == ExchangeStatus::Answered {
        facts.push("that this is the answer to this request is a guess".to_owned());
    }
    facts
}

fn non_frame_text(bytes: &NonFrameSighting) -> String {
    let length = bytes.stream_length;
    let what = match bytes.kind {
        NonFrameKind::KeepAlive => return "AT+ keep-alive (portal)".to_owned(),
        NonFrameKind::ProtocolSwitch => return "the app's protocol switch".to_owned(),
        NonFrameKind::Gap => return format!("{length} bytes not captured"),
        NonFrameKind::BridgeNoise => "noise of the network bridge",
        NonFrameKind::Bootloader => "the bootloader announces itself",
        NonFrameKind::Remainder => "tail of an earlier answer",
        NonFrameKind::Stub => "beginning of a frame",
        NonFrameKind::Junk => "junk",
    };
    let cause = if bytes.capture_incomplete { ", beside a gap in the capture" } else { "" };
    format!("{what}, {length} {}{cause}", if length == 1 { "byte" } else { "bytes" })
}

/// Whether an anomaly of this code is what bytes of this kind are reported as.
pub(super) const fn reports(code: Code, kind: NonFrameKind) -> bool {
    matches!(
        (code, kind),
        (Code::KeepAlive, NonFrameKind::KeepAlive)
            | (Code::ProtocolSwitch, NonFrameKind::ProtocolSwitch)
            | (Code::BridgeNoise, NonFrameKind::BridgeNoise)
            | (Code::Bootloader, NonFrameKind::Bootloader)
            | (Code::StuckRemainder, NonFrameKind::Remainder)
            | (Code::Truncated, NonFrameKind::Stub)
            | (Code::Junk, NonFrameKind::Junk)
            | (Code::Gap, NonFrameKind::Gap)
    )
}
