//! Stories of several clients, and of what the device sends unasked.

use super::{FIRST_SET, PORT, SECOND_SET, at, client_station, device_station, millis, one_client, two_hosts};
use crate::endpoint::Direction;
use crate::rct::Command;
use crate::tools::synth::device::id;
use crate::tools::synth::frames::{Request, batch, response, separated};
use crate::tools::synth::hub::{Counts, Hub, Recording};
use crate::tools::synth::network::{Captured, Carriage, Network};
use crate::tools::synth::random::Random;
use crate::tools::synth::wire::{self, Station};
use std::net::{Ipv4Addr, Ipv6Addr};

pub(in crate::tools::synth) fn two_clients(random: Random) -> Recording {
    let (mut hub, first) = one_client(random);
    hub.poll(at(12), first, &FIRST_SET);
    let station = client_station(11, &mut hub.random);
    let second = hub.connect(at(12_400), station);
    for round in 1..8 {
        let now = at(10_012 + 10_000 * round);
        // The second one asks a few milliseconds earlier; both wait at the same time from then on.
        let ahead = millis(u64::from(5 + hub.random.below(25)));
        hub.poll(at(10_012 + 10_000 * round - 30).saturating_add(ahead), second, &SECOND_SET);
        hub.poll(now, first, &FIRST_SET);
    }
    hub.leave(at(90_000), first);
    hub.leave(at(91_000), second);
    hub.record()
}

/// What the vendor's server sends to keep a connection open.
const KEEP_ALIVE: &[u8] = b"AT+\r";

pub(in crate::tools::synth) fn portal(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    let server = Station::new(1, Ipv4Addr::new(203, 0, 113, 7), PORT);
    let portal = hub.dial(at(2_000), 3580, server);
    for round in 0..6 {
        let begin = 5_000 + 15_000 * round;
        hub.poll(at(begin), client, &FIRST_SET);
        if round == 3 {
            // Keep-alive and request in one segment.
            let requests = [Request::read(id::LOAD_POWER)];
            let glued = [KEEP_ALIVE, &batch(&requests)].concat();
            hub.request_bytes(at(begin + 5_000), portal, &glued, requests.len(), Carriage::Plain);
            let slot = hub.slot(at(begin + 5_000));
            let answer = hub.device.response(id::LOAD_POWER);
            hub.broadcast(slot, &answer);
        } else {
            hub.request_bytes(at(begin + 5_000), portal, KEEP_ALIVE, 0, Carriage::Plain);
            hub.poll(at(begin + 6_000), portal, &SECOND_SET);
        }
    }
    hub.leave(at(95_000), client);
    hub.leave(at(96_000), portal);
    hub.record()
}

/// The house's master opens its ears and the device dials in, as it does for the vendor's server.
pub(in crate::tools::synth) fn master(random: Random) -> Recording {
    let mut hub = Hub::new(device_station(), random);
    let master = Station::new(30, Ipv4Addr::new(192, 0, 2, 30), PORT);
    let link = hub.dial(at(500), 3581, master);
    for round in 0..6 {
        hub.poll(at(2_000 + 8_000 * round), link, &FIRST_SET);
        hub.poll(at(5_000 + 8_000 * round), link, &SECOND_SET);
    }
    hub.leave(at(52_000), link);
    hub.record()
}

/// More clients than the bridge takes, each in its turn.
pub(in crate::tools::synth) fn crowd(random: Random) -> Recording {
    let mut hub = Hub::new(device_station(), random);
    let mut links = Vec::new();
    for number in 0..6u8 {
        let station = client_station(10 + number, &mut hub.random);
        links.push(hub.connect(at(200 * u64::from(number)), station));
    }
    for round in 0..2u64 {
        for (place, link) in (0u64..).zip(&links) {
            hub.poll(at(2_000 + 12_000 * round + 2_000 * place), *link, &[id::BATTERY_SOC, id::GRID_POWER]);
        }
    }
    for (place, link) in (0u64..).zip(&links) {
        hub.leave(at(30_000 + 100 * place), *link);
    }
    hub.record()
}

