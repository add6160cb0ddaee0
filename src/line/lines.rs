//! All devices of a session: every frame goes to the line of its device.

use super::context::Context;
use super::copies::Place;
use super::device::DeviceLine;
use super::devices::Devices;
use super::exchange::{Exchange, Sender, Sighting, SightingId};
use super::fate::REVIVAL;
use super::member::{Counts, Ends, Member};
use super::memory::Memory;
use super::noise::{self, NonFrameSeen};
use super::ordinary::Ordinary;
use super::outcome::{About, LineId, Listener, Outbox};
use super::plain::PlainExchange;
use super::request::Key;
use super::roles::Roles;
use super::shortcut::Seen;
use super::slab::At;
use super::values;
use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::{ByConnection, ConnectionId, Direction, Endpoint};
use crate::in_place::boxed;
use crate::rct::registry::Registry;
use crate::rct::{Escaping, NonFrameKind};
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// What is known of a connection when it opens.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Its number.
    pub id: ConnectionId,
    /// The end that opened it, as far as TCP knows.
    pub client: Endpoint,
    /// The other one.
    pub server: Endpoint,
    /// Its first packet's time, on a clock that never goes back.
    pub clock: Timestamp,
    /// It began before the capture: earlier requests and copies were missed.
    pub midstream: bool,
}

impl Opening {
    /// The sender and the receiver of what goes one way.
    #[inline]
    const fn ends(&self, direction: Direction) -> [Endpoint; 2] {
        match direction {
            Direction::ToServer => [self.client, self.server],
            Direction::ToClient => [self.server, self.client],
        }
    }
}

#[derive(Debug)]
struct Connection {
    opening: Opening,
    roles: Roles,
    /// Who sends which way, by [`Direction::index`], once that is proven: nothing is learned from then on.
    senders: Option<[Sender; 2]>,
    line: Option<Spot>,
    /// Where it was taken to belong before the device was proven to be the other end.
    former: Option<Spot>,
    /// Packets of both directions were captured.
    two_sided: bool,
}

impl Connection {
    /// Takes note of who sends which way, if that is proven by now.
    fn learn_senders(&mut self) {
        let sender = |direction| self.roles.sender(self.opening.ends(direction)[0]);
        self.senders = self.roles.proven().then(|| [Direction::ToServer, Direction::ToClient].map(sender));
    }
}

/// A line, and the place of a connection among its members.
#[derive(Clone, Copy, Debug)]
struct Spot {
    line: usize,
    member: At,
}

/// Whom a frame goes to, and what it is a copy of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Addressee {
    spot: Option<Spot>,
    /// A hash of the frame, where there may be copies of it.
    identity: Option<u64>,
    original: Option<Place>,
    /// Its connection has become one of the device's by it.
    joins: bool,
}

impl Addressee {
    /// One that is known, of a frame that is no copy as far as known.
    const fn at(spot: Spot) -> Self {
        Self { spot: Some(spot), identity: None, original: None, joins: false }
    }
}

/// Every device and every connection that carries the protocol.
#[derive(Debug)]
pub struct Lines<L> {
    connections: ByConnection<Connection>,
    devices: Devices,
    /// When which line has to be looked at.
    checks: BTreeSet<(Timestamp, usize)>,
    /// The first of them.
    next_check: Option<Timestamp>,
    /// When packets came again after a silence longer than the time-out.
    revived: Timestamp,
    context: Context<L>,
}

