//! The last value of every object, to tell whether the next one differs.
//!
//! Knows payloads by their fingerprints. Knows nothing of what they mean.

use crate::fingerprint::{Fingerprint, Fingerprints};
use crate::line::Exchange;
use crate::object::ObjectId;
use crate::output::cell::is_sample;
use foldhash::HashMap;
use std::net::IpAddr;

/// Objects remembered, of all devices and addresses; beyond, every value counts as changed. The registry has 905.
const OBJECTS: usize = 8192;

/// The last values.
#[derive(Debug, Default)]
pub(super) struct Latest {
    /// At most [`OBJECTS`]. What each payload is known by, since some have 64 KiB.
    values: HashMap<(IpAddr, Option<u32>, ObjectId), Fingerprint>,
    fingerprints: Fingerprints,
}

impl Latest {
    /// Takes the value of an exchange, if it has one to be trusted; says whether it is another than the last, or the
    /// first.
    pub(super) fn takes(&mut self, exchange: &Exchange) -> bool {
        let Some(response) = exchange.response.as_ref().filter(|_| is_sample(exchange)) else { return false };
        let frame = &response.frame;
        let value = self.fingerprints.of(&frame.payload);
        let key = (frame.device().ip, frame.address, frame.object_id);
        if self.values.len() >= OBJECTS && !self.values.contains_key(&key) {
            return true;
        }
        self.values.insert(key, value) != Some(value)
    }
}
