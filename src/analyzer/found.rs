//! What is found on a connection, on its way to the line.

use super::closed::Closed;
use super::order::Place;
use super::ordinary::Ordinary;
use crate::event::NonFrameSighting;
use crate::line::Sighting;

/// A frame or non-frame on its way to the line.
#[derive(Debug)]
pub(super) struct Found {
    /// The place in the capture where it was complete.
    pub(super) at: Place,
    pub(super) what: What,
    /// Nothing more comes of before it: what [`Kind::Settled`](super::step::Kind) would say next.
    pub(super) settles: bool,
}

/// What was found.
#[derive(Debug)]
pub(super) enum What {
    Ordinary(Ordinary),
    /// A frame that is not.
    Frame(Box<Sighting>),
    NonFrame(Box<NonFrameSighting>),
    /// The connection has ended: nothing of it follows.
    Closed(Box<Closed>),
}

impl Found {
    #[inline]
    pub(super) const fn new(at: Place, what: What) -> Self {
        Self { at, what, settles: false }
    }

    /// The bytes it takes beside itself.
    pub(super) fn weight(&self) -> usize {
        match &self.what {
            What::Ordinary(frame) => frame.weight(),
            What::Frame(frame) => frame.raw.len() + frame.payload.len(),
            What::NonFrame(bytes) => bytes.raw.len(),
            What::Closed(_) => 0,
        }
    }
}
