//! Values as people read them: `29.6 %`, `none set`, `48 pts 17:05-21:00`.
//!
//! For reading only: the text is rounded, and programs take the typed parts of a value instead. Whether a value is to
//! be trusted is not known here. Text out of a capture is untrusted, so nothing written here can steer a terminal.
#![expect(clippy::inline_always, reason = "most numbers of records come this way")]

use super::digits::{ROOM, Room};
use super::fixed::{self, Places};
use super::time_text::{self, Civil};
use crate::rct::registry::Object;
use crate::rct::value::{CellExtreme, CellStatus, Field, FieldValue, Flag, Value};
use std::fmt::Write;

/// Appends `value` as text. The object gives the unit and says whether the number is a ratio to be shown as percent.
pub fn write(out: &mut String, value: &Value<'_>, object: Option<&Object>) {
    match value {
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Unsigned(number) => number_with_unit(out, f64::from(*number), Decimals::None, object),
        Value::Signed(number) => number_with_unit(out, f64::from(*number), Decimals::None, object),
        Value::Float(number) => number_with_unit(out, f64::from(*number), Decimals::ByMagnitude, object),
        Value::Text(text) if text.is_empty() => out.push_str("\"\""),
        Value::Text(text) => visible(out, text),
        Value::Enum { number, label } => match label {
            Some(label) => visible(out, label),
            None => push(out, format_args!("{number} (no name known)")),
        },
        Value::Bits { flags, .. } => bits(out, flags),
        Value::UnixTime(seconds) => moment(out, *seconds),
        Value::TimeSeries { points, .. } => {
            table(out, points.len(), ["pt", "pts"], points.iter().map(|point| point.device_time));
        }
        Value::EventTable { rows, .. } => {
            table(out, rows.len(), ["event", "events"], rows.iter().map(|row| row.device_time));
        }
        Value::BatteryStatus(cells) => battery_status(out, cells),
        Value::BatteryResistance(cells) => {
            count_cells(out, cells.len());
            range(out, cells.iter().map(|&cell| f64::from(cell)), 2, "mΩ");
        }
        Value::BatteryStatistics(extremes) => battery_statistics(out, extremes),
        Value::Structure(parts) => fields(out, parts),
    }
}

/// Appends `text` with everything escaped that a terminal would obey, or that would make text look like other text.
pub fn visible(out: &mut String, text: &str) {
    // Nearly all text is this, and to look at bytes is cheaper than to take characters apart.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if steers(c) => push(out, format_args!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
}

