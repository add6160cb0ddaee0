//! `rctscope plan`: the sessions that `convert` would write, for whoever spreads them over machines.

use super::args::PlanArgs;
use super::batch::layout;
use super::destination::print;
use super::input::{self, Unit};
use super::message::{Kind, Problem, Stop, tell};
use super::outcome::Outcome;
use super::tally::Tally;
use crate::capture::Reader;
use serde_json::json;
use std::fs::File;
use std::io::Write;

pub(super) fn run(args: &PlanArgs) -> Result<Outcome, Stop> {
    let found = input::find(&args.input);
    let outputs = layout::outputs(&found.units, &args.input, layout::ending(args.format));
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    let printed = print(|out| {
        for (unit, output) in found.units.iter().zip(&outputs) {
            if !holds_captures(unit, &mut tally) {
                continue;
            }
            tally.read += 1;
            if args.json { record(unit, output, out)? } else { row(unit, output, out)? }
        }
        Ok(())
    })?;
    tally.tell_rest();
    Ok(if printed == Outcome::Done { tally.outcome() } else { printed })
}

/// Whether anything of a unit is worth a job. What cannot be read is: the job says why.
fn holds_captures(unit: &Unit, tally: &mut Tally) -> bool {
    unit.inputs.iter().any(|input| {
        let Some(Ok(file)) = input.path().map(File::open) else { return true };
        let Err(error) = Reader::new(Box::new(file)) else { return true };
        if error.is_other_thing() && tally.other() {
            tell(Kind::Note, format_args!("{}: {error}; skipped", input.name), None);
        }
        !error.is_other_thing()
    })
}

/// Where it goes, its bytes, and its files, with tabs between.
fn row(unit: &Unit, output: &str, out: &mut dyn Write) -> Result<(), Stop> {
    let names = unit.names();
    if let Some(name) = names.iter().find(|name| name.contains(['\t', '\n', '\r'])) {
        let problem = Problem::new(format_args!("{name}: a name with a tab or a line break fits in no table"));
        return Err(problem.hint("use --json").into());
    }
    Ok(writeln!(out, "{output}\t{}\t{}", unit.size().unwrap_or(0), names.join("\t"))?)
}

fn record(unit: &Unit, output: &str, out: &mut dyn Write) -> Result<(), Stop> {
    let (output, files) = (json!(output), json!(unit.names()));
    let bytes = unit.size().unwrap_or(0);
    Ok(writeln!(out, "{{\"type\":\"unit\",\"output\":{output},\"bytes\":{bytes},\"files\":{files}}}")?)
}
