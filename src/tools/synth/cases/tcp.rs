//! Cases of TCP: bytes that are missing, that come twice, or that somebody else sent.

use super::Variant;
use super::scene::{A, Scene, ack, flags, from_device, made_up, payload, pcap, seq};
use crate::anomaly::Code;
use crate::time::Timestamp;
use crate::tools::synth::device::id;
use crate::tools::synth::frames::response;
use crate::tools::synth::network::{Captured, Carriage};
use crate::tools::synth::wire::{ACK, PSH, RST, SYN};
use std::time::Duration;

/// Data of one of the segments that fill the memory for what waits: as much as an IP packet holds.
const LARGE: usize = 65_000;
/// So many of them are more than a direction may hold back; half of them are not.
const TOO_MANY: u32 = 66;

pub(super) fn file(code: Code, variant: Variant) -> Vec<u8> {
    let shows = variant == Variant::Shows;
    let packets = match code {
        Code::Midstream => midstream(shows),
        Code::Gap if shows => answered(Carriage::Uncaptured),
        Code::Gap => answered(Carriage::Late(Duration::from_millis(70))),
        Code::Retransmission if shows => {
            answered(Carriage::Resent { after: Duration::from_millis(300), reach_back: 0 })
        }
        Code::Retransmission => captured_twice(),
        Code::OverlapConflict if shows => answered(Carriage::ForgedAfter(response(id::BATTERY_SOC, &[0x3f, 0, 0, 0]))),
        Code::OverlapConflict => answered(Carriage::Resent { after: Duration::from_millis(300), reach_back: 0 }),
        Code::OneSided => one_sided(shows),
        Code::Reset => reset(shows),
        Code::SuspiciousReset => forged_reset(if shows { 1 << 30 } else { 0 }, false),
        Code::DataAfterReset => forged_reset(0, shows),
        Code::StraySegment => stray(shows),
        Code::BadChecksum => bad_checksum(shows),
        _ => limit(shows),
    };
    pcap(&packets)
}

fn soc() -> [u8; 4] {
    0.298_f32.to_be_bytes()
}

/// Two READs with their answers; the first answer meets with `carriage`.
fn answered(carriage: Carriage) -> Vec<Captured> {
    Scene::new(1)
        .read(10, A, id::BATTERY_SOC)
        .tell_carried(60, &response(id::BATTERY_SOC, &soc()), carriage)
        .read(100, A, id::IS_GRID)
        .answer(150, id::IS_GRID, &[1])
        .close(800)
        .packets()
}

/// Where the data packets of one side are.
fn data(packets: &[Captured], by_device: bool) -> Vec<usize> {
    let is_data = |packet: &Captured| from_device(packet) == by_device && !payload(packet).is_empty();
    (0..packets.len()).filter(|at| is_data(&packets[*at])).collect()
}

fn later(packet: &Captured, by: Duration) -> Timestamp {
    packet.ts.saturating_add(by)
}

/// The handshake is missing; or only its first packet is.
fn midstream(shows: bool) -> Vec<Captured> {
    let packets = answered(Carriage::Plain);
    packets[if shows { 3 } else { 1 }..].to_vec()
}

/// A packet that the tap saw twice.
fn captured_twice() -> Vec<Captured> {
    let mut packets = answered(Carriage::Plain);
    let answer = data(&packets, true)[0];
    let again = Captured { ts: later(&packets[answer], Duration::from_micros(20)), ..packets[answer].clone() };
    packets.insert(answer + 1, again);
    packets
}

/// Nothing of the client was captured; or of the device nothing but acknowledgments, because it does not answer.
fn one_sided(shows: bool) -> Vec<Captured> {
    if shows {
        return answered(Carriage::Plain).into_iter().filter(from_device).collect();
    }
    Scene::new(1).read(10, A, id::BATTERY_SOC).close(800).packets()
}

/// The client resets while it waits; or when it has its answer.
fn reset(shows: bool) -> Vec<Captured> {
    let scene = Scene::new(1).read(10, A, id::BATTERY_SOC);
    if shows {
        return scene.reset(40, A).packets();
    }
    scene.answer(60, id::BATTERY_SOC, &soc()).reset(100, A).packets()
}

/// After the first answer comes an RST so far ahead of its place; then the client goes on, or not.
fn forged_reset(ahead: u32, goes_on: bool) -> Vec<Captured> {
    let mut packets = answered(Carriage::Plain);
    let answer = data(&packets, true)[0];
    let acknowledgment = answer + 1;
    let (at, numbers) = {
        let last = &packets[acknowledgment];
        (later(last, Duration::from_millis(5)), (seq(last).advanced(ahead), ack(last)))
    };
    packets.insert(acknowledgment + 1, made_up(at, false, numbers, RST | ACK, &[]));
    if ahead == 0 && !goes_on {
        packets.truncate(acknowledgment + 2);
    }
    packets
}

/// Data 32 MiB ahead of the stream; or data that overtakes what is before it.
fn stray(shows: bool) -> Vec<Captured> {
    if !shows {
        return answered(Carriage::Late(Duration::from_millis(70)));
    }
    let mut packets = answered(Carriage::Plain);
    let answer = data(&packets, true)[0];
    let (at, numbers) = {
        let answer = &packets[answer];
        (later(answer, Duration::from_micros(40)), (seq(answer).advanced(32 << 20), ack(answer)))
    };
    packets.insert(answer + 1, made_up(at, true, numbers, PSH | ACK, b"stray"));
    packets
}

/// One segment's checksum is wrong and it is sent again; or all are, as where a network card fills them in later.
fn bad_checksum(shows: bool) -> Vec<Captured> {
    let again = Carriage::Resent { after: Duration::from_millis(30), reach_back: 0 };
    let scene = Scene::new(1).read(10, A, id::IS_GRID).answer(60, id::IS_GRID, &[1]).read(100, A, id::BATTERY_SOC);
    let mut packets = scene.tell_carried(150, &response(id::BATTERY_SOC, &soc()), again).close(800).packets();
    // The first answer was right: only then does a wrong checksum mean something.
    let answer = data(&packets, true)[1];
    for (at, packet) in packets.iter_mut().enumerate() {
        if !shows || at == answer {
            packet.data[50] ^= 0x55;
        }
    }
    if shows {
        // Damage on the way: what the checksum is there to find.
        let last = packets[answer].data.len() - 1;
        packets[answer].data[last] ^= 0x10;
    }
    packets
}

/// Behind a hole more comes than may be held back; or half of that, before the hole is filled.
fn limit(shows: bool) -> Vec<Captured> {
    let mut packets = answered(Carriage::Plain);
    packets.truncate(packets.iter().position(|p| flags(p) & SYN == 0).map_or(3, |at| at + 1));
    let established = packets[2].clone();
    let (first, expects) = (seq(&established), ack(&established));
    let mut at = established.ts;
    // Bytes that are no frame and no separator.
    let filling = vec![0x11; LARGE];
    let step = u32::try_from(LARGE).unwrap_or(0);
    for number in 0..if shows { TOO_MANY } else { TOO_MANY / 2 } {
        at = at.saturating_add(Duration::from_micros(500));
        packets.push(made_up(at, true, (expects.advanced(9 + number * step), first), PSH | ACK, &filling));
    }
    if !shows {
        at = at.saturating_add(Duration::from_micros(500));
        packets.push(made_up(at, true, (expects, first), PSH | ACK, &[0x11; 9]));
    }
    packets
}
