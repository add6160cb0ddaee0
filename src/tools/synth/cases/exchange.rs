//! Cases of the dialogue: who asked what, who answered, and when.

use super::Variant;
use super::scene::{A, B, Client, Scene};
use crate::anomaly::Code;
use crate::object::ObjectId;
use crate::rct::Command;
use crate::tools::synth::device::id;
use crate::tools::synth::frames::{Request, batch, declared, lying, separated};

/// What the device answers about a history: the time asked for, and two points.
const HISTORY: [u8; 20] =
    [0x67, 0xd8, 0x8d, 0xd0, 0x67, 0xd8, 0x8d, 0xd0, 0x3e, 0x99, 0, 0, 0x67, 0xd8, 0x8c, 0xa4, 0x3e, 0x9a, 0, 0];

pub(super) fn scene(code: Code, variant: Variant) -> Scene {
    let shows = variant == Variant::Shows;
    match code {
        Code::Unanswered => unanswered(shows),
        Code::Retry => retry(shows),
        Code::LateResponse => one(10).answer(if shows { 6_500 } else { 4_500 }, id::BATTERY_SOC, &soc(1)).close(9_000),
        Code::DuplicateResponse => duplicate(shows),
        Code::ForeignResponse => foreign(shows),
        Code::Unsolicited => unsolicited(shows),
        Code::Echo => echo(shows),
        Code::DeviceWrite => device_write(shows),
        Code::WrongCommand => {
            let asked = Scene::new(1).write(10, A, id::SOC_HISTORY, &HISTORY[..4]);
            let command = if shows { Command::RESPONSE } else { Command::LONG_RESPONSE };
            asked.tell(70, &lying(command, declared(HISTORY.len()), id::SOC_HISTORY, &HISTORY)).close(9_000)
        }
        Code::WriteUnconfirmed => {
            let written = Scene::new(1).write(10, A, id::SWITCH_OFF_DELAY, &90_f32.to_be_bytes());
            if shows { written } else { written.answer(70, id::SWITCH_OFF_DELAY, &90_f32.to_be_bytes()) }.close(9_000)
        }
        Code::CompetingWrites => competing(shows),
        Code::SensitiveWrite => sensitive(shows),
        Code::Overload => overload(shows),
        _ => crowd(if shows { 6 } else { 5 }),
    }
}

fn soc(number: u8) -> [u8; 4] {
    [0x3e, 0x99, 0, number]
}

/// One client that asks for the state of charge.
fn one(ms: u64) -> Scene {
    Scene::new(1).read(ms, A, id::BATTERY_SOC)
}

/// No answer while the device answers something else six seconds later; or the capture ends before that.
fn unanswered(shows: bool) -> Scene {
    if !shows {
        return one(10).close(3_000);
    }
    let other = one(10).read(6_000, A, id::IS_GRID).answer(6_060, id::IS_GRID, &[1]);
    other.close(9_000)
}

/// Asked again after six seconds without an answer; or six seconds after the answer.
fn retry(shows: bool) -> Scene {
    let first = if shows { one(10) } else { one(10).answer(60, id::BATTERY_SOC, &soc(1)) };
    first.read(6_000, A, id::BATTERY_SOC).answer(6_060, id::BATTERY_SOC, &soc(2)).close(9_000)
}

/// Two values for one READ; or for two.
fn duplicate(shows: bool) -> Scene {
    let scene = one(10).answer(60, id::BATTERY_SOC, &soc(1));
    let scene = if shows { scene } else { scene.read(80, A, id::BATTERY_SOC) };
    scene.answer(140, id::BATTERY_SOC, &soc(2)).close(900)
}

/// The second client's answer comes while the first waits for something else; or when it has what it asked for.
fn foreign(shows: bool) -> Scene {
    let (power, charge) = (1500_f32.to_be_bytes(), soc(1));
    let scene = Scene::new(2);
    if shows {
        let asked = scene.read(10, B, id::BATTERY_POWER).read(30, A, id::BATTERY_SOC);
        return asked.answer(70, id::BATTERY_POWER, &power).answer(130, id::BATTERY_SOC, &charge).close(900);
    }
    let first = scene.read(10, A, id::BATTERY_SOC).answer(70, id::BATTERY_SOC, &charge);
    first.read(100, B, id::BATTERY_POWER).answer(160, id::BATTERY_POWER, &power).close(900)
}

