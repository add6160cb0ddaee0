//! The machine: takes segments one at a time and hands out events.
//!
//! Everything it knows is in [`Assembler`]; a [`Drain`](super::Drain) only lends the bytes of the segment being pushed. Time is that
//! of the packets, and moves only when a packet comes.

use super::connection::{Connection, Effect, InStep, Life, Relation};
use super::duplicates::Sightings;
use super::event::{CloseReason, NoticeKind};
use super::flow::{Flow, Position, Timers};
use super::held::Held;
use super::history::History;
use super::options::Options;
use super::outbox::{Moment, Outbox, Queued, Shared};
#[cfg(test)]
use super::pieces::Pieces;
use super::slot::{Queue, Slot};
use super::table::Table;
use crate::endpoint::{ConnectionId, Direction};
use crate::limits;
use crate::net::Segment;
use crate::packet::PacketNumber;
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::time::Duration;

/// Connections removed at one packet: a clock that jumps ahead must not make all of them wait to be told at once.
const SWEPT_AT_ONCE: usize = 256;

/// The most that one packet lets connections grow older, in nanoseconds. Not less than a tombstone stands.
const LONGEST_STEP: i64 = limits::TOMBSTONE.as_secs().cast_signed() * 1_000_000_000;

/// Puts segments together to streams.
///
/// ```
/// use rctscope::tcp::{Assembler, Options, TcpEvent};
///
/// let mut assembler = Assembler::new(Options::default());
/// // For every segment: `assembler.push(&segment)`. At the end:
/// let mut drain = assembler.finish();
/// while let Some(event) = drain.next() {
///     if let TcpEvent::Chunk(chunk) = event {
///         println!("{:?} of connection {}, offset {}", chunk.body, chunk.connection, chunk.offset);
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Assembler {
    server_ports: Vec<u16>,
    table: Table,
    pub(super) shared: Shared,
    opened_count: u32,
    /// Connections whose end has been told, or will be in this push: freed at the next one.
    ended: Vec<Slot>,
    /// The last reset of each connection that may live on all the same.
    resets: FxHashMap<ConnectionId, Reset>,
    /// By when that is decided, of each of those resets and of earlier ones, in order.
    lingering: VecDeque<(Timestamp, ConnectionId)>,
    /// The clock by which connections grow old. It stands still while the whole capture is silent: nothing says then
    /// that a connection is dead, and a time far in the future in one damaged packet must not end all of them.
    awake: Timestamp,
    /// Before this time, on that clock, no connection can be due for removal.
    next_sweep: Timestamp,
    /// What is still to be closed at the end of the capture, last first.
    pub(super) closing: Vec<ConnectionId>,
    /// Bytes lent by the event handed out last.
    pub(super) lent: Vec<u8>,
}

/// A reset, and until when its connection may show that it lives on.
#[derive(Clone, Copy, Debug)]
struct Reset {
    until: Timestamp,
    packet: PacketNumber,
    ts: Timestamp,
}

impl Assembler {
    /// An assembler that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        let start = Timestamp::from_nanos(i64::MIN);
        Self {
            server_ports: options.server_ports,
            table: Table::new(),
            shared: Shared {
                overlap: options.overlap,
                moment: Moment { packet: PacketNumber(0), ts: start, now: start },
                outbox: Outbox::default(),
                history: History::new(),
                sightings: Sightings::new(),
                held: Held::default(),
                timers: Timers::default(),
                long_way: false,
            },
            opened_count: 0,
            ended: Vec::new(),
            resets: FxHashMap::default(),
            lingering: VecDeque::new(),
            awake: start,
            next_sweep: start,
            closing: Vec::new(),
            lent: Vec::new(),
        }
    }

    /// The capture is over: all connections are to be closed, in the order of their numbers.
    pub(super) fn end(&mut self) {
        self.bury();
        self.closing = self.table.ids();
        self.closing.reverse();
    }

    /// Stops following a connection's data. Its end, and the ports being used again, are still seen.
    pub fn ignore(&mut self, id: ConnectionId) {
        if let Some(slot) = self.table.slot_of(id) {
            self.table.get_mut(slot).ignore(&mut self.shared);
        }
    }

    /// What is known of a connection; also while its `Closed` event is handled, but not after the next packet.
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.table.slot_of(id).map(|slot| self.table.get(slot))
    }

    /// Where a connection stands.
    pub(super) fn slot_of(&self, id: ConnectionId) -> Option<Slot> {
        self.table.slot_of(id)
    }

    /// How many connections have been opened so far.
    pub const fn connection_count(&self) -> u32 {
        self.opened_count
    }

    /// The oldest packet of which bytes are held back, because others before them are missing: events of later packets
    /// may come out before those of this one.
    pub fn oldest_pending(&self) -> Option<PacketNumber> {
        self.shared.held.oldest().map(|arrival| arrival.packet)
    }
}

