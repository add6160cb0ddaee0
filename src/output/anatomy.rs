//! A frame byte by byte, for people: what each byte is for, what the value says, and what is wrong.
//!
//! Knows frames, values and columns. Knows nothing of where the bytes came from.

use super::cell::{MASKED, Reader};
use super::secrecy;
use super::style::{self, Style, display_width, push_blanks};
use super::time_text;
use super::value_text;
use crate::anomaly::{Code, Severity};
use crate::rct::registry::{Object, Registry};
use crate::rct::value::{Decoded, Form, Problem, Value, candidates, decode};
use crate::rct::{Escaping, Frame, FrameStatus};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Bytes in a line.
const ROW: usize = 8;
/// Lines of bytes of one part; the rest is counted.
const ROWS: usize = 24;
/// Columns of the names of the parts.
const NAME: usize = 8;
/// `2d`: the next byte stands for itself.
const ESCAPE: u8 = 0x2d;

/// How to draw a frame.
#[derive(Clone, Copy, Debug)]
pub struct Drawing<'a> {
    /// The objects.
    pub registry: &'a Registry,
    /// Columns to fill.
    pub width: usize,
    /// Whether in colour.
    pub style: Style,
    /// Hide the values of objects marked `secret`, and the bytes they are made of.
    pub mask_secrets: bool,
}

/// Bytes that belong together, as on the wire, and what they are.
struct Part<'a> {
    wire: &'a [u8],
    name: &'static str,
    meaning: String,
}

/// What is wrong with a frame: the code that a capture would be given, and a clause.
pub type Finding = (Code, String);

impl Drawing<'_> {
    /// Writes the parts of `frame`, one or more lines each, then what is wrong.
    pub fn frame(&self, out: &mut dyn Write, frame: &Frame<'_>) -> io::Result<()> {
        let object = self.registry.get(frame.object_id);
        let decoded = decode(self.registry, object, form(frame), frame.payload);
        let hidden = self.hides(frame);
        let parts = self.parts(frame, object, &decoded);
        let columns = parts.iter().map(|part| part.wire.len().min(ROW)).max().unwrap_or(0) * 3;
        for part in &parts {
            let is_hidden = hidden && ["value", "?"].contains(&part.name);
            self.part(out, part, columns.max(12), is_hidden)?;
        }
        if !hidden && let Some(value) = &decoded.value {
            rows(out, value, object)?;
        }
        for (code, text) in findings(frame, object, &decoded) {
            self.finding(out, code, &text)?;
        }
        Ok(())
    }

    fn hides(&self, frame: &Frame<'_>) -> bool {
        self.mask_secrets && secrecy::may_hold_secret(self.registry, frame.object_id, frame.crc_ok(), frame.payload)
    }

    /// A sign, the code and the clause, wrapped.
    fn finding(&self, out: &mut dyn Write, code: Code, text: &str) -> io::Result<()> {
        let severity = code.severity();
        let sign = self.style.paint(style::ink(severity), style::sign(severity));
        for (number, line) in style::wrap(&format!("{code}: {text}"), self.width.saturating_sub(4)).iter().enumerate() {
            if number == 0 {
                writeln!(out, "  {sign} {line}")?;
            } else {
                writeln!(out, "    {line}")?;
            }
        }
        Ok(())
    }

    fn part(&self, out: &mut dyn Write, part: &Part<'_>, columns: usize, hidden: bool) -> io::Result<()> {
        let room = self.width.saturating_sub(2 + columns + 1 + NAME + 1).max(20);
        let meaning = style::wrap(&part.meaning, room);
        let bytes = if hidden { &[] } else { part.wire };
        let rows: Vec<&[u8]> = bytes.chunks(ROW).take(ROWS).collect();
        for number in 0..rows.len().max(meaning.len()).max(1) {
            let mut line = "  ".to_owned();
            let hex: Vec<String> =
                rows.get(number).map(|row| row.iter().map(|byte| format!("{byte:02x}")).collect()).unwrap_or_default();
            style::push_left(&mut line, &hex.join(" "), columns);
            line.push(' ');
            style::push_left(&mut line, if number == 0 { part.name } else { "" }, NAME);
            line.push(' ');
            line.push_str(meaning.get(number).map_or("", String::as_str));
            writeln!(out, "{}", line.trim_end())?;
        }
        let left = bytes.len().saturating_sub(ROW * ROWS);
        if left > 0 {
            writeln!(out, "  ... and {left} more bytes of it")?;
        }
        Ok(())
    }

    fn parts<'f>(&self, frame: &Frame<'f>, object: Option<&Object>, decoded: &Decoded<'_>) -> Vec<Part<'f>> {
        let mut wire = Wire { rest: frame.raw, escaping: frame.escaping };
        let mut parts = Vec::new();
        let mut add = |wire: &'f [u8], name, meaning| parts.push(Part { wire, name, meaning });
        add(wire.start(), "start", String::new());
        add(wire.take(1), "command", command(frame));
        add(wire.take(frame.command.length_bytes()), "length", length(frame));
        if let Some(address) = frame.address {
            add(wire.take(4), "address", format!("{address:08x}, the address in a plant"));
        }
        add(wire.take(4), "object", name(frame, object));
        if !frame.payload.is_empty() {
            add(wire.take(frame.payload.len()), "value", self.value(frame, object, decoded));
        }
        if frame.crc_read.is_some() {
            let raw = frame.escaping == Escaping::RawCrc;
            wire.escaping = if raw { Escaping::None } else { frame.escaping };
            add(wire.take(2), "CRC", crc(frame));
        }
        if !wire.rest.is_empty() {
            add(wire.rest, "?", "left over".to_owned());
        }
        parts
    }

    fn value(&self, frame: &Frame<'_>, object: Option<&Object>, decoded: &Decoded<'_>) -> String {
        if self.hides(frame) {
            return MASKED.to_owned();
        }
        let reader = Reader::new(self.registry, self.mask_secrets);
        let (Ok(text) | Err(text)) = reader.payload(frame.object_id, form(frame), frame.payload);
        let text = if frame.crc_ok() || decoded.value.is_none() { text } else { format!("({text})?") };
        match object {
            Some(object) => format!("{text} ({})", form(frame).data_type(object).name()),
            None => readings(frame.payload),
        }
    }
}

