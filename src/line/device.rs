//! The line of one device: requests queue on it, answers come back on all its connections.

use super::asked::Repeated;
use super::contests::Contests;
use super::context::Context;
use super::copies::Copies;
use super::exchange::{Exchange, Sighting};
use super::load::Load;
use super::member::{Member, ONE_GO};
use super::members::Members;
use super::nature::Nature;
use super::outcome::{About, Found};
use super::request::{Handle, Key, Kind, Ordinal, Repetition, Request};
use super::requests::Requests;
use super::sensitive::Sensitive;
use super::series::Series;
use super::slab::At;
use super::subject::Subjects;
use super::values;
use super::waiting::Waiting;
use super::writes;
use crate::anomaly::{AnomalyId, Code};
use crate::limits::OPEN_REQUESTS;
use crate::loan::Loan;
use crate::rct::Command;
use crate::rct::registry::ObjectPlace;
use crate::time::{Span, Timestamp};
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

/// Requests on other lines have all the room for long ones.
struct NoRoom;

/// One device and all its connections.
#[derive(Debug, Default)]
pub(super) struct DeviceLine {
    pub(super) members: Members,
    /// All but those that go the short way.
    pub(super) requests: Requests,
    pub(super) waiting: Waiting,
    pub(super) contests: Contests,
    pub(super) copies: Copies,
    /// The connections that have ended and whose last request has been told since: forgotten when the next one ends.
    pub(super) emptied: Vec<At>,
    pub(super) subjects: Subjects,
    pub(super) pace: Pace,
    /// When the line last finished an answer.
    pub(super) free_at: Option<Timestamp>,
    pub(super) sensitive: Sensitive,
    pub(super) series: Series,
    pub(super) load: Load,
    /// A WRITE has been answered when no READ of the same object could have been meant.
    pub(super) confirms_writes: bool,
    /// The bootloader has announced itself and nothing else has been heard since.
    pub(super) in_bootloader: bool,
    /// Nothing has to be looked at before.
    pub(super) next_check: Option<Timestamp>,
    /// Nothing goes the short way.
    #[cfg(test)]
    pub(super) goes_the_long_way: bool,
}

/// How fast a line is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The shortest time it has taken for an answer that could belong to one request only.
    fastest: Option<Span>,
    /// It needs at least this long for an answer: one that comes sooner belongs to an earlier request. Half of the
    /// shortest time seen, since it may do better, and never more than what no real device does: times vary from 30 to
    /// 100 ms, so that the shortest one so far says little while there are few.
    pub(super) needs: Span,
    /// Requests so close together were sent in one go: none of them is an answer's consequence. Clients of a device that
    /// answers faster than real ones go on sooner, too.
    pub(super) one_go: Span,
}

impl Default for Pace {
    fn default() -> Self {
        Self { fastest: None, needs: Span::default(), one_go: ONE_GO.into() }
    }
}

impl Pace {
    /// An answer that could belong to one request only came at `answered`.
    #[inline]
    pub(super) fn learn(&mut self, asked: Timestamp, answered: Timestamp) {
        if self.fastest.is_none_or(|fastest| asked.saturating_add(fastest) > answered) {
            let taken = answered.since(asked);
            self.fastest = Some(taken.into());
            self.needs = if self.is_real() { (taken / 2).min(REAL_DEVICE).into() } else { Span::default() };
            self.one_go = (taken / 2).min(ONE_GO).into();
        }
    }

    /// Whether it has never been faster than a real device can be.
    pub(super) fn is_real(&self) -> bool {
        self.fastest.is_none_or(|fastest| fastest >= REAL_DEVICE.into())
    }
}

impl DeviceLine {
    pub(super) fn join(&mut self, member: Member) -> At {
        self.members.insert(member)
    }

    /// The connection has ended: what is open on it is not the device's fault.
    pub(super) fn leave(&mut self, member: At, context: &mut Context) {
        self.members.end(member);
        self.requests.change_of_member(member, |request| {
            // What had run out of time before was not abandoned.
            request.abandoned |= !request.is_open() || request.deadline > context.now;
        });
        let concerned = if self.members.take_relief() { None } else { Some(member) };
        self.tell_ready(concerned, context);
        self.note_if_empty(member);
    }

