//! What goes into the assembler, and what has come of it, handed out one thing at a time.
//!
//! Lends the bytes of the segment that was pushed; what is not asked for is kept by the assembler and comes next time.

use super::assembler::Assembler;
use super::connection::Connection;
use super::event::{Chunk, ChunkBody, TcpEvent};
use super::flow::{Flow, Position};
use super::outbox::{Place, Queued};
use super::run::Origin;
use crate::endpoint::ConnectionId;
use crate::net::Segment;
use crate::packet::PacketNumber;
use crate::time::Timestamp;

/// The ways in.
impl Assembler {
    /// Takes the next segment. What follows from it comes out of the drain, in order; what the drain is not asked for
    /// comes out of the next one.
    #[expect(clippy::inline_always, reason = "the call costs a tenth of it")]
    #[inline(always)]
    pub fn push<'a>(&'a mut self, segment: &'a Segment<'_>) -> Drain<'a> {
        self.advance_to(segment.packet, segment.ts);
        let first = self.take(segment);
        self.settle();
        Drain::new(self, Some(segment), first)
    }

    /// Lets time pass, for a packet that holds no segment.
    pub fn tick(&mut self, packet: PacketNumber, ts: Timestamp) -> Drain<'_> {
        self.advance_to(packet, ts);
        self.settle();
        Drain::new(self, None, None)
    }

    /// The capture is over: hands out what is held and closes all connections, in the order of their numbers.
    pub fn finish(&mut self) -> Drain<'_> {
        self.end();
        Drain::new(self, None, None)
    }

    /// What was not taken out of the last drain.
    pub fn rest(&mut self) -> Drain<'_> {
        Drain::new(self, None, None)
    }
}

/// Hands out the events of one push, one at a time. Dropping it early loses nothing.
#[derive(Debug)]
pub struct Drain<'a> {
    assembler: &'a mut Assembler,
    segment: Option<&'a Segment<'a>>,
    /// Where the segment's payload belongs, if that, as a whole, comes before all else: what nearly all that carry data
    /// come to.
    first: Option<Position>,
}

impl<'a> Drain<'a> {
    #[inline]
    pub(super) const fn new(
        assembler: &'a mut Assembler,
        segment: Option<&'a Segment<'a>>,
        first: Option<Position>,
    ) -> Self {
        Self { assembler, segment, first }
    }

    /// The next event. Its bytes are lent until the next call.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend")]
    #[inline]
    pub fn next(&mut self) -> Option<TcpEvent<'_>> {
        match self.take_payload() {
            Some(chunk) => Some(TcpEvent::Chunk(chunk)),
            None if self.is_empty() => None,
            None => self.next_queued(),
        }
    }

    /// The next event, if that is the segment's own payload as a whole: to ask for it first is quicker, since it is that
    /// nearly always.
    #[inline]
    pub fn take_payload(&mut self) -> Option<Chunk<'a>> {
        let first = self.first.take()?;
        let &Segment { packet, ts, payload, payload_offset: packet_offset, .. } = self.segment?;
        let (connection, direction, offset) = (first.connection(), first.direction(), first.offset);
        Some(Chunk { connection, direction, offset, body: ChunkBody::Data(payload), packet, ts, packet_offset })
    }

    fn payload(&self) -> &'a [u8] {
        self.segment.map_or(&[], |segment| segment.payload)
    }

    fn next_queued(&mut self) -> Option<TcpEvent<'_>> {
        let payload = self.payload();
        let assembler = &mut *self.assembler;
        while assembler.shared.outbox.is_empty() && !assembler.closing.is_empty() {
            assembler.close_next();
        }
        assembler.shared.outbox.next(payload, &mut assembler.lent)
    }

    /// Whether there are no more events.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.assembler.shared.outbox.is_empty() && self.assembler.closing.is_empty()
    }

    /// See [`Assembler::connection`].
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.assembler.connection(id)
    }

    /// See [`Assembler::ignore`]. Events that are already waiting still come.
    pub fn ignore(&mut self, id: ConnectionId) {
        self.assembler.ignore(id);
    }

    /// See [`Assembler::oldest_pending`].
    pub fn oldest_pending(&self) -> Option<PacketNumber> {
        self.assembler.oldest_pending()
    }
}

impl Drop for Drain<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.assembler.shared.outbox.is_empty() {
            self.assembler.shared.outbox.make_owned(self.payload());
        }
        if let Some(chunk) = self.take_payload() {
            put_back(self.assembler, &chunk);
        }
    }
}

/// Keeps the payload that nobody asked the drain for, which comes before all else.
#[cold]
fn put_back(assembler: &mut Assembler, chunk: &Chunk<'_>) {
    let (ChunkBody::Data(bytes), Some(slot)) = (chunk.body, assembler.slot_of(chunk.connection)) else { return };
    let flow = Flow { slot, connection: chunk.connection, direction: chunk.direction };
    let origin = Origin { packet: chunk.packet, ts: chunk.ts, at: chunk.packet_offset };
    assembler.shared.outbox.put_first(Queued::Owned(Place { flow, offset: chunk.offset, origin }, bytes.to_vec()));
}