/// The bytes of a frame on the wire that are not yet given to a part.
struct Wire<'a> {
    rest: &'a [u8],
    escaping: Escaping,
}

impl<'a> Wire<'a> {
    fn start(&mut self) -> &'a [u8] {
        self.split(self.rest.len().min(1))
    }

    /// The bytes on the wire of the next `count` bytes of the frame.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let mut at = 0;
        for _ in 0..count {
            let escaped = self.escaping != Escaping::None && self.rest.get(at) == Some(&ESCAPE);
            at = (at + 1 + usize::from(escaped)).min(self.rest.len());
        }
        self.split(at)
    }

    fn split(&mut self, at: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(at);
        self.rest = rest;
        taken
    }
}

/// Which of the object's types the payload has: what a client writes, or what a device says.
pub fn form(frame: &Frame<'_>) -> Form {
    if frame.command.is_write() { Form::Request } else { Form::Response }
}

fn command(frame: &Frame<'_>) -> String {
    let known = if frame.command.is_known() { "" } else { ", which nobody knows" };
    format!("{}{known}", frame.command)
}

fn length(frame: &Frame<'_>) -> String {
    let head = if frame.address.is_some() { "4 (address) + 4 (object)" } else { "4 (object)" };
    let payload = frame.payload.len();
    let sum = match (payload, frame.address) {
        (0, None) => "the object alone".to_owned(),
        (0, Some(_)) => head.to_owned(),
        _ => format!("{head} + {payload} (value)"),
    };
    let declared = u32::from(frame.declared_length);
    if declared == frame.real_length {
        format!("{declared} = {sum}")
    } else {
        format!("{declared}, but {} are there = {sum}", frame.real_length)
    }
}

fn name(frame: &Frame<'_>, object: Option<&Object>) -> String {
    let Some(object) = object else { return format!("{}, not in the registry", frame.object_id) };
    let mut text = String::new();
    value_text::visible(&mut text, &object.name);
    let _ = write!(text, " ({})", frame.object_id);
    if !object.label.is_empty() {
        text.push_str(": ");
        value_text::visible(&mut text, &object.label);
    }
    text
}

fn crc(frame: &Frame<'_>) -> String {
    let read = frame.crc_read.unwrap_or_default();
    match (frame.crc_ok(), frame.escaping) {
        (true, Escaping::Full) => "right".to_owned(),
        (true, Escaping::RawCrc) => "right, if its bytes are taken unescaped".to_owned(),
        (true, Escaping::None) => "right, if nothing in the frame is escaped".to_owned(),
        (false, _) => format!("{read:04x} is wrong: {:04x} by the bytes before it", frame.crc_computed),
    }
}

/// What a payload could mean whose object nobody knows.
fn readings(payload: &[u8]) -> String {
    let readings: Vec<String> = candidates(payload)
        .iter()
        .map(|(data_type, value)| {
            let mut text = String::new();
            value_text::write(&mut text, value, None);
            format!("{text} as {data_type}")
        })
        .collect();
    if readings.is_empty() { format!("{} bytes", payload.len()) } else { readings.join(", or ") }
}

