//! "Look here first": at most three sentences made from rules, the worst first.
//!
//! A sentence says what was counted, never what may have caused it, and names a code and an id to go on with. Knows the
//! totals and the kinds of anomalies; knows nothing of columns.

use super::Kind;
use crate::anomaly::{Code, Severity};
use crate::event::Summary;
use crate::output::style::grouped;
use crate::output::zone::Zone;
use std::collections::BTreeMap;

/// Sentences shown.
const SENTENCES: usize = 3;

/// What to look at before anything else. Codes not named here follow, errors before warnings; notes are not worth a
/// sentence.
const ORDER: &[Code] = &[
    Code::OverlapConflict,
    Code::ForeignResponse,
    Code::PayloadShort,
    Code::Unanswered,
    Code::CrcMismatch,
    Code::ForeignPayload,
    Code::MalformedWrite,
    Code::Truncated,
    Code::SensitiveWrite,
    Code::CompetingWrites,
    Code::Bootloader,
    Code::OneSided,
    Code::PacketsDropped,
    Code::SnaplenCut,
    Code::Gap,
];

/// The sentences for these anomalies.
pub(super) fn sentences(anomalies: &BTreeMap<Code, Kind>, summary: &Summary, zone: &Zone<'_>) -> Vec<String> {
    let mut found: Vec<(&Code, &Kind)> =
        anomalies.iter().filter(|(code, _)| code.severity() > Severity::Note).collect();
    found.sort_by_key(|(code, kind)| {
        let place = ORDER.iter().position(|known| known == *code).unwrap_or(ORDER.len());
        (place, std::cmp::Reverse((code.severity(), kind.count)))
    });
    found
        .into_iter()
        .take(SENTENCES)
        .map(|(&code, kind)| {
            let retries = anomalies.get(&Code::Retry).map_or(0, |kind| kind.count);
            let first = if kind.count == 1 { "" } else { "first " };
            format!("{} ({code}, {first}{}).", sentence(code, kind, summary, retries, zone), kind.first)
        })
        .collect()
}

/// What was counted, without the full stop.
fn sentence(code: Code, kind: &Kind, summary: &Summary, retries: u64, zone: &Zone<'_>) -> String {
    let n = |one: &str, many: &str| format!("{} {}", grouped(kind.count), if kind.count == 1 { one } else { many });
    match code {
        Code::OverlapConflict => {
            n("stretch of a stream was", "stretches of streams were") + " sent twice with different content"
        }
        Code::ForeignResponse => format!(
            "From {} on clients ask at the same time, and answers are copied to every connection: {} on {} while {} waited for another object",
            zone.time(kind.ts),
            n("arrived", "arrived"),
            connections(kind),
            if kind.connections.len() > 1 { "these" } else { "that" },
        ),
        Code::PayloadShort => {
            n("answer was", "answers were") + " cut short by the device itself, with a right checksum"
        }
        Code::Unanswered => {
            let again = if retries == 0 { String::new() } else { format!("; {} asked again", grouped(retries)) };
            let was = if kind.count == 1 { "was" } else { "were" };
            format!("{} of {} {was} never answered{again}", n("request", "requests"), grouped(summary.request_count))
        }
        Code::CrcMismatch => n("frame has", "frames have") + " a wrong checksum; what they say is not to be trusted",
        Code::ForeignPayload => n("answer holds", "answers hold") + " a piece of another client's request",
        Code::MalformedWrite => n("WRITE has", "WRITEs have") + " a payload of the wrong size for its object",
        Code::Truncated => n("frame ends", "frames end") + " before it is complete",
        Code::SensitiveWrite => {
            n("WRITE changes", "WRITEs change") + " a setting of safety, grid, network, firmware or power control"
        }
        Code::CompetingWrites => "Different hosts wrote different values to one object".to_owned(),
        Code::Bootloader => "The bootloader of the device announced itself".to_owned(),
        Code::OneSided => format!("Only one direction of {} was captured", connections(kind)),
        Code::PacketsDropped => "The capturing program dropped packets: what is missing may have been there".to_owned(),
        Code::SnaplenCut => n("packet was", "packets were") + " captured shorter than on the wire",
        Code::Gap => {
            n("stretch", "stretches") + " of bytes not captured: what is missing there is not the device's fault"
        }
        other => format!("{} × {}", grouped(kind.count), other.fires_when()),
    }
}

fn connections(kind: &Kind) -> String {
    let names: Vec<String> = kind.connections.iter().map(ToString::to_string).collect();
    match &*names {
        [] => "a connection".to_owned(),
        [one] => format!("connection {one}"),
        several => format!("connections {}", several.join(", ")),
    }
}
