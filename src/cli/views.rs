//! `rctscope writes` and `rctscope unknown`: what clients changed, and what nobody knows.

use super::analyze::{Tally, analyze};
use super::args::ViewArgs;
use super::message::{Kind, Stop, tell};
use super::screen::{Infallibly, civil, zone};
use super::settings::Display;
use super::{Outcome, destination, excerpts, input, settings};
use crate::output::style::Style;
use crate::output::unknown::{Unknown, UnknownOptions};
use crate::output::writes::{Writes, WritesOptions};
use std::io::{self, Write as _};

pub(super) fn writes(args: &ViewArgs) -> Result<Outcome, Stop> {
    let display = settings::display(&args.text)?;
    let analysis = settings::analysis(&args.analysis, false)?;
    let found = input::find(&args.input);
    let mut out = io::BufWriter::new(destination::stdout());
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    for unit in &found.units {
        let gathered = analyze(unit, None, &analysis, &mut tally, |_| {
            Ok(Infallibly(Writes::new(&analysis.registry, args.text.mask_secrets)))
        })?;
        let Some(Infallibly(gathered)) = gathered else { continue };
        let conflicting = gathered.conflicting();
        let bytes = if unit.is_live() { Vec::new() } else { excerpts::read(unit, &conflicting) };
        if unit.is_live() && !conflicting.is_empty() {
            tell(Kind::Note, "the bytes of conflicts are shown for files only: a pipe cannot be read twice", None);
        }
        if args.json {
            gathered.json(&bytes, &mut out)?;
        } else {
            let civil = |ts| civil(&display.zone, ts);
            let zone = zone(&display, &civil);
            gathered.text(&bytes, &mut out, &WritesOptions { width: display.width, style: style(&display), zone })?;
        }
    }
    out.flush()?;
    tally.tell_if_nothing();
    Ok(tally.outcome())
}

pub(super) fn unknown(args: &ViewArgs) -> Result<Outcome, Stop> {
    let display = settings::display(&args.text)?;
    let analysis = settings::analysis(&args.analysis, false)?;
    let found = input::find(&args.input);
    let mut out = io::BufWriter::new(destination::stdout());
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    for unit in &found.units {
        let gathered =
            analyze(unit, None, &analysis, &mut tally, |_| Ok(Infallibly(Unknown::new(&analysis.registry))))?;
        let Some(Infallibly(gathered)) = gathered else { continue };
        if args.json {
            gathered.json(&mut out)?;
        } else {
            let civil = |ts| civil(&display.zone, ts);
            let zone = zone(&display, &civil);
            gathered.text(&mut out, &UnknownOptions { width: display.width, style: style(&display), zone })?;
        }
    }
    out.flush()?;
    tally.tell_if_nothing();
    Ok(tally.outcome())
}

const fn style(display: &Display) -> Style {
    Style { color: display.color }
}
