//! What is done in an output folder, so that a run that was ended can go on.
//!
//! A line is appended for each session when its output has its name. A process may die between the two, or in the middle
//! of a line; then the session is converted once more.

use super::layout::{STATE_FILE, STATUS_FILE};
use super::record::{Stamp, UnitRecord};
use crate::cli::destination::Draft;
use crate::cli::input::Unit;
use crate::cli::message::Problem;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

/// What to do about what an earlier run has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// There must be none.
    Refuse,
    /// It is replaced.
    Replace,
    /// It is kept where it is still right.
    Keep,
}

/// An output folder.
#[derive(Debug)]
pub(super) struct State {
    folder: PathBuf,
    log: Mutex<File>,
}

/// The records of an earlier run in `folder`; `None` where there was none. Refuses what must not be overwritten.
pub(super) fn earlier(folder: &Path, what: Earlier) -> Result<Option<HashMap<String, UnitRecord>>, Problem> {
    let path = folder.join(STATE_FILE);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problem::new(format_args!("{}: {error}", path.display()))),
        Ok(_) if what == Earlier::Refuse => {
            let problem = Problem::new(format_args!("{}: holds an earlier conversion", folder.display()));
            Err(problem.hint("--resume goes on with it, --force replaces it"))
        }
        Ok(_) if what == Earlier::Replace => Ok(None),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            // Of two lines about one output the later one counts.
            let records = text.lines().filter_map(UnitRecord::parse);
            Ok(Some(records.map(|record| (record.output.clone(), record)).collect()))
        }
    }
}

/// Complains about the first output that exists already and is not known to be ours.
pub(super) fn refuse_existing(folder: &Path, outputs: &[String]) -> Result<(), Problem> {
    for output in outputs.iter().map(String::as_str).chain([STATUS_FILE]) {
        let path = folder.join(output);
        if path.symlink_metadata().is_ok() {
            return Err(Problem::new(format_args!("{}: exists already", path.display())).hint("--force replaces it"));
        }
    }
    Ok(())
}

/// Removes what runs that were killed have left of `outputs` in the making.
pub(super) fn remove_drafts(folder: &Path, outputs: &[String]) {
    let mut folders: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for output in outputs.iter().map(String::as_str).chain([STATUS_FILE, STATE_FILE]) {
        let path = folder.join(output);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
        folders.entry(parent.to_owned()).or_default().insert(name.to_string_lossy().into_owned());
    }
    for (folder, names) in folders {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            if Draft::target_of(&name.to_string_lossy()).is_some_and(|target| names.contains(target)) {
                // What cannot be removed takes room and does no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The inputs of a unit as they are now; `None` where one is not a file.
pub(super) fn stamps(unit: &Unit) -> Option<Vec<Stamp>> {
    let stamp = |input: &crate::cli::input::Input| {
        let metadata = fs::metadata(input.path()?).ok().filter(fs::Metadata::is_file)?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = format!("{}.{:09}", modified.as_secs(), modified.subsec_nanos());
        Some(Stamp { file: input.name.clone(), bytes: metadata.len(), modified })
    };
    unit.inputs.iter().map(stamp).collect()
}

impl State {
    /// Starts a run in `folder`, with the records that are kept.
    pub(super) fn begin<'a>(folder: &Path, kept: impl Iterator<Item = &'a UnitRecord>) -> io::Result<Self> {
        let path = folder.join(STATE_FILE);
        write(&path, kept.map(UnitRecord::json))?;
        let log = OpenOptions::new().append(true).open(path)?;
        Ok(Self { folder: folder.to_owned(), log: Mutex::new(log) })
    }

    /// A session is done, and its output has its name.
    pub(super) fn append(&self, record: &UnitRecord) -> io::Result<()> {
        let line = record.json() + "\n";
        self.log.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
    }

    /// All is done: writes the records in the order of the units, and what became of the inputs.
    pub(super) fn end<'a>(
        self,
        records: impl Iterator<Item = &'a UnitRecord>,
        files: impl Iterator<Item = String>,
    ) -> io::Result<()> {
        write(&self.folder.join(STATE_FILE), records.map(UnitRecord::json))?;
        write(&self.folder.join(STATUS_FILE), files)
    }
}

/// Writes lines to a file that appears when it is whole.
fn write(path: &Path, lines: impl Iterator<Item = String>) -> io::Result<()> {
    let (draft, file) = Draft::create(path, true).map_err(|problem| io::Error::other(problem.text))?;
    let mut out = BufWriter::new(file);
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    drop(out);
    draft.keep()
}
