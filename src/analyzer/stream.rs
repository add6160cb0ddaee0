//! One TCP connection as the analyzer sees it: two framers, and where their bytes came from.

use super::order::Place;
use super::report::Closed;
use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::event::NonFrameSighting;
use crate::line::{Sender, Sighting, SightingId};
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::{Frame, Framer, Item, NonFrame};
use crate::tcp::{Chunk, Connection, Notice};
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Ours: the port says so, or a frame has proved it.
    Rct,
    /// Not known yet; so many bytes have been looked at.
    Unknown(u64),
    /// Another one.
    Foreign,
}

/// A frame or non-frame on its way to the line.
#[derive(Debug)]
pub(super) struct Found {
    /// The place in the capture where it was complete.
    pub(super) at: Place,
    pub(super) what: What,
}

/// What was found.
#[derive(Debug)]
pub(super) enum What {
    Frame(Arc<Sighting>),
    NonFrame(Box<NonFrameSighting>),
    /// The connection has ended: nothing of it follows.
    Closed(Box<Closed>),
}

impl Found {
    /// The bytes it takes beside itself.
    pub(super) fn weight(&self) -> usize {
        match &self.what {
            What::Frame(frame) => frame.raw.len() + frame.payload.len(),
            What::NonFrame(bytes) => bytes.raw.len(),
            What::Closed(_) => 0,
        }
    }
}

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
}

/// Whether a direction that holds bytes back is looked at when nothing comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// No.
    No,
    /// At some time to come.
    Queued,
    /// It has been silent for so long that nothing more is learned from silence: again when data comes.
    Settled,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
    pub(super) framer: Framer,
    /// Its beginning was not captured.
    midstream: bool,
    /// The runs that hold the bytes from the framer's offset on, in order and gapless.
    runs: VecDeque<Run>,
    /// What its framer holds, as it counts towards the bound.
    pub(super) unfinished: usize,
    /// An unfinished frame has been given up for want of room: told once.
    pub(super) told_full: bool,
    /// When data last came.
    pub(super) last: Timestamp,
    /// Since when bytes are held back, as the sequence knows it.
    pub(super) hold: Option<Place>,
    /// The packet at which a hole before its next bytes was last given up.
    pub(super) gave_up_at: Option<PacketNumber>,
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
    fn end(&self) -> u64 {
        self.offset + u64::from(self.length)
    }

    /// The place of the byte at this stream offset.
    fn place(&self, offset: u64) -> Place {
        let place = if self.packet == self.delivered_by { self.packet_offset(offset) } else { late_offset(offset) };
        Place::new(self.clock, self.delivered_by, place)
    }

    /// How many bytes there are from one stream offset to another.
    fn part(&self, from: u64, to: u64) -> u32 {
        u32::try_from(to - from).unwrap_or(self.length)
    }

    /// Where in its packet the byte at this stream offset stands.
    fn packet_offset(&self, offset: u64) -> u32 {
        self.packet_offset.saturating_add(u32::try_from(offset.saturating_sub(self.offset)).unwrap_or(0))
    }
}