/// Control characters, and those that change the direction of writing or cannot be seen.
const fn steers(c: char) -> bool {
    c.is_ascii_control()
        || matches!(c, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Appends the parts of a structure or the elements of an event: `code 3, ac_power 430.0 W`.
pub fn fields(out: &mut String, fields: &[Field<'_>]) {
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        visible(out, &field.name);
        out.push(' ');
        match &field.value {
            FieldValue::Number(number) => {
                let whole = number.fract() == 0.0;
                self::number(out, *number, if whole { Decimals::None } else { Decimals::ByMagnitude });
                unit(out, field.unit);
            }
            FieldValue::Text(text) => visible(out, text),
            FieldValue::Object(_, Some(name)) => visible(out, name),
            FieldValue::Object(id, None) => push(out, format_args!("{id}")),
        }
    }
}

/// Writing to a string cannot fail.
fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(args);
}

/// How many decimals a number is shown with.
#[derive(Clone, Copy)]
enum Decimals {
    /// A whole number.
    None,
    /// As many as make sense for a measurement of its size, one at least.
    ByMagnitude,
}

fn number_with_unit(out: &mut String, number: f64, decimals: Decimals, object: Option<&Object>) {
    let ratio = object.is_some_and(|object| object.flags.ratio);
    let mut room = [0; ROOM];
    match short_number(&mut room, number, decimals, ratio) {
        Some(length) => push_digits(out, &room[..length]),
        None => self::number(out, if ratio { number * 100.0 } else { number }, decimals),
    }
    if let Some(object) = object {
        unit_of(out, object);
    }
}

/// Appends what stands behind the numbers of an object.
pub(super) fn unit_of(out: &mut String, object: &Object) {
    unit(out, if object.flags.ratio { "%" } else { &object.unit });
}

fn unit(out: &mut String, unit: &str) {
    if !unit.is_empty() {
        out.push(' ');
        visible(out, unit);
    }
}

/// The digits of [`write`] for a value that is a number like most, without its unit. `None` for all others.
#[inline]
pub(super) fn short(room: &mut Room, value: &Value<'_>, object: Option<&Object>) -> Option<usize> {
    let (number, decimals) = match *value {
        Value::Float(number) => (f64::from(number), Decimals::ByMagnitude),
        Value::Unsigned(number) => (f64::from(number), Decimals::None),
        Value::Signed(number) => (f64::from(number), Decimals::None),
        _ => return None,
    };
    short_number(room, number, decimals, object.is_some_and(|object| object.flags.ratio))
}

/// The same for a float of which it is known whether it is a ratio.
#[inline]
pub(super) fn short_float(room: &mut Room, number: f32, ratio: bool) -> Option<usize> {
    short_number(room, number.into(), Decimals::ByMagnitude, ratio)
}

/// `None` for what takes more than digits and a point.
#[inline(always)]
fn short_number(room: &mut Room, number: f64, decimals: Decimals, ratio: bool) -> Option<usize> {
    let (number, places) = if !ratio {
        // Nothing measured is a zero with a sign: this takes it away.
        let unsigned_zero = if matches!(decimals, Decimals::ByMagnitude) { number + 0.0 } else { number };
        (unsigned_zero, places(number, decimals)?)
    } else if number.abs() < 1e6 {
        // One decimal of a percent is as much as anybody wants to know.
        (number * 100.0, Places { fewest: 1, most: 1 })
    } else {
        (number * 100.0, places(number * 100.0, decimals)?)
    };
    fixed::short(room, number, places)
}

/// Three decimals for what is below a hundred, one above, four digits for what is below one. Zeros at the end are dropped
/// down to one decimal. `None` for what is no number, and for very large and very small ones.
#[inline(always)]
fn places(number: f64, decimals: Decimals) -> Option<Places> {
    let size = number.abs();
    let most = match decimals {
        Decimals::None => return Some(Places { fewest: 0, most: 0 }),
        Decimals::ByMagnitude if size == 0.0 => 1,
        Decimals::ByMagnitude if !(1e-4..1e10).contains(&size) => return None,
        // Counted and not chosen: which of them it is, nobody can guess.
        Decimals::ByMagnitude => {
            let above = [0.01, 0.1, 1.0, 100.0].map(|bound| usize::from(size >= bound));
            [7, 5, 4, 3, 1][above.iter().sum::<usize>()]
        }
    };
    Some(Places { fewest: 1, most })
}

/// Any number: very large and very small ones with an exponent.
fn number(out: &mut String, number: f64, decimals: Decimals) {
    let mut room = [0; ROOM];
    match (short_number(&mut room, number, decimals, false), decimals) {
        (Some(length), _) => push_digits(out, &room[..length]),
        (None, Decimals::None) => push(out, format_args!("{number:.0}")),
        (None, Decimals::ByMagnitude) if number.is_finite() => push(out, format_args!("{number:.3e}")),
        (None, Decimals::ByMagnitude) => push(out, format_args!("{number}")),
    }
}

/// Digits are ASCII.
fn push_digits(out: &mut String, digits: &[u8]) {
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

fn bits(out: &mut String, flags: &[Flag<'_>]) {
    if flags.is_empty() {
        out.push_str("none set");
    }
    for (i, flag) in flags.iter().enumerate() {
        push(out, format_args!("{}bit {}", if i > 0 { ", " } else { "" }, flag.bit));
        if let Some(label) = flag.label {
            out.push_str(": ");
            visible(out, label);
        }
    }
}

/// `2025-03-17 21:00:00`
fn moment(out: &mut String, seconds: u32) {
    let mut text = time_text::device_time_bytes(seconds);
    text[10] = b' ';
    out.push_str(std::str::from_utf8(&text).unwrap_or_default());
}

/// `48 pts 17:05-21:00`, with dates where the rows are not all of one day.
fn table(out: &mut String, count: usize, [one, many]: [&str; 2], times: impl Iterator<Item = u32> + Clone) {
    push(out, format_args!("{count} {}", if count == 1 { one } else { many }));
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return };
    let [a, b] = [first, last].map(|seconds| Civil::from_unix(i64::from(seconds)));
    let date = |day: Civil| format!("{:04}-{:02}-{:02}", day.year, day.month, day.day);
    if first == last {
        push(out, format_args!(" {} {:02}:{:02}", date(a), a.hour, a.minute));
    } else if (a.year, a.month, a.day) == (b.year, b.month, b.day) {
        push(out, format_args!(" {:02}:{:02}-{:02}:{:02}", a.hour, a.minute, b.hour, b.minute));
    } else {
        push(out, format_args!(" {}..{}", date(a), date(b)));
    }
}

/// ` 3.301-3.312 V`; nothing where there is no number.
fn range(out: &mut String, numbers: impl Iterator<Item = f64> + Clone, places: usize, unit: &str) {
    let (low, high) = (numbers.clone().reduce(f64::min), numbers.reduce(f64::max));
    match (low, high) {
        (Some(low), Some(high)) if low < high => {
            push(out, format_args!(" {low:.places$}-{high:.places$} {unit}"));
        }
        (Some(low), _) => push(out, format_args!(" {low:.places$} {unit}")),
        (None, _) => {}
    }
}

fn count_cells(out: &mut String, count: usize) {
    push(out, format_args!("{count} {}", if count == 1 { "cell" } else { "cells" }));
}

fn battery_status(out: &mut String, cells: &[CellStatus]) {
    count_cells(out, cells.len());
    // A module with fewer cells leaves the rest at zero.
    let fitted = cells.iter().filter(|cell| cell.voltage_mv != 0);
    range(out, fitted.clone().map(|cell| f64::from(cell.voltage_mv) / 1_000.0), 3, "V");
    range(out, fitted.map(|cell| f64::from(cell.temperature_c)), 0, "°C");
}

fn battery_statistics(out: &mut String, extremes: &[CellExtreme; 4]) {
    let [u_min, u_max, t_min, t_max] = extremes.map(|extreme| extreme.value);
    push(out, format_args!("{u_min:.3}-{u_max:.3} V, {t_min:.1}-{t_max:.1} °C"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectId;
    use crate::rct::registry::{DataType, Flags};
    use crate::rct::value::{EventRow, Point};
    use proptest::prelude::*;

    fn object(unit: &str, ratio: bool) -> Object {
        Object {
            id: ObjectId(0x9599_30BF),
            index: None,
            name: "battery.soc".into(),
            group: "battery".into(),
            request_type: DataType::Float,
            response_type: DataType::Float,
            unit: unit.into(),
            label: String::new(),
            flags: Flags { ratio, ..Flags::default() },
        }
    }

    fn check(value: &Value<'_>, unit: &str, expected: &str) {
        let mut out = String::new();
        write(&mut out, value, Some(&object(unit, unit == "ratio")));
        assert_eq!(out, expected);
    }

    #[test]
    fn numbers() {
        for (number, unit, expected) in [
            (430.0, "W", "430.0 W"),
            (-1106.04, "W", "-1106.0 W"),
            (49.9872, "Hz", "49.987 Hz"),
            (0.07, "", "0.07"),
            (0.5, "", "0.5"),
            (0.0, "V", "0.0 V"),
            (-0.0, "V", "0.0 V"),
            (1e-7, "", "1.000e-7"),
            (1.5e12, "Wh", "1.500e12 Wh"),
            (f32::NAN, "W", "NaN W"),
            (f32::NEG_INFINITY, "W", "-inf W"),
            (0.296, "ratio", "29.6 %"),
            (1.0, "ratio", "100.0 %"),
            (f32::MAX, "ratio", "3.403e40 %"),
        ] {
            check(&Value::Float(number), unit, expected);
        }
        check(&Value::Unsigned(u32::MAX), "s", "4294967295 s");
        check(&Value::Signed(-5), "", "-5");
    }

    /// Numbers as the standard library rounds them.
    fn oracle(number: f64) -> String {
        let size = number.abs();
        let most: usize = match size {
            _ if !number.is_finite() => return format!("{number}"),
            0.0 => return "0.0".to_owned(),
            _ if !(1e-4..1e10).contains(&size) => return format!("{number:.3e}"),
            100.0.. => 1,
            1.0.. => 3,
            0.1.. => 4,
            0.01.. => 5,
            _ => 7,
        };
        let text = format!("{number:.most$}");
        let trimmed = text.trim_end_matches('0');
        if trimmed.ends_with('.') { format!("{trimmed}0") } else { trimmed.to_owned() }
    }

    proptest! {
        #[test]
        fn numbers_as_the_standard_library(bits: u32, near in -2e3_f32..2e3, thousandths in -30_000_i16..30_000) {
            for number in [f32::from_bits(bits), near, f32::from(thousandths) / 1_000.0] {
                check(&Value::Float(number), "", &oracle(number.into()));
                let percent = f64::from(number) * 100.0;
                let expected = if percent.abs() < 1e8 { format!("{percent:.1}") } else { oracle(percent) };
                check(&Value::Float(number), "ratio", &format!("{expected} %"));
            }
            check(&Value::Unsigned(bits), "", &bits.to_string());
            check(&Value::Signed(bits.cast_signed()), "", &bits.cast_signed().to_string());
        }
    }

    #[test]
    fn an_object_is_not_needed() {
        let mut out = String::new();
        write(&mut out, &Value::Float(1.5), None);
        assert_eq!(out, "1.5");
    }

    #[test]
    fn names() {
        check(&Value::Bool(true), "", "true");
        check(&Value::Enum { number: 1, label: Some("Master") }, "", "Master");
        check(&Value::Enum { number: 9, label: None }, "", "9 (no name known)");
        check(&Value::Bits { number: 0, flags: vec![] }, "", "none set");
        let flags = vec![Flag { bit: 13, label: Some("Grid voltage phase 1") }, Flag { bit: 31, label: None }];
        check(&Value::Bits { number: 0x8000_2000, flags }, "", "bit 13: Grid voltage phase 1, bit 31");
        check(&Value::UnixTime(1_742_245_200), "", "2025-03-17 21:00:00");
    }

    #[test]
    fn text_cannot_steer_a_terminal() {
        check(&Value::Text("".into()), "", "\"\"");
        check(
            &Value::Text("PS 6.0 ü\u{1b}[31m\n\u{202e}x\u{9b}".into()),
            "",
            "PS 6.0 ü\\u{1b}[31m\\n\\u{202e}x\\u{9b}",
        );
    }

    #[test]
    fn tables() {
        let series = |times: &[u32]| Value::TimeSeries {
            queried: 0,
            points: times.iter().map(|&device_time| Point { device_time, value: 0.5 }).collect(),
        };
        check(&series(&[]), "", "0 pts");
        check(&series(&[1_742_245_200]), "", "1 pt 2025-03-17 21:00");
        check(&series(&[1_742_245_200, 1_742_231_100]), "", "2 pts 17:05-21:00");
        check(&series(&[1_742_245_200, 1_742_145_200]), "", "2 pts 2025-03-16..2025-03-17");
        let row = EventRow { code: 1, event: None, device_time: 5, elements: [0; 3], fields: vec![] };
        check(&Value::EventTable { queried: 0, rows: vec![row] }, "", "1 event 1970-01-01 00:00");
    }

    #[test]
    fn batteries() {
        let cell = |temperature_c, voltage_mv| CellStatus { temperature_c, voltage_mv, cell_status: 0 };
        check(
            &Value::BatteryStatus(vec![cell(18, 3301), cell(21, 3312), cell(0, 0)]),
            "",
            "3 cells 3.301-3.312 V 18-21 °C",
        );
        check(&Value::BatteryResistance(vec![]), "", "0 cells");
        check(&Value::BatteryResistance(vec![0.66]), "", "1 cell 0.66 mΩ");
        check(&Value::BatteryResistance(vec![1.2, 1.2]), "", "2 cells 1.20 mΩ");
        let extreme = |value| CellExtreme { cell: 0, device_time: 0, value };
        let extremes = [extreme(3.01), extreme(3.4), extreme(12.0), extreme(31.0)];
        check(&Value::BatteryStatistics(extremes), "", "3.010-3.400 V, 12.0-31.0 °C");
    }

    #[test]
    fn structures() {
        let field = |name: &'static str, value, unit| Field { name: name.into(), value, unit };
        let parts = vec![
            field("net_id", FieldValue::Number(3.0), ""),
            field("ac_power", FieldValue::Number(430.25), "W"),
            field("name", FieldValue::Text("left\u{7}".into()), ""),
            field("object", FieldValue::Object(ObjectId(1), None), ""),
        ];
        check(&Value::Structure(parts), "", "net_id 3, ac_power 430.2 W, name left\\u{7}, object 0x00000001");
    }
}
