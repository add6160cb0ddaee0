//! What the selection arguments mean: names looked up, patterns resolved, times placed in the capture.

use super::args::{SelectArgs, SeverityArg};
use super::message::Problem;
use super::settings::span;
use crate::anomaly::{Code, Severity};
use crate::endpoint::{ConnectionId, Endpoint};
use crate::glob::Glob;
use crate::line::ExchangeStatus;
use crate::object::ObjectId;
use crate::output::select::{ConnectionPick, Selection};
use crate::rct::Command;
use crate::rct::registry::{Registry, parse_id};
use crate::time::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use rustc_hash::FxHashSet;
use std::net::{IpAddr, SocketAddr};

/// A selection whose times may still depend on when the capture begins.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    selection: Selection,
    since: Option<When>,
    until: Option<When>,
    zone: TimeZone,
}

/// A moment as typed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    At(Timestamp),
    /// Nanoseconds after the first packet.
    Into(i64),
    /// On the day of the first packet.
    TimeOfDay(civil::Time),
}

/// Resolves everything that does not depend on the capture.
pub(super) fn resolve(args: &SelectArgs, registry: &Registry, zone: &TimeZone) -> Result<Pending, Problem> {
    let selection = Selection {
        since: None,
        until: None,
        connections: each(&args.connection, connection)?,
        devices: args.device.clone(),
        objects: objects(&args.object, registry)?,
        commands: each(&args.command, command)?,
        statuses: each(&args.status, status)?,
        anomalies: each(&args.anomaly, codes)?.concat(),
        severity: severity(args),
        changed: args.changed,
    };
    Ok(Pending {
        selection,
        since: moment("since", args.since.as_deref(), zone)?,
        until: moment("until", args.until.as_deref(), zone)?,
        zone: zone.clone(),
    })
}

fn moment(option: &str, text: Option<&str>, zone: &TimeZone) -> Result<Option<When>, Problem> {
    let Some(text) = text else { return Ok(None) };
    when(text, zone).map(Some).ok_or_else(|| {
        Problem::new(format_args!("--{option} {text}: not a time"))
            .hint("write 2025-03-17T21:06:30Z, 21:06:30.9 (on the capture's first day) or +12.5s (into the capture)")
    })
}

/// A span of a capture that begins at `first`, in UTC.
pub(super) fn moments(
    since: Option<&str>,
    until: Option<&str>,
    first: Option<Timestamp>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let zone = TimeZone::UTC;
    let (since, until) = (moment("since", since, &zone)?, moment("until", until, &zone)?);
    let placed = Pending { selection: Selection::default(), since, until, zone }.starting_at(first);
    Ok((placed.since, placed.until))
}

impl Pending {
    /// The selection for a capture that begins at `first`.
    pub(super) fn starting_at(&self, first: Option<Timestamp>) -> Selection {
        let place = |when: Option<When>| when.and_then(|when| self.place(when, first));
        Selection { since: place(self.since), until: place(self.until), ..self.selection.clone() }
    }

    /// The same, whatever has changed or not: for a screen that looks after that itself.
    pub(super) fn without_changed(mut self) -> (Self, bool) {
        let changed = std::mem::take(&mut self.selection.changed);
        (self, changed)
    }

    fn place(&self, when: When, first: Option<Timestamp>) -> Option<Timestamp> {
        match when {
            When::At(ts) => Some(ts),
            When::Into(nanos) => Some(Timestamp::from_nanos(first?.nanos().saturating_add(nanos))),
            When::TimeOfDay(time) => {
                let first = jiff::Timestamp::from_nanosecond(first?.nanos().into()).ok()?;
                let day = self.zone.to_datetime(first).date();
                timestamp(&day.to_datetime(time), &self.zone)
            }
        }
    }
}

fn each<T>(texts: &[String], parse: impl Fn(&str) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    texts.iter().map(|text| parse(text)).collect()
}