impl Half {
    pub(super) fn new(src: Endpoint, dst: Endpoint, midstream: bool) -> Self {
        let framer = if midstream { Framer::midstream() } else { Framer::new() };
        Self {
            src,
            dst,
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

    /// Takes the next bytes.
    ///
    /// Bytes that waited for a late segment reach the receiver with it, now. Where the hole was given up, the receiver
    /// was not waiting, only the capture was: they count from when their own packet came.
    pub(super) fn push(&mut self, chunk: &Chunk<'_>, bytes: &[u8], now: Moment) {
        let mut moment = now;
        if chunk.offset == 0 && self.midstream {
            // Where the beginning was missed, the assembler waits to see whether something still earlier comes.
            self.gave_up_at = Some(now.packet);
        }
        if chunk.packet != now.packet && self.gave_up_at == Some(now.packet) {
            let ago = now.ts.nanos_since(chunk.ts).max(0);
            let clock = Timestamp::from_nanos(now.clock.nanos() - ago).max(self.last);
            moment = Moment { packet: chunk.packet, ts: chunk.ts, clock };
        }
        self.runs.push_back(run(chunk, bytes.len(), moment));
        self.last = moment.clock;
        self.framer.push(bytes);
        if self.watched == Watched::Settled {
            self.watched = Watched::No;
        }
    }

    /// Takes note of bytes that the capture lost.
    pub(super) fn gap(&mut self, chunk: &Chunk<'_>, length: u64, now: Moment) {
        self.gave_up_at = Some(now.packet);
        self.runs.push_back(run(chunk, 0, now));
        self.framer.gap(length);
    }

    /// The first byte that is held back, if any: nothing of this direction can complete before it.
    pub(super) fn held_since(&self) -> Option<Place> {
        if self.framer.held() == 0 {
            return None;
        }
        self.runs.front().map(|run| run.place(self.framer.offset()))
    }

    /// The next item, owned. Separators are left out.
    pub(super) fn next_found(&mut self, connection: ConnectionId, keep_raw: bool) -> Option<Found> {
        loop {
            let ends = (self.src, self.dst);
            let found = match self.framer.next_item()? {
                Item::Separator { .. } => None,
                Item::Frame(frame) => {
                    let stand = stand(&self.runs, frame.offset, frame.raw.len());
                    let at = stand.at;
                    let sighting = sighting(&frame, stand, connection, ends, keep_raw);
                    Some(Found { at, what: What::Frame(Arc::new(sighting)) })
                }
                Item::NonFrame(bytes) => {
                    let stand = stand(&self.runs, bytes.offset, bytes.raw.len());
                    let at = stand.at;
                    Some(Found { at, what: What::NonFrame(Box::new(non_frame(&bytes, stand, connection, ends))) })
                }
            };
            let offset = self.framer.offset();
            // That of a hole is empty, and is needed until the hole itself has been found.
            let is_done = |run: &Run| run.end() < offset || (run.end() == offset && run.length > 0);
            while self.runs.front().is_some_and(is_done) {
                self.runs.pop_front();
            }
            if found.is_some() {
                return found;
            }
        }
    }
}

fn run(chunk: &Chunk<'_>, length: usize, now: Moment) -> Run {
    Run {
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

/// The packets that hold the bytes `offset ..` of the stream, and when the last of them appeared.
fn stand(runs: &VecDeque<Run>, offset: u64, length: usize) -> Stand {
    let end = offset + length as u64;
    if let Some(run) = runs.front()
        && run.offset <= offset
        && end <= run.end()
        && length > 0
    {
        // Nearly always.
        let span = ByteRange { packet: run.packet, offset: run.packet_offset(offset), length: run.part(offset, end) };
        let spans = SmallVec::from_buf([span]);
        return Stand { spans, ts: run.ts, completed: run.completed, at: run.place(offset) };
    }
    let mut spans = SmallVec::new();
    let (mut last_packet, mut completed) = (PacketNumber(0), Timestamp::default());
    let mut latest = None::<Run>;
    for run in runs.iter().skip_while(|run| run.end() <= offset).take_while(|run| run.offset < end) {
        let (from, to) = (offset.max(run.offset), end.min(run.end()));
        spans.push(ByteRange { packet: run.packet, offset: run.packet_offset(from), length: run.part(from, to) });
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

fn sighting(
    frame: &Frame<'_>,
    stand: Stand,
    connection: ConnectionId,
    (src, dst): (Endpoint, Endpoint),
    keep_raw: bool,
) -> Sighting {
    Sighting {
        id: SightingId(0),
        ts: stand.ts,
        clock: stand.at.clock(),
        completed: stand.completed,
        connection,
        sender: Sender::Client,
        src,
        dst,
        command: frame.command,
        object_id: frame.object_id,
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
        raw: if keep_raw { SmallVec::from_slice(frame.raw) } else { SmallVec::new() },
        stream_offset: frame.offset,
        stream_length: u32::try_from(frame.raw.len()).unwrap_or(u32::MAX),
        spans: stand.spans,
        copy_of: None,
    }
}

fn non_frame(
    bytes: &NonFrame<'_>,
    stand: Stand,
    connection: ConnectionId,
    (src, dst): (Endpoint, Endpoint),
) -> NonFrameSighting {
    NonFrameSighting {
        id: SightingId(0),
        ts: stand.ts,
        clock: stand.at.clock(),
        connection,
        sender: Sender::Client,
        src,
        dst,
        kind: bytes.kind,
        capture_incomplete: bytes.capture_incomplete,
        raw: SmallVec::from_slice(bytes.raw),
        stream_offset: bytes.offset,
        stream_length: bytes.length,
        spans: stand.spans,
    }
}

/// A connection that may carry the protocol, or does.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) midstream: bool,
    pub(super) first: Timestamp,
    pub(super) protocol: Protocol,
    /// Packets of both directions were captured, and the line has been told.
    pub(super) two_sided: bool,
    /// By [`Direction::index`]; made when data comes, since most connections of a flood never bring any.
    halves: Option<Box<[Half; 2]>>,
    /// What was found, and noticed, before the protocol was known.
    pub(super) unproven: Vec<Found>,
    pub(super) notices: Vec<Notice>,
}

impl Stream {
    pub(super) fn new(connection: &Connection, protocol: Protocol, first: Timestamp) -> Self {
        Self {
            client: connection.client(),
            server: connection.server(),
            midstream: connection.midstream(),
            first,
            protocol,
            two_sided: false,
            halves: None,
            unproven: Vec::new(),
            notices: Vec::new(),
        }
    }

    pub(super) fn half(&mut self, direction: Direction) -> &mut Half {
        self.half_and_unproven(direction).0
    }

    /// The half, and what was found before the protocol was known.
    pub(super) fn half_and_unproven(&mut self, direction: Direction) -> (&mut Half, &mut Vec<Found>) {
        let Self { client, server, midstream, halves, unproven, .. } = self;
        let halves = halves.get_or_insert_with(|| {
            Box::new([Half::new(*client, *server, *midstream), Half::new(*server, *client, *midstream)])
        });
        (&mut halves[direction.index()], unproven)
    }

    /// The half, if it has brought data.
    pub(super) fn half_with_data(&mut self, direction: Direction) -> Option<&mut Half> {
        self.halves.as_mut().map(|halves| &mut halves[direction.index()])
    }

    /// What its framers hold, as it counts towards the bound.
    pub(super) fn unfinished(&self) -> usize {
        self.halves.iter().flat_map(|halves| halves.iter()).map(|half| half.unfinished).sum()
    }

    /// Forgets all data: the connection carries another protocol.
    pub(super) fn dismiss(&mut self) {
        self.protocol = Protocol::Foreign;
        self.halves = None;
        self.unproven = Vec::new();
        self.notices = Vec::new();
    }
}
