//! One connection of a device, as far as the dialogue goes.

use super::exchange::Sighting;
use super::request::{Handle, Key};
use crate::endpoint::ConnectionId;
use crate::rct::Escaping;
use crate::time::{Span, Timestamp};
use foldhash::fast::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

/// Requests remembered, to recognise repeated ones. A client that asks more in one go is not recognised repeating.
const REMEMBERED: usize = 64;

/// So many more are kept, so that the oldest ones are thrown away together.
const THROWN_AWAY: usize = 64;

/// No real device answers in less.
pub(super) const ONE_GO: Duration = Duration::from_millis(10);

/// Who asks more often than this cannot be told from who repeats what failed.
const SLOW_POLL: Duration = Duration::from_secs(1);

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

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Pending,
    Fine,
    Failed,
}

/// A request as it is remembered.
#[derive(Debug)]
struct Asked {
    handle: Handle,
    question: Question,
    clock: Timestamp,
    fate: Fate,
    /// When its fate was known.
    settled: Timestamp,
}

/// A hash over all that makes two requests the same, with a secret: nothing else is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question(u64);

impl Question {
    fn of(frame: &Sighting, hasher: &RandomState) -> Self {
        let head = (Key::of(frame), frame.command);
        let payload = &*frame.payload;
        Self(if payload.is_empty() { hasher.hash_one(head) } else { hasher.hash_one((head, payload)) })
    }
}

/// A request that was made before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeated {
    pub(super) first: Handle,
    pub(super) fate: Fate,
    /// Whether it is asked because of how the first one went: neither long after that, nor as the next of a series.
    pub(super) is_retry: bool,
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

/// One connection.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: ConnectionId,
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
    /// Its latest requests, and a few before them.
    asked: Vec<Asked>,
    hasher: RandomState,
}

impl Member {
    pub(super) fn new(id: ConnectionId, opened: Timestamp, blind_until: Timestamp) -> Self {
        Self {
            id,
            opened,
            alive: true,
            copying: Copying::Unknown(0),
            counts: Counts::default(),
            two_sided: false,
            blind_until,
            reported_raw: [false; 2],
            asked: Vec::new(),
            hasher: RandomState::default(),
        }
    }

    /// Takes note of a request. Returns the same request before it, if the client has asked nothing else since it saw that
    /// one fail. `one_go`: requests so close together were sent in one go. `reach`: what comes later than this after a
    /// failure is no retry.
    pub(super) fn ask(&mut self, handle: Handle, frame: &Sighting, one_go: Span, reach: Span) -> Option<Repeated> {
        let question = Question::of(frame, &self.hasher);
        let repeated = self.repeated(question, frame.clock, one_go, reach);
        self.counts.requests += 1;
        if self.asked.len() == REMEMBERED + THROWN_AWAY {
            self.asked.drain(..THROWN_AWAY);
        }
        let (clock, fate) = (frame.clock, Fate::Pending);
        self.asked.push(Asked { handle, question, clock, fate, settled: clock });
        repeated
    }

    #[inline]
    fn repeated(&self, question: Question, clock: Timestamp, one_go: Span, reach: Span) -> Option<Repeated> {
        let same = |asked: &Asked| asked.question == question;
        let mut earlier = self.recent().iter().rev();
        let this_go = clock.saturating_sub(one_go);
        // What is asked twice in one go is no repetition but two requests.
        let last = loop {
            let asked = earlier.next()?;
            if asked.clock < this_go {
                break asked;
            }
            if same(asked) {
                return None;
            }
        };
        let last_go = last.clock.saturating_sub(one_go);
        let mut asked = last;
        while !same(asked) {
            asked = earlier.next().filter(|asked| asked.clock >= last_go)?;
        }
        let in_reach = asked.fate != Fate::Failed || clock.is_within(reach, asked.settled);
        let before = self.recent().iter().rev().filter(|other| same(other) && other.clock < asked.clock);
        let is_retry = in_reach && !is_series(clock, asked.clock, before);
        Some(Repeated { first: asked.handle, fate: asked.fate, is_retry })
    }

    fn recent(&self) -> &[Asked] {
        &self.asked[self.asked.len().saturating_sub(REMEMBERED)..]
    }

    pub(super) fn set_fate(&mut self, handle: Handle, fate: Fate, at: Timestamp) {
        if let Some(asked) = self.asked.iter_mut().rev().find(|asked| asked.handle.id == handle.id) {
            asked.fate = fate;
            asked.settled = at;
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

/// Whether a request at `now` comes as the next of a series, `last` having been the last one: after the same time as
/// two of `before`, newest first, which went well, came one after the other.
fn is_series<'a>(now: Timestamp, last: Timestamp, mut before: impl Iterator<Item = &'a Asked>) -> bool {
    let pace = now.since(last);
    let mut later = last;
    pace >= SLOW_POLL
        && (0..2).all(|_| {
            before.next().is_some_and(|asked| {
                let gap = later.since(asked.clock);
                later = asked.clock;
                asked.fate == Fate::Fine && gap.abs_diff(pace) <= pace / 20
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::requests::Requests;
    use crate::line::{ExchangeId, Sender};
    use crate::object::ObjectId;
    use crate::rct::Command;

    /// `FxHasher` has the same hash for both payloads: what is multiplied with the bytes behind is zero.
    #[test]
    fn a_write_that_is_made_to_collide_with_another_repeats_nothing() {
        let collide = |behind: [u8; 8]| [0x243f_6a88_85a3_08d3_u64.to_le_bytes(), behind].concat();
        let payloads = [collide([0; 8]), collide([1; 8])];
        let fx = payloads.clone().map(|payload| rustc_hash::FxBuildHasher.hash_one(payload));
        assert_eq!(fx[0], fx[1], "they do collide");
        for (second, repeats) in [(0, true), (1, false)] {
            let mut member = Member::new(ConnectionId(1), Timestamp::default(), Timestamp::default());
            let mut ask = |seconds: u8, payload: &[u8]| {
                let clock = Timestamp::from_nanos(i64::from(seconds) * 1_000_000_000);
                let sample = Sighting::sample(Sender::Client, 1, Command::WRITE, ObjectId(7), clock);
                let frame = Sighting { payload: payload.into(), ..sample };
                let handle = Requests::default().next_handle(ExchangeId(u64::from(seconds)));
                member.ask(handle, &frame, ONE_GO.into(), Duration::from_secs(5).into()).is_some()
            };
            assert!(!ask(1, &payloads[0]));
            assert_eq!(ask(2, &payloads[second]), repeats);
        }
    }
}
