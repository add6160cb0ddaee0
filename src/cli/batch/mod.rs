//! Many sessions at once, a file for each: folders mirrored, several workers, and a run that was ended can go on.
//!
//! | module | responsible for |
//! | --- | --- |
//! | `layout` | which session goes where |
//! | `worker` | one session |
//! | `state` | what is done, across runs |
//! | `record` | the lines of the state and of `files.jsonl` |
//! | `interrupt` | Ctrl-C |
//!
//! What is written does not depend on the number of workers: each session has a file of its own, and what is said of all
//! of them is written at the end, in their order.

mod interrupt;
pub(super) mod layout;
mod record;
mod state;
mod worker;

use super::analyze::Threads;
use super::args::ConvertArgs;
use super::conversion::Conversion;
use super::input::{Found, LeftOut, Unit};
use super::message::{Problem, Stop, aside, say};
use super::outcome::Outcome;
use super::progress::Overall;
use super::tally::Tally;
use super::{fail_on, input};
use crate::output::TOOL;
use crate::output::style::grouped;
use record::{FileRecord, Status, UnitRecord};
use sha2::{Digest as _, Sha256};
use state::{Earlier, State};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use worker::{End, Shared};

/// Converts all that `args` names into files below `folder`.
pub(super) fn run(args: &ConvertArgs, conversion: &Conversion, folder: &Path) -> Result<Outcome, Stop> {
    let what = match (args.force, args.resume) {
        (true, _) => Earlier::Replace,
        (_, true) => Earlier::Keep,
        _ => Earlier::Refuse,
    };
    let earlier = state::earlier(folder, what)?;
    let options = digest(args);
    let found = below_others(input::find(&args.input), folder);
    let outputs = layout::outputs(&found.units, &args.input, layout::ending(args.format));
    if earlier.is_none() && !args.force {
        state::refuse_existing(folder, &outputs)?;
    }
    fs::create_dir_all(folder)
        .map_err(|error| Problem::new(format_args!("{}: cannot be made: {error}", folder.display())))?;
    state::remove_drafts(folder, &outputs);
    let kept = earlier.as_ref().map(|earlier| still_right(earlier, &found.units, &outputs, &options, folder));
    let mut records = kept.unwrap_or_else(|| vec![None; outputs.len()]);
    let todo = todo(&found.units, &records);
    if earlier.is_some() {
        tell_skipped(folder, &found.units, &records);
    }
    if !todo.is_empty() {
        // It speaks of a run that is over.
        let _ = fs::remove_file(folder.join(layout::STATUS_FILE));
    }
    let state = State::begin(folder, records.iter().flatten())?;
    let work =
        Work { args, conversion, folder, options: &options, units: &found.units, outputs: &outputs, todo: &todo };
    work.run(&state, &mut records, earlier.is_some())?;
    if records.iter().any(Option::is_none) {
        let files = |done: bool| {
            let units = found.units.iter().zip(&records).filter(|(_, record)| !done || record.is_some());
            units.map(|(unit, _)| unit.inputs.len()).sum::<usize>()
        };
        say(&format!("interrupted: {} of {} done; --resume goes on\n", files(true), files(false)));
        return Ok(Outcome::DoneInPart);
    }
    finish(folder, state, &found, &records.into_iter().flatten().collect::<Vec<_>>())
}

/// What is to be done, and where.
struct Work<'a> {
    args: &'a ConvertArgs,
    conversion: &'a Conversion,
    folder: &'a Path,
    options: &'a str,
    units: &'a [Unit],
    outputs: &'a [String],
    /// Indices of the units without a record.
    todo: &'a [usize],
}

impl Work<'_> {
    /// Converts what is to be done, and puts the records in their places. Ends early when it is asked to, or when nothing
    /// more can be written.
    fn run(&self, state: &State, records: &mut [Option<UnitRecord>], again: bool) -> io::Result<()> {
        interrupt::listen();
        tell_panics_beside_the_bar();
        let (jobs, threads) = self.workers();
        let units = || self.todo.iter().map(|index| &self.units[*index]);
        let files = units().map(|unit| unit.inputs.len()).sum();
        let overall = Overall::new(files, units().filter_map(Unit::size).sum());
        let shared = Shared {
            conversion: self.conversion,
            folder: self.folder,
            options: self.options,
            force: self.args.force || again,
            threads,
            overall: &overall,
        };
        let (next, no_room) = (AtomicUsize::new(0), Mutex::new(None));
        let records = Mutex::new(records);
        let work = || {
            while let Some(index) = self.todo.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
                let end = if interrupt::is_asked() {
                    End::Interrupted
                } else {
                    worker::convert(shared, &self.units[index], &self.outputs[index])
                };
                let appended = match end {
                    End::Interrupted => return,
                    End::NoRoom(error) => Err(error),
                    End::Done(record) => {
                        let bad = record.files.iter().filter(|file| is_bad(file.status)).count();
                        overall.ended(record.files.len(), bad);
                        let appended = state.append(&record);
                        records.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(record);
                        appended
                    }
                };
                if let Err(error) = appended {
                    next.store(usize::MAX / 2, Ordering::Relaxed);
                    no_room.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    return;
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..jobs {
                scope.spawn(work);
            }
            work();
        });
        drop(overall);
        no_room.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    /// How many units are converted at the same time, and by how many threads each.
    fn workers(&self) -> (usize, Threads) {
        let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        match (self.args.jobs, self.todo.len()) {
            (Some(jobs), units) => (jobs.get().min(units), Threads::One),
            (None, 1) if processors() > 1 => (1, Threads::Two),
            (None, units) => (processors().min(units), Threads::One),
        }
    }
}

