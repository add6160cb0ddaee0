//! Plain traffic by the megabyte, to measure speed with.
//!
//! Like a house full of pollers: requests of one to eight READs in a segment, an answer a segment, bare
//! acknowledgments between, now and then a history over several segments, a segment sent twice or overtaken, a
//! connection begun anew. Written as it is made: memory does not grow with the size.

use super::device::{Content, Device, OBJECTS, id};
use super::frames::Request;
use super::random::Random;
use super::wire::{ACK, FIN, PSH, SEGMENT_BYTES, SYN, SYN_OPTIONS, Station, TcpPacket};
use super::{START, Stats};
use crate::net::Seq;
use crate::object::ObjectId;
use crate::time::Timestamp;
use crate::tools::container::{Format, Writer};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

/// What [`bulk`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Bytes of the file; passed by at most one exchange.
    pub bytes: u64,
    /// 97 of 100 bytes are other TCP traffic, in full-size segments on other ports.
    pub mixed: bool,
    /// Connections open at a time, at least one. All to one device, without copies among them.
    pub connections: u16,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

impl Default for Bulk {
    fn default() -> Self {
        Self { bytes: 64_000_000, mixed: false, connections: 4, seed: 1 }
    }
}

/// Connections of the other traffic.
const FOREIGN_CONNECTIONS: u8 = 24;
/// Full-size segments of it in a row.
const FOREIGN_BURST: usize = 8;
/// Random bytes that its payloads are taken from, at random places.
const NOISE_BYTES: usize = 64 << 10;
/// One exchange in so many is a history.
const HISTORY_EVERY: u32 = 90;
/// A request in so many comes on a new connection.
const RECONNECT_EVERY: u32 = 20_000;
/// A segment of an answer in so many is captured twice, or after its successor.
const REPEATED_EVERY: u32 = 3_000;
const OVERTAKEN_EVERY: u32 = 6_000;

/// Writes a capture (pcap with microseconds, which every tool reads) of about `wanted.bytes` bytes.
pub fn bulk(wanted: Bulk, out: &mut dyn Write) -> io::Result<Stats> {
    let mut random = Random::new(wanted.seed);
    let mut mill = Mill {
        device: Device::new(Random::new(random.bits())),
        tap: Tap { writer: Writer::new(out, Format::PcapMicroseconds), now: START, overtaken: None, bytes: Vec::new() },
        scalars: OBJECTS.iter().filter(|(_, content)| is_scalar(*content)).map(|(id, _)| *id).collect(),
        next_port: 40_000,
        stats: Stats::default(),
        own_bytes: 0,
        random,
    };
    let mut foreign = wanted.mixed.then(|| Foreign::new(&mut mill.random));
    let mut clients: Vec<Option<Pair>> = vec![None; usize::from(wanted.connections.max(1))];
    while mill.tap.writer.byte_count() < wanted.bytes {
        match &mut foreign {
            Some(foreign) if mill.own_bytes * 100 > mill.tap.writer.byte_count() * 3 => foreign.burst(&mut mill)?,
            _ => {
                let number = mill.random.index(clients.len());
                mill.exchange(number, &mut clients[number])?;
            }
        }
    }
    mill.finish()
}

const fn is_scalar(content: Content) -> bool {
    matches!(content, Content::Float(..) | Content::Integer(..))
}

/// One end of a connection.
#[derive(Clone, Copy)]
struct End {
    station: Station,
    next: Seq,
    ip_id: u16,
}

impl End {
    fn new(station: Station, random: &mut Random) -> Self {
        Self { station, next: Seq(random.word()), ip_id: 0 }
    }
}

/// A connection, the client's end first.
type Pair = (End, End);

/// Where packets are captured.
struct Tap<'a> {
    writer: Writer<'a>,
    now: Timestamp,
    /// A packet that the next one overtakes.
    overtaken: Option<Vec<u8>>,
    /// The packet in the making.
    bytes: Vec<u8>,
}

impl Tap<'_> {
    /// Makes a segment and moves the sender's numbers on.
    fn make(&mut self, from: &mut End, to: &End, flags: u8, payload: &[u8]) {
        from.ip_id = from.ip_id.wrapping_add(1);
        let ack = if flags & ACK == 0 { Seq(0) } else { to.next };
        self.bytes.clear();
        TcpPacket {
            src: from.station,
            dst: to.station,
            seq: from.next,
            ack,
            flags,
            window: 4096,
            options: if flags & SYN == 0 { &[] } else { &SYN_OPTIONS },
            ip_id: from.ip_id,
            payload,
        }
        .append(&mut self.bytes);
        let length = u32::try_from(payload.len()).unwrap_or(0) + u32::from(flags & (SYN | FIN) != 0);
        from.next = from.next.advanced(length);
    }

    /// Captures the segment made last, and the one it overtook.
    fn capture(&mut self, random: &mut Random) -> io::Result<()> {
        self.tick(random);
        self.writer.packet(self.now, &self.bytes)?;
        if let Some(overtaken) = self.overtaken.take() {
            self.tick(random);
            self.writer.packet(self.now, &overtaken)?;
        }
        Ok(())
    }

    fn tick(&mut self, random: &mut Random) {
        self.now = self.now.saturating_add(Duration::from_micros(u64::from(20 + random.below(1500))));
    }
}

struct Mill<'a> {
    random: Random,
    device: Device,
    tap: Tap<'a>,
    scalars: Vec<ObjectId>,
    next_port: u16,
    stats: Stats,
    /// Bytes of the file that are not foreign.
    own_bytes: u64,
}

