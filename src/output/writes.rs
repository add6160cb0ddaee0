//! The security view: who wrote what to a device, in place of what, and whether it took effect.
//!
//! Takes all events and writes nothing until the last of them came: whether a WRITE took effect is seen from later READs.
//! Knows events and values. Knows neither files nor terminals.

use super::cell::{MASKED, Reader};
use super::explain::{Excerpt, hex_line};
use super::fields::Fields;
use super::style::{self, Ink, Style};
use super::zone::Zone;
use crate::anomaly::{Anomaly, Code};
use crate::endpoint::{ConnectionId, Endpoint};
use crate::event::{Event, Sink};
use crate::fingerprint::{Fingerprint, Fingerprints};
use crate::line::{Exchange, ExchangeId, ExchangeStatus, Sighting};
use crate::object::ObjectId;
use crate::packet::{ByteRange, PacketNumber};
use crate::rct::registry::Registry;
use crate::rct::value::Form;
use crate::time::Timestamp;
use foldhash::HashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

/// WRITEs that are listed; a client that regulates every second makes as many in eighteen hours.
const MOST: usize = 65_536;
/// Objects whose last value is remembered.
const REMEMBERED: usize = 65_536;
/// A payload up to this length is remembered as it is and read when it is shown; of a longer one the text is.
const PAYLOAD: usize = 64;
/// Bytes of a text that are kept; no real object needs as many.
const TEXT: usize = 1024;
/// Below this a WRITE takes two lines.
const NARROW: usize = 100;
/// The column between object and change, at the least.
const LEAST: usize = 12;

/// An object of a device.
type Key = (IpAddr, ObjectId, Option<u32>);

/// A value as it was seen.
#[derive(Clone, Debug)]
struct Seen {
    ts: Timestamp,
    value: Value,
}

/// What is remembered of a value.
#[derive(Clone, Debug)]
enum Value {
    Payload(Form, SmallVec<[u8; 16]>),
    Text(Text),
}

/// A text: all of it, or, where it is very long, its beginning and its length. Two are equal where all of them is.
#[derive(Clone, Debug)]
struct Text {
    shown: Arc<str>,
    whole: Fingerprint,
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.whole == other.whole
    }
}

/// Whether a WRITE took effect, as far as a later READ shows it.
#[derive(Clone, Debug)]
enum Effect {
    /// Nobody has read the object since.
    Unknown,
    /// The next READ showed the new value.
    Seen,
    /// The next READ showed this instead.
    Other(Text),
}

impl Effect {
    const fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Seen => "seen",
            Self::Other(_) => "not_seen",
        }
    }
}

/// One WRITE.
#[derive(Clone, Debug)]
struct Row {
    id: ExchangeId,
    ts: Timestamp,
    connection: ConnectionId,
    packet: PacketNumber,
    who: Endpoint,
    device: Endpoint,
    object_id: ObjectId,
    address: Option<u32>,
    old: Option<Text>,
    new: Text,
    payload: Fingerprint,
    status: ExchangeStatus,
    effect: Effect,
    sensitive: bool,
}

/// How the view looks.
#[derive(Clone, Copy, Debug)]
pub struct WritesOptions<'a> {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// The zone of the times.
    pub zone: Zone<'a>,
}

/// Gathers the WRITEs of a capture.
#[derive(Debug)]
pub struct Writes<'r> {
    registry: &'r Registry,
    reader: Reader<'r>,
    /// What to know payloads and texts by.
    fingerprints: Fingerprints,
    known: HashMap<Key, Seen>,
    /// The rows of each object that wait for a READ.
    waiting: HashMap<Key, Vec<usize>>,
    rows: Vec<Row>,
    left_out: u64,
    conflicts: Vec<Anomaly>,
}

impl<'r> Writes<'r> {
    /// No WRITE yet. The values of objects marked `secret` are hidden where it is told so.
    pub fn new(registry: &'r Registry, mask_secrets: bool) -> Self {
        Self {
            registry,
            reader: Reader::new(registry, mask_secrets),
            fingerprints: Fingerprints::default(),
            known: HashMap::default(),
            waiting: HashMap::default(),
            rows: Vec::new(),
            left_out: 0,
            conflicts: Vec::new(),
        }
    }

    /// The bytes that were sent twice with different content: of each conflict the second copy, then the first.
    pub fn conflicting(&self) -> Vec<ByteRange> {
        self.conflicts.iter().flat_map(|conflict| conflict.evidence.iter().copied()).collect()
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let lead = exchange.lead();
        let key = (lead.device().ip, lead.object_id, lead.address);
        let request = exchange.request.as_ref();
        match request {
            Some(request) if request.command.is_write() && !self.is_table(request.object_id) => {
                self.written(key, request, exchange);
            }
            _ => self.read(key, exchange),
        }
    }

