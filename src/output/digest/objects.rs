//! What the digest keeps of every object: how often it was asked, how fast the answer was, its first and last value.
//!
//! Knows exchanges. Knows nothing of how they are shown.

use super::spread::Spread;
use crate::line::{Exchange, ExchangeStatus};
use crate::object::ObjectId;
use crate::output::cell::{Reader, is_sample, response_time};
use crate::rct::value::Form;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::net::IpAddr;

/// Objects kept, of all devices and addresses; the registry has 905. What comes later is counted together.
const OBJECTS: usize = 4096;
/// A payload up to this length is kept as it is and read when it is shown; a longer one is read at once.
const PAYLOAD: usize = 64;

/// An object of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) object_id: ObjectId,
    pub(super) address: Option<u32>,
    pub(super) device: IpAddr,
}

/// A value as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its payload.
    Payload(SmallVec<[u8; 16]>),
    /// What it reads as.
    Text(String),
}

/// What is known of one object.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// Exchanges about it.
    pub(super) count: u64,
    /// Those answered.
    pub(super) answered: u64,
    /// Response times.
    pub(super) spread: Spread,
    /// First and last value to be trusted.
    pub(super) values: Option<(Seen, Seen)>,
    /// How often the value was another than the one before.
    pub(super) changed: u64,
}

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// At most [`OBJECTS`].
    known: HashMap<Key, Object>,
    /// Exchanges about any others.
    pub(super) beyond: u64,
}

impl Objects {
    pub(super) fn add(&mut self, exchange: &Exchange, reader: &Reader<'_>) {
        let lead = exchange.lead();
        let key = Key { object_id: lead.object_id, address: lead.address, device: lead.device().ip };
        if self.known.len() >= OBJECTS && !self.known.contains_key(&key) {
            self.beyond += 1;
            return;
        }
        let object = self.known.entry(key).or_default();
        object.count += 1;
        object.answered += u64::from(exchange.status == ExchangeStatus::Answered);
        if let Some(nanos) = response_time(exchange) {
            object.spread.add(nanos);
        }
        if let Some(response) = exchange.response.as_ref().filter(|_| is_sample(exchange)) {
            object.take(Seen::new(&response.frame.payload, lead.object_id, reader));
        }
    }

    /// All of them, those with most exchanges first, then by id.
    pub(super) fn busiest(&self) -> Vec<(Key, &Object)> {
        let mut busiest: Vec<_> = self.known.iter().map(|(key, object)| (*key, object)).collect();
        busiest.sort_unstable_by_key(|(key, object)| (std::cmp::Reverse(object.count), *key));
        busiest
    }
}

impl Object {
    fn take(&mut self, seen: Seen) {
        match &mut self.values {
            None => self.values = Some((seen.clone(), seen)),
            Some((_, last)) if *last != seen => {
                *last = seen;
                self.changed += 1;
            }
            Some(_) => {}
        }
    }
}

impl Seen {
    fn new(payload: &[u8], object_id: ObjectId, reader: &Reader<'_>) -> Self {
        if payload.len() <= PAYLOAD {
            return Self::Payload(SmallVec::from_slice(payload));
        }
        let (Ok(mut text) | Err(mut text)) = reader.payload(object_id, Form::Response, payload);
        // Text can be as long as the frame, and nobody reads that much in a table.
        text.truncate(text.char_indices().nth(PAYLOAD).map_or(text.len(), |(at, _)| at));
        Self::Text(text)
    }

    pub(super) fn text(&self, object_id: ObjectId, reader: &Reader<'_>) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Payload(payload) => {
                let (Ok(text) | Err(text)) = reader.payload(object_id, Form::Response, payload);
                text
            }
        }
    }
}
