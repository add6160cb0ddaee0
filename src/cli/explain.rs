//! `rctscope explain`: a page of the catalogue, or one thing of a capture with its bytes.

use super::analyze::analyze;
use super::args::ExplainArgs;
use super::input::{self, Unit};
use super::message::{Problem, Stop};
use super::outcome::Outcome;
use super::screen::{Infallibly, civil, zone};
use super::tally::Tally;
use super::{destination, excerpts, settings};
use crate::anomaly::Code;
use crate::output::explain::{self, Locate, ScreenOptions, Target};
use crate::output::pages::{Asked, find};
use crate::output::style::Style;
use std::io::{self, Write as _};
use std::path::Path;

pub(super) fn run(args: &ExplainArgs) -> Result<Outcome, Stop> {
    match (&args.what, &args.id) {
        (None, _) => list(args, Code::ALL),
        (Some(what), None) => match find(&what.to_string_lossy()) {
            Asked::Codes(codes) if codes.len() > 1 => list(args, &codes),
            Asked::Codes(codes) => pages(args, &codes),
            nothing @ Asked::Nothing(_) => Err(no_such_code(what, &nothing).into()),
        },
        (Some(file), Some(id)) => one(args, file, id),
    }
}

fn no_such_code(what: &Path, nothing: &Asked) -> Problem {
    let name = what.display();
    if what.exists() {
        return Problem::new(format_args!("{name}: a file, but which of its anomalies?"))
            .hint(format_args!("`rctscope explain {name} A1`; `rctscope {name}` shows what there is"));
    }
    Problem::new(format_args!("{name}: {nothing}")).hint("`rctscope explain` lists all codes; `value.*` is a pattern")
}

fn list(args: &ExplainArgs, codes: &[Code]) -> Result<Outcome, Stop> {
    let display = settings::display(&args.text)?;
    let mut out = io::BufWriter::new(destination::stdout());
    explain::list(&mut out, codes, Style { color: display.color }, display.width)?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn pages(args: &ExplainArgs, codes: &[Code]) -> Result<Outcome, Stop> {
    let display = settings::display(&args.text)?;
    let mut out = io::BufWriter::new(destination::stdout());
    for code in codes {
        explain::write_page(&mut out, *code, Style { color: display.color }, display.width)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// Two passes over the file: the first finds the thing, the second gathers its bytes and what happened near it.
fn one(args: &ExplainArgs, file: &Path, id: &str) -> Result<Outcome, Stop> {
    let target = Target::parse(id).ok_or_else(|| {
        Problem::new(format_args!("{id}: names nothing in a capture"))
            .hint("A7 is an anomaly, T7 an exchange, F12 a frame")
    })?;
    if file.as_os_str() == "-" {
        let problem = Problem::new("standard input cannot be explained: it has to be read twice");
        return Err(problem.hint("save it to a file first").into());
    }
    let display = settings::display(&args.text)?;
    let analysis = settings::analysis(&args.analysis, true)?;
    let Some((unit, mut tally)) = the_unit(file)? else { return Ok(Outcome::NothingRead) };
    let located = analyze(&unit, None, &analysis, &mut tally, |_| Ok(Infallibly(Locate::new(target))))?;
    let Some(Infallibly(located)) = located else { return Ok(tally.outcome()) };
    if !located.is_found() {
        return Err(not_there(file, target, located.last()).into());
    }
    let mut second = Tally::default();
    let dossier = analyze(&unit, None, &analysis, &mut second, |_| Ok(Infallibly(located.dossier())))?;
    let Some(Infallibly(dossier)) = dossier else { return Ok(tally.outcome()) };
    let bytes = if dossier.needs_packets() { excerpts::read(&unit, dossier.evidence()) } else { Vec::new() };
    let civil = |ts| civil(&display.zone, ts);
    let options = ScreenOptions {
        width: display.width,
        style: Style { color: display.color },
        zone: zone(&display, &civil),
        file: &file.to_string_lossy(),
        mask_secrets: args.text.mask_secrets,
    };
    let mut out = io::BufWriter::new(destination::stdout());
    explain::render(&dossier, &bytes, &analysis.registry, &mut out, &options)?;
    out.flush()?;
    Ok(tally.outcome())
}

/// The session of one file; `None` when it cannot be read, which has been told.
pub(super) fn the_unit(file: &Path) -> Result<Option<(Unit, Tally)>, Problem> {
    if file.is_dir() {
        return Err(Problem::new(format_args!("{}: is a folder", file.display())).hint("name one capture"));
    }
    let mut found = input::find_one(file);
    let tally = Tally { failed: found.failed, ..Tally::default() };
    Ok(found.units.pop().map(|unit| (unit, tally)))
}

fn not_there(file: &Path, target: Target, last: u64) -> Problem {
    let kind = target.to_string().chars().next().unwrap_or('A');
    let name = file.display();
    let problem = Problem::new(format_args!("{name}: has no {target}"));
    if last == 0 { problem } else { problem.hint(format_args!("the last one is {kind}{last}")) }
}
