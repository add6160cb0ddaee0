//! The screen of one anomaly, exchange or frame.

use super::dossier::{Dossier, Target};
use super::{INDENT, anatomy, heading, paragraph};
use crate::anomaly::Severity;
use crate::line::{Exchange, Response, Sighting};
use crate::output::cell::{MASKED, Reader, milliseconds};
use crate::output::pages::page;
use crate::output::shell;
use crate::output::style::{self, Style};
use crate::output::zone::Zone;
use crate::packet::ByteRange;
use crate::rct::registry::Registry;
use crate::time::Timestamp;
use std::io;

/// Rows of what happened near it.
const NEAR_ROWS: usize = 8;

/// Bytes out of a packet, where no frame holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Where they stand.
    pub range: ByteRange,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// How the screen looks.
#[derive(Clone, Copy, Debug)]
pub struct ScreenOptions<'a> {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// The zone of the times.
    pub zone: Zone<'a>,
    /// The file's name, as the user gave it.
    pub file: &'a str,
    /// Hide the values of objects marked `secret`.
    pub mask_secrets: bool,
}

struct Screen<'a> {
    out: &'a mut dyn io::Write,
    registry: &'a Registry,
    reader: Reader<'a>,
    options: &'a ScreenOptions<'a>,
}

/// Writes the screen of a dossier. `excerpts`: the bytes of its evidence, where it asked for packets.
pub fn render(
    dossier: &Dossier,
    excerpts: &[Excerpt],
    registry: &Registry,
    out: &mut dyn io::Write,
    options: &ScreenOptions<'_>,
) -> io::Result<()> {
    let reader = Reader::new(registry, options.mask_secrets);
    Screen { out, registry, reader, options }.write(dossier, excerpts)
}

