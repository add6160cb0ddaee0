//! The sections of the digest that are tables: connections, response times, objects, anomalies.
//!
//! Knows what was gathered. Decides nothing about it but what fits.

use super::Digest;
use super::objects::{Key, Object};
use super::page::{Page, count, flow};
use super::spread::Spread;
use super::table::{Column, Table};
use crate::anomaly::Severity;
use crate::event::ConnectionSummary;
use crate::output::cell::milliseconds;
use crate::output::style::{self, grouped};
use std::io;

/// Rows of each table unless all are wanted.
const CONNECTIONS: usize = 12;
const OBJECTS: usize = 5;
/// Columns of the longest bar.
const BAR: usize = 40;
/// A value in the table of objects: two of them and an arrow make one column.
const VALUE: usize = 20;

/// Who was connected, and what became of its requests.
pub(super) fn connections(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    page.title("Connections")?;
    let mut table = Table::new(&[
        (Column::Word, "c"),
        (Column::Name, "client"),
        (Column::Word, "role"),
        (Column::Number, "requests"),
        (Column::Number, "own"),
        (Column::Number, "foreign"),
        (Column::Number, "unanswered"),
        (Column::Number, "p50 ms"),
        (Column::Number, "p95 ms"),
    ]);
    let shown = if page.options.all { usize::MAX } else { CONNECTIONS };
    let mut total = 0;
    for (connection, spread) in digest.connections.ended() {
        total += 1;
        if total <= shown {
            table.push([
                connection.id.to_string(),
                connection.client.to_string(),
                role(connection).to_owned(),
                grouped(connection.request_count),
                grouped(connection.own_count),
                grouped(connection.foreign_count),
                grouped(connection.unanswered_count),
                milliseconds(spread.percentile(50)),
                milliseconds(spread.percentile(95)),
            ]);
        }
    }
    table.write(page.out, page.width)?;
    more(page, total.saturating_sub(shown), "connection", "connections")?;
    kept_back(page, digest.connections.beyond(), "connection", "connections")
}

/// What a connection was used for; with a question mark where it is a guess which end is the device.
fn role(connection: &ConnectionSummary) -> &'static str {
    match (connection.portal, connection.request_count > 0, connection.roles_proven) {
        (true, _, true) => "portal",
        (true, _, false) => "portal?",
        (false, true, true) => "client",
        (false, true, false) => "client?",
        (false, false, true) => "silent",
        (false, false, false) => "silent?",
    }
}

/// How long answers took: bars by powers of two, and percentiles.
pub(super) fn response_times(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let first = digest.octaves.iter().position(|count| *count > 0);
    let last = digest.octaves.iter().rposition(|count| *count > 0);
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    page.title("Response time, all connections (ms)")?;
    let most = digest.octaves.iter().copied().max().unwrap_or(1);
    let mut table = Table::new(&[(Column::Number, ""), (Column::Number, ""), (Column::Value, "")]);
    for (octave, &number) in digest.octaves.iter().enumerate().take(last + 1).skip(first) {
        table.push([octave_name(octave, digest.octaves.len()), grouped(number), bar(number, most)]);
    }
    table.write(page.out, page.width)?;
    let spread = &digest.spread;
    let parts = [
        ("min", spread.min()),
        ("p50", spread.percentile(50)),
        ("p90", spread.percentile(90)),
        ("p95", spread.percentile(95)),
        ("p99", spread.percentile(99)),
        ("max", spread.max()),
    ];
    let mut parts: Vec<String> = parts.iter().map(|(name, nanos)| format!("{name} {}", milliseconds(*nanos))).collect();
    parts[0].insert_str(0, "  ");
    flow(page, &parts)
}

/// `32-64`
fn octave_name(octave: usize, octaves: usize) -> String {
    match octave {
        0 => "0-1".to_owned(),
        octave if octave + 1 == octaves => format!("{}-", 1_u64 << (octave - 1)),
        octave => format!("{}-{}", 1_u64 << (octave - 1), 1_u64 << octave),
    }
}

/// A bar as long as its share of the longest; one block at least for whatever is there.
fn bar(number: u64, most: u64) -> String {
    let length = u128::from(number) * BAR as u128 / u128::from(most.max(1));
    let length = usize::try_from(length).unwrap_or(BAR).max(usize::from(number > 0));
    "█".repeat(length)
}

