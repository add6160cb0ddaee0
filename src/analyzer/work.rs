//! What the assembler's events come to: frames in the order of the packets that completed them, and what goes with
//! them.

use super::Options;
use super::clock::Clock;
use super::closed::Closed;
use super::found::{Found, What};
use super::half::{Moment, Watched};
use super::order::Place;
use super::sequence::Sequence;
use super::step::{End, Kind, Outlet, Step};
use super::stream::{Protocol, Stream};
use crate::endpoint::{ByConnection, ConnectionId, Direction};
use crate::event::Summary;
use crate::limits::{
    FRAME_PATIENCE, PROBE_BYTES, STEPS_AT_ONCE, UNFINISHED_BYTES_TOTAL, UNFINISHED_FRAME_BYTES, UNPROVEN_BYTES_TOTAL,
};
use crate::line::Opening;
use crate::packet::{Packet, PacketNumber};
use crate::rct::{Silence, StreamEnd};
use crate::tcp::{Chunk, ChunkBody, CloseReason, Drain, TcpEvent};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::time::Duration;

/// A device does not pause for so long inside a frame.
const PAUSE: Duration = Duration::from_millis(500);

/// Things found on a connection of an unknown protocol before it is taken for another one: ours shows a right frame long
/// before.
const PROBE_ITEMS: usize = 256;

/// Nobody waits for the rest of a frame for so long.
const LONG_SILENCE: Duration = Duration::from_secs(5);

/// Everything behind the assembler.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) options: Options,
    pub(super) clock: Clock,
    /// The packet being worked on, and its time.
    pub(super) packet: PacketNumber,
    pub(super) ts: Timestamp,
    pub(super) now: Timestamp,
    pub(super) streams: ByConnection<Stream>,
    pub(super) sequence: Sequence,
    /// Where in `steps` begins what this packet has brought.
    pub(super) fresh_from: usize,
    /// What has not been taken yet.
    pub(super) steps: Vec<Step>,
    /// As far as packets and TCP go.
    pub(super) totals: Summary,
    /// What all directions hold back together.
    unfinished: usize,
    /// What has been found on all connections whose protocol is not known yet.
    unproven: usize,
    /// Directions that held bytes back when data last came, and when to look at them.
    pub(super) watch: BTreeSet<(Timestamp, ConnectionId, Direction)>,
    /// When was last handed out what is settled.
    pub(super) released: Timestamp,
    /// Nothing more comes of before, as was said last.
    pub(super) settled: Timestamp,
    /// The first packet whose bytes wait behind a hole, and since when some do.
    pub(super) pending: Option<(PacketNumber, Timestamp)>,
    pub(super) other_ports: FxHashMap<u16, u64>,
    pub(super) snapped_count: u64,
}

/// What the assembler is to do with a connection from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    /// Hand out its data. `two_sided`: packets of both directions are known to have been captured.
    Yes { two_sided: bool },
    /// Nothing of it is wanted.
    No,
}

