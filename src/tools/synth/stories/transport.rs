//! Stories of what happens to packets on the way, and in the capture.

use super::{FIRST_SET, SECOND_SET, at, millis, one_client, two_hosts};
use crate::tools::synth::device::{id, wall_clock};
use crate::tools::synth::frames::{Request, batch, response};
use crate::tools::synth::hub::Recording;
use crate::tools::synth::network::Carriage;
use crate::tools::synth::random::Random;
use std::time::Duration;

pub(in crate::tools::synth) fn gap(random: Random) -> Recording {
    let (mut hub, first, second) = two_hosts(random);
    for round in 0..8u64 {
        let begin = 12 + 10_000 * round;
        let requests = FIRST_SET.map(Request::read);
        // One round's requests are missing, though they arrived.
        let carriage = if round == 5 { Carriage::Uncaptured } else { Carriage::Plain };
        hub.request_bytes(at(begin), first, &batch(&requests), requests.len(), carriage);
        for (place, request) in requests.iter().enumerate() {
            let slot = hub.slot(at(begin));
            let answer = hub.device.answer(request);
            hub.broadcast_carried(slot, &answer, |link| match (round, place) {
                // Missing on the asking connection, while the copy on the other is there.
                (1, 1) if link == first => Carriage::Uncaptured,
                // Missing everywhere.
                (3, 2) => Carriage::Uncaptured,
                _ => Carriage::Plain,
            });
        }
        hub.poll(at(begin + 4_000), second, &SECOND_SET);
    }
    // The middle of a long answer.
    let asked = wall_clock(at(84_000));
    hub.request(at(84_000), first, &[Request::write(id::SOC_HISTORY, &asked.to_be_bytes())]);
    let answer = hub.device.long_response(id::SOC_HISTORY, asked, 300);
    let slot = hub.slot(at(84_000));
    hub.broadcast_carried(slot, &answer, |_| Carriage::Uncaptured);
    hub.poll(at(90_000), first, &FIRST_SET);
    hub.leave(at(95_000), first);
    hub.leave(at(95_100), second);
    hub.record()
}

pub(in crate::tools::synth) fn reorder(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    for round in 0..8u64 {
        let begin = 12 + 10_000 * round;
        let requests = FIRST_SET.map(Request::read);
        let bytes = batch(&requests);
        let middle = 1 + hub.random.index(bytes.len() - 2);
        let carriage = if round % 2 == 1 { Carriage::Swapped(middle) } else { Carriage::Plain };
        hub.request_bytes(at(begin), client, &bytes, requests.len(), carriage);
        for (place, request) in requests.iter().enumerate() {
            let slot = hub.slot(at(begin));
            let answer = hub.device.answer(request);
            let middle = 1 + hub.random.index(answer.len() - 2);
            hub.broadcast_carried(slot, &answer, |_| match (round, place) {
                (2, 0) | (4, 1) => Carriage::Swapped(middle),
                // So late that the next answer is there first.
                (5, 2) => Carriage::Late(millis(104)),
                _ => Carriage::Plain,
            });
        }
    }
    let asked = wall_clock(at(84_000));
    hub.request(at(84_000), client, &[Request::write(id::SOC_HISTORY, &asked.to_be_bytes())]);
    let answer = hub.device.long_response(id::SOC_HISTORY, asked, 400);
    let slot = hub.slot(at(84_000));
    hub.broadcast_carried(slot, &answer, |_| Carriage::Late(millis(95)));
    hub.leave(at(90_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn retransmit(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    let again = |after, reach_back| Carriage::Resent { after: Duration::from_millis(after), reach_back };
    for round in 0..8u64 {
        let begin = 12 + 10_000 * round;
        let requests = FIRST_SET.map(Request::read);
        // A whole poll is lost behind the tap and sent again.
        let carriage = if round == 3 { again(220, 0) } else { Carriage::Plain };
        let arrival = if round == 3 { begin + 220 } else { begin };
        hub.request_bytes(at(begin), client, &batch(&requests), requests.len(), carriage);
        for (place, request) in requests.iter().enumerate() {
            let slot = hub.slot(at(arrival));
            let answer = hub.device.answer(request);
            hub.broadcast_carried(slot, &answer, |_| match (round, place) {
                (1, 0) | (2, 3) => again(210, 0),
                // Together with the end of what was sent before it, or all of that.
                (4, 1) => again(230, 5),
                (6, 2) => again(240, 29),
                _ => Carriage::Plain,
            });
        }
    }
    hub.leave(at(85_000), client);
    hub.record()
}

pub(in crate::tools::synth) fn injection(random: Random) -> Recording {
    let (mut hub, client) = one_client(random);
    for round in 0..6u64 {
        let begin = at(12 + 10_000 * round);
        hub.request(begin, client, &[Request::read(id::BATTERY_SOC), Request::read(id::GRID_POWER)]);
        let slot = hub.slot(begin);
        let (real, forged) = pair_of_equal_length(&mut hub.random);
        hub.broadcast_carried(slot, &real, |_| match round {
            2 => Carriage::ForgedBefore(forged.clone()),
            4 => Carriage::ForgedAfter(forged.clone()),
            _ => Carriage::Plain,
        });
        let slot = hub.slot(begin);
        let answer = hub.device.response(id::GRID_POWER);
        hub.broadcast(slot, &answer);
    }
    hub.leave(at(61_000), client);
    hub.record()
}

/// A true and a false answer that take the same room on the wire.
fn pair_of_equal_length(random: &mut Random) -> (Vec<u8>, Vec<u8>) {
    let forged = response(id::BATTERY_SOC, &0.97f32.to_be_bytes());
    loop {
        let real = response(id::BATTERY_SOC, &(0.3 + random.fraction() * 0.05).to_be_bytes());
        if real.len() == forged.len() {
            return (real, forged);
        }
    }
}
