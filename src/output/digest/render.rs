//! The screen of the digest, section by section.
//!
//! Knows what was gathered. Decides nothing about it but what fits.

use super::lookout;
use super::page::{Page, count, flow, paragraph};
use super::sections;
use super::{Digest, DigestOptions, InputFile};
use crate::anomaly::{AnomalyId, Code, Severity};
use crate::output::shell;
use crate::output::style::{self, Ink, Style, grouped};
use std::io::{self, Write};

/// The least width anything is laid out for.
const LEAST: usize = 40;

pub(super) fn render(digest: &Digest<'_>, out: &mut dyn Write, options: &DigestOptions<'_>) -> io::Result<()> {
    let width = options.width.max(LEAST);
    let mut page = Page { out, width, style: Style { color: options.color }, options };
    head(digest, &mut page)?;
    if digest.summary.connection_count == 0 {
        nothing(digest, &mut page)?;
        return sections::anomalies(digest, &mut page);
    }
    totals(digest, &mut page)?;
    look_here(digest, &mut page)?;
    sections::connections(digest, &mut page)?;
    sections::response_times(digest, &mut page)?;
    sections::objects(digest, &mut page)?;
    sections::anomalies(digest, &mut page)?;
    next(digest, &mut page)
}

/// The files, their packets and their time.
fn head(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let summary = &digest.summary;
    let mut parts = vec![files(page.options.files), count(summary.packet_count, "packet", "packets")];
    let sizes: Option<u64> = page.options.files.iter().map(|file| file.bytes).sum();
    parts.extend(sizes.filter(|_| !page.options.files.is_empty()).map(size));
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        let zone = page.options.zone;
        let (from, day) = (zone.date(first), zone.date(last));
        let until = if from == day { zone.time(last) } else { format!("{day} {}", zone.time(last)) };
        let length = duration(last.nanos_since(first));
        parts.push(format!("{from} {} .. {until} {} ({length})", zone.time(first), zone.name));
    }
    parts.retain(|part| !part.is_empty());
    flow(page, &parts)?;
    if !summary.complete && summary.packet_count > 0 {
        let sign = page.style.paint(Ink::Yellow, '!');
        let text = "the input is damaged or cut; what could be read is shown";
        let lines = style::wrap(text, page.width.saturating_sub(2));
        writeln!(page.out, "{sign} {}", lines.join("\n  "))?;
    }
    Ok(())
}

/// Connections, requests and what became of them; anomalies; the device.
fn totals(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let summary = &digest.summary;
    let retries = digest.anomalies.get(&Code::Retry).map_or(0, |kind| kind.count);
    let mut parts = vec![
        count(summary.connection_count, "connection", "connections"),
        count(summary.request_count, "request", "requests"),
        format!("{} answered", grouped(summary.answered_count)),
    ];
    for (number, what) in [
        (summary.damaged_count, "damaged"),
        (summary.unanswered_count, "unanswered"),
        (summary.unconfirmed_count, "unconfirmed"),
        (summary.open_count, "still open"),
        (summary.unsolicited_count, "unsolicited"),
        (retries, "retried"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", grouped(number)));
        }
    }
    flow(page, &parts)?;
    let devices: Vec<String> = digest.connections.devices.keys().map(ToString::to_string).collect();
    let proven = digest.connections.devices.values().all(|proven| *proven);
    let how = if proven { "sends the responses" } else { "a guess from ports" };
    let names = format!("{}: {} ({how})", if devices.len() == 1 { "Device" } else { "Devices" }, devices.join(", "));
    let mut parts = vec![
        count(summary.error_count, "error", "errors"),
        count(summary.warning_count, "warning", "warnings"),
        count(summary.note_count, "note", "notes"),
    ];
    parts.extend(Some(names).filter(|_| !devices.is_empty()));
    flow(page, &parts)
}

