//! Things that keep their place for as long as they are there, so that others can point at them.
//!
//! Knows nothing of the things. A place that was left is taken again: whoever points at one makes sure that what it
//! meant is still there.

use crate::in_place::fill;
use std::num::NonZeroU32;

/// A place, counted from 1: so that one that may be missing takes no more room. What stands by place leaves the first one
/// empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At(NonZeroU32);

impl At {
    /// The place with this index. Nobody keeps as many things as would be too many for it.
    fn new(index: usize) -> Self {
        Self(u32::try_from(index).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX))
    }

    /// Its index, from 1.
    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0.get() as usize
    }
}

/// Things by place.
#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<At>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// The place that the next thing gets.
    #[inline]
    pub(super) fn next_place(&self) -> At {
        self.free.last().copied().unwrap_or_else(|| At::new(self.places.len().max(1)))
    }

    /// Whether the next thing gets a new place.
    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// Puts a thing in its place, which is [`Self::next_place`].
    pub(super) fn insert(&mut self, thing: T) -> At {
        self.insert_with(|| thing)
    }

    /// Makes a thing in its place, which is [`Self::next_place`].
    #[inline]
    pub(super) fn insert_with(&mut self, make: impl FnOnce() -> T) -> At {
        let Some(at) = self.free.pop() else {
            return self.grow(make());
        };
        fill(&mut self.places[at.index()], make);
        at
    }

    fn grow(&mut self, thing: T) -> At {
        if self.places.is_empty() {
            self.places.push(None);
        }
        self.places.push(Some(thing));
        At::new(self.places.len() - 1)
    }

    #[inline]
    pub(super) fn remove(&mut self, at: At) -> Option<T> {
        let thing = self.places.get_mut(at.index())?.take()?;
        self.free.push(at);
        Some(thing)
    }

    #[inline]
    pub(super) fn get(&self, at: At) -> Option<&T> {
        self.places.get(at.index())?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: At) -> Option<&mut T> {
        self.places.get_mut(at.index())?.as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_until_it_is_left_and_taken_again_then() {
        let mut slab = Slab::default();
        let [a, b, c] = ["a", "b", "c"].map(|thing| slab.insert(thing));
        assert_eq!((slab.remove(b), slab.remove(b), slab.get(b)), (Some("b"), None, None));
        assert_eq!((slab.get(a), slab.get(c), slab.next_place()), (Some(&"a"), Some(&"c"), b));
        assert_eq!((slab.insert("d"), slab.insert("e").index()), (b, 4));
        assert_eq!(slab.iter_mut().map(|thing| *thing).collect::<String>(), "adce");
    }
}
