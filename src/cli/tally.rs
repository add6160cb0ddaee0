//! How many inputs came to what, and what that makes of a run.

use super::message::{Kind, tell};
use super::outcome::Outcome;

/// How many inputs came to what, over all units of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Inputs that were read, though perhaps not to their end.
    pub(super) read: usize,
    /// Inputs that could not be read at all.
    pub(super) failed: usize,
    /// Inputs that are damaged or cut.
    pub(super) damaged: usize,
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

    /// Says so where nothing was found that could have been read. What could not be read has been told.
    pub(super) fn tell_if_nothing(self) {
        if self.read == 0 && self.failed == 0 {
            tell(
                Kind::Error,
                "no captures there",
                Some("pcap and pcapng are read, plain or compressed with gzip, zstd, lz4 or xz"),
            );
        }
    }
}
