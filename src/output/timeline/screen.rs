//! Rows as lines of text: heading, day lines, rows, and the lines under a row that say what was wrong.
//!
//! Knows rows and columns. Knows nothing of order or folding.

use super::carried::Carried;
use super::layout::{Body, Layout, Line};
use super::row::{Asked, COPY_SPREAD, Kind, Mark, Row, Told};
use crate::anomaly::{AnomalyId, Code, Severity};
use crate::output::cell::milliseconds;
use crate::output::style::{self, Style};
use crate::output::value_text::visible;
use crate::output::zone::Zone;
use crate::rct::Command;
use crate::time::Timestamp;
use std::io;

/// Ids named in one place; the rest are counted.
const IDS: usize = 4;
/// Ids named in a column.
const FLAG_IDS: usize = 2;
/// Lines for what an anomaly says; `explain` tells the rest.
const DETAIL_LINES: usize = 2;

/// Where rows are printed.
#[derive(Debug)]
pub(super) struct Screen<'a, W> {
    out: W,
    layout: Layout,
    style: Style,
    zone: Zone<'a>,
    /// The day of the last line, once there is one.
    day: Option<String>,
}

impl<'a, W: io::Write> Screen<'a, W> {
    pub(super) fn new(out: W, width: usize, style: Style, zone: Zone<'a>) -> Self {
        Self { out, layout: Layout::new(width), style, zone, day: None }
    }

    /// The writer, with everything flushed.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub(super) fn into_inner(self) -> W {
        self.out
    }

    /// Prints a row and what belongs under it.
    pub(super) fn print(&mut self, row: &Row, carried: &Carried) -> io::Result<()> {
        self.day_line(row.ts)?;
        let groups = groups(&row.marks);
        let line = self.line(row, &groups).render(&self.layout, self.style);
        writeln!(self.out, "{line}")?;
        if !matches!(row.kind, Kind::Anomaly) {
            self.details(row, &groups, carried)?;
        }
        Ok(())
    }

    /// The heading before the first row; a line with the date before the first row of every day.
    fn day_line(&mut self, ts: Timestamp) -> io::Result<()> {
        let day = self.zone.date(ts);
        if self.day.as_ref() == Some(&day) {
            return Ok(());
        }
        if self.day.is_none() {
            let heading = self.heading();
            writeln!(self.out, "{heading}")?;
        }
        writeln!(self.out, "{day} {}", self.zone.name)?;
        self.day = Some(day);
        Ok(())
    }

    fn heading(&self) -> String {
        let wide = self.layout.wide;
        let named = format!("time ({})", self.zone.name);
        let line = Line {
            time: if style::display_width(&named) <= self.layout.time { named } else { "time".to_owned() },
            connection: if wide { "conn" } else { "c" }.to_owned(),
            packets: if wide { "packets" } else { "pkt" }.to_owned(),
            command: "cmd".to_owned(),
            body: Body::Value { object: "object".to_owned(), value: "value".to_owned() },
            rtt: "rtt ms".to_owned(),
            flags: Vec::new(),
        };
        let mut heading = line.render(&self.layout, Style::default());
        if wide {
            heading.push_str("  flags");
        }
        heading
    }

    fn line(&self, row: &Row, groups: &[Group<'_>]) -> Line {
        let (command, body, rtt) = self.middle(row, groups);
        Line {
            time: if self.layout.time < 12 { self.zone.time(row.ts) } else { self.zone.time_ms(row.ts) },
            connection: connection(row),
            packets: packets(row, self.layout.wide),
            command,
            body,
            rtt,
            flags: groups.iter().map(|group| (group.code.severity(), group.flag())).collect(),
        }
    }

    /// Command, object and value, and response time.
    fn middle(&self, row: &Row, groups: &[Group<'_>]) -> (String, Body, String) {
        match &row.kind {
            Kind::Exchange(asked) => {
                let body = Body::Value { object: asked.object.clone(), value: asked.value.clone() };
                (command(asked, self.layout.wide), body, milliseconds(asked.response_time))
            }
            Kind::Fold { asked, count, as_at, changed } => {
                let as_at = self.reference(row.ts, *as_at);
                let object = format!("({count} objects as at {as_at})");
                // Where the column is narrow, rather a word less than the middle of the sentence.
                let fits = style::display_width(&object) <= self.layout.object;
                let object = if fits { object } else { format!("({count} as at {as_at})") };
                let value = if *changed == 0 { "unchanged".to_owned() } else { format!("{changed} changed") };
                (command(asked, self.layout.wide), Body::Value { object, value }, milliseconds(asked.response_time))
            }
            Kind::NonFrame(_, _, text) => ("--".to_owned(), Body::Text(text.clone()), milliseconds(None)),
            Kind::Anomaly => {
                let text = groups.first().map(|group| self.anomaly_text(group)).unwrap_or_default();
                ("--".to_owned(), Body::Text(text), milliseconds(None))
            }
        }
    }

    /// An anomaly in one line. Its id stands among the flags where these are spelled out.
    fn anomaly_text(&self, group: &Group<'_>) -> String {
        let id = if self.layout.wide { String::new() } else { format!("{} ", group.ids(IDS)) };
        format!("{id}{}{}", group.code, group.message())
    }

    /// A moment that came before, with its date where that is another day.
    fn reference(&self, now: Timestamp, then: Timestamp) -> String {
        let (day, time) = (self.zone.date(then), self.zone.time(then));
        if self.zone.date(now) == day { time } else { format!("{day} {time}") }
    }

    /// What was wrong, under the row. Where the row spells its flags out, only what they cannot say.
    fn details(&mut self, row: &Row, groups: &[Group<'_>], carried: &Carried) -> io::Result<()> {
        for group in groups {
            let foreign = group.code == Code::ForeignResponse;
            if self.layout.wide && !foreign {
                continue;
            }
            let text = if foreign { foreign_text(row, group, carried) } else { group.message() };
            self.detail(group.code.severity(), &format!("{} {}{text}", group.ids(IDS), group.code.event()))?;
        }
        if let Kind::Exchange(asked) = &row.kind {
            for fact in &asked.facts {
                self.detail(Severity::Note, fact)?;
            }
        }
        Ok(())
    }

    /// A line under a row, or two where it does not fit one.
    fn detail(&mut self, severity: Severity, text: &str) -> io::Result<()> {
        let indent = self.layout.time + self.layout.connection + 2;
        let room = self.layout.width().saturating_sub(indent + 2);
        let mut lines = style::wrap(text, room);
        if lines.len() > DETAIL_LINES {
            let rest = lines.split_off(DETAIL_LINES - 1).join(" ");
            lines.push(rest);
        }
        let sign = self.style.paint(style::ink(severity), style::sign(severity));
        for (place, line) in lines.iter().enumerate() {
            write!(self.out, "{:indent$}", "")?;
            if place == 0 {
                write!(self.out, "{sign} ")?;
            } else {
                write!(self.out, "  ")?;
            }
            writeln!(self.out, "{}", style::fit_end(line, room))?;
        }
        Ok(())
    }
}

/// The anomalies of one code at one row.
#[derive(Debug)]
struct Group<'a> {
    code: Code,
    marks: Vec<&'a Mark>,
}

/// The anomalies of a row by code, the worst first.
fn groups(marks: &[Mark]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for mark in marks {
        match groups.iter_mut().find(|group| group.code == mark.code) {
            Some(group) => group.marks.push(mark),
            None => groups.push(Group { code: mark.code, marks: vec![mark] }),
        }
    }
    groups.sort_by_key(|group| (std::cmp::Reverse(group.code.severity()), group.marks.first().map(|mark| mark.id)));
    groups
}

impl Group<'_> {
    /// `A3 A4`, and `+2` for those too many.
    fn ids(&self, most: usize) -> String {
        let named: Vec<String> = self.marks.iter().take(most).map(|mark| AnomalyId::to_string(&mark.id)).collect();
        let more = self.marks.len().saturating_sub(most);
        if more == 0 { named.join(" ") } else { format!("{} +{more}", named.join(" ")) }
    }

    /// `A3 A4 foreign_response`
    fn flag(&self) -> String {
        let most = if self.marks.len() > FLAG_IDS { 1 } else { FLAG_IDS };
        format!("{} {}", self.ids(most), self.code.event())
    }

    fn told(&self) -> impl Iterator<Item = &Told> {
        self.marks.iter().filter_map(|mark| mark.told.as_ref())
    }

    /// `: what happened`, or nothing.
    fn message(&self) -> String {
        let Some(told) = self.told().next().filter(|told| !told.message.is_empty()) else { return String::new() };
        let mut text = ": ".to_owned();
        visible(&mut text, &told.message);
        text
    }
}

