//! Cases of values: payloads that are too short, too long, or not what their object can hold.

use super::Variant;
use super::scene::{A, Scene};
use crate::anomaly::Code;
use crate::object::ObjectId;
use crate::rct::Command;
use crate::tools::synth::device::id;
use crate::tools::synth::frames::{Request, declared, long_response, lying, response, with_bad_crc};

/// Not in the registry.
const NOBODYS: ObjectId = ObjectId(0xdead_beef);
/// `wifi.password`
const PASSWORD: ObjectId = ObjectId(0x14c0_e627);
/// 2025-03-17 21:00:00 on the device's clock.
const ASKED: u32 = 1_742_245_200;
/// Five minutes.
const STEP: u32 = 300;

pub(super) fn scene(code: Code, variant: Variant) -> Scene {
    let shows = variant == Variant::Shows;
    let either = |this: &'static [u8], near: &'static [u8]| if shows { this } else { near };
    match code {
        Code::PayloadShort if shows => read(id::BATTERY_POWER, &[0xc4, 0xbc]),
        // A text may have any length.
        Code::PayloadShort => read(id::LOAD_PROFILE, b"ab"),
        Code::PayloadLong => read(id::BATTERY_POWER, either(&[0xc4, 0xbc, 0, 0, 0, 0], &[0xc4, 0xbc, 0, 0])),
        Code::MalformedWrite => {
            let payload = either(&[0x42, 0xb4], &[0x42, 0xb4, 0, 0]);
            let written = Scene::new(1).write(10, A, id::SWITCH_OFF_DELAY, payload);
            written.answer(60, id::SWITCH_OFF_DELAY, &[0x42, 0xb4, 0, 0]).close(900)
        }
        Code::ForeignPayload => foreign(shows),
        Code::SeriesCut => cut(shows),
        Code::SeriesMismatch => {
            let echoed = if shows { ASKED - 86_400 } else { ASKED };
            asked().tell(70, &long_response(id::SOC_HISTORY, &history(echoed, &[0, 1, 2]))).close(900)
        }
        Code::SeriesDisorder => {
            let steps: &[u32] = if shows { &[0, 2, 1] } else { &[0, 1, 1] };
            asked().tell(70, &long_response(id::SOC_HISTORY, &history(ASKED, steps))).close(900)
        }
        Code::UnknownObject => read(if shows { NOBODYS } else { id::BATTERY_POWER }, &[0x47, 0, 0, 0]),
        Code::UnknownEnum => read(id::INVERTER_STATE, either(&[200], &[13])),
        Code::UnknownBit => read(id::BATTERY_STATUS, either(&[0x40, 0, 0, 0], &[0, 0, 0x04, 0x08])),
        Code::NotFinite => read(id::BATTERY_POWER, either(&[0x7f, 0xc0, 0, 0], &[0x7f, 0x7f, 0xff, 0xff])),
        Code::OutOfRange => read(id::BATTERY_SOC, either(&[0x42, 0x81, 0, 0], &[0x3f, 0x80, 0, 1])),
        Code::RatioExceeded => read(id::BATTERY_SOC, either(&[0x3f, 0x80, 0, 1], &[0x3f, 0x80, 0, 0])),
        Code::StringTail => read(id::LOAD_PROFILE, either(b"house\0\0\0old text", b"house\0\0\0\0\0\0\0\0\0\0\0")),
        _ if shows => read(PASSWORD, b"correct horse\0\0\0"),
        _ => Scene::new(1).read(10, A, PASSWORD).close(900),
    }
}

/// A READ and the value that comes back.
fn read(object: ObjectId, payload: &[u8]) -> Scene {
    Scene::new(1).read(10, A, object).tell(60, &response(object, payload)).close(900)
}

/// A question about the history of the state of charge.
fn asked() -> Scene {
    Scene::new(1).write(10, A, id::SOC_HISTORY, &ASKED.to_be_bytes())
}

/// A history: the time asked for, then a point for each step into the past.
fn history(echoed: u32, steps: &[u32]) -> Vec<u8> {
    let mut payload = echoed.to_be_bytes().to_vec();
    for step in steps {
        payload.extend((ASKED - STEP * step).to_be_bytes());
        payload.extend(0.3_f32.to_be_bytes());
    }
    payload
}

/// The CRC is wrong, and in the payload stands another client's READ; or a few bytes that only begin like one.
fn foreign(shows: bool) -> Scene {
    let mut payload = b"2.3.5685".to_vec();
    let strange = Request::read(id::ENERGY_DAY).bytes();
    payload.extend(if shows { &strange[..] } else { &strange[..5] });
    payload.extend([0; 4]);
    Scene::new(1)
        .read(10, A, id::SOFTWARE_VERSION)
        .tell(60, &with_bad_crc(id::SOFTWARE_VERSION, &payload, 0x2222))
        .close(900)
}

/// Three points where the length field says forty; or a length field that is right, at the end of the history.
fn cut(shows: bool) -> Scene {
    let full = asked().tell(70, &long_response(id::SOC_HISTORY, &history(ASKED, &[0, 1, 2, 3, 4, 5, 6, 7])));
    let payload = history(ASKED - 8 * STEP, &[8, 9, 10]);
    let length = if shows { declared(4 + 8 * 40) } else { declared(payload.len()) };
    full.write(500, A, id::SOC_HISTORY, &(ASKED - 8 * STEP).to_be_bytes())
        .tell(570, &lying(Command::LONG_RESPONSE, length, id::SOC_HISTORY, &payload))
        .close(900)
}
