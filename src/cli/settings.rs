//! What the arguments beside files and selections mean: the registry, the analysis, the display.

use super::args::{AnalysisArgs, ColorArg, OverlapArg, RegistryArgs, TextArgs};
use super::input::reason;
use super::message::Problem;
use crate::analyzer;
use crate::limits;
use crate::rct::registry::Registry;
use crate::tcp::Overlap;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::env;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

/// Columns where neither the user nor a terminal says how many: pasted output then looks the same everywhere.
const DEFAULT_WIDTH: usize = 120;

/// The settings of a text screen.
#[derive(Clone, Debug)]
pub(super) struct Display {
    pub(super) color: bool,
    pub(super) width: usize,
    pub(super) zone: TimeZone,
    pub(super) zone_name: String,
}

/// How to analyze. `frames`: whether single frames are wanted, too.
pub(super) fn analysis(args: &AnalysisArgs, frames: bool) -> Result<analyzer::Options, Problem> {
    let timeout = duration(&args.timeout).filter(|timeout| !timeout.is_zero()).ok_or_else(|| {
        Problem::new(format_args!("--timeout {}: not a span of time", args.timeout)).hint("write 5s, 500ms or 2.5s")
    })?;
    let registry = registry(&args.registry)?;
    let ports = args.port.iter().copied().chain([analyzer::DEFAULT_PORT]).collect();
    Ok(analyzer::Options { ports, timeout, registry, frames, overlap: overlap(args.overlap) })
}

pub(super) const fn overlap(which: OverlapArg) -> Overlap {
    match which {
        OverlapArg::First => Overlap::First,
        OverlapArg::Last => Overlap::Last,
    }
}

/// The built-in registry, or a copy of it with the user's own objects.
pub(super) fn registry(args: &RegistryArgs) -> Result<Arc<Registry>, Problem> {
    let Some(path) = &args.registry else { return Ok(Registry::shared()) };
    let name = path.display();
    let csv = fs::read_to_string(path).map_err(|error| Problem::new(format_args!("{name}: {}", reason(&error))))?;
    Registry::builtin().with_overrides(&csv).map(Arc::new).map_err(|error| {
        Problem::new(format_args!("{name}: {error}")).hint("`rctscope objects --json` shows how objects are described")
    })
}

pub(super) fn display(args: &TextArgs) -> Result<Display, Problem> {
    let zone = zone(&args.tz)?;
    Ok(Display { color: color(args.color), width: width(args.width), zone, zone_name: args.tz.clone() })
}

/// A time zone by name. `local` is the only place where the machine's own settings reach the output.
pub(super) fn zone(name: &str) -> Result<TimeZone, Problem> {
    match name {
        "UTC" | "utc" | "Z" => Ok(TimeZone::UTC),
        "local" => Ok(TimeZone::system()),
        _ => TimeZone::get(name).map_err(|_| {
            Problem::new(format_args!("--tz {name}: no such time zone"))
                .hint("write UTC, local, or a name such as Europe/Berlin")
        }),
    }
}

fn color(when: ColorArg) -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match when {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto if set("NO_COLOR") => false,
        ColorArg::Auto if env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") => true,
        ColorArg::Auto => io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

fn width(asked: Option<usize>) -> usize {
    let columns = || env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    asked.or_else(columns).or_else(terminal_width).unwrap_or(DEFAULT_WIDTH)
}

/// The columns of the terminal that standard output is, if it is one.
fn terminal_width() -> Option<usize> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

/// How long to wait: longer than a connection may be silent makes no sense.
fn duration(text: &str) -> Option<Duration> {
    Duration::try_from(span(text)?).ok().filter(|span| *span < limits::CONNECTION_IDLE)
}

/// A span such as `5s`, `500ms`, `2.5s`; a bare number counts seconds.
pub(super) fn span(text: &str) -> Option<SignedDuration> {
    match text.parse::<f64>() {
        Ok(_) => format!("{text}s").parse().ok(),
        Err(_) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        for (text, expected) in [
            ("5s", Some(Duration::from_secs(5))),
            ("5", Some(Duration::from_secs(5))),
            ("2.5", Some(Duration::from_millis(2_500))),
            ("500ms", Some(Duration::from_millis(500))),
            ("1m", Some(Duration::from_secs(60))),
            ("-1s", None),
            ("soon", None),
            ("", None),
            ("NaN", None),
            ("3h", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }

    #[test]
    fn zones() {
        assert!(zone("UTC").is_ok() && zone("local").is_ok());
        assert!(zone("Atlantis/Main").is_err());
    }
}
