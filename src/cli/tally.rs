//! How many inputs came to what, and what that makes of a run.

use super::message::{Kind, tell};
use super::outcome::Outcome;

/// Files beside the captures of a folder that are named; more of them are counted.
const OTHERS_NAMED: usize = 10;

/// How many inputs came to what, over all units of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Inputs that were read, though perhaps not to their end.
    pub(super) read: usize,
    /// Inputs that could not be read at all.
    pub(super) failed: usize,
    /// Inputs that are damaged or cut.
    pub(super) damaged: usize,
    /// Files of a folder that are no captures.
    pub(super) others: usize,
}

impl Tally {
    pub(super) const fn outcome(self) -> Outcome {
        if self.read == 0 {
            Outcome::NothingRead
        } else if self.failed > 0 || self.damaged > 0 {
            Outcome::DoneInPart
        } else {
            Outcome::Done
        }
    }

    /// Counts a file of a folder that is no capture. Whether it is to be named.
    pub(super) const fn other(&mut self) -> bool {
        self.others += 1;
        self.others <= OTHERS_NAMED
    }

    /// Says how many files were not named, and where nothing was found that could have been read. What could not be read
    /// has been told.
    pub(super) fn tell_rest(self) {
        match self.others.saturating_sub(OTHERS_NAMED) {
            0 => {}
            1 => tell(Kind::Note, "1 more file is no capture; skipped", None),
            more => tell(Kind::Note, format_args!("{more} more files are no captures; skipped"), None),
        }
        if self.read == 0 && self.failed == 0 {
            tell(
                Kind::Error,
                "no captures there",
                Some("pcap and pcapng are read, plain or compressed with gzip, zstd, lz4 or xz"),
            );
        }
    }
}
