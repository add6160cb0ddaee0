//! Where a connection stands in the table, and between which others.

use crate::time::Timestamp;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(test, derive(Default))]
pub(super) struct Slot(u32);

impl Slot {
    pub(super) const NONE: Self = Self(u32::MAX);

    /// The slot at a place in the list of them.
    pub(super) fn at(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    pub(super) fn is_some(self) -> bool {
        self != Self::NONE
    }
}

/// A connection's place in the table's lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    /// The next connection with the same hash.
    pub(super) same_hash: Slot,
    pub(super) older: Slot,
    pub(super) newer: Slot,
    pub(super) queue: Queue,
    /// When it was last moved to the young end of its queue.
    pub(super) touched: Timestamp,
}

impl Default for Links {
    fn default() -> Self {
        let none = Slot::NONE;
        Self { same_hash: none, older: none, newer: none, queue: Queue::None, touched: Timestamp::default() }
    }
}

/// Connections in the order of their last packet, or of their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    None,
    Live,
    /// Over, and remembered so that a stray packet opens no new connection.
    Tombstones,
}
