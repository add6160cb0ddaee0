//! `rctscope convert`: records for other programs, on standard output, into a file, or a file for each session.

use super::analyze::analyze;
use super::args::ConvertArgs;
use super::conversion::{Conversion, Place};
use super::destination::{self, Draft};
use super::live::SharedOutput;
use super::message::{Problem, Stop};
use super::outcome::Outcome;
use super::tally::Tally;
use super::{batch, fail_on, input};
use std::io::Write as _;
use std::path::{MAIN_SEPARATOR, Path};

pub(super) fn run(args: &ConvertArgs) -> Result<Outcome, Stop> {
    let conversion = Conversion::new(args)?;
    match folder(args)? {
        Some(folder) => batch::run(args, &conversion, folder),
        None => into_one(args, &conversion),
    }
}

/// The folder that is to be filled; `None` where all goes into one output.
fn folder(args: &ConvertArgs) -> Result<Option<&Path>, Problem> {
    let Some(target) = args.output.as_deref() else { return Ok(None) };
    let name = target.display();
    let ends_as_folder = target.as_os_str().to_string_lossy().ends_with(['/', MAIN_SEPARATOR]);
    let several = args.input.files_from.is_some() || args.input.files.iter().any(|file| file.is_dir());
    let asked = ends_as_folder || args.jobs.is_some() || args.resume;
    if target.is_dir() || ends_as_folder || !target.exists() && asked {
        if target.exists() && !target.is_dir() {
            return Err(Problem::new(format_args!("{name}: is a file")).hint("name a folder, or leave out the `/`"));
        }
        return Ok(Some(target));
    }
    if (several || asked) && target.exists() {
        let problem = Problem::new(format_args!("{name}: is a file, and several sessions go into a folder"));
        return Err(problem.hint("name a folder"));
    }
    // Who names a file wants one.
    if several && target.extension().is_some_and(|end| ["jsonl", "json", "csv", "lp"].iter().any(|known| end == *known))
    {
        let problem = Problem::new(format_args!("{name}: several sessions go into a folder"));
        let hint = format!("name a folder, write {name}/ if that is its name, or leave out -o and redirect the output");
        return Err(problem.hint(hint));
    }
    Ok(several.then_some(target))
}

fn into_one(args: &ConvertArgs, conversion: &Conversion) -> Result<Outcome, Stop> {
    let (draft, mut output) = open(args)?;
    let found = input::find(&args.input);
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    let (mut failed, mut place) = (false, Place::First);
    for unit in &found.units {
        let sink = analyze(unit, Some(&output), &conversion.analysis, &mut tally, |start| {
            conversion.sink(output.clone(), unit, start, place)
        })?;
        if let Some(sink) = sink {
            failed |= sink.counts().met;
            place = Place::Later;
        }
    }
    output.flush()?;
    tally.tell_rest();
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
