//! What is found on a connection, on its way to the line.

use super::closed::Closed;
use super::order::Place;
use crate::event::NonFrameSighting;
use crate::line::{Ordinary, Sighting};
use crate::object::ObjectId;

/// A frame or non-frame on its way to the line.
#[derive(Debug)]
pub(super) enum Found {
    Ordinary(Ordinary),
    Rare {
        /// The place in the capture where it was complete.
        at: Place,
        what: What,
        /// Nothing more comes of before it: what [`Kind::Settled`](super::step::Kind) would say next.
        settles: bool,
    },
}

/// What was found that is no ordinary frame.
#[derive(Debug)]
pub(super) enum What {
    Frame(Box<Sighting>),
    NonFrame(Box<NonFrameSighting>),
    /// The connection has ended: nothing of it follows.
    Closed(Box<Closed>),
}

impl Found {
    pub(super) const fn new(at: Place, what: What) -> Self {
        Self::Rare { at, what, settles: false }
    }

    #[inline]
    pub(super) fn at(&self) -> Place {
        match self {
            Self::Ordinary(frame) => Place::of(frame.ts(), frame.place()),
            Self::Rare { at, .. } => *at,
        }
    }

    /// Nothing more comes of before it.
    #[inline]
    pub(super) fn settle(&mut self) {
        match self {
            Self::Ordinary(Ordinary { settles, .. }) | Self::Rare { settles, .. } => *settles = true,
        }
    }

    pub(super) fn settles(&self) -> bool {
        match self {
            Self::Ordinary(Ordinary { settles, .. }) | Self::Rare { settles, .. } => *settles,
        }
    }

    /// The object of a frame that is right.
    pub(super) fn object_id(&self) -> Option<ObjectId> {
        match self {
            Self::Ordinary(frame) => Some(frame.object_id()),
            Self::Rare { what: What::Frame(frame), .. } if frame.crc_ok() && frame.command.is_known() => {
                Some(frame.object_id)
            }
            Self::Rare { .. } => None,
        }
    }

    /// The bytes it takes beside itself.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Rare { what: What::Frame(frame), .. } => frame.raw.len() + frame.payload.len(),
            Self::Rare { what: What::NonFrame(bytes), .. } => bytes.raw.len(),
            Self::Ordinary(_) | Self::Rare { .. } => 0,
        }
    }
}