/// The records that are still right, each in the place of its unit.
fn still_right(
    earlier: &HashMap<String, UnitRecord>,
    units: &[Unit],
    outputs: &[String],
    options: &str,
    folder: &Path,
) -> Vec<Option<UnitRecord>> {
    let right = |unit: &Unit, output: &String| {
        let record = earlier.get(output)?;
        let is_whole = record.output_bytes.is_none_or(|bytes| {
            fs::metadata(folder.join(output)).is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes)
        });
        let is_right = record.is_done() && is_whole && record.options == options && record.tool == TOOL;
        (is_right && state::stamps(unit).as_ref() == Some(&record.inputs)).then(|| record.clone())
    };
    units.iter().zip(outputs).map(|(unit, output)| right(unit, output)).collect()
}

/// The units to be converted, the largest first: a large one that comes last would keep one worker busy alone.
fn todo(units: &[Unit], records: &[Option<UnitRecord>]) -> Vec<usize> {
    let mut todo: Vec<usize> = (0..units.len()).filter(|index| records[*index].is_none()).collect();
    todo.sort_by_key(|index| std::cmp::Reverse(units[*index].size()));
    todo
}

fn tell_skipped(folder: &Path, units: &[Unit], records: &[Option<UnitRecord>]) {
    let (mut done, mut left) = (0, 0);
    for (unit, record) in units.iter().zip(records) {
        *(if record.is_some() { &mut done } else { &mut left }) += unit.inputs.len();
    }
    say(&format!("skipped {done} done ({}), {left} to do\n", folder.join(layout::STATE_FILE).display()));
}

/// What was found, without what lies in the output folder: an earlier run has put it there.
fn below_others(mut found: Found, folder: &Path) -> Found {
    let Ok(folder) = folder.canonicalize() else { return found };
    let is_output = |name: &Path| name.canonicalize().is_ok_and(|path| path.starts_with(&folder));
    found.units.retain(|unit| !unit.inputs.iter().any(|input| input.found && input.path().is_some_and(is_output)));
    found.left_out.retain(|left_out| !matches!(left_out, LeftOut::Copy { name, .. } if is_output(Path::new(name))));
    found
}

/// A digest of the options that decide what is written, and of the user's own registry.
fn digest(args: &ConvertArgs) -> String {
    let mut digest = Sha256::new();
    let ConvertArgs { analysis, select, format, records, mask_secrets, fail_on, .. } = args;
    digest.update(format!("{analysis:?} {select:?} {format:?} {records:?} {mask_secrets} {fail_on:?}"));
    if let Some(Ok(registry)) = analysis.registry.registry.as_ref().map(fs::read) {
        digest.update(registry);
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A panic says where it came from on standard error, and no bar may be in its way.
fn tell_panics_beside_the_bar() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| aside(|| hook(info))));
}

const fn is_bad(status: Status) -> bool {
    matches!(status, Status::Partly | Status::Failed)
}

/// Writes what became of each input, tells how it went, and makes an outcome of it.
fn finish(folder: &Path, state: State, found: &Found, records: &[UnitRecord]) -> Result<Outcome, Stop> {
    let left_out: Vec<FileRecord> = found.left_out.iter().map(left_out).collect();
    let files = || records.iter().flat_map(|record| &record.files).chain(&left_out);
    state.end(records.iter(), files().map(FileRecord::json))?;
    let count = |status| files().filter(|file| file.status == status).count();
    let mut tally = Tally { failed: found.failed + count_named_others(found, records), ..Tally::default() };
    let (converted, partly, others) = (count(Status::Converted), count(Status::Partly), count(Status::NotACapture));
    tally.read = converted + partly;
    tally.damaged = partly;
    tally.failed +=
        records.iter().flat_map(|record| &record.files).filter(|file| file.status == Status::Failed).count();
    if tally.read == 0 && tally.failed == 0 {
        tally.tell_rest();
        return Ok(tally.outcome());
    }
    let sum = |of: fn(&FileRecord) -> Option<u64>| grouped(files().filter_map(of).sum());
    let mut text = format!("done: {converted} converted, {partly} partly, {} failed", count(Status::Failed));
    for (number, one, more) in [(others, "other file", "other files"), (count(Status::Copy), "copy", "copies")] {
        if number > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {number} {}", if number == 1 { one } else { more });
        }
    }
    let (exchanges, anomalies) = (sum(|file| file.exchange_count), sum(|file| file.anomaly_count));
    let status_file = folder.join(layout::STATUS_FILE);
    say(&format!("{text}; {exchanges} exchanges, {anomalies} anomalies\n  {}\n", status_file.display()));
    Ok(fail_on::outcome(tally.outcome(), records.iter().any(|record| record.met)))
}

/// Files that were named and are no captures. In a folder there may be other things.
fn count_named_others(found: &Found, records: &[UnitRecord]) -> usize {
    let named = |unit: &Unit, record: &UnitRecord| {
        let files = unit.inputs.iter().zip(&record.files);
        files.filter(|(input, file)| !input.found && file.status == Status::NotACapture).count()
    };
    found.units.iter().zip(records).map(|(unit, record)| named(unit, record)).sum()
}

fn left_out(left_out: &LeftOut) -> FileRecord {
    let (status, file, message) = match left_out {
        LeftOut::Unreadable { name, message } => (Status::Failed, name, message),
        LeftOut::Copy { name, message } => (Status::Copy, name, message),
    };
    FileRecord {
        file: file.clone(),
        status,
        output: None,
        bytes: None,
        packet_count: None,
        exchange_count: None,
        anomaly_count: None,
        message: Some(message.clone()),
    }
}