#[cfg(test)]
impl Assembler {
    /// Nothing goes the short way from here on.
    pub(super) const fn go_the_long_way(&mut self) {
        self.shared.long_way = true;
    }

    pub(super) const fn held_cost(&self) -> usize {
        self.shared.held.cost()
    }

    pub(super) fn held_packets(&self) -> Vec<PacketNumber> {
        self.shared.held.arrivals().map(|arrival| arrival.packet).collect()
    }

    /// What [`Assembler::held_packets`] has to be, and [`Assembler::held_cost`]: asked of those who hold.
    pub(super) fn in_pieces(&self) -> (Vec<PacketNumber>, usize) {
        let connections = self.table.ids().into_iter().filter_map(|id| self.connection(id));
        let pieces = connections.flat_map(Connection::pieces);
        let mut packets: Vec<_> = pieces.clone().flat_map(Pieces::packets).collect();
        packets.sort_unstable();
        packets.dedup();
        (packets, pieces.map(Pieces::cost).sum())
    }
}

/// One segment.
impl Assembler {
    /// Gives a segment to its connection, the short way if it can go there. Returns where its payload belongs, if all of it
    /// is the next thing to be handed out.
    #[inline]
    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Option<Position> {
        let found = self.table.find(segment);
        if let Some((slot, direction)) = found
            && self.shared.outbox.is_empty()
        {
            let connection = self.table.get_mut(slot);
            let id = connection.id();
            let taken = connection.receive_in_step(segment, direction, &mut self.shared);
            if taken != InStep::No {
                self.table.touch(slot, self.awake);
                return match taken {
                    InStep::Brought(offset) => Some(Position::new(id, direction, offset)),
                    InStep::No | InStep::Silent => None,
                };
            }
        }
        self.take_any(found, segment);
        None
    }

    #[inline(never)]
    fn take_any(&mut self, found: Option<(Slot, Direction)>, segment: &Segment<'_>) {
        let Some((slot, direction)) = found else {
            return self.open(segment);
        };
        match self.table.get(slot).relation(segment, direction) {
            Relation::Same => self.receive(slot, direction, segment),
            Relation::Stray => {}
            Relation::Successor => {
                if self.table.get(slot).life.is_over() {
                    self.forget(slot);
                } else {
                    self.close(slot, CloseReason::PortReuse, self.shared.moment.packet, self.shared.moment.ts);
                }
                self.open(segment);
            }
        }
    }

    fn open(&mut self, segment: &Segment<'_>) {
        if segment.flags.rst() {
            // Answers a packet that was not captured, and opens nothing.
            return;
        }
        self.make_room();
        self.opened_count += 1;
        let id = ConnectionId(self.opened_count);
        let connection = Connection::new(id, segment, &self.server_ports);
        let midstream = connection.midstream();
        let direction = connection.direction_of(segment).unwrap_or(Direction::ToServer);
        let slot = self.table.insert(connection, segment, self.awake);
        self.shared.outbox.push(Queued::Opened(id));
        if midstream {
            let flow = Flow { slot, connection: id, direction };
            self.shared.notice(flow, NoticeKind::Midstream, self.shared.this_packet());
        }
        self.receive(slot, direction, segment);
    }

