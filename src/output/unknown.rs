//! Objects that nobody knows, and objects that this device does not seem to know.
//!
//! Gathers every sighting of an object outside the registry, with what its values could mean, and how often each object
//! was asked for and answered. Memory is bounded: the number of objects is, and what their values take together.

use super::fields::{self, Fields};
use super::style::{self, Ink, Style};
use super::value_text;
use super::zone::Zone;
use crate::event::{Event, Sink};
use crate::fingerprint::{Fingerprint, Fingerprints};
use crate::line::{Exchange, ExchangeStatus};
use crate::object::ObjectId;
use crate::packet::PacketNumber;
use crate::rct::Command;
use crate::rct::registry::Registry;
use crate::rct::value::candidates;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;

/// Objects counted; an attacker may name more.
const MOST: usize = 8_192;
/// Different values kept of each.
const VALUES: usize = 4;
/// Bytes of all of them that are kept; of what comes later only [`SHOWN`]. Arbitrary: far above what the tables of all
/// objects take.
const VALUE_BYTES: usize = 32 << 20;
/// Bytes of a value that are shown.
const SHOWN: usize = 16;

/// What was seen of one object.
#[derive(Clone, Debug, Default)]
struct Seen {
    asked: u64,
    answered: u64,
    written: u64,
    unasked: u64,
    /// Requests whose fate the capture does not show.
    open: u64,
    first: Option<(Timestamp, PacketNumber)>,
    last: Option<(Timestamp, PacketNumber)>,
    values: Vec<Value>,
    more_values: bool,
}

/// A value that was seen.
#[derive(Clone, Debug)]
struct Value {
    /// All of it, or its beginning.
    bytes: Box<[u8]>,
    whole: Fingerprint,
}

/// How the screen looks.
#[derive(Clone, Copy, Debug)]
pub struct UnknownOptions<'a> {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// The zone of the times.
    pub zone: Zone<'a>,
}

/// Gathers objects.
#[derive(Debug)]
pub struct Unknown<'r> {
    registry: &'r Registry,
    objects: BTreeMap<ObjectId, Seen>,
    /// So many are counted at most.
    most: usize,
    /// Exchanges about others.
    left_out: u64,
    /// What to know values by.
    fingerprints: Fingerprints,
    /// Bytes that values may still take.
    room: usize,
    /// Values of which only the beginning is kept.
    cut: u64,
}

impl<'r> Unknown<'r> {
    /// Nothing seen yet.
    pub fn new(registry: &'r Registry) -> Self {
        Self::with_bounds(registry, MOST, VALUE_BYTES)
    }

    fn with_bounds(registry: &'r Registry, most: usize, room: usize) -> Self {
        let fingerprints = Fingerprints::default();
        Self { registry, objects: BTreeMap::new(), most, left_out: 0, fingerprints, room, cut: 0 }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let lead = exchange.lead();
        if self.objects.len() >= self.most && !self.objects.contains_key(&lead.object_id) {
            self.left_out += 1;
            return;
        }
        let known = self.registry.get(lead.object_id).is_some();
        let seen = self.objects.entry(lead.object_id).or_default();
        let at = (exchange.ts, lead.packet());
        seen.first.get_or_insert(at);
        seen.last = Some(at);
        let trusted = exchange.response.as_ref().filter(|response| response.frame.crc_ok());
        match &exchange.request {
            None => seen.unasked += 1,
            Some(request) if request.command.is_write() && trusted.is_none() => seen.written += 1,
            Some(_) => {
                seen.asked += 1;
                seen.open += u64::from(exchange.status == ExchangeStatus::Open);
                seen.answered += u64::from(exchange.response.is_some());
            }
        }
        let written = exchange.request.as_ref().filter(|request| request.command.base() != Command::READ);
        let payloads = trusted.map(|response| &*response.frame.payload).into_iter();
        for payload in payloads.chain(written.map(|request| &*request.payload)).filter(|payload| !payload.is_empty()) {
            if known {
                continue;
            }
            let whole = self.fingerprints.of(payload);
            if seen.values.iter().any(|value| value.whole == whole) {
                continue;
            }
            if seen.values.len() < VALUES {
                let kept = if payload.len() <= self.room { payload.len() } else { payload.len().min(SHOWN) };
                self.room = self.room.saturating_sub(kept);
                let value = Value { bytes: payload[..kept].into(), whole };
                self.cut += u64::from(value.is_cut());
                seen.values.push(value);
            } else {
                seen.more_values = true;
            }
        }
    }

    /// Objects outside the registry.
    fn strange(&self) -> impl Iterator<Item = (&ObjectId, &Seen)> {
        self.objects.iter().filter(|(id, _)| self.registry.get(**id).is_none())
    }

    /// Known objects that were asked for and never answered, while nothing says that the capture missed it.
    fn silent(&self) -> impl Iterator<Item = (&ObjectId, &Seen)> {
        let any_answer = self.objects.values().any(|seen| seen.answered > 0);
        self.objects.iter().filter(move |(id, seen)| {
            any_answer && self.registry.get(**id).is_some() && seen.answered == 0 && seen.asked > seen.open
        })
    }

