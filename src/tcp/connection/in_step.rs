//! The short way of a segment through its connection: what nearly all of them need.

use super::{Connection, Life};
use crate::endpoint::Direction;
use crate::net::Segment;
use crate::tcp::outbox::Shared;

impl Connection {
    /// The short way for what nearly all segments are: both directions are in step, this one goes on where it ended,
    /// and acknowledges nothing that was not seen. False where it is anything else, and then nothing has been done.
    ///
    /// What follows is what follows the long way, as far as that leads anywhere; a test holds the two together.
    #[inline]
    pub(in crate::tcp) fn receive_in_step(
        &mut self,
        segment: &Segment<'_>,
        direction: Direction,
        shared: &mut Shared,
    ) -> bool {
        const ACK: u8 = 0x10;
        const PUSH: u8 = 0x08;
        if segment.flags.0 & !PUSH != ACK || !self.in_step || self.life != Life::Followed {
            return false;
        }
        let [Some(to_server), Some(to_client)] = &mut self.halves else { return false };
        let (own, other) = match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        };
        if !own.goes_on_with(segment) || !other.has_seen(segment.ack) {
            return false;
        }
        let scale = self.senders[direction.index()].scale;
        other.acknowledge_in_step(segment.ack, u32::from(segment.window) << scale);
        if !segment.payload.is_empty() {
            own.receive_in_step(segment, shared);
        }
        self.count(segment);
        true
    }
}
