//! What all files that are open at once may take for unpacking.

use crate::limits::UNPACK_WINDOWS_BYTES_TOTAL;
use crate::loan::{Lender, Loan};
use std::fmt;

/// The room of all files of a session, lent to those that unpack something.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    room: Lender,
}

/// Others have what this one needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom {
    /// Bytes needed.
    pub(super) needs: u64,
}

impl Default for Windows {
    fn default() -> Self {
        Self { room: Lender::new(UNPACK_WINDOWS_BYTES_TOTAL) }
    }
}

impl Windows {
    /// Room for a window of `needs` bytes.
    #[cfg_attr(not(feature = "compression"), expect(dead_code, reason = "nothing is unpacked"))]
    pub(super) fn lend(&self, needs: u64) -> Result<Loan, NoRoom> {
        self.room.lend(needs).ok_or(NoRoom { needs })
    }
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
        let (needs, total) = (mebibytes(self.needs), mebibytes(UNPACK_WINDOWS_BYTES_TOTAL));
        write!(f, "needs {needs} MiB of memory, and files read at the same time leave less of {total} MiB")
    }
}

impl std::error::Error for NoRoom {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_lent_up_to_the_bound_and_given_back() {
        let windows = Windows::default();
        let half = UNPACK_WINDOWS_BYTES_TOTAL / 2;
        let lent = [windows.lend(half).unwrap(), windows.clone().lend(half).unwrap()];
        assert_eq!(windows.lend(1).unwrap_err(), NoRoom { needs: 1 });
        assert_eq!(windows.lend(u64::MAX).unwrap_err(), NoRoom { needs: u64::MAX });
        drop(lent);
        assert!(windows.lend(2 * half).is_ok());
    }
}
