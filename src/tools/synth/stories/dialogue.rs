//! Stories in which everybody does what the documentation says, more or less.

use super::{FIRST_SET, SECOND_SET, at, millis, one_client, two_hosts};
use crate::rct::Command;
use crate::tools::synth::device::{id, wall_clock};
use crate::tools::synth::frames::{Request, batch, response, separated};
use crate::tools::synth::hub::Recording;
use crate::tools::synth::network::Carriage;
use crate::tools::synth::random::Random;

pub(in crate::tools::synth) fn normal(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    for round in 0..12 {
        let now = at(12 + 10_000 * round);
        let mut objects = FIRST_SET.to_vec();
        if round % 3 == 0 {
            objects.push(id::FAULT_0);
        }
        hub.poll(now, client, &objects);
    }
    hub.leave(at(120_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn all_types(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    let scalars = [
        id::BATTERY_SOC,
        id::BATTERY_TEMPERATURE,
        id::IS_GRID,
        id::INVERTER_STATE,
        id::WIFI_RESULT,
        id::COLDEST_CELL,
        id::PHASE_MARKER,
        id::STACK_CYCLES,
        id::FAULT_0,
        id::BATTERY_STATUS,
        id::PERIOD,
        id::SOFTWARE_VERSION,
        id::LOAD_PROFILE,
        id::CELLS,
        id::CELL_STATISTICS,
        id::CELL_RESISTANCES,
        id::NET_SLAVE_DATA,
        id::NET_PACKAGE,
    ];
    // One after the other, as the simplest of clients do.
    let mut now = at(20);
    for object in scalars {
        now = hub.poll(now, client, &[object]).saturating_add(millis(25));
    }
    for table in [id::SOC_HISTORY, id::EVENTS] {
        let asked = wall_clock(now).to_be_bytes();
        now = hub.ask(now, client, &[Request::write(table, &asked)]).saturating_add(millis(25));
    }
    hub.leave(now.saturating_add(millis(500)), client);
    hub.record()
}

pub(in crate::tools::synth) fn write(random: Random) -> Recording {
    let (mut hub, client, other) = two_hosts(random);
    // Confirmed, and read back.
    hub.ask(at(1_000), client, &[Request::write(id::SWITCH_OFF_DELAY, &90f32.to_be_bytes())]);
    hub.poll(at(8_000), client, &[id::SWITCH_OFF_DELAY]);
    // Not confirmed, but it took.
    hub.request(at(16_000), client, &[Request::write(id::DISPLAY_DIRECTION, &[1])]);
    hub.device.write(id::DISPLAY_DIRECTION, &[1]);
    hub.poll(at(24_000), client, &[id::DISPLAY_DIRECTION]);
    // Not confirmed, and it did not take.
    hub.request(at(32_000), client, &[Request::write(id::SWITCH_OFF_DELAY, &120f32.to_be_bytes())]);
    hub.poll(at(40_000), client, &[id::SWITCH_OFF_DELAY]);
    // Two programs that each want it their way.
    for (now, link, bound) in [(48_000, client, 0.07f32), (56_000, other, 0.2), (64_000, client, 0.07)] {
        hub.ask(at(now), link, &[Request::write(id::SOC_MIN, &bound.to_be_bytes())]);
    }
    hub.poll(at(72_000), other, &[id::SOC_MIN]);
    hub.leave(at(80_000), client);
    hub.leave(at(80_100), other);
    hub.record()
}

pub(in crate::tools::synth) fn plant(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    // The second address has a start and an escape byte in it.
    for (round, address) in [0x0000_0001, 0x002b_2d02, 0x0000_0001].into_iter().enumerate() {
        let begin = 100 + 5_000 * u64::try_from(round).unwrap_or(0);
        let read = |object| Request::read(object).with_address(address);
        hub.ask(at(begin), client, &FIRST_SET.map(read));
        let asked = wall_clock(at(begin)).to_be_bytes();
        hub.ask(at(begin + 2_000), client, &[Request::write(id::SOC_HISTORY, &asked).with_address(address)]);
        hub.poll(at(begin + 3_500), client, &[id::BATTERY_SOC]);
    }
    hub.leave(at(16_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn periodic(random: Random) -> Recording {
    let (mut hub, client, other) = two_hosts(random);
    let subscribed = [id::BATTERY_SOC, id::BATTERY_POWER, id::GRID_POWER];
    hub.ask(at(500), client, &[Request::write(id::PERIOD, &2u32.to_be_bytes())]);
    hub.ask(at(1_000), client, &subscribed.map(Request::subscribe));
    for round in 1..=15 {
        for object in subscribed {
            let slot = hub.slot(at(1_000 + 2_000 * round));
            let answer = hub.device.response(object);
            hub.broadcast(slot, &answer);
        }
        if round % 3 == 0 {
            hub.poll(at(2_000 + 2_000 * round), other, &SECOND_SET);
        }
    }
    hub.ask(at(32_500), client, &[Request::write(id::PERIOD, &0u32.to_be_bytes())]);
    // Nothing comes of its own accord any more.
    hub.poll(at(40_000), other, &SECOND_SET);
    hub.leave(at(45_000), client);
    hub.leave(at(45_200), other);
    hub.record()
}

pub(in crate::tools::synth) fn escape_heavy(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    // In the object id; in the CRC of the READ; in the payload.
    let in_id = [id::AC_POWER, id::VOLTAGE_PHASE_3, id::DISCHARGED_CHARGE, id::ENERGY_LOAD_SUM, id::CELL_RESISTANCES_5];
    let in_crc = [id::DISPLAY_DIRECTION, id::CURRENT_SLOW, id::RESIDUAL_CURRENT, id::STATE_SOURCE];
    hub.device.write(id::VOLTAGE_PHASE_3, &[0x43, 0x66, 0x2b, 0x2d]);
    hub.device.write(id::AC_POWER, &[0x44, 0x2d, 0x2d, 0x2b]);
    for round in 0..6 {
        let begin = 20 + 4_000 * round;
        hub.poll(at(begin), client, &in_id);
        hub.poll(at(begin + 1_500), client, &in_crc);
        // Payloads that end in every possible way, so that some CRCs hold the two bytes too.
        for (step, last) in (0u8..4).enumerate() {
            let number = 0x2b2d_0000 | u32::from(last) << 8 | u32::from(hub.random.byte());
            let slot = hub.slot(at(begin + 2_500 + 200 * u64::try_from(step).unwrap_or(0)));
            let payload = number.to_be_bytes();
            hub.request(slot, client, &[Request::read(id::STACK_VERSION)]);
            hub.broadcast(slot.saturating_add(millis(40)), &response(id::STACK_VERSION, &payload));
        }
    }
    // In the length field: 43 and 45 of a short answer, 0x2b00 of a long one.
    for (begin, bytes) in [(26_000, 39), (27_000, 41)] {
        let text: Vec<u8> = (0..bytes).map(|n| b"+-+--+ 1.0"[n % 10]).collect();
        hub.request(at(begin), client, &[Request::read(id::LOAD_PROFILE)]);
        let slot = hub.slot(at(begin));
        hub.broadcast(slot, &separated(Command::RESPONSE, None, id::LOAD_PROFILE, &text));
    }
    hub.device.rows = 1375;
    let asked = wall_clock(at(28_000)).to_be_bytes();
    hub.ask(at(28_000), client, &[Request::write(id::VOLTAGE_HISTORY, &asked)]);
    // A request cut between the escape byte and what it escapes.
    let requests = [Request::read(id::AC_POWER)];
    hub.request_bytes(at(40_000), client, &batch(&requests), 1, Carriage::Cut(5));
    let slot = hub.slot(at(40_000));
    let answer = hub.device.response(id::AC_POWER);
    hub.broadcast_carried(slot, &answer, |_| Carriage::Cut(6));
    hub.leave(at(41_000), client);
    hub.record()
}
