//! Payloads as values: every data type of the protocol, read and written.
//!
//! Knows the registry. Knows neither frames nor who sent them.

mod bytes;
mod candidates;
mod decode;
mod device_time;
mod encode;
mod problems;
mod structs;
mod tables;

pub use candidates::candidates;
pub use decode::{Form, decode, decode_float, decode_value, decode_whole};
pub use encode::{ValueError, encode_value};

use crate::object::ObjectId;
use std::borrow::Cow;

/// A decoded payload. Compound values own their rows; scalars own nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// One byte, 0 or 1.
    Bool(bool),
    /// Unsigned integer of 1, 2 or 4 bytes.
    Unsigned(u32),
    /// Signed integer of 1, 2 or 4 bytes.
    Signed(i32),
    /// IEEE 754 single precision; may be NaN or infinite.
    Float(f32),
    /// Text up to the first `00`; bytes that are no UTF-8 are replaced.
    Text(Cow<'a, str>),
    /// A number that stands for a name.
    Enum {
        /// The number.
        number: u32,
        /// Its name, where known.
        label: Option<&'a str>,
    },
    /// A bit field.
    Bits {
        /// All bits.
        number: u32,
        /// The bits that are set, the lowest first.
        flags: Vec<Flag<'a>>,
    },
    /// A unix time (the device's wall clock written as if it were UTC).
    UnixTime(u32),
    /// A history of the logger.
    TimeSeries {
        /// The time it was asked for.
        queried: u32,
        /// The points, newest first as a rule.
        points: Vec<Point>,
    },
    /// The event table.
    EventTable {
        /// The time it was asked for.
        queried: u32,
        /// The rows, newest first as a rule.
        rows: Vec<EventRow<'a>>,
    },
    /// Cells of a battery module.
    BatteryStatus(Vec<CellStatus>),
    /// Cell resistances of a battery module, in milliohm.
    BatteryResistance(Vec<f32>),
    /// Extremes of a battery module: lowest and highest voltage, lowest and highest temperature.
    BatteryStatistics([CellExtreme; 4]),
    /// A packed structure.
    Structure(Vec<Field<'a>>),
}

/// A bit that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag<'a> {
    /// From 0 for the lowest.
    pub bit: u8,
    /// Its name, where known.
    pub label: Option<&'a str>,
}

/// A point of a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Seconds since 1970 on the device's wall clock.
    pub device_time: u32,
    /// The value.
    pub value: f32,
}

/// A row of the event table.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow<'a> {
    /// The event's code.
    pub code: u32,
    /// Its name, where known.
    pub event: Option<&'a str>,
    /// Seconds since 1970 on the device's wall clock.
    pub device_time: u32,
    /// The three elements as they stand.
    pub elements: [u32; 3],
    /// The elements by their meaning.
    pub fields: Vec<Field<'a>>,
}

/// A named part of a structure or an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Field<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: FieldValue<'a>,
    /// Its unit: empty where it has none, `ratio` for a number 0..1, `unix_time` for seconds since 1970 on the device's
    /// wall clock.
    pub unit: &'a str,
}

/// The value of a [`Field`].
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// A finite number; every 32-bit integer and float fits an `f64`.
    Number(f64),
    /// Text; also bytes without a known meaning, in hex, and floats that are no numbers.
    Text(Cow<'a, str>),
    /// The object named by a parameter change.
    Object(ObjectId, Option<&'a str>),
}

/// One cell of a battery module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellStatus {
    /// °C.
    pub temperature_c: u8,
    /// mV.
    pub voltage_mv: u16,
    /// Flags.
    pub cell_status: u8,
}

/// An extreme value of a battery module, and where and when it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellExtreme {
    /// The cell, from 0.
    pub cell: u32,
    /// Seconds since 1970; 0 for none.
    pub device_time: u32,
    /// Volt or °C.
    pub value: f32,
}

/// What is wrong with a payload. Decoding goes on where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// Fewer bytes than the type needs.
    Short {
        /// Bytes the type needs (the smallest table, for tables).
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// More bytes than the type needs.
    Long {
        /// Bytes the type needs.
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// An enum value (or a bool above 1) without a name.
    UnknownEnum(u32),
    /// A set bit without a name.
    UnknownBit(u8),
    /// NaN or infinity.
    NotFinite,
    /// A float so small that it is stored in the reserved form.
    Denormal,
    /// A ratio outside 0..1, but not by much.
    RatioExceeded,
    /// A number that is no ratio at all, where one is due.
    OutOfRange,
    /// Bytes other than `00` behind the end of a string.
    StringTail,
    /// Rows not in descending time.
    SeriesDisorder,
}

/// A payload, decoded as far as it goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded<'a> {
    /// The value; `None` where the payload is too short for any, empty, or of an unknown object.
    pub value: Option<Value<'a>>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}
