//! Values that are written once, where they stay.
//!
//! `vec.push(value)` needs the value before it looks whether there is room, which may fail; so the value is written in small
//! pieces somewhere else, and then copied in large ones, which a processor can do only when all of the small ones have
//! arrived. That is nothing, except for what is done for every frame. Here the room is there first.
//!
//! Knows nothing of the values.

use std::iter::once_with;

/// A box of what `make` makes.
#[inline]
pub(crate) fn boxed<T>(make: impl FnOnce() -> T) -> Box<T> {
    Box::write(Box::new_uninit(), make())
}

/// Puts what `make` makes at the end of a list.
#[inline]
pub(crate) fn push<T>(list: &mut Vec<T>, make: impl FnOnce() -> T) {
    list.extend(once_with(make));
}

/// Puts what `make` makes in an empty place. What may have been there is not dropped.
#[inline]
pub(crate) fn fill<T>(place: &mut Option<T>, make: impl FnOnce() -> T) {
    debug_assert!(place.is_none());
    std::mem::forget(place.replace(make()));
}
