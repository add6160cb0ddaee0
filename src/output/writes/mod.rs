//! The security view: who wrote what to a device, in place of what, and whether it took effect.
//!
//! Takes all events and writes nothing until the last of them came: whether a WRITE took effect is seen from later READs.
//! Knows events and values. Knows neither files nor terminals; how the view looks is known to `text` and `json`.

mod json;
mod text;

pub use text::WritesOptions;

use super::cell::Reader;
use super::explain::Excerpt;
use crate::anomaly::{Anomaly, Code};
use crate::endpoint::{ConnectionId, Endpoint};
use crate::event::{Event, Sink};
use crate::fingerprint::{Fingerprint, Fingerprints};
use crate::line::{Exchange, ExchangeId, ExchangeStatus, Sighting};
use crate::object::ObjectId;
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::registry::Registry;
use crate::rct::value::Form;
use crate::time::Timestamp;
use foldhash::HashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

/// WRITEs that are listed, and conflicts; a client that regulates every second makes as many in eighteen hours.
const MOST: usize = 65_536;
/// Objects whose last value is remembered.
const REMEMBERED: usize = 65_536;
/// A payload up to this length is remembered as it is and read when it is shown; of a longer one the text is.
const PAYLOAD: usize = 64;
/// Bytes of a text that are kept; no real object needs as many.
const TEXT: usize = 1024;

/// An object of a device.
type Key = (IpAddr, ObjectId, Option<u32>);

/// A value as it was seen.
#[derive(Clone, Debug)]
struct Seen {
    ts: Timestamp,
    value: Value,
}

/// What is remembered of a value.
#[derive(Clone, Debug)]
enum Value {
    Payload(Form, SmallVec<[u8; 16]>),
    Text(Text),
}

/// A text: all of it, or, where it is very long, its beginning and its length. Two are equal where all of them is.
#[derive(Clone, Debug)]
struct Text {
    shown: Arc<str>,
    whole: Fingerprint,
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.whole == other.whole
    }
}

/// Whether a WRITE took effect, as far as a later READ shows it.
#[derive(Clone, Debug)]
enum Effect {
    /// Nobody has read the object since.
    Unknown,
    /// The next READ showed the new value.
    Seen,
    /// The next READ showed this instead.
    Other(Text),
}

impl Effect {
    const fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Seen => "seen",
            Self::Other(_) => "not_seen",
        }
    }
}

/// One WRITE.
#[derive(Clone, Debug)]
struct Row {
    id: ExchangeId,
    ts: Timestamp,
    connection: ConnectionId,
    packet: PacketNumber,
    who: Endpoint,
    device: Endpoint,
    object_id: ObjectId,
    address: Option<u32>,
    old: Option<Text>,
    new: Text,
    payload: Fingerprint,
    status: ExchangeStatus,
    effect: Effect,
    sensitive: bool,
}

/// Gathers the WRITEs of a capture.
#[derive(Debug)]
pub struct Writes<'r> {
    registry: &'r Registry,
    reader: Reader<'r>,
    /// What to know payloads and texts by.
    fingerprints: Fingerprints,
    known: HashMap<Key, Seen>,
    /// The rows of each object that wait for a READ.
    waiting: HashMap<Key, Vec<usize>>,
    rows: Vec<Row>,
    conflicts: Vec<Anomaly>,
    /// So many of each are listed at most.
    most: usize,
    /// WRITEs beyond.
    unlisted: u64,
    /// Conflicts beyond.
    unlisted_conflicts: u64,
}

impl<'r> Writes<'r> {
    /// No WRITE yet. The values of objects marked `secret` are hidden where it is told so.
    pub fn new(registry: &'r Registry, mask_secrets: bool) -> Self {
        Self::with_most(registry, mask_secrets, MOST)
    }

    fn with_most(registry: &'r Registry, mask_secrets: bool, most: usize) -> Self {
        Self {
            registry,
            reader: Reader::new(registry, mask_secrets),
            fingerprints: Fingerprints::default(),
            known: HashMap::default(),
            waiting: HashMap::default(),
            rows: Vec::new(),
            conflicts: Vec::new(),
            most,
            unlisted: 0,
            unlisted_conflicts: 0,
        }
    }

    /// The bytes that were sent twice with different content: of each conflict the second copy, then the first.
    pub fn conflicting(&self) -> Vec<ByteRange> {
        self.conflicts.iter().flat_map(|conflict| conflict.evidence.iter().copied()).collect()
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let lead = exchange.lead();
        let key = (lead.device().ip, lead.object_id, lead.address);
        let request = exchange.request.as_ref();
        match request {
            Some(request) if request.command.is_write() && !self.is_table(request.object_id) => {
                self.written(key, request, exchange);
            }
            _ => self.read(key, exchange),
        }
    }