impl<L: Listener + 'static> Lines<L> {
    /// No devices yet. Requests are waited for as long as `timeout`; what is found out is told to `listener`.
    pub fn new(registry: Arc<Registry>, timeout: Duration, listener: L) -> Self {
        let (line, now, copying) = (LineId::default(), Timestamp::default(), false);
        let (memory, out) = (Memory::default(), Outbox::new(listener));
        Self {
            connections: ByConnection::default(),
            devices: Devices::default(),
            checks: BTreeSet::new(),
            next_check: None,
            revived: Timestamp::EARLIEST,
            context: Context { registry, timeout: timeout.into(), line, now, copying, memory, out },
        }
    }

    /// A connection that may carry the protocol.
    pub fn open(&mut self, opening: Opening) {
        let (roles, senders, line, former, two_sided) = (Roles::default(), None, None, None, false);
        let connection = Connection { opening, roles, senders, line, former, two_sided };
        self.connections.insert(opening.id, connection);
        self.context.copying = self.connections.len() > 1;
    }

    /// Packets of both directions of a connection have been captured: silence on it means something.
    pub fn seen_both_ways(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.two_sided = true;
        let Some(Spot { line, member }) = connection.line else { return };
        if let Some(member) = self.devices[line].members.get_mut(member) {
            member.two_sided = true;
        }
    }

    /// A connection has ended. `None` when it carried nothing of the protocol.
    pub fn close(&mut self, id: ConnectionId) -> Option<Closing> {
        let connection = self.connections.remove(id)?;
        self.context.copying = self.connections.len() > 1;
        let device = connection.roles.device()?;
        let counts = self.leave(connection.line?);
        connection.former.map(|former| self.leave(former));
        Some(Closing { device, proven: connection.roles.proven(), counts })
    }

    /// A connection leaves a line, which comes to rest if it was the last one.
    fn leave(&mut self, Spot { line, member }: Spot) -> Counts {
        let (counts, at_rest) = self.on(line, |line, context| {
            line.leave(member, context);
            let counts = line.members.get(member).map(|member| member.counts).unwrap_or_default();
            line.forget_gone();
            (counts, line.members.alive() == 0)
        });
        if at_rest {
            let beyond = self.devices.rest(line);
            let is_short = self.context.memory.is_short_of_subjects();
            if let Some(oldest) = beyond.or_else(|| self.devices.oldest_at_rest().filter(|_| is_short)) {
                self.forget(oldest);
            }
        }
        counts
    }

    /// Tells all that is left of a device, and forgets it.
    fn forget(&mut self, line: usize) {
        self.on(line, |line, context| {
            line.finish(context.now, context);
            line.next_check = None;
        });
        self.devices.forget(line);
    }

    /// The capture has lost bytes that `src` sent.
    pub fn lost(&mut self, id: ConnectionId, src: Endpoint, clock: Timestamp) {
        let until = clock.saturating_add(self.context.timeout);
        let Some(connection) = self.connections.get(id) else { return };
        let Some(Spot { line, member }) = connection.line else { return };
        if connection.roles.device() == Some(src) {
            self.on(line, |line, _| line.lost_answers(member));
        } else {
            self.devices[line].lost_requests(member, until);
        }
    }

    /// An ordinary frame, of which nobody wants to know but its line. None comes of a connection before that is opened, or
    /// after it is closed.
    #[inline]
    pub fn ordinary(&mut self, frame: &Ordinary, id: SightingId) {
        let Some(connection) = self.connections.get(frame.connection) else { return };
        let Connection { senders, line: spot, .. } = connection;
        let seen = Seen { id, frame };
        let (Some(senders), Some(Spot { line, member })) = (*senders, *spot) else {
            return self.address_made(seen);
        };
        #[cfg(test)]
        if self.devices[line].goes_the_long_way {
            return self.address_made(seen);
        }
        let copying = self.context.copying;
        match senders[frame.direction.index()] {
            Sender::Client if copying && self.devices[line].expects_copies(member) => {
                self.on(line, |line, context| line.ask_the_long_way(member, seen, context));
            }
            Sender::Client => self.on_folded(line, |line, context| line.ask(member, seen, context)),
            Sender::Device if copying && self.devices[line].is_copying_ordinary(member, frame) => {
                self.address_made(seen);
            }
            Sender::Device => self.on_folded(line, |line, context| line.hear(member, seen, context)),
        }
    }

    /// The rest of [`Self::ordinary`], where the frame may be a copy, or may say who is the device.
    #[inline(never)]
    fn address_made(&mut self, Seen { id, frame }: Seen<'_>) {
        let Some(connection) = self.connections.get(frame.connection) else { return };
        let ends = connection.opening.ends(frame.direction);
        let mut frame = boxed(|| frame.sighting(id, ends, Sender::Client));
        let addressee = self.address(&mut frame, id);
        self.frame(frame, addressee);
    }

    /// Whether what the device sends on this connection may be a copy, or be copied.
    fn is_copying(&self, line: usize, member: At, clock: Timestamp) -> bool {
        self.context.copying && self.devices[line].is_copying(member, clock)
    }

    /// A frame on some connection, in the order of the packets that completed them. Sets its number, who sent it and
    /// what it is a copy of, and finds out whom it goes to: [`Self::frame`] is next.
    #[inline]
    pub fn address(&mut self, frame: &mut Sighting, id: SightingId) -> Addressee {
        let mut addressee = self.addressee(frame, id);
        let Some(Spot { line, member }) = addressee.spot else { return addressee };
        if frame.sender == Sender::Device && self.is_copying(line, member, frame.clock) {
            self.on(line, |line, _| {
                let identity = line.copies.identity(frame);
                addressee.identity = Some(identity);
                addressee.original = line.find_copy(identity, Some(Key::of(frame)), member, frame.clock);
                let original = addressee.original.and_then(|place| line.copies.get(place));
                frame.copy_of = original.map(|original| original.sighting);
            });
        }
        addressee
    }

    /// Takes the frame that was addressed last.
    #[inline]
    pub fn frame(&mut self, frame: Box<Sighting>, addressee: Addressee) {
        let Addressee { spot, identity, original, joins } = addressee;
        let Some(Spot { line, member }) = spot else { return };
        self.on_folded(line, |line, context| {
            if joins {
                line.load.joined(line.members.alive(), &frame, &mut context.out);
            }
            if frame.escaping != Escaping::Full {
                report_escaping(line, member, &frame, context);
            }
            if frame.sender == Sender::Client {
                line.unfold(context);
                values::judge_frame(&frame, context);
                return line.request(member, Box::new(Exchange::asking(*frame)), context);
            }
            if let Some(place) = original {
                line.unfold(context);
                line.copy(place, member, &frame, context);
            } else {
                line.unfold_for(member, &frame, context);
                line.original(identity, member, frame, context);
            }
        });
    }

    /// Takes back a plain exchange that has been told, for its room.
    #[inline]
    pub fn reuse(&mut self, told: Box<PlainExchange>) {
        self.context.out.reuse(told);
    }

    /// Who sends from this end of a connection, as far as known.
    pub fn sender(&self, id: ConnectionId, src: Endpoint) -> Sender {
        let Some(connection) = self.connections.get(id) else { return Sender::Client };
        match connection.roles.device() {
            Some(device) if device == src => Sender::Device,
            None if connection.opening.server == src => Sender::Device,
            _ => Sender::Client,
        }
    }

    /// Bytes that are no frame. `sender`: see [`Self::sender`].
    pub fn non_frame(&mut self, seen: &NonFrameSeen<'_>, sender: Sender) {
        let Some(connection) = self.connections.get(seen.connection) else { return };
        let spot = connection.line;
        if seen.kind == NonFrameKind::Gap {
            self.lost(seen.connection, seen.src, seen.clock);
        }
        match spot {
            Some(Spot { line, member }) => {
                self.on(line, |line, context| line.non_frame(member, seen, sender, context));
            }
            None => noise::report(seen, &mut self.context.out),
        }
    }

    /// Lets time pass: what has waited long enough is told.
    #[inline]
    pub fn tick(&mut self, now: Timestamp) {
        if !now.is_within(self.context.timeout, self.context.now) {
            self.revived = now;
        }
        self.context.now = now;
        if self.next_check.is_some_and(|check| check <= now) {
            self.check(now);
        }
    }

    /// Looks at the lines whose time has come.
    #[cold]
    fn check(&mut self, now: Timestamp) {
        // After a silence of everybody, what comes right then may be the answer: it is only late.
        if now.since(self.revived) < REVIVAL {
            return;
        }
        let due = self.checks.range(..=(now, usize::MAX));
        let mut due: SmallVec<[usize; 8]> = due.map(|(_, line)| *line).collect();
        due.sort_unstable();
        for line in due {
            self.on_folded(line, |line, context| line.tick(now, context));
        }
    }

    /// Tells all that is left. The capture has ended at `now`.
    pub fn finish(&mut self, now: Timestamp) {
        self.context.now = now;
        for line in 0..self.devices.len() {
            self.on(line, |line, context| line.finish(now, context));
        }
    }

    /// The oldest open request of a line is told as it is: whoever keeps the order of events has no more room.
    pub fn give_up(&mut self, line: LineId) {
        self.on(line.0 as usize, DeviceLine::give_up_oldest);
    }

    /// Who is told what is found out.
    #[inline]
    pub fn listener(&mut self) -> &mut L {
        &mut self.context.out.listener
    }

    /// A number for an anomaly found elsewhere: all are counted together.
    pub fn anomaly_id(&mut self) -> AnomalyId {
        self.context.out.anomaly_id()
    }

    /// The line of the first device.
    #[cfg(test)]
    pub(super) fn first_line(&mut self) -> &mut DeviceLine {
        &mut self.devices[0]
    }

    /// Whether a request on this connection waits for its answer.
    pub fn is_waiting(&self, id: ConnectionId) -> bool {
        let spot = self.connections.get(id).and_then(|connection| connection.line);
        spot.is_some_and(|Spot { line, member }| self.devices[line].is_waiting(member))
    }

    /// The device's end of a connection, where it is known.
    pub fn device_of(&self, id: ConnectionId) -> Option<Endpoint> {
        self.connections.get(id)?.roles.device()
    }

    /// Does something on a line, all of whose requests are where they belong.
    #[inline]
    fn on<R>(&mut self, line: usize, act: impl FnOnce(&mut DeviceLine, &mut Context) -> R) -> R {
        self.on_folded(line, |line, context| {
            line.unfold(context);
            act(line, context)
        })
    }

    /// Does something on a line, and takes note of when that is to be looked at from then on.
    #[inline]
    fn on_folded<R>(&mut self, line: usize, act: impl FnOnce(&mut DeviceLine, &mut Context) -> R) -> R {
        self.context.line = LineId(u32::try_from(line).unwrap_or(u32::MAX));
        let device = &mut self.devices[line];
        let before = device.next_check;
        let result = act(device, &mut self.context);
        let after = device.next_check;
        if after != before {
            self.reschedule(line, before, after);
        }
        result
    }

    /// Takes note of when a line is to be looked at, which has changed.
    #[inline(never)]
    fn reschedule(&mut self, line: usize, before: Option<Timestamp>, after: Option<Timestamp>) {
        before.map(|check| self.checks.remove(&(check, line)));
        after.map(|check| self.checks.insert((check, line)));
        self.next_check = self.checks.first().map(|(check, _)| *check);
    }

    /// Learns the roles of the frame's connection, sets the frame's number, object and sender, and finds the line.
    fn addressee(&mut self, frame: &mut Sighting, id: SightingId) -> Addressee {
        frame.id = id;
        frame.known = self.context.registry.place(frame.object_id);
        let Some(connection) = self.connections.get_mut(frame.connection) else { return Addressee::default() };
        if let (true, Some(spot)) = (connection.roles.proven(), connection.line) {
            // Nearly always: nothing is learned any more.
            frame.sender = connection.roles.sender(frame.src);
            return Addressee::at(spot);
        }
        let before = connection.roles.device();
        let known_device = before.is_none() && self.devices.listens(frame.src);
        let crc_ok = frame.crc_ok();
        frame.sender =
            connection.roles.learn(frame.command, frame.object_id, crc_ok, frame.src, frame.dst, known_device);
        connection.learn_senders();
        let Some(device) = connection.roles.device() else { return Addressee::default() };
        match connection.line {
            Some(spot) if before == Some(device) => Addressee::at(spot),
            _ => Addressee { spot: self.join(frame, device), joins: true, ..Addressee::default() },
        }
    }

    /// A connection turns out to be one of this device.
    fn join(&mut self, frame: &Sighting, device: Endpoint) -> Option<Spot> {
        let connection = self.connections.get(frame.connection)?;
        let (opening, two_sided) = (connection.opening, connection.two_sided);
        let line = self.devices.find(device, opening.server == device);
        let blind_until = if opening.midstream {
            opening.clock.saturating_add(self.context.timeout)
        } else {
            Timestamp::from_nanos(i64::MIN)
        };
        let client = if opening.client == device { opening.server } else { opening.client };
        let mut member = Member::new(opening.id, Ends { client, device }, opening.clock, blind_until);
        member.two_sided = two_sided;
        let member = self.devices[line].join(member);
        let spot = Spot { line, member };
        let connection = self.connections.get_mut(frame.connection)?;
        connection.former = connection.line.replace(spot);
        Some(spot)
    }
}

