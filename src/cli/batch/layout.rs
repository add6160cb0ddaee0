//! Where the output of each session goes: folders mirrored, endings replaced, no two in one place.
//!
//! Depends on names alone, so that a run and a later one, or another machine, come to the same.

use crate::cli::args::{ConvertFormatArg, InputArgs};
use crate::cli::input::{Input, Unit};
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

/// Names in the output folder that are taken.
pub(super) const STATUS_FILE: &str = "files.jsonl";
pub(super) const STATE_FILE: &str = ".rctscope-state.jsonl";

/// Endings that a packed file has behind its own.
const PACKED: [&str; 6] = ["gz", "zst", "zstd", "lz4", "xz", "gzip"];
/// Endings of captures. tcpdump and the routers put numbers behind them.
const CAPTURES: [&str; 6] = ["pcap", "pcapng", "cap", "dump", "dmp", "eth"];

/// The ending of outputs.
pub(in crate::cli) const fn ending(format: ConvertFormatArg) -> &'static str {
    match format {
        ConvertFormatArg::Json => "jsonl",
        ConvertFormatArg::Csv => "csv",
        ConvertFormatArg::Influx => "lp",
    }
}

/// The outputs of `units`, in their order, relative to the output folder and with `/` between the parts.
///
/// A folder's content goes directly below the output folder; with several, each goes below its own name. A file that was
/// named goes to the top, one out of a list below its path as it stands there. Where two would go to the same place
/// without their endings, both keep them.
pub(in crate::cli) fn outputs(units: &[Unit], args: &InputArgs, ending: &str) -> Vec<String> {
    let roots = Roots::new(args);
    let names: Vec<String> =
        units.iter().map(|unit| unit.inputs.first().map_or_else(String::new, |input| roots.place(input))).collect();
    distinct(&names, ending)
}

/// The folders that were named, and where their content goes.
struct Roots {
    folders: Vec<(PathBuf, String)>,
    listed: bool,
}

impl Roots {
    fn new(args: &InputArgs) -> Self {
        let mut paths: Vec<&Path> = Vec::new();
        for path in args.files.iter().filter(|path| path.is_dir()) {
            if !paths.contains(&&**path) {
                paths.push(path);
            }
        }
        let several = paths.len() > 1;
        let mut taken = HashSet::new();
        let prefix = |path: &Path| {
            if !several {
                return String::new();
            }
            let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let name = whole.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
            format!("{}/", free(&mut taken, name, ""))
        };
        let mut prefix = prefix;
        let folders = paths.into_iter().map(|path| (path.to_owned(), prefix(path))).collect();
        Self { folders, listed: args.files_from.is_some() }
    }

    /// The path of an input below the output folder, its ending as it is.
    fn place(&self, input: &Input) -> String {
        let Some(path) = input.path() else {
            return Path::new(&input.name)
                .file_name()
                .map_or_else(|| "stdin".into(), |name| name.to_string_lossy().into());
        };
        let below = |(root, prefix): &(PathBuf, String)| {
            path.strip_prefix(root).ok().map(|rest| (root.components().count(), format!("{prefix}{}", parts(rest))))
        };
        let folder = self.folders.iter().filter_map(below).max_by_key(|(depth, _)| *depth);
        match folder.filter(|_| input.found) {
            Some((_, place)) => place,
            None if self.listed || input.found => parts(path),
            None => path.file_name().map_or_else(|| "capture".into(), |name| name.to_string_lossy().into()),
        }
    }
}

