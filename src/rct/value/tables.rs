//! Histories and the event table: payloads of as many rows as the device had, or as were not cut off.

use super::problems::{Problems, check_float};
use super::{EventRow, Field, FieldValue, Point, Problem, Value, bytes};
use crate::object::ObjectId;
use crate::rct::registry::{DataType, Element, EventType, Object, Registry};

/// Bytes in front of the rows: the time that was asked for.
const HEAD: usize = 4;
/// Bytes of a point: time and value.
const POINT: usize = 8;
/// Bytes of an event: five words.
const EVENT: usize = 20;

/// The time asked for and the whole rows of a table; reports a row that is not whole.
fn rows<'a, const N: usize>(payload: &'a [u8], problems: &mut impl Problems) -> Option<(u32, &'a [[u8; N]])> {
    let found = payload.len();
    let Some((head, rows)) = payload.split_first_chunk::<HEAD>() else {
        problems.add(Problem::Short { needed: HEAD, found });
        return None;
    };
    let (rows, rest) = rows.as_chunks::<N>();
    if !rest.is_empty() {
        problems.add(Problem::Short { needed: found - rest.len() + N, found });
    }
    Some((bytes::be(head), rows))
}

pub(super) fn time_series<'a>(object: &Object, payload: &[u8], problems: &mut impl Problems) -> Option<Value<'a>> {
    let (queried, rows) = rows::<POINT>(payload, problems)?;
    let point =
        |row: &[u8; POINT]| Point { device_time: bytes::be(&row[..4]), value: f32::from_bits(bytes::be(&row[4..])) };
    let points: Vec<Point> = rows.iter().map(point).collect();
    for point in &points {
        // Whether an object is a ratio is known of its present value, not of the scale in which its history is kept.
        check_float(point.value, false, problems);
        if object.flags.ratio && !(0.0..=1.0).contains(&point.value) && point.value.is_finite() {
            problems.add_once(Problem::RatioExceeded);
        }
    }
    check_order(points.iter().map(|point| point.device_time), problems);
    Some(Value::TimeSeries { queried, points })
}

pub(super) fn event_table<'a>(
    registry: &'a Registry,
    payload: &[u8],
    problems: &mut impl Problems,
) -> Option<Value<'a>> {
    let (queried, rows) = rows::<EVENT>(payload, problems)?;
    let rows: Vec<EventRow<'a>> = rows.iter().map(|row| event_row(registry, row)).collect();
    for row in rows.iter().filter(|row| row.event.is_none()) {
        problems.add_once(Problem::UnknownEnum(row.code));
    }
    check_order(rows.iter().map(|row| row.device_time), problems);
    Some(Value::EventTable { queried, rows })
}

/// Rows go from the newest to the oldest; equal times are in order.
fn check_order(times: impl Iterator<Item = u32>, problems: &mut impl Problems) {
    if !times.is_sorted_by(|earlier_row, later_row| earlier_row >= later_row) {
        problems.add(Problem::SeriesDisorder);
    }
}

fn event_row<'a>(registry: &'a Registry, row: &[u8; EVENT]) -> EventRow<'a> {
    let word = |n: usize| bytes::be(&row[4 * n..]);
    let (code, elements) = (word(0), [word(2), word(3), word(4)]);
    let event = registry.event(code);
    EventRow {
        code,
        event: event.map(|event| event.label.as_str()),
        device_time: word(1),
        elements,
        fields: event_fields(registry, event, elements),
    }
}

/// The elements by their meaning. One that should be unused is shown only when it is used.
fn event_fields<'a>(registry: &'a Registry, event: Option<&EventType>, elements: [u32; 3]) -> Vec<Field<'a>> {
    let meanings = event.map_or([Element::Unknown; 3], |event| event.elements);
    let changed = meanings.iter().position(|&meaning| meaning == Element::Object).map(|n| ObjectId(elements[n]));
    let changed = changed.and_then(|id| registry.get(id));
    let names = ["element2", "element3", "element4"];
    let mut fields = Vec::new();
    for ((meaning, raw), plain) in meanings.into_iter().zip(elements).zip(names) {
        let number = |name, raw: u32| field(name, FieldValue::Number(raw.into()), "");
        fields.push(match meaning {
            Element::Unused if raw == 0 => continue,
            Element::Unused | Element::Unknown => number(plain, raw),
            Element::EndTime => field("end_time", FieldValue::Number(raw.into()), "unix_time"),
            Element::Object => {
                let name = changed.map(|object| object.name.as_str());
                field("object", FieldValue::Object(ObjectId(raw), name), "")
            }
            Element::Float => field("value", float_field(f32::from_bits(raw)), ""),
            Element::Code => number("detail_code", raw),
            Element::RawOld => raw_field("old", registry, changed, raw),
            Element::RawNew => raw_field("new", registry, changed, raw),
            Element::VersionOld => number("version_old", raw),
            Element::VersionNew => number("version_new", raw),
        });
    }
    fields
}

fn field<'a>(name: &'static str, value: FieldValue<'a>, unit: &'a str) -> Field<'a> {
    Field { name: name.into(), value, unit }
}

fn raw_field<'a>(name: &'static str, registry: &'a Registry, object: Option<&'a Object>, raw: u32) -> Field<'a> {
    let (value, unit) = raw_value(registry, object, raw);
    field(name, value, unit)
}

/// A value of `object` that was put into a 32-bit word whatever its type, and its unit.
pub(super) fn raw_value<'a>(registry: &'a Registry, object: Option<&'a Object>, raw: u32) -> (FieldValue<'a>, &'a str) {
    let Some(object) = object else { return (FieldValue::Number(raw.into()), "") };
    let data_type = object.request_type;
    let value = match data_type {
        DataType::Float => float_field(f32::from_bits(raw)),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => {
            FieldValue::Number(bytes::signed(raw, data_type.size().unwrap_or(4)).into())
        }
        _ => match registry.enum_label(object.id, raw) {
            Some(label) => FieldValue::Text(label.into()),
            None => FieldValue::Number(raw.into()),
        },
    };
    let unit = if matches!(value, FieldValue::Text(_)) {
        ""
    } else if object.flags.ratio {
        "ratio"
    } else if object.flags.unix_time {
        "unix_time"
    } else {
        &object.unit
    };
    (value, unit)
}

/// A float as a field; one that is no number is shown as its bytes.
pub(super) fn float_field<'a>(number: f32) -> FieldValue<'a> {
    if number.is_finite() {
        FieldValue::Number(number.into())
    } else {
        FieldValue::Text(format!("0x{:08X}", number.to_bits()).into())
    }
}
