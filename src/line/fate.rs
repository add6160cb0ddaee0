//! What becomes of requests: who gets an answer, how long is waited for what, and when an exchange is told.

use super::device::{Context, DeviceLine, LastAnswer, REMEMBERED_KEYS};
use super::exchange::{Exchange, ExchangeId, ExchangeStatus, Response, Sighting};
use super::member::Fate;
use super::outcome::About;
use super::request::{Answer, Contest, Contested, Key, Kind, Request};
use super::sensitive;
use crate::anomaly::{AnomalyId, Code};
use crate::rct::value::Form;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// How long a told answer waits for its copies. They come within milliseconds unless a segment is lost.
const COPY_PATIENCE: Duration = Duration::from_secs(2);

/// The same where it is not known whether there are any: long enough for a hub, too short to be felt otherwise.
const COPY_TRIAL: Duration = Duration::from_millis(200);

/// What is ripe is looked for at most this often: a busy line would be searched at every packet.
const COARSE: Duration = Duration::from_millis(10);

/// How long an answer may still come after everybody was silent for longer than the time-out.
const REVIVAL: Duration = Duration::from_millis(200);

/// A request that its client passed over is unanswered after this long, even if the capture ends sooner than the
/// time-out: no client known waits less.
const GIVEN_UP: Duration = Duration::from_secs(1);

