//! An evening of a house with two programs that do not know of one another: a bit of everything that goes wrong.

use super::{FIRST_SET, PORT, SECOND_SET, at, client_station, one_client};
use crate::object::ObjectId;
use crate::rct::Command;
use crate::tools::synth::device::{id, wall_clock};
use crate::tools::synth::frames::{Request, declared, lying, response, with_bad_crc};
use crate::tools::synth::hub::{Hub, Recording};
use crate::tools::synth::network::{Carriage, Link};
use crate::tools::synth::random::Random;
use crate::tools::synth::wire::Station;
use std::net::Ipv4Addr;

/// What the vendor's server sends to keep its connection open.
const KEEP_ALIVE: &[u8] = b"AT+\r";
/// An object that no registry knows.
const UNHEARD_OF: ObjectId = ObjectId(0xdead_beef);
/// Bit 13 of the first fault word.
const FAULT: u32 = 1 << 13;

/// The people of the story.
struct House {
    hub: Hub,
    /// Polls [`FIRST_SET`] every ten seconds.
    poller: Link,
    /// The vendor's server, which the device has called.
    portal: Link,
    /// Polls [`SECOND_SET`], asks for a history, and writes once.
    newcomer: Link,
}

pub(in crate::tools::synth) fn evening(random: Random) -> Recording {
    let (mut hub, poller) = one_client(random);
    hub.poll(at(12), poller, &FIRST_SET);
    let portal = hub.dial(at(2_000), 3580, Station::new(1, Ipv4Addr::new(203, 0, 113, 7), PORT));
    hub.request_bytes(at(6_000), portal, KEEP_ALIVE, 0, Carriage::Plain);
    hub.poll(at(10_012), poller, &FIRST_SET);
    let station = client_station(11, &mut hub.random);
    let newcomer = hub.connect(at(12_400), station);
    let mut house = House { hub, poller, portal, newcomer };
    house.hub.poll(at(12_995), newcomer, &SECOND_SET);
    house.cut_answer(20_012);
    house.no_answer(30_012);
    house.wrong_checksum(40_012);
    house.orders(42_200);
    house.lying_length(47_700);
    house.overlap(49_995);
    house.captured_in_part(54_100);
    house.overlap(59_995);
    house.hub.leave(at(64_000), poller);
    house.hub.leave(at(64_700), newcomer);
    house.hub.record()
}

impl House {
    /// The newcomer's request arrives while the device prepares its second answer to the poller: that one is cut.
    fn cut_answer(&mut self, begin: u64) {
        self.hub.request(at(begin), self.poller, &FIRST_SET.map(Request::read));
        let (mut before, mut interruption) = (at(begin), at(begin));
        for (place, object) in FIRST_SET.into_iter().enumerate() {
            let payload = self.hub.device.payload(object);
            let slot = self.hub.slot(at(begin));
            if place == 1 {
                interruption = before.saturating_add(slot.since(before) / 2);
                self.hub.broadcast(slot, &lying(Command::RESPONSE, declared(2), object, &payload[..2]));
            } else {
                self.hub.broadcast(slot, &response(object, &payload));
            }
            before = slot;
        }
        self.hub.poll(interruption, self.newcomer, &SECOND_SET);
        self.hub.request_bytes(at(begin + 5_988), self.portal, KEEP_ALIVE, 0, Carriage::Plain);
        self.hub.poll(at(begin + 8_000), self.newcomer, &SECOND_SET);
    }

    /// One answer of a batch never comes; the poller asks again after its time-out.
    fn no_answer(&mut self, begin: u64) {
        self.hub.request(at(begin), self.poller, &FIRST_SET.map(Request::read));
        for object in [id::BATTERY_SOC, id::BATTERY_POWER, id::IS_GRID] {
            let slot = self.hub.slot(at(begin));
            let answer = self.hub.device.response(object);
            self.hub.broadcast(slot, &answer);
        }
        self.hub.poll(at(begin + 5_002), self.poller, &[id::GRID_POWER]);
        self.hub.poll(at(begin + 6_500), self.newcomer, &SECOND_SET);
    }

    /// A right payload with a wrong checksum.
    fn wrong_checksum(&mut self, begin: u64) {
        self.hub.request(at(begin), self.poller, &FIRST_SET.map(Request::read));
        for (place, object) in FIRST_SET.into_iter().enumerate() {
            let payload = self.hub.device.payload(object);
            let slot = self.hub.slot(at(begin));
            let frame = if place == 0 { with_bad_crc(object, &payload, 0x0400) } else { response(object, &payload) };
            self.hub.broadcast(slot, &frame);
        }
    }

    /// The newcomer changes a setting, then asks for the last hours; a fault shows up; the portal makes itself heard.
    fn orders(&mut self, begin: u64) {
        let bound = 0.1f32.to_be_bytes();
        self.hub.ask(at(begin), self.newcomer, &[Request::write(id::SOC_MIN, &bound)]);
        let asked = wall_clock(at(begin + 1_800)).to_be_bytes();
        self.hub.ask(at(begin + 1_800), self.newcomer, &[Request::write(id::SOC_HISTORY, &asked)]);
        self.hub.device.write(id::FAULT_0, &FAULT.to_be_bytes());
        self.hub.poll(at(begin + 2_795), self.newcomer, &SECOND_SET);
        self.hub.request_bytes(at(begin + 3_800), self.portal, KEEP_ALIVE, 0, Carriage::Plain);
    }

    /// A float that claims to be 200 bytes long.
    fn lying_length(&mut self, begin: u64) {
        self.hub.request(at(begin), self.newcomer, &[Request::read(id::ENERGY_DAY)]);
        let payload = self.hub.device.payload(id::ENERGY_DAY);
        let slot = self.hub.slot(at(begin));
        self.hub.broadcast(slot, &lying(Command::RESPONSE, 200, id::ENERGY_DAY, &payload));
    }

    /// The newcomer asks, and the poller a moment later: it gets the newcomer's answers before its own.
    fn overlap(&mut self, begin: u64) {
        self.hub.poll(at(begin), self.newcomer, &SECOND_SET);
        self.hub.poll(at(begin + 17), self.poller, &FIRST_SET);
    }

    /// The capture misses one copy of an answer. Its object is one that no registry knows.
    fn captured_in_part(&mut self, begin: u64) {
        self.hub.request(at(begin), self.newcomer, &[Request::read(UNHEARD_OF)]);
        let slot = self.hub.slot(at(begin));
        let poller = self.poller;
        let answer = response(UNHEARD_OF, &[0x47, 0, 0, 0]);
        self.hub.broadcast_carried(
            slot,
            &answer,
            |link| {
                if link == poller { Carriage::Uncaptured } else { Carriage::Plain }
            },
        );
    }
}