impl Mill<'_> {
    fn finish(mut self) -> io::Result<Stats> {
        if let Some(last) = self.tap.overtaken.take() {
            self.tap.tick(&mut self.random);
            self.tap.writer.packet(self.tap.now, &last)?;
        }
        self.tap.writer.finish()?;
        let (packet_count, byte_count) = (self.tap.writer.packet_count(), self.tap.writer.byte_count());
        let sighting_count = self.stats.request_count + self.stats.answer_count;
        Ok(Stats { packet_count, byte_count, sighting_count, ..self.stats })
    }

    /// Some requests in a segment, and their answers.
    fn exchange(&mut self, number: usize, slot: &mut Option<Pair>) -> io::Result<()> {
        let before = self.tap.writer.byte_count();
        let (mut client, mut server) = match slot.take() {
            Some(pair) if !self.random.one_in(RECONNECT_EVERY) => pair,
            previous => self.reconnect(number, previous)?,
        };
        let requests = self.requests();
        let bytes: Vec<u8> = requests.iter().flat_map(Request::bytes).collect();
        self.send(&mut client, &server, PSH | ACK, &bytes)?;
        self.send(&mut server, &client, ACK, &[])?;
        for request in &requests {
            let answer = self.device.answer(request);
            self.answer(&mut server, &mut client, &answer)?;
        }
        let count = u64::try_from(requests.len()).unwrap_or(0);
        self.stats.request_count += count;
        self.stats.answer_count += count;
        *slot = Some((client, server));
        self.own_bytes += self.tap.writer.byte_count() - before;
        Ok(())
    }

    fn requests(&mut self) -> Vec<Request> {
        if self.random.one_in(HISTORY_EVERY) {
            self.device.rows = 125 + self.random.index(375);
            let table = [id::SOC_HISTORY, id::VOLTAGE_HISTORY, id::EVENTS][self.random.index(3)];
            let asked = super::device::wall_clock(self.tap.now);
            return vec![Request::write(table, &asked.to_be_bytes())];
        }
        (0..=self.random.below(8))
            .map(|_| match self.random.below(100) {
                0..99 => Request::read(self.scalars[self.random.index(self.scalars.len())]),
                _ => Request::read([id::SOFTWARE_VERSION, id::CELLS, id::CELL_STATISTICS][self.random.index(3)]),
            })
            .collect()
    }

    fn answer(&mut self, server: &mut End, client: &mut End, bytes: &[u8]) -> io::Result<()> {
        let segment_bytes = match bytes.len() {
            ..=SEGMENT_BYTES => SEGMENT_BYTES,
            _ => 536 + self.random.index(SEGMENT_BYTES - 535),
        };
        for piece in bytes.chunks(segment_bytes) {
            self.tap.make(server, client, PSH | ACK, piece);
            if self.random.one_in(OVERTAKEN_EVERY) && self.tap.overtaken.is_none() {
                self.tap.overtaken = Some(self.tap.bytes.clone());
                continue;
            }
            self.tap.capture(&mut self.random)?;
            if self.random.one_in(REPEATED_EVERY) {
                self.tap.capture(&mut self.random)?;
            }
            if self.random.one_in(2) {
                self.send(client, server, ACK, &[])?;
            }
        }
        Ok(())
    }

    fn send(&mut self, from: &mut End, to: &End, flags: u8, payload: &[u8]) -> io::Result<()> {
        self.tap.make(from, to, flags, payload);
        self.tap.capture(&mut self.random)
    }

    /// Closes a connection and opens its successor.
    fn reconnect(&mut self, number: usize, previous: Option<Pair>) -> io::Result<Pair> {
        if let Some((mut client, mut server)) = previous {
            self.send(&mut client, &server, FIN | ACK, &[])?;
            self.send(&mut server, &client, FIN | ACK, &[])?;
            self.send(&mut client, &server, ACK, &[])?;
        }
        self.next_port = if self.next_port >= 60_999 { 32_768 } else { self.next_port + 1 };
        let host = 30 + u8::try_from(number % 200).unwrap_or(0);
        let station = Station::new(host, Ipv4Addr::new(192, 0, 2, host), self.next_port);
        let mut client = End::new(station, &mut self.random);
        let mut server = End::new(Station::new(20, Ipv4Addr::new(192, 0, 2, 20), 8899), &mut self.random);
        self.send(&mut client, &server, SYN, &[])?;
        self.send(&mut server, &client, SYN | ACK, &[])?;
        self.send(&mut client, &server, ACK, &[])?;
        self.stats.connection_count += 1;
        Ok((client, server))
    }
}

/// Downloads that have nothing to do with the protocol.
struct Foreign {
    pairs: Vec<Pair>,
    noise: Vec<u8>,
}

impl Foreign {
    fn new(random: &mut Random) -> Self {
        let pairs = (1..=FOREIGN_CONNECTIONS).map(|host| {
            let client = Station::new(host, Ipv4Addr::new(192, 0, 2, 30 + host % 3), 50_000 + u16::from(host));
            let server = Station::new(100 + host, Ipv4Addr::new(198, 51, 100, host), 443);
            (End::new(client, random), End::new(server, random))
        });
        let pairs = pairs.collect();
        Self { pairs, noise: (0..NOISE_BYTES).map(|_| random.byte()).collect() }
    }

    fn burst(&mut self, mill: &mut Mill<'_>) -> io::Result<()> {
        for _ in 0..FOREIGN_BURST {
            let pair = mill.random.index(self.pairs.len());
            let start = mill.random.index(NOISE_BYTES - SEGMENT_BYTES);
            let (client, server) = &mut self.pairs[pair];
            mill.send(server, client, ACK, &self.noise[start..start + SEGMENT_BYTES])?;
        }
        Ok(())
    }
}
