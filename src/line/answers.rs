//! What the device sends: answers and their copies, and frames that nobody asked for.

use super::contests::{Contest, Contested};
use super::context::Context;
use super::copies::Place;
use super::device::{CROSSED, DeviceLine, REAL_DEVICE, SECOND_ANSWER};
use super::exchange::{Exchange, ExchangeStatus, Pairing, Response, Sighting};
use super::memory::Memory;
use super::ordinary::Ordinary;
use super::outcome::{About, Found};
use super::request::{Answer, Handle, Key, Kind, Request};
use super::series::{EVENT_ROW, TIMESERIES_ROW};
use super::slab::At;
use super::values;
use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::in_place::boxed;
use crate::rct::registry::DataType;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// The device pads texts to a multiple of this; published ones have 32 and 64 bytes.
const TEXT_PADDING: usize = 16;

/// A frame of the device on its way to whoever asked.
pub(super) struct Arrival {
    pub(super) frame: Box<Sighting>,
    /// The connection it came on.
    pub(super) member: At,
    /// What it is about.
    pub(super) subject: At,
    /// Where it stands among what may be copied.
    pub(super) place: Option<Place>,
}

impl DeviceLine {
    /// The frame that this sighting is a copy of, if it is one.
    pub(super) fn find_copy(&self, identity: u64, key: Option<Key>, member: At, clock: Timestamp) -> Option<Place> {
        let receiver = self.members.get(member)?;
        let place = self.copies.find(identity, receiver.id, receiver.opened, clock)?;
        // Two clients of a device that copies nothing may ask the same and get the same: then each has its own answer.
        // A real one does not answer twice in so short a time.
        let at_once = self.copies.get(place).is_some_and(|original| clock.since(original.ts) < REAL_DEVICE);
        let is_copy = at_once && self.pace.is_real();
        let subject = key.and_then(|key| self.subjects.find(key));
        let may_be_own = !is_copy
            && !self.members.any_proven()
            && subject.is_some_and(|subject| self.is_waiting_for(member, subject));
        (!may_be_own).then_some(place)
    }

    fn is_waiting_for(&self, member: At, subject: At) -> bool {
        self.requests.open_for(subject).any(|request| request.member == member)
    }

    /// A copy of a frame seen before on another connection.
    pub(super) fn copy(&mut self, place: Place, member: At, frame: &Sighting, context: &mut Context) {
        let subject = self.subject(frame, context);
        let asked_for_it_too = self.is_waiting_for(member, subject);
        self.seen_again(place, member, asked_for_it_too);
        if frame.command.is_response() {
            self.requests.serve(frame.connection, subject);
        }
        let Some(original) = self.copies.get(place) else { return };
        let (exchange, owner, sent) = (original.exchange, original.owner, original.ts);
        if let Some(exchange) = exchange {
            self.requests.change(exchange, |request| request.answered_again(frame));
        }
        if let Some(contested) = self.contests.find(Key::of(frame), place) {
            contested.answer.copies.push(frame.connection);
            contested.seen.push(Box::new(frame.clone()));
        }
        self.judge_arrival(frame, (member, subject), owner, sent, context);
        if let Some(handle) = exchange {
            self.tell_if_ready(handle, context);
        }
    }

    /// Notes a copy of anything, frame or not.
    pub(super) fn seen_again(&mut self, place: Place, member: At, asked_for_it_too: bool) {
        if let Some(receiver) = self.members.get(member) {
            self.copies.mark(place, receiver.id);
        }
        self.members.got_copy(member, asked_for_it_too);
    }

    /// Whether a connection other than this one may get copies, one that is not a member yet included.
    #[inline]
    pub(super) fn expects_copies(&self, member: At) -> bool {
        self.members.len() <= 1 || self.members.any_expecting_beside(member)
    }

    /// Whether this, which came on that connection, may be a copy, or be copied.
    #[inline]
    pub(super) fn is_copying_ordinary(&self, member: At, frame: &Ordinary) -> bool {
        self.expects_copies(member) || self.copies.may_know(frame)
    }

    /// Whether what came on this connection at `clock` may be a copy, or be copied.
    pub(super) fn is_copying(&self, member: At, clock: Timestamp) -> bool {
        self.copies.may_be_known(clock) || self.expects_copies(member)
    }

