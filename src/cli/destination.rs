//! Where output goes: standard output, or a file that appears under its name only when it is whole.

use super::message::{Problem, Stop};
use super::outcome::Outcome;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file in the making. Dropped before [`keep`](Self::keep), it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Draft {
    target: PathBuf,
    /// What becomes the target; none where the target is a device or a pipe, which is written to directly.
    temporary: Option<PathBuf>,
    force: bool,
    kept: bool,
}

impl Draft {
    /// Starts a file that is to be `target` in the end.
    pub(super) fn create(target: &Path, force: bool) -> Result<(Self, File), Problem> {
        let name = target.display();
        if target.is_dir() {
            return Err(Problem::new(format_args!("{name}: is a folder")).hint("name a file in it"));
        }
        // A device or a pipe is no file that could be lost, and must never be replaced by one.
        if fs::metadata(target).is_ok_and(|metadata| !metadata.is_file()) {
            let file = OpenOptions::new().write(true).open(target).map_err(|error| unwritable(target, &error))?;
            return Ok((Self { target: target.to_owned(), temporary: None, force, kept: true }, file));
        }
        if !force && target.symlink_metadata().is_ok() {
            return Err(exists(target));
        }
        let file_name = target.file_name().ok_or_else(|| Problem::new(format_args!("{name}: names no file")))?;
        // Hidden, in the same folder (a rename works only within one file system), and nobody else's.
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(file_name);
        hidden.push(format!(".{}.part", std::process::id()));
        let temporary = target.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary);
        let file = file.map_err(|error| unwritable(target, &error))?;
        Ok((Self { target: target.to_owned(), temporary: Some(temporary), force, kept: false }, file))
    }

    /// What a file of this name was to become, if it is one in the making.
    pub(super) fn target_of(name: &str) -> Option<&str> {
        let (target, process) = name.strip_prefix('.')?.strip_suffix(".part")?.rsplit_once('.')?;
        process.parse::<u32>().is_ok().then_some(target)
    }

    /// Gives the file its name. Everything must have been written to it.
    pub(super) fn keep(mut self) -> io::Result<()> {
        let Some(temporary) = &self.temporary else { return Ok(()) };
        if self.force {
            fs::rename(temporary, &self.target)?;
        } else {
            // A hard link fails where the name has been taken meanwhile; a rename would replace what is there.
            match fs::hard_link(temporary, &self.target) {
                Ok(()) => fs::remove_file(temporary)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
                // Some file systems have no hard links.
                Err(_) => fs::rename(temporary, &self.target)?,
            }
        }
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.as_ref().filter(|_| !self.kept) {
            let _ = fs::remove_file(temporary);
        }
    }
}

fn unwritable(target: &Path, error: &io::Error) -> Problem {
    Problem::new(format_args!("{}: cannot be written: {error}", target.display()))
}

fn exists(target: &Path) -> Problem {
    Problem::new(format_args!("{}: exists already", target.display())).hint("--force replaces it")
}

/// Standard output without the line buffering that Rust gives it: whole pieces come in and go out.
pub(super) fn stdout() -> Box<dyn Write + Send> {
    Box::new(io::stdout())
}

/// Runs something that only prints.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> Result<(), Stop>) -> Result<Outcome, Stop> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out)?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// Whether whoever read our output went away: no failure, `head` does so.
pub(super) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for one test.
    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rctscope-destination-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).expect("a folder").count()
    }

    #[test]
    fn a_file_appears_only_when_it_is_whole() {
        let folder = folder("whole");
        let target = folder.join("out.jsonl");
        let (draft, mut file) = Draft::create(&target, false).expect("a draft");
        file.write_all(b"{}").expect("written");
        assert!(!target.exists());
        draft.keep().expect("kept");
        assert_eq!(fs::read(&target).expect("the file"), b"{}");
        assert_eq!(entries(&folder), 1);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_draft_is_known_by_its_name() {
        let folder = folder("known");
        let (draft, _file) = Draft::create(&folder.join("a.b.jsonl"), false).expect("a draft");
        let name = fs::read_dir(&folder).expect("a folder").next().expect("an entry").expect("an entry").file_name();
        assert_eq!(Draft::target_of(&name.to_string_lossy()), Some("a.b.jsonl"));
        for other in ["a.jsonl", ".a.jsonl", ".a.jsonl.part", ".a.jsonl.x.part", ".12.part"] {
            assert_eq!(Draft::target_of(other), None, "{other}");
        }
        drop(draft);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_draft_that_is_dropped_leaves_nothing() {
        let folder = folder("dropped");
        drop(Draft::create(&folder.join("out.jsonl"), false).expect("a draft"));
        assert_eq!(entries(&folder), 0);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_never_replaced() {
        let folder = folder("pipe");
        let pipe = folder.join("pipe");
        if !std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            return;
        }
        for force in [false, true] {
            let source = pipe.clone();
            let reader = std::thread::spawn(move || fs::read(source).expect("the pipe"));
            let (draft, mut file) = Draft::create(&pipe, force).expect("a draft");
            file.write_all(b"{}").expect("written");
            drop(file);
            draft.keep().expect("kept");
            assert_eq!(reader.join().expect("the reader"), b"{}");
            assert!(!fs::metadata(&pipe).expect("the pipe").is_file());
            assert_eq!(entries(&folder), 1);
        }
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn nothing_is_overwritten_unless_told_to() {
        let folder = folder("force");
        let target = folder.join("out.jsonl");
        let (late, _file) = Draft::create(&target, false).expect("a draft");
        fs::write(&target, "old").expect("written");
        assert!(Draft::create(&target, false).is_err());
        assert!(late.keep().is_err(), "the name was taken meanwhile");
        let (draft, mut file) = Draft::create(&target, true).expect("a draft");
        file.write_all(b"new").expect("written");
        draft.keep().expect("kept");
        assert_eq!(fs::read(&target).expect("the file"), b"new");
        fs::remove_dir_all(folder).expect("removed");
    }
}
