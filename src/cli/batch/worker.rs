//! One session of many: read and told, its output kept when it is whole, its trouble gathered.

use super::interrupt;
use super::record::{FileRecord, Stamp, Status, UnitRecord};
use super::state;
use crate::capture::FileReport;
use crate::cli::analyze::{Threads, watched};
use crate::cli::conversion::{Conversion, Counts, Place};
use crate::cli::destination::Draft;
use crate::cli::input::Unit;
use crate::cli::message::{Kind, tell};
use crate::cli::progress::Overall;
use crate::cli::tally::Tally;
use crate::cli::watch::{Remark, Trouble, Watch};
use crate::output::TOOL;
use std::any::Any;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Remarks of one session that are told; a hostile capture could make any number.
const MOST_REMARKS: usize = 100;

/// What all workers share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'a> {
    pub(super) conversion: &'a Conversion,
    pub(super) folder: &'a Path,
    /// A digest of the options.
    pub(super) options: &'a str,
    pub(super) force: bool,
    pub(super) threads: Threads,
    pub(super) overall: &'a Overall,
}

/// How a unit ended.
#[derive(Debug)]
pub(super) enum End {
    /// It is done, well or not.
    Done(UnitRecord),
    /// Somebody asked to stop.
    Interrupted,
    /// Nothing more can be written.
    NoRoom(io::Error),
}

/// Converts a unit to `output` below the folder.
pub(super) fn convert(shared: Shared<'_>, unit: &Unit, output: &str) -> End {
    guarded(shared.overall, shared.options, unit, output, |watch| written(shared, unit, output, watch))
}

/// Runs `write`, and makes a record of whatever became of it: a panic is one file's trouble, not that of the others.
fn guarded(
    overall: &Overall,
    options: &str,
    unit: &Unit,
    output: &str,
    write: impl FnOnce(&mut Gathering<'_>) -> io::Result<Option<Kept>>,
) -> End {
    // Before it is read: what changes meanwhile is read again the next time.
    let stamps = state::stamps(unit);
    let mut watch = Gathering { overall, bytes: 0, found: Found::default() };
    let result = catch_unwind(AssertUnwindSafe(|| write(&mut watch)));
    overall.bytes(unit.size().unwrap_or(0).saturating_sub(watch.bytes));
    let found = watch.found;
    for (kind, text, hint) in &found.told {
        tell(*kind, text, hint.as_deref());
    }
    if found.untold > 0 {
        tell(Kind::Note, format_args!("{}: {} more of these", name(unit), found.untold), None);
    }
    let (kept, failure) = match result {
        Ok(Ok(kept)) => (kept, None),
        Ok(Err(_)) if interrupt::is_asked() => return End::Interrupted,
        Ok(Err(error)) if is_for_all(&error) => return End::NoRoom(error),
        Ok(Err(error)) => (None, Some((format!("the output cannot be written: {error}"), None))),
        Err(panic) => (None, Some((bug(&*panic), Some("please report it, with the capture if it can be shared")))),
    };
    if let Some((message, hint)) = &failure {
        tell(Kind::Error, format_args!("{}: {message}", name(unit)), *hint);
    }
    End::Done(record(
        options,
        unit,
        output,
        stamps,
        kept,
        &found,
        failure.as_ref().map(|(message, _)| message.as_str()),
    ))
}

/// What has been written of a unit.
#[derive(Clone, Copy, Debug)]
struct Kept {
    bytes: u64,
    counts: Counts,
}

/// Writes the output; none where nothing could be read.
fn written(shared: Shared<'_>, unit: &Unit, output: &str, watch: &mut Gathering<'_>) -> io::Result<Option<Kept>> {
    let target = shared.folder.join(output);
    let mut draft = None;
    let conversion = shared.conversion;
    let mut tally = Tally::default();
    let begin = |start| {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let (made, file) = Draft::create(&target, shared.force).map_err(io::Error::other)?;
        draft = Some(made);
        conversion.sink(file, unit, start, Place::First)
    };
    let sink = watched(unit, None, &conversion.analysis, shared.threads, (watch, &mut tally), begin)?;
    let Some((draft, sink)) = draft.zip(sink) else { return Ok(None) };
    let counts = sink.counts();
    draft.keep()?;
    Ok(Some(Kept { bytes: fs::metadata(&target)?.len(), counts }))
}

/// Whether no other output could be written either.
fn is_for_all(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
}

fn name(unit: &Unit) -> &str {
    unit.inputs.first().map_or("", |input| &input.name)
}

/// What a panic says. It says where on standard error, too.
fn bug(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref().cloned());
    format!("a bug of this program: {}", text.unwrap_or_else(|| "it panicked".to_owned()))
}

