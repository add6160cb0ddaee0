//! What is wrong with a frame itself, or with the value it carries.

use super::context::Context;
use super::exchange::Sighting;
use super::nature::Nature;
use super::outcome::{About, Found, Outbox};
use super::secrets;
use crate::anomaly::Code;
use crate::object::ObjectId;
use crate::rct::registry::{DataType, Object, Registry};
use crate::rct::value::{Form, Problem, decode};
use crate::rct::{Command, Escaping, FrameStatus, Framer, Item, StreamEnd};
use crate::short::Short;

/// What is wrong with a client's request, seen once per frame.
pub(super) fn judge_request(frame: &Sighting, nature: &Nature, found: &mut Found, context: &mut Context) {
    if !nature.is_known {
        found.push(context.out.anomaly(Code::UnknownObject, About::frame(frame), "not in the registry"));
    }
    if frame.command.is_write() {
        judge_write(frame, found, context);
    }
}

#[inline(never)]
fn judge_write(frame: &Sighting, found: &mut Found, context: &mut Context) {
    secrets::judge_write(frame, found, context);
    let object = context.registry.get(frame.object_id);
    let decoded = decode(&context.registry, object, Form::Request, &frame.payload);
    let wrong_size = decoded.problems.iter().find_map(|problem| match problem {
        Problem::Short { needed, found } | Problem::Long { needed, found } => Some((*needed, *found)),
        _ => None,
    });
    if let Some((needed, there)) = wrong_size {
        let message = format!("the client wrote {there} bytes to an object of {needed}");
        found.push(context.out.anomaly(Code::MalformedWrite, About::frame(frame), message));
    }
}

/// Whether there is nothing to say of a right frame with this command and payload that the device sends.
#[inline]
pub(super) fn is_plain_response(command: Command, payload: &Short, nature: &Nature) -> bool {
    command.base() == Command::RESPONSE && nature.is_plain(payload)
}

/// What is wrong with a device's frame, once per frame on the line, however many copies there are.
pub(super) fn judge_response(frame: &Sighting, nature: &Nature, context: &mut Context) -> Found {
    let is_plain = |payload: Short| is_plain_response(frame.command, &payload, nature);
    if is_faultless(frame) && Short::of(&frame.payload).is_some_and(is_plain) {
        return Found::new();
    }
    let mut found = judge_frame(frame, context);
    secrets::judge_write(frame, &mut found, context);
    if frame.crc_ok() && frame.command.is_response() {
        judge_value(frame, &mut found, context);
    } else if let Some(request) = foreign_request(&frame.payload) {
        let message = format!("the payload holds another client's READ of {}", name(&context.registry, request));
        found.push(context.out.anomaly(Code::ForeignPayload, About::frame(frame), message));
    }
    found
}

/// Whether there is nothing to say of the frame as such.
fn is_faultless(frame: &Sighting) -> bool {
    frame.status == FrameStatus::Ok && !frame.bad_escape && frame.command.is_known()
}

/// What is wrong with the frame as such.
#[inline]
pub(super) fn judge_frame(frame: &Sighting, context: &mut Context) -> Found {
    if is_faultless(frame) { Found::new() } else { faults(frame, context) }
}

#[cold]
fn faults(frame: &Sighting, context: &mut Context) -> Found {
    let mut found = Found::new();
    let mut add = |code, message: String| found.push(context.out.anomaly(code, About::frame(frame), message));
    match frame.status {
        FrameStatus::Ok => {}
        _ if frame.capture_incomplete => {}
        FrameStatus::LengthLie => {
            add(Code::LengthLie, format!("declares {} bytes, has {}", frame.declared_length, frame.real_length));
        }
        FrameStatus::CrcMismatch => {
            let read = frame.crc_read.unwrap_or_default();
            add(Code::CrcMismatch, format!("CRC {read:04x} in the frame, {:04x} by its bytes", frame.crc_computed));
        }
        FrameStatus::Truncated => {
            add(Code::Truncated, format!("declares {} bytes, has {}", frame.declared_length, frame.real_length));
        }
    }
    // In a damaged frame it is part of the damage, and a sender that escapes nothing is told of as such.
    if frame.bad_escape && frame.crc_ok() && frame.escaping != Escaping::None {
        add(Code::BadEscape, "`2d` in front of a byte that needs no escape; the CRC fits without it".into());
    }
    if !frame.command.is_known() {
        add(Code::UnknownCommand, format!("command {} is not known", frame.command));
    }
    found
}

fn judge_value(frame: &Sighting, found: &mut Found, context: &mut Context) {
    let Some(object) = context.registry.get(frame.object_id) else { return };
    secrets::judge(object, frame, found, &mut context.out);
    judge_command(object, frame, found, &mut context.out);
    let decoded = decode(&context.registry, Some(object), Form::Response, &frame.payload);
    for problem in &decoded.problems {
        let is_table = object.response_type.is_table();
        let (code, message) = match problem {
            Problem::Short { needed, found } if is_table => {
                (Code::SeriesCut, format!("{found} bytes, not {needed}: the table ends inside a row"))
            }
            Problem::Short { needed, found } => (
                Code::PayloadShort,
                format!("{found} of {needed} bytes; the CRC is valid, so the device itself cut the answer"),
            ),
            Problem::Long { needed, found } => (Code::PayloadLong, format!("{found} bytes where {needed} are needed")),
            Problem::UnknownEnum(number) => (Code::UnknownEnum, format!("value {number} has no name")),
            Problem::UnknownBit(bit) => (Code::UnknownBit, format!("bit {bit} has no name")),
            Problem::NotFinite => (Code::NotFinite, "NaN or infinity, no number".into()),
            Problem::Denormal => (Code::NotFinite, "a denormal float: an integer, rather".into()),
            Problem::RatioExceeded => (Code::RatioExceeded, "a ratio outside 0..1".into()),
            Problem::OutOfRange => (Code::OutOfRange, "no ratio: below -2 or above 2".into()),
            Problem::StringTail => (Code::StringTail, "bytes behind the end of the text".into()),
            Problem::SeriesDisorder => (Code::SeriesDisorder, "rows not in descending time".into()),
        };
        found.push(context.out.anomaly(code, About::frame(frame), message));
    }
}

/// Histories and the event table come as LONG_RESPONSE, everything else as RESPONSE.
fn judge_command(object: &Object, frame: &Sighting, found: &mut Found, out: &mut Outbox) {
    let is_table = object.response_type.is_table();
    if frame.command.is_long() != is_table && object.response_type != DataType::Unknown {
        let (due, what) = if is_table { ("LONG_RESPONSE", "a table") } else { ("RESPONSE", "a single value") };
        let message = format!("{} for {}, which is {what}: {due} is due", frame.command, object.name);
        found.push(out.anomaly(Code::WrongCommand, About::frame(frame), message));
    }
}

/// The object of a whole request frame inside a payload.
fn foreign_request(payload: &[u8]) -> Option<ObjectId> {
    let mut framer = Framer::midstream();
    framer.push(payload);
    framer.finish(StreamEnd::Closed);
    while let Some(item) = framer.next_item() {
        if let Item::Frame(frame) = item
            && frame.crc_ok()
            && matches!(frame.command.base(), Command::READ | Command::WRITE | Command::READ_PERIODICALLY)
        {
            return Some(frame.object_id);
        }
    }
    None
}

/// The object's name, or its id where it has none.
pub(super) fn name(registry: &Registry, object_id: ObjectId) -> String {
    registry.get(object_id).map_or_else(|| object_id.to_string(), |object| object.name.clone())
}
