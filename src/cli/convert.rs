//! `rctscope convert`: JSON lines.

use super::analyze::{Tally, analyze};
use super::args::ConvertArgs;
use super::destination::{self, Draft};
use super::fail_on::{self, FailOn};
use super::live::SharedOutput;
use super::message::{Problem, Stop};
use super::{Outcome, input, selection, settings};
use crate::output::json::{JsonLines, Origin, Record, Records};
use crate::output::select::Select;
use jiff::tz::TimeZone;
use std::io::Write as _;

pub(super) fn run(args: &ConvertArgs) -> Result<Outcome, Stop> {
    let records = records(&args.records)?;
    let frames = records.contains(Record::Frame) || records.contains(Record::Nonframe);
    let analysis = settings::analysis(&args.analysis, frames)?;
    let registry = &analysis.registry;
    let selection = selection::resolve(&args.select, registry, &TimeZone::UTC)?;
    let (draft, mut output) = open(args)?;
    let found = input::find(&args.input);
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    let mut failed = false;
    for unit in &found.units {
        let names = unit.names();
        let sink = analyze(unit, Some(&output), &analysis, &mut tally, |start| {
            let mut json = JsonLines::new(output.clone(), records, registry);
            if args.mask_secrets {
                json = json.masked();
            }
            if unit.is_live() {
                json = json.unbuffered();
            }
            json.begin(&Origin { files: &names, start })?;
            Ok(Select::new(selection.starting_at(start), FailOn::new(args.fail_on, json)))
        })?;
        failed |= sink.is_some_and(|sink| sink.into_inner().into_parts().1);
    }
    output.flush()?;
    tally.tell_if_nothing();
    if let Some(draft) = draft.filter(|_| tally.read > 0) {
        draft.keep()?;
    }
    Ok(fail_on::outcome(tally.outcome(), failed))
}

fn open(args: &ConvertArgs) -> Result<(Option<Draft>, SharedOutput), Problem> {
    let Some(target) = &args.output else { return Ok((None, SharedOutput::new(destination::stdout()))) };
    let (draft, file) = Draft::create(target, args.force)?;
    Ok((Some(draft), SharedOutput::new(Box::new(file))))
}

fn records(names: &[String]) -> Result<Records, Problem> {
    let record = |name: &String| {
        Record::from_name(name.trim()).ok_or_else(|| {
            let known = Record::ALL.map(Record::name).join(", ");
            Problem::new(format_args!("--records {name}: no such kind of record")).hint(known)
        })
    };
    names.iter().map(record).collect()
}
