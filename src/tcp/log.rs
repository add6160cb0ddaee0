//! A bounded log that many owners write to, each of whom can walk back through its own entries.
//!
//! What is remembered of streams (bytes delivered, packets seen) lives in two such logs and not in every connection:
//! memory is then bounded by construction, however many connections there are, and the oldest goes first.

use std::collections::VecDeque;

/// The entries of all owners, oldest first.
#[derive(Debug)]
pub(super) struct Log<T> {
    entries: VecDeque<(Trail, T)>,
    /// The number of the oldest entry kept. Entries are numbered from 1.
    first: u64,
    capacity: usize,
}

/// Where one owner's newest entry is, if it has any. Older ones are chained behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trail(u64);

impl<T> Log<T> {
    pub(super) const fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), first: 1, capacity }
    }

    /// Adds an entry of the owner of `trail`.
    pub(super) fn push(&mut self, trail: &mut Trail, entry: T) {
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
            self.first += 1;
        }
        self.entries.push_back((*trail, entry));
        *trail = Trail(self.first + self.entries.len() as u64 - 1);
    }

    /// The owner's entries that are still there, newest first.
    pub(super) fn walk(&self, trail: Trail) -> impl Iterator<Item = &T> {
        let mut at = trail;
        std::iter::from_fn(move || {
            let index = usize::try_from(at.0.checked_sub(self.first)?).ok()?;
            let (older, entry) = self.entries.get(index)?;
            at = *older;
            Some(entry)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_walk_their_own_entries_and_old_ones_are_gone() {
        let mut log = Log::new(4);
        let (mut a, mut b) = (Trail::default(), Trail::default());
        assert_eq!(log.walk(a).count(), 0);
        for number in 0..3 {
            log.push(&mut a, ('a', number));
            log.push(&mut b, ('b', number));
        }
        assert_eq!(log.walk(a).copied().collect::<Vec<_>>(), [('a', 2), ('a', 1)]);
        assert_eq!(log.walk(b).copied().collect::<Vec<_>>(), [('b', 2), ('b', 1)]);
        for number in 3..10 {
            log.push(&mut b, ('b', number));
        }
        assert_eq!(log.walk(a).count(), 0);
        assert_eq!(log.walk(b).count(), 4);
    }
}
