//! A bounded log that many owners write to, each of whom can walk back through its own entries.
//!
//! What is remembered of streams (bytes delivered, packets seen) lives in two such logs and not in every connection:
//! memory is then bounded by construction, however many connections there are, and the oldest goes first.

/// Entries that a log grows by at once.
const GROWTH: usize = 256;

/// The entries of all owners.
#[derive(Debug)]
pub(super) struct Log<T> {
    /// Each with where its owner's entry before it is. Entry `n` stands at `n` modulo the capacity; what is behind the last
    /// one is room.
    entries: Vec<(Trail, T)>,
    /// How many entries have been pushed, which is the number of the newest: they are numbered from 1.
    pushed: u64,
    /// A power of two.
    capacity: usize,
}

/// Where one owner's newest entry is, if it has any. Older ones are chained behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trail(u64);

impl<T: Copy + Default> Log<T> {
    /// A log of the last `capacity` entries, which is to be a power of two.
    pub(super) const fn new(capacity: usize) -> Self {
        assert!(capacity.is_power_of_two());
        Self { entries: Vec::new(), pushed: 0, capacity }
    }

    /// Adds an entry of the owner of `trail`.
    #[inline]
    pub(super) fn push(&mut self, trail: &mut Trail, entry: T) {
        let place = self.place(self.pushed);
        if place == self.entries.len() {
            self.grow();
        }
        if let Some(oldest) = self.entries.get_mut(place) {
            *oldest = (*trail, entry);
        }
        self.pushed += 1;
        *trail = Trail(self.pushed);
    }

    /// Makes room for some more entries.
    #[cold]
    fn grow(&mut self) {
        if self.entries.is_empty() {
            // Memory that is not written to yet costs nothing, and to move would be to copy all of it.
            self.entries.reserve_exact(self.capacity);
        }
        let more = self.capacity.min(self.entries.len() + GROWTH);
        self.entries.resize(more, <(Trail, T)>::default());
    }

    /// The owner's entries that are still there, newest first.
    pub(super) fn walk(&self, trail: Trail) -> impl Iterator<Item = &T> {
        let mut at = trail;
        std::iter::from_fn(move || {
            let (older, entry) = self.get(at)?;
            at = older;
            Some(entry)
        })
    }

    /// An entry, if it is still there, and where its owner's entry before it is.
    #[inline]
    pub(super) fn get(&self, trail: Trail) -> Option<(Trail, &T)> {
        let before = trail.0.checked_sub(1)?;
        if self.pushed - before > self.capacity as u64 {
            return None;
        }
        let (older, entry) = self.entries.get(self.place(before))?;
        Some((*older, entry))
    }

    /// Where the entry behind the first `before` stands.
    #[inline]
    fn place(&self, before: u64) -> usize {
        usize::try_from(before & (self.capacity as u64 - 1)).unwrap_or(0)
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
