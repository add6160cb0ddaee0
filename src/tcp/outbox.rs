//! What is to be handed out, in order, and the shared state that every half of a connection writes to.

use super::assembler::Overlap;
use super::duplicates::Sightings;
use super::event::{Chunk, ChunkBody, CloseReason, GapReason, Notice, NoticeKind, TcpEvent};
use super::flow::{Flow, Timers};
use super::held::Held;
use super::history::History;
use super::run::Origin;
use crate::endpoint::ConnectionId;
use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::ops::Range;

/// What all connections share, besides the table of them.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) overlap: Overlap,
    pub(super) moment: Moment,
    pub(super) outbox: Outbox,
    pub(super) history: History,
    pub(super) sightings: Sightings,
    pub(super) held: Held,
    pub(super) timers: Timers,
    /// No segment may go the short way: for a test that compares the two.
    pub(super) long_way: bool,
}

/// The packet that is being looked at, and the time as timers count it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) packet: PacketNumber,
    pub(super) ts: Timestamp,
    /// The latest time seen so far: clocks of captures go backwards, timers do not.
    pub(super) now: Timestamp,
}

/// The events that wait to be handed out.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Queued>,
}

impl Outbox {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    #[inline(never)]
    pub(super) fn push(&mut self, event: Queued) {
        self.queue.push_back(event);
    }

    /// The next event; bytes that are owned are moved to `kept` and lent from there.
    pub(super) fn next<'a>(&mut self, payload: &'a [u8], kept: &'a mut Vec<u8>) -> Option<TcpEvent<'a>> {
        Some(self.queue.pop_front()?.lend(payload, kept))
    }

    /// Copies lent bytes, for events that outlive the segment they were made of.
    pub(super) fn make_owned(&mut self, payload: &[u8]) {
        for queued in &mut self.queue {
            queued.make_owned(payload);
        }
    }

    /// Puts an event before all others.
    pub(super) fn put_first(&mut self, event: Queued) {
        self.queue.push_front(event);
    }
}

impl Shared {
    pub(super) fn notice(&mut self, flow: Flow, kind: NoticeKind, evidence: ByteRange) {
        let Flow { connection, direction, .. } = flow;
        let ts = self.moment.ts;
        self.outbox.push(Queued::Notice(Notice { connection, direction, kind, ts, evidence }));
    }

    /// The present packet as a whole, as evidence.
    pub(super) fn this_packet(&self) -> ByteRange {
        ByteRange { packet: self.moment.packet, offset: 0, length: 0 }
    }
}

/// An event that waits to be handed out.
#[derive(Debug)]
pub(super) enum Queued {
    Opened(ConnectionId),
    /// Bytes of the segment that is being pushed, not copied.
    Lent(Place, Range<usize>),
    /// Bytes that were held back.
    Owned(Place, Vec<u8>),
    Gap(Place, u64, GapReason),
    Closed(ConnectionId, CloseReason, PacketNumber, Timestamp),
    Notice(Notice),
}

/// Where a chunk belongs and where it came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) flow: Flow,
    /// The offset as users count it.
    pub(super) offset: u64,
    pub(super) origin: Origin,
}

impl Queued {
    fn make_owned(&mut self, payload: &[u8]) {
        if let Self::Lent(place, range) = self {
            *self = Self::Owned(*place, payload.get(range.clone()).unwrap_or_default().to_vec());
        }
    }

    fn lend<'a>(self, payload: &'a [u8], kept: &'a mut Vec<u8>) -> TcpEvent<'a> {
        match self {
            Self::Opened(connection) => TcpEvent::Opened(connection),
            Self::Lent(place, range) => {
                TcpEvent::Chunk(place.chunk(ChunkBody::Data(payload.get(range).unwrap_or_default())))
            }
            Self::Owned(place, bytes) => {
                *kept = bytes;
                TcpEvent::Chunk(place.chunk(ChunkBody::Data(kept)))
            }
            Self::Gap(place, length, reason) => TcpEvent::Chunk(place.chunk(ChunkBody::Gap { length, reason })),
            Self::Closed(connection, reason, packet, ts) => TcpEvent::Closed { connection, reason, packet, ts },
            Self::Notice(notice) => TcpEvent::Notice(notice),
        }
    }
}

impl Place {
    #[inline]
    const fn chunk(self, body: ChunkBody<'_>) -> Chunk<'_> {
        Chunk {
            connection: self.flow.connection,
            direction: self.flow.direction,
            offset: self.offset,
            body,
            packet: self.origin.packet,
            ts: self.origin.ts,
            packet_offset: self.origin.at,
        }
    }
}
