//! One connection of a device, as far as the dialogue goes.

use super::asked::Asked;
use super::exchange::Sender;
use crate::endpoint::{ConnectionId, Endpoint};
use crate::rct::Escaping;
use crate::time::Timestamp;
use std::time::Duration;

/// No real device answers in less.
pub(super) const ONE_GO: Duration = Duration::from_millis(10);

/// So many frames in a row not copied show that this connection gets no copies.
const PROOF_OF_NO_COPIES: u8 = 3;

/// Whether the hub copies the answers for others to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copying {
    /// Not known: so many frames for others have not been copied.
    Unknown(u8),
    /// A frame that the connection had not asked for was copied; `.0` were missed since.
    Proven(u8),
    /// It gets none.
    No,
}

/// How a connection counts among those of its device. Only `members` changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) alive: bool,
    /// It was seen to get copies.
    pub(super) proven: bool,
    /// A copy of another's answer is to be waited for.
    pub(super) expecting: bool,
}

/// What a connection did, for its summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests made on it.
    pub requests: u64,
    /// Answers to its own requests seen on it.
    pub own: u64,
    /// Device frames on it that were meant for others.
    pub foreign: u64,
    /// Requests on it that went unanswered.
    pub unanswered: u64,
    /// It keeps the connection alive as the vendor's server does.
    pub portal: bool,
}

impl Counts {
    /// An answer has come, for the connection itself or for another one.
    pub(super) fn answered(&mut self, is_own: bool) {
        self.own += u64::from(is_own);
        self.foreign += u64::from(!is_own);
    }
}

/// Who speaks on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) client: Endpoint,
    pub(super) device: Endpoint,
}

impl Ends {
    /// The end of a sender, and the one of its receiver.
    pub(super) const fn of(&self, sender: Sender) -> [Endpoint; 2] {
        match sender {
            Sender::Client => [self.client, self.device],
            Sender::Device => [self.device, self.client],
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: ConnectionId,
    pub(super) ends: Ends,
    /// From when on copies can be expected.
    pub(super) opened: Timestamp,
    alive: bool,
    copying: Copying,
    pub(super) counts: Counts,
    /// Packets of both directions were captured.
    pub(super) two_sided: bool,
    /// Until then an answer's request may be one that the capture missed.
    pub(super) blind_until: Timestamp,
    /// A frame with a CRC not escaped has been reported.
    reported_raw: [bool; 2],
    /// Its latest requests.
    pub(super) asked: Asked,
}

impl Member {
    pub(super) fn new(id: ConnectionId, ends: Ends, opened: Timestamp, blind_until: Timestamp) -> Self {
        Self {
            id,
            ends,
            opened,
            alive: true,
            copying: Copying::Unknown(0),
            counts: Counts::default(),
            two_sided: false,
            blind_until,
            reported_raw: [false; 2],
            asked: Asked::default(),
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.alive
    }

    /// How it counts among the connections of its device.
    pub(super) fn standing(&self) -> Standing {
        Standing {
            alive: self.alive,
            proven: matches!(self.copying, Copying::Proven(_)),
            expecting: self.alive && self.copying != Copying::No,
        }
    }

    pub(super) fn end(&mut self) {
        self.alive = false;
    }

    pub(super) fn got_copy(&mut self, asked_for_it_too: bool) {
        match self.copying {
            Copying::Proven(_) => self.copying = Copying::Proven(0),
            Copying::Unknown(_) | Copying::No if !asked_for_it_too => self.copying = Copying::Proven(0),
            Copying::Unknown(_) | Copying::No => {}
        }
    }

    pub(super) fn missed_copy(&mut self) {
        self.copying = match self.copying {
            Copying::Unknown(missed) | Copying::Proven(missed) if missed + 1 >= PROOF_OF_NO_COPIES => Copying::No,
            Copying::Unknown(missed) => Copying::Unknown(missed + 1),
            Copying::Proven(missed) => Copying::Proven(missed + 1),
            Copying::No => Copying::No,
        };
    }

    /// Whether its way of escaping is worth a word: once per connection and way.
    pub(super) fn reports_escaping(&mut self, escaping: Escaping) -> bool {
        let index = match escaping {
            Escaping::Full => return false,
            Escaping::RawCrc => 0,
            Escaping::None => 1,
        };
        !std::mem::replace(&mut self.reported_raw[index], true)
    }
}
