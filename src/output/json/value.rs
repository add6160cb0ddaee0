//! Values in typed slots: `num`, `bool`, `str`, `label`, `flags`, `points`, `rows`, `cells`, `fields`, and `text` for
//! people.
//!
//! Knows values and nothing of where they came from. A slot has one JSON type, whatever the object.

use super::line::{Line, key};
use crate::output::value_text;
use crate::rct::registry::{DataType, Object};
use crate::rct::value::{CellExtreme, EventRow, Field, FieldValue, Flag, Point, Value};

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
    /// The value as an object: `{"type":"float","num":0.296,"unit":"%","text":"29.6 %"}`.
    pub(super) fn write(&mut self, line: &mut Line, value: &Value<'_>, object: Option<&Object>, trust: Trust) {
        line.raw("{\"type\":");
        line.plain(type_name(value));
        Self::slots(line, value, object);
        unit(line, value, object);
        line.raw(key!("text"));
        self.text.clear();
        value_text::write(&mut self.text, value, object);
        line.string(&self.text);
        if trust == Trust::Untrusted {
            line.raw(",\"trusted\":false");
        }
        line.raw("}");
    }

    /// A value of which only the type is told.
    pub(super) fn write_masked(line: &mut Line, value: &Value<'_>) {
        line.raw("{\"type\":");
        line.plain(type_name(value));
        line.raw(r#","text":"(masked)","masked":true}"#);
    }

    /// What the value holds, in typed slots.
    pub(super) fn slots(line: &mut Line, value: &Value<'_>, object: Option<&Object>) {
        match value {
            Value::Bool(yes) => {
                line.raw(key!("bool"));
                line.bool(*yes);
            }
            Value::Unsigned(number) => whole(line, *number),
            Value::Signed(number) => whole(line, *number),
            Value::Float(number) => float(line, *number),
            Value::Text(text) => {
                line.raw(key!("str"));
                line.string(text);
            }
            Value::Enum { number, label } => {
                whole(line, *number);
                self::label(line, *label);
            }
            Value::Bits { number, flags } => bits(line, *number, flags, object),
            Value::UnixTime(seconds) => {
                whole(line, *seconds);
                device_time(line, key!("device_time"), *seconds);
            }
            Value::TimeSeries { queried, points } => {
                device_time(line, key!("queried"), *queried);
                line.raw(key!("points"));
                line.list(points, |line, &point| self::point(line, point));
            }
            Value::EventTable { queried, rows } => {
                device_time(line, key!("queried"), *queried);
                line.raw(key!("rows"));
                line.list(rows, |line, row| self::row(line, row));
            }
            Value::BatteryStatus(cells) => {
                line.raw(key!("cells"));
                line.list(cells, |line, cell| {
                    line.raw("{\"temperature_c\":");
                    line.integer(cell.temperature_c);
                    line.raw(key!("voltage_mv"));
                    line.integer(cell.voltage_mv);
                    line.raw(key!("cell_status"));
                    line.integer(cell.cell_status);
                    line.raw("}");
                });
            }
            Value::BatteryResistance(cells) => {
                line.raw(key!("cells"));
                line.list(cells, |line, &resistance| {
                    line.raw("{");
                    if resistance.is_finite() {
                        line.raw("\"resistance_mohm\":");
                        line.float(resistance);
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

/// A key, and a moment of the device's wall clock.
pub(super) fn device_time(line: &mut Line, key: &str, seconds: u32) {
    line.raw(key);
    line.device_time(seconds);
}

fn point(line: &mut Line, point: Point) {
    device_time(line, "{\"device_time\":", point.device_time);
    float(line, point.value);
    line.raw("}");
}

fn row(line: &mut Line, row: &EventRow<'_>) {
    line.raw("{\"code\":");
    line.integer(row.code);
    if let Some(event) = row.event {
        line.raw(key!("event"));
        line.string(event);
    }
    device_time(line, key!("device_time"), row.device_time);
    line.raw(key!("elements"));
    line.list(row.elements, Line::integer);
    if !row.fields.is_empty() {
        fields(line, &row.fields);
    }
    line.raw("}");
}

fn extreme(line: &mut Line, extreme: &CellExtreme) {
    line.raw("{\"cell\":");
    line.integer(extreme.cell);
    if extreme.device_time != 0 {
        device_time(line, key!("device_time"), extreme.device_time);
    }
    float(line, extreme.value);
    line.raw("}");
}

/// The unit of a number, and whether it is a ratio: then it runs from 0 to 1 whatever the unit says.
pub(super) fn unit(line: &mut Line, value: &Value<'_>, object: Option<&Object>) {
    let measured = matches!(value, Value::Unsigned(_) | Value::Signed(_) | Value::Float(_) | Value::TimeSeries { .. });
    let Some(object) = object.filter(|_| measured) else { return };
    if object.flags.ratio {
        line.raw(r#","unit":"%","ratio":true"#);
    } else if !object.unit.is_empty() {
        line.raw(key!("unit"));
        line.string(&object.unit);
    }
}

/// How the slots of a value are to be read.
const fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Unsigned(_) => "uint",
        Value::Signed(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "string",
        Value::Enum { .. } => "enum",
        Value::Bits { .. } => "bits",
        Value::UnixTime(_) => "unix_time",
        Value::TimeSeries { .. } => "timeseries",
        Value::EventTable { .. } => "event_table",
        Value::BatteryStatus(_) => "battery_module_status",
        Value::BatteryResistance(_) => "battery_module_resistance",
        Value::BatteryStatistics(_) => "battery_module_statistics",
        Value::Structure(_) => "structure",
    }
}

fn whole(line: &mut Line, number: impl itoa::Integer) {
    line.raw(key!("num"));
    line.whole(number);
}

/// A number; absent where JSON has none.
pub(super) fn float(line: &mut Line, number: f32) {
    if number.is_finite() {
        line.raw(key!("num"));
        line.float(number);
    }
}

fn label(line: &mut Line, label: Option<&str>) {
    if let Some(label) = label {
        line.raw(key!("label"));
        line.string(label);
    }
}

/// The number is what the object's own type makes of the bits: some bit fields are declared as signed.
fn bits(line: &mut Line, number: u32, flags: &[Flag<'_>], object: Option<&Object>) {
    if object.is_some_and(|object| object.response_type == DataType::Int32) {
        whole(line, number.cast_signed());
    } else {
        whole(line, number);
    }
    line.raw(key!("flags"));
    line.list(flags, |line, flag| {
        line.raw("{\"bit\":");
        line.integer(flag.bit);
        label(line, flag.label);
        line.raw("}");
    });
}

fn fields(line: &mut Line, fields: &[Field<'_>]) {
    line.raw(key!("fields"));
    line.list(fields, |line, field| {
        line.raw("{\"name\":");
        line.string(&field.name);
        match &field.value {
            FieldValue::Number(number) if number.is_finite() => {
                line.raw(key!("num"));
                line.number(*number);
            }
            FieldValue::Number(_) => {}
            FieldValue::Text(text) => {
                line.raw(key!("str"));
                line.string(text);
            }
            FieldValue::Object(id, name) => {
                line.raw(key!("object_id"));
                line.object_id(*id);
                if let Some(name) = name {
                    line.raw(key!("object"));
                    line.string(name);
                }
            }
        }
        if !field.unit.is_empty() {
            line.raw(key!("unit"));
            line.string(field.unit);
        }
        line.raw("}");
    });
}
