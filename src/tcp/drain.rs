//! What one push has brought, handed out one thing at a time.
//!
//! Lends the bytes of the segment that was pushed; what is not asked for is kept by the assembler and comes next time.

use super::assembler::Assembler;
use super::connection::Connection;
use super::event::{Chunk, ChunkBody, TcpEvent};
use super::flow::Flow;
use super::outbox::{Place, Queued};
use super::run::Origin;
use crate::endpoint::{ConnectionId, Direction};
use crate::net::Segment;
use crate::packet::PacketNumber;

/// Hands out the events of one push, one at a time. Dropping it early loses nothing.
#[derive(Debug)]
pub struct Drain<'a> {
    assembler: &'a mut Assembler,
    segment: Option<&'a Segment<'a>>,
    /// Where the segment's payload belongs, if that, as a whole, comes before all else: what nearly all that carry data
    /// come to.
    first: Option<Position>,
}

/// A place in a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) connection: ConnectionId,
    pub(super) direction: Direction,
    pub(super) offset: u64,
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
        let Position { connection, direction, offset } = self.first.take()?;
        let &Segment { packet, ts, payload, payload_offset: packet_offset, .. } = self.segment?;
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
