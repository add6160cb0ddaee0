//! What is kept of a frame when it has gone on to be told: enough to compare later ones with, and to point at it.
//!
//! A frame belongs to one exchange and goes where that goes. Whoever wants to know of it later keeps this.

use super::exchange::{Payload, Sighting, kept};
use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;
use smallvec::SmallVec;

/// The trace of a frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    pub(super) clock: Timestamp,
    pub(super) payload: Payload,
    /// Where its bytes stand.
    pub(super) spans: SmallVec<[ByteRange; 1]>,
    /// Whether its CRC proves it.
    pub(super) crc_ok: bool,
}

impl Trace {
    pub(super) fn of(frame: &Sighting) -> Self {
        let mut trace = Self::default();
        trace.follow(frame);
        trace
    }

    /// Becomes the trace of another frame, field by field where it stands.
    #[inline]
    pub(super) fn follow(&mut self, frame: &Sighting) {
        self.clock = frame.clock;
        self.payload = kept(&frame.payload);
        self.spans = spans(frame);
        self.crc_ok = frame.crc_ok();
    }

    /// The packet that completed the frame.
    pub(super) fn packet(&self) -> PacketNumber {
        super::exchange::last_of(&self.spans).packet
    }
}

#[inline]
fn spans(frame: &Sighting) -> SmallVec<[ByteRange; 1]> {
    match *frame.spans {
        [span] => SmallVec::from_buf([span]),
        _ => frame.spans.clone(),
    }
}
