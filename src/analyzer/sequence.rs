//! The order in which frames reach the line: that of the packets that completed them.
//!
//! Streams do not bring frames in that order. Bytes behind a hole wait for it to be filled or given up, a framer waits
//! while a frame is ambiguous, and meanwhile sibling connections go on. What is complete on them must wait too, or the
//! line would see an answer before its request. Usually nobody waits and everything passes straight through.

use super::found::Found;
use crate::endpoint::{ConnectionId, Direction};
use crate::limits::WAITING_BYTES;
use crate::packet::PacketNumber;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the others wait for a stream that does not go on: as long as a client would.
const PATIENCE: Duration = Duration::from_secs(5);

/// Frames that wait at once; with more, the first goes on as if its turn had come.
const MOST: usize = 65_536;

/// A direction that holds bytes back, and since which place.
pub(super) type Hold = (PacketNumber, u32, ConnectionId, Direction);

/// Frames in waiting.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// By place in the capture, then by arrival.
    waiting: BTreeMap<(PacketNumber, u32, u64), Found>,
    arrivals: u64,
    /// The bytes in what waits.
    weight: usize,
    /// Who holds bytes back, and since when.
    holds: BTreeMap<Hold, Timestamp>,
}

impl Sequence {
    /// Whether nobody waits for anything.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.holds.is_empty()
    }

    pub(super) fn put(&mut self, found: Found) {
        let (packet, offset) = found.at().in_capture();
        self.arrivals += 1;
        self.weight += found.weight();
        self.waiting.insert((packet, offset, self.arrivals), found);
    }

    /// A direction holds bytes back from `since` on.
    pub(super) fn hold(&mut self, hold: Hold, since: Timestamp) {
        self.holds.insert(hold, since);
    }

    pub(super) fn unhold(&mut self, hold: &Hold) {
        self.holds.remove(hold);
    }

    /// The next frame whose turn has come. `pending`: the first packet whose bytes wait behind a hole.
    pub(super) fn next(&mut self, pending: Option<PacketNumber>, now: Timestamp) -> Option<Found> {
        while self.holds.first_key_value().is_some_and(|(_, since)| since.saturating_add(PATIENCE) < now) {
            self.holds.pop_first();
        }
        let (&(packet, offset, _), found) = self.waiting.first_key_value()?;
        let held = self.holds.first_key_value().is_some_and(|(hold, _)| (hold.0, hold.1) <= (packet, offset));
        let overdue = found.at().clock().saturating_add(PATIENCE) < now || self.is_full();
        if (held || pending.is_some_and(|pending| pending <= packet)) && !overdue {
            return None;
        }
        self.next_of_all()
    }

    fn is_full(&self) -> bool {
        self.waiting.len() > MOST || self.weight > WAITING_BYTES
    }

    /// The next frame, whoever is held up: the capture is over.
    pub(super) fn next_of_all(&mut self) -> Option<Found> {
        let (_, found) = self.waiting.pop_first()?;
        self.weight -= found.weight();
        Some(found)
    }

    /// The time up to which everything has passed: what is held may still bring something that happened then.
    pub(super) fn settled(&self, now: Timestamp) -> Timestamp {
        let waiting = self.waiting.first_key_value().map(|(_, found)| found.at().clock());
        let held = self.holds.first_key_value().map(|(_, since)| *since);
        [waiting, held].into_iter().flatten().fold(now, Timestamp::min)
    }
}
