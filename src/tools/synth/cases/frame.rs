//! Cases of single frames, and of bytes that are none.

use super::Variant;
use super::scene::{A, Scene};
use crate::anomaly::Code;
use crate::rct::Command;
use crate::rct::crc::checksum;
use crate::rct::encode::{self, ESCAPE, START};
use crate::tools::synth::device::id;
use crate::tools::synth::frames::{Request, lying, response, separated, with_bad_crc};

const KEEP_ALIVE: &[u8] = b"AT+\r";
const BOOTLOADER: [u8; 4] = [0x50, 0xf7, 0x05, 0xab];
const PROTOCOL_SWITCH: [u8; 3] = [0x2b, 0x3c, 0xe1];
const JUNK: [u8; 4] = [0xde, 0xad, 0xbe, 0xef];

fn soc() -> [u8; 4] {
    0.298_f32.to_be_bytes()
}

pub(super) fn scene(code: Code, variant: Variant) -> Scene {
    let shows = variant == Variant::Shows;
    let good = response(id::BATTERY_SOC, &soc());
    match code {
        Code::CrcMismatch if shows => asked_and_told(&with_bad_crc(id::BATTERY_SOC, &soc(), 0x1111)),
        Code::CrcMismatch => asked_and_told(&lying(Command::RESPONSE, 24, id::BATTERY_SOC, &soc())),
        Code::LengthLie if shows => asked_and_told(&lying(Command::RESPONSE, 24, id::BATTERY_SOC, &soc())),
        // Longer on the wire than its length says, because of the escapes.
        Code::LengthLie => asked_and_told(&response(id::BATTERY_SOC, &[0x3e, START, ESCAPE, START])),
        Code::Truncated => truncated(shows, &good),
        Code::UnknownCommand => {
            let command = if shows { Command(0x07) } else { Command(0x45) };
            let address = command.is_plant().then_some(2);
            asked_and_told(&good).tell(200, &separated(command, address, id::BATTERY_SOC, &soc()))
        }
        Code::Junk if shows => asked_and_told(&[&JUNK, &*good].concat()),
        Code::Junk => asked_and_told(&[&[0], &*good].concat()),
        Code::StuckRemainder => remainder(shows, &good),
        Code::RawCrc => {
            let read = Request::read(id::DISPLAY_DIRECTION);
            let bytes = if shows { read.bytes_with_raw_crc() } else { read.bytes() };
            Scene::new(1).ask(10, A, &bytes).answer(60, id::DISPLAY_DIRECTION, &[0]).close(400)
        }
        Code::BadEscape if shows => asked_and_told(&with_needless_escape()),
        Code::BadEscape => asked_and_told(&response(id::BATTERY_SOC, &[0x3e, ESCAPE, ESCAPE, 0])),
        Code::BridgeNoise if shows => asked_and_told(&good).tell(200, &[START; 6]).close(400),
        Code::BridgeNoise => asked_and_told(&[&[START], &good[1..]].concat()),
        Code::Bootloader if shows => asked_and_told(&good).tell(200, &BOOTLOADER).close(400),
        Code::Bootloader => held(&BOOTLOADER),
        Code::KeepAlive if shows => asked_and_told(&good).ask(200, A, KEEP_ALIVE).close(400),
        Code::KeepAlive => held(KEEP_ALIVE),
        _ if shows => {
            let read = Request::read(id::BATTERY_SOC).bytes();
            Scene::new(1).ask(10, A, &[&PROTOCOL_SWITCH, &*read].concat()).tell(60, &good).close(400)
        }
        _ => held(&PROTOCOL_SWITCH),
    }
}

/// A READ of the state of charge, and these bytes 50 ms later.
fn asked_and_told(bytes: &[u8]) -> Scene {
    Scene::new(1).read(10, A, id::BATTERY_SOC).tell(60, bytes)
}

/// A text whose value is these bytes: what is no frame elsewhere is part of one here.
fn held(bytes: &[u8]) -> Scene {
    Scene::new(1).read(10, A, id::LOAD_PROFILE).answer(60, id::LOAD_PROFILE, bytes).close(400)
}

/// An answer of which the second half never comes, and the next one; or an answer in two packets.
fn truncated(shows: bool, good: &[u8]) -> Scene {
    let (head, tail) = good.split_at(9);
    if shows {
        return asked_and_told(head).read(200, A, id::BATTERY_SOC).tell(260, good).close(400);
    }
    asked_and_told(head).tell(90, tail).close(400)
}

/// Behind an answer its last six bytes come again, in front of the next one; or the whole of it does.
fn remainder(shows: bool, good: &[u8]) -> Scene {
    let again = if shows { &good[good.len() - 6..] } else { good };
    let next = response(id::BATTERY_POWER, &(-1500_f32).to_be_bytes());
    asked_and_told(good).read(200, A, id::BATTERY_POWER).tell(260, &[again, &next].concat()).close(400)
}

/// An answer with an escape byte in front of a byte that needs none.
fn with_needless_escape() -> Vec<u8> {
    let mut body = vec![Command::RESPONSE.0, 8];
    body.extend(id::BATTERY_SOC.0.to_be_bytes());
    let mut out = vec![0, START];
    encode::escape(&mut out, &body);
    out.push(ESCAPE);
    out.extend(soc());
    body.extend(soc());
    encode::escape(&mut out, &checksum(&body).to_be_bytes());
    out
}