fn record(
    options: &str,
    unit: &Unit,
    output: &str,
    stamps: Option<Vec<Stamp>>,
    kept: Option<Kept>,
    found: &Found,
    failure: Option<&str>,
) -> UnitRecord {
    let mut files: Vec<FileRecord> = Vec::new();
    for (index, input) in unit.inputs.iter().enumerate() {
        let report = found.files.get(index).filter(|file| file.format.is_some());
        let trouble = found.first.get(index).and_then(Option::as_ref);
        let status = match (report, trouble) {
            _ if failure.is_some() => Status::Failed,
            (Some(report), _) if report.complete => Status::Converted,
            (Some(_), _) => Status::Partly,
            (None, Some((Trouble::NotACapture, _))) => Status::NotACapture,
            (None, _) => Status::Failed,
        };
        let leads = kept.filter(|_| files.iter().all(|file| file.output.is_none()) && report.is_some());
        files.push(FileRecord {
            file: input.name.clone(),
            status,
            output: kept.filter(|_| report.is_some()).map(|_| output.to_owned()),
            bytes: input.size,
            packet_count: report.filter(|_| failure.is_none()).map(|report| report.packet_count),
            exchange_count: leads.map(|kept| kept.counts.exchanges),
            anomaly_count: leads.map(|kept| kept.counts.anomalies),
            message: failure.map(str::to_owned).or_else(|| trouble.map(|(_, text)| text.clone())),
        });
    }
    UnitRecord {
        output: output.to_owned(),
        output_bytes: kept.map(|kept| kept.bytes),
        inputs: stamps.unwrap_or_default(),
        options: options.to_owned(),
        tool: TOOL.to_owned(),
        met: kept.is_some_and(|kept| kept.counts.met),
        files,
    }
}

/// What has been noticed about a unit.
#[derive(Debug, Default)]
struct Found {
    told: Vec<(Kind, String, Option<String>)>,
    untold: u64,
    /// What was first wrong with each input.
    first: Vec<Option<(Trouble, String)>>,
    files: Vec<FileReport>,
}

/// Gathers remarks until the unit is done, so that those of one stand together.
struct Gathering<'a> {
    overall: &'a Overall,
    bytes: u64,
    found: Found,
}

impl Watch for Gathering<'_> {
    fn go_on() -> io::Result<()> {
        if interrupt::is_asked() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    fn has_read(&mut self, bytes: u64) {
        self.overall.bytes(bytes.saturating_sub(self.bytes));
        self.bytes = bytes;
    }

    fn tell(&mut self, remark: &Remark<'_>) {
        let found = &mut self.found;
        if found.first.len() <= remark.input {
            found.first.resize(remark.input + 1, None);
        }
        found.first[remark.input].get_or_insert_with(|| (remark.trouble, remark.text.to_owned()));
        if remark.is_harmless() {
            // Other things than captures are counted at the end, and named in the records.
            return;
        }
        if found.told.len() < MOST_REMARKS {
            found.told.push((remark.kind, remark.told(), remark.hint.map(str::to_owned)));
        } else {
            found.untold += 1;
        }
    }

    fn ended(&mut self, files: Vec<FileReport>) {
        self.found.files = files;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::input;
    use std::panic;

    #[test]
    fn a_panic_is_a_bug_with_its_own_words() {
        let said = |cause: fn()| bug(&*catch_unwind(cause).expect_err("a panic"));
        assert_eq!(said(|| panic!("no such thing")), "a bug of this program: no such thing");
        assert_eq!(said(|| panic!("{} of 3", 2)), "a bug of this program: 2 of 3");
        assert_eq!(said(|| panic::panic_any(7)), "a bug of this program: it panicked");
    }

    #[test]
    fn a_panic_is_the_trouble_of_one_file() {
        let unit = input::find_one(Path::new("fixtures/evening.pcap")).units.remove(0);
        let end = guarded(&Overall::new(0, 0), "", &unit, "a.jsonl", |_| panic!("no such thing"));
        let End::Done(record) = end else { panic!("{end:?}") };
        assert!(!record.is_done() && record.output_bytes.is_none());
        let file = &record.files[0];
        assert_eq!((file.status, file.output.as_deref()), (Status::Failed, None));
        assert_eq!(file.message.as_deref(), Some("a bug of this program: no such thing"));
    }

    #[test]
    fn a_full_disk_is_the_trouble_of_all() {
        let unit = input::find_one(Path::new("fixtures/evening.pcap")).units.remove(0);
        let end = |kind: io::ErrorKind| guarded(&Overall::new(0, 0), "", &unit, "a.jsonl", |_| Err(kind.into()));
        assert!(matches!(end(io::ErrorKind::StorageFull), End::NoRoom(_)));
        assert!(matches!(end(io::ErrorKind::PermissionDenied), End::Done(record) if !record.is_done()));
    }
}
