//! Values in typed slots: `num`, `bool`, `str`, `label`, `flags`, `points`, `rows`, `cells`, `fields`, and `text` for
//! people.
//!
//! Knows values and nothing of where they came from. A slot has one JSON type, whatever the object.
#![expect(clippy::inline_always, reason = "a call costs more than the few pieces of most values")]

use super::line::{Line, key};
use super::objects::{Reading, Rendered};
use crate::output::digits;
use crate::output::value_text;
use crate::rct::registry::DataType;
use crate::rct::value::{self, CellExtreme, EventRow, Field, FieldValue, Flag, Form, Point, Value};

/// How an object begins: with how the slots of the value are to be read.
macro_rules! opening {
    ($name:literal) => {
        concat!("{\"type\":\"", $name, "\"")
    };
}

/// What stands in front of the value as people read it, where that is digits.
const TEXT: &str = concat!(key!("text"), "\"");

/// Writes values; keeps the scratch text it needs.
#[derive(Debug, Default)]
pub(super) struct ValueWriter {
    text: String,
}

/// Whether a value may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The frame's CRC proves it.
    Proven,
    /// It does not.
    Untrusted,
}

impl ValueWriter {
    /// The value as an object behind what is in front: `{"type":"float","num":0.296,"unit":"%","text":"29.6 %"}`.
    pub(super) fn write(
        &mut self,
        line: &mut Line,
        front: &str,
        value: &Value<'_>,
        known: Option<&Rendered<'_>>,
        trust: Trust,
    ) {
        line.raw(front);
        line.short(opening(value));
        Self::slots(line, value, known);
        unit(line, value, known);
        self.text(line, value, known);
        end(line, trust);
    }

    /// What an object carries in a payload, as its `value`, where that is a number which nothing more is to be said of; false
    /// for all else.
    #[inline(always)]
    pub(super) fn write_number(
        &mut self,
        line: &mut Line,
        (payload, form): (&[u8], Form),
        known: &Rendered<'_>,
        trust: Trust,
    ) -> bool {
        let data_type = known.data_type(form);
        match known.reading(form) {
            Reading::Float => match value::decode_float(data_type, payload) {
                Some(number) if number.is_finite() => self.write_float(line, number, known, trust),
                _ => return false,
            },
            Reading::Whole => match value::decode_whole(data_type, payload) {
                Some(number) => Self::write_whole(line, number, (known, data_type), trust),
                None => return false,
            },
            Reading::Moment => match value::decode_whole(data_type, payload).map(u32::try_from) {
                Some(Ok(seconds)) => Self::write_moment(line, seconds, trust),
                _ => return false,
            },
            Reading::Other => return false,
        }
        true
    }

    /// A finite float of a known object.
    #[inline(always)]
    fn write_float(&mut self, line: &mut Line, number: f32, known: &Rendered<'_>, trust: Trust) {
        line.float(concat!(key!("value"), opening!("float"), key!("num")), number);
        known.write_unit(line);
        if line.digits(TEXT, |room| value_text::short_float(room, number, known.ratio)) {
            known.write_text_end(line);
        } else {
            self.text(line, &Value::Float(number), Some(known));
        }
        end(line, trust);
    }

