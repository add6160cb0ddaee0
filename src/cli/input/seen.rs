//! Tells a file that is given twice, under whichever name, or as a copy.
//!
//! Files are read only as far as that needs: not at all while no other has the same size, and then as long as another
//! one begins alike. The pieces of a rotated capture all have the same size, and there are thousands of them.

use super::{Input, LeftOut, Place};
use crate::cli::message::{Kind, tell};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of a file that are read first. Different captures differ within them.
const FIRST_BYTES: u64 = 4 << 10;

/// Bytes that are in memory at a time.
const BUFFER_BYTES: u64 = 64 << 10;

/// The files met so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) standard_input: bool,
    paths: HashMap<PathBuf, String>,
    contents: Contents,
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
        if let Some(size) = size.filter(|size| *size > 0)
            && let Some(first) = self.contents.add(&path, size, read_on)
        {
            let message = format!("the same content as {}; read once", first.display());
            return self.copy(name, message);
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
    /// The file that begins so; none once there are several, which are told apart by what comes next.
    by_beginning: HashMap<Beginning, Option<PathBuf>>,
}

/// How a file begins, as far as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Beginning {
    /// The size of the whole file.
    size: u64,
    /// So many bytes were read.
    length: u64,
    /// There are no more.
    is_all: bool,
    /// What they are.
    digest: [u8; 32],
}

impl Beginning {
    /// How many bytes are to be read next: as many as before, so that a file is opened a few times only, and hardly read
    /// further than it is like another.
    const fn step(&self) -> u64 {
        if self.length == 0 { FIRST_BYTES } else { self.length }
    }

    /// With the `count` bytes that are next, which are all there are if they are fewer than were to be read. `digest`: of
    /// all of them.
    const fn and(&self, count: u64, digest: [u8; 32]) -> Self {
        Self { size: self.size, length: self.length + count, is_all: count < self.step(), digest }
    }
}

impl Contents {
    /// Adds a file of `size` bytes, unless one with the same bytes is there, which is returned. `read_on` tells more of how
    /// a file begins. A file that cannot be read is no copy.
    fn add(
        &mut self,
        path: &Path,
        size: u64,
        read_on: impl Fn(&Path, &Beginning) -> io::Result<Beginning>,
    ) -> Option<PathBuf> {
        let mut beginning = Beginning { size, ..Beginning::default() };
        loop {
            let first = match self.by_beginning.entry(beginning) {
                Entry::Vacant(vacant) => {
                    vacant.insert(Some(path.to_owned()));
                    return None;
                }
                Entry::Occupied(same) if beginning.is_all => return same.get().clone(),
                Entry::Occupied(mut first) => first.get_mut().take(),
            };
            if let Some(first) = first
                && let Ok(longer) = read_on(&first, &beginning)
            {
                self.by_beginning.insert(longer, Some(first));
            }
            beginning = read_on(path, &beginning).ok()?;
        }
    }
}

