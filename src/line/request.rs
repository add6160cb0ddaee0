//! One request that is not done yet, and what an answer to it is.

use super::exchange::{Exchange, ExchangeId, Pairing, Response, Sighting};
use super::ordinary::Ordinary;
use super::outcome::Found;
use super::slab::At;
use crate::anomaly::Severity;
use crate::endpoint::ConnectionId;
use crate::loan::Loan;
use crate::object::ObjectId;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// What ties an answer to a request: there is no sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) object_id: ObjectId,
    pub(super) address: Option<u32>,
}

impl Key {
    pub(super) fn of(sighting: &Sighting) -> Self {
        Self { object_id: sighting.object_id, address: sighting.address }
    }

    pub(super) const fn of_ordinary(frame: &Ordinary) -> Self {
        Self { object_id: frame.object_id, address: None }
    }
}

impl Hash for Key {
    /// One word for both: every frame is looked up.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.address.unwrap_or(0)) << 32 | u64::from(self.object_id.0));
    }
}

/// What kind of answer a request expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value.
    Read,
    /// A value now, and again every period.
    Subscription,
    /// A table: a WRITE of a time to a logger object.
    Query,
    /// A confirmation, which many devices never send.
    Write,
}

/// An answer that is not given to a request yet.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The first sighting on any connection.
    pub(super) first: Box<Sighting>,
    /// Other connections it was seen on.
    pub(super) copies: SmallVec<[ConnectionId; 4]>,
    pub(super) pairing: Pairing,
    /// When the line began to work on it.
    pub(super) line_free: Timestamp,
    pub(super) anomalies: Found,
}

impl Answer {
    /// Whether it is not to be trusted: its CRC is wrong, or its value is.
    pub(super) fn is_damaged(&self) -> bool {
        !self.first.crc_ok() || self.anomalies.iter().any(|(_, code)| code.severity() == Severity::Error)
    }
}

/// An answer that was given to a request.
#[derive(Debug)]
pub(super) struct Given {
    /// What will be told of it.
    pub(super) response: Response,
    /// From the packet that completed the request to the one that completed the answer, in nanoseconds.
    pub(super) response_time: i64,
    /// From when the line became free for the request, in nanoseconds.
    pub(super) service_time: i64,
    /// When it was first seen on any connection.
    pub(super) clock: Timestamp,
    /// That connection.
    pub(super) connection: ConnectionId,
    /// That sighting, where the response is the asking connection's own.
    first: Option<Box<Sighting>>,
    /// It is not to be trusted.
    pub(super) damaged: bool,
    pub(super) anomalies: Found,
}

/// Names a request and says where it is kept: by the time it is looked for, another one may have taken that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle {
    pub(super) id: ExchangeId,
    pub(super) at: At,
}

/// The number of a request among those of its connection. It wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ordinal(pub(super) u32);

impl Ordinal {
    /// Of a request that nobody took note of.
    pub(super) const NONE: Self = Self(0);
    /// Of the first one.
    pub(super) const FIRST: Self = Self(1);
}

/// A request whose exchange is not told yet.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the request")]
pub(super) struct Request {
    pub(super) handle: Handle,
    /// What will be told of it, as far as it is known: the request itself, and what was found about it so far.
    pub(super) exchange: Box<Exchange>,
    /// The room that it takes, where it is longer than most.
    pub(super) _room: Option<Loan>,
    /// When the request was made.
    pub(super) clock: Timestamp,
    pub(super) connection: ConnectionId,
    /// The place of its connection among the members.
    pub(super) member: At,
    /// The place of what is known of its object.
    pub(super) subject: At,
    pub(super) kind: Kind,
    pub(super) deadline: Timestamp,
    /// Its number among the requests of its connection.
    pub(super) ordinal: Ordinal,
    /// Its answer, while something else is waited for.
    pub(super) given: Option<Box<Given>>,
    /// Rarely there is one.
    pub(super) repetition: Option<Box<Repetition>>,
    /// When its connection first asked for something after it, not in one go with it: a client that waits for its
    /// answers has given it up by then.
    pub(super) passed_over_at: Option<Timestamp>,
    /// An answer for its object has reached its connection before that: the client took it for its own, whoever it was
    /// meant for, and gave nothing up.
    pub(super) served: bool,
    /// Its connection has ended.
    pub(super) abandoned: bool,
    /// The capture has lost bytes among which the answer may have been.
    pub(super) blind: bool,
    /// Something came that may have been the answer, too broken to tell.
    pub(super) broken_answer: bool,
}

