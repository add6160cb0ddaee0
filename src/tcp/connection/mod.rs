//! One TCP connection: its ends, how it was opened and reset, and whether a segment still belongs to it.
//!
//! What its two directions carry is the business of `half`; which connections there are, of `table`.

mod identity;
mod in_step;

pub(super) use in_step::InStep;

use crate::endpoint::{ConnectionId, Direction, Endpoint};
use crate::limits::{STRAY_AFTER_CLOSE, STRAY_DISTANCE};
use crate::net::{Segment, Seq};
use crate::tcp::event::NoticeKind;
use crate::tcp::flow::Flow;
use crate::tcp::half::{Half, Surroundings};
use crate::tcp::outbox::Shared;
#[cfg(test)]
use crate::tcp::pieces::Pieces;
use crate::tcp::slot::Links;
use crate::time::Timestamp;

/// A connection as far as it is known. A connection that only ever sent a SYN takes no more than this and its entries
/// in the table.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    client: Endpoint,
    server: Endpoint,
    decided_by: DecidedBy,
    midstream: Midstream,
    first: Timestamp,
    last: Timestamp,
    packet_count: u64,
    carried_bytes: u64,
    senders: [Sender; 2],
    /// The first byte's number per direction, where `senders` says that it is known.
    bases: [Seq; 2],
    /// Where each direction ended, or is expected to go on while nobody follows it.
    ends: [Seq; 2],
    halves: [Option<Box<Half>>; 2],
    /// Whether both directions are in step: what nearly all segments are for goes the short way then.
    in_step: bool,
    pub(in crate::tcp) life: Life,
    pub(in crate::tcp) links: Links,
}

/// How it was decided which end is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecidedBy {
    /// The client sent the SYN, or received the SYN-ACK.
    Handshake,
    /// The server's port is one of those that were named.
    Port,
    /// The server has the lower port.
    LowerPort,
    /// The client sent the first packet.
    FirstSender,
}

impl DecidedBy {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Port => "port",
            Self::LowerPort => "lower_port",
            Self::FirstSender => "first_sender",
        }
    }
}

/// What happened in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionStats {
    /// Bytes handed out, gaps not counted.
    pub bytes: u64,
    /// Segments that sent bytes again.
    pub retransmission_count: u64,
    /// Packets captured twice.
    pub duplicate_count: u64,
    /// Ranges sent again with different content.
    pub conflict_count: u64,
    /// Segments that came after a later one.
    pub out_of_order_count: u64,
    /// Segments for a hole that had been given up.
    pub late_count: u64,
    /// Segments too far from the stream to belong to it.
    pub out_of_window_count: u64,
    /// Keep-alive probes.
    pub keep_alive_count: u64,
    /// Segments with a wrong checksum, used or not.
    pub bad_checksum_count: u64,
    /// Holes given up.
    pub gap_count: u64,
    /// Bytes in them.
    pub gap_bytes: u64,
}

/// Whether the connection began before the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Midstream {
    No,
    Yes,
}

/// What is known of one end as a sender.
#[derive(Clone, Copy, Debug, Default)]
struct Sender {
    /// Whether a packet of it was seen.
    seen: bool,
    base: Base,
    /// The window scale it announced.
    scale: u8,
    /// Whether a FIN of it was seen while the connection was ignored.
    finished: bool,
}

/// How the sequence number of a direction's first byte is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Base {
    /// Not at all.
    #[default]
    Unknown,
    /// The other side acknowledged what was before it.
    Acknowledged,
    /// A packet without data was numbered so; that of a keep-alive is one less.
    Announced,
    /// By the SYN.
    Syn,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) enum Life {
    /// Its data is wanted.
    Followed,
    /// Its data is not wanted; only its end is watched for.
    Ignored,
    /// The sender of this direction has reset it, but it may turn out to live on.
    Resetting(Direction),
    /// Over, by FIN or otherwise.
    Closed,
    /// Over by RST.
    Reset,
}

impl Life {
    pub(in crate::tcp) const fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Reset)
    }
}

/// What a segment is to a connection with the same two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) enum Relation {
    /// It belongs to it.
    Same,
    /// It begins another one.
    Successor,
    /// It is a last packet of a connection that is over.
    Stray,
}