    /// Takes note of a connection that has ended when its last request is told.
    pub(super) fn note_if_empty(&mut self, member: At) {
        let has_ended = self.members.get(member).is_some_and(|member| !member.is_alive());
        if has_ended && self.requests.of_member(member).next().is_none() {
            self.emptied.push(member);
        }
    }

    /// Forgets the connections that have ended and whose requests have all been told.
    pub(super) fn forget_gone(&mut self) {
        for member in self.emptied.drain(..) {
            self.members.remove(member);
        }
    }

    /// Whether a request on this connection waits for its answer.
    pub(super) fn is_waiting(&self, member: At) -> bool {
        self.waiting.is_waiting(member) || self.requests.of_member(member).any(Request::is_open)
    }

    /// The capture has lost bytes that the device sent on this connection.
    pub(super) fn lost_answers(&mut self, member: At) {
        if let Some(member) = self.members.get(member) {
            self.copies.write_off(member.id);
        }
        self.requests.change_of_member(member, |request| request.blind |= request.is_open());
    }

    /// The capture has lost bytes that a client sent on this connection.
    pub(super) fn lost_requests(&mut self, member: At, until: Timestamp) {
        if let Some(member) = self.members.get_mut(member) {
            member.blind_until = member.blind_until.max(until);
        }
    }

    /// The place of what is known of the object that a frame is about.
    #[inline]
    pub(super) fn subject(&mut self, frame: &Sighting, context: &Context) -> At {
        self.subject_of((Key::of(frame), frame.known), context)
    }

    /// The place of what is known of an object, which may be one of the registry.
    #[inline]
    pub(super) fn subject_of(&mut self, object: (Key, Option<ObjectPlace>), context: &Context) -> At {
        let (requests, waiting) = (&self.requests, &self.waiting);
        let is_asked = |place| requests.any_for(place) || waiting.count(place) > 0;
        self.subjects.place(object, (&context.registry, &context.memory), is_asked)
    }

    /// A client's frame.
    #[inline(never)]
    pub(super) fn request(&mut self, member: At, mut exchange: Box<Exchange>, context: &mut Context) {
        let Exchange { request: Some(frame), anomalies, .. } = &mut *exchange else { return };
        if !frame.crc_ok() {
            return;
        }
        let clock = frame.clock;
        let subject = self.subject(frame, context);
        let nature = *self.subjects.nature(subject);
        let Some(kind) = kind_of(frame.command, &nature) else { return };
        let room = self.room_for(frame, context);
        let is_too_much = room.is_err();
        let handle = self.requests.next_handle(context.out.asked(context.line, clock, frame.place()));
        values::judge_request(frame, &nature, anomalies, context);
        if kind == Kind::Write {
            self.note_write(handle, subject, frame, anomalies, context);
        }
        let (ordinal, repetition) = self.note_repetition(member, handle, frame, anomalies, context);
        if frame.command.is_write() && frame.object_id == PAS_PERIOD && frame.payload.iter().all(|byte| *byte == 0) {
            self.subjects.end_subscriptions();
        }
        self.requests.pass_over(member, clock, self.pace.one_go);
        let deadline = clock.saturating_add(context.timeout);
        let (at, room) = ((member, subject), room.unwrap_or_default());
        self.requests.push(|| Request::new(handle, exchange, at, (kind, deadline), ordinal, repetition, room));
        self.load.asked(&mut self.requests, handle, context);
        self.check_at(deadline);
        if self.requests.len() > OPEN_REQUESTS || is_too_much {
            self.give_up_oldest(context);
        }
    }

