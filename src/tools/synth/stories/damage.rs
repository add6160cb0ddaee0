//! Stories of frames that are not what they should be, and of bytes that are no frames.

use super::{FIRST_SET, SECOND_SET, at, millis, one_client, two_hosts};
use crate::object::ObjectId;
use crate::rct::Command;
use crate::time::Timestamp;
use crate::tools::synth::device::id;
use crate::tools::synth::frames::{Request, declared, lying, response, with_bad_crc};
use crate::tools::synth::hub::{Hub, Recording};
use crate::tools::synth::network::{Carriage, Link};
use crate::tools::synth::random::Random;

/// One client asks for [`FIRST_SET`]; each answer is what `tell` makes of the object, its place and its value. Returns
/// when each was there.
fn answered_by(
    hub: &mut Hub,
    now: Timestamp,
    client: Link,
    mut tell: impl FnMut(&mut Random, usize, ObjectId, &[u8]) -> Vec<u8>,
) -> [Timestamp; 4] {
    hub.request(now, client, &FIRST_SET.map(Request::read));
    let mut place = 0..;
    FIRST_SET.map(|object| {
        let payload = hub.device.payload(object);
        let bytes = tell(&mut hub.random, place.next().unwrap_or(0), object, &payload);
        let slot = hub.slot(now);
        hub.broadcast(slot, &bytes)
    })
}

pub(in crate::tools::synth) fn cut_answer(random: Random) -> Recording {
    let (mut hub, client, other) = two_hosts(random);
    for round in 0..6u64 {
        let begin = 12 + 10_000 * round;
        // What is left of the second answer, and what its length field says: the truth, or the full size.
        let (left, length) = match round {
            1 => (2, declared(2)),
            3 => (1, declared(4)),
            4 => (0, declared(0)),
            _ => (4, declared(4)),
        };
        let answers = answered_by(&mut hub, at(begin), client, |_, place, object, payload| match place {
            1 => lying(Command::RESPONSE, length, object, &payload[..left]),
            _ => response(object, payload),
        });
        if left < 4 {
            // It arrives while the second answer is being prepared.
            let between = answers[0].saturating_add(answers[1].since(answers[0]) / 2);
            hub.poll(between, other, &SECOND_SET);
        }
    }
    hub.leave(at(61_000), client);
    hub.leave(at(61_500), other);
    hub.record()
}