/// What is wrong with a frame and its value, in the words of the catalogue.
pub fn findings(frame: &Frame<'_>, object: Option<&Object>, decoded: &Decoded<'_>) -> Vec<Finding> {
    let (declared, real) = (frame.declared_length, frame.real_length);
    let mut found = match frame.status {
        FrameStatus::Ok => Vec::new(),
        FrameStatus::LengthLie => vec![(Code::LengthLie, format!("declares {declared} bytes and has {real}"))],
        FrameStatus::CrcMismatch => {
            vec![(Code::CrcMismatch, "no reading of it fits its CRC; what it says is not to be trusted".to_owned())]
        }
        FrameStatus::Truncated => {
            vec![(Code::Truncated, format!("ends before it is complete: {declared} bytes declared, {real} there"))]
        }
    };
    if !frame.command.is_known() {
        found.push((Code::UnknownCommand, format!("command {} is not in the table", frame.command)));
    }
    if frame.bad_escape {
        found.push((Code::BadEscape, "a 2d is followed by neither 2b nor 2d".to_owned()));
    }
    if frame.escaping == Escaping::RawCrc {
        found.push((Code::RawCrc, "the sender does not escape its CRC".to_owned()));
    }
    match object {
        None => found.push((Code::UnknownObject, format!("{} is not in the registry", frame.object_id))),
        Some(object) if frame.crc_ok() && carries_value(frame, object) => {
            found.extend(decoded.problems.iter().map(|problem| explain(problem, frame, object)));
        }
        Some(_) => {}
    }
    found
}

/// A READ has no value, and a WRITE to a history is a question for one.
fn carries_value(frame: &Frame<'_>, object: &Object) -> bool {
    let is_question = object.response_type.is_table();
    frame.command.is_response() || (frame.command.is_write() && !is_question)
}

fn explain(problem: &Problem, frame: &Frame<'_>, object: &Object) -> Finding {
    let is_table = form(frame).data_type(object).is_table();
    match *problem {
        Problem::Short { .. } | Problem::Long { .. } if frame.command.is_write() => {
            (Code::MalformedWrite, format!("{} bytes are no {}", frame.payload.len(), object.request_type.name()))
        }
        Problem::Short { needed, found } if is_table => {
            (Code::SeriesCut, format!("{found} bytes, not {needed}: the table ends inside a row"))
        }
        Problem::Short { needed, found } => {
            (Code::PayloadShort, format!("{found} of {needed} bytes under a right CRC: the device itself cut it"))
        }
        Problem::Long { needed, found } => (Code::PayloadLong, format!("{found} bytes where {needed} are needed")),
        Problem::UnknownEnum(number) => (Code::UnknownEnum, format!("value {number} has no name")),
        Problem::UnknownBit(bit) => (Code::UnknownBit, format!("bit {bit} has no name")),
        Problem::NotFinite => (Code::NotFinite, "NaN or infinity, no number".to_owned()),
        Problem::Denormal => (Code::NotFinite, "a denormal float: an integer, rather".to_owned()),
        Problem::RatioExceeded => (Code::RatioExceeded, "a ratio outside 0..1".to_owned()),
        Problem::OutOfRange => (Code::OutOfRange, "no ratio: below -2 or above 2".to_owned()),
        Problem::StringTail => (Code::StringTail, "bytes behind the end of the text".to_owned()),
        Problem::SeriesDisorder => (Code::SeriesDisorder, "rows not in descending time".to_owned()),
    }
}

/// The worst of what is wrong.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|(code, _)| code.severity()).max()
}

/// The rows of a history or an event table, a line each.
fn rows(out: &mut dyn Write, value: &Value<'_>, object: Option<&Object>) -> io::Result<()> {
    let moment = |seconds| {
        let mut text = String::new();
        time_text::device_time(&mut text, seconds);
        text
    };
    match value {
        Value::TimeSeries { points, .. } => {
            for point in points {
                let mut text = String::new();
                value_text::write(&mut text, &Value::Float(point.value), object);
                writeln!(out, "    {}  {text}", moment(point.device_time))?;
            }
        }
        Value::EventTable { rows, .. } => {
            for row in rows {
                let mut text = String::new();
                value_text::visible(&mut text, row.event.unwrap_or("unknown event"));
                let mut fields = String::new();
                value_text::fields(&mut fields, &row.fields);
                let blanks = 36_usize.saturating_sub(display_width(&text));
                push_blanks(&mut text, blanks);
                let line = format!("    {}  {:>4}  {text} {fields}", moment(row.device_time), row.code);
                writeln!(out, "{}", line.trim_end())?;
            }
        }
        _ => {}
    }
    Ok(())
}