    fn receive(&mut self, slot: Slot, direction: Direction, segment: &Segment<'_>) {
        self.table.touch(slot, self.awake);
        let connection = self.table.get_mut(slot);
        let flow = Flow { slot, connection: connection.id(), direction };
        let Moment { packet, ts, .. } = self.shared.moment;
        match connection.receive(segment, flow, &mut self.shared) {
            Effect::None => {}
            Effect::Finished => self.close(slot, CloseReason::Fin, packet, ts),
            Effect::Reset => self.close(slot, CloseReason::Reset, packet, ts),
            Effect::Resetting(direction) => {
                connection.life = Life::Resetting(direction);
                self.linger(flow.connection);
            }
        }
    }

    /// Lets a connection that was reset live on for a while.
    fn linger(&mut self, id: ConnectionId) {
        if self.lingering.len() == limits::CONNECTIONS
            && let Some((until, oldest)) = self.lingering.pop_front()
        {
            // Only forged resets are as many as that; the oldest is decided early.
            self.decide_reset(until, oldest);
        }
        let Moment { packet, ts, now } = self.shared.moment;
        let until = now.saturating_add(limits::RESET_LINGER);
        self.lingering.push_back((until, id));
        self.resets.insert(id, Reset { until, packet, ts });
    }

    /// Ends a connection: hands out what it holds, and leaves a tombstone where it was ended for good.
    fn close(&mut self, slot: Slot, reason: CloseReason, packet: PacketNumber, ts: Timestamp) {
        let connection = self.table.get_mut(slot);
        if connection.life.is_over() {
            return;
        }
        connection.flush(&mut self.shared);
        connection.life = if reason == CloseReason::Reset { Life::Reset } else { Life::Closed };
        self.shared.outbox.push(Queued::Closed(connection.id(), reason, packet, ts));
        self.ended.push(slot);
        match reason {
            CloseReason::Fin | CloseReason::Reset => self.table.enqueue(slot, Queue::Tombstones, self.awake),
            // Nobody said that it is over: what still comes is a connection again, or on these ports there is one already.
            CloseReason::PortReuse | CloseReason::Idle | CloseReason::Evicted | CloseReason::EndOfCapture => {
                self.table.detach(slot);
            }
        }
    }
}

/// Time and bounds.
impl Assembler {
    #[inline]
    pub(super) fn advance_to(&mut self, packet: PacketNumber, ts: Timestamp) {
        if !self.ended.is_empty() {
            self.bury();
        }
        let before = self.shared.moment.now;
        let now = before.max(ts);
        self.shared.moment = Moment { packet, ts, now };
        let step = now.nanos_since(before).min(LONGEST_STEP);
        self.awake = Timestamp::from_nanos(self.awake.nanos() + step);
        if !self.shared.timers.is_empty() || !self.lingering.is_empty() {
            self.look_at_timers(now);
        }
        if self.awake >= self.next_sweep {
            self.sweep(self.awake);
        }
    }

    fn look_at_timers(&mut self, now: Timestamp) {
        while let Some(flow) = self.shared.timers.due(now) {
            self.expire(flow);
        }
        while let Some((until, id)) = self.lingering.front().copied().filter(|(until, _)| *until <= now) {
            self.lingering.pop_front();
            self.decide_reset(until, id);
        }
    }

    fn expire(&mut self, flow: Flow) {
        let connection = self.table.get_mut(flow.slot);
        let around = connection.surroundings();
        if let Some(half) = connection.half_mut(flow.direction) {
            half.look_after_hole(around, &mut self.shared);
        }
        if connection.is_finished() && !connection.life.is_over() {
            self.close(flow.slot, CloseReason::Fin, self.shared.moment.packet, self.shared.moment.ts);
        }
    }

    /// Decides on the reset of which the time is up, unless the connection has lived on and was reset again.
    fn decide_reset(&mut self, until: Timestamp, id: ConnectionId) {
        let Some(reset) = self.resets.get(&id).copied().filter(|reset| reset.until == until) else { return };
        self.resets.remove(&id);
        if let Some(slot) = self.table.slot_of(id)
            && matches!(self.table.get(slot).life, Life::Resetting(_))
        {
            self.close(slot, CloseReason::Reset, reset.packet, reset.ts);
        }
    }