/// What a segment does to a connection's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) enum Effect {
    /// Nothing.
    None,
    /// Both sides have finished.
    Finished,
    /// It was reset, and nothing can follow.
    Reset,
    /// It was reset by the sender of this direction.
    Resetting(Direction),
}

impl Connection {
    /// Its number.
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// The end that opened it, as far as known (see [`Connection::decided_by`]).
    pub const fn client(&self) -> Endpoint {
        self.client
    }

    /// The end that was connected to.
    pub const fn server(&self) -> Endpoint {
        self.server
    }

    /// How client and server were told apart.
    pub const fn decided_by(&self) -> DecidedBy {
        self.decided_by
    }

    /// Whether it began before the capture.
    pub const fn midstream(&self) -> bool {
        matches!(self.midstream, Midstream::Yes)
    }

    /// The time of its first packet.
    pub const fn first(&self) -> Timestamp {
        self.first
    }

    /// The time of its last packet.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// Its packets, both directions.
    pub const fn packet_count(&self) -> u64 {
        self.packet_count
    }

    /// Payload bytes of all its packets, those sent again included. Counted even while it is ignored.
    pub const fn carried_bytes(&self) -> u64 {
        self.carried_bytes
    }

    /// Whether a packet of this direction was captured.
    pub const fn has_sent(&self, direction: Direction) -> bool {
        self.senders[direction.index()].seen
    }

    /// What happened in one direction; all zero while it has sent no data, and once the connection is ignored.
    pub fn stats(&self, direction: Direction) -> DirectionStats {
        self.half(direction).map(Half::stats).copied().unwrap_or_default()
    }
}

/// Birth, and who belongs to whom.
impl Connection {
    /// The connection that `segment` opens.
    pub(in crate::tcp) fn new(id: ConnectionId, segment: &Segment<'_>, server_ports: &[u16]) -> Self {
        let (client, server, decided_by) = identity::ends(segment, server_ports);
        Self {
            id,
            client,
            server,
            decided_by,
            midstream: if segment.flags.syn() { Midstream::No } else { Midstream::Yes },
            first: segment.ts,
            last: segment.ts,
            packet_count: 0,
            carried_bytes: 0,
            senders: [Sender::default(); 2],
            bases: [Seq(0); 2],
            ends: [Seq(0); 2],
            halves: [None, None],
            in_step: false,
            life: Life::Followed,
            links: Links::default(),
        }
    }

    /// Which way a segment goes, if this is the connection between its two ends. One that is connected to itself has a
    /// single direction.
    #[inline]
    pub(in crate::tcp) fn direction_of(&self, segment: &Segment<'_>) -> Option<Direction> {
        if segment.src == self.client && segment.dst == self.server {
            Some(Direction::ToServer)
        } else if segment.src == self.server && segment.dst == self.client {
            Some(Direction::ToClient)
        } else {
            None
        }
    }

    fn opposite(&self, direction: Direction) -> Direction {
        if self.client == self.server { direction } else { direction.reversed() }
    }

    fn half(&self, direction: Direction) -> Option<&Half> {
        self.halves[direction.index()].as_deref()
    }

    pub(in crate::tcp) fn half_mut(&mut self, direction: Direction) -> Option<&mut Half> {
        self.halves[direction.index()].as_deref_mut()
    }

    #[cfg(test)]
    pub(in crate::tcp) fn pieces(&self) -> impl Iterator<Item = &Pieces> + Clone {
        self.halves.iter().flatten().map(|half| half.pieces())
    }
}

/// Segments.
impl Connection {
    /// Takes a segment that belongs to this connection.
    pub(in crate::tcp) fn receive(&mut self, segment: &Segment<'_>, flow: Flow, shared: &mut Shared) -> Effect {
        self.count(segment);
        self.senders[flow.direction.index()].seen = true;
        let effect = self.receive_any(segment, flow, shared);
        let is_in_step = |half: &Option<Box<Half>>| half.as_ref().is_some_and(|half| half.is_in_step());
        self.in_step = !shared.long_way && self.halves.iter().all(is_in_step);
        effect
    }