/// The objects with most exchanges.
pub(super) fn objects(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let busiest = digest.objects.busiest();
    if busiest.is_empty() {
        return Ok(());
    }
    let shown = if page.options.all { usize::MAX } else { OBJECTS };
    page.title(if page.options.all { "Objects" } else { "Busiest objects" })?;
    let mut table = Table::new(&[
        (Column::Name, "object"),
        (Column::Number, "n"),
        (Column::Number, "ok"),
        (Column::Number, "p50"),
        (Column::Number, "p95"),
        (Column::Value, "first → last"),
        (Column::Number, "changed"),
    ]);
    let several = digest.connections.devices.len() > 1;
    for (key, object) in busiest.iter().take(shown) {
        table.push(object_row(digest, *key, object, several));
    }
    table.write(page.out, page.width)?;
    more(page, busiest.len().saturating_sub(shown), "object", "objects")?;
    kept_back(page, digest.objects.beyond, "exchange about further objects", "exchanges about further objects")
}

fn object_row(digest: &Digest<'_>, key: Key, object: &Object, several: bool) -> [String; 7] {
    let mut name = digest.reader.name(key.object_id, key.address);
    if several {
        name = format!("{name} of {}", key.device);
    }
    let ms = |spread: &Spread, percent| milliseconds(spread.percentile(percent));
    let values = object.values.as_ref().map(|(first, last)| {
        let text = |seen: &super::objects::Seen| seen.text(key.object_id, &digest.reader);
        let (first, last) = (text(first), text(last));
        format!("{} → {}", style::fit_end(&first, VALUE), style::fit_end(&last, VALUE))
    });
    [
        name,
        grouped(object.count),
        grouped(object.answered),
        ms(&object.spread, 50),
        ms(&object.spread, 95),
        values.unwrap_or_default(),
        object.changed.to_string(),
    ]
}

/// The kinds of anomalies, the worst first; notes only where all are wanted.
pub(super) fn anomalies(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if digest.anomalies.is_empty() {
        return Ok(());
    }
    page.title("Anomalies")?;
    let (mut kinds, mut notes) = (0, 0);
    let mut table = Table::new(&[(Column::Word, ""), (Column::Word, ""), (Column::Number, ""), (Column::Value, "")]);
    for severity in Severity::ALL.into_iter().rev() {
        for (code, kind) in digest.anomalies.iter().filter(|(code, _)| code.severity() == severity) {
            if severity == Severity::Note && !page.options.all {
                kinds += 1;
                notes += kind.count;
                continue;
            }
            table.push([
                format!("{} {}", style::sign(severity), word(severity)),
                code.to_string(),
                grouped(kind.count),
                format!("first {} at {}", kind.first, page.options.zone.time_ms(kind.ts)),
            ]);
        }
    }
    if kinds > 0 {
        let text = count(kinds, "more kind", "more kinds");
        table.push([
            format!("{} {}", style::sign(Severity::Note), word(Severity::Note)),
            format!("{text} (--all)"),
            grouped(notes),
            String::new(),
        ]);
    }
    let mut written = Vec::new();
    table.write(&mut written, page.width)?;
    colored(page, &String::from_utf8_lossy(&written))
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warn",
        Severity::Note => "note",
    }
}

/// Colours the sign and the word at the beginning of each line.
fn colored(page: &mut Page<'_>, text: &str) -> io::Result<()> {
    for line in text.lines() {
        let sign = Severity::ALL.into_iter().find_map(|severity| {
            let head = format!("{} {}", style::sign(severity), word(severity));
            let rest = line.trim_start().strip_prefix(&head)?;
            Some((severity, head, rest))
        });
        match sign {
            Some((severity, head, rest)) => {
                writeln!(page.out, "  {}{rest}", page.style.paint(style::ink(severity), head))?;
            }
            None => writeln!(page.out, "{line}")?,
        }
    }
    Ok(())
}

fn more(page: &mut Page<'_>, left: usize, one: &str, many: &str) -> io::Result<()> {
    if left == 0 {
        return Ok(());
    }
    let left = count(u64::try_from(left).unwrap_or(u64::MAX), one, many);
    writeln!(page.out, "  and {left} more (--all shows them)")
}

/// What was counted and not kept, because there was too much of it.
fn kept_back(page: &mut Page<'_>, left: u64, one: &str, many: &str) -> io::Result<()> {
    if left == 0 { Ok(()) } else { writeln!(page.out, "  and {}, not kept", count(left, one, many)) }
}