    /// Room for a request to be kept while it is open: none of its own is needed for nearly all, whose bytes take no place
    /// beside the frame. Where there is not enough, the oldest requests make it; an error where even that does not do.
    #[inline]
    fn room_for(&mut self, frame: &Sighting, context: &mut Context) -> Result<Option<Loan>, NoRoom> {
        let is_long = frame.payload.spilled() || frame.raw.spilled();
        if is_long { self.make_room(frame, context).map(Some) } else { Ok(None) }
    }

    #[cold]
    fn make_room(&mut self, frame: &Sighting, context: &mut Context) -> Result<Loan, NoRoom> {
        loop {
            match context.memory.lend_request(frame.payload.len() + frame.raw.len()) {
                Some(room) => return Ok(room),
                None if self.requests.len() == 0 => return Err(NoRoom),
                None => self.give_up_oldest(context),
            }
        }
    }

    /// Takes note of what a client wants to change.
    #[inline(never)]
    fn note_write(
        &mut self,
        handle: Handle,
        subject: At,
        frame: &Sighting,
        anomalies: &mut Found,
        context: &mut Context,
    ) {
        let (answered, written) = (self.subjects.answered(subject), self.subjects.written(subject));
        self.sensitive.asked(handle.id, frame, (answered, written), context);
        let last = writes::judge(frame, written, anomalies, context);
        self.subjects.remember_write(subject, last);
    }

    /// Takes note of a request among those of its client, and of what it is a repetition of. Returns its number there.
    fn note_repetition(
        &mut self,
        member: At,
        handle: Handle,
        frame: &Sighting,
        anomalies: &mut Found,
        context: &mut Context,
    ) -> (Ordinal, Option<Box<Repetition>>) {
        let Some(asking) = self.members.get_mut(member) else { return (Ordinal::NONE, None) };
        asking.counts.requests += 1;
        let question = asking.asked.question(Key::of(frame), frame.command, &frame.payload);
        let repeated = asking.asked.repeated(question, frame.clock, self.pace.one_go, context.timeout);
        let ordinal = asking.asked.note(question, Some(handle), frame.clock);
        (ordinal, repeated.and_then(|repeated| self.note_repeated(repeated, handle, frame, anomalies, context)))
    }

    /// Takes note of a request that repeats another one.
    #[cold]
    fn note_repeated(
        &mut self,
        repeated: Repeated,
        handle: Handle,
        frame: &Sighting,
        anomalies: &mut Found,
        context: &mut Context,
    ) -> Option<Box<Repetition>> {
        let Repeated::Pending { first, is_retry } = repeated else {
            anomalies.push(retry(frame, context));
            return None;
        };
        self.requests.change(first, |first| {
            let first = first.repetition.get_or_insert_default();
            first.at.get_or_insert(frame.clock);
            first.by = first.by.or(is_retry.then_some(handle));
        });
        is_retry.then(|| Box::new(Repetition { of: Some(first), ..Repetition::default() }))
    }

    /// When the line last finished an answer; long ago where it has given none.
    pub(super) fn line_free(&self) -> Timestamp {
        self.free_at.unwrap_or(Timestamp::from_nanos(i64::MIN))
    }

    /// The line has finished an answer.
    pub(super) fn finished(&mut self, clock: Timestamp) {
        self.free_at = Some(self.line_free().max(clock));
    }

    pub(super) fn check_at(&mut self, ts: Timestamp) {
        self.next_check = Some(self.next_check.unwrap_or(Timestamp::LATEST).min(ts));
    }
}

fn kind_of(command: Command, nature: &Nature) -> Option<Kind> {
    match command.base() {
        Command::READ => Some(Kind::Read),
        Command::READ_PERIODICALLY => Some(Kind::Subscription),
        Command::WRITE | Command::LONG_WRITE if nature.response_type.is_table() => Some(Kind::Query),
        Command::WRITE | Command::LONG_WRITE => Some(Kind::Write),
        _ => None,
    }
}

/// The same request again, after an answer that did not come or was no good.
pub(super) fn retry(request: &Sighting, context: &mut Context) -> (AnomalyId, Code) {
    context.out.anomaly(Code::Retry, About::frame(request), "the same request again, after the one before it failed")
}
