//! How far a long run has come, on standard error, and only where a person looks at it.

use super::message::stands_on_terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar that comes when work takes long, and never does where nobody sees it.
pub(super) struct Progress {
    total: Option<u64>,
    started: Option<Instant>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For inputs of `total` bytes. Where output goes to the terminal too, the two would write into each other.
    pub(super) fn new(total: Option<u64>) -> Self {
        let visible = io::stderr().is_terminal() && !io::stdout().is_terminal();
        Self { total, started: visible.then(Instant::now), bar: None }
    }

    /// So many bytes have been read by now.
    pub(super) fn show(&mut self, bytes: u64) {
        let Some(started) = self.started else { return };
        if started.elapsed() < PATIENCE {
            return;
        }
        let total = self.total;
        let template = match total {
            Some(_) => "  [{bar:24}] {bytes}/{total_bytes}  {bytes_per_sec}  eta {eta}",
            None => "  {spinner} {bytes}  {bytes_per_sec}",
        };
        self.bar.get_or_insert_with(|| bar(total, template)).set_position(bytes);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            clear(bar);
        }
    }
}

/// How far many units have come, as their workers tell it.
#[derive(Debug)]
pub(super) struct Overall {
    bar: Option<ProgressBar>,
    files: usize,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    done: usize,
    bad: usize,
}

impl Overall {
    /// For so many files with so many bytes together.
    pub(super) fn new(files: usize, bytes: u64) -> Self {
        let template = "  [{bar:20}] {msg}  {bytes}/{total_bytes}  {bytes_per_sec}  eta {eta}{prefix}";
        let bar = (io::stderr().is_terminal() && files > 0).then(|| bar(Some(bytes), template));
        let overall = Self { bar, files, counts: Mutex::default() };
        overall.ended(0, 0);
        overall
    }

    /// So many bytes more have been read.
    pub(super) fn bytes(&self, more: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(more);
        }
    }

    /// So many files more are done, and so many of them are bad.
    pub(super) fn ended(&self, done: usize, bad: usize) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.done += done;
        counts.bad += bad;
        let Some(bar) = &self.bar else { return };
        bar.set_message(format!("{}/{} files", counts.done, self.files));
        if counts.bad > 0 {
            bar.set_prefix(format!("   {} bad", counts.bad));
        }
    }
}

impl Drop for Overall {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            clear(bar);
        }
    }
}

fn clear(bar: &ProgressBar) {
    bar.finish_and_clear();
    stands_on_terminal(None);
}

fn bar(total: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    // A template that indicatif does not like is a bug without consequence.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    stands_on_terminal(Some(bar.clone()));
    bar
}