/// What a connection turned out to be.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The device's end.
    pub device: Endpoint,
    /// A RESPONSE has proven it.
    pub proven: bool,
    /// What was done on it.
    pub counts: Counts,
}

fn report_escaping(line: &mut DeviceLine, member: At, frame: &Sighting, context: &mut Context) {
    if line.members.get_mut(member).is_some_and(|member| member.reports_escaping(frame.escaping)) {
        let what = if frame.escaping == Escaping::None { "nothing" } else { "its CRC not" };
        let message = format!("{} escapes {what}: the CRC fits only so (said once per connection)", frame.src);
        context.out.anomaly(Code::RawCrc, About::frame(frame), message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::{Exchange, ExchangeId, ExchangeStatus};
    use super::*;
    use crate::anomaly::Anomaly;
    use crate::limits::DEVICES_AT_REST;
    use crate::object::ObjectId;
    use crate::packet::ByteRange;
    use crate::rct::Command;
    use std::hash::BuildHasher as _;

    const NOW: Timestamp = Timestamp::from_nanos(1_000_000_000);

    /// How the exchanges ended that were told.
    #[derive(Debug, Default)]
    struct Heard(Vec<ExchangeStatus>);

    impl Listener for Heard {
        fn asked(&mut self, _id: ExchangeId, _line: LineId, _clock: Timestamp, _at: ByteRange) {}

        fn exchange(&mut self, exchange: Box<Exchange>) {
            self.0.push(exchange.status);
        }

        fn anomaly(&mut self, _clock: Timestamp, _anomaly: Box<Anomaly>) {}
    }

    fn lines() -> Lines<Heard> {
        Lines::new(Arc::new(Registry::default()), Duration::from_secs(5), Heard::default())
    }

    /// A frame between a client and a device of its own, both with the number of their connection.
    fn say(lines: &mut Lines<Heard>, sender: Sender, connection: u32, command: Command) {
        let [client, device] = ends(connection);
        let (src, dst) = if sender == Sender::Client { (client, device) } else { (device, client) };
        let sample = Sighting::sample(sender, connection, command, ObjectId(0x9599_30bf), NOW);
        let mut frame = Box::new(Sighting { src, dst, ..sample });
        let addressee = lines.address(&mut frame, SightingId(1));
        lines.frame(frame, addressee);
    }

    fn ends(connection: u32) -> [Endpoint; 2] {
        let [net, subnet, host, more] = connection.to_be_bytes();
        [(10, 50_000), (20, 8899)].map(|(first, port)| Endpoint::new([first + net, subnet, host, more].into(), port))
    }

    fn open(lines: &mut Lines<Heard>, connection: u32) {
        let [client, server] = ends(connection);
        lines.open(Opening { id: ConnectionId(connection), client, server, clock: NOW, midstream: false });
    }

    #[test]
    fn what_a_forgotten_device_owed_is_told() {
        let mut lines = lines();
        let count = u32::try_from(DEVICES_AT_REST).expect("few") + 3;
        for connection in 0..count {
            open(&mut lines, connection);
            say(&mut lines, Sender::Client, connection, Command::READ);
            lines.close(ConnectionId(connection));
        }
        assert_eq!(lines.listener().0, [ExchangeStatus::Open; 3]);
        lines.finish(NOW);
        assert_eq!(lines.listener().0.len(), count as usize);
        assert_eq!(lines.devices.len(), DEVICES_AT_REST + 1);
    }

    /// `FxHasher` has the same hash for both payloads: what is multiplied with the bytes behind is zero. Their CRC is the
    /// same, too, since they differ by its polynomial.
    #[test]
    fn answers_that_are_made_to_collide_are_no_copies_of_one_another() {
        let collide = |behind: [u8; 8]| [0x243f_6a88_85a3_08d3_u64.to_le_bytes(), behind].concat();
        let payloads = [collide([0; 8]), collide([1, 0x10, 0x21, 0, 0, 0, 0, 0])];
        let fx = payloads.clone().map(|payload| rustc_hash::FxBuildHasher.hash_one(payload));
        assert_eq!(fx[0], fx[1], "they do collide");
        for (second, is_copy) in [(0, true), (1, false)] {
            let mut lines = lines();
            (0..2).for_each(|client| lines.open(to_first_device(client)));
            let mut copy_of = [None; 2];
            for (connection, payload) in [(0, 0), (1, second)] {
                let Opening { id, client, server, .. } = to_first_device(connection);
                let sample = Sighting::sample(Sender::Device, id.0, Command::RESPONSE, ObjectId(7), NOW);
                let payload = payloads[payload].as_slice().into();
                let mut frame = Box::new(Sighting { src: server, dst: client, payload, ..sample });
                let addressee = lines.address(&mut frame, SightingId(1 + u64::from(connection)));
                copy_of[id.0 as usize] = frame.copy_of;
                lines.frame(frame, addressee);
            }
            assert_eq!(copy_of, [None, is_copy.then_some(SightingId(1))]);
        }
    }

    fn to_first_device(connection: u32) -> Opening {
        let ([client, _], [_, server]) = (ends(connection), ends(0));
        Opening { id: ConnectionId(connection), client, server, clock: NOW, midstream: false }
    }

    /// A connection counted as one of the wrong end's for ever, where its first frame had misled.
    #[test]
    fn a_connection_leaves_the_line_it_was_first_taken_for_too() {
        let mut lines = lines();
        open(&mut lines, 0);
        say(&mut lines, Sender::Device, 0, Command::READ);
        let mistaken = lines.connections.get(ConnectionId(0)).and_then(|connection| connection.line).expect("a guess");
        say(&mut lines, Sender::Device, 0, Command::RESPONSE);
        assert_eq!(lines.device_of(ConnectionId(0)), Some(ends(0)[1]));
        assert_eq!(lines.devices[mistaken.line].members.alive(), 1);
        lines.close(ConnectionId(0));
        assert_eq!(lines.devices[mistaken.line].members.alive(), 0);
    }
}
