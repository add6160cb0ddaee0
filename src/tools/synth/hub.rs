//! A device behind its network bridge: one serial line for all clients.
//!
//! Requests wait their turn on the line, and every byte of the device goes to every open connection, the copies a few
//! tenths of a millisecond apart. What the device does wrong is up to the story: it can put any bytes on the line.

use super::device::Device;
use super::frames::{Request, batch};
use super::network::{Captured, Carriage, Link, Network, SETTLED};
use super::random::Random;
use super::wire::Station;
use crate::endpoint::Direction;
use crate::object::ObjectId;
use crate::time::Timestamp;
use std::time::Duration;

/// How long the device takes for one answer.
const SERVICE: [Duration; 2] = [Duration::from_millis(30), Duration::from_millis(100)];
/// Between the copies of an answer on two connections.
const COPY_GAP: [Duration; 2] = [Duration::from_micros(150), Duration::from_micros(500)];
/// The bridge hands on what has come from the line when it has this much.
const BRIDGE_BYTES: usize = 1000;
/// What a line of 115,200 bit/s needs for so much.
const BRIDGE_SPAN: Duration = Duration::from_millis(87);

/// What a story has put on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Frames of clients.
    pub requests: u64,
    /// Frames of the device, each once.
    pub answers: u64,
    /// Both, with all copies.
    pub sightings: u64,
    pub connections: u64,
}

/// What a story leaves behind.
pub(super) struct Recording {
    pub packets: Vec<Captured>,
    pub counts: Counts,
}

impl Recording {
    /// Two recordings of one wire.
    #[must_use]
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.packets.extend(other.packets);
        self.packets.sort_by_key(|packet| packet.ts);
        self.counts.requests += other.counts.requests;
        self.counts.answers += other.counts.answers;
        self.counts.sightings += other.counts.sightings;
        self.counts.connections += other.counts.connections;
        self
    }
}

/// A connection that gets copies.
struct Member {
    link: Link,
    to_device: Direction,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// A device, its line and its connections.
pub(super) struct Hub {
    pub device: Device,
    pub random: Random,
    station: Station,
    network: Network,
    members: Vec<Member>,
    line_free: Timestamp,
    counts: Counts,
}

impl Hub {
    pub(super) fn new(station: Station, mut random: Random) -> Self {
        let [network, device] = [(); 2].map(|()| Random::new(random.bits()));
        Self {
            device: Device::new(device),
            random,
            station,
            network: Network::new(network),
            members: Vec::new(),
            line_free: Timestamp::default(),
            counts: Counts::default(),
        }
    }

    /// All packets in order of time.
    pub(super) fn record(mut self) -> Recording {
        self.counts.connections = self.network.connection_count();
        Recording { packets: self.network.record(), counts: self.counts }
    }

    /// A client opens a connection.
    pub(super) fn connect(&mut self, at: Timestamp, client: Station) -> Link {
        let link = self.network.open(at, client, self.station);
        self.join(at, link, Direction::ToServer)
    }

    /// The device opens a connection from `port`.
    pub(super) fn dial(&mut self, at: Timestamp, port: u16, server: Station) -> Link {
        let link = self.network.open(at, self.station.at_port(port), server);
        self.join(at, link, Direction::ToClient)
    }

    fn join(&mut self, at: Timestamp, link: Link, to_device: Direction) -> Link {
        self.members.push(Member { link, to_device, from: at.saturating_add(SETTLED), until: None });
        link
    }

    /// The client closes.
    pub(super) fn leave(&mut self, at: Timestamp, link: Link) {
        let to_device = self.part(at, link);
        self.network.close(at, link, to_device);
    }

    /// The bridge closes.
    pub(super) fn dismiss(&mut self, at: Timestamp, link: Link) {
        let to_device = self.part(at, link);
        self.network.close(at, link, to_device.reversed());
    }

    /// The client resets its connection.
    pub(super) fn abort(&mut self, at: Timestamp, link: Link) {
        let to_device = self.part(at, link);
        self.network.reset(at, link, to_device);
    }

    fn part(&mut self, at: Timestamp, link: Link) -> Direction {
        match self.members.iter_mut().find(|member| member.link == link) {
            Some(member) => {
                member.until = Some(at);
                member.to_device
            }
            None => Direction::ToServer,
        }
    }

