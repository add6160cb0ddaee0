//! The requests of one line that are not done yet, and which answer belongs to which.

use super::exchange::{ExchangeId, Pairing, Sighting};
use crate::anomaly::{AnomalyId, Code, Severity};
use crate::endpoint::ConnectionId;
use crate::object::ObjectId;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What ties an answer to a request: there is no sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) object_id: ObjectId,
    pub(super) address: Option<u32>,
}

impl Key {
    pub(super) fn of(sighting: &Sighting) -> Self {
        Self { object_id: sighting.object_id, address: sighting.address }
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

/// An answer given to a request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The first sighting on any connection.
    pub(super) first: Arc<Sighting>,
    /// The sighting on the asking connection.
    pub(super) own: Option<Arc<Sighting>>,
    /// Other connections it was seen on.
    pub(super) copies: SmallVec<[ConnectionId; 4]>,
    pub(super) pairing: Pairing,
    /// When the line began to work on it.
    pub(super) line_free: Timestamp,
    pub(super) anomalies: SmallVec<[(AnomalyId, Code); 2]>,
}

impl Answer {
    /// Whether it is not to be trusted: its CRC is wrong, or its value is.
    pub(super) fn is_damaged(&self) -> bool {
        !self.first.crc_ok() || self.anomalies.iter().any(|(_, code)| code.severity() == Severity::Error)
    }
}

/// A request whose exchange is not told yet.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the request")]
pub(super) struct Request {
    pub(super) id: ExchangeId,
    pub(super) frame: Arc<Sighting>,
    /// Of `frame`: all open requests are looked through for every answer.
    pub(super) connection: ConnectionId,
    /// Of `frame`.
    pub(super) key: Key,
    pub(super) kind: Kind,
    pub(super) deadline: Timestamp,
    pub(super) answer: Option<Answer>,
    /// The same request by the same client before this one, if nothing else was asked in between.
    pub(super) repeats: Option<ExchangeId>,
    /// When the client asked the same again.
    pub(super) repeated_at: Option<Timestamp>,
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
    pub(super) anomalies: SmallVec<[(AnomalyId, Code); 2]>,
}

impl Request {
    pub(super) fn is_open(&self) -> bool {
        self.answer.is_none()
    }
}

/// The requests that an answer can belong to: those for one object, of all connections or, where nothing is copied, of
/// the one it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contest {
    pub(super) key: Key,
    pub(super) within: Option<ConnectionId>,
}

/// How long the line may still be busy with what a client has stopped waiting for.
const SERVED_LATER: Duration = Duration::from_secs(1);

/// An answer that could belong to several requests.
#[derive(Clone, Debug)]
pub(super) struct Contested {
    pub(super) contest: Contest,
    pub(super) answer: Answer,
    /// Its sightings behind the first: one of them may turn out to be the asking connection's.
    pub(super) seen: SmallVec<[Arc<Sighting>; 2]>,
    /// Identifies the frame to whoever wants to know to which exchange it went.
    pub(super) place: Option<super::copies::Place>,
}

/// The requests of a line, in order.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Ordered by `id`.
    queue: VecDeque<Request>,
    /// How many of them repeat another one.
    repeating: usize,
    pub(super) contested: Vec<Contested>,
}

