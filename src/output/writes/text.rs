//! The security view for people: a table of the WRITEs, who competes with whom, and what was sent twice.

use super::{Effect, Row, Writes, bytes_at};
use crate::line::ExchangeStatus;
use crate::output::cell::MASKED;
use crate::output::explain::{Excerpt, hex_line};
use crate::output::style::{self, Ink, Style};
use crate::output::zone::Zone;
use std::io;

/// Below this a WRITE takes two lines.
const NARROW: usize = 100;
/// The column between object and change, at the least.
const LEAST: usize = 12;

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

impl Writes<'_> {
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
        unlisted(out, self.unlisted)
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

    fn hosts(&self, out: &mut dyn io::Write, options: &WritesOptions<'_>) -> io::Result<()> {
        let competing = self.competing();
        if competing.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", options.style.paint(Ink::Bold, "Several hosts write different values"))?;
        for ((_, object), hosts) in &competing {
            let hosts: Vec<String> = hosts.iter().map(|(host, count)| format!("{host} ({count})")).collect();
            wrapped(out, &format!("{}: {}", self.reader.name(*object, None), hosts.join(", ")), options.width)?;
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
            let head = format!("{}  {}  {connection}", conflict.id, options.zone.time_ms(conflict.ts));
            wrapped(out, &format!("{head}{}", conflict.message), options.width)?;
            for (range, copy) in conflict.evidence.iter().zip(["again", "first"]).rev() {
                let bytes = bytes_at(*range, excerpts);
                let head = format!("      {copy}  packet {:<8} ", range.packet);
                let room = options.width.max(60).saturating_sub(head.len());
                let shown = if self.reader.hides_bytes(None) { MASKED.to_owned() } else { hex_line(bytes, room) };
                writeln!(out, "{head}{shown}")?;
            }
        }
        unlisted(out, self.unlisted_conflicts)
    }
}

/// `7.0 % → 20.0 %`; `?` where the capture does not show what was there.
fn change(row: &Row) -> String {
    format!("{} → {}", row.old.as_ref().map_or("?", |old| &old.shown), row.new.shown)
}

/// A line, or several where it is too long.
fn wrapped(out: &mut dyn io::Write, text: &str, width: usize) -> io::Result<()> {
    let width = width.max(60);
    if style::display_width(text) + 2 <= width {
        return writeln!(out, "  {text}");
    }
    writeln!(out, "  {}", style::wrap(text, width - 4).join("\n    "))
}

fn unlisted(out: &mut dyn io::Write, count: u64) -> io::Result<()> {
    match count {
        0 => Ok(()),
        1 => writeln!(out, "1 more is not listed"),
        _ => writeln!(out, "{count} more are not listed"),
    }
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
