//! From the files as typed to what is read together: folders walked, files given twice counted once.

mod list;
mod seen;

use super::args::InputArgs;
use super::live::{LiveInput, SharedOutput};
use super::message::{Kind, tell};
use super::rotated;
use crate::capture::Source;
use seen::Seen;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Something that can be opened and read.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// As the user gave it, or as found in a folder.
    pub(super) name: String,
    place: Place,
    /// Found by walking a folder: if it is no capture, that is worth a note, not an error.
    pub(super) found: bool,
    /// Bytes, where that is known before reading.
    pub(super) size: Option<u64>,
}

#[derive(Clone, Debug)]
enum Place {
    StandardInput,
    File(PathBuf),
}

/// Inputs that are read as one session.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) inputs: Vec<Input>,
}

/// What was found of what was named.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) units: Vec<Unit>,
    /// Names of which nothing can be read; they have been told.
    pub(super) failed: usize,
    /// Names that are in no unit, and why.
    pub(super) left_out: Vec<LeftOut>,
}

/// A name that is in no unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// It cannot be read; `message` says why.
    Unreadable { name: String, message: String },
    /// It has been named or found before, or holds the same bytes as something that has.
    Copy { name: String, message: String },
}

impl Unit {
    pub(super) fn names(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }

    /// Bytes of all inputs, where they are known.
    pub(super) fn size(&self) -> Option<u64> {
        self.inputs.iter().map(|input| input.size).sum()
    }

    /// Whether some input is a pipe or a terminal, of which more may come at any time.
    pub(super) fn is_live(&self) -> bool {
        self.inputs.iter().any(|input| input.size.is_none())
    }

    /// The inputs as the session wants them. Live ones flush `output` before they wait.
    pub(super) fn sources(&self, output: Option<&SharedOutput>) -> Vec<Source> {
        self.inputs.iter().map(|input| input.source(output.cloned())).collect()
    }
}

impl Input {
    /// Where it is; `None` for standard input.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::StandardInput => None,
            Place::File(path) => Some(path),
        }
    }

    fn source(&self, output: Option<SharedOutput>) -> Source {
        let (place, live) = (self.place.clone(), self.size.is_none());
        let open = move || -> io::Result<Box<dyn Read + Send>> {
            let inner: Box<dyn Read + Send> = match &place {
                Place::StandardInput => Box::new(io::stdin()),
                Place::File(path) => Box::new(File::open(path)?),
            };
            Ok(match &output {
                Some(output) if live => Box::new(LiveInput::new(inner, output.clone())),
                _ => inner,
            })
        };
        Source { name: self.name.clone(), open: Box::new(open), reopenable: !live }
    }
}

/// Finds what `args` names. Files named on the command line are one session unless told otherwise; a file found in a
/// folder is its own, with the other pieces where it is one of a rotated capture.
pub(super) fn find(args: &InputArgs) -> Found {
    let mut found = Found::default();
    let (mut named, mut walked) = (Vec::new(), Vec::new());
    let mut seen = Seen::default();
    let listed = list::read(args, &mut found);
    for path in &args.files {
        if path.as_os_str() == "-" {
            if !seen.standard_input {
                named.push(standard_input(&args.source_name));
            }
            seen.standard_input = true;
            continue;
        }
        match fs::metadata(path) {
            Err(error) => found.fail(path, &error),
            Ok(metadata) if metadata.is_dir() => {
                let mut files = Vec::new();
                walk(path, &mut files, &mut found);
                walked.extend(files.into_iter().filter_map(|file| seen.first_time(file, true)));
            }
            Ok(_) => named.extend(seen.first_time(path.clone(), false)),
        }
    }
    // A list is long: what it names is taken as if it had been found in a folder.
    for path in listed {
        match fs::metadata(&path) {
            Err(error) => found.fail(&path, &error),
            Ok(metadata) if metadata.is_dir() => {
                let mut files = Vec::new();
                walk(&path, &mut files, &mut found);
                walked.extend(files.into_iter().filter_map(|file| seen.first_time(file, true)));
            }
            Ok(_) => walked.extend(seen.first_time(path, false)),
        }
    }
    found.left_out.append(&mut seen.copies);
    if args.no_join {
        found.units.extend(named.into_iter().map(|input| Unit { inputs: vec![input] }));
    } else if !named.is_empty() {
        found.units.push(Unit { inputs: named });
    }
    if args.no_join {
        found.units.extend(walked.into_iter().map(|input| Unit { inputs: vec![input] }));
    } else {
        found.units.extend(joined(walked));
    }
    found
}