/// What to say of a capture without anything of the protocol.
fn nothing(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let summary = &digest.summary;
    let sign = page.style.paint(Ink::Yellow, '!');
    if summary.packet_count == 0 {
        return writeln!(page.out, "{sign} no packets");
    }
    let packets = count(summary.packet_count, "packet", "packets");
    if let Some(kind) = digest.anomalies.get(&Code::UnsupportedLinkType) {
        writeln!(page.out, "{sign} {}", kind.message)?;
        return paragraph(page, "  ", "hint: capture on the router, or with `tcpdump -i any port 8899`");
    }
    if summary.segment_count == 0 {
        return writeln!(page.out, "{sign} {packets}, none of them TCP");
    }
    writeln!(page.out, "{sign} {packets}, none with port 8899 or frames of this protocol")?;
    let ports: Vec<String> =
        summary.other_ports.iter().map(|(port, bytes)| format!("{port} ({})", size(*bytes))).collect();
    let Some((port, _)) = summary.other_ports.first() else { return Ok(()) };
    let hint = format!("hint: other ports with most TCP data: {}; try --port {port}", ports.join(", "));
    paragraph(page, "  ", &hint)
}

fn look_here(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let sentences = lookout::sentences(&digest.anomalies, &digest.summary, &page.options.zone);
    if sentences.is_empty() {
        page.title("Nothing to look at first")?;
        return paragraph(page, "  ", "No error and no warning was found.");
    }
    page.title("Look here first")?;
    for (place, sentence) in (1..).zip(&sentences) {
        paragraph(page, &format!("  {place}  "), sentence)?;
    }
    Ok(())
}

/// Complete commands for these files. Not for standard input, which cannot be read again.
fn next(digest: &Digest<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let files = page.options.files;
    if page.options.plain || files.is_empty() || files.iter().any(|file| file.name == "-") {
        return Ok(());
    }
    let names: Vec<String> = files.iter().map(|file| shell::quoted(&file.name)).collect();
    let names = names.join(" ");
    let mut commands = Vec::new();
    if let Some((id, severity)) = worst(digest) {
        commands.push(format!("rctscope explain {names} {id}"));
        commands.push(format!("rctscope timeline {names} --severity {severity}"));
    } else {
        commands.push(format!("rctscope timeline {names}"));
    }
    commands.push(format!("rctscope convert {names} > records.jsonl"));
    page.title("Next")?;
    commands.iter().try_for_each(|command| writeln!(page.out, "  {command}"))
}

/// The first of the worst anomalies, where it is worth explaining.
fn worst(digest: &Digest<'_>) -> Option<(AnomalyId, Severity)> {
    let kinds = digest.anomalies.iter().map(|(code, kind)| (code.severity(), kind.first));
    let (severity, id) = kinds.min_by_key(|(severity, first)| (std::cmp::Reverse(*severity), *first))?;
    (severity > Severity::Note).then_some((id, severity))
}

/// `evening.pcap`, or `a.pcap and 3 more`.
fn files(files: &[InputFile]) -> String {
    let Some((first, others)) = files.split_first() else { return String::new() };
    let name = style::escape(&first.name);
    if others.is_empty() { name.into_owned() } else { format!("{name} and {} more", others.len()) }
}

/// `31 kB`, `1.2 MB`
#[expect(clippy::cast_precision_loss, reason = "rounded to two digits for reading")]
fn size(bytes: u64) -> String {
    let bytes_f = bytes as f64;
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..10_000 => format!("{:.1} kB", bytes_f / 1e3),
        10_000..1_000_000 => format!("{:.0} kB", bytes_f / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes_f / 1e6),
        _ => format!("{:.1} GB", bytes_f / 1e9),
    }
}

/// `65.0 s`, `12 min 5 s`, `3 h 20 min`, `2 d 5 h`
#[expect(clippy::cast_precision_loss, reason = "rounded to a tenth of a second for reading")]
fn duration(nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    match seconds {
        ..120 => format!("{:.1} s", nanos as f64 / 1e9),
        120..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations() {
        for (bytes, text) in [(999, "999 B"), (1_500, "1.5 kB"), (31_400, "31 kB"), (1_234_567, "1.2 MB")] {
            assert_eq!(size(bytes), text);
        }
        for (seconds, text) in
            [(65, "65.0 s"), (725, "12 min 5 s"), (12_000, "3 h 20 min"), (190_800, "2 d 5 h"), (-3, "-3.0 s")]
        {
            assert_eq!(duration(seconds * 1_000_000_000), text);
        }
    }
}