    /// Writes the screen for people.
    pub fn text(&self, out: &mut dyn io::Write, options: &UnknownOptions<'_>) -> io::Result<()> {
        let UnknownOptions { width, style, zone } = *options;
        writeln!(out, "{}", style.paint(Ink::Bold, "Objects that are not in the registry"))?;
        for (id, seen) in self.strange() {
            let (head, when) = (format!("  {id}  {}", counts(seen)), when(seen, zone));
            let is_short = style::display_width(&head) + 2 + style::display_width(&when) <= width;
            writeln!(out, "{head}{}{when}", if is_short { "  " } else { "\n    " })?;
            for value in &seen.values {
                let line = format!("    {}  {}", value.hex(), value.readings().join(" · "));
                writeln!(out, "{}", style::fit_end(line.trim_end(), width.max(40)))?;
            }
            if seen.more_values {
                writeln!(out, "    and other values")?;
            }
            if seen.asked > seen.open && seen.answered == 0 {
                writeln!(out, "    never answered in this capture: perhaps not supported by this firmware")?;
            }
        }
        if self.strange().next().is_none() {
            writeln!(out, "  none")?;
        }
        writeln!(out, "\n{}", style.paint(Ink::Bold, "Asked for and never answered in this capture"))?;
        for (id, seen) in self.silent() {
            let name = self.registry.get(*id).map_or_else(String::new, |object| object.name.clone());
            let line = format!("  {id}  {name}  asked {}: perhaps not supported by this firmware", times(seen.asked));
            writeln!(out, "{}", style::fit_end(&style::escape(&line), width.max(40)))?;
        }
        if self.silent().next().is_none() {
            writeln!(out, "  none")?;
        }
        if self.left_out > 0 {
            writeln!(out, "\nrequests for more than {} objects: {} were not counted", self.most, self.left_out)?;
        }
        if self.cut > 0 {
            let most = VALUE_BYTES >> 20;
            writeln!(out, "\nvalues of more than {most} MiB together: {} were kept in part, and not read", self.cut)?;
        }
        Ok(())
    }

    /// Writes a record a line: `unknown_object` for each that is not in the registry, `silent_object` for each that was
    /// never answered, and `left_out` where there were more objects than are counted. A value that was not kept whole has its
    /// beginning, its length, and no readings.
    pub fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        for (id, seen) in self.strange() {
            let mut record = counted(Fields::new("unknown_object").text("object_id", id), seen);
            let values: Vec<String> = seen.values.iter().map(Value::json).collect();
            record = record.raw("values", format_args!("[{}]", values.join(",")));
            record.write(out)?;
        }
        for (id, seen) in self.silent() {
            let name = self.registry.get(*id).map(|object| &object.name);
            let record = Fields::new("silent_object").text("object_id", id).maybe("object", name);
            counted(record, seen).write(out)?;
        }
        if self.left_out > 0 {
            Fields::new("left_out").raw("exchange_count", self.left_out).write(out)?;
        }
        Ok(())
    }
}

impl Sink for Unknown<'_> {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        if let Event::Exchange(exchange) = event {
            self.exchange(exchange);
        }
        Ok(())
    }
}

