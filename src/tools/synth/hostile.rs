//! Captures made to hurt: each presses on one thing that an analyzer has to bound.
//!
//! As long as wanted, written as they are made. `benches/hostile.rs` measures what they cost; `docs/robustness.md` has
//! the figures.

mod said;

use super::random::Random;
use super::wire::{ACK, PSH, RST, SEGMENT_BYTES, SYN, SYN_OPTIONS, Station, TcpPacket};
use super::{START, frames};
use crate::net::Seq;
use crate::object::ObjectId;
use crate::rct::{Command, encode};
use crate::time::Timestamp;
use crate::tools::container::{Format, Writer};
use std::fmt;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

type Attack = fn(&mut Forge<'_>, u32) -> io::Result<()>;

macro_rules! attacks {
    ($($variant:ident $name:literal $count:literal $attack:path, $description:literal;)*) => {
        /// A capture that [`hostile`] can make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Hostile {
            $(#[doc = $description] $variant,)*
        }

        impl Hostile {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it presses on, in a line.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description),* }
            }

            /// How many of the things it is about are enough to hurt.
            pub const fn count(self) -> u32 {
                match self { $(Self::$variant => $count),* }
            }

            fn attack(self) -> Attack {
                match self { $(Self::$variant => $attack),* }
            }
        }
    };
}

attacks! {
    SynFlood "syn-flood" 1_000_000 syn_flood,
        "connections that are opened and never used";
    OneByteConnections "one-byte-connections" 1_000_000 one_byte_connections,
        "connections of one data byte each, their beginning not captured";
    StartByteConnections "start-byte-connections" 1_000_000 start_byte_connections,
        "connections on the protocol's port with the start of a frame that never goes on";
    StrayAhead "stray-ahead" 500_000 stray_ahead,
        "every other segment 2 GiB ahead of its stream";
    HeldBack "held-back" 110 held_back,
        "connections with 3 MB behind one byte that never comes";
    StubFlood "stub-flood" 20_000_000 stub_flood,
        "bytes of nothing but starts of frames, 4 MB a connection, behind one byte that never comes";
    LongPackets "long-packets" 50_000_000 long_packets,
        "bytes of nothing but starts of frames, 8 MB a packet";
    HeldFrames "held-frames" 3_000 held_frames,
        "connections with 64 KB of a frame that never ends";
    Trickle "trickle" 500_000 trickle,
        "bytes 6 s apart, every 2,000 behind 63 KB of a frame that never ends, in which 7,000 seem to start";
    ProbeFlood "probe-flood" 3_000 probe_flood,
        "connections on an unknown port with 16 KB of what the bootloader says";
    UnprovenFlood "unproven-flood" 20_000 unproven_flood,
        "connections on an unknown port that stay, each with 250 protocol switches and nothing else";
    Reversed "reversed" 1_000_000 reversed,
        "segments of one byte, the last one first";
    LyingLength "lying-length" 50_000_000 lying_length,
        "bytes of frames that declare 64 KiB and are cut after nine bytes by the next one";
    EscapedStarts "escaped-starts" 50_000_000 escaped_starts,
        "bytes of start bytes with an unknown command, all but the first escaped";
    JunkFlood "junk-flood" 50_000_000 junk_flood,
        "random bytes from the device";
    NoiseFlood "noise-flood" 20_000_000 noise_flood,
        "start bytes and nothing else";
    RequestFlood "request-flood" 1_000_000 said::request_flood,
        "READs that are never answered, 100,000 a second";
    AnomalyFlood "anomaly-flood" 1_000_000 said::anomaly_flood,
        "answers with a wrong CRC that nobody asked for";
    ObjectFlood "object-flood" 500_000 said::object_flood,
        "READs of objects that do not exist, each another one, all answered";
    SubscriptionFlood "subscription-flood" 500_000 said::subscription_flood,
        "subscriptions to objects that do not exist, each another one, all answered";
    KnownObjects "known-objects" 4_000_000 said::known_objects,
        "READs of objects that do not exist on devices of 8,000 each, all answered";
    AnswerFlood "answer-flood" 10_000 said::answer_flood,
        "READs of objects that do not exist on eight devices, each another one, each answered with 60 KB";
    WriteFlood "write-flood" 10_000 said::write_flood,
        "WRITEs of texts of 60 KB, each object twice, all confirmed";
    ClientFlood "client-flood" 100_000 client_flood,
        "clients of one device, each on a connection that stays open after one READ and its answer";
    DeviceFlood "device-flood" 100_000 device_flood,
        "devices, each with one READ and its answer";
    PassingDevices "passing-devices" 500_000 passing_devices,
        "devices, each with one READ and its answer on a connection that is closed then";
    PortFlood "port-flood" 500_000 port_flood,
        "devices on 16 hosts, each on a port of its own, each with one READ and its answer";
    FragmentFlood "fragment-flood" 500_000 fragment_flood,
        "first fragments of datagrams whose rest never comes";
    ResetFlood "reset-flood" 500_000 reset_flood,
        "connections from one port, each opened, used for a READ and reset";
}

