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
            n("came", "came"),
            connections(kind),
            if kind.connections.len() > 1 { "these" } else { "it" },
        ),
        Code::PayloadShort => {
            n("answer was", "answers were") + " cut short by the device itself, with a right checksum"
        }
        Code::Unanswered => {
            let again = match retries {
                0 => "nothing was asked again".to_owned(),
                1 => "1 request was repeated".to_owned(),
                _ => format!("{} requests were repeated", grouped(retries)),
            };
            let was = if kind.count == 1 { "was" } else { "were" };
            format!("{} of {} {was} never answered; {again}", grouped(kind.count), n_requests(summary.request_count))
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
        Code::UnsupportedLinkType | Code::ClockBackwards => kind.message.clone(),
        Code::Gap => {
            n("stretch of bytes was", "stretches of bytes were")
                + " not captured: what is missing there is not the device's fault"
        }
        other => plainly(other, &n).unwrap_or_else(|| format!("{} × {}", grouped(kind.count), other.fires_when())),
    }
}

/// Sentences that need nothing but a number.
fn plainly(code: Code, n: &dyn Fn(&str, &str) -> String) -> Option<String> {
    Some(match code {
        Code::LengthLie => n("frame says", "frames say") + " a wrong length, with a right checksum over what is there",
        Code::LateResponse => n("answer", "answers") + " came after the client had given up on it",
        Code::DuplicateResponse => n("request", "requests") + " got two different answers",
        Code::WrongCommand => n("answer", "answers") + " came as RESPONSE where LONG_RESPONSE was due, or the reverse",
        Code::StuckRemainder => n("answer has", "answers have") + " the tail of an earlier one in front",
        Code::Junk => n("stretch", "stretches") + " of bytes between the frames that nobody knows",
        Code::UnknownCommand => n("frame has a command", "frames have a command") + " that nobody knows",
        Code::BadEscape => n("frame has", "frames have") + " an escape byte that escapes nothing",
        Code::PayloadLong => n("answer has", "answers have") + " more bytes than the type needs",
        Code::SeriesCut => n("table was", "tables were") + " cut short",
        Code::SeriesMismatch => n("table", "tables") + " came for another time than the one asked for",
        Code::NotFinite => n("value is", "values are") + " no ordinary number: NaN, infinite or denormal",
        Code::OutOfRange => n("value", "values") + " where a ratio of 0..1 is due and something else came",
        Code::BadChecksum => n("segment", "segments") + " with a wrong TCP checksum in a stream where others are right",
        _ => return None,
    })
}

fn n_requests(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "request" } else { "requests" })
}

fn connections(kind: &Kind) -> String {
    let names: Vec<String> = kind.connections.iter().map(ToString::to_string).collect();
    match &*names {
        [] => "a connection".to_owned(),
        [one] => format!("connection {one}"),
        [several @ .., last] => format!("connections {} and {last}", several.join(", ")),
    }
}
