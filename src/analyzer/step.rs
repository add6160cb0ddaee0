//! What the packets of a session come to, one thing at a time, in order.
//!
//! Steps are all that goes from the [`Collector`](super::Collector) to the [`Teller`](super::Teller): nothing comes
//! back, so that the two may work in different threads, and what comes out is the same.

use super::found::Found;
use super::trouble::Trouble;
use crate::endpoint::ConnectionId;
use crate::event::Summary;
use crate::in_place::push;
use crate::line::Opening;
use crate::packet::PacketNumber;
use crate::time::Timestamp;
use std::mem;

/// One thing that the packets have brought.
#[derive(Debug)]
pub struct Step(pub(super) Kind);

impl Step {
    /// Empties a list of steps that have been told.
    ///
    /// None of them holds anything any more that there would be to drop. To look at each for that would be to fetch all
    /// of them again.
    #[inline]
    pub fn clear(told: &mut Vec<Self>) {
        debug_assert!(told.iter().all(|Self(kind)| matches!(kind, Kind::Told | Kind::Found(Found::Ordinary(_)))));
        mem::forget(told.drain(..));
    }

    /// Where in the capture it was complete, for what comes in that order.
    pub(super) fn place_in_capture(&self) -> Option<(PacketNumber, u32)> {
        match &self.0 {
            Kind::Found(found) => Some(found.at().in_capture()),
            _ => None,
        }
    }
}

/// What a step is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A connection that carries the protocol.
    Opened(Opening),
    /// Packets of both directions of a connection have been captured.
    BothWays(ConnectionId),
    /// A frame, other bytes, or the end of a connection, in the order of the packets that completed them.
    Found(Found),
    /// Something that did not go as it should, below the protocol.
    Trouble(Box<Trouble>),
    /// Nothing more comes of before this moment.
    Settled(Timestamp),
    /// The capture is over.
    End(Box<End>),
    /// What it was has been told.
    Told,
}

/// How a session ended.
#[derive(Debug)]
pub(super) struct End {
    /// The last moment, on the clock that never goes back.
    pub(super) clock: Timestamp,
    /// The totals, as far as packets and TCP go.
    pub(super) totals: Summary,
}

/// Where what is found on a connection goes: it waits there while its protocol is not known.
pub(super) struct Outlet<'a> {
    pub(super) proven: bool,
    pub(super) steps: &'a mut Vec<Step>,
    pub(super) unproven: &'a mut Vec<Found>,
}

impl Outlet<'_> {
    #[inline]
    pub(super) fn put(&mut self, find: impl FnOnce() -> Found) {
        if self.proven {
            push(self.steps, || Step(Kind::Found(find())));
        } else {
            self.unproven.push(find());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the cache holds 64 bytes.
    #[test]
    fn a_step_is_a_line_of_the_cache() {
        assert_eq!(size_of::<Step>(), 64);
    }
}
