//! The line of one device: requests queue on it, answers come back on all its connections.

use super::copies::Copies;
use super::exchange::Sighting;
use super::load::Load;
use super::member::{Fate, Member, ONE_GO};
use super::members::Members;
use super::outcome::Outbox;
use super::request::{Key, Kind, Request, Requests};
use super::sensitive::Sensitive;
use super::series::Series;
use super::values;
use super::writes::Writes;
use crate::endpoint::ConnectionId;
use crate::limits::OPEN_REQUESTS;
use crate::rct::Command;
use crate::rct::registry::Registry;
use crate::time::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;
use std::time::Duration;

/// A device that has ever answered faster than this is a simulator, of whose times nothing can be concluded: the
/// shortest answer of a real one ever published took 30 ms.
pub(super) const REAL_DEVICE: Duration = Duration::from_millis(10);

/// How long after an answer a second one belongs to the same request: a slave's comes right behind its master's.
pub(super) const SECOND_ANSWER: Duration = Duration::from_secs(1);

/// A copy that arrives so soon after a request had no time to disturb anybody: the two crossed.
pub(super) const CROSSED: Duration = Duration::from_millis(1);

/// `pas.period`: writing 0 to it ends all subscriptions.
const PAS_PERIOD: crate::object::ObjectId = crate::object::ObjectId(0x9c8f_e559);

/// What a line needs from outside to do its work.
pub(super) struct Context<'a> {
    pub(super) registry: &'a Registry,
    pub(super) timeout: Duration,
    pub(super) out: &'a mut Outbox,
    /// Other connections are open that may get copies.
    pub(super) copying: bool,
}

/// The last answer given for an object.
#[derive(Debug)]
pub(super) struct LastAnswer {
    pub(super) frame: Arc<Sighting>,
    /// The connection that had asked.
    pub(super) owner: ConnectionId,
}

/// One device and all its connections.
#[derive(Debug, Default)]
pub(super) struct DeviceLine {
    pub(super) members: Members,
    pub(super) requests: Requests,
    pub(super) copies: Copies,
    /// The shortest time this line has taken for an answer that could belong to one request only.
    pub(super) fastest: Option<Duration>,
    /// When the line last finished an answer.
    pub(super) free_at: Option<Timestamp>,
    /// Objects registered for periodic sending.
    pub(super) subscriptions: FxHashSet<Key>,
    pub(super) answered: FxHashMap<Key, LastAnswer>,
    /// The longest text seen of each object, to recognise one that was cut.
    pub(super) longest: FxHashMap<Key, usize>,
    /// Requests that timed out, to recognise answers that come later still.
    pub(super) expired: FxHashMap<Key, Arc<Sighting>>,
    pub(super) writes: Writes,
    pub(super) sensitive: Sensitive,
    pub(super) series: Series,
    pub(super) load: Load,
    /// A WRITE has been answered when no READ of the same object could have been meant.
    pub(super) confirms_writes: bool,
    /// The bootloader has announced itself and nothing else has been heard since.
    pub(super) in_bootloader: bool,
    /// When packets came again after a long silence.
    pub(super) revived: Option<Timestamp>,
    /// The latest time heard of.
    pub(super) now: Timestamp,
    /// Nothing has to be looked at before.
    pub(super) next_check: Option<Timestamp>,
}

/// Answers remembered per line; objects are some 900, an attacker's are more.
pub(super) const REMEMBERED_KEYS: usize = 8192;

impl DeviceLine {
    pub(super) fn member(&mut self, id: ConnectionId) -> Option<&mut Member> {
        self.members.get_mut(id)
    }

    pub(super) fn join(&mut self, member: Member) {
        self.members.insert(member);
    }

    /// The connection has ended: what is open on it is not the device's fault.
    pub(super) fn leave(&mut self, id: ConnectionId, context: &mut Context<'_>) {
        if let Some(member) = self.members.get_mut(id) {
            member.alive = false;
        }
        let now = self.now;
        for request in self.requests.iter_mut().filter(|request| request.connection == id) {
            // What had run out of time before was not abandoned.
            request.abandoned |= !request.is_open() || request.deadline > now;
        }
        self.tell_ready(context);
    }

    /// Whether a request on this connection waits for its answer.
    pub(super) fn is_waiting(&self, id: ConnectionId) -> bool {
        self.requests.iter().any(|request| request.is_open() && request.connection == id)
    }

    /// Forgets a connection whose requests have all been told.
    pub(super) fn forget_gone(&mut self) {
        let requests = &self.requests;
        self.members.retain(|member| member.alive || requests.iter().any(|request| request.connection == member.id));
    }

