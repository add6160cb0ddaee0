//! What the digest keeps of every connection, and which devices there are.
//!
//! Knows exchanges and the summaries of connections. Knows nothing of how they are shown.

use super::spread::Spread;
use crate::endpoint::ConnectionId;
use crate::event::ConnectionSummary;
use crate::line::Exchange;
use crate::output::cell::response_time;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Connections kept; beyond, those with the fewest requests are only counted, and those that have not ended yet are not
/// begun to be known.
const CONNECTIONS: usize = 512;
/// Devices named.
const DEVICES: usize = 16;

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// What it was, once it ended.
    pub(super) summary: Option<ConnectionSummary>,
    /// How long its own answers took.
    pub(super) spread: Spread,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// At most [`CONNECTIONS`].
    known: BTreeMap<ConnectionId, Connection>,
    /// How many have ended.
    ended: u64,
    /// The device's ends, and whether a frame proved one.
    pub(super) devices: BTreeMap<IpAddr, bool>,
}

impl Connections {
    pub(super) fn add(&mut self, exchange: &Exchange) {
        let Some(request) = &exchange.request else { return };
        let has_room = self.known.len() < CONNECTIONS || self.known.contains_key(&request.connection);
        if let (true, Some(nanos)) = (has_room, response_time(exchange)) {
            self.known.entry(request.connection).or_default().spread.add(nanos);
        }
    }

    pub(super) fn end(&mut self, summary: &ConnectionSummary) {
        if self.devices.len() < DEVICES || self.devices.contains_key(&summary.device.ip) {
            *self.devices.entry(summary.device.ip).or_default() |= summary.roles_proven;
        }
        self.ended += 1;
        self.entry(summary.id).summary = Some(summary.clone());
    }

    /// Those that ended and are not kept.
    pub(super) fn beyond(&self) -> u64 {
        self.ended - self.ended().count() as u64
    }

    /// Those that ended, in the order of their numbers.
    pub(super) fn ended(&self) -> impl Iterator<Item = (&ConnectionSummary, &Spread)> {
        self.known.values().filter_map(|known| Some((known.summary.as_ref()?, &known.spread)))
    }

    fn entry(&mut self, id: ConnectionId) -> &mut Connection {
        if self.known.len() >= CONNECTIONS && !self.known.contains_key(&id) {
            let requests = |known: &Connection| known.summary.as_ref().map(|summary| summary.request_count);
            let ended = self.known.iter().filter(|(_, known)| known.summary.is_some());
            let least = ended.min_by_key(|(_, known)| requests(known)).or(self.known.first_key_value());
            if let Some(least) = least.map(|(id, _)| *id) {
                self.known.remove(&least);
            }
        }
        self.known.entry(id).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectId;
    use crate::output::samples::{connection, read};

    #[test]
    fn the_busy_ones_stay() {
        let mut connections = Connections::default();
        for id in 1..=200_000 {
            let requests = u64::from(id % 1000 == 0);
            let mut summary = connection(1, false, [requests, 0, 0, 0]);
            summary.id = ConnectionId(id);
            connections.end(&summary);
        }
        assert_eq!(connections.ended().count(), CONNECTIONS);
        assert_eq!(connections.ended().filter(|(summary, _)| summary.request_count == 1).count(), 200);
        assert_eq!(connections.beyond(), 200_000 - CONNECTIONS as u64);
    }

    /// Each exchange of one that was not kept counted as one more connection.
    #[test]
    fn what_is_not_kept_counts_once_however_much_it_said() {
        let mut connections = Connections::default();
        let last = u32::try_from(CONNECTIONS).expect("few") + 3;
        let mut answered = read(1, 10, 0.0, ObjectId(0x9599_30bf)).answered(11, 50.0, &[0; 4]);
        for _ in 0..5 {
            for id in 1..=last {
                answered.request.as_mut().expect("it has one").connection = ConnectionId(id);
                connections.add(&answered);
            }
        }
        for id in 1..=last {
            connections.end(&ConnectionSummary { id: ConnectionId(id), ..connection(1, false, [5, 0, 0, 0]) });
        }
        assert_eq!((connections.ended().count(), connections.beyond()), (CONNECTIONS, 3));
    }
}
