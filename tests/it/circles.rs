//! No two files of a layer need each other, directly or through others: whoever reads one knows where to go next, and that
//! there is an end to it. (Between layers, the table in `tidy` sees to that.)
//!
//! Works on text, as `tidy` does: a file needs those that its `crate::` and `super::` paths lead to. What a folder's own
//! `mod.rs` says is the vocabulary of all that is in the folder, and may be used there.

use crate::tidy::{Source, paths};
use std::collections::{BTreeMap, BTreeSet};

/// Modules by their paths, each with those it needs.
type Needs = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

/// The path of the module that a file is: `["tcp", "half"]` for `tcp/half/mod.rs`.
fn module(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").expect("Rust");
    path.strip_suffix("/mod").unwrap_or(path).split('/').map(str::to_owned).collect()
}

/// Where a path behind `super::` leads, seen from a module.
fn above(from: &[String], path: &str) -> Vec<String> {
    let mut base = &from[..from.len() - 1];
    let mut words = path.split("::").peekable();
    while words.next_if_eq(&"super").is_some() {
        base = &base[..base.len().saturating_sub(1)];
    }
    base.iter().cloned().chain(words.map(str::to_owned)).collect()
}

fn needs(sources: &[Source]) -> Needs {
    let modules: Vec<_> = sources.iter().map(|source| module(&source.path)).collect();
    let mut needs = Needs::new();
    for (from, source) in modules.iter().zip(sources) {
        let from_the_top = paths(&source.code, "crate::").into_iter().map(|path| above(&["crate".to_owned()], &path));
        let from_here = paths(&source.code, "super::").into_iter().map(|path| above(from, &path));
        for path in from_the_top.chain(from_here) {
            let file = modules.iter().filter(|module| path.starts_with(module)).max_by_key(|module| module.len());
            let entry = needs.entry(from.clone()).or_default();
            entry.extend(file.filter(|file| !from.starts_with(file)).cloned());
        }
    }
    needs
}

/// The files of one circle, if there is any: from one to the next it needs, and back.
fn circle(needs: &Needs) -> Option<Vec<String>> {
    /// Follows what `at` needs, behind those on the `way`.
    fn follow<'a>(
        needs: &'a Needs,
        at: &'a Vec<String>,
        way: &mut Vec<&'a Vec<String>>,
        done: &mut BTreeSet<&'a Vec<String>>,
    ) -> bool {
        if let Some(start) = way.iter().position(|before| *before == at) {
            way.drain(..start);
            return true;
        }
        if !done.insert(at) {
            return false;
        }
        way.push(at);
        if needs.get(at).into_iter().flatten().any(|next| follow(needs, next, way, done)) {
            return true;
        }
        way.pop();
        false
    }
    let (mut way, mut done) = (Vec::new(), BTreeSet::new());
    let found = needs.keys().any(|start| follow(needs, start, &mut way, &mut done));
    found.then(|| way.iter().map(|module| module.join("/")).collect())
}

#[test]
fn no_files_need_each_other() {
    let found = circle(&needs(&Source::all()));
    assert_eq!(found, None, "these need each other in a circle");
}

/// What the checker says of some files.
fn check(files: &[(&str, &str)], expected: Option<&[&str]>) {
    let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(circle(&needs(&sources)), expected);
}

#[test]
fn circles_are_noticed() {
    check(&[("a/x.rs", "use super::y::Y;"), ("a/y.rs", "use super::z::Z;"), ("a/z.rs", "")], None);
    let two = [("a/x.rs", "use super::y::Y;"), ("a/y.rs", "fn y() -> super::x::X {}")];
    check(&two, Some(&["a/x", "a/y"]));
    let across =
        [("a/x.rs", "use super::{b::y::Y, c};"), ("a/b/y.rs", "use crate::a::c::C;"), ("a/c.rs", "use super::b::y;")];
    check(&across, Some(&["a/b/y", "a/c"]));
    let of_three =
        [("a/x.rs", "use super::b::y::Y;"), ("a/b/y.rs", "use super::super::c;"), ("a/c.rs", "use crate::a::x;")];
    check(&of_three, Some(&["a/b/y", "a/c", "a/x"]));
}

#[test]
fn a_folder_shares_its_own_words_and_tests_do_not_count() {
    check(&[("a/mod.rs", "use crate::a::x::X;"), ("a/x.rs", "use super::A;\nuse crate::a::B;")], None);
    let tested =
        [("a/x.rs", "use super::y::Y;"), ("a/y.rs", "#[cfg(test)]\nmod tests {\n    use super::super::x;\n}\n")];
    check(&tested, None);
}