/// The files of a folder as units: the pieces of a rotated capture are one, where its first was.
fn joined(files: Vec<Input>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut sets: HashMap<PathBuf, usize> = HashMap::new();
    for input in files {
        let set = if let Place::File(path) = &input.place { rotated::set_of(path) } else { None };
        if let Some(unit) = set.as_ref().and_then(|set| sets.get(set)) {
            units[*unit].inputs.push(input);
        } else {
            sets.extend(set.map(|set| (set, units.len())));
            units.push(Unit { inputs: vec![input] });
        }
    }
    units
}

/// One file alone.
pub(super) fn find_one(file: &Path) -> Found {
    find(&InputArgs { no_join: true, ..InputArgs::of(vec![file.to_owned()]) })
}

impl Found {
    fn fail(&mut self, path: &Path, error: &io::Error) {
        let hint =
            (error.kind() == io::ErrorKind::NotFound).then_some("check the name; `rctscope --help` lists the commands");
        let (name, message) = (path.display().to_string(), reason(error));
        tell(Kind::Error, format_args!("{name}: {message}"), hint);
        self.failed += 1;
        self.left_out.push(LeftOut::Unreadable { name, message });
    }
}

/// An I/O error in plain words, without the number that the system gives it.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read (permission denied)".to_owned(),
        _ => error.to_string(),
    }
}

fn standard_input(name: &str) -> Input {
    Input { name: name.to_owned(), place: Place::StandardInput, found: false, size: None }
}

/// All files below `folder`, by name. Links to folders are not followed: they can lead in circles.
fn walk(folder: &Path, files: &mut Vec<PathBuf>, found: &mut Found) {
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return found.fail(folder, &error),
    };
    let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort_unstable();
    for path in paths {
        let is_folder = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        if is_folder {
            walk(&path, files, found);
        } else if path.is_file() {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rctscope-input-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("sub")).expect("a folder");
        for (file, content) in [("b.pcap", "1"), ("a.pcap", "2"), ("copy.pcap", "1"), ("sub/c.pcap", "3")] {
            fs::write(path.join(file), content).expect("a file");
        }
        path
    }

    #[test]
    fn the_pieces_of_a_rotated_capture_in_a_folder_are_one_session() {
        let folder = folder("rotated");
        for (number, file) in ["sub/r.pcap", "sub/r.pcap1", "sub/r.pcap2", "sub/s.pcap1"].iter().enumerate() {
            fs::write(folder.join(file), format!("r{number}")).expect("a file");
        }
        let rotated: &[&[&str]] = &[&["c.pcap"], &["r.pcap", "r.pcap1", "r.pcap2"], &["s.pcap1"]];
        check(vec![folder.join("sub")], false, rotated);
        check(vec![folder.join("sub")], true, &[&["c.pcap"], &["r.pcap"], &["r.pcap1"], &["r.pcap2"], &["s.pcap1"]]);
        fs::remove_dir_all(folder).expect("removed");
    }

    fn check(files: Vec<PathBuf>, no_join: bool, expected: &[&[&str]]) {
        let found = find(&InputArgs { no_join, ..InputArgs::of(files) });
        let names: Vec<Vec<String>> = found.units.iter().map(Unit::names).collect();
        let ends: Vec<Vec<&str>> = names
            .iter()
            .map(|unit| unit.iter().map(|name| name.rsplit('/').next().unwrap_or_default()).collect())
            .collect();
        assert_eq!(ends, expected);
    }

    #[test]
    fn named_files_are_one_session_and_a_copy_counts_once() {
        let folder = folder("named");
        let named = || ["b.pcap", "a.pcap", "./b.pcap", "copy.pcap"].map(|name| folder.join(name)).to_vec();
        check(named(), false, &[&["b.pcap", "a.pcap"]]);
        check(named(), true, &[&["b.pcap"], &["a.pcap"]]);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn folders_are_walked_in_order() {
        let folder = folder("walked");
        check(vec![folder.clone()], false, &[&["a.pcap"], &["b.pcap"], &["c.pcap"]]);
        check(vec![folder.join("none"), "-".into(), "-".into()], false, &[&["-"]]);
        fs::remove_dir_all(folder).expect("removed");
    }
}
