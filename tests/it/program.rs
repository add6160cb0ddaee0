//! Runs the program as its users do. Knows no test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// The top of the repository: the commands in README are meant to be typed there.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program, in the repository, with an environment that says nothing of terminals.
pub(crate) fn rctscope() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rctscope"));
    command.current_dir(repository()).stdin(Stdio::null());
    for name in ["COLUMNS", "NO_COLOR", "CLICOLOR_FORCE", "TZ"] {
        command.env_remove(name);
    }
    command
}

/// Holds a run to its exit code and to parts of what it prints. No run may panic.
#[track_caller]
pub(crate) fn says(found: &Run, code: i32, stdout: &[&str], stderr: &[&str]) {
    let shown = format!("stdout:\n{}\nstderr:\n{}", found.stdout, found.stderr);
    assert_eq!(found.code, Some(code), "{shown}");
    for (text, parts) in [(&found.stdout, stdout), (&found.stderr, stderr)] {
        for part in parts {
            assert!(text.contains(part), "{part}\n{shown}");
        }
    }
    assert!(!found.stderr.contains("panicked"), "{shown}");
}

/// Runs the program with these words.
pub(crate) fn run(words: &[&str]) -> Run {
    rctscope().args(words).output().expect("the program starts").into()
}

/// Runs the program with these words and this standard input.
pub(crate) fn run_with_input(words: &[&str], input: &[u8]) -> Run {
    let mut child = started(words);
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // Who does not want all of it closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    output.into()
}

/// Starts the program with pipes on all sides.
pub(crate) fn started(words: &[&str]) -> Child {
    rctscope()
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// A folder that goes away with its test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rctscope-it-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// The path of a name in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file, and gives its path.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(Path::new(&path).parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