    #[inline]
    fn count(&mut self, segment: &Segment<'_>) {
        self.packet_count += 1;
        self.carried_bytes += u64::from(segment.wire_length());
        self.last = self.last.max(segment.ts);
    }

    fn receive_any(&mut self, segment: &Segment<'_>, flow: Flow, shared: &mut Shared) -> Effect {
        if self.life == Life::Ignored {
            return self.receive_ignored(segment, flow);
        }
        if segment.flags.rst() {
            return self.reset(segment, flow, shared);
        }
        if segment.flags.syn() {
            self.open(segment, flow.direction);
        }
        if segment.flags.ack() {
            self.acknowledge(segment, flow, shared);
        }
        self.receive_data(segment, flow, shared);
        if self.is_finished() { Effect::Finished } else { Effect::None }
    }

    /// Nobody wants the data: all that is done is to see the end coming.
    fn receive_ignored(&mut self, segment: &Segment<'_>, flow: Flow) -> Effect {
        let expected = &mut self.ends[flow.direction.index()];
        if segment.flags.rst() {
            let is_near = segment.seq.distance_from(*expected).unsigned_abs() <= STRAY_AFTER_CLOSE;
            return if is_near { Effect::Reset } else { Effect::None };
        }
        *expected = segment.seq.advanced(segment.wire_length());
        if !segment.flags.fin() {
            return Effect::None;
        }
        let opposite = self.opposite(flow.direction).index();
        self.senders[flow.direction.index()].finished = true;
        if self.senders[opposite].finished { Effect::Finished } else { Effect::None }
    }

    fn open(&mut self, segment: &Segment<'_>, direction: Direction) {
        let (own, other) = (direction.index(), self.opposite(direction).index());
        if self.halves[own].is_none() {
            self.bases[own] = segment.seq.advanced(1);
        }
        self.senders[own].base = Base::Syn;
        self.senders[own].scale = segment.window_scale.unwrap_or(0).min(14);
        if segment.flags.ack() && self.senders[other].base == Base::Unknown {
            self.bases[other] = segment.ack;
            self.senders[other].base = Base::Acknowledged;
        }
    }

    fn acknowledge(&mut self, segment: &Segment<'_>, flow: Flow, shared: &mut Shared) {
        let other = self.opposite(flow.direction);
        let around = self.surroundings();
        let scale = if segment.flags.syn() { 0 } else { self.senders[flow.direction.index()].scale };
        if let Some(half) = self.half_mut(other) {
            half.acknowledge(segment.ack, u32::from(segment.window) << scale, around, shared);
        } else {
            self.learn_base(other, segment.ack, Base::Acknowledged);
        }
    }

    fn receive_data(&mut self, segment: &Segment<'_>, flow: Flow, shared: &mut Shared) {
        let carries = segment.wire_length() > 0 || segment.flags.fin();
        if self.half(flow.direction).is_none() {
            if !carries {
                if !segment.flags.syn() {
                    self.learn_base(flow.direction, segment.seq, Base::Announced);
                }
                return;
            }
            if self.starts_with_keep_alive(segment, flow.direction) {
                self.learn_base(flow.direction, segment.seq.advanced(1), Base::Announced);
                shared.notice(flow, NoticeKind::KeepAlive, shared.this_packet());
                return;
            }
            self.start_half(segment, flow, shared.moment.now);
        }
        let around = self.surroundings();
        let resetting = self.life == Life::Resetting(flow.direction);
        let Some(half) = self.halves[flow.direction.index()].as_deref_mut() else { return };
        if resetting && carries && half.is_beyond(segment) {
            self.life = Life::Followed;
            shared.notice(flow, NoticeKind::DataAfterReset, shared.this_packet());
        }
        half.receive(segment, around, shared);
    }

    /// Where a direction without a SYN goes on, as far as packets without data tell.
    fn learn_base(&mut self, direction: Direction, seq: Seq, how: Base) {
        let (base, sender) = (&mut self.bases[direction.index()], &mut self.senders[direction.index()]);
        let is_news = match sender.base {
            Base::Syn => false,
            Base::Unknown => true,
            Base::Acknowledged | Base::Announced => seq.distance_from(*base) > 0,
        };
        if is_news {
            *base = seq;
            sender.base = how;
        }
    }

