//! The account of everything that is held back, over all connections: how much it is, and which packet is the oldest.
//!
//! Knows no streams: a piece is known by the packet it came out of and the flow it waits in.

use super::flow::Flow;
use crate::packet::PacketNumber;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What is held back by holes.
#[derive(Debug, Default)]
pub(super) struct Held {
    cost: usize,
    /// How many pieces of each packet there are: a later copy may cut one in two. Packets of which none is left are not
    /// here, so that this never outgrows what it accounts for.
    pieces: BTreeMap<Arrival, u32>,
}

/// A packet of which bytes are held back. The one that came first is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival {
    pub(super) packet: PacketNumber,
    pub(super) flow: Flow,
}

impl Held {
    /// What all pieces cost.
    #[inline]
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// The account of one flow.
    pub(super) const fn of(&mut self, flow: Flow) -> Account<'_> {
        Account { held: self, flow }
    }

    /// The packet of which bytes have been held longest.
    pub(super) fn oldest(&self) -> Option<Arrival> {
        self.pieces.first_key_value().map(|(arrival, _)| *arrival)
    }

    #[cfg(test)]
    pub(super) fn arrivals(&self) -> impl ExactSizeIterator<Item = Arrival> {
        self.pieces.keys().copied()
    }
}

/// The account of everything, for the pieces of one flow.
#[derive(Debug)]
pub(super) struct Account<'a> {
    held: &'a mut Held,
    flow: Flow,
}

impl Account<'_> {
    /// A piece of this packet is held from now on.
    pub(super) fn charge(&mut self, packet: PacketNumber, cost: usize) {
        let Self { held, flow } = self;
        held.cost += cost;
        *held.pieces.entry(Arrival { packet, flow: *flow }).or_default() += 1;
    }

    /// A piece that was charged is held no more.
    pub(super) fn release(&mut self, packet: PacketNumber, cost: usize) {
        let Self { held, flow } = self;
        held.cost -= cost;
        if let Entry::Occupied(mut pieces) = held.pieces.entry(Arrival { packet, flow: *flow }) {
            *pieces.get_mut() -= 1;
            if *pieces.get() == 0 {
                pieces.remove();
            }
        }
    }
}