/// Reads the next bytes of a file.
fn read_on(path: &Path, beginning: &Beginning) -> io::Result<Beginning> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(beginning.length))?;
    let mut next = file.take(beginning.step());
    let mut digest = Sha256::new_with_prefix(beginning.digest);
    let (mut buffer, mut read) = (Vec::new(), 0);
    while next.by_ref().take(BUFFER_BYTES).read_to_end(&mut buffer)? > 0 {
        digest.update(&buffer);
        read += buffer.len() as u64;
        buffer.clear();
    }
    Ok(beginning.and(read, digest.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::{Cell, RefCell};

    /// The number that a file is named by.
    fn number(path: &Path) -> usize {
        path.to_str().and_then(|name| name.parse().ok()).expect("a number")
    }

    /// What comes next in a file with these bytes, of which no more are read than that.
    fn next<'a>(bytes: &'a [u8], beginning: &Beginning) -> (&'a [u8], Beginning) {
        let read =
            |length: u64| &bytes[usize::try_from(length).map_or(bytes.len(), |length| length.min(bytes.len()))..];
        let (rest, behind) = (read(beginning.length), read(beginning.length + beginning.step()));
        let next = &rest[..rest.len() - behind.len()];
        let digest = Sha256::new_with_prefix(beginning.digest).chain_update(next).finalize().into();
        (next, beginning.and(next.len() as u64, digest))
    }

    /// `tcpdump -C` makes thousands of files of one size; each was compared with each.
    #[test]
    fn of_many_files_of_one_size_only_the_beginning_is_read_and_once() {
        let mut contents = Contents::default();
        let read = Cell::new(0);
        for file in 0..4_000_u32 {
            let read_on = |path: &Path, beginning: &Beginning| {
                let mut bytes = vec![0; 100_000];
                bytes[..8].copy_from_slice(&number(path).to_be_bytes());
                let (next, longer) = next(&bytes, beginning);
                read.update(|read| read + next.len());
                Ok(longer)
            };
            assert_eq!(contents.add(Path::new(&file.to_string()), 100_000, read_on), None);
        }
        assert_eq!(read.get(), 4_000 * 4_096);
    }

    /// Those that are alike in their first 64 KiB were compared pair by pair.
    #[test]
    fn files_that_differ_at_their_end_are_each_read_once() {
        let mut contents = Contents::default();
        let (read, opened) = (Cell::new(0), Cell::new(0));
        for file in 0..300_u32 {
            let read_on = |path: &Path, beginning: &Beginning| {
                let mut bytes = vec![7; 99_992];
                bytes.extend_from_slice(&number(path).to_be_bytes());
                let (next, longer) = next(&bytes, beginning);
                read.update(|read| read + next.len());
                opened.update(|opened| opened + 1);
                Ok(longer)
            };
            assert_eq!(contents.add(Path::new(&file.to_string()), 100_000, read_on), None);
        }
        assert_eq!((read.get(), opened.get()), (300 * 100_000, 300 * 6));
        assert!(contents.by_beginning.len() <= 300 + 6);
    }

    #[test]
    fn a_file_of_a_size_of_its_own_is_not_read() {
        let mut contents = Contents::default();
        for size in 1..10 {
            assert_eq!(contents.add(Path::new(&size.to_string()), size, |_, _| panic!("read")), None);
        }
    }

    #[test]
    fn a_file_is_a_copy_only_if_it_is_the_same_to_the_end() {
        let folder = std::env::temp_dir().join(format!("rctscope-seen-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        // The last of these sizes is that of whole steps.
        for size in [1, 100, 200_001, 1 << 17] {
            let mut seen = Seen::default();
            let mut first_time = |name: &str, end: u8| {
                let mut bytes = vec![7; size - 1];
                bytes.push(end);
                fs::write(folder.join(name), bytes).expect("a file");
                seen.first_time(folder.join(name), false).is_some()
            };
            assert!(first_time("one", 1) && first_time("another", 2) && first_time("third", 3), "{size}");
            assert!(!first_time("copy of another", 2) && !first_time("copy of one", 1), "{size}");
        }
        fs::remove_dir_all(folder).expect("removed");
    }

    proptest! {
        /// Every file beside every earlier one; `None` cannot be read.
        #[test]
        fn copies_are_found_as_if_each_were_compared_with_each(
            files in prop::collection::vec(prop::option::weighted(0.9, file()), 0..40),
            sizes in prop::collection::vec(1_u64..3, 40),
        ) {
            let mut contents = Contents::default();
            // How far each has been read.
            let read = RefCell::new(vec![0; files.len()]);
            let read_on = |path: &Path, beginning: &Beginning| {
                let bytes = files[number(path)].as_ref().ok_or_else(|| io::Error::other("unreadable"))?;
                let (next, longer) = next(bytes, beginning);
                let read = &mut read.borrow_mut()[number(path)];
                assert_eq!(std::mem::replace(read, longer.length), beginning.length, "each byte once");
                assert!(!beginning.is_all && next.len() as u64 <= beginning.step());
                Ok(longer)
            };
            for (at, file) in files.iter().enumerate() {
                // Those that cannot be read have a size all the same.
                let size = |at: usize| files[at].as_ref().map_or(sizes[at], |bytes| bytes.len() as u64);
                let expected = files[..at].iter().position(|earlier| file.is_some() && earlier == file);
                let got = contents.add(Path::new(&at.to_string()), size(at), read_on);
                prop_assert_eq!(got.as_deref().map(number), expected);
            }
        }
    }

    /// Up to five runs of equal bytes, which end between the steps of reading, or where they end.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let run = (0_u8..2, prop_oneof![1_usize..4, Just(4_096)]);
        let runs = prop::collection::vec(run, 1..5);
        runs.prop_map(|runs| runs.into_iter().flat_map(|(byte, length)| std::iter::repeat_n(byte, length)).collect())
    }
}