impl Work {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            clock: Clock::default(),
            packet: PacketNumber(0),
            ts: Timestamp::default(),
            now: Timestamp::default(),
            streams: ByConnection::default(),
            sequence: Sequence::default(),
            fresh_from: 0,
            steps: Vec::new(),
            totals: Summary::default(),
            unfinished: 0,
            unproven: 0,
            watch: BTreeSet::new(),
            released: Timestamp::from_nanos(i64::MIN),
            settled: Timestamp::from_nanos(i64::MIN),
            pending: None,
            other_ports: FxHashMap::default(),
            snapped_count: 0,
        }
    }

    /// A packet comes.
    pub(super) fn begin(&mut self, packet: &Packet<'_>) {
        self.fresh_from = self.steps.len();
        self.packet = packet.number;
        self.ts = packet.ts;
        self.now = self.clock.read(packet.number, packet.ts);
        if self.totals.packet_count == 0 {
            self.totals.first = Some(packet.ts);
        }
        self.totals.packet_count += 1;
    }

    /// More comes of the packet, or of the end of the capture.
    pub(super) fn go_on(&mut self) {
        self.fresh_from = self.steps.len();
    }

    /// Whether so many steps are new that they are to be taken before there are more.
    fn has_enough(&self) -> bool {
        self.steps.len() - self.fresh_from >= STEPS_AT_ONCE
    }

    pub(super) fn count_segment(&mut self) {
        self.totals.segment_count += 1;
    }

    /// Takes what the assembler has to say, all of it unless that is very much.
    #[inline]
    pub(super) fn take(&mut self, drain: &mut Drain<'_>) {
        if let Some(chunk) = drain.take_payload() {
            let follow = self.chunk(&chunk);
            self.follow(chunk.connection, follow, drain);
        }
        if !drain.is_empty() {
            self.take_events(drain);
        }
    }

    #[inline(never)]
    fn take_events(&mut self, drain: &mut Drain<'_>) {
        while !self.has_enough()
            && let Some(event) = drain.next()
        {
            match event {
                TcpEvent::Opened(id) => {
                    if let Some(connection) = drain.connection(id) {
                        self.opened(connection);
                    }
                }
                TcpEvent::Chunk(chunk) => {
                    let id = chunk.connection;
                    let follow = self.chunk(&chunk);
                    self.follow(id, follow, drain);
                }
                TcpEvent::Notice(notice) => self.tcp_notice(&notice),
                TcpEvent::Closed { connection, reason, .. } => {
                    self.end_stream(connection, reason);
                    if let Some(connection) = drain.connection(connection) {
                        self.closed(connection, reason);
                    }
                    if let Some(gone) = self.streams.remove(connection) {
                        self.let_go(&gone);
                    }
                }
            }
        }
    }

    /// What its bytes have shown of a connection.
    #[inline]
    fn follow(&mut self, id: ConnectionId, follow: Follow, drain: &mut Drain<'_>) {
        if follow != (Follow::Yes { two_sided: true }) {
            self.follow_anew(id, follow, drain);
        }
    }

    #[inline(never)]
    fn follow_anew(&mut self, id: ConnectionId, follow: Follow, drain: &mut Drain<'_>) {
        if follow == Follow::No {
            drain.ignore(id);
        } else if let Some(connection) = drain.connection(id) {
            self.note_sides(connection);
        }
    }

    fn opened(&mut self, connection: &crate::tcp::Connection) {
        self.totals.tcp_connection_count += 1;
        let on_port =
            [connection.client().port, connection.server().port].iter().any(|port| self.options.ports.contains(port));
        let protocol = if on_port { Protocol::Rct } else { Protocol::Unknown(0) };
        let stream = Stream::new(connection, protocol, self.now, self.options.frames);
        self.streams.insert(connection.id(), stream);
        if on_port {
            self.open_line(connection.id());
        }
    }

    fn open_line(&mut self, id: ConnectionId) {
        if let Some(stream) = self.streams.get(id) {
            let (client, server, midstream) = (stream.client, stream.server, stream.midstream);
            self.steps.push(Step(Kind::Opened(Opening { id, client, server, clock: stream.first, midstream })));
            if stream.two_sided {
                self.steps.push(Step(Kind::BothWays(id)));
            }
        }
    }

    pub(super) fn put_closed(&mut self, closed: Closed) {
        let at = Place::new(self.now, self.packet, u32::MAX);
        self.steps.push(Step(Kind::Found(Found::new(at, What::Closed(Box::new(closed))))));
    }

    fn note_sides(&mut self, connection: &crate::tcp::Connection) {
        let id = connection.id();
        let Some(stream) = self.streams.get_mut(id).filter(|stream| !stream.two_sided) else { return };
        if connection.has_sent(Direction::ToServer) && connection.has_sent(Direction::ToClient) {
            stream.two_sided = true;
            self.steps.push(Step(Kind::BothWays(id)));
        }
    }

    /// Bytes in order, or a hole.
    fn chunk(&mut self, chunk: &Chunk<'_>) -> Follow {
        let Some(stream) = self.streams.get_mut(chunk.connection) else { return Follow::No };
        if stream.protocol == Protocol::Foreign {
            return Follow::No;
        }
        let (proven, two_sided) = (stream.protocol == Protocol::Rct, stream.two_sided);
        let came = if chunk.packet == self.packet { self.now } else { self.clock.of(chunk.packet, chunk.ts) };
        let moment = Moment { packet: self.packet, ts: self.ts, clock: self.now, came };
        let (id, direction) = (chunk.connection, chunk.direction);
        match chunk.body {
            ChunkBody::Data(bytes) => {
                if let Protocol::Unknown(looked_at) = &mut stream.protocol {
                    *looked_at += bytes.len() as u64;
                }
                let (half, unproven) = stream.half_and_unproven(direction);
                let outlet = &mut Outlet { proven, steps: &mut self.steps, unproven };
                half.push(chunk, bytes, moment, &self.options.registry, outlet);
                if proven && half.held() == 0 && half.hold.is_none() && half.unfinished == 0 {
                    // Nearly always: nothing waits, and nothing has.
                    return Follow::Yes { two_sided };
                }
                self.note_held(id, direction)
            }
            ChunkBody::Gap { length, .. } => {
                stream.half(direction).gap(chunk, length, moment);
                self.gap(chunk);
                self.collect(id, direction)
            }
        }
    }

    /// Takes what a framer has found, and notes what it still holds.
    fn collect(&mut self, id: ConnectionId, direction: Direction) -> Follow {
        let Some(stream) = self.streams.get_mut(id) else { return Follow::No };
        let proven = stream.protocol == Protocol::Rct;
        let (half, unproven) = stream.half_and_unproven(direction);
        half.take_found(&mut Outlet { proven, steps: &mut self.steps, unproven });
        self.note_held(id, direction)
    }

    /// Notes what a direction holds back, and keeps what all of them do within its bound.
    fn note_held(&mut self, id: ConnectionId, direction: Direction) -> Follow {
        let Some(stream) = self.streams.get_mut(id) else { return Follow::No };
        let (proven, two_sided) = (stream.protocol == Protocol::Rct, stream.two_sided);
        let (half, unproven) = stream.half_and_unproven(direction);
        let (held, weight) = (half.held(), half.weigh_held());
        let before = std::mem::replace(&mut half.unfinished, weight);
        self.unfinished += weight;
        self.unfinished -= before;
        if weight == 0 && before > UNFINISHED_FRAME_BYTES {
            // It counts no more, so it must not take memory any more.
            half.shrink();
        }
        let has_hold = half.hold.is_some();
        if self.unfinished > UNFINISHED_BYTES_TOTAL && weight > UNFINISHED_FRAME_BYTES {
            half.give_up(&mut Outlet { proven, steps: &mut self.steps, unproven });
            self.unfinished -= std::mem::take(&mut half.unfinished);
            if proven && !std::mem::replace(&mut half.told_full, true) {
                self.full(id);
            }
        }
        if !proven {
            return self.probe(id);
        }
        if has_hold || held > 0 {
            self.note_hold(id, direction);
        }
        Follow::Yes { two_sided }
    }

    fn note_hold(&mut self, id: ConnectionId, direction: Direction) {
        let Some(half) = self.streams.get_mut(id).and_then(|stream| stream.half_with_data(direction)) else { return };
        let since = half.held_since();
        if since != half.hold {
            if let Some(hold) = half.hold {
                self.sequence.unhold(&(hold.packet(), hold.offset(), id, direction));
            }
            if let Some(hold) = since {
                self.sequence.hold((hold.packet(), hold.offset(), id, direction), hold.clock());
            }
            half.hold = since;
        }
        if let Some(hold) = since
            && half.watched == Watched::No
        {
            self.watch.insert(half.queue(hold, PAUSE));
        }
    }

    /// Whether a connection is worth following, by what it has brought so far.
    fn probe(&mut self, id: ConnectionId) -> Follow {
        let Some(stream) = self.streams.get_mut(id) else { return Follow::No };
        let two_sided = stream.two_sided;
        let Protocol::Unknown(looked_at) = stream.protocol else { return Follow::Yes { two_sided } };
        let registry = &self.options.registry;
        let frames = stream.unproven.iter().filter_map(Found::object_id);
        // One frame may be chance; of an object that exists, or two, it is not.
        let proof: usize = frames.map(|object| 1 + usize::from(registry.get(object).is_some())).sum();
        if proof >= 2 {
            stream.protocol = Protocol::Rct;
            let unproven = std::mem::take(&mut stream.unproven);
            self.unproven -= std::mem::take(&mut stream.unproven_bytes);
            let notices = std::mem::take(&mut stream.notices);
            self.open_line(id);
            for notice in notices {
                self.tcp_notice(&notice);
            }
            self.steps.extend(unproven.into_iter().map(|found| Step(Kind::Found(found))));
            for direction in [Direction::ToServer, Direction::ToClient] {
                self.note_hold(id, direction);
            }
            return Follow::Yes { two_sided };
        }
        let weight = stream.weigh_unproven();
        self.unproven += weight;
        self.unproven -= std::mem::replace(&mut stream.unproven_bytes, weight);
        let is_too_much = stream.unproven.len() > PROBE_ITEMS || self.unproven > UNPROVEN_BYTES_TOTAL;
        if looked_at >= PROBE_BYTES || is_too_much {
            let dismissed = stream.dismiss();
            self.let_go(&dismissed);
            return Follow::No;
        }
        Follow::Yes { two_sided }
    }

    /// What is kept of a stream is gone: it counts towards no bound any more, and nobody looks at it.
    fn let_go(&mut self, stream: &Stream) {
        for entry in stream.watched() {
            self.watch.remove(&entry);
        }
        self.unfinished -= stream.unfinished();
        self.unproven -= stream.unproven_bytes;
    }

    /// A connection is over: what its framers hold is handed out as it is.
    fn end_stream(&mut self, id: ConnectionId, reason: CloseReason) {
        let end = if matches!(reason, CloseReason::Fin | CloseReason::Reset | CloseReason::PortReuse) {
            StreamEnd::Closed
        } else {
            StreamEnd::Unseen
        };
        for direction in [Direction::ToServer, Direction::ToClient] {
            let Some(stream) = self.streams.get_mut(id) else { return };
            let Some(half) = stream.half_with_data(direction) else { continue };
            half.finish(end);
            self.collect(id, direction);
        }
        self.probe(id);
    }

    /// Looks at directions that have been silent while holding bytes back.
    pub(super) fn watch(&mut self) {
        // What is left over stays due.
        while !self.has_enough()
            && let Some(&(due, connection, direction)) = self.watch.first().filter(|(due, ..)| *due <= self.now)
        {
            self.watch.remove(&(due, connection, direction));
            let half = self.streams.get_mut(connection).and_then(|stream| stream.half_with_data(direction));
            let Some(half) = half else { continue };
            half.watched = Watched::No;
            let Some(hold) = half.hold else { continue };
            let silence = self.now.since(half.last);
            if silence >= LONG_SILENCE || self.now.since(hold.clock()) >= FRAME_PATIENCE {
                half.settle(Silence::Long);
                half.watched = Watched::Settled;
            } else if silence >= PAUSE {
                half.settle(Silence::Pause);
                self.watch.insert(half.queue(hold, LONG_SILENCE));
            }
            self.collect(connection, direction);
        }
    }

    /// The capture is over: nobody waits for anything any more.
    pub(super) fn end(&mut self, complete: bool) {
        debug_assert_eq!((self.unfinished, self.unproven, self.watch.len()), (0, 0, 0), "all connections are over");
        self.put_in_sequence();
        while let Some(found) = self.sequence.next_of_all() {
            self.steps.push(Step(Kind::Found(found)));
        }
        self.summarize();
        self.totals.last = self.totals.first.map(|_| self.ts);
        self.totals.last_packet = self.packet;
        self.totals.complete = complete;
        let totals = std::mem::take(&mut self.totals);
        self.steps.push(Step(Kind::End(Box::new(End { clock: self.now, totals }))));
    }
}
