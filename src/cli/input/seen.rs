//! Tells a file that is given twice, under whichever name, or as a copy.
//!
//! Files are read only as far as that needs: not at all while no other has the same size, and to their end only beside
//! one that begins alike. The pieces of a rotated capture all have the same size, and there are thousands of them.

use super::{Input, LeftOut, Place};
use crate::cli::message::{Kind, tell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Bytes of a file that are read at a time. Different captures differ within the first of these pieces.
const PIECE_BYTES: u64 = 64 << 10;

/// The files met so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) standard_input: bool,
    paths: HashMap<PathBuf, String>,
    contents: Contents,
    hasher: RandomState,
    pub(super) copies: Vec<LeftOut>,
}

impl Seen {
    /// The input at `path`, unless it has been met before.
    pub(super) fn first_time(&mut self, path: PathBuf, found: bool) -> Option<Input> {
        let name = path.display().to_string();
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
        let size = metadata.map(|metadata| metadata.len());
        let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
        if let Some(first) = self.paths.get(&canonical) {
            let message = format!("the same file as {first}; read once");
            return self.copy(name, message);
        }
        if let Some(size) = size.filter(|size| *size > 0) {
            let head = |path: &Path| Ok(self.hasher.hash_one(piece(&mut File::open(path)?)?));
            if let Some(first) = self.contents.add(&path, size, head, same_content) {
                let message = format!("the same content as {}; read once", first.display());
                return self.copy(name, message);
            }
        }
        self.paths.insert(canonical, name.clone());
        Some(Input { name, place: Place::File(path), found, size })
    }

    fn copy(&mut self, name: String, message: String) -> Option<Input> {
        tell(Kind::Note, format_args!("{name}: {message}"), None);
        self.copies.push(LeftOut::Copy { name, message });
        None
    }
}

/// Files of which no two hold the same bytes.
#[derive(Debug, Default)]
struct Contents {
    /// The first file of each size. Once there is another, it is in `by_head` and no longer here.
    by_size: HashMap<u64, Option<PathBuf>>,
    /// All files of sizes that several have, by size and by a hash of how they begin.
    by_head: HashMap<(u64, u64), Vec<PathBuf>>,
}

impl Contents {
    /// Adds a file of `size` bytes, unless one with the same bytes is there, which is returned. `head` tells how a file
    /// begins, `same` whether two of them are the same to the end. A file that cannot be read is no copy.
    fn add(
        &mut self,
        path: &Path,
        size: u64,
        head: impl Fn(&Path) -> io::Result<u64>,
        same: impl Fn(&Path, &Path) -> io::Result<bool>,
    ) -> Option<PathBuf> {
        let first = match self.by_size.entry(size) {
            Entry::Vacant(vacant) => {
                vacant.insert(Some(path.to_owned()));
                return None;
            }
            Entry::Occupied(mut first) => first.get_mut().take(),
        };
        if let Some(first) = first
            && let Ok(head) = head(&first)
        {
            self.by_head.insert((size, head), vec![first]);
        }
        let alike = self.by_head.entry((size, head(path).ok()?)).or_default();
        let copied = alike.iter().find(|other| same(other, path).unwrap_or(false)).cloned();
        if copied.is_none() {
            alike.push(path.to_owned());
        }
        copied
    }
}

/// Whether two files of equal size hold the same bytes.
fn same_content(a: &Path, b: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    loop {
        let [a, b] = [piece(&mut a)?, piece(&mut b)?];
        if a != b || a.is_empty() {
            return Ok(a == b);
        }
    }
}

/// The next bytes of a file; none at its end.
fn piece(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(PIECE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    /// The number that a file is named by.
    fn number(path: &Path) -> usize {
        path.to_str().and_then(|name| name.parse().ok()).expect("a number")
    }

    /// `tcpdump -C` makes thousands of files of one size; each was compared with each.
    #[test]
    fn many_files_of_one_size_are_each_read_once() {
        let mut contents = Contents::default();
        let (read, compared) = (Cell::new(0), Cell::new(0));
        for file in 0..4_000 {
            let head = |path: &Path| {
                read.update(|read| read + 1);
                Ok(number(path) as u64)
            };
            let same = |_: &Path, _: &Path| {
                compared.update(|compared| compared + 1);
                Ok(false)
            };
            assert_eq!(contents.add(Path::new(&file.to_string()), 1_000, head, same), None);
        }
        assert_eq!((read.get(), compared.get()), (4_000, 0));
    }

    #[test]
    fn a_file_of_a_size_of_its_own_is_not_read() {
        let mut contents = Contents::default();
        for size in 1..10 {
            let head = |_: &Path| panic!("read");
            assert_eq!(contents.add(Path::new(&size.to_string()), size, head, |_, _| panic!("compared")), None);
        }
    }

    #[test]
    fn a_file_is_a_copy_only_if_it_is_the_same_to_the_end() {
        let folder = std::env::temp_dir().join(format!("rctscope-seen-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let mut seen = Seen::default();
        let mut first_time = |name: &str, end: u8| {
            let mut bytes = vec![7; 200_000];
            bytes.push(end);
            fs::write(folder.join(name), bytes).expect("a file");
            seen.first_time(folder.join(name), false).is_some()
        };
        assert!(first_time("one", 1) && first_time("another", 2) && first_time("third", 3));
        assert!(!first_time("copy of another", 2) && !first_time("copy of one", 1));
        fs::remove_dir_all(folder).expect("removed");
    }

    proptest! {
        /// Every file beside every earlier one; `None` cannot be read.
        #[test]
        fn copies_are_found_as_if_each_were_compared_with_each(
            files in prop::collection::vec(prop::option::weighted(0.9, prop::collection::vec(0_u8..3, 1..4)), 0..40),
            sizes in prop::collection::vec(1_u64..3, 40),
        ) {
            let bytes = |path: &Path| files[number(path)].clone().ok_or_else(|| io::Error::other("unreadable"));
            let mut contents = Contents::default();
            for (at, file) in files.iter().enumerate() {
                // Those that cannot be read have a size all the same.
                let size = |at: usize| files[at].as_ref().map_or(sizes[at], |bytes| bytes.len() as u64);
                let head = |path: &Path| Ok(u64::from(bytes(path)?[0]));
                let same = |a: &Path, b: &Path| Ok(bytes(a)? == bytes(b)?);
                let expected = files[..at].iter().position(|earlier| file.is_some() && earlier == file);
                let got = contents.add(Path::new(&at.to_string()), size(at), head, same);
                prop_assert_eq!(got.as_deref().map(number), expected);
            }
        }
    }
}