fn when(text: &str, zone: &TimeZone) -> Option<When> {
    if let Some(offset) = text.strip_prefix('+') {
        return span(offset).and_then(|span| i64::try_from(span.as_nanos()).ok()).map(When::Into);
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return clamped(moment).map(When::At);
    }
    if let Ok(time) = text.parse::<civil::Time>() {
        return Some(When::TimeOfDay(time));
    }
    let local = text.parse::<civil::DateTime>().or_else(|_| text.parse::<civil::Date>().map(civil::DateTime::from));
    timestamp(&local.ok()?, zone).map(When::At)
}

fn timestamp(local: &civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    clamped(zone.to_timestamp(*local).ok()?)
}

fn clamped(moment: jiff::Timestamp) -> Option<Timestamp> {
    i64::try_from(moment.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

fn connection(text: &str) -> Result<ConnectionPick, Problem> {
    if let Ok(number) = text.parse::<u32>() {
        return Ok(ConnectionPick::Number(ConnectionId(number)));
    }
    if let Ok(end) = text.parse::<SocketAddr>() {
        return Ok(ConnectionPick::End(Endpoint::new(end.ip(), end.port())));
    }
    text.parse::<IpAddr>().map(ConnectionPick::Address).map_err(|_| {
        Problem::new(format_args!("--connection {text}: names no connection"))
            .hint("write its number, an address, or an address with its port")
    })
}

fn objects(patterns: &[String], registry: &Registry) -> Result<Option<FxHashSet<ObjectId>>, Problem> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut ids = FxHashSet::default();
    for pattern in patterns {
        let found = registry.glob(pattern);
        // An object that nobody knows can still be asked for by its id.
        match parse_id(pattern) {
            Some(id) => ids.extend([id]),
            None if found.is_empty() => {
                let near = registry.suggest(pattern);
                let problem = Problem::new(format_args!("--object {pattern}: no object matches"));
                return Err(match near {
                    Some(near) => problem.hint(format_args!("did you mean {}?", near.name)),
                    None => problem.hint(format_args!("`rctscope objects '*{pattern}*'` searches in names")),
                });
            }
            None => ids.extend(found.iter().map(|object| object.id)),
        }
    }
    Ok(Some(ids))
}

fn command(text: &str) -> Result<Command, Problem> {
    let code = || u8::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(Command);
    Command::from_name(text).or_else(code).ok_or_else(|| {
        Problem::new(format_args!("--command {text}: no such command")).hint(
            "READ, WRITE, LONG_WRITE, RESPONSE, LONG_RESPONSE, READ_PERIODICALLY, PLANT_..., or a code such as 0x01",
        )
    })
}

fn status(text: &str) -> Result<ExchangeStatus, Problem> {
    use ExchangeStatus::{Answered, Damaged, Open, Unanswered, Unconfirmed, Unsolicited};
    let all = [Answered, Damaged, Unanswered, Unconfirmed, Open, Unsolicited];
    all.into_iter().find(|status| status.name() == text).ok_or_else(|| {
        let names = all.map(ExchangeStatus::name).join(", ");
        Problem::new(format_args!("--status {text}: no such status")).hint(names)
    })
}

/// The codes that match, by their whole name or by the part behind the dot.
fn codes(pattern: &str) -> Result<Vec<Code>, Problem> {
    let glob = Glob::new(pattern);
    let matching = |code: &Code| glob.matches(code.name()) || glob.matches(code.event());
    let codes: Vec<Code> = Code::ALL.iter().copied().filter(matching).collect();
    if codes.is_empty() {
        return Err(Problem::new(format_args!("--anomaly {pattern}: no code matches"))
            .hint("codes are layer.event, such as exchange.unanswered; `frame.*` names a layer"));
    }
    Ok(codes)
}

fn severity(args: &SelectArgs) -> Option<Severity> {
    match args.severity {
        _ if args.errors => Some(Severity::Error),
        other => other.map(Severity::from),
    }
}

impl From<SeverityArg> for Severity {
    fn from(arg: SeverityArg) -> Self {
        match arg {
            SeverityArg::Note => Self::Note,
            SeverityArg::Warning => Self::Warning,
            SeverityArg::Error => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::settings::zone;

    /// 2025-03-17T21:06:11.012Z
    const FIRST: Timestamp = Timestamp::from_nanos(1_742_245_571_012_000_000);

    fn check_time(text: &str, zone_name: &str, expected: Option<&str>) {
        let zone = zone(zone_name).expect("a zone");
        let pending =
            |when| Pending { selection: Selection::default(), since: Some(when), until: None, zone: zone.clone() };
        let since = when(text, &zone).and_then(|when| pending(when).starting_at(Some(FIRST)).since);
        let mut clock = crate::output::time_text::Rfc3339::default();
        assert_eq!(since.map(|ts| clock.text(ts).to_owned()).as_deref(), expected, "{text} in {zone_name}");
    }

    #[test]
    fn times() {
        for (text, zone_name, expected) in [
            ("2025-03-17T21:06:30.9Z", "UTC", Some("2025-03-17T21:06:30.900000000Z")),
            ("2025-03-17T22:06:30+01:00", "UTC", Some("2025-03-17T21:06:30.000000000Z")),
            ("2025-03-17 21:06", "UTC", Some("2025-03-17T21:06:00.000000000Z")),
            ("2025-03-18", "UTC", Some("2025-03-18T00:00:00.000000000Z")),
            ("21:06:30.9", "UTC", Some("2025-03-17T21:06:30.900000000Z")),
            ("+12.5s", "UTC", Some("2025-03-17T21:06:23.512000000Z")),
            ("+3", "UTC", Some("2025-03-17T21:06:14.012000000Z")),
            ("+3h", "UTC", Some("2025-03-18T00:06:11.012000000Z")),
            ("yesterday", "UTC", None),
            ("", "UTC", None),
        ] {
            check_time(text, zone_name, expected);
        }
        // Where the machine has no time zone data, there is nothing to test.
        if zone("Europe/Berlin").is_ok() {
            check_time("22:06:30", "Europe/Berlin", Some("2025-03-17T21:06:30.000000000Z"));
        }
    }

    #[test]
    fn names() {
        assert_eq!(connection("3").ok(), Some(ConnectionPick::Number(ConnectionId(3))));
        assert!(matches!(connection("192.0.2.1"), Ok(ConnectionPick::Address(_))));
        assert!(matches!(connection("[2001:db8::1]:8899"), Ok(ConnectionPick::End(_))));
        assert!(connection("inverter").is_err());
        assert_eq!(command("read").ok(), Some(Command::READ));
        assert_eq!(command("0x2d").ok(), Some(Command(0x2d)));
        assert!(command("FETCH").is_err());
        assert_eq!(status("open").ok(), Some(ExchangeStatus::Open));
        assert!(status("lost").is_err());
        assert_eq!(codes("value.payload_short").ok(), Some(vec![Code::PayloadShort]));
        assert_eq!(codes("unanswered").ok(), Some(vec![Code::Unanswered]));
        assert!(codes("tcp.*").is_ok_and(|codes| codes.len() > 5));
        assert!(codes("tpc.*").is_err());
    }

    #[test]
    fn objects_by_name_pattern_and_id() {
        let ids = |pattern: &str| {
            objects(&[pattern.to_owned()], Registry::builtin()).map(|ids| ids.map_or(0, |ids| ids.len()))
        };
        assert_eq!(ids("battery.soc").ok(), Some(1));
        assert!(ids("battery.*").is_ok_and(|count| count > 50));
        assert_eq!(ids("0xDEADBEEF").ok(), Some(1));
        let problem = ids("battery.sox").expect_err("no such object");
        assert!(problem.hint.is_some_and(|hint| hint.contains("battery.so")));
    }
}
