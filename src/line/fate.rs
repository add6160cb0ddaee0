//! What becomes of requests: who gets an answer, how long is waited for what, and when an exchange is told.

use super::asked::Fate;
use super::contests::{Contest, Contested};
use super::context::Context;
use super::copies::Place;
use super::device::{DeviceLine, retry};
use super::exchange::{ExchangeStatus, Sighting};
use super::memory::Memory;
use super::outcome::{About, Found};
use super::request::{Answer, Given, Handle, Kind, Ordinal, Request};
use super::sensitive;
use super::series;
use super::slab::At;
use super::trace::Trace;
use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::rct::value::Form;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::iter;
use std::time::Duration;

/// How long a told answer waits for its copies. They come within milliseconds unless a segment is lost.
const COPY_PATIENCE: Duration = Duration::from_secs(2);

/// The same where it is not known whether there are any: long enough for a hub, too short to be felt otherwise.
pub(super) const COPY_TRIAL: Duration = Duration::from_millis(200);

/// What is ripe is looked for at most this often: a busy line would be searched at every packet.
const COARSE: Duration = Duration::from_millis(10);

/// How long an answer may still come after everybody was silent for longer than the time-out.
pub(super) const REVIVAL: Duration = Duration::from_millis(200);

/// A request that its client passed over is unanswered after this long, even if the capture ends sooner than the
/// time-out: no client known waits less.
const GIVEN_UP: Duration = Duration::from_secs(1);

impl DeviceLine {
    /// Tells what is ripe at `now`, when there is something to be looked at.
    pub(super) fn tick(&mut self, now: Timestamp, context: &mut Context) {
        self.next_check = None;
        let mut next = self.tick_waiting(now, context);
        self.settle_contests(now, context);
        let mut due: SmallVec<[Handle; 8]> = SmallVec::new();
        for request in self.requests.iter() {
            let ripe = match &request.given {
                // Whether it is a retry is known when the first request's fate is, which comes before its own turn.
                Some(_) if request.repeats().is_some() => continue,
                Some(given) => self.ripe(given),
                None => request.deadline,
            };
            if ripe <= now {
                due.push(request.handle);
            } else {
                next = Some(next.map_or(ripe, |next| next.min(ripe)));
            }
        }
        for handle in due {
            self.note_missed_copies(handle);
            self.tell(handle, false, context);
        }
        if let Some(next) = next {
            self.check_at(next.max(now.saturating_add(COARSE)));
        }
    }

    /// When an answer is told even if its copies have not come.
    fn ripe(&self, given: &Given) -> Timestamp {
        let patience = if given.is_own() && !self.members.any_proven() { COPY_TRIAL } else { COPY_PATIENCE };
        given.clock.saturating_add(patience)
    }

    /// Tells everything: the capture has ended at `now`.
    pub(super) fn finish(&mut self, now: Timestamp, context: &mut Context) {
        self.settle_contests(Timestamp::from_nanos(i64::MAX), context);
        while let Some(oldest) = self.requests.oldest() {
            let (handle, in_time) = (oldest.handle, oldest.deadline > now);
            self.tell(handle, in_time, context);
        }
    }

    /// There are too many open requests: the oldest is told as it is.
    pub(super) fn give_up_oldest(&mut self, context: &mut Context) {
        if let Some(oldest) = self.requests.oldest().map(|oldest| oldest.handle) {
            self.tell(oldest, true, context);
        }
    }

    /// Shares out contested answers whose oldest request has run out of time.
    fn settle_contests(&mut self, now: Timestamp, context: &mut Context) {
        for contest in self.contests.in_order() {
            let candidates = self.candidates(contest);
            let oldest = candidates.first().and_then(|handle| self.requests.get(*handle));
            if oldest.is_some_and(|oldest| oldest.deadline > now) {
                continue;
            }
            for contested in self.contests.take(contest) {
                let (candidates, ts) = (self.candidates(contest), contested.answer.first.clock);
                match self.requests.in_turn(&candidates, ts, self.pace.needs) {
                    Some(handle) => {
                        self.give_contested(handle, contested, &context.memory);
                    }
                    None => self.unclaimed(contested, context),
                }
            }
        }
    }

    fn candidates(&self, contest: Contest) -> SmallVec<[Handle; 4]> {
        let subject = self.subjects.find(contest.key);
        subject.map_or_else(SmallVec::new, |at| self.requests.candidates(contest, at, self.confirms_writes))
    }

    /// Gives an answer to one of the requests that it could belong to. Only now it is known on whose connections it came.
    pub(super) fn give_contested(&mut self, handle: Handle, contested: Contested, memory: &Memory) {
        let Contested { answer, seen, place, .. } = contested;
        let Some(asking) = self.requests.get(handle).map(|request| request.connection) else { return };
        for frame in iter::once(&answer.first).chain(&seen) {
            let member = self.members.place(frame.connection);
            if let Some(member) = member.and_then(|member| self.members.get_mut(member)) {
                member.counts.answered(frame.connection == asking);
            }
        }
        self.give(handle, answer, (&seen, place), memory);
    }