    /// The first data of a direction that began before the capture may be the one byte of a keep-alive.
    fn starts_with_keep_alive(&self, segment: &Segment<'_>, direction: Direction) -> bool {
        const ACK_ALONE: u8 = 0x10;
        segment.wire_length() == 1
            && segment.flags.0 == ACK_ALONE
            && match self.senders[direction.index()].base {
                Base::Syn => false,
                Base::Unknown => true,
                Base::Acknowledged => segment.seq.advanced(1) == self.bases[direction.index()],
                Base::Announced => segment.seq == self.bases[direction.index()],
            }
    }

    fn start_half(&mut self, segment: &Segment<'_>, flow: Flow, now: Timestamp) {
        let index = flow.direction.index();
        let first = segment.seq.advanced(u32::from(segment.flags.syn()));
        let ahead = first.distance_from(self.bases[index]);
        let is_near = u64::from(ahead.unsigned_abs()) <= STRAY_DISTANCE;
        let half = match self.senders[index].base {
            Base::Syn => Half::new(flow, self.bases[index], now),
            Base::Unknown => Half::midstream(flow, first, now),
            // The number announced was that of a keep-alive.
            Base::Announced if ahead == 1 => Half::new(flow, first, now),
            Base::Acknowledged | Base::Announced if ahead > 0 && is_near => Half::new(flow, self.bases[index], now),
            // Bytes below an acknowledgment that the capture shows too early, or nothing to go by.
            Base::Acknowledged | Base::Announced => Half::new(flow, first, now),
        };
        if self.senders[index].base != Base::Syn {
            self.bases[index] = first;
        }
        self.halves[index] = Some(Box::new(half));
    }

    fn reset(&mut self, segment: &Segment<'_>, flow: Flow, shared: &mut Shared) -> Effect {
        let sender = self.senders[flow.direction.index()];
        let acceptable = if let Some(half) = self.half(flow.direction) {
            half.accepts_reset(segment.seq)
        } else {
            let base = self.bases[flow.direction.index()];
            sender.base != Base::Syn || (-1..=i32::from(u16::MAX)).contains(&segment.seq.distance_from(base))
        };
        if !acceptable {
            shared.notice(flow, NoticeKind::SuspiciousReset, shared.this_packet());
            return Effect::None;
        }
        if matches!(self.life, Life::Resetting(_)) {
            return Effect::None;
        }
        shared.notice(flow, NoticeKind::Reset, shared.this_packet());
        if self.halves.iter().all(Option::is_none) { Effect::Reset } else { Effect::Resetting(flow.direction) }
    }

    /// Whether both sides have finished, and all they sent was handed out.
    pub(in crate::tcp) fn is_finished(&self) -> bool {
        let finished = |direction| self.half(direction).is_some_and(Half::is_finished);
        finished(Direction::ToServer) && finished(self.opposite(Direction::ToServer))
    }

    pub(in crate::tcp) fn surroundings(&self) -> Surroundings {
        let is_one_sided = self.senders.iter().any(|sender| !sender.seen) && self.client != self.server;
        Surroundings { packets: self.packet_count, is_one_sided }
    }
}

/// Ends.
impl Connection {
    /// Hands out what is still held.
    pub(in crate::tcp) fn flush(&mut self, shared: &mut Shared) {
        for half in self.halves.iter_mut().flatten() {
            half.flush(shared);
        }
    }

    /// Stops following the data. Nothing of it is kept.
    pub(in crate::tcp) fn ignore(&mut self, shared: &mut Shared) {
        if self.life.is_over() {
            return;
        }
        self.life = Life::Ignored;
        self.drop_halves(shared);
    }

    /// Frees what takes memory; where each direction ended is kept.
    pub(in crate::tcp) fn drop_halves(&mut self, shared: &mut Shared) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            let index = direction.index();
            if let Some(mut half) = self.halves[index].take() {
                self.ends[index] = half.highest_seq();
                half.discard(&mut shared.held, &mut shared.timers);
            } else if self.life != Life::Ignored || !self.senders[index].seen {
                self.ends[index] = self.bases[index];
            }
        }
    }
}
