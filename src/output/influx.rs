//! InfluxDB's line protocol: one point for each value that is to be believed.
//!
//! ```text
//! rct,device=192.0.2.20,object=battery.soc value=0.296 1742245571050224973
//! ```
//!
//! Numbers are in `value`, truth in `state`, text in `text`, and the name of a number in `label` beside `value`: a field
//! never changes its type. The time is that of the answer. Rows of a history have the device's own wall clock, which
//! has no zone; they are measurements of their own, `rct_history` and `rct_event`, with that clock taken for UTC.

use super::cell::Reader;
use super::reading;
use super::value_text::visible;
use crate::event::{Event, Sink};
use crate::line::{Exchange, Sighting};
use crate::rct::registry::{Object, Registry};
use crate::rct::value::Value;
use std::fmt::Write as _;
use std::io;

/// Bytes gathered before they are written.
const WRITE_BYTES: usize = 64 << 10;

/// Writes trusted values as points.
#[derive(Debug)]
pub struct Points<'r, W> {
    out: W,
    registry: &'r Registry,
    reader: Reader<'r>,
    write_at: usize,
    text: String,
}

impl<'r, W: io::Write> Points<'r, W> {
    /// A writer of points. With `mask_secrets`, secret objects have none.
    pub fn new(out: W, registry: &'r Registry, mask_secrets: bool) -> Self {
        let reader = Reader::new(registry, mask_secrets);
        Self { out, registry, reader, write_at: WRITE_BYTES, text: String::new() }
    }

    /// Writes every point at once: for an output that does its own buffering.
    #[must_use]
    pub fn unbuffered(mut self) -> Self {
        self.write_at = 1;
        self
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let Some(frame) = reading::trusted(exchange) else { return };
        let registry = self.registry;
        if self.reader.hides(frame) {
            return;
        }
        let object = registry.get(frame.object_id);
        match reading::value(registry, frame) {
            Some(Value::TimeSeries { points, .. }) => {
                for point in points {
                    let Some(number) = reading::float(point.value) else { continue };
                    self.series("rct_history", frame, object);
                    self.end(&format!("value={number}"), device_nanos(point.device_time));
                }
            }
            Some(Value::EventTable { rows, .. }) => {
                for row in rows {
                    self.series("rct_event", frame, object);
                    self.tag("event", row.event.unwrap_or("unknown"));
                    // Two events of one second are two points.
                    self.tag("code", &row.code.to_string());
                    self.end("count=1i", device_nanos(row.device_time));
                }
            }
            Some(value) => {
                let Some(fields) = fields(&value, object) else { return };
                self.series("rct", frame, object);
                self.end(&fields, frame.ts.nanos());
            }
            None => {}
        }
    }

    /// The measurement, and the tags that all points have.
    fn series(&mut self, measurement: &str, frame: &Sighting, object: Option<&Object>) {
        self.text.push_str(measurement);
        self.tag("device", &frame.device().ip.to_string());
        match object.map(|object| object.name.as_str()).filter(|name| !name.is_empty()) {
            Some(name) => self.tag("object", name),
            None => self.tag("object", &frame.object_id.to_string()),
        }
    }

    fn tag(&mut self, key: &str, value: &str) {
        let _ = write!(self.text, ",{key}=");
        let mut safe = String::new();
        visible(&mut safe, value);
        for c in safe.chars() {
            match c {
                ',' | '=' | ' ' => self.text.extend(['\\', c]),
                // At the end it would hide the separator behind it, and there is no way to write it there.
                '\\' => self.text.push('/'),
                c => self.text.push(c),
            }
        }
    }

    fn end(&mut self, fields: &str, nanos: i64) {
        let _ = writeln!(self.text, " {fields} {nanos}");
    }

    fn write(&mut self) -> io::Result<()> {
        let written = self.out.write_all(self.text.as_bytes());
        self.text.clear();
        written
    }
}

impl<W: io::Write> Sink for Points<'_, W> {
    type Error = io::Error;

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Summary(_) => {
                self.write()?;
                return self.out.flush();
            }
            _ => return Ok(()),
        }
        if self.text.len() >= self.write_at { self.write() } else { Ok(()) }
    }
}

/// The fields of a value; `None` where it has none that a point can hold.
fn fields(value: &Value<'_>, object: Option<&Object>) -> Option<String> {
    Some(match value {
        Value::Bool(yes) => format!("state={yes}"),
        Value::Text(text) => format!("text={}", quoted(text)),
        Value::Enum { label: Some(label), .. } => {
            format!("label={},value={}", quoted(label), reading::number(value, object)?)
        }
        value => format!("value={}", reading::number(value, object)?),
    })
}

/// A string in quotes, on one line.
fn quoted(text: &str) -> String {
    let mut safe = String::new();
    visible(&mut safe, text);
    format!("\"{}\"", safe.replace('\\', "\\\\").replace('"', "\\\""))
}

