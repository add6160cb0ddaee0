//! All frames of a capture that have to change, and their new bytes.

use super::body::{Body, is_response, secret_parts};
use super::report::Report;
use super::values::{ValueId, Values};
use crate::endpoint::{ConnectionId, ConnectionKey};
use crate::event::{Event, NonFrameSighting, Sink};
use crate::line::{Sender, Sighting};
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::NonFrameKind;
use crate::rct::registry::Registry;
use foldhash::{HashMap, HashSet};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Stand-ins tried for one value, and for one frame alone. A CRC needs an escape byte once in sixty times.
const TRIES: u32 = 4_096;
const TRIES_ALONE: u32 = 200_000;
/// Frames of one sender whose remainders are looked for.
const REMEMBERED: usize = 16;

/// The first look: which connections are of the protocol, and what is secret on them.
pub(super) struct Learn<'r> {
    registry: &'r Registry,
    ours: HashSet<ConnectionKey>,
    values: Values,
}

impl<'r> Learn<'r> {
    pub(super) fn new(registry: &'r Registry) -> Self {
        Self { registry, ours: HashSet::default(), values: Values::default() }
    }
}

impl Sink for Learn<'_> {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Connection(connection) => {
                self.ours.insert(ConnectionKey::new(connection.client, connection.device));
            }
            Event::NonFrame(found) => {
                self.ours.insert(ConnectionKey::new(found.src, found.dst));
            }
            Event::Frame(frame) => {
                self.ours.insert(ConnectionKey::new(frame.src, frame.dst));
                let parts = secret_parts(self.registry, frame.object_id, is_response(frame.command), &frame.payload);
                if !parts.is_empty() {
                    Body::new(frame, &parts, &mut self.values);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What stands in place of some bytes on the wire.
enum Change {
    /// The frame with this number.
    Frame(usize),
    /// The last bytes of the frame with this number.
    Tail(usize),
    /// Blanks.
    Blank,
}

/// The second look: every frame that has to change.
pub(super) struct Plan<'r> {
    registry: &'r Registry,
    ours: HashSet<ConnectionKey>,
    values: Values,
    bodies: Vec<Body>,
    by_raw: HashMap<Vec<u8>, usize>,
    changes: Vec<(Vec<ByteRange>, Vec<u8>, Change)>,
    /// The last frames that have to change, by connection and sender, the latest last: what follows may be a piece of
    /// one of them.
    last: FxHashMap<(ConnectionId, Sender), Vec<usize>>,
    report: Report,
}

impl<'r> Plan<'r> {
    pub(super) fn new(registry: &'r Registry, learned: Learn<'r>) -> Self {
        Self {
            registry,
            ours: learned.ours,
            values: learned.values,
            bodies: Vec::new(),
            by_raw: HashMap::default(),
            changes: Vec::new(),
            last: FxHashMap::default(),
            report: Report::default(),
        }
    }

    fn frame(&mut self, frame: &Sighting) {
        let object = self.registry.get(frame.object_id);
        let mut parts = secret_parts(self.registry, frame.object_id, is_response(frame.command), &frame.payload);
        if parts.is_empty() {
            parts = Body::known_values(frame, &self.values);
            if object.is_none() && !frame.payload.is_empty() {
                self.report.unknown_count += 1;
            }
        } else if let Some(object) = object {
            self.report.objects.insert(object.name.clone());
        }
        let body = Body::new(frame, &parts, &mut self.values);
        if body.secrets.is_empty() {
            return;
        }
        self.report.frame_count += 1;
        let next = self.bodies.len();
        let index = *self.by_raw.entry(body.raw.clone()).or_insert(next);
        if index == next {
            self.bodies.push(body);
        }
        let last = self.last.entry((frame.connection, frame.sender)).or_default();
        if last.len() == REMEMBERED {
            last.remove(0);
        }
        last.push(index);
        self.changes.push((frame.spans.to_vec(), frame.raw.to_vec(), Change::Frame(index)));
    }

    fn non_frame(&mut self, found: &NonFrameSighting) {
        if !matches!(found.kind, NonFrameKind::Junk | NonFrameKind::Remainder) {
            return;
        }
        let last = self.last.get(&(found.connection, found.sender));
        let tail = last.and_then(|last| last.iter().rev().find(|index| self.bodies[**index].raw.ends_with(&found.raw)));
        let change = match (tail, found.kind) {
            (Some(index), _) => Change::Tail(*index),
            // Behind a hole, or behind a frame that may have been cut, it can be a piece of anything.
            _ if found.capture_incomplete || last.is_some() => Change::Blank,
            _ => {
                self.report.junk_bytes += found.stream_length;
                return;
            }
        };
        self.changes.push((found.spans.to_vec(), found.raw.to_vec(), change));
    }

    /// Finds the new bytes of every frame.
    pub(super) fn solve(mut self) -> (Solved, Report) {
        let mut by_value: BTreeMap<ValueId, Vec<usize>> = BTreeMap::new();
        for (index, body) in self.bodies.iter().enumerate().filter(|(_, body)| !body.is_odd) {
            if let Some(value) = body.last_value() {
                by_value.entry(value).or_default().push(index);
            }
        }
        for (value, bodies) in by_value {
            self.assign(value, &bodies);
        }
        let mut new = Vec::with_capacity(self.bodies.len());
        for body in &self.bodies {
            let alone = || {
                self.report.alone_count += 1;
                (1..TRIES_ALONE).find_map(|salt| body.redacted_alone(salt))
            };
            let made = if body.is_odd { None } else { body.redacted(&self.values).or_else(alone) };
            new.push(made.unwrap_or_else(|| {
                self.report.blanked_count += 1;
                body.blanked()
            }));
        }
        self.report.value_count = self.values.len();
        let mut packets: FxHashMap<PacketNumber, Vec<PacketPatch>> = FxHashMap::default();
        for (spans, old, change) in &self.changes {
            let bytes = match change {
                Change::Frame(index) => new[*index].clone(),
                Change::Tail(index) => new[*index][new[*index].len() - old.len()..].to_vec(),
                Change::Blank => blank(old),
            };
            spread(spans, old, &bytes, &mut packets);
        }
        (Solved { ours: self.ours, values: self.values, packets }, self.report)
    }

    /// Gives a value the stand-in with which all frames come out as long as they were, or as many as can be.
    fn assign(&mut self, value: ValueId, bodies: &[usize]) {
        let mut best = (usize::MAX, 0);
        for salt in 0..TRIES {
            self.values.assign(value, salt);
            let mut wrong = 0;
            for index in bodies {
                wrong += usize::from(self.bodies[*index].redacted(&self.values).is_none());
                if wrong >= best.0 {
                    break;
                }
            }
            if wrong < best.0 {
                best = (wrong, salt);
            }
            if wrong == 0 {
                return;
            }
        }
        self.values.assign(value, best.1);
    }
}

impl Sink for Plan<'_> {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Frame(frame) => self.frame(frame),
            Event::NonFrame(found) => self.non_frame(found),
            _ => {}
        }
        Ok(())
    }
}