impl Screen<'_> {
    fn write(&mut self, dossier: &Dossier, excerpts: &[Excerpt]) -> io::Result<()> {
        self.title(dossier)?;
        self.facts(dossier)?;
        self.bytes(dossier, excerpts)?;
        self.text(dossier)?;
        self.next(dossier)
    }

    fn title(&mut self, dossier: &Dossier) -> io::Result<()> {
        let ScreenOptions { width, style, .. } = *self.options;
        if let Some(anomaly) = &dossier.anomaly {
            heading(self.out, &format!("{}  {}", anomaly.id, anomaly.code), anomaly.code.severity(), style, width)?;
            for line in style::wrap(&style::escape(&self.reader.told(anomaly).message), self.width()) {
                writeln!(self.out, "{line}")?;
            }
            return writeln!(self.out);
        }
        let what = match (&dossier.exchange, &dossier.frame, dossier.target) {
            (Some(exchange), _, Target::Exchange(_)) => format!("exchange, {}", exchange.status.name()),
            (_, Some(frame), _) => format!("frame of the {}, {}", frame.sender.name(), frame.status.name()),
            _ => "bytes that are no frame".to_owned(),
        };
        let worst = dossier.related.iter().map(|anomaly| anomaly.code.severity()).max();
        match worst {
            Some(worst) => heading(self.out, &format!("{}  {what}", dossier.target), worst, style, width)?,
            None => writeln!(self.out, "{}  {what}", dossier.target)?,
        }
        writeln!(self.out)
    }

    fn fact(&mut self, name: &str, text: &str) -> io::Result<()> {
        let mut line = "  ".to_owned();
        style::push_left(&mut line, name, INDENT);
        line.push_str(text);
        writeln!(self.out, "{}", style::fit_end(&line, self.width()))
    }

    fn facts(&mut self, dossier: &Dossier) -> io::Result<()> {
        let zone = self.options.zone;
        let when = format!("{} {} {}", zone.date(dossier.ts), zone.time_ms(dossier.ts), zone.name);
        let into = dossier.start.map(|start| dossier.ts.nanos_since(start)).map(|nanos| {
            format!(", {}.{:03} s into the capture", nanos / 1_000_000_000, (nanos / 1_000_000).rem_euclid(1_000))
        });
        self.fact("when", &(when + &into.unwrap_or_default()))?;
        let object_id = dossier.anomaly.as_ref().and_then(|anomaly| anomaly.object_id);
        let object_id = object_id.or_else(|| dossier.exchange.as_ref().map(|exchange| exchange.lead().object_id));
        if let Some(id) = object_id.or_else(|| dossier.frame.as_ref().map(|frame| frame.object_id)) {
            let text = match self.registry.get(id) {
                Some(object) => {
                    let label = if object.label.is_empty() { String::new() } else { format!("  \"{}\"", object.label) };
                    let unit = if object.unit.is_empty() { String::new() } else { format!("  {}", object.unit) };
                    format!("{}  {id}  {}{unit}{label}", object.name, object.response_type.name())
                }
                None => format!("{id}, not in the registry"),
            };
            self.fact("object", &style::escape(&text))?;
        }
        match &dossier.exchange {
            Some(exchange) => self.exchange(dossier, exchange)?,
            None => {
                for frame in dossier.frames.iter().take(2) {
                    self.fact(frame.sender.name(), &format!("{}   {}", place(frame), frame.command))?;
                }
            }
        }
        for range in dossier.evidence.iter().filter(|_| dossier.frames.is_empty()).take(4) {
            self.fact("place", &within(*range))?;
        }
        for anomaly in dossier.related.iter().filter(|_| dossier.anomaly.is_none()) {
            let told = self.reader.told(anomaly);
            self.fact("", &format!("{} {}: {}", told.id, told.code, style::escape(&told.message)))?;
        }
        writeln!(self.out)
    }

    /// Columns; less than these is no screen.
    fn width(&self) -> usize {
        self.options.width.max(40)
    }

    fn exchange(&mut self, dossier: &Dossier, exchange: &Exchange) -> io::Result<()> {
        if let Some(request) = &exchange.request {
            self.fact("asked", &format!("{}   {} by {}", place(request), request.command, request.src))?;
        }
        let Some(response) = &exchange.response else {
            return self.fact("answer", "none");
        };
        let after =
            exchange.response_time.map_or_else(String::new, |nanos| format!(" after {} ms", milliseconds(Some(nanos))));
        self.fact("answer", &format!("{}   {}{after}", place(&response.frame), response.frame.command))?;
        let copies = copies(dossier, response);
        if copies.is_empty() { Ok(()) } else { self.fact("", &format!("also seen in {}", copies.join(", "))) }
    }

    /// The bytes of what it is about, at most two frames.
    fn bytes(&mut self, dossier: &Dossier, excerpts: &[Excerpt]) -> io::Result<()> {
        let mut shown: Vec<&Sighting> = dossier.frames.iter().collect();
        if let (Target::Exchange(_), Some(exchange)) = (dossier.target, &dossier.exchange) {
            shown = exchange.request.as_ref().into_iter().collect();
            shown.extend(exchange.response.as_ref().map(|response| &response.frame));
        }
        let width = self.width();
        for frame in shown.into_iter().take(2) {
            for line in anatomy::frame(frame, self.registry, &self.reader) {
                writeln!(self.out, "  {}", style::fit_end(&line, width - 2))?;
            }
            writeln!(self.out)?;
        }
        for bytes in dossier.bytes.iter().take(2) {
            let hidden = self.reader.hides_bytes(Some(bytes.kind));
            let shown = if hidden { MASKED.to_owned() } else { anatomy::hex_line(&bytes.raw, width - 2) };
            writeln!(self.out, "  {shown}")?;
            writeln!(self.out, "  '- {} of the {}\n", bytes.kind.name().replace('_', " "), bytes.sender.name())?;
        }
        for excerpt in excerpts {
            let hidden = self.reader.hides_bytes(None);
            let head = format!("  {}: ", within(excerpt.range));
            let room = width.saturating_sub(head.chars().count());
            let bytes = if hidden { MASKED.to_owned() } else { anatomy::hex_line(&excerpt.bytes, room) };
            writeln!(self.out, "{head}{bytes}")?;
        }
        if excerpts.is_empty() { Ok(()) } else { writeln!(self.out) }
    }

    fn text(&mut self, dossier: &Dossier) -> io::Result<()> {
        let ScreenOptions { width, style, .. } = *self.options;
        let code = dossier.anomaly.as_ref().map(|anomaly| anomaly.code);
        if let Some(code) = code {
            paragraph(self.out, "Why", page(code).means, style, width)?;
        }
        self.near(dossier)?;
        if let Some(code) = code {
            let page = page(code);
            paragraph(self.out, "Do", &format!("Client: {}", page.client), style, width)?;
            paragraph(self.out, "", &format!("Set-up: {}", page.setup), style, width)?;
        }
        writeln!(self.out)
    }

    /// What the other clients of the device did about that time.
    fn near(&mut self, dossier: &Dossier) -> io::Result<()> {
        let own = dossier.exchange.as_ref().map(|exchange| exchange.id);
        let mut moments = Vec::new();
        for exchange in dossier.near.iter().filter(|exchange| Some(exchange.id) != own) {
            if let Some(request) = &exchange.request {
                moments.push((request, "asks"));
            }
            if let Some(response) = &exchange.response {
                moments.push((&response.frame, "gets"));
            }
        }
        let distance = |ts: Timestamp| ts.nanos_since(dossier.ts).unsigned_abs();
        moments.sort_by_key(|(frame, _)| distance(frame.ts));
        let left_out = moments.len().saturating_sub(NEAR_ROWS);
        moments.truncate(NEAR_ROWS);
        moments.sort_by_key(|(frame, _)| (frame.ts, frame.packet()));
        let rows = moments.iter().map(|(frame, does)| {
            let mut row = String::new();
            style::push_right(&mut row, &signed_ms(frame.ts.nanos_since(dossier.ts)), 9);
            let name = self.reader.name(frame.object_id, frame.address);
            row + &format!(
                "  connection {} {does} {name} ({}, packet {})",
                frame.connection,
                frame.command,
                frame.packet()
            )
        });
        let mut rows: Vec<String> = rows.collect();
        if left_out > 0 {
            rows.push(format!("{left_out} more within a second"));
        }
        if rows.is_empty() && dossier.exchange.is_some() {
            rows.push("nothing else on this device's line within a second".to_owned());
        }
        for (number, row) in rows.iter().enumerate() {
            let mut line = String::new();
            style::push_left(&mut line, if number == 0 { "Near it" } else { "" }, INDENT);
            line.push_str(row);
            writeln!(self.out, "{}", style::fit_end(&line, self.width()))?;
        }
        Ok(())
    }

    /// What to type next.
    fn next(&mut self, dossier: &Dossier) -> io::Result<()> {
        let file = shell::quoted(self.options.file);
        let lead = dossier.exchange.as_ref().map(|exchange| exchange.lead().packet());
        let packet = dossier.evidence.first().map(|range| range.packet).or(lead);
        if let Some(packet) = packet {
            writeln!(self.out, "Open     wireshark -r {file} -g {packet}")?;
        }
        let Some(anomaly) = &dossier.anomaly else { return Ok(()) };
        writeln!(self.out, "More     rctscope explain {}", anomaly.code)?;
        let severe = anomaly.code.severity() >= Severity::Warning;
        if severe && dossier.exchange.is_some() {
            writeln!(self.out, "         rctscope timeline {file} --anomaly {}", anomaly.code)?;
        }
        Ok(())
    }
}

/// The other sightings of an answer.
fn copies(dossier: &Dossier, response: &Response) -> Vec<String> {
    let original = response.frame.copy_of.unwrap_or(response.frame.id);
    let others =
        dossier.copies.iter().filter(|(id, connection, _)| *id == original && *connection != response.frame.connection);
    others.map(|(_, connection, at)| format!("packet {} (connection {connection})", at.packet)).collect()
}

/// `connection 1, packet 75, bytes 63-71`
fn place(frame: &Sighting) -> String {
    format!("connection {}, {}", frame.connection, within(frame.place()))
}

fn within(range: ByteRange) -> String {
    match range.length {
        0 => format!("packet {}", range.packet),
        length => {
            format!("packet {}, bytes {}-{}", range.packet, range.offset, range.offset.saturating_add(length - 1))
        }
    }
}

/// `-17.0 ms`, `+3.2 ms`
#[expect(clippy::cast_precision_loss, reason = "rounded to a tenth of a millisecond for reading")]
fn signed_ms(nanos: i64) -> String {
    format!("{:+.1} ms", nanos as f64 / 1e6)
}