impl Hostile {
    /// The attack called `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|attack| attack.name() == name)
    }
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Writes a hostile capture with `count` of the things it is about, and returns how many packets it has.
pub fn hostile(attack: Hostile, count: u32, out: &mut dyn Write) -> io::Result<u64> {
    let mut forge = Forge {
        writer: Writer::new(out, Format::Pcap),
        now: START,
        step: Duration::from_micros(10),
        random: Random::new(1),
        bytes: Vec::new(),
    };
    attack.attack()(&mut forge, count)?;
    forge.writer.finish()?;
    Ok(forge.writer.packet_count())
}

const PORT: u16 = 8899;
const BATTERY_SOC: ObjectId = ObjectId(0x9599_30bf);

/// Makes packets.
struct Forge<'a> {
    writer: Writer<'a>,
    now: Timestamp,
    /// The time between two packets.
    step: Duration,
    random: Random,
    bytes: Vec<u8>,
}

/// One direction of a connection.
#[derive(Clone, Copy)]
struct Way {
    src: Station,
    dst: Station,
    seq: Seq,
    ack: Seq,
}

impl Way {
    const fn back(self) -> Self {
        Self { src: self.dst, dst: self.src, seq: self.ack, ack: self.seq }
    }
}

impl Forge<'_> {
    fn send(&mut self, way: &mut Way, flags: u8, payload: &[u8]) -> io::Result<()> {
        self.send_at(*way, way.seq, flags, payload)?;
        way.seq = way.seq.advanced(u32::try_from(payload.len()).unwrap_or(0));
        Ok(())
    }

    fn send_at(&mut self, way: Way, seq: Seq, flags: u8, payload: &[u8]) -> io::Result<()> {
        let Way { src, dst, ack, .. } = way;
        let options: &[u8] = if flags & SYN == 0 { &[] } else { &SYN_OPTIONS };
        let ip_id = u16::try_from(self.writer.packet_count() & 0xffff).unwrap_or(0);
        self.bytes.clear();
        TcpPacket { src, dst, seq, ack, flags, window: 0xffff, options, ip_id, payload }.append(&mut self.bytes);
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.now = self.now.saturating_add(self.step);
        self.writer.packet(self.now, &self.bytes)
    }

    /// A client's handshake; returns the client's way.
    fn open(&mut self, way: Way) -> io::Result<Way> {
        let Way { mut seq, mut ack, .. } = way;
        self.send_at(Way { ack: Seq(0), ..way }, seq, SYN, &[])?;
        seq = seq.advanced(1);
        self.send_at(Way { ack: seq, ..way.back() }, ack, SYN | ACK, &[])?;
        ack = ack.advanced(1);
        Ok(Way { seq, ack, ..way })
    }
}

fn device() -> Station {
    Station::new(20, Ipv4Addr::new(192, 0, 2, 20), PORT)
}

/// The way from client `number` to a device: 2^25 different ones.
fn client(number: u32) -> Way {
    let [net, subnet, host, port] = number.to_be_bytes();
    let src = Station::new(10, Ipv4Addr::new(198, 18 + (net & 1), subnet, host), 40_000 + u16::from(port));
    Way { src, dst: device(), seq: Seq(1_000), ack: Seq(5_000) }
}

fn request(command: Command, object_id: ObjectId) -> Vec<u8> {
    let mut out = Vec::new();
    encode::frame(&mut out, command, None, object_id, &[]);
    out
}

/// An id that no registry has, another one for each `n`.
const fn unknown(n: u32) -> ObjectId {
    ObjectId(n.wrapping_mul(0x9e37_79b1))
}

fn syn_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    (0..count).try_for_each(|n| forge.send(&mut client(n), SYN, &[]))
}

fn one_byte_connections(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    (0..count).try_for_each(|n| forge.send(&mut client(n), PSH | ACK, &[0]))
}

fn start_byte_connections(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    (0..count).try_for_each(|n| forge.send(&mut client(n), PSH | ACK, &[0x2b]))
}

