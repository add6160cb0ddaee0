//! The short way of a segment through its connection: what nearly all of them need.

use super::{Connection, Life};
use crate::endpoint::Direction;
use crate::net::Segment;
use crate::tcp::outbox::Shared;

/// What became of a segment that was tried the short way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) enum InStep {
    /// It has to go the long way: nothing has been done.
    No,
    /// It has been taken, and brought no data.
    Silent,
    /// It has been taken, and its whole payload comes next, at this offset of the stream as users count it.
    Brought(u64),
}

impl Connection {
    /// The short way for what nearly all segments are: both directions are in step, this one goes on where it ended,
    /// and acknowledges nothing that was not seen.
    ///
    /// What follows is what follows the long way, as far as that leads anywhere; a test holds the two together.
    #[inline]
    pub(in crate::tcp) fn receive_in_step(
        &mut self,
        segment: &Segment<'_>,
        direction: Direction,
        shared: &mut Shared,
    ) -> InStep {
        const ACK: u8 = 0x10;
        const PUSH: u8 = 0x08;
        if segment.flags.0 & !PUSH != ACK || !self.in_step || self.life != Life::Followed {
            return InStep::No;
        }
        let [Some(to_server), Some(to_client)] = &mut self.halves else { return InStep::No };
        let (own, other) = match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        };
        if !own.goes_on_with(segment) || !other.has_seen(segment.ack) {
            return InStep::No;
        }
        let scale = self.senders[direction.index()].scale;
        other.acknowledge_in_step(segment.ack, u32::from(segment.window) << scale);
        let offset = if segment.payload.is_empty() { None } else { own.receive_in_step(segment, shared) };
        self.count(segment);
        offset.map_or(InStep::Silent, InStep::Brought)
    }
}
