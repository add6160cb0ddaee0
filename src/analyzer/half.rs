//! One direction of a connection: its framer, and which packet each of the bytes it holds came from.

use super::found::{Found, What};
use super::order::Place;
use super::step::Outlet;
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::event::NonFrameSighting;
use crate::limits::{FRAME_PATIENCE, UNFINISHED_PIECE_OVERHEAD};
use crate::line::{Ordinary, Sender, Sighting, SightingId};
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::registry::Registry;
use crate::rct::{Frame, Framer, Item, NonFrame, Silence, StreamEnd, WholeFrame};
use crate::short::Short;
use crate::tcp::Chunk;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::time::Duration;

/// A run of stream bytes out of one packet.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Stream offset of its first byte.
    offset: u64,
    length: u32,
    /// Where they stand.
    packet: PacketNumber,
    packet_offset: u32,
    /// When that packet came.
    completed: Timestamp,
    /// The packet that let them be delivered, which is another one where an earlier segment was late.
    delivered_by: PacketNumber,
    ts: Timestamp,
    clock: Timestamp,
}

/// The packet being worked on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) packet: PacketNumber,
    pub(super) ts: Timestamp,
    pub(super) clock: Timestamp,
    /// When the packet of the bytes at hand came, which may have been earlier.
    pub(super) came: Timestamp,
}

/// Whether a direction that holds bytes back is looked at when nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// No.
    No,
    /// At this time.
    Queued(Timestamp),
    /// It has been silent for so long that nothing more is learned from silence: again when data comes.
    Settled,
}

/// What all that one direction brings has in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) connection: ConnectionId,
    pub(super) direction: Direction,
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
    /// Whether the raw bytes of frames are kept.
    pub(super) keep_raw: bool,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Half {
    way: Way,
    framer: Framer,
    /// Its beginning was not captured.
    midstream: bool,
    /// The runs that hold the bytes from the framer's offset on, in order and gapless. Empty while it holds none.
    runs: VecDeque<Run>,
    /// What is held back, as it counts towards the bound.
    pub(super) unfinished: usize,
    /// An unfinished frame has been given up for want of room: told once.
    pub(super) told_full: bool,
    /// When data last came.
    pub(super) last: Timestamp,
    /// Since when bytes are held back, as the sequence knows it.
    pub(super) hold: Option<Place>,
    /// The packet at which a hole before its next bytes was last given up.
    gave_up_at: Option<PacketNumber>,
    pub(super) watched: Watched,
}

/// Bytes of earlier packets that a packet lets through come behind its own, in the order of the stream.
fn late_offset(offset: u64) -> u32 {
    const BEHIND_ALL: u32 = 1 << 31;
    u32::try_from(offset % u64::from(BEHIND_ALL)).unwrap_or(0) | BEHIND_ALL
}

/// Where an item stands.
struct Stand {
    spans: SmallVec<[ByteRange; 1]>,
    ts: Timestamp,
    completed: Timestamp,
    at: Place,
}

impl Run {
    fn new(chunk: &Chunk<'_>, length: usize, now: Moment) -> Self {
        Self {
            offset: chunk.offset,
            length: u32::try_from(length).unwrap_or(u32::MAX),
            packet: chunk.packet,
            packet_offset: chunk.packet_offset,
            completed: chunk.ts,
            delivered_by: now.packet,
            ts: now.ts,
            clock: now.clock,
        }
    }

    fn end(&self) -> u64 {
        self.offset + u64::from(self.length)
    }

    /// The place of the byte at this stream offset.
    #[inline]
    fn place(&self, offset: u64) -> Place {
        let place = if self.packet == self.delivered_by { self.packet_offset(offset) } else { late_offset(offset) };
        Place::new(self.clock, self.delivered_by, place)
    }

    /// How many bytes there are from one stream offset to another.
    fn part(&self, from: u64, to: u64) -> u32 {
        u32::try_from(to - from).unwrap_or(self.length)
    }

    /// Where in its packet the byte at this stream offset stands.
    #[inline]
    fn packet_offset(&self, offset: u64) -> u32 {
        self.packet_offset.saturating_add(u32::try_from(offset.saturating_sub(self.offset)).unwrap_or(0))
    }

    /// Where its bytes from `offset` to `end` stand.
    #[inline]
    fn stand(&self, offset: u64, end: u64) -> Stand {
        let span =
            ByteRange { packet: self.packet, offset: self.packet_offset(offset), length: self.part(offset, end) };
        let spans = SmallVec::from_buf([span]);
        Stand { spans, ts: self.ts, completed: self.completed, at: self.place(offset) }
    }