    /// A frame of the device, seen for the first time.
    #[inline(never)]
    pub(super) fn original(&mut self, identity: Option<u64>, member: At, frame: Box<Sighting>, context: &mut Context) {
        let place = identity
            .filter(|_| self.expects_copies(member))
            .map(|identity| self.copies.remember(identity, frame.id, frame.connection, frame.clock));
        self.in_bootloader &= !frame.crc_ok();
        let subject = self.subject(&frame, context);
        let nature = self.subjects.nature(subject);
        let mut anomalies = values::judge_response(&frame, nature, context);
        if frame.crc_ok() && frame.command.is_response() {
            match nature.response_type {
                DataType::String => anomalies.extend(self.cut_text(&frame, subject, context)),
                DataType::Timeseries => {
                    anomalies.extend(self.series.cut(&frame, subject, TIMESERIES_ROW, &self.requests, context));
                }
                DataType::EventTable => {
                    anomalies.extend(self.series.cut(&frame, subject, EVENT_ROW, &self.requests, context));
                }
                _ => {}
            }
        }
        if frame.command.is_response() {
            self.answer(Arrival { frame, member, subject, place }, anomalies, context);
        } else {
            unasked_command(frame, anomalies, context);
        }
    }

    /// A RESPONSE: to whom?
    fn answer(&mut self, arrival: Arrival, anomalies: Found, context: &mut Context) {
        let Arrival { frame, member, subject, .. } = &arrival;
        let at = (*member, *subject);
        self.requests.serve(frame.connection, at.1);
        // Where nothing is copied, an answer goes to whoever asked.
        let within = (!self.members.any_proven()).then_some(frame.connection);
        let mut rivals = Contest { key: Key::of(frame), within };
        // As a rule it is clear. All else below would come to the same then.
        if let Some(only) = self.requests.only_candidate(rivals, at.1)
            && !self.is_second_answer(
                frame,
                at.1,
                Some(only.clock).filter(|asked| *asked <= frame.clock),
                &context.memory,
            )
        {
            return self.answer_only(only.handle, arrival, anomalies, context);
        }
        let mut candidates = self.requests.candidates(rivals, at.1, self.confirms_writes);
        if candidates.is_empty() && rivals.within.take().is_some() {
            candidates = self.requests.candidates(rivals, at.1, self.confirms_writes);
        }
        let asked = self.requests.latest_before(&candidates, frame.clock, self.pace.needs);
        let asked = asked.and_then(|handle| self.requests.get(handle)).map(|request| request.clock);
        if candidates.is_empty() || self.is_second_answer(frame, at.1, asked, &context.memory) {
            return self.unasked(arrival, anomalies, context);
        }
        if let [only] = candidates[..] {
            return self.answer_only(only, arrival, anomalies, context);
        }
        self.load.answered();
        self.judge_arrival(frame, at, None, frame.clock, context);
        let place = arrival.place;
        let answer = self.as_answer(arrival, anomalies);
        self.contests.add(Contested { contest: rivals, answer, seen: SmallVec::new(), place });
        if self.contests.count(rivals) >= candidates.len() {
            let mut candidates = candidates.into_iter();
            for contested in self.contests.take(rivals) {
                match candidates.next() {
                    Some(handle) => {
                        self.give_contested(handle, contested, &context.memory);
                        self.tell_if_ready(handle, context);
                    }
                    None => self.unclaimed(contested, context),
                }
            }
        }
    }

    /// An answer of which it turns out that no request is left for it.
    pub(super) fn unclaimed(&mut self, contested: Contested, context: &mut Context) {
        let Contested { contest, answer: Answer { first: frame, mut anomalies, .. }, .. } = contested;
        let periodic = self.subjects.find(contest.key).is_some_and(|subject| self.subjects.is_subscribed(subject));
        let receiver = self.members.place(frame.connection);
        if frame.crc_ok() && !periodic && receiver.is_some_and(|member| !self.is_blind(member, &frame)) {
            let message = "there were more answers than requests";
            anomalies.push(context.out.anomaly(Code::Unsolicited, About::frame(&frame), message));
        }
        tell_unasked(frame, periodic, anomalies, context);
    }

    /// Whether requests may have been missed on the connection that a frame came on.
    fn is_blind(&self, member: At, frame: &Sighting) -> bool {
        self.members.get(member).is_none_or(|member| !member.two_sided || frame.clock <= member.blind_until)
    }