/// Bytes that begin nothing and end nothing, in place of whatever is no start, no escape and no separator.
fn blank(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if matches!(*byte, 0 | b'+' | b'-') { *byte } else { b'x' }).collect()
}

/// Cuts old and new bytes into what stands in each packet.
fn spread(spans: &[ByteRange], old: &[u8], new: &[u8], packets: &mut FxHashMap<PacketNumber, Vec<PacketPatch>>) {
    let mut at = 0;
    for span in spans {
        let end = (at + usize::try_from(span.length).unwrap_or(usize::MAX)).min(old.len()).min(new.len());
        packets.entry(span.packet).or_default().push(PacketPatch {
            offset: span.offset,
            old: old[at..end].to_vec(),
            new: new[at..end].to_vec(),
        });
        at = end;
    }
}

/// A change of the bytes of one packet.
#[derive(Debug)]
pub(super) struct PacketPatch {
    /// Within the packet.
    pub(super) offset: u32,
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
}

/// What has to change, by packet.
#[derive(Debug)]
pub(super) struct Solved {
    ours: HashSet<ConnectionKey>,
    values: Values,
    packets: FxHashMap<PacketNumber, Vec<PacketPatch>>,
}

impl Solved {
    pub(super) fn of(&self, packet: PacketNumber) -> &[PacketPatch] {
        self.packets.get(&packet).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_ours(&self, key: &ConnectionKey) -> bool {
        self.ours.contains(key)
    }

    /// Replaces values that are still there: in bytes that no frame is made of, such as a segment nobody took.
    pub(super) fn blank_values(&self, bytes: &mut [u8]) -> u64 {
        let found = self.values.find(bytes);
        for (range, id) in &found {
            bytes[range.clone()].copy_from_slice(self.values.stand_in(*id));
        }
        u64::try_from(found.len()).unwrap_or(u64::MAX)
    }
}
