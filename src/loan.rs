//! Room that several share: lent as long as there is some, and given back when what was lent is dropped.
//!
//! Knows a bound and how much of it is taken. Does not know what for, nor what becomes of those who get nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Who lends.
#[derive(Clone, Debug)]
pub(crate) struct Lender {
    lent: Arc<AtomicU64>,
    bound: u64,
}

/// Room that is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Loan {
    lent: Arc<AtomicU64>,
    amount: u64,
}

impl Lender {
    /// One that has `bound` to lend.
    pub(crate) fn new(bound: u64) -> Self {
        Self { lent: Arc::default(), bound }
    }

    /// As much, if it is still there.
    pub(crate) fn lend(&self, amount: u64) -> Option<Loan> {
        let more = |lent| self.with(lent, amount);
        self.lent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Loan { lent: Arc::clone(&self.lent), amount })
    }

    /// Whether as much is still there.
    pub(crate) fn has(&self, amount: u64) -> bool {
        self.with(self.lent.load(Ordering::Relaxed), amount).is_some()
    }

    /// How much is lent with as much more, within the bound.
    fn with(&self, lent: u64, amount: u64) -> Option<u64> {
        lent.checked_add(amount).filter(|lent| *lent <= self.bound)
    }

    /// How much is lent.
    #[cfg(test)]
    pub(crate) fn lent(&self) -> u64 {
        self.lent.load(Ordering::Relaxed)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.lent.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_lent_up_to_the_bound_and_given_back() {
        let lender = Lender::new(10);
        let lent = [lender.lend(5), lender.clone().lend(5)];
        assert!(lent.iter().all(Option::is_some) && lender.lent() == 10);
        assert!(lender.lend(1).is_none() && lender.lend(u64::MAX).is_none() && lender.has(0) && !lender.has(1));
        drop(lent);
        assert!(lender.lent() == 0 && lender.lend(10).is_some());
    }
}
