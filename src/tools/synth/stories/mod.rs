//! The stories themselves, by theme. Each is told with the means of [`Hub`](super::hub::Hub).

pub(super) mod clients;
pub(super) mod damage;
pub(super) mod dialogue;
pub(super) mod evening;
pub(super) mod series;
pub(super) mod transport;

use super::at;
use super::device::id;
use super::hub::Hub;
use super::network::Link;
use super::random::Random;
use super::wire::Station;
use crate::object::ObjectId;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The protocol's usual port.
const PORT: u16 = 8899;
/// What the first client asks for.
const FIRST_SET: [ObjectId; 4] = [id::BATTERY_SOC, id::BATTERY_POWER, id::GRID_POWER, id::IS_GRID];
/// What a second one asks for.
const SECOND_SET: [ObjectId; 3] = [id::LOAD_POWER, id::AC_POWER, id::FAULT_0];

fn device_station() -> Station {
    Station::new(20, Ipv4Addr::new(192, 0, 2, 20), PORT)
}

/// A client of the house's network, from a port of its own.
fn client_station(host: u8, random: &mut Random) -> Station {
    let port = 49_152 + u16::from(random.byte()) * 32 + u16::from(random.byte() % 32);
    Station::new(host, Ipv4Addr::new(192, 0, 2, host), port)
}

/// A device and one client connected to it from the start.
fn one_client(random: Random) -> (Hub, Link) {
    let mut hub = Hub::new(device_station(), random);
    let client = client_station(10, &mut hub.random);
    let link = hub.connect(at(0), client);
    (hub, link)
}

/// A device and two clients on two hosts.
fn two_hosts(random: Random) -> (Hub, Link, Link) {
    let (mut hub, first) = one_client(random);
    let client = client_station(11, &mut hub.random);
    let second = hub.connect(at(5), client);
    (hub, first, second)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}