    /// Whether its packet came in its time, and its bytes with it.
    #[inline]
    fn is_in_time(&self) -> bool {
        self.packet == self.delivered_by && self.ts == self.clock
    }
}

impl Half {
    pub(super) fn new(way: Way, midstream: bool) -> Self {
        let framer = if midstream { Framer::midstream() } else { Framer::new() };
        Self {
            way,
            framer,
            midstream,
            runs: VecDeque::new(),
            unfinished: 0,
            told_full: false,
            last: Timestamp::default(),
            hold: None,
            gave_up_at: None,
            watched: Watched::No,
        }
    }

    /// Takes the next bytes, and hands what they complete to `outlet`.
    #[inline]
    pub(super) fn push(
        &mut self,
        chunk: &Chunk<'_>,
        bytes: &[u8],
        now: Moment,
        registry: &Registry,
        outlet: &mut Outlet<'_>,
    ) {
        let run = Run::new(chunk, bytes.len(), self.moment_of(chunk, now));
        self.last = run.clock;
        if self.watched == Watched::Settled {
            self.watched = Watched::No;
        }
        if !self.runs.is_empty() {
            self.runs.push_back(run);
            self.framer.push(bytes);
            return self.take_found(outlet);
        }
        // Nearly always nothing is held, and all that is found stands in these bytes.
        let may_be_ordinary = run.is_in_time() && !self.way.keep_raw;
        let way = &self.way;
        let stand = |offset, end| run.stand(offset, end);
        let ordinary = |frame: &WholeFrame<'_>, payload| {
            let (at, way) = (run.place(frame.offset), (way.connection, way.direction));
            Found::Ordinary(Ordinary::new(frame, payload, way, (at.clock(), at.in_capture()), registry))
        };
        let mut items = self.framer.items(bytes);
        loop {
            while let Some(frame) = items.next_whole() {
                match Short::of(frame.payload).filter(|_| may_be_ordinary) {
                    Some(payload) => outlet.put(|| ordinary(&frame, payload)),
                    None => outlet.put(|| found_frame(&frame.into(), *way, stand)),
                }
            }
            let Some(item) = items.next() else { break };
            if let Some(found) = found(&item, *way, stand) {
                outlet.put(|| found);
            }
        }
        drop(items);
        if self.framer.held() > 0 {
            self.runs.push_back(run);
        }
    }

    /// When the bytes of a chunk reach their receiver.
    ///
    /// Bytes that waited for a late segment reach it with that one, now. Where the hole was given up, the receiver
    /// was not waiting, only the capture was: they count from when their own packet came.
    fn moment_of(&mut self, chunk: &Chunk<'_>, now: Moment) -> Moment {
        if chunk.offset == 0 && self.midstream {
            // Where the beginning was missed, the assembler waits to see whether something still earlier comes.
            self.gave_up_at = Some(now.packet);
        }
        if chunk.packet != now.packet && self.gave_up_at == Some(now.packet) {
            return Moment { packet: chunk.packet, ts: chunk.ts, clock: now.came.min(now.clock).max(self.last), ..now };
        }
        now
    }

    /// Takes note of bytes that the capture lost.
    pub(super) fn gap(&mut self, chunk: &Chunk<'_>, length: u64, now: Moment) {
        self.gave_up_at = Some(now.packet);
        self.runs.push_back(Run::new(chunk, 0, now));
        self.framer.gap(length);
    }

    /// See [`Framer::settle`].
    pub(super) fn settle(&mut self, silence: Silence) {
        self.framer.settle(silence);
    }

    /// See [`Framer::finish`].
    pub(super) fn finish(&mut self, end: StreamEnd) {
        self.framer.finish(end);
    }

    /// How many bytes are held back.
    #[inline]
    pub(super) fn held(&self) -> usize {
        self.framer.held()
    }

    /// What they cost, and where they came from with them.
    pub(super) fn weigh_held(&self) -> usize {
        self.held() + self.runs.len() * UNFINISHED_PIECE_OVERHEAD
    }

    /// The first byte that is held back, if any: nothing of this direction can complete before it.
    pub(super) fn held_since(&self) -> Option<Place> {
        if self.held() == 0 {
            return None;
        }
        self.runs.front().map(|run| run.place(self.framer.offset()))
    }

    /// The time at which it is to be looked at, and what to call it then.
    pub(super) fn watch_entry(&self) -> Option<(Timestamp, ConnectionId, Direction)> {
        match self.watched {
            Watched::Queued(due) => Some((due, self.way.connection, self.way.direction)),
            Watched::No | Watched::Settled => None,
        }
    }

    /// Is to be looked at, while it holds bytes back since `hold`: once it has been silent for that long, or, if the bytes
    /// do not stop coming, once the first have waited for long enough. Returns when, and what to call it then.
    pub(super) fn queue(&mut self, hold: Place, silence: Duration) -> (Timestamp, ConnectionId, Direction) {
        let due = self.due(hold, silence);
        self.watched = Watched::Queued(due);
        (due, self.way.connection, self.way.direction)
    }

    fn due(&self, hold: Place, silence: Duration) -> Timestamp {
        let (silent, patient) = (self.last.saturating_add(silence), hold.clock().saturating_add(FRAME_PATIENCE));
        if patient > self.last { silent.min(patient) } else { silent }
    }

    /// Hands all that is held back to `outlet` as it is, and frees its memory.
    pub(super) fn give_up(&mut self, outlet: &mut Outlet<'_>) {
        self.framer.give_up();
        self.take_found(outlet);
        self.shrink();
    }

    /// Frees memory that is not in use.
    pub(super) fn shrink(&mut self) {
        self.framer.shrink();
        self.runs.shrink_to_fit();
    }

    /// Hands what has been found to `outlet`.
    pub(super) fn take_found(&mut self, outlet: &mut Outlet<'_>) {
        while let Some(item) = self.framer.next_item() {
            if let Some(found) = found(&item, self.way, |offset, end| stand(&self.runs, offset, end)) {
                outlet.put(|| found);
            }
            let offset = self.framer.offset();
            // That of a hole is empty, and is needed until the hole itself has been found.
            let is_done = |run: &Run| run.end() < offset || (run.end() == offset && run.length > 0);
            while self.runs.front().is_some_and(is_done) {
                self.runs.pop_front();
            }
        }
    }
}

