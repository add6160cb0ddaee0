//! A payload into a value, by the data type the registry gives its object.
//!
//! Scalars are read here; tables and structures next door. Nothing is allocated for a scalar.

use super::problems::{Problems, Unheard, check_float, is_long_enough};
use super::{Decoded, Flag, Problem, Value, bytes, structs, tables};
use crate::object::ObjectId;
use crate::rct::registry::{DataType, Object, Registry};

/// Which of an object's two types a payload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// As a client writes it.
    Request,
    /// As the device answers.
    Response,
}

impl Form {
    /// The data type of `object` in this form.
    pub const fn data_type(self, object: &Object) -> DataType {
        match self {
            Self::Request => object.request_type,
            Self::Response => object.response_type,
        }
    }
}

/// Reads a payload of `object` as far as it goes; without an object there is no value (see [`super::candidates`]).
pub fn decode<'a>(registry: &'a Registry, object: Option<&'a Object>, form: Form, payload: &'a [u8]) -> Decoded<'a> {
    let mut problems = Vec::new();
    let value = object.and_then(|object| read(registry, object, form, payload, &mut problems));
    Decoded { value, problems }
}

/// The value of [`decode`] alone, for who does not ask what is wrong with it.
#[inline]
pub fn decode_value<'a>(
    registry: &'a Registry,
    object: Option<&'a Object>,
    form: Form,
    payload: &'a [u8],
) -> Option<Value<'a>> {
    let object = object?;
    match form.data_type(object) {
        // Most values are this, and it takes next to nothing to read one.
        DataType::Float => decode_float(DataType::Float, payload).map(Value::Float),
        _ => read(registry, object, form, payload, &mut Unheard),
    }
}

/// The number in a payload of this type, if that is a float: what [`decode_value`] would wrap, for who has a use for the bare
/// one. `None` for all other types.
#[inline]
pub fn decode_float(data_type: DataType, payload: &[u8]) -> Option<f32> {
    match (data_type, payload) {
        (DataType::Float, [a, b, c, d, ..]) => Some(f32::from_be_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

/// The whole number in a payload of this type, if that is one, whatever the number stands for. `None` for all other types, and
/// where the payload is not as long.
#[inline]
pub fn decode_whole(data_type: DataType, payload: &[u8]) -> Option<i64> {
    let size = data_type.size().filter(|size| *size == payload.len())?;
    let number = bytes::be(payload);
    match data_type {
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => Some(number.into()),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => Some(bytes::signed(number, size).into()),
        _ => None,
    }
}

#[inline(never)]
fn read<'a>(
    registry: &'a Registry,
    object: &'a Object,
    form: Form,
    payload: &'a [u8],
    problems: &mut impl Problems,
) -> Option<Value<'a>> {
    let data_type = form.data_type(object);
    match data_type {
        DataType::Bool => boolean(payload, problems),
        DataType::Enum => enumeration(registry, object.id, payload, problems),
        DataType::Int8 | DataType::Uint8 | DataType::Int16 | DataType::Uint16 | DataType::Int32 | DataType::Uint32 => {
            integer(registry, object, data_type, payload, problems)
        }
        DataType::Float => float(object, payload, problems),
        DataType::String => Some(text(payload, problems)),
        DataType::Timeseries => tables::time_series(object, payload, problems),
        DataType::EventTable => tables::event_table(registry, payload, problems),
        DataType::BatteryModuleStatus
        | DataType::BatteryModuleResistance
        | DataType::BatteryModuleStatistics
        | DataType::NetSlaveData
        | DataType::NetPackage => structs::decode(registry, data_type, payload, problems),
        DataType::Unknown => None,
    }
}

/// A number that should take one byte. Some devices are said to use two for enums: up to four are read as one number.
fn small_number(payload: &[u8], problems: &mut impl Problems) -> Option<u32> {
    let enough = is_long_enough(payload, 1, problems);
    enough.then(|| bytes::be(if payload.len() <= 4 { payload } else { &payload[..1] }))
}

fn boolean<'a>(payload: &[u8], problems: &mut impl Problems) -> Option<Value<'a>> {
    let number = small_number(payload, problems)?;
    if number > 1 {
        problems.add(Problem::UnknownEnum(number));
    }
    Some(Value::Bool(number != 0))
}

fn enumeration<'a>(
    registry: &'a Registry,
    id: ObjectId,
    payload: &[u8],
    problems: &mut impl Problems,
) -> Option<Value<'a>> {
    let number = small_number(payload, problems)?;
    Some(labelled(registry, id, number, problems))
}

/// A number of an enum with its name. Where no name of the enum is known, a missing one says nothing.
fn labelled<'a>(registry: &'a Registry, id: ObjectId, number: u32, problems: &mut impl Problems) -> Value<'a> {
    let label = registry.enum_label(id, number);
    if label.is_none() && !registry.enum_values(id).is_empty() {
        problems.add(Problem::UnknownEnum(number));
    }
    Value::Enum { number, label }
}

fn integer<'a>(
    registry: &'a Registry,
    object: &Object,
    data_type: DataType,
    payload: &[u8],
    problems: &mut impl Problems,
) -> Option<Value<'a>> {
    let size = data_type.size()?;
    if !is_long_enough(payload, size, problems) {
        return None;
    }
    let number = bytes::be(&payload[..size]);
    let signed = bytes::signed(number, size);
    let bits = registry.bits(object.id);
    Some(if !bits.is_empty() {
        bit_field(number, bits, problems)
    } else if object.flags.unix_time && (signed >= 0 || !data_type.is_signed()) {
        Value::UnixTime(number)
    } else if !registry.enum_values(object.id).is_empty() {
        labelled(registry, object.id, number, problems)
    } else if data_type.is_signed() {
        Value::Signed(signed)
    } else {
        Value::Unsigned(number)
    })
}

fn bit_field<'a>(number: u32, labels: &'a [(u8, String)], problems: &mut impl Problems) -> Value<'a> {
    let mut flags = Vec::new();
    for bit in (0..32u8).filter(|bit| number >> bit & 1 == 1) {
        let label = labels.iter().find(|(known, _)| *known == bit).map(|(_, label)| label.as_str());
        if label.is_none() {
            problems.add(Problem::UnknownBit(bit));
        }
        flags.push(Flag { bit, label });
    }
    Value::Bits { number, flags }
}

fn float<'a>(object: &Object, payload: &[u8], problems: &mut impl Problems) -> Option<Value<'a>> {
    if !is_long_enough(payload, 4, problems) {
        return None;
    }
    let number = f32::from_bits(bytes::be(payload));
    check_float(number, object.flags.ratio, problems);
    Some(Value::Float(number))
}

/// A text has any size, none included.
fn text<'a>(payload: &'a [u8], problems: &mut impl Problems) -> Value<'a> {
    let (text, tail) = bytes::text(payload);
    if tail {
        problems.add(Problem::StringTail);
    }
    Value::Text(String::from_utf8_lossy(text))
}

#[cfg(test)]
mod tests;
