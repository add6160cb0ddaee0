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
    started: Instant,
    /// From the start on, so that it knows how fast it goes when it is shown.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For inputs of `total` bytes. Where output goes to the terminal too, the two would write into each other.
    pub(super) fn new(total: Option<u64>) -> Self {
        let is_visible = io::stderr().is_terminal() && !io::stdout().is_terminal();
        let template = match total {
            Some(_) => "  [{bar:24}] {bytes}/{total_bytes}  {bytes_per_sec}  eta {eta}",
            None => "  {spinner} {bytes}  {bytes_per_sec}",
        };
        Self { started: Instant::now(), bar: is_visible.then(|| bar(total, template)) }
    }

    /// So many bytes have been read by now.
    pub(super) fn show(&mut self, bytes: u64) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(bytes);
        if bar.is_hidden() && self.started.elapsed() >= PATIENCE {
            show(bar);
        }
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
        let bar = (io::stderr().is_terminal() && files > 0).then(|| bar(Some(bytes), template)).inspect(show);
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

/// A bar that is not shown yet.
fn bar(total: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    // A template that indicatif does not like is a bug without consequence.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn show(bar: &ProgressBar) {
    bar.set_draw_target(ProgressDrawTarget::stderr());
    stands_on_terminal(Some(bar.clone()));
}

fn clear(bar: &ProgressBar) {
    bar.finish_and_clear();
    stands_on_terminal(None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    /// It came with all that had been read by then, and took that for what was read in the moment since.
    #[test]
    fn a_bar_that_comes_late_does_not_show_terabytes_a_second() {
        const MEBIBYTE: u64 = 1 << 20;
        let mut progress =
            Progress { started: Instant::now(), bar: Some(bar(Some(300 * MEBIBYTE), "{bytes_per_sec}")) };
        for read in 1..=3 {
            sleep(Duration::from_millis(10));
            progress.show(read * MEBIBYTE);
        }
        let speed = progress.bar.as_ref().map_or(0.0, ProgressBar::per_sec);
        assert!(speed <= 100.0 * 1_048_576.0, "a mebibyte in 10 ms at the most, not {speed} bytes a second");
    }
}