    /// A RESPONSE to the only request that can be meant.
    fn answer_only(&mut self, only: Handle, arrival: Arrival, anomalies: Found, context: &mut Context) {
        let Some(request) = self.requests.get(only) else { return };
        let (owner, sent) = (request.connection, arrival.frame.clock);
        self.load.answered();
        self.pace.learn(request.clock, sent);
        self.judge_arrival(&arrival.frame, (arrival.member, arrival.subject), Some(owner), sent, context);
        let place = arrival.place;
        let answer = self.as_answer(arrival, anomalies);
        self.give(only, answer, (&[], place), &context.memory);
        self.tell_if_ready(only, context);
    }

    fn as_answer(&self, arrival: Arrival, anomalies: Found) -> Answer {
        Answer {
            pairing: if arrival.frame.crc_ok() { Pairing::Certain } else { Pairing::Tentative },
            first: arrival.frame,
            copies: SmallVec::new(),
            line_free: self.line_free(),
            anomalies,
        }
    }

    /// Whether this comes right behind an answer for the same object, and too soon after the request that it could belong
    /// to, which was `asked` then.
    #[inline]
    fn is_second_answer(&self, frame: &Sighting, subject: At, asked: Option<Timestamp>, memory: &Memory) -> bool {
        if asked.is_some_and(|asked| asked.saturating_add(self.pace.needs) <= frame.clock) {
            return false;
        }
        self.subjects.answered(subject).is_some_and(|last| {
            frame.clock.is_within(SECOND_ANSWER, last.trace.clock)
                && !last.trace.says(&frame.payload, memory)
                && asked.is_none_or(|asked| asked >= last.trace.clock)
        })
    }

    /// A RESPONSE that answers no open request.
    fn unasked(&mut self, arrival: Arrival, mut anomalies: Found, context: &mut Context) {
        let Arrival { frame, member, subject, place } = arrival;
        let (at, sent) = ((member, subject), frame.clock);
        let periodic = self.subjects.is_subscribed(subject);
        let blind = self.is_blind(member, &frame);
        let second = self.subjects.answered(subject);
        let second = second.filter(|last| frame.clock.is_within(SECOND_ANSWER, last.trace.clock));
        if !frame.crc_ok() {
            self.blame_broken_answer(member);
        } else if periodic {
            self.judge_arrival(&frame, at, None, sent, context);
        } else if let Some(last) = second.filter(|last| !last.trace.says(&frame.payload, &context.memory)) {
            let message = format!("a second answer to the request that packet {} answered", last.trace.packet());
            let (about, owner) = (About::frame(&frame).and(last.trace.spans()), last.owner);
            anomalies.push(context.out.anomaly(Code::DuplicateResponse, about, message));
            if let Some(original) = place.and_then(|place| self.copies.get_mut(place)) {
                original.owner = Some(owner);
            }
            self.judge_arrival(&frame, at, Some(owner), sent, context);
        } else if let Some(request) = self.subjects.take_expired(subject) {
            let ms = frame.clock.since(request.clock).as_secs_f64() * 1e3;
            let message = format!("the answer came {ms:.0} ms after its request, when nobody waited for it any more");
            anomalies.push(context.out.anomaly(Code::LateResponse, About::frame(&frame).and(request.spans()), message));
        } else if !self.judge_arrival(&frame, at, None, sent, context) && !blind {
            anomalies.push(context.out.anomaly(Code::Unsolicited, About::frame(&frame), "nobody asked for this"));
        }
        tell_unasked(frame, periodic, anomalies, context);
    }

    /// Whether an answer disturbed the connection it arrived on: it was waiting, but for something else. `at`: that
    /// connection, and what the answer is about. `sent`: when the answer was first seen anywhere. What was asked after that
    /// crossed it on the way, and was not disturbed.
    fn judge_arrival(
        &mut self,
        frame: &Sighting,
        at: (At, At),
        owner: Option<ConnectionId>,
        sent: Timestamp,
        context: &mut Context,
    ) -> bool {
        let here = frame.connection;
        let own = owner == Some(here);
        if let Some(member) = self.members.get_mut(at.0).filter(|_| owner.is_some()) {
            member.counts.answered(own);
        }
        if own || !frame.crc_ok() || !frame.command.is_response() {
            return false;
        }
        let Some(request) = self.disturbed(at, sent) else { return false };
        let whose = owner.map_or_else(String::new, |owner| format!(" meant for connection {owner}"));
        let message = format!(
            "an answer for {}{whose} came while connection {here} waited for {}",
            values::name(&context.registry, frame.object_id),
            values::name(&context.registry, request.object_id)
        );
        context.out.anomaly(Code::ForeignResponse, About::frame(frame).and(&request.spans), message);
        true
    }