/// Whose answers came while the client of this row waited, or who got the answer of this row while waiting for another.
fn foreign_text(row: &Row, group: &Group<'_>, carried: &Carried) -> String {
    let Some(own) = row.connection else { return group.message() };
    let others: Vec<String> = group
        .told()
        .filter_map(|told| told.connection.filter(|connection| *connection != own))
        .map(|connection| connection.to_string())
        .collect();
    if !others.is_empty() {
        return format!(": connection {} got it waiting for another", others.join(", "));
    }
    let until = group.told().map(|told| told.ts).max().unwrap_or(row.until).saturating_add(COPY_SPREAD);
    let owners = carried.owners(own, row.ts, until);
    let count = match group.marks.len() {
        1 => "1 answer".to_owned(),
        count => format!("{count} answers"),
    };
    let names: Vec<String> = owners.iter().flatten().map(ToString::to_string).collect();
    let whose = match &*names {
        [] => "that it had not asked for".to_owned(),
        [one] => format!("for connection {one}"),
        several => format!("for connections {}", several.join(", ")),
    };
    format!(": {count} {whose} came first")
}

fn connection(row: &Row) -> String {
    match (&row.kind, row.connection) {
        (Kind::Exchange(asked), _) if asked.unasked => "*".to_owned(),
        (_, Some(connection)) => connection.to_string(),
        (_, None) => String::new(),
    }
}

fn packets(row: &Row, wide: bool) -> String {
    match row.packets {
        (Some(first), Some(answer)) if wide => format!("{first}>{answer}"),
        (Some(first), _) => first.to_string(),
        (None, _) => String::new(),
    }
}

/// The command in a letter or two (`A` for an answer, `L` for a long form, `p` for a plant form), or with its name; `<`
/// in front of what the device sent unasked.
fn command(asked: &Asked, wide: bool) -> String {
    let from_device = if asked.unasked { "<" } else { "" };
    if wide {
        return format!("{from_device}{}", asked.command);
    }
    let letters = match asked.command.base() {
        Command::READ => "R",
        Command::WRITE => "W",
        Command::LONG_WRITE => "LW",
        Command::RESPONSE => "A",
        Command::LONG_RESPONSE => "LA",
        Command::READ_PERIODICALLY => "RP",
        _ => return format!("{from_device}{:02x}", asked.command.0),
    };
    let plant = if asked.command.is_plant() { "p" } else { "" };
    format!("{from_device}{plant}{letters}")
}
