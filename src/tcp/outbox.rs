//! What is to be handed out, in order, and the shared state that every half of a connection writes to.

use super::duplicates::Sightings;
use super::event::{Chunk, ChunkBody, CloseReason, GapReason, Notice, NoticeKind, TcpEvent};
use super::flow::{Flow, Timers};
use super::held::Held;
use super::history::History;
use super::options::Overlap;
use super::run::{Origin, length64};
use crate::endpoint::ConnectionId;
use crate::limits::CHUNK_BYTES;
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

    /// Puts an event behind all others.
    #[inline(never)]
    pub(super) fn push(&mut self, event: Queued) {
        if event.is_long() {
            self.queue.extend(event.in_parts());
        } else {
            self.queue.push_back(event);
        }
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
        debug_assert!(!event.is_long(), "what is long has gone through the queue");
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
    /// Whether it is too long to be handed out at once.
    fn is_long(&self) -> bool {
        let length = match self {
            Self::Lent(_, range) => range.len(),
            Self::Owned(_, bytes) => bytes.len(),
            Self::Opened(_) | Self::Gap(..) | Self::Closed(..) | Self::Notice(_) => 0,
        };
        length > CHUNK_BYTES
    }

    /// The same bytes in chunks that are not too long.
    #[cold]
    fn in_parts(self) -> Vec<Self> {
        let parts = |length| (0..length).step_by(CHUNK_BYTES).map(move |at| at..length.min(at + CHUNK_BYTES));
        match self {
            Self::Lent(place, Range { start, end }) => parts(end - start)
                .map(|part| Self::Lent(place.advanced(part.start), start + part.start..start + part.end))
                .collect(),
            Self::Owned(place, bytes) => {
                parts(bytes.len()).map(|part| Self::Owned(place.advanced(part.start), bytes[part].to_vec())).collect()
            }
            other => vec![other],
        }
    }

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
    /// The place of the byte `count` further on.
    fn advanced(self, count: usize) -> Self {
        Self { offset: self.offset + length64(count), origin: self.origin.advanced(count), ..self }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Direction;
    use crate::tcp::slot::Slot;

    fn place() -> Place {
        let flow = Flow { slot: Slot::default(), connection: ConnectionId(1), direction: Direction::ToServer };
        let origin = Origin { packet: PacketNumber(3), ts: Timestamp::default(), at: 54 };
        Place { flow, offset: 1_000, origin }
    }

    /// Lent or owned, short or long: the same bytes come out at the same places, and never too many at once.
    #[test]
    fn bytes_come_in_chunks() {
        for length in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES - 1, 3 * CHUNK_BYTES] {
            let payload: Vec<u8> = (0..=250).cycle().take(length + 5).collect();
            for queued in [Queued::Lent(place(), 5..payload.len()), Queued::Owned(place(), payload[5..].to_vec())] {
                let (mut outbox, mut kept, mut out) = (Outbox::default(), Vec::new(), Vec::new());
                outbox.push(queued);
                while let Some(event) = outbox.next(&payload, &mut kept) {
                    let TcpEvent::Chunk(Chunk { offset, packet_offset, body: ChunkBody::Data(bytes), .. }) = event
                    else {
                        panic!("nothing but data was pushed")
                    };
                    assert!(bytes.len() <= CHUNK_BYTES);
                    assert_eq!(
                        (offset, u64::from(packet_offset)),
                        (1_000 + length64(out.len()), 54 + length64(out.len()))
                    );
                    out.extend_from_slice(bytes);
                }
                assert_eq!(out, payload[5..]);
            }
        }
    }
}