/// The packets that hold the bytes from `offset` to `end` of the stream, and when the last of them appeared.
fn stand(runs: &VecDeque<Run>, offset: u64, end: u64) -> Stand {
    let mut spans = SmallVec::new();
    let (mut last_packet, mut completed) = (PacketNumber(0), Timestamp::default());
    let mut latest = None::<Run>;
    for run in runs.iter().skip_while(|run| run.end() <= offset).take_while(|run| run.offset < end) {
        let (from, to) = (offset.max(run.offset), end.min(run.end()));
        add(&mut spans, ByteRange { packet: run.packet, offset: run.packet_offset(from), length: run.part(from, to) });
        // By packet, not by time: the clock may have been set in between.
        if run.packet >= last_packet {
            (last_packet, completed) = (run.packet, run.completed);
        }
        latest = Some(*run);
    }
    // What has no bytes of its own stands where the last ones before it did.
    let Some(run) = latest.or(runs.back().copied()) else {
        return Stand { spans, ts: Timestamp::default(), completed, at: Place::default() };
    };
    Stand { spans, ts: run.ts, completed, at: run.place(offset.max(run.offset)) }
}

/// Adds a span to others. What goes on where the last one ended is one with it: a long packet comes in parts.
fn add(spans: &mut SmallVec<[ByteRange; 1]>, span: ByteRange) {
    match spans.last_mut() {
        Some(last) if last.packet == span.packet && last.offset.checked_add(last.length) == Some(span.offset) => {
            last.length += span.length;
        }
        _ => spans.push(span),
    }
}

/// An item, owned, `stand` telling where the bytes from one offset to another stand. Separators are left out.
fn found(item: &Item<'_>, way: Way, stand: impl FnOnce(u64, u64) -> Stand) -> Option<Found> {
    match item {
        Item::Separator { .. } => None,
        Item::Frame(frame) => Some(found_frame(frame, way, stand)),
        Item::NonFrame(bytes) => {
            let stand = stand(bytes.offset, bytes.offset + bytes.raw.len() as u64);
            let at = stand.at;
            Some(Found::new(at, What::NonFrame(Box::new(non_frame(bytes, stand, way)))))
        }
    }
}

