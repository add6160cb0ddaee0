//! The names of directions of connections inside the assembler and of places in them, and the timers set for them.

use super::slot::Slot;
use crate::endpoint::{ConnectionId, Direction};
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::num::NonZeroU64;

/// One direction of one connection. The slot may be used again; the connection's number never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    pub(super) slot: Slot,
    pub(super) connection: ConnectionId,
    pub(super) direction: Direction,
}

/// A place in a stream, as users count it.
///
/// Two words, so that a call returns one in registers: what it would write to memory in parts and its caller read as a
/// whole has to wait there until everything written before it has arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) offset: u64,
    /// The connection and the direction.
    way: NonZeroU64,
}

impl Position {
    #[inline]
    pub(super) fn new(connection: ConnectionId, direction: Direction, offset: u64) -> Self {
        let way = u64::from(connection.0) << 2 | u64::from(direction == Direction::ToClient) << 1;
        Self { offset, way: NonZeroU64::MIN | way }
    }

    #[expect(clippy::cast_possible_truncation, reason = "no more bits went in")]
    #[inline]
    pub(super) fn connection(self) -> ConnectionId {
        ConnectionId((self.way.get() >> 2) as u32)
    }

    #[inline]
    pub(super) fn direction(self) -> Direction {
        if self.way.get() & 2 == 0 { Direction::ToServer } else { Direction::ToClient }
    }
}

/// The flows that wait for something, by when their patience ends.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Timestamp, Flow)>);

impl Timers {
    /// Moves the timer of `flow` from `armed` to `deadline`.
    pub(super) fn set(&mut self, flow: Flow, armed: &mut Option<Timestamp>, deadline: Option<Timestamp>) {
        if *armed == deadline {
            return;
        }
        if let Some(old) = armed.take() {
            self.0.remove(&(old, flow));
        }
        if let Some(new) = deadline {
            self.0.insert((new, flow));
            *armed = deadline;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A flow whose time has come.
    pub(super) fn due(&self, now: Timestamp) -> Option<Flow> {
        self.0.first().filter(|(deadline, _)| *deadline <= now).map(|(_, flow)| *flow)
    }
}
