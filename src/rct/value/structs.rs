//! Packed structures: cells of battery modules, and what networked inverters tell each other.
//!
//! Battery modules have values of their own; the rest is read field by field as the registry lays it out.

use super::problems::{Problems, check_float, is_long_enough};
use super::tables::{float_field, raw_value};
use super::{CellExtreme, CellStatus, Field, FieldValue, Value, bytes};
use crate::object::ObjectId;
use crate::rct::registry::{DataType, FieldKind, Registry, StructField};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of a cell's status.
const STATUS: usize = 4;
/// Bytes of a cell's resistance, two bytes of padding included.
const RESISTANCE: usize = 4;
/// Bytes of one extreme: cell, time, value.
const EXTREME: usize = 12;
/// Resistances come in 1/256 mΩ.
const RESISTANCE_STEPS: f32 = 256.0;
/// The specification ends net.slave_data here; devices send four more reserved bytes.
const SHORTEST_SLAVE_DATA: usize = 104;

pub(super) fn decode<'a>(
    registry: &'a Registry,
    data_type: DataType,
    payload: &'a [u8],
    problems: &mut impl Problems,
) -> Option<Value<'a>> {
    match data_type {
        DataType::NetSlaveData | DataType::NetPackage => structure(registry, data_type, payload, problems),
        _ => text_instead(data_type, payload, problems).or_else(|| battery_module(data_type, payload, problems)),
    }
}

/// Some lists of objects have texts where ours has the cells of a second tower, and such texts do cross the wire. They
/// are told from cut cells by their bytes: cells have a byte that is not printable in each of their words. An empty
/// payload is an empty text, and too short as well.
fn text_instead<'a>(data_type: DataType, payload: &'a [u8], problems: &mut impl Problems) -> Option<Value<'a>> {
    let needed = data_type.size()?;
    let (text, tail) = bytes::text(payload);
    let printable = !tail && text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if payload.len() >= needed || !printable || text.is_empty() != payload.is_empty() {
        return None;
    }
    if payload.is_empty() {
        is_long_enough(payload, needed, problems);
    }
    Some(Value::Text(String::from_utf8_lossy(text)))
}

/// The whole cells of a payload, or nothing where there is none.
fn battery_module<'a>(data_type: DataType, payload: &[u8], problems: &mut impl Problems) -> Option<Value<'a>> {
    let needed = data_type.size()?;
    let enough = is_long_enough(payload, needed, problems);
    let payload = &payload[..payload.len().min(needed)];
    match data_type {
        DataType::BatteryModuleStatus => {
            let (cells, _) = payload.as_chunks::<STATUS>();
            (!cells.is_empty()).then(|| Value::BatteryStatus(cells.iter().copied().map(cell_status).collect()))
        }
        DataType::BatteryModuleResistance => {
            let (cells, _) = payload.as_chunks::<RESISTANCE>();
            (!cells.is_empty()).then(|| Value::BatteryResistance(cells.iter().copied().map(cell_resistance).collect()))
        }
        _ => {
            let (extremes, _) = payload.as_chunks::<EXTREME>();
            let &[u_min, u_max, t_min, t_max] = extremes else { return None };
            enough.then(|| Value::BatteryStatistics([u_min, u_max, t_min, t_max].map(|raw| extreme(&raw, problems))))
        }
    }
}

fn cell_status([temperature_c, low, high, cell_status]: [u8; STATUS]) -> CellStatus {
    CellStatus { temperature_c, voltage_mv: u16::from_le_bytes([low, high]), cell_status }
}

fn cell_resistance([high, low, ..]: [u8; RESISTANCE]) -> f32 {
    f32::from(u16::from_be_bytes([high, low])) / RESISTANCE_STEPS
}

fn extreme(raw: &[u8; EXTREME], problems: &mut impl Problems) -> CellExtreme {
    let value = f32::from_bits(bytes::le(&raw[8..]));
    check_float(value, false, problems);
    CellExtreme { cell: bytes::le(&raw[..4]), device_time: bytes::le(&raw[4..8]), value }
}

/// The whole fields of a payload, or nothing where there is none.
fn structure<'a>(
    registry: &'a Registry,
    data_type: DataType,
    payload: &'a [u8],
    problems: &mut impl Problems,
) -> Option<Value<'a>> {
    let layout = registry.structure(data_type)?;
    let shorter_is_right = data_type == DataType::NetSlaveData && payload.len() == SHORTEST_SLAVE_DATA;
    if !shorter_is_right {
        is_long_enough(payload, layout.size, problems);
    }
    let mut object = None;
    let mut fields = Vec::new();
    for field in &layout.fields {
        let Some(raw) = payload.get(field.offset..field.offset + field.kind.size()) else { continue };
        if field.kind == FieldKind::ObjectId {
            object = registry.get(ObjectId(bytes::le(raw)));
        }
        let (value, unit) = if field.kind == FieldKind::ObjectValue {
            raw_value(registry, object, bytes::le(raw))
        } else {
            let Some(value) = field_value(registry, field, raw, problems) else { continue };
            let unit = if matches!(value, FieldValue::Text(_)) { "" } else { &field.unit };
            (value, unit)
        };
        fields.push(Field { name: Cow::Borrowed(&field.name), value, unit });
    }
    (!fields.is_empty()).then_some(Value::Structure(fields))
}

/// A field's value; nothing for reserved bytes that are all zero.
fn field_value<'a>(
    registry: &'a Registry,
    field: &StructField,
    raw: &'a [u8],
    problems: &mut impl Problems,
) -> Option<FieldValue<'a>> {
    let number = |number: u32| FieldValue::Number(number.into());
    Some(match field.kind {
        FieldKind::U8 | FieldKind::U16Le | FieldKind::U32Le | FieldKind::ObjectValue => number(bytes::le(raw)),
        FieldKind::U16Be => number(bytes::be(raw)),
        FieldKind::F32Le => {
            let float = f32::from_bits(bytes::le(raw));
            check_float(float, field.unit == "ratio", problems);
            float_field(float)
        }
        FieldKind::ObjectId => {
            let id = ObjectId(bytes::le(raw));
            FieldValue::Object(id, registry.get(id).map(|object| object.name.as_str()))
        }
        FieldKind::Bit(bit) => number(bytes::le(raw) >> bit & 1),
        FieldKind::Text(_) => FieldValue::Text(String::from_utf8_lossy(bytes::text(raw).0)),
        FieldKind::Bytes(_) if raw.iter().all(|&byte| byte == 0) => return None,
        FieldKind::Bytes(_) => FieldValue::Text(hex(raw).into()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