    /// Gives an answer to a request.
    ///
    /// `seen` are its sightings behind the first, `place` is where it stands among what may be copied.
    pub(super) fn give(
        &mut self,
        handle: Handle,
        answer: Answer,
        (seen, place): (&[Box<Sighting>], Option<Place>),
        memory: &Memory,
    ) {
        let Some(request) = self.requests.get(handle) else { return };
        let (asking, subject, kind) = (request.connection, request.subject, request.kind);
        let of_member = (request.member, request.ordinal);
        let given = request.given(answer, seen);
        if kind == Kind::Subscription && !given.damaged {
            self.subjects.subscribe(subject);
        }
        if kind == Kind::Write && self.requests.open_for(subject).count() == 1 {
            self.confirms_writes = true;
        }
        let fate = if given.damaged { Fate::Failed } else { Fate::Fine };
        self.note_answer(of_member, subject, (given.first(), asking), fate, memory);
        if let Some(original) = place.and_then(|place| self.copies.get_mut(place)) {
            original.exchange = Some(handle);
            original.owner = Some(asking);
        }
        self.check_at(given.clock.saturating_add(COPY_TRIAL));
        self.requests.change(handle, |request| request.given = Some(Box::new(given)));
    }

    /// Takes note of an answer to a request of a connection, and of the connection that had asked for it.
    fn note_answer(
        &mut self,
        (member, request): (At, Ordinal),
        subject: At,
        (frame, owner): (&Sighting, ConnectionId),
        fate: Fate,
        memory: &Memory,
    ) {
        let clock = frame.clock;
        self.finished(clock);
        self.subjects.remember_answer(subject, frame, owner, memory);
        if let Some(member) = self.members.get_mut(member) {
            member.asked.set_fate(request, fate, clock);
        }
    }

    /// Counts the copies of an answer that never came.
    fn note_missed_copies(&mut self, handle: Handle) {
        let Some(request) = self.requests.get(handle) else { return };
        let Some(given) = &request.given else { return };
        let missed: SmallVec<[At; 8]> = self.missing(request.connection, given).collect();
        for member in missed {
            self.members.missed_copy(member);
        }
    }

    /// The connections that a copy of an answer is to be waited for on. `asking`: the request's.
    #[inline]
    fn missing(&self, asking: ConnectionId, given: &Given) -> impl Iterator<Item = At> {
        let has_it = move |id| id == asking || id == given.connection || given.response.copies.contains(&id);
        self.members.expecting_before(given.clock).filter(move |(_, member)| !has_it(member.id)).map(|(at, _)| at)
    }

    /// Tells the exchange if nothing more is to be waited for.
    pub(super) fn tell_if_ready(&mut self, handle: Handle, context: &mut Context) {
        if self.is_ready(handle) {
            self.tell(handle, false, context);
        }
    }

    /// Tells all that wait for nothing more; `of`: that this connection has asked for.
    pub(super) fn tell_ready(&mut self, of: Option<At>, context: &mut Context) {
        if !self.requests.any_answered() {
            return;
        }
        let answered = |request: &&Request| !request.is_open();
        let answered: SmallVec<[Handle; 8]> = match of {
            Some(member) => self.requests.of_member(member).filter(answered).map(|request| request.handle).collect(),
            None => self.requests.iter().filter(answered).map(|request| request.handle).collect(),
        };
        for handle in answered {
            self.tell_if_ready(handle, context);
        }
    }

    fn is_ready(&self, handle: Handle) -> bool {
        let request = self.requests.get(handle);
        request.is_some_and(|request| request.given.as_ref().is_some_and(|given| self.is_complete(request, given)))
    }

    /// Whether a request with this answer waits for nothing any more.
    #[inline]
    fn is_complete(&self, request: &Request, given: &Given) -> bool {
        let first_waits = request.repeats().is_some_and(|first| self.requests.get(first).is_some());
        (given.is_own() || request.abandoned)
            && !first_waits
            && self.missing(request.connection, given).next().is_none()
    }

    /// Tells the exchange as it stands, and the one that only waited for its fate. `cut_short`: the capture or a limit
    /// ended it before its time.
    fn tell(&mut self, handle: Handle, cut_short: bool, context: &mut Context) {
        let mut next = Some((handle, cut_short));
        while let Some((handle, cut_short)) = next.take() {
            let Some(request) = self.requests.take(handle) else { return };
            let (repeated_by, status) = (request.repeated_by(), self.status(&request, cut_short, context));
            self.close(request, status, context);
            if let Some(repetition) = repeated_by {
                self.judge_repetition(repetition, status, context);
                next = self.is_ready(repetition).then_some((repetition, false));
            }
        }
    }

    fn status(&self, request: &Request, cut_short: bool, context: &Context) -> ExchangeStatus {
        if let Some(given) = &request.given {
            return if given.damaged { ExchangeStatus::Damaged } else { ExchangeStatus::Answered };
        }
        if request.broken_answer {
            return ExchangeStatus::Damaged;
        }
        let one_sided = self.members.get(request.member).is_some_and(|member| !member.two_sided);
        let given_up = request.passed_over_at.is_some() && context.now.since(request.clock) >= GIVEN_UP;
        let ended = (cut_short || request.abandoned) && !given_up;
        match request.kind {
            Kind::Write if !cut_short || given_up => ExchangeStatus::Unconfirmed,
            _ if ended || request.blind || one_sided => ExchangeStatus::Open,
            _ => ExchangeStatus::Unanswered,
        }
    }

