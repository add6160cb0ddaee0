//! Attacks by what is said: on what is kept of requests, answers and objects.

use super::{BATTERY_SOC, Forge, Way, client, dialogue, request, to_another_device, unknown};
use crate::object::ObjectId;
use crate::rct::Command;
use crate::tools::synth::frames;
use crate::tools::synth::wire::{ACK, PSH};
use std::io;
use std::time::Duration;

/// Frames in one connection, some in each segment.
fn flood(forge: &mut Forge<'_>, mut way: Way, count: u32, mut frame: impl FnMut(u32) -> Vec<u8>) -> io::Result<()> {
    const TOGETHER: u32 = 50;
    let mut segment = Vec::new();
    for n in 0..count {
        segment.extend(frame(n));
        if n % TOGETHER == TOGETHER - 1 || n == count - 1 {
            forge.send(&mut way, PSH | ACK, &segment)?;
            segment.clear();
        }
    }
    Ok(())
}

pub(super) fn request_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    forge.step = Duration::from_micros(500);
    let way = forge.open(client(0))?;
    flood(forge, way, count, |n| request(Command::READ, unknown(n)))
}

pub(super) fn anomaly_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let way = forge.open(client(0))?.back();
    flood(forge, way, count, |n| frames::with_bad_crc(BATTERY_SOC, &n.to_be_bytes(), 0x1234))
}

pub(super) fn object_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    answered(forge, count, Command::READ)
}

pub(super) fn subscription_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    answered(forge, count, Command::READ_PERIODICALLY)
}

/// Requests for objects that do not exist, each answered at once.
fn answered(forge: &mut Forge<'_>, count: u32, command: Command) -> io::Result<()> {
    let mut way = forge.open(client(0))?;
    (0..count).try_for_each(|n| {
        let answer = frames::response(unknown(n), &n.to_be_bytes());
        dialogue(forge, &mut way, &request(command, unknown(n)), &answer)
    })
}

pub(super) fn known_objects(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    const TOGETHER: u32 = 50;
    for (device, first) in (0..count).step_by(8_000).enumerate() {
        let mut way = forge.open(to_another_device(u32::try_from(device).unwrap_or(0)))?;
        for n in (first..count.min(first + 8_000)).step_by(TOGETHER as usize) {
            let ids = (n..count.min(n + TOGETHER)).map(unknown);
            let asked: Vec<u8> = ids.clone().flat_map(|id| request(Command::READ, id)).collect();
            let answers: Vec<u8> = ids.flat_map(|id| frames::response(id, &id.0.to_be_bytes())).collect();
            dialogue(forge, &mut way, &asked, &answers)?;
        }
    }
    Ok(())
}

pub(super) fn answer_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    let mut ways = Vec::new();
    for n in 0..8 {
        ways.push(forge.open(to_another_device(n))?);
    }
    for (n, at) in (0..count).zip((0..ways.len()).cycle()) {
        let answer = frames::long_response(unknown(n), &n.to_be_bytes().repeat(15_000));
        dialogue(forge, &mut ways[at], &request(Command::READ, unknown(n)), &answer)?;
    }
    Ok(())
}

pub(super) fn write_flood(forge: &mut Forge<'_>, count: u32) -> io::Result<()> {
    /// `power_mng.schedule[0]`, a text.
    const SCHEDULE: ObjectId = ObjectId(0x011f_41db);
    let mut way = forge.open(client(0))?;
    for n in 0..count {
        let payload = format!("{n:08}").repeat(7_500).into_bytes();
        let write = frames::Request { command: Command::LONG_WRITE, ..frames::Request::write(SCHEDULE, &payload) };
        let write = write.with_address(n / 2);
        let answer = frames::separated(Command(Command::RESPONSE.0 | 0x40), write.address, SCHEDULE, b"0000");
        dialogue(forge, &mut way, &write.bytes(), &answer)?;
    }
    Ok(())
}