    /// The capture has lost bytes that the device sent on this connection.
    pub(super) fn lost_answers(&mut self, id: ConnectionId) {
        self.copies.write_off(id);
        for request in self.requests.iter_mut().filter(|request| request.connection == id && request.is_open()) {
            request.blind = true;
        }
    }

    /// The capture has lost bytes that a client sent on this connection.
    pub(super) fn lost_requests(&mut self, id: ConnectionId, until: Timestamp) {
        if let Some(member) = self.members.get_mut(id) {
            member.blind_until = member.blind_until.max(until);
        }
    }

    /// A client's frame.
    pub(super) fn request(&mut self, frame: &Arc<Sighting>, context: &mut Context<'_>) {
        let Some(kind) = Self::kind_of(frame, context.registry) else { return };
        let id = context.out.asked(frame);
        let mut anomalies = values::judge_request(frame, context);
        if kind == Kind::Write {
            self.writes.judge(frame, &mut anomalies, context);
            self.sensitive.asked(id, frame, self.answered.get(&Key::of(frame)), context);
        }
        let one_go = self.one_go();
        let member = self.members.get_mut(frame.connection);
        let (mut repeats, mut asked_before) = (None, None);
        if let Some(member) = member {
            member.counts.requests += 1;
            let repetition = member.repeated(frame, one_go, context.timeout);
            match repetition.map(|repetition| (repetition.fate, repetition.is_retry)) {
                Some((Fate::Failed, true)) => anomalies.push(super::fate::retry(frame, context)),
                Some((Fate::Pending, true)) => repeats = repetition.map(|repetition| repetition.first),
                _ => {}
            }
            asked_before = repetition.filter(|repetition| repetition.fate == Fate::Pending).map(|r| r.first);
            member.remember(id, frame);
        }
        if let Some(first) = asked_before.and_then(|first| self.requests.get_mut(first)) {
            first.repeated_at.get_or_insert(frame.clock);
        }
        if frame.command.is_write() && frame.object_id == PAS_PERIOD && frame.payload.iter().all(|byte| *byte == 0) {
            self.subscriptions.clear();
        }
        self.pass_over(frame, one_go);
        let deadline = frame.clock.saturating_add(context.timeout);
        self.requests.push(Request {
            id,
            frame: Arc::clone(frame),
            connection: frame.connection,
            key: Key::of(frame),
            kind,
            deadline,
            answer: None,
            repeats,
            repeated_at: None,
            passed_over_at: None,
            served: false,
            abandoned: false,
            blind: false,
            broken_answer: false,
            anomalies,
        });
        let overload = self.overload(frame, context);
        if let Some(overload) = overload
            && let Some(request) = self.requests.get_mut(id)
        {
            request.anomalies.push(overload);
        }
        self.check_at(deadline);
        if self.requests.len() > OPEN_REQUESTS {
            self.give_up_oldest(context);
        }
    }

    /// A client has asked for something else than what it waits for.
    fn pass_over(&mut self, frame: &Sighting, one_go: Duration) {
        for earlier in self.requests.iter_mut().filter(|earlier| earlier.connection == frame.connection) {
            if earlier.passed_over_at.is_none() && !frame.clock.is_within(one_go, earlier.frame.clock) {
                earlier.passed_over_at = Some(frame.clock);
            }
        }
    }

    fn kind_of(frame: &Sighting, registry: &Registry) -> Option<Kind> {
        match frame.command.base() {
            _ if !frame.crc_ok() => None,
            Command::READ => Some(Kind::Read),
            Command::READ_PERIODICALLY => Some(Kind::Subscription),
            Command::WRITE | Command::LONG_WRITE if values::is_table(registry, frame.object_id) => Some(Kind::Query),
            Command::WRITE | Command::LONG_WRITE => Some(Kind::Write),
            _ => None,
        }
    }

    /// The line needs at least this long for an answer: one that comes sooner belongs to an earlier request. Half of
    /// the shortest time seen, since it may do better, and never more than what no real device does: times vary from 30
    /// to 100 ms, so that the shortest one so far says little while there are few.
    pub(super) fn needs(&self) -> Duration {
        self.fastest
            .filter(|fastest| *fastest >= REAL_DEVICE)
            .map_or(Duration::ZERO, |fastest| (fastest / 2).min(REAL_DEVICE))
    }

    /// Requests so close together were sent in one go: none of them is an answer's consequence. Clients of a device that
    /// answers faster than real ones go on sooner, too.
    fn one_go(&self) -> Duration {
        self.fastest.map_or(ONE_GO, |fastest| (fastest / 2).min(ONE_GO))
    }

    pub(super) fn check_at(&mut self, ts: Timestamp) {
        self.next_check = Some(self.next_check.map_or(ts, |next| next.min(ts)));
    }
}
