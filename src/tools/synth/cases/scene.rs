//! What all cases are made of: a device, a few clients, and frames at given milliseconds.

use crate::endpoint::Direction;
use crate::net::Seq;
use crate::object::ObjectId;
use crate::time::Timestamp;
use crate::tools::container::{Format, Writer};
use crate::tools::synth::at;
use crate::tools::synth::frames::{Request, response};
use crate::tools::synth::network::{Captured, Carriage, Link, Network};
use crate::tools::synth::random::Random;
use crate::tools::synth::wire::{Station, TcpPacket};
use std::net::Ipv4Addr;
use std::time::Duration;

/// The device's address: 192.0.2.20:8899.
const DEVICE_HOST: u8 = 20;
/// The first client's: 192.0.2.10.
const FIRST_HOST: u8 = 10;
const PORT: u16 = 8899;
/// From one copy of an answer to the next.
const COPY_GAP: Duration = Duration::from_micros(200);

/// A client's connection, by the order in which they were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client(pub(super) usize);

/// The first client, which most cases do with.
pub(super) const A: Client = Client(0);
/// The second client, on another host.
pub(super) const B: Client = Client(1);

/// Some milliseconds of traffic between a device and its clients.
pub(super) struct Scene {
    network: Network,
    links: Vec<Link>,
}

impl Scene {
    /// A device and so many clients, each on a host of its own and connected from the start.
    pub(super) fn new(clients: u8) -> Self {
        let mut scene = Self { network: Network::new(Random::new(1)), links: Vec::new() };
        for number in 0..clients {
            let station = client_station(number);
            let link = scene.network.open(at(u64::from(number)), station, device_station());
            scene.links.push(link);
        }
        scene
    }

    /// A client sends these bytes at this millisecond.
    pub(super) fn ask(self, ms: u64, client: Client, bytes: &[u8]) -> Self {
        self.ask_carried(ms, client, bytes, Carriage::Plain)
    }

    /// The same with a mishap on the way.
    pub(super) fn ask_carried(mut self, ms: u64, client: Client, bytes: &[u8], carriage: Carriage) -> Self {
        self.network.send(at(ms), self.links[client.0], Direction::ToServer, bytes, carriage);
        self
    }

    /// A client asks for an object.
    pub(super) fn read(self, ms: u64, client: Client, object: ObjectId) -> Self {
        self.ask(ms, client, &Request::read(object).bytes())
    }

    /// A client writes a value, or asks for a table.
    pub(super) fn write(self, ms: u64, client: Client, object: ObjectId, payload: &[u8]) -> Self {
        self.ask(ms, client, &Request::write(object, payload).bytes())
    }

    /// The device sends these bytes: the bridge copies them to all connections.
    pub(super) fn tell(mut self, ms: u64, bytes: &[u8]) -> Self {
        let mut when = at(ms);
        for link in &self.links {
            self.network.send(when, *link, Direction::ToClient, bytes, Carriage::Plain);
            when = when.saturating_add(COPY_GAP);
        }
        self
    }

    /// The device sends these bytes to the first client, with a mishap on the way.
    pub(super) fn tell_carried(mut self, ms: u64, bytes: &[u8], carriage: Carriage) -> Self {
        self.network.send(at(ms), self.links[0], Direction::ToClient, bytes, carriage);
        self
    }

    /// The device answers with a value.
    pub(super) fn answer(self, ms: u64, object: ObjectId, payload: &[u8]) -> Self {
        self.tell(ms, &response(object, payload))
    }

    /// A client gives its connection up.
    pub(super) fn reset(mut self, ms: u64, client: Client) -> Self {
        self.network.reset(at(ms), self.links[client.0], Direction::ToServer);
        self
    }

    /// All clients close.
    pub(super) fn close(mut self, ms: u64) -> Self {
        for link in &self.links {
            self.network.close(at(ms), *link, Direction::ToServer);
        }
        self
    }

    /// The packets, in order of time.
    pub(super) fn packets(self) -> Vec<Captured> {
        self.network.record()
    }

    /// A capture file of them.
    pub(super) fn pcap(self) -> Vec<u8> {
        pcap(&self.packets())
    }
}

pub(super) fn device_station() -> Station {
    Station::new(DEVICE_HOST, Ipv4Addr::new(192, 0, 2, DEVICE_HOST), PORT)
}

pub(super) fn client_station(number: u8) -> Station {
    let host = FIRST_HOST + number;
    Station::new(host, Ipv4Addr::new(192, 0, 2, host), 50_000 + u16::from(number))
}

/// A pcap file of these packets.
pub(super) fn pcap(packets: &[Captured]) -> Vec<u8> {
    capture_file(packets, Format::Pcap)
}

/// A file of these packets.
pub(super) fn capture_file(packets: &[Captured], format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, format);
    // A `Vec` takes all that is written to it.
    for packet in packets {
        let _ = writer.packet(packet.ts, &packet.data);
    }
    let _ = writer.finish();
    out
}

/// Where the TCP header of a packet of a scene begins: Ethernet and IPv4, both without options.
const TCP_AT: usize = 34;

fn word(data: &[u8], at: usize) -> u32 {
    let bytes = data.get(at..at + 4).and_then(|bytes| bytes.first_chunk());
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// The number of a packet's first byte.
pub(super) fn seq(packet: &Captured) -> Seq {
    Seq(word(&packet.data, TCP_AT + 4))
}

/// The number of the byte that a packet's sender waits for.
pub(super) fn ack(packet: &Captured) -> Seq {
    Seq(word(&packet.data, TCP_AT + 8))
}

/// The flags of a packet.
pub(super) fn flags(packet: &Captured) -> u8 {
    packet.data.get(TCP_AT + 13).copied().unwrap_or(0)
}

/// The data of a packet.
pub(super) fn payload(packet: &Captured) -> &[u8] {
    let total = packet.data.get(16..18).and_then(|bytes| bytes.first_chunk()).map_or(0, |b| u16::from_be_bytes(*b));
    let header = packet.data.get(TCP_AT + 12).map_or(0, |byte| usize::from(byte >> 4) * 4);
    packet.data.get(TCP_AT + header..14 + usize::from(total)).unwrap_or_default()
}

/// Whether the device sent a packet.
pub(super) fn from_device(packet: &Captured) -> bool {
    packet.data.get(29) == Some(&DEVICE_HOST)
}

/// A packet between the device and the first client that was never planned: `flags` and `payload` at these numbers.
pub(super) fn made_up(ts: Timestamp, by_device: bool, numbers: (Seq, Seq), flags: u8, payload: &[u8]) -> Captured {
    let (client, device) = (client_station(0), device_station());
    let (src, dst) = if by_device { (device, client) } else { (client, device) };
    let (seq, ack) = numbers;
    let mut data = Vec::new();
    TcpPacket { src, dst, seq, ack, flags, window: 0x4000, options: &[], ip_id: 7, payload }.append(&mut data);
    Captured { ts, data }
}
