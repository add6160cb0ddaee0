//! What a line asks of an ordinary frame before it is made.
//!
//! A frame is made where it is going to stay, which depends on what becomes of it.

use super::exchange::SightingId;
use super::request::Key;
use crate::endpoint::{ConnectionId, Direction};
use crate::object::ObjectId;
use crate::rct::Command;
use crate::rct::registry::ObjectPlace;
use crate::time::Timestamp;

/// A frame that is right in every way, and stands alone: without an address, and no copy as far as known.
#[derive(Clone, Copy, Debug)]
pub struct Glimpse<'a> {
    /// Its number.
    pub id: SightingId,
    /// The connection it came on.
    pub connection: ConnectionId,
    /// Which way it went.
    pub direction: Direction,
    /// When it came, on the clock that never goes back.
    pub clock: Timestamp,
    /// Its command, which is known.
    pub command: Command,
    /// Its object.
    pub object_id: ObjectId,
    /// The place of that in the registry, where it has one.
    pub known: Option<ObjectPlace>,
    /// What it carries.
    pub payload: &'a [u8],
}

impl Glimpse<'_> {
    pub(super) const fn key(&self) -> Key {
        Key { object_id: self.object_id, address: None }
    }
}
