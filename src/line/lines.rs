//! All devices of a session: every frame goes to the line of its device.

use super::answers::identity;
use super::device::{Context, DeviceLine};
use super::exchange::{Sender, Sighting, SightingId};
use super::member::{Counts, Member};
use super::outcome::{About, Outbox, Outcome};
use super::request::Key;
use super::roles::Roles;
use super::values;
use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::{ConnectionId, Endpoint};
use crate::packet::ByteRange;
use crate::rct::registry::Registry;
use crate::rct::{Escaping, NonFrameKind};
use crate::time::Timestamp;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What is known of a connection when it opens.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Its number.
    pub id: ConnectionId,
    /// The end that was connected to, as far as TCP knows.
    pub server: Endpoint,
    /// Its first packet's time, on a clock that never goes back.
    pub clock: Timestamp,
    /// It began before the capture: earlier requests and copies were missed.
    pub midstream: bool,
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
    line: Option<usize>,
    /// Packets of both directions were captured.
    two_sided: bool,
}

/// Every device and every connection that carries the protocol.
#[derive(Debug)]
pub struct Lines {
    registry: Arc<Registry>,
    timeout: Duration,
    connections: FxHashMap<ConnectionId, Connection>,
    devices: Vec<DeviceLine>,
    /// Lines by the endpoint a device listens on.
    by_endpoint: FxHashMap<Endpoint, usize>,
    /// The first line of a host: a device that dials out is the one that listens there.
    by_host: FxHashMap<IpAddr, usize>,
    out: Outbox,
}

impl Lines {
    /// No devices yet. Requests are waited for as long as `timeout`.
    pub fn new(registry: Arc<Registry>, timeout: Duration) -> Self {
        Self {
            registry,
            timeout,
            connections: FxHashMap::default(),
            devices: Vec::new(),
            by_endpoint: FxHashMap::default(),
            by_host: FxHashMap::default(),
            out: Outbox::default(),
        }
    }

    /// A connection that may carry the protocol.
    pub fn open(&mut self, opening: Opening) {
        let connection = Connection { opening, roles: Roles::default(), line: None, two_sided: false };
        self.connections.insert(opening.id, connection);
    }

    /// Packets of both directions of a connection have been captured: silence on it means something.
    pub fn seen_both_ways(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.two_sided = true;
        let line = connection.line.and_then(|line| self.devices.get_mut(line));
        if let Some(member) = line.and_then(|line| line.member(id)) {
            member.two_sided = true;
        }
    }

    /// A connection has ended. `None` when it carried nothing of the protocol.
    pub fn close(&mut self, id: ConnectionId) -> Option<Closing> {
        let connection = self.connections.remove(&id)?;
        let device = connection.roles.device()?;
        let line = connection.line?;
        let (line, mut context) = self.split(line);
        line.leave(id, &mut context);
        let counts = line.member(id).map(|member| member.counts).unwrap_or_default();
        line.forget_gone();
        Some(Closing { device, proven: connection.roles.proven(), counts })
    }

    /// The capture has lost bytes that `src` sent.
    pub fn lost(&mut self, id: ConnectionId, src: Endpoint, clock: Timestamp) {
        let until = clock.saturating_add(self.timeout);
        let Some(connection) = self.connections.get(&id) else { return };
        let (Some(line), device) = (connection.line, connection.roles.device()) else { return };
        if device == Some(src) {
            self.devices[line].lost_answers(id);
        } else {
            self.devices[line].lost_requests(id, until);
        }
    }

    /// A frame on some connection, in the order of the packets that completed them. Sets its number, who sent it and
    /// what it is a copy of, for which it is best when nobody else has it yet.
    #[inline]
    pub fn frame(&mut self, mut frame: Arc<Sighting>, id: SightingId) -> Arc<Sighting> {
        let Some(line) = self.line_of(Arc::make_mut(&mut frame), id) else { return frame };
        let (line, mut context) = self.split(line);
        if frame.escaping != Escaping::Full {
            report_escaping(line, &frame, &mut context);
        }
        if frame.sender == Sender::Client {
            values::judge_frame(&frame, &mut context);
            line.request(&frame, &mut context);
            return frame;
        }
        if !context.copying {
            line.original(None, &frame, &mut context);
            return frame;
        }
        let identity = identity(&frame);
        let original = line.find_copy(identity, Some(Key::of(&frame)), frame.connection, frame.clock);
        if let Some(original) = original.and_then(|place| line.copies.get(place)) {
            Arc::make_mut(&mut frame).copy_of = Some(original.sighting);
        }
        match original {
            Some(place) => line.copy(place, &frame, &mut context),
            None => line.original(Some(identity), &frame, &mut context),
        }
        frame
    }