pub(in crate::tools::synth) fn bad_crc(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    for round in 0..8u64 {
        answered_by(&mut hub, at(12 + 10_000 * round), client, |random, place, object, payload| {
            let damage = u16::from_be_bytes([random.byte(), random.byte() | 1]);
            match (round, place) {
                (1, 0) | (3, 2) | (6, 3) => with_bad_crc(object, payload, damage),
                _ => response(object, payload),
            }
        });
    }
    hub.leave(at(81_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn foreign_payload(random: Random) -> Recording {
    let (mut hub, client, other) = two_hosts(random);
    for round in 0..5u64 {
        let begin = 100 + 10_000 * round;
        let strange = Request::read(id::ENERGY_DAY);
        hub.request(at(begin), client, &[Request::read(id::SOFTWARE_VERSION)]);
        let mut payload = hub.device.payload(id::SOFTWARE_VERSION);
        let slot = hub.slot(at(begin));
        if round % 2 == 0 {
            hub.broadcast(slot, &response(id::SOFTWARE_VERSION, &payload));
            continue;
        }
        // The other client's request ends up in the device's output buffer.
        hub.request(at(begin + 20), other, std::slice::from_ref(&strange));
        let bytes = strange.bytes();
        payload[9..9 + bytes.len()].copy_from_slice(&bytes);
        hub.broadcast(slot, &with_bad_crc(id::SOFTWARE_VERSION, &payload, 0x1d51));
        let slot = hub.slot(slot);
        let answer = hub.device.response(id::ENERGY_DAY);
        hub.broadcast(slot, &answer);
    }
    hub.leave(at(51_000), client);
    hub.leave(at(51_100), other);
    hub.record()
}

pub(in crate::tools::synth) fn stuck_remainder(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    // Text without start and escape bytes, so that the tail is what it seems.
    let text = hub.device.response(id::LOAD_PROFILE);
    for round in 0..5u64 {
        let begin = 100 + 10_000 * round;
        hub.request(at(begin), client, &[Request::read(id::LOAD_PROFILE)]);
        let slot = hub.slot(at(begin));
        hub.broadcast(slot, &text);
        hub.request(at(begin + 1_000), client, &[Request::read(id::GRID_POWER)]);
        let slot = hub.slot(at(begin + 1_000));
        let answer = hub.device.response(id::GRID_POWER);
        let tail = if round % 2 == 1 { 14 + hub.random.index(10) } else { 0 };
        hub.broadcast(slot, &[&text[text.len() - tail..], &answer].concat());
    }
    hub.leave(at(51_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn raw_crc(random: Random) -> Recording {
    let objects = [id::DISPLAY_DIRECTION, id::CURRENT_SLOW, id::RESIDUAL_CURRENT, id::STATE_SOURCE, id::BATTERY_SOC];
    carelessly(random, &objects, Request::bytes_with_raw_crc)
}

pub(in crate::tools::synth) fn no_escape(random: Random) -> Recording {
    // With a start or an escape byte in the id, and without.
    let objects = [id::AC_POWER, id::VOLTAGE_PHASE_3, id::ENERGY_LOAD_SUM, id::BATTERY_SOC];
    carelessly(random, &objects, Request::bytes_without_escapes)
}

/// Two hosts poll the same objects, and one of them does not escape as it should.
fn carelessly(random: Random, objects: &[ObjectId], bytes: impl Fn(&Request) -> Vec<u8>) -> Recording {
    let (mut hub, careless, careful) = two_hosts(random);
    for round in 0..4u64 {
        for (place, object) in (0u64..).zip(objects) {
            let begin = 100 + 10_000 * round + 500 * place;
            let request = Request::read(*object);
            hub.request_bytes(at(begin), careless, &bytes(&request), 1, Carriage::Plain);
            let slot = hub.slot(at(begin));
            let answer = hub.device.answer(&request);
            hub.broadcast(slot, &answer);
        }
        hub.poll(at(5_000 + 10_000 * round), careful, objects);
    }
    hub.leave(at(41_000), careless);
    hub.leave(at(41_100), careful);
    hub.record()
}

pub(in crate::tools::synth) fn bridge_noise(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    let noises: [&[u8]; 3] = [b"+++\r", b"+++", b"+++++\r\r"];
    for round in 0..9u64 {
        let begin = 100 + 5_000 * round;
        let noise = noises[hub.random.index(noises.len())];
        match round % 3 {
            // Between the answers, in a segment of its own.
            1 => {
                hub.emit(at(begin - 1_500), noise);
                hub.poll(at(begin), client, &FIRST_SET);
            }
            // Right in front of one.
            2 => {
                answered_by(&mut hub, at(begin), client, |_, place, object, payload| {
                    let before: &[u8] = if place == 2 { noise } else { &[] };
                    [before, &response(object, payload)].concat()
                });
            }
            _ => {
                hub.poll(at(begin), client, &FIRST_SET);
            }
        }
    }
    hub.leave(at(46_000), client);
    hub.record()
}

/// What the bootloader says twice a second.
const BOOTLOADER: [u8; 4] = [0x50, 0xf7, 0x05, 0xab];

pub(in crate::tools::synth) fn bootloader(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    hub.poll(at(100), client, &FIRST_SET);
    // The restart; the device has no time to confirm it.
    hub.request(at(8_000), client, &[Request::write(id::COM_SERVICE, &[4])]);
    for tick in 0..28 {
        hub.emit(at(9_000 + 500 * tick), &BOOTLOADER);
    }
    hub.request(at(10_200), client, &[Request::read(id::INVERTER_STATE), Request::read(id::BATTERY_STATUS)]);
    // Back again.
    for round in 0..3 {
        hub.poll(at(26_000 + 10_000 * round), client, &SECOND_SET);
    }
    hub.leave(at(50_000).saturating_add(millis(300)), client);
    hub.record()
}