    fn is_table(&self, id: ObjectId) -> bool {
        self.registry.get(id).is_some_and(|object| object.response_type.is_table())
    }

    fn written(&mut self, key: Key, request: &Sighting, exchange: &Exchange) {
        let new = self.text_of(request.object_id, Form::Request, &request.payload);
        let old = self.known.get(&key).filter(|seen| seen.ts <= request.ts);
        let old = old.map(|seen| match &seen.value {
            Value::Payload(form, payload) => self.text_of(request.object_id, *form, payload),
            Value::Text(text) => text.clone(),
        });
        self.remember(key, Form::Request, request);
        if self.rows.len() >= MOST {
            self.left_out += 1;
            return;
        }
        self.waiting.entry(key).or_default().push(self.rows.len());
        let sensitive = self.registry.get(request.object_id).is_some_and(|object| object.flags.sensitive_write);
        self.rows.push(Row {
            id: exchange.id,
            ts: request.ts,
            connection: request.connection,
            packet: request.packet(),
            who: request.src,
            device: request.dst,
            object_id: request.object_id,
            address: request.address,
            old,
            new,
            payload: self.fingerprints.of(&request.payload),
            status: exchange.status,
            effect: Effect::Unknown,
            sensitive,
        });
    }

    /// What a payload says, as it is kept.
    fn text_of(&self, id: ObjectId, form: Form, payload: &[u8]) -> Text {
        let (Ok(text) | Err(text)) = self.reader.payload(id, form, payload);
        let whole = self.fingerprints.of(text.as_bytes());
        let end = (0..=TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let is_cut = end < text.len();
        let shown = if is_cut { format!("{}… ({} bytes)", &text[..end], text.len()) } else { text };
        Text { shown: shown.into(), whole }
    }

    /// Takes note of what an object holds since this frame.
    fn remember(&mut self, key: Key, form: Form, frame: &Sighting) {
        let value = if frame.payload.len() <= PAYLOAD {
            Value::Payload(form, frame.payload.clone())
        } else {
            Value::Text(self.text_of(frame.object_id, form, &frame.payload))
        };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, Seen { ts: frame.ts, value });
    }

    /// An answer shows what the object holds.
    fn read(&mut self, key: Key, exchange: &Exchange) {
        if !super::cell::is_sample(exchange) {
            return;
        }
        let Some(response) = &exchange.response else { return };
        let frame = &response.frame;
        if let Some(waiting) = self.waiting.remove(&key) {
            let text = self.text_of(frame.object_id, Form::Response, &frame.payload);
            let payload = self.fingerprints.of(&frame.payload);
            for row in waiting {
                let row = &mut self.rows[row];
                // Types of request and answer may differ; then the texts have to do.
                let same = row.payload == payload || row.new == text;
                row.effect = if same { Effect::Seen } else { Effect::Other(text.clone()) };
            }
        }
        let newer = self.known.get(&key).is_none_or(|seen| seen.ts <= frame.ts);
        if newer {
            self.remember(key, Form::Response, frame);
        }
    }

    /// Writes the view for people. `excerpts`: the bytes of [`conflicting`](Self::conflicting).
    pub fn text(&self, excerpts: &[Excerpt], out: &mut dyn io::Write, options: &WritesOptions<'_>) -> io::Result<()> {
        if self.rows.is_empty() {
            writeln!(out, "no client wrote anything")?;
        } else {
            self.table(out, options)?;
        }
        self.hosts(out, options)?;
        self.conflicts_text(excerpts, out, options)
    }

    fn table(&self, out: &mut dyn io::Write, options: &WritesOptions<'_>) -> io::Result<()> {
        if options.width < NARROW {
            self.narrow_table(out, options)?;
        } else {
            self.wide_table(out, options)?;
        }
        let sensitive = self.rows.iter().filter(|row| row.sensitive).count();
        let total = self.rows.len();
        write!(out, "\n{total} {}", if total == 1 { "write" } else { "writes" })?;
        writeln!(out, ", {sensitive} to sensitive objects (!)")?;
        if self.left_out > 0 {
            writeln!(out, "{} more are not listed", self.left_out)?;
        }
        Ok(())
    }