    /// Bytes that are no frame. Returns who sent them.
    pub fn non_frame(&mut self, seen: &NonFrameSeen<'_>) -> Sender {
        let Some(connection) = self.connections.get(&seen.connection) else { return Sender::Client };
        let sender = match connection.roles.device() {
            Some(device) if device == seen.src => Sender::Device,
            None if connection.opening.server == seen.src => Sender::Device,
            _ => Sender::Client,
        };
        let line = connection.line;
        if seen.kind == NonFrameKind::Gap {
            self.lost(seen.connection, seen.src, seen.clock);
        }
        match line {
            Some(line) => {
                let (line, mut context) = self.split(line);
                line.non_frame(seen, sender, &mut context);
            }
            None => super::noise::report(seen, &mut self.out),
        }
        sender
    }

    /// Lets time pass: what has waited long enough is told.
    pub fn tick(&mut self, now: Timestamp) {
        for line in 0..self.devices.len() {
            let (line, mut context) = self.split(line);
            line.tick(now, &mut context);
        }
    }

    /// Tells all that is left. The capture has ended at `now`.
    pub fn finish(&mut self, now: Timestamp) {
        for line in 0..self.devices.len() {
            let (line, mut context) = self.split(line);
            line.finish(now, &mut context);
        }
    }

    /// The oldest open requests are told as they are: whoever keeps the order of events has no more room.
    pub fn give_up_oldest(&mut self) {
        for line in 0..self.devices.len() {
            let (line, mut context) = self.split(line);
            line.give_up_oldest(&mut context);
        }
    }

    /// The next thing found out.
    pub fn next_outcome(&mut self) -> Option<Outcome> {
        self.out.next()
    }

    /// A number for an anomaly found elsewhere: all are counted together.
    pub fn anomaly_id(&mut self) -> AnomalyId {
        self.out.anomaly_id()
    }

    /// Whether a request on this connection waits for its answer.
    pub fn is_waiting(&self, id: ConnectionId) -> bool {
        let line = self.connections.get(&id).and_then(|connection| connection.line);
        line.is_some_and(|line| self.devices[line].is_waiting(id))
    }

    /// The device's end of a connection, where it is known.
    pub fn device_of(&self, id: ConnectionId) -> Option<Endpoint> {
        self.connections.get(&id)?.roles.device()
    }

    fn split(&mut self, line: usize) -> (&mut DeviceLine, Context<'_>) {
        let copying = self.connections.len() > 1;
        let context = Context { registry: &self.registry, timeout: self.timeout, out: &mut self.out, copying };
        (&mut self.devices[line], context)
    }

    /// Learns the roles of the frame's connection, sets the frame's sender, and finds the line.
    fn line_of(&mut self, frame: &mut Sighting, id: SightingId) -> Option<usize> {
        frame.id = id;
        let connection = self.connections.get_mut(&frame.connection)?;
        let before = connection.roles.device();
        let known_device = before.is_none() && self.by_endpoint.contains_key(&frame.src);
        let crc_ok = frame.crc_ok();
        frame.sender =
            connection.roles.learn(frame.command, frame.object_id, crc_ok, frame.src, frame.dst, known_device);
        let device = connection.roles.device()?;
        if let Some(line) = connection.line.filter(|_| before == Some(device)) {
            return Some(line);
        }
        let (opening, two_sided) = (connection.opening, connection.two_sided);
        let line = self.find_line(device, opening.server == device);
        if let Some(connection) = self.connections.get_mut(&frame.connection) {
            connection.line = Some(line);
        }
        let blind_until = if opening.midstream {
            opening.clock.saturating_add(self.timeout)
        } else {
            Timestamp::from_nanos(i64::MIN)
        };
        let mut member = Member::new(opening.id, opening.clock, blind_until);
        member.two_sided = two_sided;
        self.devices[line].join(member);
        self.devices[line].crowd(frame, &mut self.out);
        Some(line)
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

fn report_escaping(line: &mut DeviceLine, frame: &Sighting, context: &mut Context<'_>) {
    if line.member(frame.connection).is_some_and(|member| member.reports_escaping(frame.escaping)) {
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