    fn is_table(&self, id: ObjectId) -> bool {
        self.registry.get(id).is_some_and(|object| object.response_type.is_table())
    }

    fn written(&mut self, key: Key, request: &Sighting, exchange: &Exchange) {
        let new = self.text_of(request.object_id, Form::Request, &request.payload);
        let old = self.known.get(&key).filter(|seen| seen.ts <= request.ts);
        let old = old.map(|seen| match &seen.value {
            Value::Payload(form, payload) => self.text_of(request.object_id, *form, payload),
            Value::Text(text) => text.clone(),
        });
        self.remember(key, Form::Request, request);
        if self.rows.len() >= self.most {
            self.unlisted += 1;
            return;
        }
        self.waiting.entry(key).or_default().push(self.rows.len());
        let sensitive = self.registry.get(request.object_id).is_some_and(|object| object.flags.sensitive_write);
        self.rows.push(Row {
            id: exchange.id,
            ts: request.ts,
            connection: request.connection,
            packet: request.packet(),
            who: request.src,
            device: request.dst,
            object_id: request.object_id,
            address: request.address,
            old,
            new,
            payload: self.fingerprints.of(&request.payload),
            status: exchange.status,
            effect: Effect::Unknown,
            sensitive,
        });
    }

    /// What a payload says, as it is kept.
    fn text_of(&self, id: ObjectId, form: Form, payload: &[u8]) -> Text {
        let (Ok(text) | Err(text)) = self.reader.payload(id, form, payload);
        let whole = self.fingerprints.of(text.as_bytes());
        let end = (0..=TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let is_cut = end < text.len();
        let shown = if is_cut { format!("{}… ({} bytes)", &text[..end], text.len()) } else { text };
        Text { shown: shown.into(), whole }
    }

    /// Takes note of what an object holds since this frame.
    fn remember(&mut self, key: Key, form: Form, frame: &Sighting) {
        let value = if frame.payload.len() <= PAYLOAD {
            Value::Payload(form, frame.payload.clone())
        } else {
            Value::Text(self.text_of(frame.object_id, form, &frame.payload))
        };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, Seen { ts: frame.ts, value });
    }

    /// An answer shows what the object holds.
    fn read(&mut self, key: Key, exchange: &Exchange) {
        if !super::cell::is_sample(exchange) {
            return;
        }
        let Some(response) = &exchange.response else { return };
        let frame = &response.frame;
        if let Some(waiting) = self.waiting.remove(&key) {
            let text = self.text_of(frame.object_id, Form::Response, &frame.payload);
            let payload = self.fingerprints.of(&frame.payload);
            for row in waiting {
                let row = &mut self.rows[row];
                // Types of request and answer may differ; then the texts have to do.
                let same = row.payload == payload || row.new == text;
                row.effect = if same { Effect::Seen } else { Effect::Other(text.clone()) };
            }
        }
        let newer = self.known.get(&key).is_none_or(|seen| seen.ts <= frame.ts);
        if newer {
            self.remember(key, Form::Response, frame);
        }
    }

    fn conflict(&mut self, conflict: &Anomaly) {
        if self.conflicts.len() < self.most {
            self.conflicts.push(conflict.clone());
        } else {
            self.unlisted_conflicts += 1;
        }
    }

    /// The objects of which several hosts wrote different values.
    fn competing(&self) -> BTreeMap<(IpAddr, ObjectId), BTreeMap<IpAddr, u64>> {
        let mut hosts: BTreeMap<(IpAddr, ObjectId), BTreeMap<IpAddr, u64>> = BTreeMap::new();
        let mut values: BTreeMap<(IpAddr, ObjectId), BTreeSet<Fingerprint>> = BTreeMap::new();
        for row in &self.rows {
            let key = (row.device.ip, row.object_id);
            *hosts.entry(key).or_default().entry(row.who.ip).or_default() += 1;
            values.entry(key).or_default().insert(row.payload);
        }
        hosts.retain(|key, hosts| hosts.len() > 1 && values.get(key).is_some_and(|values| values.len() > 1));
        hosts
    }
}

/// The bytes of a place, if they could be read again.
fn bytes_at(range: ByteRange, excerpts: &[Excerpt]) -> &[u8] {
    excerpts.iter().find(|excerpt| excerpt.range == range).map_or(&[], |excerpt| &excerpt.bytes)
}

impl Sink for Writes<'_> {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Anomaly(anomaly) if anomaly.code == Code::OverlapConflict => self.conflict(anomaly),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