impl Requests {
    pub(super) fn push(&mut self, request: Request) {
        self.repeating += usize::from(request.repeats.is_some());
        self.queue.push_back(request);
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Request> {
        self.queue.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Request> {
        self.queue.iter_mut()
    }

    pub(super) fn get(&self, id: ExchangeId) -> Option<&Request> {
        self.queue.get(self.index(id)?)
    }

    pub(super) fn get_mut(&mut self, id: ExchangeId) -> Option<&mut Request> {
        let index = self.index(id)?;
        self.queue.get_mut(index)
    }

    fn index(&self, id: ExchangeId) -> Option<usize> {
        // Of one device, and while answers come in turn, numbers follow one another.
        let guess = usize::try_from(id.0.checked_sub(self.queue.front()?.id.0)?).ok()?;
        if self.queue.get(guess).is_some_and(|request| request.id == id) {
            return Some(guess);
        }
        self.queue.binary_search_by_key(&id, |request| request.id).ok()
    }

    /// Takes a request out: its exchange is told.
    pub(super) fn take(&mut self, id: ExchangeId) -> Option<Request> {
        let index = self.index(id)?;
        let request = if index == 0 { self.queue.pop_front() } else { self.queue.remove(index) }?;
        self.repeating -= usize::from(request.repeats.is_some());
        Some(request)
    }

    /// Whether any request repeats another one.
    pub(super) fn any_repeats(&self) -> bool {
        self.repeating > 0
    }

    /// The requests that repeat this one.
    pub(super) fn repeating(&mut self, id: ExchangeId) -> impl Iterator<Item = &mut Request> {
        // Nearly always none does.
        let looked_at = if self.repeating > 0 { self.queue.len() } else { 0 };
        self.queue.iter_mut().take(looked_at).filter(move |request| request.repeats == Some(id))
    }

    pub(super) fn oldest(&self) -> Option<ExchangeId> {
        self.queue.front().map(|request| request.id)
    }

    /// The open requests of a contest, in order. READs and queries go before WRITEs when this device is not known to
    /// confirm those.
    pub(super) fn candidates(&self, contest: Contest, confirms_writes: bool) -> SmallVec<[ExchangeId; 4]> {
        let within = |request: &Request| contest.within.is_none_or(|within| within == request.connection);
        let matching = || {
            let ours = move |request: &&Request| request.key == contest.key && request.is_open() && within(request);
            self.queue.iter().filter(ours)
        };
        let reads: SmallVec<_> = matching()
            .filter(|request| confirms_writes || request.kind != Kind::Write)
            .map(|request| request.id)
            .collect();
        if reads.is_empty() { matching().map(|request| request.id).collect() } else { reads }
    }

    /// An answer for `key` has reached a connection.
    pub(super) fn serve(&mut self, connection: ConnectionId, key: Key) {
        for request in self.queue.iter_mut().filter(|request| request.connection == connection) {
            request.served |= request.passed_over_at.is_none() && request.key == key;
        }
    }

    /// Takes the answers of a contest, in the order in which they came.
    pub(super) fn take_contested(&mut self, contest: Contest) -> Vec<Contested> {
        let (taken, kept) = self.contested.drain(..).partition(|contested| contested.contest == contest);
        self.contested = kept;
        taken
    }

    /// Which of `candidates` an answer at `ts` belongs to when fewer answers came than requests were made. The line serves
    /// one after the other, so it is the first whose client had not given it up by then: who got no answer asks again, or
    /// for something else. Who got another's answer for the same object asks for something else, too, and its own comes
    /// soon.
    pub(super) fn in_turn(&self, candidates: &[ExchangeId], ts: Timestamp, needs: Duration) -> Option<ExchangeId> {
        let waits = |request: &Request| {
            let soon = ts.is_within(SERVED_LATER, request.frame.clock);
            request.frame.clock.saturating_add(needs) <= ts
                && (request.passed_over_at.is_none_or(|at| at > ts) || (request.served && soon))
        };
        let first = candidates.iter().find(|id| self.get(**id).is_some_and(waits));
        first.copied().or_else(|| self.latest_before(candidates, ts, needs))
    }

    /// The latest of `candidates` that the line had time to answer before `ts`, else the first.
    pub(super) fn latest_before(
        &self,
        candidates: &[ExchangeId],
        ts: Timestamp,
        needs: Duration,
    ) -> Option<ExchangeId> {
        let asked = |id: &&ExchangeId| self.get(**id).map(|request| request.frame.clock);
        candidates
            .iter()
            .rfind(|id| asked(id).is_some_and(|asked| asked.saturating_add(needs) <= ts))
            .or_else(|| candidates.iter().find(|id| asked(id).is_some_and(|asked| asked <= ts)))
            .copied()
    }
}