/// How a request is one of several equal ones of one client.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    /// The same request before this one, if nothing else was asked in between.
    pub(super) of: Option<Handle>,
    /// The one that repeats this one. There is one at most: what is asked once more repeats that one.
    pub(super) by: Option<Handle>,
    /// When the client asked the same again.
    pub(super) at: Option<Timestamp>,
}

impl Request {
    /// One that nothing has happened to. `at`: the places of its connection and of its object. `due`: what it expects, and by
    /// when.
    #[inline]
    pub(super) fn new(
        handle: Handle,
        mut exchange: Box<Exchange>,
        at: (At, At),
        due: (Kind, Timestamp),
        ordinal: Ordinal,
        repetition: Option<Box<Repetition>>,
        room: Option<Loan>,
    ) -> Self {
        exchange.id = handle.id;
        let frame = exchange.lead();
        Self {
            handle,
            clock: frame.clock,
            connection: frame.connection,
            exchange,
            member: at.0,
            subject: at.1,
            kind: due.0,
            deadline: due.1,
            ordinal,
            given: None,
            repetition,
            passed_over_at: None,
            served: false,
            abandoned: false,
            blind: false,
            broken_answer: false,
            _room: room,
        }
    }

    /// The frame that made it.
    #[inline]
    pub(super) fn frame(&self) -> &Sighting {
        self.exchange.lead()
    }

    /// The request that it repeats.
    pub(super) fn repeats(&self) -> Option<Handle> {
        self.repetition.as_ref()?.of
    }

    /// The request that repeats it.
    pub(super) fn repeated_by(&self) -> Option<Handle> {
        self.repetition.as_ref()?.by
    }

    /// When its client asked the same again.
    pub(super) fn repeated_at(&self) -> Option<Timestamp> {
        self.repetition.as_ref()?.at
    }

    pub(super) fn is_open(&self) -> bool {
        self.given.is_none()
    }

    /// Whether no answer has been seen on its connection.
    pub(super) fn is_unseen(&self) -> bool {
        self.given.as_ref().is_none_or(|given| !given.is_own())
    }

    /// What this answer is to it. `seen` are its sightings behind the first.
    pub(super) fn given(&self, answer: Answer, seen: &[Box<Sighting>]) -> Given {
        let damaged = answer.is_damaged();
        let Answer { first, mut copies, pairing, line_free, anomalies } = answer;
        let (clock, connection) = (first.clock, first.connection);
        copies.retain(|copy| *copy != self.connection);
        let mut given = Given {
            response_time: first.completed.nanos_since(self.frame().completed),
            service_time: clock.nanos_since(line_free.max(self.clock)),
            response: Response { on_asking_connection: connection == self.connection, frame: *first, copies, pairing },
            clock,
            connection,
            first: None,
            damaged,
            anomalies,
        };
        if let Some(own) = seen.iter().find(|frame| frame.connection == self.connection) {
            given.arrived(own, self.frame());
        }
        given
    }

    /// Its answer has arrived on one more connection.
    pub(super) fn answered_again(&mut self, copy: &Sighting) {
        if let Some(given) = &mut self.given {
            given.arrived(copy, self.exchange.lead());
        }
    }

    /// Whether the device still owes it an answer, as far as is known.
    pub(super) fn is_owed(&self) -> bool {
        self.is_open() && !self.blind && !self.abandoned
    }
}

impl Given {
    /// Whether it has been seen on the asking connection.
    pub(super) fn is_own(&self) -> bool {
        self.response.on_asking_connection
    }

    /// The answer as it was first seen on any connection.
    pub(super) fn first(&self) -> &Sighting {
        self.first.as_deref().unwrap_or(&self.response.frame)
    }

    /// The answer to `asked` has arrived on one more connection.
    fn arrived(&mut self, copy: &Sighting, asked: &Sighting) {
        let response = &mut self.response;
        if copy.connection != asked.connection {
            response.copies.push(copy.connection);
        } else if !response.on_asking_connection {
            // It is the one that counts: the client could not have got it sooner.
            response.on_asking_connection = true;
            self.first = Some(Box::new(std::mem::replace(&mut response.frame, copy.clone())));
            if !response.copies.contains(&self.connection) {
                response.copies.insert(0, self.connection);
            }
            self.response_time = copy.completed.nanos_since(asked.completed);
        }
    }
}