    /// Two lines a WRITE: names and values are of no use in pieces.
    fn narrow_table(&self, out: &mut dyn io::Write, options: &WritesOptions<'_>) -> io::Result<()> {
        let width = options.width.max(60);
        let title = format!("  time ({})   who, object / old → new, result", options.zone.name);
        writeln!(out, "{}", options.style.paint(Ink::Bold, title))?;
        for row in &self.rows {
            let name = self.reader.name(row.object_id, row.address);
            let first = format!("{} {} {} {name}", sign(row), options.zone.time_ms(row.ts), row.who);
            let mut second = String::new();
            style::push_blanks(&mut second, 15);
            let fate = fate_text(row);
            let room = width.saturating_sub(15 + 2 + style::display_width(&fate));
            second.push_str(&style::fit_end(&change(row), room));
            second.push_str("  ");
            second.push_str(&fate);
            for line in [first, second] {
                paint(out, row, &style::fit_end(&line, width), options.style)?;
            }
        }
        Ok(())
    }

    fn wide_table(&self, out: &mut dyn io::Write, options: &WritesOptions<'_>) -> io::Result<()> {
        let width = options.width;
        let who = self.rows.iter().map(|row| row.who.to_string().len()).max().unwrap_or(0).min(24);
        let fate = if width < 110 { 14 } else { 24 };
        let room = width.saturating_sub(2 + 12 + 1 + who + 1 + 1 + 1 + fate);
        let object = (room * 2 / 5).max(LEAST);
        let widths = [12, who, object, room.saturating_sub(object), fate];
        let head = ["time", "who", "object", "old → new", "result"].map(str::to_owned);
        let title = format!("time ({})", options.zone.name);
        let head_line = line(' ', &head, widths);
        writeln!(out, "{}", options.style.paint(Ink::Bold, head_line.replacen("time        ", &fit(&title, 12), 1)))?;
        for row in &self.rows {
            let name = self.reader.name(row.object_id, row.address);
            let cells = [options.zone.time_ms(row.ts), row.who.to_string(), name, change(row), fate_text(row)];
            paint(out, row, &line(sign(row), &cells, widths), options.style)?;
        }
        Ok(())
    }

    /// The objects of which several hosts wrote different values.
    fn competing(&self) -> BTreeMap<(IpAddr, ObjectId), BTreeMap<IpAddr, u64>> {
        let mut hosts: BTreeMap<(IpAddr, ObjectId), BTreeMap<IpAddr, u64>> = BTreeMap::new();
        let mut values: BTreeMap<(IpAddr, ObjectId), BTreeSet<Fingerprint>> = BTreeMap::new();
        for row in &self.rows {
            let key = (row.device.ip, row.object_id);
            *hosts.entry(key).or_default().entry(row.who.ip).or_default() += 1;
            values.entry(key).or_default().insert(row.payload);
        }
        hosts.retain(|key, hosts| hosts.len() > 1 && values.get(key).is_some_and(|values| values.len() > 1));
        hosts
    }

    fn hosts(&self, out: &mut dyn io::Write, options: &WritesOptions<'_>) -> io::Result<()> {
        let competing = self.competing();
        if competing.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", options.style.paint(Ink::Bold, "Several hosts write different values"))?;
        for ((_, object), hosts) in &competing {
            let hosts: Vec<String> = hosts.iter().map(|(host, count)| format!("{host} ({count})")).collect();
            writeln!(out, "  {}: {}", self.reader.name(*object, None), hosts.join(", "))?;
        }
        Ok(())
    }

    fn conflicts_text(
        &self,
        excerpts: &[Excerpt],
        out: &mut dyn io::Write,
        options: &WritesOptions<'_>,
    ) -> io::Result<()> {
        if self.conflicts.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", options.style.paint(Ink::Bold, "The same place in a stream, two contents"))?;
        for conflict in &self.conflicts {
            let connection = conflict.connection.map_or_else(String::new, |id| format!("connection {id}  "));
            writeln!(
                out,
                "  {}  {}  {connection}{}",
                conflict.id,
                options.zone.time_ms(conflict.ts),
                conflict.message
            )?;
            for (range, copy) in conflict.evidence.iter().zip(["again", "first"]).rev() {
                let bytes = excerpts.iter().find(|excerpt| excerpt.range == *range).map_or(&[][..], |e| &e.bytes);
                let shown = if self.reader.hides_bytes(None) { MASKED.to_owned() } else { hex_line(bytes) };
                writeln!(out, "      {copy}  packet {:<8} {shown}", range.packet)?;
            }
        }
        Ok(())
    }