fn counted(mut record: Fields, seen: &Seen) -> Fields {
    for (key, count) in [
        ("asked_count", seen.asked),
        ("answered_count", seen.answered),
        ("written_count", seen.written),
        ("unasked_count", seen.unasked),
    ] {
        record = record.raw(key, count);
    }
    for (ts_key, packet_key, at) in [("ts_first", "packet_first", seen.first), ("ts_last", "packet_last", seen.last)] {
        if let Some((ts, packet)) = at {
            record = record.time(ts_key, ts).raw(packet_key, packet);
        }
    }
    record
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// `asked 3 times, answered twice …`
fn counts(seen: &Seen) -> String {
    let mut parts = Vec::new();
    if seen.asked > 0 {
        parts.push(format!("asked {}, answered {}", times(seen.asked), seen.answered));
    }
    if seen.written > 0 {
        parts.push(format!("written {}", times(seen.written)));
    }
    if seen.unasked > 0 {
        parts.push(format!("sent unasked {}", times(seen.unasked)));
    }
    parts.join(", ")
}

fn when(seen: &Seen, zone: Zone<'_>) -> String {
    let (Some(first), Some(last)) = (seen.first, seen.last) else { return String::new() };
    let one = |(ts, packet): (Timestamp, PacketNumber)| format!("{} (packet {packet})", zone.time_ms(ts));
    if first == last { format!("at {}", one(first)) } else { format!("from {} to {}", one(first), one(last)) }
}

impl Value {
    const fn is_cut(&self) -> bool {
        self.bytes.len() < self.whole.length()
    }

    /// What it could mean, the likeliest first; nothing is said of a part.
    fn candidates(&self) -> impl Iterator<Item = (&'static str, String)> {
        let candidates = if self.is_cut() { Vec::new() } else { candidates(&self.bytes) };
        candidates.into_iter().map(|(name, value)| {
            let mut text = String::new();
            value_text::write(&mut text, &value, None);
            (name, text)
        })
    }

    fn readings(&self) -> Vec<String> {
        self.candidates().map(|(name, text)| format!("{name} {text}")).collect()
    }

    fn hex(&self) -> String {
        let mut text = fields::hex(&self.bytes[..self.bytes.len().min(SHOWN)]);
        if self.whole.length() > SHOWN {
            _ = write!(text, "… ({} bytes)", self.whole.length());
        }
        text
    }

    fn json(&self) -> String {
        let reading = |(name, text)| format!("{{\"type\":\"{name}\",\"text\":{}}}", serde_json::Value::from(text));
        let readings: Vec<String> = self.candidates().map(reading).collect();
        let (hex, readings) = (fields::hex(&self.bytes), readings.join(","));
        let length = if self.is_cut() { format!("\"payload_length\":{},", self.whole.length()) } else { String::new() };
        format!("{{\"payload_hex\":\"{hex}\",{length}\"readings\":[{readings}]}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    fn text(unknown: &Unknown<'_>) -> String {
        let mut out = Vec::new();
        let options = UnknownOptions { width: 100, style: Style::default(), zone: Zone::UTC };
        unknown.text(&mut out, &options).expect("a Vec takes all");
        String::from_utf8(out).expect("text")
    }

    fn json(unknown: &Unknown<'_>) -> String {
        let mut out = Vec::new();
        unknown.json(&mut out).expect("a Vec takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn strange_and_silent_objects() {
        let strange = ObjectId(0xDEAD_BEEF);
        let mut unknown = Unknown::new(Registry::builtin());
        for exchange in [
            samples::read(1, 1, 0.0, samples::SOC).answered(2, 60.0, &0.3_f32.to_be_bytes()),
            samples::read(1, 3, 1000.0, strange).answered(4, 60.0, &[0x47, 0, 0, 0]),
            samples::read(1, 5, 2000.0, strange),
            samples::read(1, 7, 3000.0, samples::ACC),
        ] {
            let Ok(()) = unknown.event(Event::Exchange(&exchange));
        }
        let text = text(&unknown);
        let screen = "\
Objects that are not in the registry
  0xDEADBEEF  asked 2 times, answered 1  from 21:06:01.000 (packet 3) to 21:06:02.000 (packet 5)
    47000000  float 32768.0 · uint32 1191182336

Asked for and never answered in this capture
  0x400F015B  g_sync.p_acc_lp  asked once: perhaps not supported by this firmware
";
        assert_eq!(text, screen, "\n{text}");
        let record: serde_json::Value =
            serde_json::from_str(json(&unknown).lines().next().expect("a line")).expect("JSON");
        assert_eq!(record["values"][0]["readings"][0]["type"], "float");
    }

    /// Different ones of 1,000 bytes, and room for two of them: the others are told by their beginnings, and equal ones are
    /// one nevertheless.
    #[test]
    fn values_beyond_the_bound_are_cut_and_told_so() {
        let mut unknown = Unknown::with_bounds(Registry::builtin(), MOST, 2_500);
        let payload = |n: u8| [&[0x41; 999][..], &[n]].concat();
        for n in [1, 2, 3, 4, 3, 4, 1] {
            let strange = ObjectId(0xDEAD_BEEF + u32::from(n) / 4);
            let exchange = samples::read(1, n.into(), 0.0, strange).answered(9, 60.0, &payload(n));
            let Ok(()) = unknown.event(Event::Exchange(&exchange));
        }
        assert_eq!((unknown.cut, unknown.room), (2, 2_500 - 2_000 - 2 * SHOWN));
        let text = text(&unknown);
        assert_eq!(text.matches("… (1000 bytes)").count(), 4, "{text}");
        assert!(text.ends_with("2 were kept in part, and not read\n"), "{text}");
        let record: serde_json::Value =
            serde_json::from_str(json(&unknown).lines().next().expect("a line")).expect("JSON");
        let values = record["values"].as_array().expect("values");
        let lengths = values.iter().map(|value| value["payload_hex"].as_str().map(str::len));
        assert_eq!(lengths.collect::<Vec<_>>(), [Some(2_000), Some(2_000), Some(2 * SHOWN)]);
        assert_eq!(
            (&values[1]["payload_length"], &values[2]["payload_length"]),
            (&serde_json::Value::Null, &1_000.into())
        );
    }

    #[test]
    fn exchanges_about_too_many_objects_are_counted() {
        let mut unknown = Unknown::with_bounds(Registry::builtin(), 2, VALUE_BYTES);
        for n in [1, 2, 3, 1, 4] {
            let exchange = samples::read(1, n.into(), 0.0, ObjectId(0xDEAD_BEE0 + n));
            let Ok(()) = unknown.event(Event::Exchange(&exchange));
        }
        let text = text(&unknown);
        assert!(text.ends_with("\nrequests for more than 2 objects: 2 were not counted\n"), "{text}");
        let text = json(&unknown);
        assert_eq!(text.lines().last(), Some(r#"{"type":"left_out","exchange_count":2}"#), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
