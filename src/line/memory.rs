//! What the lines of a session may remember, all of them together.
//!
//! Knows how much room is taken. Does not know by which line.

use crate::fingerprint::Fingerprints;
use crate::limits::{OPEN_REQUEST_BYTES_TOTAL, REMEMBERED_BYTES_TOTAL, REMEMBERED_OBJECTS_TOTAL};
use crate::loan::{Lender, Loan};

/// Room for so many subjects is lent at once.
pub(super) const TOGETHER: usize = 64;

/// Room for long frames, what to know those by for which there is none, and room for what is known of objects.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: Lender,
    requests: Lender,
    pub(super) fingerprints: Fingerprints,
    subjects: Lender,
}

impl Default for Memory {
    fn default() -> Self {
        Self::of(REMEMBERED_BYTES_TOTAL, REMEMBERED_OBJECTS_TOTAL)
    }
}

impl Memory {
    /// One for so many bytes of long frames, and for so many objects.
    pub(super) fn of(bytes: usize, objects: usize) -> Self {
        Self {
            bytes: Lender::new(wide(bytes)),
            requests: Lender::new(wide(OPEN_REQUEST_BYTES_TOTAL)),
            fingerprints: Fingerprints::default(),
            subjects: Lender::new(wide(objects)),
        }
    }

    /// Room for so many bytes, if nobody else has it.
    pub(super) fn lend_bytes(&self, count: usize) -> Option<Loan> {
        self.bytes.lend(wide(count))
    }

    /// Room for an open request of so many bytes, if nobody else has it.
    pub(super) fn lend_request(&self, count: usize) -> Option<Loan> {
        self.requests.lend(wide(count))
    }

    /// Room for [`TOGETHER`] subjects, if nobody else has it.
    pub(super) fn lend_subjects(&self) -> Option<Loan> {
        self.subjects.lend(wide(TOGETHER))
    }

    /// Whether there is no room for subjects any more.
    pub(super) fn is_short_of_subjects(&self) -> bool {
        !self.subjects.has(wide(TOGETHER))
    }

    #[cfg(test)]
    pub(super) fn lent_bytes(&self) -> u64 {
        self.bytes.lent()
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