impl DeviceLine {
    /// Tells what is ripe at `now`; cheap when nothing is.
    pub(super) fn tick(&mut self, now: Timestamp, context: &mut Context<'_>) {
        // After a silence of everybody, what comes right then may be the answer: it is only late.
        if !now.is_within(context.timeout, self.now) {
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
        for request in self.requests.iter() {
            let ripe = match &request.answer {
                // Whether it is a retry is known when the first request's fate is, which comes before its own turn.
                Some(_) if request.repeats.is_some() => continue,
                Some(answer) => self.ripe(answer),
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
            self.check_at(next.max(now.saturating_add(COARSE)));
        }
    }

    /// When an answer is told even if its copies have not come.
    fn ripe(&self, answer: &Answer) -> Timestamp {
        let patience = if answer.own.is_some() && !self.is_hub() { COPY_TRIAL } else { COPY_PATIENCE };
        answer.first.clock.saturating_add(patience)
    }

    /// Tells everything: the capture has ended at `now`.
    pub(super) fn finish(&mut self, now: Timestamp, context: &mut Context<'_>) {
        self.now = now;
        self.settle_contests(Timestamp::from_nanos(i64::MAX));
        while let Some(oldest) = self.requests.oldest() {
            let in_time = self.requests.get(oldest).is_some_and(|request| request.deadline > now);
            self.tell(oldest, in_time, context);
        }
    }

    /// There are too many open requests: the oldest is told as it is.
    pub(super) fn give_up_oldest(&mut self, context: &mut Context<'_>) {
        if let Some(oldest) = self.requests.oldest() {
            self.tell(oldest, true, context);
        }
    }

    /// Shares out contested answers whose oldest request has run out of time.
    fn settle_contests(&mut self, now: Timestamp) {
        let mut contests: SmallVec<[Contest; 4]> = SmallVec::new();
        for Contested { contest, .. } in &self.requests.contested {
            if !contests.contains(contest) {
                contests.push(*contest);
            }
        }
        for contest in contests {
            let candidates = self.requests.candidates(contest, self.confirms_writes);
            let oldest = candidates.first().and_then(|id| self.requests.get(*id));
            if oldest.is_some_and(|oldest| oldest.deadline > now) {
                continue;
            }
            for contested in self.requests.take_contested(contest) {
                let candidates = self.requests.candidates(contest, self.confirms_writes);
                if let Some(id) = self.requests.in_turn(&candidates, contested.answer.first.clock, self.needs()) {
                    self.give(id, contested.answer, &contested.seen, contested.place);
                }
            }
        }
    }

    /// Gives an answer to a request.
    ///
    /// `seen` are its sightings behind the first, `place` is where it stands among what may be copied.
    pub(super) fn give(
        &mut self,
        id: ExchangeId,
        mut answer: Answer,
        seen: &[Arc<Sighting>],
        place: Option<super::copies::Place>,
    ) {
        let Some(request) = self.requests.get_mut(id) else { return };
        let (asking, key) = (request.connection, request.key);
        answer.own = std::iter::once(&answer.first).chain(seen).find(|frame| frame.connection == asking).cloned();
        answer.copies.retain(|copy| *copy != asking);
        let damaged = answer.is_damaged();
        let ripe = answer.first.clock.saturating_add(COPY_TRIAL);
        if request.kind == Kind::Subscription && !damaged {
            if self.subscriptions.len() >= REMEMBERED_KEYS {
                self.subscriptions.clear();
            }
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
        if let Some(member) = self.members.get_mut(asking) {
            member.set_fate(id, if damaged { Fate::Failed } else { Fate::Fine }, answer.first.clock);
        }
        if let Some(request) = self.requests.get_mut(id) {
            request.answer = Some(answer);
        }
        self.check_at(ripe);
    }

    fn requests_for(&self, key: Key) -> usize {
        self.requests.iter().filter(|request| request.is_open() && request.key == key).count()
    }

    /// Counts the copies of an answer that never came.
    fn note_missed_copies(&mut self, id: ExchangeId) {
        let Some(answer) = self.requests.get(id).and_then(|request| request.answer.as_ref()) else { return };
        let asking = self.requests.get(id).map(|request| request.connection);
        for member in self.members.iter_mut() {
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
        }
    }

    pub(super) fn tell_ready(&mut self, context: &mut Context<'_>) {
        let answered: SmallVec<[ExchangeId; 8]> =
            self.requests.iter().filter(|request| request.answer.is_some()).map(|r| r.id).collect();
        for id in answered {
            self.tell_if_ready(id, context);
        }
    }

    fn is_ready(&self, id: ExchangeId) -> bool {
        let Some(request) = self.requests.get(id) else { return false };
        let Some(answer) = &request.answer else { return false };
        let asking = request.connection;
        if request.repeats.is_some_and(|first| self.requests.get(first).is_some()) {
            return false;
        }
        let all_seen = self.members.iter().all(|member| {
            let expected = member.expects_copies() && member.opened < answer.first.clock && member.id != asking;
            !expected || answer.first.connection == member.id || answer.copies.contains(&member.id)
        });
        all_seen && (answer.own.is_some() || request.abandoned)
    }

    /// Tells the exchange as it stands, and those that only waited for its fate. `cut_short`: the capture or a limit
    /// ended it before its time.
    fn tell(&mut self, id: ExchangeId, cut_short: bool, context: &mut Context<'_>) {
        let mut ready: SmallVec<[(ExchangeId, bool); 2]> = SmallVec::from_slice(&[(id, cut_short)]);
        while let Some((id, cut_short)) = ready.pop() {
            let Some(request) = self.requests.take(id) else { continue };
            let status = self.status(&request, cut_short);
            self.close(request, status, context);
            self.judge_repetitions(id, status, context);
            if self.requests.any_repeats() {
                let waited: SmallVec<[ExchangeId; 2]> = self.requests.repeating(id).map(|request| request.id).collect();
                ready.extend(waited.into_iter().filter(|id| self.is_ready(*id)).map(|id| (id, false)));
            }
        }
    }

    fn status(&self, request: &Request, cut_short: bool) -> ExchangeStatus {
        let one_sided = self.members.get(request.connection).is_some_and(|member| !member.two_sided);
        let given_up = request.passed_over_at.is_some() && self.now.since(request.frame.clock) >= GIVEN_UP;
        let ended = (cut_short || request.abandoned) && !given_up;
        match (&request.answer, request.kind) {
            (Some(answer), _) if answer.is_damaged() => ExchangeStatus::Damaged,
            (Some(_), _) => ExchangeStatus::Answered,
            (None, _) if request.broken_answer => ExchangeStatus::Damaged,
            (None, Kind::Write) if !cut_short || given_up => ExchangeStatus::Unconfirmed,
            (None, _) if ended || request.blind || one_sided => ExchangeStatus::Open,
            (None, _) => ExchangeStatus::Unanswered,
        }
    }

    /// Turns a request into the exchange that is told.
    fn close(&mut self, request: Request, status: ExchangeStatus, context: &mut Context<'_>) {
        let Request { id, frame, deadline, answer, mut anomalies, repeated_at, served, blind, .. } = request;
        // Nearly always there is nothing to add.
        let mut add = |found: Option<(AnomalyId, Code)>| {
            if let Some(found) = found {
                anomalies.push(found);
            }
        };
        match status {
            ExchangeStatus::Unanswered => add(Some(unanswered(&frame, context))),
            ExchangeStatus::Unconfirmed => {
                let read = self.answered.get(&Key::of(&frame)).map(|last| &last.frame);
                let read = read.filter(|read| read.clock > frame.clock && read.crc_ok());
                add(Some(unconfirmed(&frame, read, context)));
            }
            _ => {}
        }
        add(self.sensitive.told(id, &frame, status, context));
        if let Some(answer) = &answer {
            answer.anomalies.iter().for_each(|found| add(Some(*found)));
            add(self.mismatched_series(&frame, &answer.first, context));
            let asked_again = repeated_at.is_some_and(|asked_again| asked_again <= answer.first.clock) && !served;
            if asked_again || !answer.first.clock.is_within(context.timeout, frame.clock) {
                add(Some(late(&frame, &answer.first, context)));
            }
        } else if !blind {
            if self.expired.len() >= REMEMBERED_KEYS {
                self.expired.clear();
            }
            self.expired.insert(Key::of(&frame), Arc::clone(&frame));
        }
        if let Some(member) = self.members.get_mut(frame.connection) {
            member.counts.unanswered += u64::from(status == ExchangeStatus::Unanswered);
            if matches!(status, ExchangeStatus::Unanswered | ExchangeStatus::Damaged) {
                let at = answer.as_ref().map_or(deadline, |answer| answer.first.clock);
                member.set_fate(id, Fate::Failed, at);
            }
        }
        context.out.exchange(exchange(id, frame, answer, status, anomalies));
    }

    /// Decides for requests that repeat this one whether they are retries, now that its fate is known.
    fn judge_repetitions(&mut self, id: ExchangeId, status: ExchangeStatus, context: &mut Context<'_>) {
        if !matches!(status, ExchangeStatus::Unanswered | ExchangeStatus::Damaged | ExchangeStatus::Open) {
            return;
        }
        for request in self.requests.repeating(id) {
            let anomaly = retry(&request.frame, context);
            request.anomalies.push(anomaly);
        }
    }
}

fn exchange(
    id: ExchangeId,
    request: Arc<Sighting>,
    answer: Option<Answer>,
    status: ExchangeStatus,
    anomalies: SmallVec<[(AnomalyId, Code); 2]>,
) -> Box<Exchange> {
    let (asked, completed) = (request.clock, request.completed);
    let mut exchange = Box::new(Exchange {
        id,
        ts: request.ts,
        request: Some(request),
        response: None,
        status,
        response_time: None,
        service_time: None,
        periodic: false,
        anomalies,
    });
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

/// `read`: what the device has said of the object since.
fn unconfirmed(request: &Sighting, read: Option<&Arc<Sighting>>, context: &mut Context<'_>) -> (AnomalyId, Code) {
    let object = context.registry.get(request.object_id);
    let shown = match read {
        None => "it was not read meanwhile".to_owned(),
        Some(read) if *read.payload == *request.payload => {
            format!("packet {} shows the value written", read.packet())
        }
        Some(read) => {
            let text = object.map(|object| sensitive::text(object, Form::Response, read, context));
            format!("packet {} shows {} instead", read.packet(), text.as_deref().unwrap_or("another value"))
        }
    };
    let message = format!("no RESPONSE to this WRITE, as from many firmwares; {shown}");
    let about = About::frame(request);
    let about = if let Some(read) = read { about.and(read) } else { about };
    context.out.anomaly(Code::WriteUnconfirmed, about, message)
}

pub(super) fn retry(request: &Sighting, context: &mut Context<'_>) -> (AnomalyId, Code) {
    context.out.anomaly(Code::Retry, About::frame(request), "the same request again, after the one before it failed")
}

fn late(request: &Sighting, answer: &Sighting, context: &mut Context<'_>) -> (AnomalyId, Code) {
    let ms = answer.clock.since(request.clock).as_secs_f64() * 1e3;
    let message = format!("the answer came {ms:.1} ms after the request, when the client had given it up");
    context.out.anomaly(Code::LateResponse, About::frame(answer).and(request), message)
}