fn stray_ahead(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let mut way = forge.open(client(0))?;
    let read = request(Command::READ, BATTERY_SOC);
    for _ in 0..count / 2 {
        forge.send(&mut way, PSH | ACK, &read)?;
        let ahead = (1 << 31) - 1 - forge.random.below(1 << 20);
        forge.send_at(way, way.seq.advanced(ahead), PSH | ACK, &read)?;
    }
    Ok(())
}

fn held_back(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let segments = 3_000_000 / SEGMENT_BYTES;
    let bytes = [0x55; SEGMENT_BYTES];
    for n in 0..count {
        let mut way = forge.open(client(n))?;
        way.seq = way.seq.advanced(1);
        (0..segments).try_for_each(|_| forge.send(&mut way, ACK, &bytes))?;
    }
    Ok(())
}

fn stub_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    const TOGETHER: u32 = 4_000_000;
    let stubs = [0x2b, 0x05].repeat(SEGMENT_BYTES / 2);
    for n in 0..count.div_ceil(TOGETHER) {
        let mut way = forge.open(client(n))?;
        way.seq = way.seq.advanced(1);
        let segments = TOGETHER.min(count - n * TOGETHER) as usize / stubs.len();
        (0..segments).try_for_each(|_| forge.send(&mut way, ACK, &stubs))?;
    }
    Ok(())
}

fn long_packets(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    const TOGETHER: u32 = 8_000_000;
    let mut way = forge.open(client(0))?;
    for n in 0..count.div_ceil(TOGETHER) {
        let length = TOGETHER.min(count - n * TOGETHER);
        forge.send(&mut way, PSH | ACK, &[0x2b, 0x05].repeat(length as usize / 2))?;
    }
    Ok(())
}

fn held_frames(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let bytes = [0x55; SEGMENT_BYTES];
    for n in 0..count {
        let mut way = forge.open(client(n))?;
        forge.send(&mut way, PSH | ACK, &[0x2b, 0x03, 0xff, 0xff])?;
        (0..44).try_for_each(|_| forge.send(&mut way, ACK, &bytes))?;
    }
    Ok(())
}

fn trickle(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    const TOGETHER: u32 = 2_000;
    let step = forge.step;
    let begun = [0x2d, 0x2b, 0x06, 0x70, 0x00, 0x11, 0x22, 0x33, 0x44].repeat(7_000);
    for (n, begin) in (0..count).step_by(TOGETHER as usize).enumerate() {
        forge.step = step;
        let mut way = forge.open(client(u32::try_from(n).unwrap_or(0)))?.back();
        forge.send(&mut way, PSH | ACK, &[0x2b, 0x06, 0xff, 0xff, 0x95, 0x99, 0x30, 0xbf])?;
        begun.chunks(SEGMENT_BYTES).try_for_each(|bytes| forge.send(&mut way, ACK, bytes))?;
        forge.step = Duration::from_secs(6);
        (begin..count.min(begin + TOGETHER)).try_for_each(|_| forge.send(&mut way, PSH | ACK, &[0x55]))?;
    }
    Ok(())
}

fn probe_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let bytes = [0x50, 0xf7, 0x05, 0xab].repeat(SEGMENT_BYTES / 4);
    for n in 0..count {
        let mut way = forge.open(to_unknown_port(n))?;
        (0..11).try_for_each(|_| forge.send(&mut way, ACK, &bytes))?;
    }
    Ok(())
}

fn unproven_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let bytes = [0x2b, 0x3c, 0xe1].repeat(250);
    (0..count).try_for_each(|n| {
        let mut way = forge.open(to_unknown_port(n))?;
        forge.send(&mut way, PSH | ACK, &bytes)
    })
}

fn reversed(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let way = forge.open(client(0))?;
    (0..count).rev().try_for_each(|n| forge.send_at(way, way.seq.advanced(n), PSH | ACK, &[0x2b]))
}

/// Sends as many bytes from the device, in whole segments of what `fill` makes.
fn stream(forge: &mut Forge<'_>, count: u32, mut fill: impl FnMut(&mut Random, &mut Vec<u8>)) -> io::Result<()> {
    let mut way = forge.open(client(0))?.back();
    let mut bytes = Vec::with_capacity(2 * SEGMENT_BYTES);
    let segments = usize::try_from(count).unwrap_or(0).div_ceil(SEGMENT_BYTES);
    for _ in 0..segments {
        while bytes.len() < SEGMENT_BYTES {
            fill(&mut forge.random, &mut bytes);
        }
        let rest = bytes.split_off(SEGMENT_BYTES);
        forge.send(&mut way, PSH | ACK, &bytes)?;
        bytes = rest;
    }
    Ok(())
}

