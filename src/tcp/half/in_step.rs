//! What a direction does with nearly all segments: it is in step, and they keep it so.
//!
//! Gives what the ways in `half` and `holes` give for them.

use super::Half;
use crate::limits::CHUNK_BYTES;
use crate::net::{Segment, Seq};
use crate::tcp::outbox::Shared;
use crate::tcp::run::{Origin, Run};

impl Half {
    /// Whether nothing is missing, waited for, or over. What the short way does leaves it so.
    pub(in crate::tcp) fn is_in_step(&self) -> bool {
        self.next == self.highest
            && self.acked <= self.next + 1
            && self.preroll.is_none()
            && self.fin.is_none()
            && self.armed.is_none()
            && self.pieces.is_empty()
    }

    /// Whether a segment without flags is the next one, whole, and not too long to be handed out at once.
    #[inline]
    pub(in crate::tcp) fn goes_on_with(&self, segment: &Segment<'_>) -> bool {
        debug_assert!(self.is_in_step());
        segment.missing == 0 && segment.seq == self.seq_at(self.next) && segment.payload.len() <= CHUNK_BYTES
    }

    /// [`Half::receive`] for such a segment, which carries data. Returns the offset of that, as users count it, unless it is
    /// corrupt.
    #[inline]
    pub(in crate::tcp) fn receive_in_step(&mut self, segment: &Segment<'_>, shared: &mut Shared) -> Option<u64> {
        if self.is_corrupt(segment, shared) {
            return None;
        }
        let offset = self.next;
        let origin = Origin { packet: segment.packet, ts: segment.ts, at: segment.payload_offset };
        self.take_next(segment, Run { offset, bytes: segment.payload, origin }, shared);
        Some(offset - self.base)
    }

    /// Whether all that is acknowledged was seen.
    #[inline]
    pub(in crate::tcp) fn has_seen(&self, ack: Seq) -> bool {
        debug_assert!(self.is_in_step());
        self.offset_of(ack) <= self.next
    }

    /// [`Half::acknowledge`] for such an acknowledgment.
    #[inline]
    pub(in crate::tcp) fn acknowledge_in_step(&mut self, ack: Seq, window: u32) {
        self.window = window;
        self.acked = self.acked.max(self.offset_of(ack));
    }
}
