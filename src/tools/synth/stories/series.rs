//! Stories of histories and event tables.

use super::{FIRST_SET, at, millis, one_client, two_hosts};
use crate::rct::Command;
use crate::tools::synth::device::{id, wall_clock};
use crate::tools::synth::frames::{self, Request, declared, lying};
use crate::tools::synth::hub::Recording;
use crate::tools::synth::random::Random;

/// A day in steps of five minutes.
const DAY_ROWS: usize = 288;
const DAY_SECONDS: u32 = 86_400;

pub(in crate::tools::synth) fn long_response(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    let mut now = at(100);
    for (table, rows) in [(id::SOC_HISTORY, DAY_ROWS), (id::VOLTAGE_HISTORY, DAY_ROWS), (id::EVENTS, 60)] {
        hub.device.rows = rows;
        // Day by day into the past, as such clients do.
        for day in 0..3 {
            let asked = (wall_clock(now) - day * DAY_SECONDS).to_be_bytes();
            now = hub.ask(now, client, &[Request::write(table, &asked)]).saturating_add(millis(150));
        }
        now = hub.poll(now, client, &FIRST_SET).saturating_add(millis(2_000));
    }
    hub.leave(now, client);
    hub.record()
}

pub(in crate::tools::synth) fn interrupted_table(random: Random) -> Recording {
    let (mut hub, client, other) = two_hosts(random);
    let rows = 120;
    for round in 0..8u32 {
        let begin = 100 + 4_000 * u64::from(round);
        let (table, row_bytes) = if round < 5 { (id::SOC_HISTORY, 8) } else { (id::EVENTS, 20) };
        let asked = wall_clock(at(begin)) - round * DAY_SECONDS;
        hub.request(at(begin), client, &[Request::write(table, &asked.to_be_bytes())]);
        let mut payload = hub.device.table(table, asked, rows);
        let slot = hub.slot(at(begin));
        if ![2, 4, 6].contains(&round) {
            hub.broadcast(slot, &frames::long_response(table, &payload));
            continue;
        }
        // The other client's request arrives while the device prepares this one: what is ready is sent.
        let full = declared(payload.len());
        let ready = usize::try_from(5 + hub.random.below(20)).unwrap_or(5);
        payload.truncate(4 + row_bytes * ready);
        let length = if round == 4 { full } else { declared(payload.len()) };
        hub.request(slot, other, &[Request::read(id::LOAD_POWER)]);
        let cut = slot.saturating_add(millis(2));
        hub.broadcast(cut, &lying(Command::LONG_RESPONSE, length, table, &payload));
        let answer = hub.device.response(id::LOAD_POWER);
        let slot = hub.slot(cut);
        hub.broadcast(slot, &answer);
    }
    hub.leave(at(35_000), client);
    hub.leave(at(35_100), other);
    hub.record()
}

/// How far a declared length is off.
const LIES: [i32; 8] = [-16, 0, 472, -16, 480, -16, 0, -16];

pub(in crate::tools::synth) fn length_byte(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    for (round, lie) in LIES.into_iter().enumerate() {
        let begin = 100 + 3_000 * u64::try_from(round).unwrap_or(0);
        let asked = wall_clock(at(begin));
        // The next requests are on their way already: their answers follow in the same segment or soon after.
        hub.request(at(begin), client, &[Request::write(id::SOC_HISTORY, &asked.to_be_bytes())]);
        hub.request(at(begin + 5), client, &[Request::read(id::BATTERY_SOC), Request::read(id::GRID_POWER)]);
        let payload = hub.device.table(id::SOC_HISTORY, asked, 30);
        let length = i32::from(declared(payload.len())) + lie;
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        let slot = hub.slot(at(begin + 5));
        let long = lying(Command::LONG_RESPONSE, length, id::SOC_HISTORY, &payload);
        let others = [id::BATTERY_SOC, id::GRID_POWER].map(|object| hub.device.response(object));
        if round % 2 == 0 {
            let [soc, grid] = others;
            hub.broadcast_joined(slot, &[long, soc, grid]);
        } else {
            hub.broadcast(slot, &long);
            for answer in others {
                let slot = hub.slot(slot);
                hub.broadcast(slot, &answer);
            }
        }
    }
    // A float that claims to be 200 bytes, with good frames behind it.
    hub.request(at(26_000), client, &[Request::read(id::ENERGY_DAY)]);
    let payload = hub.device.payload(id::ENERGY_DAY);
    let slot = hub.slot(at(26_000));
    hub.broadcast(slot, &lying(Command::RESPONSE, 200, id::ENERGY_DAY, &payload));
    hub.poll(at(28_000), client, &FIRST_SET);
    // A length far too large in the very last bytes of the connection.
    let asked = wall_clock(at(30_000));
    hub.request(at(30_000), client, &[Request::write(id::SOC_HISTORY, &asked.to_be_bytes())]);
    let payload = hub.device.table(id::SOC_HISTORY, asked, 30);
    let slot = hub.slot(at(30_000));
    hub.broadcast(slot, &lying(Command::LONG_RESPONSE, 0xfff0, id::SOC_HISTORY, &payload));
    hub.leave(at(31_000), client);
    hub.record()
}
