//! What all files that are open at once may take for unpacking, and who has how much of it.

use crate::limits;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The room of all files of a session, lent to those that unpack something.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    lent: Arc<AtomicU64>,
}

/// Room that is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Window {
    windows: Windows,
    bytes: u64,
}

/// Others have what this one needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom {
    /// Bytes needed.
    pub(super) needs: u64,
}

impl Windows {
    /// Room for a window of `needs` bytes.
    #[cfg_attr(not(feature = "compression"), expect(dead_code, reason = "nothing is unpacked"))]
    pub(super) fn lend(&self, needs: u64) -> Result<Window, NoRoom> {
        let more = |lent: u64| lent.checked_add(needs).filter(|lent| *lent <= limits::UNPACK_WINDOWS_BYTES_TOTAL);
        match self.lent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Window { windows: self.clone(), bytes: needs }),
            Err(_) => Err(NoRoom { needs }),
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.windows.lent.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
        let (needs, total) = (mebibytes(self.needs), mebibytes(limits::UNPACK_WINDOWS_BYTES_TOTAL));
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
        let half = limits::UNPACK_WINDOWS_BYTES_TOTAL / 2;
        let lent = [windows.lend(half).unwrap(), windows.clone().lend(half).unwrap()];
        assert_eq!(windows.lend(1).unwrap_err(), NoRoom { needs: 1 });
        assert_eq!(windows.lend(u64::MAX).unwrap_err(), NoRoom { needs: u64::MAX });
        drop(lent);
        assert!(windows.lend(2 * half).is_ok());
    }
}