    /// A client sends requests in one go.
    pub(super) fn request(&mut self, at: Timestamp, link: Link, requests: &[Request]) {
        let count = requests.len();
        self.request_bytes(at, link, &batch(requests), count, Carriage::Plain);
    }

    /// A client sends `count` frames as these bytes.
    pub(super) fn request_bytes(&mut self, at: Timestamp, link: Link, bytes: &[u8], count: usize, carriage: Carriage) {
        let count = u64::try_from(count).unwrap_or(0);
        self.counts.requests += count;
        self.counts.sightings += count;
        let to_device = self.direction(link);
        self.network.send(at, link, to_device, bytes, carriage);
    }

    /// When an answer to a request that arrives at `at` is there: the line serves one after the other.
    pub(super) fn slot(&mut self, at: Timestamp) -> Timestamp {
        let [shortest, longest] = SERVICE;
        self.line_free = self.line_free.max(at).saturating_add(self.random.span(shortest, longest));
        self.line_free
    }

    /// A frame of the device goes to all open connections.
    pub(super) fn broadcast(&mut self, at: Timestamp, bytes: &[u8]) -> Timestamp {
        self.broadcast_carried(at, bytes, |_| Carriage::Plain)
    }

    /// Several frames of the device in one segment.
    pub(super) fn broadcast_joined(&mut self, at: Timestamp, frames: &[Vec<u8>]) -> Timestamp {
        for _ in frames {
            self.count_answer(at);
        }
        self.put_on_line(at, &frames.concat(), |_| Carriage::Plain)
    }

    /// A frame, with a mishap for some of the copies.
    pub(super) fn broadcast_carried(
        &mut self,
        at: Timestamp,
        bytes: &[u8],
        carriage: impl Fn(Link) -> Carriage,
    ) -> Timestamp {
        self.count_answer(at);
        self.put_on_line(at, bytes, carriage)
    }

    fn count_answer(&mut self, at: Timestamp) {
        self.counts.answers += 1;
        self.counts.sightings += u64::try_from(self.audience(at).count()).unwrap_or(0);
    }

    /// Bytes of the device that are no frame, or a frame in pieces.
    pub(super) fn emit(&mut self, at: Timestamp, bytes: &[u8]) -> Timestamp {
        self.put_on_line(at, bytes, |_| Carriage::Plain)
    }

    fn put_on_line(&mut self, at: Timestamp, bytes: &[u8], carriage: impl Fn(Link) -> Carriage) -> Timestamp {
        let mut when = at;
        for (number, piece) in bytes.chunks(BRIDGE_BYTES).enumerate() {
            if number > 0 {
                when = when.saturating_add(BRIDGE_SPAN);
            }
            let mut copy = when;
            for (link, to_device) in self.audience(at).collect::<Vec<_>>() {
                // Where there is something to happen to a long answer, it happens to its second piece.
                let unlucky = number == 1 || bytes.len() <= BRIDGE_BYTES;
                let carriage = if unlucky { carriage(link) } else { Carriage::Plain };
                self.network.send(copy, link, to_device.reversed(), piece, carriage);
                let [shortest, longest] = COPY_GAP;
                copy = copy.saturating_add(self.random.span(shortest, longest));
            }
        }
        self.line_free = self.line_free.max(when);
        when
    }

    /// Requests in one go, answered as they should be. Returns when the last answer is there.
    pub(super) fn ask(&mut self, at: Timestamp, link: Link, requests: &[Request]) -> Timestamp {
        self.request(at, link, requests);
        let mut last = at;
        for request in requests {
            let slot = self.slot(at);
            let answer = self.device.answer(request);
            last = self.broadcast(slot, &answer);
        }
        last
    }

    /// READs in one go, answered as they should be.
    pub(super) fn poll(&mut self, at: Timestamp, link: Link, objects: &[ObjectId]) -> Timestamp {
        let requests: Vec<_> = objects.iter().copied().map(Request::read).collect();
        self.ask(at, link, &requests)
    }

    /// The open connections at a moment, in the order they were opened.
    fn audience(&self, at: Timestamp) -> impl Iterator<Item = (Link, Direction)> + '_ {
        self.members
            .iter()
            .filter(move |member| member.from <= at && member.until.is_none_or(|until| at < until))
            .map(|member| (member.link, member.to_device))
    }

    fn direction(&self, link: Link) -> Direction {
        self.members.iter().find(|member| member.link == link).map_or(Direction::ToServer, |member| member.to_device)
    }
}
