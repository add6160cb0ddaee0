//! Who looks on while a unit is read: is told what is wrong, shows how far it has come, and may end it.

use super::input::Unit;
use super::message::{Kind, tell};
use super::progress::Progress;
use crate::capture::FileReport;
use crate::packet::PacketNumber;
use std::io;

/// Packets after which the watcher hears how far reading has come. It is not even looked at in between: it may belong to
/// another thread, and what stands beside it there changes all the time, so that every look would be one into another
/// processor's cache.
const PACKETS_PER_LOOK: u64 = 8_192;

/// What a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Something in a capture is not as it should be.
    Damage,
    /// It is no capture.
    NotACapture,
    /// It cannot be read, or not any further.
    Unreadable,
}

/// Something to be told about one input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remark<'a> {
    /// Which of the unit's inputs, from 0.
    pub(super) input: usize,
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) trouble: Trouble,
    pub(super) text: &'a str,
    pub(super) hint: Option<&'a str>,
}

impl Remark<'_> {
    /// It is about another thing that lies beside captures.
    pub(super) fn is_harmless(&self) -> bool {
        self.trouble == Trouble::NotACapture && self.kind == Kind::Note
    }

    /// What people are told.
    pub(super) fn told(&self) -> String {
        format!("{}: {}{}", self.name, self.text, if self.is_harmless() { "; skipped" } else { "" })
    }
}

/// Looks on while a unit is read, in the thread that reads.
pub(super) trait Watch: Send {
    /// Whether to go on, asked at every packet: an error ends the reading.
    fn go_on() -> io::Result<()>;

    /// So many bytes have been read by now; told now and then.
    fn has_read(&mut self, bytes: u64);

    /// One more packet, of this number; `bytes` says how many bytes have been read by now.
    #[inline]
    fn packet(&mut self, number: PacketNumber, bytes: impl FnOnce() -> u64) {
        if number.0.is_multiple_of(PACKETS_PER_LOOK) {
            self.has_read(bytes());
        }
    }

    /// Something is worth a word.
    fn tell(&mut self, remark: &Remark<'_>);

    /// All inputs are at their end.
    fn ended(&mut self, files: Vec<FileReport>);
}

/// Tells people at once.
pub(super) struct OnTerminal {
    progress: Option<Progress>,
}

impl OnTerminal {
    pub(super) fn new(unit: &Unit) -> Self {
        Self { progress: Some(Progress::new(unit.size())) }
    }
}

impl Watch for OnTerminal {
    fn go_on() -> io::Result<()> {
        Ok(())
    }

    fn has_read(&mut self, bytes: u64) {
        if let Some(progress) = &mut self.progress {
            progress.show(bytes);
        }
    }

    fn tell(&mut self, remark: &Remark<'_>) {
        tell(remark.kind, remark.told(), remark.hint);
    }

    fn ended(&mut self, _: Vec<FileReport>) {
        self.progress = None;
    }
}