/// The names in a path; nothing in it leads up or to the root.
fn parts(path: &Path) -> String {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

/// `2025/evening.pcap.gz` without its endings.
fn stem(name: &str) -> &str {
    let start = name.rfind('/').map_or(0, |at| at + 1);
    let cut = |name: &str, known: &dyn Fn(&str) -> bool| {
        let at = name.rfind('.').filter(|at| *at > start)?;
        known(&name[at + 1..].to_ascii_lowercase()).then_some(at)
    };
    let name = cut(name, &|end| PACKED.contains(&end)).map_or(name, |at| &name[..at]);
    let is_capture = |end: &str| {
        let word = end.trim_end_matches(|c: char| c.is_ascii_digit());
        CAPTURES.contains(&word)
    };
    cut(name, &is_capture).map_or(name, |at| &name[..at])
}

/// Gives each name a place of its own: without its endings where nothing else goes there, else with them.
fn distinct(names: &[String], ending: &str) -> Vec<String> {
    let mut wanted: HashMap<String, usize> = HashMap::new();
    for name in names {
        *wanted.entry(stem(name).to_lowercase()).or_default() += 1;
    }
    // Names of folders are no names of files, and some file systems do not tell `A` from `a`.
    let mut taken: HashSet<String> = [STATUS_FILE, STATE_FILE].map(str::to_owned).into();
    for name in names {
        taken.extend(name.match_indices('/').map(|(at, _)| name[..at].to_lowercase()));
    }
    let short = |name: &str| wanted.get(&stem(name).to_lowercase()) == Some(&1);
    // Who keeps its ending comes first: its place must not depend on the others.
    let mut places = vec![String::new(); names.len()];
    for pass in [false, true] {
        for (place, name) in places.iter_mut().zip(names).filter(|(_, name)| short(name) == pass) {
            let mut first = if pass { stem(name) } else { name.as_str() };
            if pass && taken.contains(&format!("{first}.{ending}").to_lowercase()) {
                first = name;
            }
            *place = free(&mut taken, first.to_owned(), &format!(".{ending}"));
        }
    }
    places
}

/// The name with its ending, and a number before that where it is taken.
fn free(taken: &mut HashSet<String>, name: String, ending: &str) -> String {
    let numbered = (2_u64..).map(|number| format!("{name}~{number}{ending}"));
    let mut candidates = std::iter::once(format!("{name}{ending}")).chain(numbered);
    // The numbers do not end, so there is one that is free.
    candidates.find(|candidate| taken.insert(candidate.to_lowercase())).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expected: &[&str]) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        assert_eq!(distinct(&names, "jsonl"), expected);
    }

    #[test]
    fn endings_are_replaced() {
        check(
            &["2025/evening.pcap", "b.pcapng.gz", "c.cap.zst", "d"],
            &["2025/evening.jsonl", "b.jsonl", "c.jsonl", "d.jsonl"],
        );
        check(&["cap.pcap0", "e.pcapng12", "F.PCAP"], &["cap.jsonl", "e.jsonl", "F.jsonl"]);
        check(
            &["cap.2025-03-17", "notes.txt", ".pcap", "x.gz"],
            &["cap.2025-03-17.jsonl", "notes.txt.jsonl", ".pcap.jsonl", "x.jsonl"],
        );
    }

    #[test]
    fn no_two_go_to_one_place() {
        check(&["a.pcap", "a.pcapng", "b.pcap"], &["a.pcap.jsonl", "a.pcapng.jsonl", "b.jsonl"]);
        check(&["A.pcap", "a.cap"], &["A.pcap.jsonl", "a.cap.jsonl"]);
        check(&["a.pcap", "a.cap", "a.pcap.pcap"], &["a.pcap.jsonl", "a.cap.jsonl", "a.pcap.pcap.jsonl"]);
        check(&["x.pcap", "x.pcap"], &["x.pcap.jsonl", "x.pcap~2.jsonl"]);
        check(&["files.pcap", ".rctscope-state.pcap"], &["files.pcap.jsonl", ".rctscope-state.pcap.jsonl"]);
        check(&["a.pcap", "a.jsonl/b.pcap"], &["a.pcap.jsonl", "a.jsonl/b.jsonl"]);
    }

    #[test]
    fn places_do_not_depend_on_the_order() {
        let names =
            ["a.pcap", "a.pcapng", "a.pcap.gz.pcap", "a.pcap.pcap", "b/a.pcap", "files.pcap"].map(str::to_owned);
        let forward = distinct(&names, "jsonl");
        let reversed: Vec<String> = names.iter().rev().cloned().collect();
        let backward: Vec<String> = distinct(&reversed, "jsonl").into_iter().rev().collect();
        assert_eq!(forward, backward);
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        assert_eq!(parts(Path::new("/data/../etc/./a.pcap")), "data/etc/a.pcap");
    }
}