    /// A whole number of a known object that stands for nothing else, and is no ratio.
    #[inline(always)]
    fn write_whole(line: &mut Line, number: i64, (known, data_type): (&Rendered<'_>, DataType), trust: Trust) {
        if data_type.is_signed() {
            line.whole(concat!(key!("value"), opening!("int"), key!("num")), number);
        } else {
            line.whole(concat!(key!("value"), opening!("uint"), key!("num")), number);
        }
        known.write_unit(line);
        line.digits(TEXT, |room| Some(digits::signed(room, number)));
        known.write_text_end(line);
        end(line, trust);
    }

    /// A moment of the device's clock.
    #[inline(always)]
    fn write_moment(line: &mut Line, seconds: u32, trust: Trust) {
        line.whole(concat!(key!("value"), opening!("unix_time"), key!("num")), seconds);
        line.device_time(key!("device_time"), seconds);
        line.device_time_text(key!("text"), seconds);
        end(line, trust);
    }

    /// A value of which only the type is told.
    pub(super) fn write_masked(line: &mut Line, front: &str, value: &Value<'_>) {
        line.raw(front);
        line.short(opening(value));
        line.raw(r#","text":"(masked)","masked":true}"#);
    }

    /// The value as people read it.
    #[inline(always)]
    fn text(&mut self, line: &mut Line, value: &Value<'_>, known: Option<&Rendered<'_>>) {
        let object = known.map(|known| known.object);
        if line.digits(TEXT, |room| value_text::short(room, value, object)) {
            return match known {
                Some(known) => known.write_text_end(line),
                None => line.raw("\""),
            };
        }
        self.text.clear();
        value_text::write(&mut self.text, value, object);
        line.string(key!("text"), &self.text);
    }

    /// What the value holds, in typed slots.
    pub(super) fn slots(line: &mut Line, value: &Value<'_>, known: Option<&Rendered<'_>>) {
        match value {
            Value::Bool(yes) => {
                line.bool(key!("bool"), *yes);
            }
            Value::Unsigned(number) => whole(line, *number),
            Value::Signed(number) => whole(line, *number),
            Value::Float(number) => float(line, *number),
            Value::Text(text) => {
                line.string(key!("str"), text);
            }
            Value::Enum { number, label } => {
                whole(line, *number);
                self::label(line, *label);
            }
            Value::Bits { number, flags } => bits(line, *number, flags, known),
            Value::UnixTime(seconds) => {
                whole(line, *seconds);
                line.device_time(key!("device_time"), *seconds);
            }
            Value::TimeSeries { queried, points } => {
                line.device_time(key!("queried"), *queried);
                self::points(line, points);
            }
            Value::EventTable { queried, rows } => {
                line.device_time(key!("queried"), *queried);
                line.list(key!("rows"), rows, |line, row| self::row(line, row));
            }
            Value::BatteryStatus(cells) => {
                line.list(key!("cells"), cells, |line, cell| {
                    line.integer("{\"temperature_c\":", cell.temperature_c);
                    line.integer(key!("voltage_mv"), cell.voltage_mv);
                    line.integer(key!("cell_status"), cell.cell_status);
                    line.raw("}");
                });
            }
            Value::BatteryResistance(cells) => {
                line.list(key!("cells"), cells, |line, &resistance| {
                    line.raw("{");
                    if resistance.is_finite() {
                        line.float("\"resistance_mohm\":", resistance);
                    }
                    line.raw("}");
                });
            }
            Value::BatteryStatistics(extremes) => {
                let keys = [key!("u_min"), key!("u_max"), key!("t_min"), key!("t_max")];
                for (key, extreme) in keys.into_iter().zip(extremes) {
                    line.raw(key);
                    self::extreme(line, extreme);
                }
            }
            Value::Structure(parts) => fields(line, parts),
        }
    }
}

/// What ends the object of a value.
#[inline(always)]
fn end(line: &mut Line, trust: Trust) {
    if trust == Trust::Untrusted {
        line.raw(",\"trusted\":false");
    }
    line.raw("}");
}

/// There are hundreds in a history, so that what ends one and begins the next is written at once.
fn points(line: &mut Line, points: &[Point]) {
    let Some((first, others)) = points.split_first() else {
        return line.raw(concat!(key!("points"), "[]"));
    };
    line.device_time(concat!(key!("points"), "[{\"device_time\":"), first.device_time);
    float(line, first.value);
    for point in others {
        line.device_time("},{\"device_time\":", point.device_time);
        float(line, point.value);
    }
    line.raw("}]");
}

fn row(line: &mut Line, row: &EventRow<'_>) {
    line.integer("{\"code\":", row.code);
    if let Some(event) = row.event {
        line.string(key!("event"), event);
    }
    line.device_time(key!("device_time"), row.device_time);
    line.list(key!("elements"), row.elements, |line, element| line.count("", element));
    if !row.fields.is_empty() {
        fields(line, &row.fields);
    }
    line.raw("}");
}

fn extreme(line: &mut Line, extreme: &CellExtreme) {
    line.integer("{\"cell\":", extreme.cell);
    if extreme.device_time != 0 {
        line.device_time(key!("device_time"), extreme.device_time);
    }
    float(line, extreme.value);
    line.raw("}");
}

/// The unit of a number, and whether it is a ratio: then it runs from 0 to 1 whatever the unit says.
#[inline(always)]
pub(super) fn unit(line: &mut Line, value: &Value<'_>, known: Option<&Rendered<'_>>) {
    let measured = matches!(value, Value::Unsigned(_) | Value::Signed(_) | Value::Float(_) | Value::TimeSeries { .. });
    if let Some(known) = known.filter(|_| measured) {
        known.write_unit(line);
    }
}

/// The beginning of the object that a value becomes.
const fn opening(value: &Value<'_>) -> &'static [u8] {
    let opening = match value {
        Value::Bool(_) => opening!("bool"),
        Value::Unsigned(_) => opening!("uint"),
        Value::Signed(_) => opening!("int"),
        Value::Float(_) => opening!("float"),
        Value::Text(_) => opening!("string"),
        Value::Enum { .. } => opening!("enum"),
        Value::Bits { .. } => opening!("bits"),
        Value::UnixTime(_) => opening!("unix_time"),
        Value::TimeSeries { .. } => opening!("timeseries"),
        Value::EventTable { .. } => opening!("event_table"),
        Value::BatteryStatus(_) => opening!("battery_module_status"),
        Value::BatteryResistance(_) => opening!("battery_module_resistance"),
        Value::BatteryStatistics(_) => opening!("battery_module_statistics"),
        Value::Structure(_) => opening!("structure"),
    };
    opening.as_bytes()
}

fn whole(line: &mut Line, number: impl Into<i64>) {
    line.whole(key!("num"), number);
}

/// A number; absent where JSON has none.
#[inline]
pub(super) fn float(line: &mut Line, number: f32) {
    if number.is_finite() {
        line.float(key!("num"), number);
    }
}

fn label(line: &mut Line, label: Option<&str>) {
    if let Some(label) = label {
        line.string(key!("label"), label);
    }
}

/// The number is what the object's own type makes of the bits: some bit fields are declared as signed.
fn bits(line: &mut Line, number: u32, flags: &[Flag<'_>], known: Option<&Rendered<'_>>) {
    if known.is_some_and(|known| known.object.response_type == DataType::Int32) {
        whole(line, number.cast_signed());
    } else {
        whole(line, number);
    }
    line.list(key!("flags"), flags, |line, flag| {
        line.integer("{\"bit\":", flag.bit);
        label(line, flag.label);
        line.raw("}");
    });
}

fn fields(line: &mut Line, fields: &[Field<'_>]) {
    line.list(key!("fields"), fields, |line, field| {
        line.string("{\"name\":", &field.name);
        match &field.value {
            FieldValue::Number(number) if number.is_finite() => {
                line.number(key!("num"), *number);
            }
            FieldValue::Number(_) => {}
            FieldValue::Text(text) => {
                line.string(key!("str"), text);
            }
            FieldValue::Object(id, name) => {
                line.object_id(key!("object_id"), *id);
                if let Some(name) = name {
                    line.string(key!("object"), name);
                }
            }
        }
        if !field.unit.is_empty() {
            line.string(key!("unit"), field.unit);
        }
        line.raw("}");
    });
}
