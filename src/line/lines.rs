//! All devices of a session: every frame goes to the line of its device.

use super::answers::identity;
use super::copies::Place;
use super::device::{Context, DeviceLine};
use super::exchange::{Sender, Sighting, SightingId};
use super::fate::REVIVAL;
use super::member::{Counts, Member};
use super::outcome::{About, Listener, Outbox};
use super::request::Key;
use super::roles::Roles;
use super::slab::At;
use super::values;
use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::{ByConnection, ConnectionId, Direction, Endpoint};
use crate::in_place::boxed;
use crate::packet::ByteRange;
use crate::rct::registry::Registry;
use crate::rct::{Escaping, NonFrameKind};
use crate::time::Timestamp;
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
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

/// Bytes that are no frame, as the lines see them.
#[derive(Clone, Copy, Debug)]
pub struct NonFrameSeen<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// The sender's end.
    pub src: Endpoint,
    /// The receiver's end.
    pub dst: Endpoint,
    /// When.
    pub ts: Timestamp,
    /// The same moment on a clock that never goes back.
    pub clock: Timestamp,
    /// What.
    pub kind: NonFrameKind,
    /// Left over from what the capture lost.
    pub capture_incomplete: bool,
    /// The bytes.
    pub raw: &'a [u8],
    /// Where they stand.
    pub spans: &'a [ByteRange],
}

#[derive(Debug)]
struct Connection {
    opening: Opening,
    roles: Roles,
    line: Option<Spot>,
    /// Packets of both directions were captured.
    two_sided: bool,
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
    registry: Arc<Registry>,
    timeout: Duration,
    connections: ByConnection<Connection>,
    devices: Vec<DeviceLine>,
    /// Lines by the endpoint a device listens on.
    by_endpoint: FxHashMap<Endpoint, usize>,
    /// The first line of a host: a device that dials out is the one that listens there.
    by_host: FxHashMap<IpAddr, usize>,
    /// When which line has to be looked at.
    checks: BTreeSet<(Timestamp, usize)>,
    /// The first of them.
    next_check: Option<Timestamp>,
    /// The latest time heard of.
    now: Timestamp,
    /// When packets came again after a silence longer than the time-out.
    revived: Timestamp,
    out: Outbox<L>,
}