fn lying_length(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    stream(forge, count, |_, bytes| bytes.extend([0x2b, 0x06, 0xff, 0xff, 0x95, 0x99, 0x30, 0xbf, 0x2d]))
}

fn escaped_starts(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    stream(forge, count, |_, bytes| bytes.extend([0x2b, 0x77, 0x2d]))
}

fn junk_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    stream(forge, count, |random, bytes| bytes.extend(random.bits().to_le_bytes()))
}

fn noise_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    stream(forge, count, |_, bytes| bytes.extend([0x2b; 8]))
}

/// A request and its answer, in as many segments as they need.
fn dialogue(forge: &mut Forge<'_>, way: &mut Way, request: &[u8], answer: &[u8]) -> io::Result<()> {
    request.chunks(SEGMENT_BYTES).try_for_each(|bytes| forge.send(way, PSH | ACK, bytes))?;
    let mut back = way.back();
    answer.chunks(SEGMENT_BYTES).try_for_each(|bytes| forge.send(&mut back, PSH | ACK, bytes))?;
    way.ack = back.seq;
    Ok(())
}

fn client_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    (0..count).try_for_each(|n| talk(forge, client(n), n).map(drop))
}

fn device_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    (0..count).try_for_each(|n| talk(forge, to_another_device(n), n).map(drop))
}

fn passing_devices(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    (0..count).try_for_each(|n| {
        let mut way = talk(forge, to_another_device(n), n)?;
        forge.send(&mut way, RST | ACK, &[])
    })
}

fn port_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    (0..count).try_for_each(|n| {
        let [host, port] = [n % 16, 1_024 + n / 16 % 60_000];
        let dst = Station::new(20, Ipv4Addr::from(0x0a00_0000 + host), u16::try_from(port).unwrap_or(PORT));
        talk(forge, Way { dst, ..client(n) }, n).map(drop)
    })
}

/// The way from client `number` to a port that is not the protocol's.
fn to_unknown_port(number: u32) -> Way {
    Way { dst: device().at_port(7777), ..client(number) }
}

/// The way from client `number` to a device of its own.
fn to_another_device(number: u32) -> Way {
    let [_, net, subnet, host] = number.to_be_bytes();
    Way { dst: Station::new(20, Ipv4Addr::new(10, net, subnet, host), PORT), ..client(number) }
}

/// A connection with a READ and its answer. Returns how it goes on.
fn talk(forge: &mut Forge<'_>, way: Way, n: u32) -> io::Result<Way> {
    let mut way = forge.open(way)?;
    let answer = frames::response(BATTERY_SOC, &(n >> 8).to_be_bytes());
    dialogue(forge, &mut way, &request(Command::READ, BATTERY_SOC), &answer)?;
    Ok(way)
}

fn fragment_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let payload = [0x55; 1024];
    for n in 0..count {
        let Way { src, dst, seq, ack } = client(n);
        forge.bytes.clear();
        let ip_id = u16::try_from(n & 0xffff).unwrap_or(0);
        TcpPacket { src, dst, seq, ack, flags: ACK, window: 0xffff, options: &[], ip_id, payload: &payload }
            .append(&mut forge.bytes);
        // "More fragments", and the header checksum that goes with it: one bit more in the sum.
        forge.bytes[20] = 0x20;
        let checksum = u16::from_be_bytes([forge.bytes[24], forge.bytes[25]]);
        forge.bytes[24..26].copy_from_slice(&checksum.wrapping_add(0x2000).to_be_bytes());
        forge.write()?;
    }
    Ok(())
}

fn reset_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let read = request(Command::READ, BATTERY_SOC);
    for _ in 0..count {
        let [seq, ack] = [(); 2].map(|()| Seq(forge.random.word()));
        let mut way = forge.open(Way { seq, ack, ..client(0) })?;
        forge.send(&mut way, PSH | ACK, &read)?;
        forge.send(&mut way, RST | ACK, &[])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for attack in Hostile::ALL {
            assert_eq!(Hostile::from_name(attack.name()), Some(*attack));
        }
    }

    #[test]
    fn clients_and_objects_do_not_repeat() {
        let clients: std::collections::HashSet<_> = (0..100_000).map(|n| client(n).src.endpoint).collect();
        let objects: std::collections::HashSet<_> = (0..100_000).map(unknown).collect();
        assert_eq!((clients.len(), objects.len()), (100_000, 100_000));
    }
}
