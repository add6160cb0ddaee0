//! `rctscope writes` and `rctscope unknown`: what clients changed, and what nobody knows.

use super::analyze::analyze;
use super::args::ViewArgs;
use super::input::Unit;
use super::message::{Kind, Stop, tell};
use super::outcome::Outcome;
use super::screen::{Infallibly, civil, zone};
use super::settings::Display;
use super::tally::Tally;
use super::{destination, excerpts, input, settings};
use crate::analyzer;
use crate::event::Sink;
use crate::output::style::Style;
use crate::output::unknown::{Unknown, UnknownOptions};
use crate::output::writes::{Writes, WritesOptions};
use std::convert::Infallible;
use std::io::{self, Write};

pub(super) fn writes(args: &ViewArgs) -> Result<Outcome, Stop> {
    let analysis = settings::analysis(&args.analysis, false)?;
    let gather = || Writes::new(&analysis.registry, args.text.mask_secrets);
    view(args, &analysis, gather, |gathered, unit, display, out| {
        let conflicting = gathered.conflicting();
        let bytes = if unit.is_live() { Vec::new() } else { excerpts::read(unit, &conflicting) };
        if unit.is_live() && !conflicting.is_empty() {
            tell(Kind::Note, "the bytes of conflicts are shown for files only: a pipe cannot be read twice", None);
        }
        if args.json {
            return gathered.json(&bytes, out);
        }
        let civil = |ts| civil(&display.zone, ts);
        let zone = zone(display, &civil);
        gathered.text(&bytes, out, &WritesOptions { width: display.width, style: style(display), zone })
    })
}

pub(super) fn unknown(args: &ViewArgs) -> Result<Outcome, Stop> {
    let analysis = settings::analysis(&args.analysis, false)?;
    view(
        args,
        &analysis,
        || Unknown::new(&analysis.registry),
        |gathered, _, display, out| {
            if args.json {
                return gathered.json(out);
            }
            let civil = |ts| civil(&display.zone, ts);
            let zone = zone(display, &civil);
            gathered.text(out, &UnknownOptions { width: display.width, style: style(display), zone })
        },
    )
}

/// Gathers from each session, and shows what was gathered.
fn view<S: Sink<Error = Infallible>>(
    args: &ViewArgs,
    analysis: &analyzer::Options,
    gather: impl Fn() -> S,
    mut show: impl FnMut(&S, &Unit, &Display, &mut dyn Write) -> io::Result<()>,
) -> Result<Outcome, Stop> {
    let display = settings::display(&args.text)?;
    let found = input::find(&args.input);
    let mut out = io::BufWriter::new(destination::stdout());
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    for unit in &found.units {
        if let Some(Infallibly(gathered)) = analyze(unit, None, analysis, &mut tally, |_| Ok(Infallibly(gather())))? {
            show(&gathered, unit, &display, &mut out)?;
        }
    }
    out.flush()?;
    tally.tell_rest();
    Ok(tally.outcome())
}

const fn style(display: &Display) -> Style {
    Style { color: display.color }
}