    /// Closes what has been silent for too long, and forgets what has been over for long enough.
    fn sweep(&mut self, now: Timestamp) {
        let (idle, tombstone) = (limits::CONNECTION_IDLE, limits::TOMBSTONE);
        for _ in 0..SWEPT_AT_ONCE {
            if let Some(slot) = self.due(Queue::Live, idle, now) {
                self.close(slot, CloseReason::Idle, self.shared.moment.packet, self.shared.moment.ts);
            } else if let Some(slot) = self.due(Queue::Tombstones, tombstone, now) {
                self.forget(slot);
            } else {
                let end = |queue, after| self.table.oldest(queue).map(|(_, touched)| touched.saturating_add(after));
                let ends = [end(Queue::Live, idle), end(Queue::Tombstones, tombstone)];
                // What is opened or closed from now on is not due before this.
                let latest = now.saturating_add(tombstone);
                self.next_sweep = ends.into_iter().flatten().fold(latest, Timestamp::min);
                return;
            }
        }
    }

    /// The oldest connection of a queue, if it has been there for as long as `patience`.
    fn due(&self, queue: Queue, patience: Duration, now: Timestamp) -> Option<Slot> {
        let (slot, touched) = self.table.oldest(queue)?;
        (now.since(touched) >= patience).then_some(slot)
    }

    /// Drops a tombstone, or, where its end has not been handed out yet, lets the next push free it.
    fn forget(&mut self, slot: Slot) {
        self.table.detach(slot);
        if !self.ended.contains(&slot) {
            self.table.remove(slot);
        }
    }

    /// Frees what connections held whose end was told before.
    fn bury(&mut self) {
        while let Some(slot) = self.ended.pop() {
            self.table.get_mut(slot).drop_halves(&mut self.shared);
            if !self.table.is_attached(slot) {
                self.table.remove(slot);
            }
        }
    }

    /// Makes room for one more connection: tombstones go first, then the one silent for longest.
    fn make_room(&mut self) {
        if self.table.len() < limits::CONNECTIONS {
            return;
        }
        if let Some((slot, _)) = self.table.oldest(Queue::Tombstones) {
            return self.forget(slot);
        }
        if let Some((slot, _)) = self.table.oldest(Queue::Live) {
            let Moment { packet, ts, .. } = self.shared.moment;
            let flow = Flow { slot, connection: self.table.get(slot).id(), direction: Direction::ToServer };
            self.shared.notice(flow, NoticeKind::Evicted, self.shared.this_packet());
            self.close(slot, CloseReason::Evicted, packet, ts);
        }
    }

    /// Keeps what is held within the common bound.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.shared.held.cost() > limits::PENDING_BYTES_TOTAL {
            self.bound_held();
        }
    }

    #[cold]
    fn bound_held(&mut self) {
        while self.shared.held.cost() > limits::PENDING_BYTES_TOTAL
            && let Some(Flow { slot, direction, .. }) = self.shared.held.oldest().map(|arrival| arrival.flow)
            && let Some(half) = self.table.get_mut(slot).half_mut(direction)
        {
            half.give_up_oldest(&mut self.shared);
        }
    }

    /// At the end of the capture, closes the next connection. One at a time, so that not all events wait at once.
    pub(super) fn close_next(&mut self) {
        self.bury();
        let Some(id) = self.closing.pop() else { return };
        let Some(slot) = self.table.slot_of(id) else { return };
        let Moment { packet, ts, .. } = self.shared.moment;
        match self.table.get(slot).life {
            Life::Resetting(_) => {
                let (packet, ts) = self.resets.get(&id).map_or((packet, ts), |reset| (reset.packet, reset.ts));
                self.close(slot, CloseReason::Reset, packet, ts);
            }
            _ => self.close(slot, CloseReason::EndOfCapture, packet, ts),
        }
    }
}