fn device_nanos(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{ExchangeStatus, Pairing};
    use crate::object::ObjectId;
    use crate::output::samples::{ACC, IS_GRID, SOC, SOC_MIN, read, request, unasked};
    use crate::rct::{Command, FrameStatus};
    use influxdb_line_protocol::{FieldValue, parse_lines};

    fn lines(exchange: &Exchange, mask: bool) -> String {
        let mut bytes = Vec::new();
        let mut points = Points::new(&mut bytes, Registry::builtin(), mask).unbuffered();
        points.event(Event::Exchange(exchange)).expect("memory");
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn check(exchange: &Exchange, expected: &str) {
        let text = lines(exchange, false);
        assert_eq!(text, expected);
        for line in parse_lines(&text) {
            let line = line.expect("a reader of the format takes it");
            assert!(line.timestamp.is_some() && line.tag_value("device").is_some(), "{text}");
        }
        assert_eq!(parse_lines(&text).count(), text.lines().count());
    }

    const SOC_BYTES: [u8; 4] = 0.296_f32.to_be_bytes();

    fn named(name: &str, payload: &[u8]) -> Exchange {
        let id = Registry::builtin().by_name(name).expect("an object").id;
        read(1, 4, 12.0, id).answered(6, 30.0, payload)
    }

    #[test]
    fn values_by_their_type() {
        let soc = read(1, 4, 12.0, SOC).answered(6, 38.0, &SOC_BYTES);
        check(&soc, "rct,device=192.0.2.20,object=battery.soc value=0.296 1742245560050000000\n");
        let power = read(1, 4, 12.0, ACC).answered(6, 38.0, &(-1535.0_f32).to_be_bytes());
        check(&power, "rct,device=192.0.2.20,object=g_sync.p_acc_lp value=-1535.0 1742245560050000000\n");
        let grid = read(1, 4, 12.0, IS_GRID).answered(6, 38.0, &[1]);
        check(&grid, "rct,device=192.0.2.20,object=power_mng.is_grid state=true 1742245560050000000\n");
        let unasked = unasked(Command::RESPONSE, 6, 50.0, SOC, &SOC_BYTES);
        check(&unasked, "rct,device=192.0.2.20,object=battery.soc value=0.296 1742245560050000000\n");
        let unknown = lines(&read(1, 4, 12.0, ObjectId(0xDEAD_BEEF)).answered(6, 38.0, &[1, 2, 3, 4]), false);
        assert!(unknown.is_empty() || unknown.contains("object=0xDEADBEEF "), "{unknown}");
    }

    #[test]
    fn what_is_not_to_be_believed_is_left_out() {
        let answered = || read(1, 4, 12.0, SOC).answered(6, 30.0, &SOC_BYTES);
        check(&answered().spoil(|frame| frame.status = FrameStatus::CrcMismatch), "");
        check(&answered().status(ExchangeStatus::Damaged), "");
        let mut guess = answered();
        guess.response.as_mut().expect("an answer").pairing = Pairing::Tentative;
        check(&guess, "");
        check(&read(1, 4, 12.0, SOC), "");
        check(&read(1, 4, 12.0, SOC).answered(6, 30.0, &f32::INFINITY.to_be_bytes()), "");
        let wrote = request(Command::WRITE, 1, 4, 12.0, SOC_MIN).writes(&[0; 4]).answered(6, 30.0, &[0; 4]);
        check(&wrote, "");
    }

    #[test]
    fn text_from_outside_stays_in_its_place() {
        for hostile in ["a\" 1\nrct,object=b value=2", "back\\slash\\", "", "ümläut \u{202e}", "a,b=c d\\\""] {
            let exchange = named("inverter_sn", &[hostile.as_bytes(), b"\0"].concat());
            let text = lines(&exchange, false);
            let parsed: Vec<_> = parse_lines(&text).map(|line| line.expect("a line")).collect();
            assert_eq!(parsed.len(), 1, "{text}");
            let mut shown = String::new();
            visible(&mut shown, hostile);
            match &parsed[0].field_set[0] {
                (key, FieldValue::String(text)) => assert_eq!((key.as_str(), text.as_str()), ("text", &*shown)),
                other => panic!("{other:?}"),
            }
            assert_eq!(lines(&exchange, true), "", "a secret");
        }
    }

    #[test]
    fn tags_are_escaped() {
        let mut points = Points::new(Vec::new(), Registry::builtin(), false);
        points.text.push('m');
        points.tag("object", "a b,c=d\\");
        points.end("value=1.0", 1);
        let parsed: Vec<_> = parse_lines(&points.text).map(|line| line.expect("a line")).collect();
        assert_eq!(parsed[0].tag_value("object").map(ToString::to_string).as_deref(), Some("a b,c=d/"));
    }
}