pub(in crate::tools::synth) fn reconnect(random: Random) -> Recording {
    let mut hub = Hub::new(device_station(), random);
    let client = client_station(10, &mut hub.random);
    // Closed by the bridge after five idle minutes; the client comes back from the same port.
    let mut link = hub.connect(at(0), client);
    hub.poll(at(100), link, &FIRST_SET);
    hub.dismiss(at(300_900), link);
    link = hub.connect(at(330_000), client);
    hub.poll(at(330_100), link, &FIRST_SET);
    // Given up by the client with a request open.
    hub.request(at(340_000), link, &[Request::read(id::ENERGY_DAY)]);
    hub.abort(at(340_020), link);
    link = hub.connect(at(345_000), client);
    for round in 0..3 {
        hub.poll(at(345_100 + 10_000 * round), link, &FIRST_SET);
    }
    hub.leave(at(380_000), link);
    hub.record()
}

pub(in crate::tools::synth) fn unanswered_retry(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    hub.poll(at(12), client, &FIRST_SET);
    // Never answered; asked again after the time-out, and answered then.
    hub.request(at(10_000), client, &[Request::read(id::GRID_POWER)]);
    hub.poll(at(15_050), client, &[id::GRID_POWER]);
    // One of a batch is left out, and never asked for again.
    hub.request(at(25_000), client, &FIRST_SET.map(Request::read));
    for object in [id::BATTERY_SOC, id::BATTERY_POWER, id::IS_GRID] {
        let slot = hub.slot(at(25_000));
        let answer = hub.device.response(object);
        hub.broadcast(slot, &answer);
    }
    // The first answer comes four milliseconds after the client has lost patience; the second in its time.
    hub.request(at(40_000), client, &[Request::read(id::BATTERY_VOLTAGE)]);
    hub.request(at(42_000), client, &[Request::read(id::BATTERY_VOLTAGE)]);
    let late = at(42_004);
    let answer = hub.device.response(id::BATTERY_VOLTAGE);
    hub.broadcast(late, &answer);
    let slot = hub.slot(late);
    let answer = hub.device.response(id::BATTERY_VOLTAGE);
    hub.broadcast(slot, &answer);
    hub.poll(at(55_000), client, &[id::BATTERY_SOC]);
    hub.leave(at(60_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn net_package(random: Random) -> Recording {
    let (mut hub, first, second) = two_hosts(random);
    for second_of_story in 0..20u64 {
        let begin = 700 + 1_000 * second_of_story;
        let payload = hub.device.payload(id::NET_PACKAGE);
        hub.broadcast(at(begin), &separated(Command::WRITE, None, id::NET_PACKAGE, &payload));
        // In turn, and not while the other waits.
        match second_of_story % 5 {
            1 => _ = hub.poll(at(begin + 200), first, &FIRST_SET),
            3 => _ = hub.poll(at(begin + 200), second, &SECOND_SET),
            _ => {}
        }
    }
    hub.leave(at(22_000), first);
    hub.leave(at(22_300), second);
    hub.record()
}

pub(in crate::tools::synth) fn duplicate_answer(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    for round in 0..6u64 {
        let begin = at(100 + 5_000 * round);
        hub.request(begin, client, &[Request::read(id::BATTERY_SOC)]);
        let slot = hub.slot(begin);
        let own = hub.device.response(id::BATTERY_SOC);
        let slave = response(id::BATTERY_SOC, &(0.61f32 + hub.random.fraction() * 0.01).to_be_bytes());
        match round % 3 {
            0 => _ = hub.broadcast(slot, &own),
            // In the same segment, and a little later.
            1 => _ = hub.broadcast_joined(slot, &[own, slave]),
            _ => {
                hub.broadcast(slot, &own);
                hub.broadcast(slot.saturating_add(millis(6)), &slave);
            }
        }
        hub.poll(begin.saturating_add(millis(1_000)), client, &[id::GRID_POWER]);
    }
    hub.leave(at(31_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn echo(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    for round in 0..8u64 {
        let begin = at(100 + 5_000 * round);
        let objects = FIRST_SET.map(Request::read);
        hub.request(begin, client, &objects);
        for (number, request) in objects.iter().enumerate() {
            let slot = hub.slot(begin);
            if round % 2 == 1 && number % 2 == 0 {
                hub.broadcast(slot, &[&[0][..], &request.bytes()].concat());
            }
            let answer = hub.device.answer(request);
            hub.broadcast(slot.saturating_add(millis(8)), &answer);
        }
    }
    hub.leave(at(41_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn mixed_ports(mut random: Random) -> Recording {
    let others = foreign_traffic(&mut random);
    let mut first = Hub::new(device_station(), Random::new(random.bits()));
    let station = client_station(10, &mut first.random);
    let client = first.connect(at(3), station);
    let net = |host| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host);
    let mut second = Hub::new(Station::new(21, net(0x21), 18_899), Random::new(random.bits()));
    let client_v6 = second.connect(at(7), Station::new(12, net(0x12), 51_612));
    for round in 0..5 {
        first.poll(at(12 + 10_000 * round), client, &FIRST_SET);
        second.poll(at(3_012 + 10_000 * round), client_v6, &SECOND_SET);
    }
    first.leave(at(55_000), client);
    second.leave(at(56_000), client_v6);
    first.record().merge(second.record()).merge(others)
}

/// What else is on a house's network: web pages (one next to this protocol's port), text that begins with its
/// start byte, what looks like TLS, names, ARP.
fn foreign_traffic(random: &mut Random) -> Recording {
    let mut network = Network::new(Random::new(random.bits()));
    let server = |host, port| Station::new(host, Ipv4Addr::new(198, 51, 100, host), port);
    let page = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 8\r\n\r\n+\x01\x04- + -\n";
    let talks: [(u16, &[u8], &[u8]); 4] = [
        (80, b"GET /status HTTP/1.1\r\nhost: example.org\r\n\r\n", page),
        (8898, b"GET / HTTP/1.1\r\nhost: example.net\r\n\r\n", page),
        (4040, b"+OK ready\r\n", b"+OK\r\n"),
        (443, b"\x16\x03\x01\x00\xa5", b"\x16\x03\x03\x00\x7a"),
    ];
    for round in 0..4u64 {
        for (number, (port, question, reply)) in (0u8..).zip(talks) {
            let begin = at(500 + 12_000 * round + 1_500 * u64::from(number));
            let client = client_station(30 + number, random);
            let link = network.open(begin, client, server(number + 1, port));
            let noise = if port == 443 { 6_000 } else { 0 };
            let noise = (0..noise).map(|_| random.byte());
            network.send(begin.saturating_add(millis(2)), link, Direction::ToServer, question, Carriage::Plain);
            let reply: Vec<u8> = reply.iter().copied().chain(noise).collect();
            network.send(begin.saturating_add(millis(30)), link, Direction::ToClient, &reply, Carriage::Plain);
            network.close(begin.saturating_add(millis(400)), link, Direction::ToServer);
        }
    }
    let mut packets = network.record();
    let (asking, names) = (client_station(30, random), server(53, 53));
    for round in 0..8u16 {
        let mut data = Vec::new();
        wire::append_udp(
            &mut data,
            asking,
            names,
            round,
            b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01",
        );
        packets.push(Captured { ts: at(480 + 6_000 * u64::from(round)), data });
        let mut data = Vec::new();
        wire::append_arp(&mut data, asking, device_station());
        packets.push(Captured { ts: at(470 + 6_000 * u64::from(round)), data });
    }
    Recording { packets, counts: Counts::default() }
}