impl<L: Listener + 'static> Lines<L> {
    /// No devices yet. Requests are waited for as long as `timeout`; what is found out is told to `listener`.
    pub fn new(registry: Arc<Registry>, timeout: Duration, listener: L) -> Self {
        Self {
            registry,
            timeout,
            connections: ByConnection::default(),
            devices: Vec::new(),
            by_endpoint: FxHashMap::default(),
            by_host: FxHashMap::default(),
            checks: BTreeSet::new(),
            next_check: None,
            now: Timestamp::default(),
            revived: Timestamp::EARLIEST,
            out: Outbox::new(listener),
        }
    }

    /// A connection that may carry the protocol.
    pub fn open(&mut self, opening: Opening) {
        let connection = Connection { opening, roles: Roles::default(), line: None, two_sided: false };
        self.connections.insert(opening.id, connection);
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
        let device = connection.roles.device()?;
        let Spot { line, member } = connection.line?;
        let counts = self.on(line, |line, context| {
            line.leave(member, context);
            let counts = line.members.get(member).map(|member| member.counts).unwrap_or_default();
            line.forget_gone();
            counts
        });
        Some(Closing { device, proven: connection.roles.proven(), counts })
    }

    /// The capture has lost bytes that `src` sent.
    pub fn lost(&mut self, id: ConnectionId, src: Endpoint, clock: Timestamp) {
        let until = clock.saturating_add(self.timeout);
        let Some(connection) = self.connections.get(id) else { return };
        let Some(Spot { line, member }) = connection.line else { return };
        if connection.roles.device() == Some(src) {
            self.devices[line].lost_answers(member);
        } else {
            self.devices[line].lost_requests(member, until);
        }
    }

    /// A frame of which nobody wants to know but its line, so that it can be made where it stays: `make` is told its sender's
    /// and its receiver's end, and who sent it, as far as known. No frame comes of a connection before that is opened, or
    /// after it is closed.
    #[inline]
    pub fn make_frame(
        &mut self,
        (connection, direction): (ConnectionId, Direction),
        (id, clock): (SightingId, Timestamp),
        make: impl FnOnce([Endpoint; 2], Sender) -> Sighting,
    ) {
        let Some(Connection { opening, roles, line: spot, .. }) = self.connections.get_mut(connection) else { return };
        let ends = opening.ends(direction);
        if let (true, Some(Spot { line, member })) = (roles.proven(), *spot) {
            let sender = roles.sender(ends[0]);
            if sender == Sender::Client || !self.is_copying(line, member, clock) {
                let addressee = Addressee::at(Spot { line, member });
                return self.frame(boxed(|| make(ends, sender)), addressee);
            }
        }
        self.address_made(boxed(|| make(ends, Sender::Client)), id);
    }

    /// The rest of [`Self::make_frame`], where the frame may be a copy, or may say who is the device.
    #[inline(never)]
    fn address_made(&mut self, mut frame: Box<Sighting>, id: SightingId) {
        let addressee = self.address(&mut frame, id);
        self.frame(frame, addressee);
    }

    /// Whether what the device sends on this connection may be a copy, or be copied.
    #[inline]
    fn is_copying(&self, line: usize, member: At, clock: Timestamp) -> bool {
        self.connections.len() > 1 && self.devices[line].is_copying(member, clock)
    }

    /// A frame on some connection, in the order of the packets that completed them. Sets its number, who sent it and
    /// what it is a copy of, and finds out whom it goes to: [`Self::frame`] is next.
    #[inline]
    pub fn address(&mut self, frame: &mut Sighting, id: SightingId) -> Addressee {
        let mut addressee = self.addressee(frame, id);
        let Some(Spot { line, member }) = addressee.spot else { return addressee };
        if frame.sender == Sender::Device && self.is_copying(line, member, frame.clock) {
            let line = &self.devices[line];
            let identity = identity(frame);
            addressee.identity = Some(identity);
            addressee.original = line.find_copy(identity, Some(Key::of(frame)), member, frame.clock);
            let original = addressee.original.and_then(|place| line.copies.get(place));
            frame.copy_of = original.map(|original| original.sighting);
        }
        addressee
    }

    /// Takes the frame that was addressed last.
    #[inline]
    pub fn frame(&mut self, frame: Box<Sighting>, addressee: Addressee) {
        let Addressee { spot, identity, original, joins } = addressee;
        let Some(Spot { line, member }) = spot else { return };
        self.on(line, |line, context| {
            if joins {
                line.crowd(&frame, context.out);
            }
            if frame.escaping != Escaping::Full {
                report_escaping(line, member, &frame, context);
            }
            if frame.sender == Sender::Client {
                values::judge_frame(&frame, context);
                return line.request(member, frame, context);
            }
            match original {
                Some(place) => line.copy(place, member, &frame, context),
                None => line.original(identity, member, frame, context),
            }
        });
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
            None => super::noise::report(seen, &mut self.out),
        }
    }

    /// Lets time pass: what has waited long enough is told.
    #[inline]
    pub fn tick(&mut self, now: Timestamp) {
        if !now.is_within(self.timeout, self.now) {
            self.revived = now;
        }
        self.now = now;
        if self.next_check.is_some_and(|check| check <= now) {
            self.check(now);
        }
    }

    /// Looks at the lines whose time has come.
    fn check(&mut self, now: Timestamp) {
        // After a silence of everybody, what comes right then may be the answer: it is only late.
        if now.since(self.revived) < REVIVAL {
            return;
        }
        let due = self.checks.range(..=(now, usize::MAX));
        let mut due: SmallVec<[usize; 8]> = due.map(|(_, line)| *line).collect();
        due.sort_unstable();
        for line in due {
            self.on(line, |line, context| line.tick(now, context));
        }
    }

    /// Tells all that is left. The capture has ended at `now`.
    pub fn finish(&mut self, now: Timestamp) {
        self.now = now;
        for line in 0..self.devices.len() {
            self.on(line, |line, context| line.finish(now, context));
        }
    }

    /// The oldest open requests are told as they are: whoever keeps the order of events has no more room.
    pub fn give_up_oldest(&mut self) {
        for line in 0..self.devices.len() {
            self.on(line, DeviceLine::give_up_oldest);
        }
    }

    /// Who is told what is found out.
    #[inline]
    pub fn listener(&mut self) -> &mut L {
        &mut self.out.listener
    }

    /// A number for an anomaly found elsewhere: all are counted together.
    pub fn anomaly_id(&mut self) -> AnomalyId {
        self.out.anomaly_id()
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

    /// Does something on a line, and takes note of when that is to be looked at from then on.
    #[inline]
    fn on<R>(&mut self, line: usize, act: impl FnOnce(&mut DeviceLine, &mut Context<'_>) -> R) -> R {
        let copying = self.connections.len() > 1;
        let (registry, timeout, now) = (&*self.registry, self.timeout, self.now);
        let mut context = Context { registry, timeout, now, out: &mut self.out, copying };
        let device = &mut self.devices[line];
        let before = device.next_check;
        let result = act(device, &mut context);
        let after = device.next_check;
        if after != before {
            before.map(|check| self.checks.remove(&(check, line)));
            after.map(|check| self.checks.insert((check, line)));
            self.next_check = self.checks.first().map(|(check, _)| *check);
        }
        result
    }

    /// Learns the roles of the frame's connection, sets the frame's number and sender, and finds the line.
    fn addressee(&mut self, frame: &mut Sighting, id: SightingId) -> Addressee {
        frame.id = id;
        let Some(connection) = self.connections.get_mut(frame.connection) else { return Addressee::default() };
        if let (true, Some(spot)) = (connection.roles.proven(), connection.line) {
            // Nearly always: nothing is learned any more.
            frame.sender = connection.roles.sender(frame.src);
            return Addressee::at(spot);
        }
        let before = connection.roles.device();
        let known_device = before.is_none() && self.by_endpoint.contains_key(&frame.src);
        let crc_ok = frame.crc_ok();
        frame.sender =
            connection.roles.learn(frame.command, frame.object_id, crc_ok, frame.src, frame.dst, known_device);
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
        let line = self.find_line(device, opening.server == device);
        let blind_until = if opening.midstream {
            opening.clock.saturating_add(self.timeout)
        } else {
            Timestamp::from_nanos(i64::MIN)
        };
        let mut member = Member::new(opening.id, opening.clock, blind_until);
        member.two_sided = two_sided;
        let member = self.devices[line].join(member);
        let spot = Spot { line, member };
        self.connections.get_mut(frame.connection)?.line = Some(spot);
        Some(spot)
    }

    /// The line of a device, a new one if need be. A device that dials out belongs to the line it listens on.
    fn find_line(&mut self, device: Endpoint, listening: bool) -> usize {
        let known = if listening { self.by_endpoint.get(&device) } else { self.by_host.get(&device.ip) };
        let adopted = || {
            let line = self.by_host.get(&device.ip)?;
            let has_endpoint = self.by_endpoint.values().any(|known| known == line);
            (!has_endpoint).then_some(line)
        };
        let line = known.or_else(adopted).copied().unwrap_or_else(|| {
            self.devices.push(DeviceLine::default());
            self.devices.len() - 1
        });
        if listening {
            self.by_endpoint.insert(device, line);
        }
        self.by_host.entry(device.ip).or_insert(line);
        line
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

fn report_escaping(line: &mut DeviceLine, member: At, frame: &Sighting, context: &mut Context<'_>) {
    if line.members.get_mut(member).is_some_and(|member| member.reports_escaping(frame.escaping)) {
        let what = if frame.escaping == Escaping::None { "nothing" } else { "its CRC not" };
        let message = format!("{} escapes {what}: the CRC fits only so (said once per connection)", frame.src);
        context.out.anomaly(Code::RawCrc, About::frame(frame), message);
    }
}

/// A hash over bytes that are no frame, to recognise copies.
pub(super) fn bytes_identity(kind: NonFrameKind, raw: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    (kind.name(), raw).hash(&mut hasher);
    hasher.finish()
}
