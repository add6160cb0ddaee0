//! What the program says to people beside its output: always on standard error, always `kind: what happened`, with the
//! next step below where there is one.

use crate::output::value_text::visible;
use indicatif::ProgressBar;
use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

/// The bar that stands on the terminal now, and must step aside for whatever is told.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// From now on this bar is on the terminal, or none.
pub(super) fn stands_on_terminal(bar: Option<ProgressBar>) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Runs what writes to the terminal while no bar is in its way.
pub(super) fn aside(write: impl FnOnce()) {
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Warning,
    Note,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something that stops a command: what happened, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) hint: Option<String>,
}

impl Problem {
    pub(super) fn new(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Problem {}

/// Why a command did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The arguments make no sense.
    Usage(Problem),
    /// The output cannot be written.
    Output(io::Error),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Usage(problem)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Tells people something. Names of files and text out of captures may stand in it: nothing in it can steer the
/// terminal.
pub(super) fn tell(kind: Kind, text: impl fmt::Display, hint: Option<&str>) {
    let mut message = format!("{}: ", kind.name());
    visible(&mut message, &text.to_string());
    if let Some(hint) = hint {
        message.push_str("\n  hint: ");
        visible(&mut message, hint);
    }
    message.push('\n');
    say(&message);
}

/// Writes to standard error, as it is.
pub(super) fn say(text: &str) {
    aside(|| {
        // Where standard error is gone, nobody is there to be told.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    });
}
