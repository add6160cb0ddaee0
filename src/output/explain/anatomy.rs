//! The bytes of a frame as they were on the wire, with a word to each part.
//!
//! Knows how a frame is laid out and escaped. Where it ends is not decided here: the framer has done so.

use crate::line::Sighting;
use crate::output::cell::{MASKED, Reader};
use crate::rct::registry::{DataType, Registry};
use crate::rct::value::Form;
use crate::rct::{Escaping, FrameStatus};
use std::fmt::Write as _;

const ESCAPE: u8 = 0x2d;
/// Bytes of a part that are shown at its beginning and at its end; what is between is left out.
const HEAD: usize = 8;
const TAIL: usize = 2;
/// Bytes that are shown of what is no frame.
const HEX_BYTES: usize = 24;

/// A part of a frame: its raw bytes and what they mean.
struct Part {
    raw: Vec<u8>,
    meaning: String,
}

/// The lines that show a frame; nothing when its bytes were not kept.
pub(super) fn frame(frame: &Sighting, registry: &Registry, reader: &Reader<'_>) -> Vec<String> {
    let parts = parts(frame, registry, reader);
    if parts.is_empty() {
        return Vec::new();
    }
    let cells: Vec<String> = parts.iter().map(|part| cell(&part.raw)).collect();
    let mut lines = vec![cells.join(" "), marks(&cells)];
    for (number, part) in parts.iter().enumerate().rev() {
        let mut line = String::new();
        for cell in &cells[..number] {
            line.push('|');
            line.extend(std::iter::repeat_n(' ', cell.chars().count()));
        }
        line.push_str("'- ");
        line.push_str(&part.meaning);
        lines.push(line);
    }
    lines
}

/// The bytes of a part in hex.
fn cell(raw: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    if raw.len() <= HEAD + TAIL + 1 {
        return hex(raw);
    }
    format!("{} … {}", hex(&raw[..HEAD]), hex(&raw[raw.len() - TAIL..]))
}

/// A mark under each cell: `|` for one byte, `|-----|` for more.
fn marks(cells: &[String]) -> String {
    let mark = |cell: &String| {
        let width = cell.chars().count();
        if width <= 2 { "| ".to_owned() } else { format!("|{}|", "-".repeat(width - 2)) }
    };
    let marks: Vec<String> = cells.iter().map(mark).collect();
    marks.join(" ").trim_end().to_owned()
}

/// Bytes that are no frame, in hex: as many as `room` columns take, but no more than tell them from others.
pub fn hex_line(bytes: &[u8], room: usize) -> String {
    let hex = |count| bytes.iter().take(count).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    if bytes.len() <= HEX_BYTES && 3 * bytes.len() <= room + 1 {
        return hex(bytes.len());
    }
    let rest = format!(" … ({} bytes)", bytes.len());
    let count = (room + 1).saturating_sub(rest.chars().count()) / 3;
    hex(count.clamp(1, HEX_BYTES)) + &rest
}

fn parts(frame: &Sighting, registry: &Registry, reader: &Reader<'_>) -> Vec<Part> {
    let mut rest = Raw { bytes: &frame.raw, escaping: frame.escaping };
    let mut parts = Vec::new();
    let mut add = |raw: &[u8], meaning: String| {
        if !raw.is_empty() {
            parts.push(Part { raw: raw.to_vec(), meaning });
        }
    };
    add(rest.take_plain(1), "start".to_owned());
    add(rest.take(1), frame.command.to_string());
    add(rest.take(frame.command.length_bytes()), length(frame, registry));
    if let Some(address) = frame.address {
        add(rest.take(4), format!("address {address}"));
    }
    add(rest.take(4), format!("object {} {}", frame.object_id, reader.name(frame.object_id, None)));
    let payload = rest.take(frame.payload.len());
    if reader.hides(frame) {
        parts.push(Part { raw: Vec::new(), meaning: format!("value {MASKED}") });
        return parts;
    }
    add(payload, value(frame, reader));
    if frame.escaping == Escaping::RawCrc {
        rest.escaping = Escaping::None;
    }
    add(rest.bytes, crc(frame));
    parts
}

/// What is left of the raw bytes.
struct Raw<'a> {
    bytes: &'a [u8],
    escaping: Escaping,
}

impl<'a> Raw<'a> {
    /// The raw bytes of the next `count` bytes.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let mut at = 0;
        for _ in 0..count {
            let escaped = self.escaping != Escaping::None && self.bytes.get(at) == Some(&ESCAPE);
            at += if escaped { 2 } else { 1 };
        }
        self.take_plain(at)
    }

    fn take_plain(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(count.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }
}

fn length(frame: &Sighting, registry: &Registry) -> String {
    let ids = if frame.address.is_some() { "8 (address, object)" } else { "4 (object)" };
    let mut text = format!("length {}", frame.declared_length);
    if u32::from(frame.declared_length) == frame.real_length {
        _ = write!(text, " = {ids} + {}", frame.payload.len());
    } else {
        _ = write!(text, ", but {} are there: {ids} + {}", frame.real_length, frame.payload.len());
    }
    let object = registry.get(frame.object_id).filter(|_| frame.command.is_response());
    let size = object.and_then(|object| Some((object.response_type, object.response_type.size()?)));
    if let Some((data_type, size)) = size.filter(|(_, size)| *size != frame.payload.len()) {
        _ = write!(text, "; {} has {size}", article(data_type));
    }
    text
}

/// `a float`, `an int32`
fn article(data_type: DataType) -> String {
    let name = data_type.name();
    format!("{} {name}", if name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" })
}

fn value(frame: &Sighting, reader: &Reader<'_>) -> String {
    let form = if frame.command.is_response() { Form::Response } else { Form::Request };
    let (Ok(text) | Err(text)) = reader.payload(frame.object_id, form, &frame.payload);
    if frame.crc_ok() { format!("value {text}") } else { format!("value ({text})?") }
}

fn crc(frame: &Sighting) -> String {
    match frame.crc_read {
        Some(read) if frame.crc_ok() => format!("CRC {read:04x}, fits"),
        Some(read) => format!("CRC {read:04x}, but {:04x} by the bytes", frame.crc_computed),
        None if frame.status == FrameStatus::Truncated => "cut before its CRC".to_owned(),
        None => format!("CRC {:04x} by the bytes", frame.crc_computed),
    }
}