    /// The oldest request that a connection waits for, if it does not wait for the subject, too.
    fn disturbed(&self, (member, subject): (At, At), sent: Timestamp) -> Option<&Sighting> {
        let waits =
            |request: &&Request| request.is_unseen() && request.passed_over_at.is_none() && request.kind != Kind::Write;
        let contested = |request: &Request| {
            self.contests.latest(Key::of(request.frame())).is_some_and(|answer| answer >= request.clock)
        };
        if self.requests.unseen_for(subject).filter(waits).any(|request| request.member == member) {
            return None;
        }
        let disturbed = |request: &&Request| {
            !request.served && !request.blind && !sent.is_within(CROSSED, request.clock) && !contested(request)
        };
        let oldest = self.requests.of_member(member).filter(waits).find(disturbed);
        oldest.map(Request::frame)
    }

    /// A text that was cut. Texts have no fixed length, but the device pads them
    /// with zeros to a round one, always the same for one object.
    fn cut_text(&mut self, frame: &Sighting, subject: At, context: &mut Context) -> Option<(AnomalyId, Code)> {
        let length = frame.payload.len();
        let longest = self.subjects.longest(subject, length);
        let padded_to = longest.next_multiple_of(TEXT_PADDING);
        if length.is_multiple_of(TEXT_PADDING) || padded_to == length {
            return None;
        }
        let cut_before = longest.is_multiple_of(TEXT_PADDING);
        let cut_in_padding = frame.payload.ends_with(&[0, 0]);
        let interrupted = !frame.payload.contains(&0) && self.was_interrupted(subject);
        (cut_before || cut_in_padding || interrupted).then(|| {
            let message =
                format!("{length} of {padded_to} bytes; the CRC is valid, so the device itself cut the answer");
            context.out.anomaly(Code::PayloadShort, About::frame(frame), message)
        })
    }

    /// Whether another client asked something after the first open request for `subject`.
    fn was_interrupted(&self, subject: At) -> bool {
        let asked = self.requests.open_for(subject).next();
        asked.is_some_and(|asked| {
            let later = self.requests.latest().take_while(|other| other.handle.id > asked.handle.id);
            later.into_iter().any(|other| other.member != asked.member)
        })
    }

    /// Something broken came from the device: it may have been the answer to the oldest request on this connection.
    pub(super) fn blame_broken_answer(&mut self, member: At) {
        let oldest = self.requests.of_member(member).find(|request| request.is_open()).map(|request| request.handle);
        if let Some(oldest) = oldest {
            self.requests.change(oldest, |request| request.broken_answer = true);
        }
    }
}

/// The device has sent a command that is no RESPONSE.
fn unasked_command(frame: Box<Sighting>, mut anomalies: Found, context: &mut Context) {
    if frame.crc_ok() {
        let (code, message) = if frame.command.is_write() {
            (Code::DeviceWrite, "the device sent a WRITE")
        } else if frame.command.is_known() {
            (Code::Echo, "the device sent the request back")
        } else {
            (Code::Unsolicited, "the device sent a command that no client waits for")
        };
        anomalies.push(context.out.anomaly(code, About::frame(&frame), message));
    }
    tell_unasked(frame, false, anomalies, context);
}

fn tell_unasked(frame: Box<Sighting>, periodic: bool, anomalies: Found, context: &mut Context) {
    let id = context.out.exchange_id();
    let ts = frame.ts;
    let (on_asking_connection, copies, pairing) = (false, SmallVec::new(), Pairing::Certain);
    context.out.exchange(boxed(|| Exchange {
        id,
        ts,
        request: None,
        response: Some(Response { frame: *frame, on_asking_connection, copies, pairing }),
        status: ExchangeStatus::Unsolicited,
        response_time: None,
        service_time: None,
        periodic,
        anomalies,
    }));
}