/// An answer out of the blue; or of a value that somebody subscribed to.
fn unsolicited(shows: bool) -> Scene {
    let scene = one(10).answer(60, id::BATTERY_SOC, &soc(1));
    let power = 1500_f32.to_be_bytes();
    let scene = if shows {
        scene
    } else {
        let subscribed = scene.ask(100, A, &Request::subscribe(id::BATTERY_POWER).bytes());
        subscribed.answer(160, id::BATTERY_POWER, &power)
    };
    scene.answer(2_160, id::BATTERY_POWER, &power).close(2_500)
}

/// The device sends the READ back before it answers; or a second client asks the same.
fn echo(shows: bool) -> Scene {
    if shows {
        let read = separated(Command::READ, None, id::BATTERY_SOC, &[]);
        return one(10).tell(30, &read).answer(60, id::BATTERY_SOC, &soc(1)).close(900);
    }
    let both = Scene::new(2).read(10, A, id::BATTERY_SOC).read(12, B, id::BATTERY_SOC);
    both.answer(60, id::BATTERY_SOC, &soc(1)).answer(120, id::BATTERY_SOC, &soc(1)).close(900)
}

/// The device sends a WRITE to its fellows; or a client does.
fn device_write(shows: bool) -> Scene {
    let scene = one(10).answer(60, id::BATTERY_SOC, &soc(1));
    if shows {
        return scene.tell(500, &separated(Command::WRITE, None, id::NET_PACKAGE, &[1; 36])).close(900);
    }
    let delay = 90_f32.to_be_bytes();
    scene.write(500, A, id::SWITCH_OFF_DELAY, &delay).answer(560, id::SWITCH_OFF_DELAY, &delay).close(900)
}

/// Two hosts write different values within a second; or the same one.
fn competing(shows: bool) -> Scene {
    let (one, other) = (60_f32.to_be_bytes(), if shows { 90_f32 } else { 60_f32 }.to_be_bytes());
    let delay = id::SWITCH_OFF_DELAY;
    let first = Scene::new(2).write(10, A, delay, &one).answer(60, delay, &one);
    first.write(1_000, B, delay, &other).answer(1_060, delay, &other).close(1_500)
}

/// A value that decides over the battery is written after it was read; or only read.
fn sensitive(shows: bool) -> Scene {
    let (old, new) = (0.07_f32.to_be_bytes(), 0.2_f32.to_be_bytes());
    let read = Scene::new(1).read(10, A, id::SOC_MIN).answer(60, id::SOC_MIN, &old);
    if shows {
        return read.write(500, A, id::SOC_MIN, &new).answer(560, id::SOC_MIN, &new).close(900);
    }
    read.read(500, A, id::SOC_MIN).answer(560, id::SOC_MIN, &old).close(900)
}

/// So many different objects, in the order of their ids.
fn objects(count: u32) -> Vec<ObjectId> {
    crate::tools::synth::device::OBJECTS
        .iter()
        .map(|(object, _)| *object)
        .take(usize::try_from(count).unwrap_or(0))
        .collect()
}

/// Three goes of 24 READs within five seconds, of which the device answers two a second; or one go, answered in two.
fn overload(shows: bool) -> Scene {
    let objects = objects(24);
    let requests: Vec<Request> = objects.iter().copied().map(Request::read).collect();
    let go = batch(&requests);
    let mut scene = Scene::new(1).ask(10, A, &go);
    if shows {
        scene = scene.ask(2_500, A, &go).ask(4_900, A, &go).ask(5_060, A, &requests[0].bytes());
    }
    let pace = if shows { 500 } else { 80 };
    let answered = objects.iter().take(if shows { 9 } else { 24 });
    for (number, object) in (1u64..).zip(answered) {
        scene = scene.answer(10 + pace * number, *object, &[0; 4]);
    }
    scene.close(5_500)
}

/// So many clients at once, each with a READ.
fn crowd(clients: u8) -> Scene {
    (0..usize::from(clients)).fold(Scene::new(clients), |scene, number| {
        let ms = 100 * u64::try_from(number + 1).unwrap_or(1);
        scene.read(ms, Client(number), id::BATTERY_SOC)
    })
}
