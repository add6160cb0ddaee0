//! The account of everything that is held back, over all connections: how much it is, and which packet is the oldest.
//!
//! Knows no streams: whether an entry is still held is asked of whoever knows.

use super::flow::Flow;
use crate::packet::PacketNumber;
use std::collections::VecDeque;

/// What is held back by holes.
#[derive(Debug, Default)]
pub(super) struct Held {
    cost: usize,
    pieces: usize,
    /// In the order in which packets came, so that the first is the oldest. Entries that are not held any more are
    /// removed when they come to the front, or when they are the most.
    arrivals: VecDeque<Arrival>,
}

/// A piece that was held back when it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) packet: PacketNumber,
    pub(super) flow: Flow,
    pub(super) offset: u64,
}

impl Held {
    /// Whether nothing is held, and nothing noted.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.pieces == 0 && self.arrivals.is_empty()
    }

    /// What all pieces cost.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    pub(super) const fn charge(&mut self, cost: usize) {
        self.cost += cost;
        self.pieces += 1;
    }

    pub(super) const fn release(&mut self, cost: usize) {
        self.cost -= cost;
        self.pieces -= 1;
    }

    /// Notes that a piece is held back.
    pub(super) fn note(&mut self, arrival: Arrival) {
        self.arrivals.push_back(arrival);
    }

    /// The piece held longest. Right after [`Held::prune`] only.
    pub(super) fn oldest(&self) -> Option<&Arrival> {
        self.arrivals.front()
    }

    /// Drops entries of pieces that are not held any more.
    pub(super) fn prune(&mut self, is_held: impl Fn(&Arrival) -> bool) {
        while self.arrivals.front().is_some_and(|front| !is_held(front)) {
            self.arrivals.pop_front();
        }
        // One piece that waits long must not keep the entries of all that come and go behind it.
        if self.arrivals.len() > 2 * self.pieces + 64 {
            self.arrivals.retain(is_held);
        }
    }

    #[cfg(test)]
    pub(super) fn arrivals(&self) -> usize {
        self.arrivals.len()
    }
}
