//! The last value of every object, to tell whether the next one differs.
//!
//! Knows payloads by their digest. Knows nothing of what they mean.

use crate::line::Exchange;
use crate::object::ObjectId;
use crate::output::cell::is_sample;
use foldhash::HashMap;
use foldhash::fast::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;

/// Objects remembered, of all devices and addresses; beyond, every value counts as changed. The registry has 905.
const OBJECTS: usize = 8192;

/// The last values.
#[derive(Debug, Default)]
pub(super) struct Latest {
    /// At most [`OBJECTS`]. A digest of each payload, since some have 64 KiB, and with a secret, since nothing else is
    /// compared.
    digests: HashMap<(IpAddr, Option<u32>, ObjectId), u64>,
    hasher: RandomState,
}

impl Latest {
    /// Takes the value of an exchange, if it has one to be trusted; says whether it is another than the last, or the
    /// first.
    pub(super) fn takes(&mut self, exchange: &Exchange) -> bool {
        let Some(response) = exchange.response.as_ref().filter(|_| is_sample(exchange)) else { return false };
        let frame = &*response.frame;
        let digest = self.hasher.hash_one(&*frame.payload);
        let key = (frame.device().ip, frame.address, frame.object_id);
        if self.digests.len() >= OBJECTS && !self.digests.contains_key(&key) {
            return true;
        }
        self.digests.insert(key, digest) != Some(digest)
    }
}