/// See [`found`].
fn found_frame(frame: &Frame<'_>, way: Way, stand: impl FnOnce(u64, u64) -> Stand) -> Found {
    let stand = stand(frame.offset, frame.offset + frame.raw.len() as u64);
    let sighting = Sighting {
        id: SightingId(0),
        ts: stand.ts,
        clock: stand.at.clock(),
        completed: stand.completed,
        connection: way.connection,
        sender: Sender::Client,
        src: way.src,
        dst: way.dst,
        command: frame.command,
        object_id: frame.object_id,
        known: None,
        address: frame.address,
        status: frame.status,
        escaping: frame.escaping,
        bad_escape: frame.bad_escape,
        capture_incomplete: frame.capture_incomplete,
        declared_length: frame.declared_length,
        real_length: frame.real_length,
        crc_read: frame.crc_read,
        crc_computed: frame.crc_computed,
        payload: SmallVec::from_slice(frame.payload),
        raw: if way.keep_raw { SmallVec::from_slice(frame.raw) } else { SmallVec::new() },
        stream_offset: frame.offset,
        stream_length: u32::try_from(frame.raw.len()).unwrap_or(u32::MAX),
        spans: stand.spans,
        copy_of: None,
    };
    Found::new(stand.at, What::Frame(Box::new(sighting)))
}

fn non_frame(bytes: &NonFrame<'_>, stand: Stand, way: Way) -> NonFrameSighting {
    NonFrameSighting {
        id: SightingId(0),
        ts: stand.ts,
        clock: stand.at.clock(),
        connection: way.connection,
        sender: Sender::Client,
        src: way.src,
        dst: way.dst,
        kind: bytes.kind,
        capture_incomplete: bytes.capture_incomplete,
        raw: SmallVec::from_slice(bytes.raw),
        stream_offset: bytes.offset,
        stream_length: bytes.length,
        spans: stand.spans,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectId;
    use crate::rct::{Command, encode};
    use crate::tcp::ChunkBody;
    use std::net::Ipv4Addr;

    fn half() -> Half {
        let end = Endpoint::new(Ipv4Addr::LOCALHOST.into(), 8899);
        let (connection, direction) = (ConnectionId(1), Direction::ToClient);
        Half::new(Way { connection, direction, src: end, dst: end, keep_raw: false }, false)
    }

    /// Has the half take bytes of a packet that stand `packet_offset` into it. What they complete.
    fn take(half: &mut Half, offset: u64, bytes: &[u8], packet: PacketNumber, packet_offset: u32) -> Vec<Found> {
        let (mut steps, mut found) = (Vec::new(), Vec::new());
        let Way { connection, direction, .. } = half.way;
        let ts = Timestamp::from_nanos(0);
        let chunk = Chunk { connection, direction, offset, body: ChunkBody::Data(bytes), packet, ts, packet_offset };
        let now = Moment { packet, ts, clock: ts, came: ts };
        let outlet = &mut Outlet { proven: false, steps: &mut steps, unproven: &mut found };
        half.push(&chunk, bytes, now, Registry::builtin(), outlet);
        found
    }

    /// Has the half take the bytes one packet each, from a stream offset on. How many things they complete.
    fn trickle(half: &mut Half, offset: u64, bytes: &[u8]) -> usize {
        let packets = (offset..).zip(bytes);
        packets.map(|(at, byte)| take(half, at, std::slice::from_ref(byte), PacketNumber(1 + at), 54).len()).sum()
    }

    /// A long packet comes in parts. A frame across two of them stands in one place.
    #[test]
    fn parts_of_a_packet_are_one_span() {
        let (mut half, mut frame) = (half(), Vec::new());
        encode::frame(&mut frame, Command::RESPONSE, None, ObjectId(0x9599_30bf), &[0x55; 20]);
        let (begun, rest) = frame.split_at(9);
        assert!(take(&mut half, 0, begun, PacketNumber(7), 54).is_empty());
        let found = take(&mut half, 9, rest, PacketNumber(7), 54 + 9);
        let [Found::Rare { what: What::Frame(sighting), .. }] = &found[..] else { panic!("one frame: {found:?}") };
        let length = u32::try_from(frame.len()).expect("short");
        assert_eq!(sighting.spans[..], [ByteRange { packet: PacketNumber(7), offset: 54, length }]);
    }

    /// A frame that comes a byte at a time costs far more than its bytes, until it is over.
    #[test]
    fn every_piece_of_what_is_held_counts() {
        let (mut half, mut frame) = (half(), Vec::new());
        encode::frame(&mut frame, Command::RESPONSE, None, ObjectId(0x9599_30bf), &[0x55; 200]);
        let (last, begun) = frame.split_last().expect("not empty");
        assert_eq!(trickle(&mut half, 0, begun), 0);
        assert_eq!((half.held(), half.weigh_held()), (begun.len(), begun.len() * (1 + UNFINISHED_PIECE_OVERHEAD)));
        assert_eq!(trickle(&mut half, begun.len() as u64, &[*last]), 1);
        assert_eq!((half.held(), half.weigh_held()), (0, 0));
    }
}
