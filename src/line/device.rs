//! The line of one device: requests queue on it, answers come back on all its connections.

use super::copies::Copies;
use super::exchange::{Exchange, ExchangeId, ExchangeStatus, Response, Sighting};
use super::load::Load;
use super::member::{Fate, Member, ONE_GO};
use super::outcome::{About, Outbox};
use super::request::{Answer, Contested, Key, Kind, Request, Requests};
use super::sensitive::Sensitive;
use super::series::Series;
use super::values;
use super::writes::Writes;
use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::limits::OPEN_REQUESTS;
use crate::rct::Command;
use crate::rct::registry::Registry;
use crate::time::Timestamp;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// How long a told answer waits for its copies. They come within milliseconds unless a segment is lost.
const COPY_PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer may still come after everybody was silent for longer than the time-out.
const REVIVAL: Duration = Duration::from_millis(200);

/// A request that its client passed over is unanswered after this long, even if the capture ends sooner than the
/// time-out: no client known waits less.
const GIVEN_UP: Duration = Duration::from_secs(1);

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
    pub(super) members: FxHashMap<ConnectionId, Member>,
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
    sensitive: Sensitive,
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
    next_check: Option<Timestamp>,
}

/// Answers remembered per line; objects are some 900, an attacker's are more.
pub(super) const REMEMBERED_KEYS: usize = 8192;

impl DeviceLine {
    pub(super) fn member(&mut self, id: ConnectionId) -> Option<&mut Member> {
        self.members.get_mut(&id)
    }

    pub(super) fn join(&mut self, member: Member) {
        self.members.insert(member.id, member);
    }

    /// The connection has ended: what is open on it is not the device's fault.
    pub(super) fn leave(&mut self, id: ConnectionId, context: &mut Context<'_>) {
        if let Some(member) = self.members.get_mut(&id) {
            member.alive = false;
        }
        for request in self.requests.iter_mut().filter(|request| request.connection() == id) {
            request.abandoned = true;
        }
        self.tell_ready(context);
    }

    /// Whether a request on this connection waits for its answer.
    pub(super) fn is_waiting(&self, id: ConnectionId) -> bool {
        self.requests.iter().any(|request| request.is_open() && request.connection() == id)
    }

    /// Forgets a connection whose requests have all been told.
    pub(super) fn forget_gone(&mut self) {
        let requests = &self.requests;
        self.members.retain(|id, member| member.alive || requests.iter().any(|request| request.connection() == *id));
    }

    /// The capture has lost bytes that the device sent on this connection.
    pub(super) fn lost_answers(&mut self, id: ConnectionId) {
        self.copies.write_off(id);
        for request in self.requests.iter_mut().filter(|request| request.connection() == id && request.is_open()) {
            request.blind = true;
        }
    }