    /// Writes a record a line: `write` for each WRITE, `competing_writes` and `conflict`.
    pub fn json(&self, excerpts: &[Excerpt], out: &mut dyn io::Write) -> io::Result<()> {
        for row in &self.rows {
            let shown = match &row.effect {
                Effect::Other(text) => Some(&text.shown),
                Effect::Unknown | Effect::Seen => None,
            };
            Fields::new("write")
                .time("ts", row.ts)
                .text("id", row.id)
                .raw("conn", row.connection)
                .text("client", row.who)
                .text("device", row.device)
                .text("object", self.reader.name(row.object_id, None))
                .text("object_id", row.object_id)
                .maybe("address", row.address.map(|address| format!("{address:08x}")))
                .maybe("old", row.old.as_ref().map(|old| &old.shown))
                .text("new", &row.new.shown)
                .text("status", row.status.name())
                .text("effect", row.effect.name())
                .maybe("shown_later", shown)
                .raw("sensitive", row.sensitive)
                .raw("packet", row.packet)
                .write(out)?;
        }
        for ((device, object), hosts) in self.competing() {
            let hosts: Vec<String> =
                hosts.iter().map(|(host, count)| format!("{{\"host\":\"{host}\",\"write_count\":{count}}}")).collect();
            Fields::new("competing_writes")
                .text("device_ip", device)
                .text("object", self.reader.name(object, None))
                .text("object_id", object)
                .raw("hosts", format_args!("[{}]", hosts.join(",")))
                .write(out)?;
        }
        for conflict in &self.conflicts {
            let mut record = Fields::new("conflict").time("ts", conflict.ts).text("id", conflict.id);
            for (range, copy) in conflict.evidence.iter().zip(["again", "first"]) {
                let bytes = excerpts.iter().find(|excerpt| excerpt.range == *range).map_or(&[][..], |e| &e.bytes);
                record = record.raw(&format!("{copy}_packet"), range.packet);
                if !self.reader.hides_bytes(None) {
                    record = record.hex(&format!("{copy}_hex"), bytes);
                }
            }
            record.write(out)?;
        }
        Ok(())
    }
}

impl Sink for Writes<'_> {
    type Error = Infallible;

    fn event(&mut self, event: Event<'_>) -> Result<(), Infallible> {
        match event {
            Event::Exchange(exchange) => self.exchange(exchange),
            Event::Anomaly(anomaly) if anomaly.code == Code::OverlapConflict && self.conflicts.len() < MOST => {
                self.conflicts.push(anomaly.clone());
            }
            _ => {}
        }
        Ok(())
    }
}

/// `7.0 % → 20.0 %`; `?` where the capture does not show what was there.
fn change(row: &Row) -> String {
    format!("{} → {}", row.old.as_ref().map_or("?", |old| &old.shown), row.new.shown)
}

const fn sign(row: &Row) -> char {
    if row.sensitive { '!' } else { ' ' }
}

fn paint(out: &mut dyn io::Write, row: &Row, text: &str, style: Style) -> io::Result<()> {
    if row.sensitive { writeln!(out, "{}", style.paint(Ink::Yellow, text)) } else { writeln!(out, "{text}") }
}

fn fate_text(row: &Row) -> String {
    let status = match row.status {
        ExchangeStatus::Answered => "confirmed",
        ExchangeStatus::Damaged => "answer damaged",
        ExchangeStatus::Unanswered | ExchangeStatus::Unconfirmed => "unconfirmed",
        ExchangeStatus::Open | ExchangeStatus::Unsolicited => "capture ends",
    };
    match &row.effect {
        Effect::Unknown => status.to_owned(),
        Effect::Seen => "took effect".to_owned(),
        Effect::Other(text) => format!("{} instead", text.shown),
    }
}

fn fit(text: &str, width: usize) -> String {
    let mut cell = String::new();
    style::push_left(&mut cell, &style::fit_end(text, width), width);
    cell
}