    /// Tells the exchange of a request that was taken out.
    fn close(&mut self, request: Request, status: ExchangeStatus, context: &mut Context) {
        let found = self.judge(&request, status, context);
        if status != ExchangeStatus::Answered {
            self.note_failure(&request, status, &context.memory);
        }
        let Request { mut exchange, member, given, .. } = request;
        exchange.anomalies.extend(found);
        exchange.status = status;
        if let Some(given) = given {
            exchange.response_time = Some(given.response_time);
            exchange.service_time = Some(given.service_time);
            exchange.response = Some(given.response);
        }
        context.out.exchange(exchange);
        self.note_if_empty(member);
    }

    /// What there is to say of an exchange when its fate is known. Nearly always nothing.
    fn judge(&mut self, request: &Request, status: ExchangeStatus, context: &mut Context) -> Found {
        let mut found = Found::new();
        match status {
            ExchangeStatus::Unanswered => found.push(unanswered(request.frame(), context)),
            ExchangeStatus::Unconfirmed => {
                let read = self.subjects.answered(request.subject).map(|last| &last.trace);
                let read = read.filter(|read| read.clock > request.clock && read.crc_ok);
                found.push(unconfirmed(request.frame(), read, context));
            }
            _ => {}
        }
        if request.kind == Kind::Write {
            found.extend(self.sensitive.told(request.handle.id, request.frame(), status, context));
        }
        if let Some(given) = &request.given {
            found.extend_from_slice(&given.anomalies);
            if request.kind == Kind::Query {
                found.extend(series::mismatched(request, given, &self.requests, context));
            }
            let asked_again = request.repeated_at().is_some_and(|again| again <= given.clock) && !request.served;
            if asked_again || !given.clock.is_within(context.timeout, request.clock) {
                found.push(late(request.frame(), given.first(), context));
            }
        }
        found
    }

    /// Takes note of a request without an answer that is to be trusted.
    #[cold]
    fn note_failure(&mut self, request: &Request, status: ExchangeStatus, memory: &Memory) {
        if request.is_open() && !request.blind {
            self.subjects.remember_expired(request.subject, Trace::of(request.frame(), memory));
        }
        if matches!(status, ExchangeStatus::Unanswered | ExchangeStatus::Damaged)
            && let Some(member) = self.members.get_mut(request.member)
        {
            member.counts.unanswered += u64::from(status == ExchangeStatus::Unanswered);
            let at = request.given.as_ref().map_or(request.deadline, |given| given.clock);
            member.asked.set_fate(request.ordinal, Fate::Failed, at);
        }
    }

    /// Decides for a request that repeats another one whether it is a retry, now that the fate of that is known.
    #[cold]
    fn judge_repetition(&mut self, repetition: Handle, status: ExchangeStatus, context: &mut Context) {
        if !matches!(status, ExchangeStatus::Unanswered | ExchangeStatus::Damaged | ExchangeStatus::Open) {
            return;
        }
        self.requests.change(repetition, |request| {
            let anomaly = retry(request.frame(), context);
            request.exchange.anomalies.push(anomaly);
        });
    }
}

fn unanswered(request: &Sighting, context: &mut Context) -> (AnomalyId, Code) {
    let message = format!("no answer on any connection within {} s", Duration::from(context.timeout).as_secs_f32());
    context.out.anomaly(Code::Unanswered, About::frame(request), message)
}

/// `read`: what the device has said of the object since.
fn unconfirmed(request: &Sighting, read: Option<&Trace>, context: &mut Context) -> (AnomalyId, Code) {
    let object = context.registry.get(request.object_id);
    let shown = match read {
        None => "it was not read meanwhile".to_owned(),
        Some(read) if read.says(&request.payload, &context.memory) => {
            format!("packet {} shows the value written", read.packet())
        }
        Some(read) => {
            let text = object.map(|object| sensitive::text_of(object, Form::Response, read, context));
            format!("packet {} shows {} instead", read.packet(), text.as_deref().unwrap_or("another value"))
        }
    };
    let message = format!("no RESPONSE to this WRITE, as from many firmwares; {shown}");
    let about = About::frame(request);
    let about = if let Some(read) = read { about.and(read.spans()) } else { about };
    context.out.anomaly(Code::WriteUnconfirmed, about, message)
}

#[cold]
fn late(asked: &Sighting, answer: &Sighting, context: &mut Context) -> (AnomalyId, Code) {
    let ms = answer.clock.since(asked.clock).as_secs_f64() * 1e3;
    let message = format!("the answer came {ms:.1} ms after the request, when the client had given it up");
    context.out.anomaly(Code::LateResponse, About::frame(answer).and(&asked.spans), message)
}