    /// The capture has lost bytes that a client sent on this connection.
    pub(super) fn lost_requests(&mut self, id: ConnectionId, until: Timestamp) {
        if let Some(member) = self.members.get_mut(&id) {
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
        let member = self.members.get_mut(&frame.connection);
        let mut repeats = None;
        if let Some(member) = member {
            member.counts.requests += 1;
            match member.repeated(frame) {
                Some((_, Fate::Failed)) => anomalies.push(retry(frame, context)),
                Some((first, Fate::Pending)) => repeats = Some(first),
                Some((_, Fate::Fine)) | None => {}
            }
            member.remember(id, frame);
        }
        if let Some(first) = repeats.and_then(|first| self.requests.get_mut(first)) {
            first.repeated_at.get_or_insert(frame.clock);
        }
        if frame.command.is_write() && frame.object_id == PAS_PERIOD && frame.payload.iter().all(|byte| *byte == 0) {
            self.subscriptions.clear();
        }
        for earlier in self.requests.iter_mut().filter(|earlier| earlier.connection() == frame.connection) {
            if frame.clock.since(earlier.frame.clock) > ONE_GO {
                earlier.passed_over_at.get_or_insert(frame.clock);
            }
        }
        let deadline = frame.clock.saturating_add(context.timeout);
        self.requests.push(Request {
            id,
            frame: Arc::clone(frame),
            kind,
            deadline,
            answer: None,
            done: false,
            repeats,
            repeated_at: None,
            passed_over_at: None,
            abandoned: false,
            blind: false,
            broken_answer: false,
            anomalies,
        });
        let overload = self.overload(frame, context);
        self.requests.get_mut(id).into_iter().for_each(|request| request.anomalies.extend(overload));
        self.check_at(deadline);
        if self.requests.len() > OPEN_REQUESTS {
            self.give_up_oldest(context);
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

    /// Tells what is ripe at `now`; cheap when nothing is.
    pub(super) fn tick(&mut self, now: Timestamp, context: &mut Context<'_>) {
        // After a silence of everybody, what comes right then may be the answer: it is only late.
        if now.since(self.now) > context.timeout {
            self.revived = Some(now);
        }
        self.now = now;
        if self.revived.is_some_and(|revived| now.since(revived) < REVIVAL) {
            return;
        }
        self.revived = None;
        if self.next_check.is_none_or(|next| now < next) {
            return;
        }
        self.next_check = None;
        self.settle_contests(now);
        let mut due: SmallVec<[ExchangeId; 8]> = SmallVec::new();
        let mut next: Option<Timestamp> = None;
        for request in self.requests.iter().filter(|request| !request.done) {
            let ripe = match &request.answer {
                // Whether it is a retry is known when the first request's fate is, which comes before its own turn.
                Some(_) if request.repeats.is_some() => continue,
                Some(answer) => answer.first.clock.saturating_add(COPY_PATIENCE),
                None => request.deadline,
            };
            if ripe <= now {
                due.push(request.id);
            } else {
                next = Some(next.map_or(ripe, |next| next.min(ripe)));
            }
        }
        for id in due {
            self.note_missed_copies(id);
            self.tell(id, false, context);
        }
        if let Some(next) = next {
            self.check_at(next);
        }
        self.requests.drop_done();
    }

    /// Tells everything: the capture has ended at `now`.
    pub(super) fn finish(&mut self, now: Timestamp, context: &mut Context<'_>) {
        self.now = now;
        self.settle_contests(Timestamp::from_nanos(i64::MAX));
        let open: Vec<_> = self.requests.iter().filter(|request| !request.done).map(|r| (r.id, r.deadline)).collect();
        for (id, deadline) in open {
            self.tell(id, deadline > now, context);
        }
        self.requests.drop_done();
    }

    /// The line needs at least this long for an answer: one that comes sooner belongs to an earlier request. Half of
    /// the shortest time seen, since it may do better.
    pub(super) fn needs(&self) -> Duration {
        self.fastest.map_or(Duration::ZERO, |fastest| fastest / 2)
    }

    fn check_at(&mut self, ts: Timestamp) {
        self.next_check = Some(self.next_check.map_or(ts, |next| next.min(ts)));
    }

    /// There are too many open requests: the oldest is told as it is.
    pub(super) fn give_up_oldest(&mut self, context: &mut Context<'_>) {
        let oldest = self.requests.iter().find(|request| !request.done).map(|request| request.id);
        if let Some(oldest) = oldest {
            self.tell(oldest, true, context);
        }
        self.requests.drop_done();
    }

    /// Shares out contested answers whose oldest request has run out of time.
    fn settle_contests(&mut self, now: Timestamp) {
        let keys: SmallVec<[Key; 4]> = self.requests.contested.iter().map(|contested| contested.key).collect();
        for key in keys {
            let candidates = self.requests.candidates(key, self.confirms_writes);
            let oldest = candidates.first().and_then(|id| self.requests.get(*id));
            if oldest.is_some_and(|oldest| oldest.deadline > now) {
                continue;
            }
            for contested in self.requests.take_contested(key) {
                let candidates = self.requests.candidates(key, self.confirms_writes);
                if let Some(id) = self.requests.latest_before(&candidates, contested.answer.first.clock, self.needs()) {
                    self.give(id, contested);
                }
            }
        }
    }

    /// Gives an answer to a request.
    pub(super) fn give(&mut self, id: ExchangeId, contested: Contested) {
        let Contested { mut answer, place, key } = contested;
        let Some(request) = self.requests.get_mut(id) else { return };
        let asking = request.connection();
        if answer.first.connection == asking {
            answer.own = Some(Arc::clone(&answer.first));
        }
        answer.copies.retain(|copy| *copy != asking);
        let damaged = answer.is_damaged();
        let ripe = answer.first.clock.saturating_add(COPY_PATIENCE);
        if request.kind == Kind::Subscription && !damaged {
            self.subscriptions.insert(key);
        }
        if request.kind == Kind::Write && self.requests_for(key) == 1 {
            self.confirms_writes = true;
        }
        self.free_at = Some(self.free_at.map_or(answer.first.clock, |free| free.max(answer.first.clock)));
        if self.answered.len() >= REMEMBERED_KEYS {
            self.answered.clear();
        }
        self.answered.insert(key, LastAnswer { frame: Arc::clone(&answer.first), owner: asking });
        if let Some(original) = place.and_then(|place| self.copies.get_mut(place)) {
            original.exchange = Some(id);
            original.owner = Some(asking);
        }
        if let Some(member) = self.members.get_mut(&asking) {
            member.set_fate(id, if damaged { Fate::Failed } else { Fate::Fine });
        }
        if let Some(request) = self.requests.get_mut(id) {
            request.answer = Some(answer);
        }
        self.check_at(ripe);
    }

    fn requests_for(&self, key: Key) -> usize {
        self.requests.iter().filter(|request| request.is_open() && Key::of(&request.frame) == key).count()
    }

    /// Counts the copies of an answer that never came.
    fn note_missed_copies(&mut self, id: ExchangeId) {
        let Some(answer) = self.requests.get(id).and_then(|request| request.answer.as_ref()) else { return };
        let asking = self.requests.get(id).map(Request::connection);
        for member in self.members.values_mut() {
            let expected = member.expects_copies() && member.opened < answer.first.clock && Some(member.id) != asking;
            if expected && answer.first.connection != member.id && !answer.copies.contains(&member.id) {
                member.missed_copy();
            }
        }
    }

    /// Tells the exchange if nothing more is to be waited for.
    pub(super) fn tell_if_ready(&mut self, id: ExchangeId, context: &mut Context<'_>) {
        if self.is_ready(id) {
            self.tell(id, false, context);
            self.requests.drop_done();
        }
    }

    fn tell_ready(&mut self, context: &mut Context<'_>) {
        let answered: SmallVec<[ExchangeId; 8]> =
            self.requests.iter().filter(|request| !request.done && request.answer.is_some()).map(|r| r.id).collect();
        for id in answered {
            self.tell_if_ready(id, context);
        }
    }

    fn is_ready(&self, id: ExchangeId) -> bool {
        let Some(request) = self.requests.get(id) else { return false };
        let Some(answer) = &request.answer else { return false };
        let asking = request.connection();
        let first_failed = |first| self.requests.get(first).is_some_and(|first| !first.done);
        if request.done || request.repeats.is_some_and(first_failed) {
            return false;
        }
        let all_seen = self.members.values().all(|member| {
            let expected = member.expects_copies() && member.opened < answer.first.clock && member.id != asking;
            !expected || answer.first.connection == member.id || answer.copies.contains(&member.id)
        });
        all_seen && (answer.own.is_some() || request.abandoned)
    }

    /// Tells the exchange as it stands. `cut_short`: the capture or a limit ended it before its time.
    fn tell(&mut self, id: ExchangeId, cut_short: bool, context: &mut Context<'_>) {
        let one_sided = |line: &Self, id| line.members.get(&id).is_some_and(|member| !member.two_sided);
        let Some(request) = self.requests.get(id).filter(|request| !request.done) else { return };
        let waited = self.now.since(request.frame.clock);
        let given_up = request.passed_over_at.is_some() && waited >= GIVEN_UP;
        let ended = (cut_short || request.abandoned) && !given_up;
        let unseen = ended || request.blind || one_sided(self, request.connection());
        let status = match (&request.answer, request.kind) {
            (Some(answer), _) if answer.is_damaged() => ExchangeStatus::Damaged,
            (Some(_), _) => ExchangeStatus::Answered,
            (None, _) if request.broken_answer => ExchangeStatus::Damaged,
            (None, Kind::Write) if !cut_short || given_up => ExchangeStatus::Unconfirmed,
            (None, _) if unseen => ExchangeStatus::Open,
            (None, _) => ExchangeStatus::Unanswered,
        };
        self.close(id, status, context);
        self.resolve_repetitions(id, status, context);
    }

    /// Turns a request into the exchange that is told.
    fn close(&mut self, id: ExchangeId, status: ExchangeStatus, context: &mut Context<'_>) {
        let Some(request) = self.requests.get_mut(id) else { return };
        request.done = true;
        let frame = Arc::clone(&request.frame);
        let mut anomalies = std::mem::take(&mut request.anomalies);
        let repeated_at = request.repeated_at;
        let answer = request.answer.take();
        match status {
            ExchangeStatus::Unanswered => anomalies.push(unanswered(&frame, context)),
            ExchangeStatus::Unconfirmed => anomalies.push(unconfirmed(&frame, context)),
            _ => {}
        }
        anomalies.extend(self.sensitive.told(id, &frame, status, context));
        if let Some(answer) = &answer {
            anomalies.extend(answer.anomalies.iter().copied());
            anomalies.extend(self.mismatched_series(&frame, &answer.first, context));
            let asked_again = repeated_at.is_some_and(|asked_again| asked_again <= answer.first.clock);
            if asked_again || answer.first.clock.since(frame.clock) > context.timeout {
                anomalies.push(late(&frame, &answer.first, context));
            }
        } else {
            if self.expired.len() >= REMEMBERED_KEYS {
                self.expired.clear();
            }
            self.expired.insert(Key::of(&frame), Arc::clone(&frame));
        }
        if let Some(member) = self.members.get_mut(&frame.connection) {
            member.counts.unanswered += u64::from(status == ExchangeStatus::Unanswered);
            if matches!(status, ExchangeStatus::Unanswered | ExchangeStatus::Damaged) {
                member.set_fate(id, Fate::Failed);
            }
        }
        context.out.exchange(exchange(id, frame, answer, status, anomalies));
    }

    /// Decides for requests that repeat this one whether they are retries, now that its fate is known.
    fn resolve_repetitions(&mut self, id: ExchangeId, status: ExchangeStatus, context: &mut Context<'_>) {
        let failed = matches!(status, ExchangeStatus::Unanswered | ExchangeStatus::Damaged | ExchangeStatus::Open);
        let mut waiting: SmallVec<[ExchangeId; 2]> = SmallVec::new();
        for request in self.requests.iter_mut().filter(|request| !request.done && request.repeats == Some(id)) {
            request.repeats = None;
            if failed {
                let anomaly = retry(&request.frame, context);
                request.anomalies.push(anomaly);
            }
            waiting.push(request.id);
        }
        for id in waiting {
            if self.is_ready(id) {
                self.tell(id, false, context);
            }
        }
    }
}

fn exchange(
    id: ExchangeId,
    request: Arc<Sighting>,
    answer: Option<Answer>,
    status: ExchangeStatus,
    anomalies: SmallVec<[(AnomalyId, Code); 2]>,
) -> Exchange {
    let (asked, completed) = (request.clock, request.completed);
    let mut exchange = Exchange {
        id,
        ts: request.ts,
        request: Some(request),
        response: None,
        status,
        response_time: None,
        service_time: None,
        periodic: false,
        anomalies,
    };
    if let Some(answer) = answer {
        let frame = answer.own.as_ref().unwrap_or(&answer.first);
        exchange.response_time = Some(frame.completed.nanos_since(completed));
        exchange.service_time = Some(answer.first.clock.nanos_since(answer.line_free.max(asked)));
        let mut copies = answer.copies;
        if answer.own.is_some() && !Arc::ptr_eq(frame, &answer.first) && !copies.contains(&answer.first.connection) {
            copies.insert(0, answer.first.connection);
        }
        exchange.response = Some(Response {
            frame: Arc::clone(frame),
            on_asking_connection: answer.own.is_some(),
            copies,
            pairing: answer.pairing,
        });
    }
    exchange
}

fn unanswered(request: &Sighting, context: &mut Context<'_>) -> (AnomalyId, Code) {
    let message = format!("no answer on any connection within {} s", context.timeout.as_secs_f32());
    context.out.anomaly(Code::Unanswered, About::frame(request), message)
}

fn unconfirmed(request: &Sighting, context: &mut Context<'_>) -> (AnomalyId, Code) {
    context.out.anomaly(
        Code::WriteUnconfirmed,
        About::frame(request),
        "no RESPONSE to this WRITE; many firmwares send none",
    )
}

fn retry(request: &Sighting, context: &mut Context<'_>) -> (AnomalyId, Code) {
    context.out.anomaly(Code::Retry, About::frame(request), "the same request again, after the one before it failed")
}

fn late(request: &Sighting, answer: &Sighting, context: &mut Context<'_>) -> (AnomalyId, Code) {
    let ms = answer.clock.since(request.clock).as_secs_f64() * 1e3;
    let message = format!("the answer came {ms:.1} ms after the request, when the client had given it up");
    context.out.anomaly(Code::LateResponse, About::frame(answer).and(request), message)
}
