//! What the payload of an unknown object could mean: readings by size and plausibility.

use super::{EventRow, Point, Value, bytes};
use std::ops::RangeInclusive;

/// Unix times between these are taken for times: 2010 to 2065, the life of the devices and then some.
const TIMES: RangeInclusive<u32> = 1_262_304_000..=3_000_000_000;
/// Floats between these, either sign, are taken for measurements; so is zero. No bit pattern of one is among [`TIMES`].
const MEASUREMENTS: RangeInclusive<f32> = 1e-5..=1e7;
/// Texts shorter than this are too likely to be numbers.
const SHORTEST_TEXT: usize = 3;

/// Readings of a payload whose type nobody knows, the likeliest first, each with the name of its type.
pub fn candidates(payload: &[u8]) -> Vec<(&'static str, Value<'_>)> {
    let mut readings = Vec::new();
    if let Some(text) = text(payload) {
        readings.push(("string", Value::Text(text.into())));
    }
    match payload.len() {
        1 => byte(payload[0], &mut readings),
        2 => integers(bytes::be(payload), 2, ["uint16", "int16"], &mut readings),
        4 => word(bytes::be(payload), &mut readings),
        _ => readings.extend(table(payload)),
    }
    readings
}

/// The payload as printable text up to its first `00`, where nothing but `00` follows.
fn text(payload: &[u8]) -> Option<&str> {
    let (text, tail) = bytes::text(payload);
    let text = std::str::from_utf8(text).ok()?;
    (!tail && text.len() >= SHORTEST_TEXT && !text.chars().any(char::is_control)).then_some(text)
}

fn byte(byte: u8, readings: &mut Vec<(&'static str, Value<'_>)>) {
    if byte <= 1 {
        readings.push(("bool", Value::Bool(byte == 1)));
    }
    integers(byte.into(), 1, ["uint8", "int8"], readings);
}

fn word(number: u32, readings: &mut Vec<(&'static str, Value<'_>)>) {
    let float = f32::from_bits(number);
    let plausible = number == 0 || MEASUREMENTS.contains(&float.abs());
    if plausible {
        readings.push(("float", Value::Float(float)));
    }
    if TIMES.contains(&number) {
        readings.push(("unix_time", Value::UnixTime(number)));
    }
    integers(number, 4, ["uint32", "int32"], readings);
    if !plausible && float.is_normal() {
        readings.push(("float", Value::Float(float)));
    }
}

/// The unsigned reading, and the signed one where it differs.
fn integers(number: u32, size: usize, names: [&'static str; 2], readings: &mut Vec<(&'static str, Value<'_>)>) {
    readings.push((names[0], Value::Unsigned(number)));
    let signed = bytes::signed(number, size);
    if signed < 0 {
        readings.push((names[1], Value::Signed(signed)));
    }
}

/// A table, when its head and the time of every row are plausible.
fn table<'a>(payload: &[u8]) -> Option<(&'static str, Value<'a>)> {
    let (head, rows) = payload.split_first_chunk::<4>()?;
    let queried = bytes::be(head);
    if !TIMES.contains(&queried) || rows.is_empty() {
        return None;
    }
    if let (points, []) = rows.as_chunks::<8>() {
        let points: Vec<Point> = points
            .iter()
            .map(|row| Point { device_time: bytes::be(row), value: f32::from_bits(bytes::be(&row[4..])) })
            .collect();
        if points.iter().all(|point| TIMES.contains(&point.device_time)) {
            return Some(("timeseries", Value::TimeSeries { queried, points }));
        }
    }
    if let (rows, []) = rows.as_chunks::<20>() {
        let word = |row: &[u8; 20], n: usize| bytes::be(&row[4 * n..]);
        let rows: Vec<EventRow<'_>> = rows
            .iter()
            .map(|row| EventRow {
                code: word(row, 0),
                event: None,
                device_time: word(row, 1),
                elements: [word(row, 2), word(row, 3), word(row, 4)],
                fields: Vec::new(),
            })
            .collect();
        if rows.iter().all(|row| TIMES.contains(&row.device_time)) {
            return Some(("event_table", Value::EventTable { queried, rows }));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(payload: &[u8]) -> Vec<&'static str> {
        candidates(payload).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_likeliest_reading_comes_first() {
        for (payload, expected) in [
            (&b""[..], &[][..]),
            (&[0], &["bool", "uint8"]),
            (&[0xff], &["uint8", "int8"]),
            (&[0x2b, 0x2d], &["uint16"]),
            (&[0x80, 0x00], &["uint16", "int16"]),
            (&[0, 0, 0, 0], &["float", "uint32"]),
            (&[0x47, 0, 0, 0], &["float", "uint32"]),
            (&[0x3f, 0x80, 0, 0], &["float", "uint32"]),
            (&[0x68, 0xe7, 0x78, 0x00], &["unix_time", "uint32", "float"]),
            (&[0xff; 4], &["uint32", "int32"]),
            (b"AAAA", &["string", "float", "uint32"]),
            (b"abcdefg\0\0\0", &["string"]),
            (b"abc\0d", &[]),
            (&[0x68, 0xe7, 0x78, 0, 0x68, 0xe7, 0x77, 0x38, 0x45, 0x31, 0x18, 0x11], &["timeseries"]),
            (&[0x68, 0xe7, 0x78, 0, 0, 0, 0, 0, 0x45, 0x31, 0x18, 0x11], &[]),
        ] {
            assert_eq!(names(payload), expected, "{payload:02x?}");
        }
    }

    #[test]
    fn an_event_table_is_told_from_a_history() {
        let mut payload = vec![0x68, 0xe7, 0x78, 0x00];
        payload.extend([0, 0, 0, 0x72, 0x68, 0xe7, 0x63, 0xa4, 0x68, 0xe7, 0x64, 0xa8, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(names(&payload), ["event_table"]);
    }
}