fn line(sign: char, cells: &[String; 5], widths: [usize; 5]) -> String {
    let mut line = format!("{sign} ");
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let cell = if at == 1 || at == 2 { style::fit_middle(cell, width) } else { style::fit_end(cell, width) };
        style::push_left(&mut line, &cell, width);
        line.push(' ');
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::AnomalyId;
    use crate::output::samples::{self, SOC_MIN, at, range};
    use crate::rct::Command;

    fn view() -> Writes<'static> {
        let mut writes = Writes::new(Registry::builtin(), false);
        let (old, new) = (0.07_f32.to_be_bytes(), 0.2_f32.to_be_bytes());
        let read =
            |packet, ms, payload: &[u8]| samples::read(1, packet, ms, SOC_MIN).answered(packet + 1, 60.0, payload);
        let write = |connection, packet, ms, payload: &[u8]| {
            samples::request(Command::WRITE, connection, packet, ms, SOC_MIN)
                .status(ExchangeStatus::Unconfirmed)
                .writes(payload)
        };
        let exchanges = [
            read(1, 0.0, &old),
            write(1, 3, 1000.0, &new),
            read(5, 2000.0, &new),
            write(2, 7, 3000.0, &old),
            read(9, 4000.0, &new),
        ];
        for exchange in &exchanges {
            let Ok(()) = writes.event(Event::Exchange(exchange));
        }
        let conflict = Anomaly {
            id: AnomalyId(3),
            code: Code::OverlapConflict,
            ts: at(5000.0),
            connection: Some(ConnectionId(1)),
            object_id: None,
            message: "2 bytes sent again with other content".to_owned(),
            evidence: [range(12), range(11)].into_iter().collect(),
        };
        let Ok(()) = writes.event(Event::Anomaly(&conflict));
        writes
    }

    fn excerpts() -> [Excerpt; 2] {
        [Excerpt { range: range(12), bytes: vec![1, 2] }, Excerpt { range: range(11), bytes: vec![1, 3] }]
    }

    #[test]
    fn who_wrote_what_in_place_of_what() {
        let mut out = Vec::new();
        let options = WritesOptions { width: 100, style: Style::default(), zone: Zone::UTC };
        view().text(&excerpts(), &mut out, &options).expect("a Vec takes all");
        let text = String::from_utf8(out).expect("text");
        let screen = "  time (UTC)   who              object               old → new                        result
! 21:06:01.000 192.0.2.10:50001 power_mng.soc_min    7.0 % → 20.0 %                   took effect
! 21:06:03.000 192.0.2.11:50002 power_mng.soc_min    20.0 % → 7.0 %                   20.0 % instead

2 writes, 2 to sensitive objects (!)

Several hosts write different values
  power_mng.soc_min: 192.0.2.10 (1), 192.0.2.11 (1)

The same place in a stream, two contents
  A3  21:06:05.000  connection 1  2 bytes sent again with other content
      first  packet 11       01 03
      again  packet 12       01 02
";
        assert_eq!(text, screen, "\n{text}");
    }

    #[test]
    fn records_say_the_same() {
        let mut out = Vec::new();
        view().json(&excerpts(), &mut out).expect("a Vec takes all");
        let text = String::from_utf8(out).expect("text");
        let records: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(records.len(), 4);
        assert_eq!(records[0]["old"], "7.0 %");
        assert_eq!((&records[0]["effect"], &records[1]["effect"]), (&"seen".into(), &"not_seen".into()));
        assert_eq!(records[2]["hosts"][1]["host"], "192.0.2.11");
        assert_eq!((&records[3]["first_hex"], &records[3]["again_packet"]), (&"0103".into(), &12.into()));
    }

    /// Texts of 3,000 bytes, of which nothing but the last ones differ: they are cut, but not taken for one another.
    #[test]
    fn long_texts_are_cut_and_compared_whole() {
        let schedule = ObjectId(0x011f_41db);
        let payload = |end: &str| format!("{}{end}", "ä".repeat(1_499)).into_bytes();
        let read = |packet, ms, end| samples::read(1, packet, ms, schedule).answered(packet + 1, 60.0, &payload(end));
        let write = |packet, ms, end| {
            let request = samples::request(Command::LONG_WRITE, 1, packet, ms, schedule);
            request.status(ExchangeStatus::Unconfirmed).writes(&payload(end))
        };
        let mut writes = Writes::new(Registry::builtin(), false);
        for exchange in [
            read(1, 0.0, "10"),
            write(3, 1000.0, "11"),
            read(5, 2000.0, "11"),
            write(7, 3000.0, "12"),
            read(9, 4000.0, "13"),
        ] {
            let Ok(()) = writes.event(Event::Exchange(&exchange));
        }
        let mut out = Vec::new();
        writes.json(&[], &mut out).expect("a Vec takes all");
        let text = String::from_utf8(out).expect("text");
        let records: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let cut = serde_json::Value::from(format!("{}… (3000 bytes)", "ä".repeat(TEXT / 2)));
        assert_eq!((&records[0]["old"], &records[0]["new"], &records[1]["shown_later"]), (&cut, &cut, &cut));
        assert_eq!((&records[0]["effect"], &records[1]["effect"]), (&"seen".into(), &"not_seen".into()));
    }
}
