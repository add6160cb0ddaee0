//! The short way of an ordinary answer: it came to the READ of its own connection, nobody else waits for it, and there is
//! nothing to say of it.
//!
//! Nearly all are so. The long way, by `answers` and `fate`, would come to the same.

use super::asked::Fate;
use super::context::Context;
use super::device::DeviceLine;
use super::exchange::{Exchange, ExchangeStatus, Pairing, Response, Sighting};
use super::glimpse::Glimpse;
use super::request::{Handle, Kind, Request};
use super::slab::At;
use super::values;
use crate::endpoint::ConnectionId;
use crate::in_place::{boxed, fill};
use crate::time::Timestamp;
use smallvec::SmallVec;

/// Which request such an answer belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    request: Handle,
    member: At,
}

impl DeviceLine {
    /// An ordinary frame of the device, which `make` makes where it stays.
    #[inline]
    pub(super) fn ordinary(
        &mut self,
        member: At,
        frame: &Glimpse<'_>,
        make: impl FnOnce() -> Sighting,
        context: &mut Context,
    ) {
        match self.plain_answer(member, frame, context) {
            Some(answer) => self.answer_plainly(answer, make, context),
            None => self.original(None, member, boxed(make), context),
        }
    }

    /// Whether an ordinary frame that the device sends is such an answer.
    #[inline]
    fn plain_answer(&mut self, member: At, frame: &Glimpse<'_>, context: &Context) -> Option<Plain> {
        let subject = self.subject_of((frame.key(), frame.known), context);
        let is_plain = values::is_plain_response(frame.command, frame.payload, self.subjects.nature(subject));
        let came = (frame.connection, frame.clock);
        if is_plain { self.plainly_answered((member, subject), came, context) } else { None }
    }

    /// The request that a right frame about `subject` answers, if there is nothing to say of the frame, and it is such an
    /// answer. It came on a connection at some time.
    #[inline]
    pub(super) fn plainly_answered(
        &self,
        (member, subject): (At, At),
        (connection, clock): (ConnectionId, Timestamp),
        context: &Context,
    ) -> Option<Plain> {
        #[cfg(test)]
        if self.goes_the_long_way {
            return None;
        }
        let request = self.requests.only_unseen(subject)?;
        let is_plain = request.clock.saturating_add(self.pace.needs) <= clock
            && request.kind == Kind::Read
            && request.is_open()
            && request.connection == connection
            && request.repetition.is_none()
            && clock.is_within(context.timeout, request.clock)
            && !self.members.any_expecting_beside(member);
        is_plain.then_some(Plain { request: request.handle, member })
    }

    /// Tells the exchange that a request and such an answer to it are. `make`: makes the answer, where it stays.
    #[inline]
    pub(super) fn answer_plainly(&mut self, answer: Plain, make: impl FnOnce() -> Sighting, context: &mut Context) {
        let Plain { request: handle, member } = answer;
        let Some(Request { mut exchange, subject, ordinal, clock: asked, .. }) = self.requests.take(handle) else {
            return;
        };
        let (on_asking_connection, copies, pairing) = (true, SmallVec::new(), Pairing::Certain);
        fill(&mut exchange.response, || Response { frame: make(), on_asking_connection, copies, pairing });
        let Exchange { request: Some(request), response: Some(Response { frame, .. }), .. } = &*exchange else {
            return;
        };
        let began = self.free_at.map_or(asked, |free| free.max(asked));
        let response_time = frame.completed.nanos_since(request.completed);
        let service_time = frame.clock.nanos_since(began);
        self.in_bootloader = false;
        self.load.answered();
        self.pace.learn(asked, frame.clock);
        self.note_answer((member, ordinal), subject, (frame, frame.connection), Fate::Fine, &context.memory);
        if let Some(member) = self.members.get_mut(member) {
            member.counts.own += 1;
        }
        exchange.status = ExchangeStatus::Answered;
        exchange.response_time = Some(response_time);
        exchange.service_time = Some(service_time);
        context.out.exchange(exchange);
        self.note_if_empty(member);
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::{Exchange, ExchangeId, Sender, Sighting};
    use super::super::member::Member;
    use super::super::memory::Memory;
    use super::super::outcome::{LineId, Listener, Outbox};
    use super::super::slab::At;
    use super::*;
    use crate::anomaly::Anomaly;
    use crate::endpoint::Direction;
    use crate::object::ObjectId;
    use crate::packet::ByteRange;
    use crate::rct::registry::Registry;
    use crate::rct::{Command, FrameStatus};
    use crate::time::Timestamp;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    const TIMEOUT: Duration = Duration::from_millis(300);
    /// A float and a text.
    const OBJECTS: [u32; 2] = [0x400f_015b, 0xebc6_2737];

    #[derive(Clone, Debug)]
    enum Act {
        Ask { connection: u32, object: usize, command: Command },
        Answer { connection: u32, object: usize, payload: Vec<u8>, crc_ok: bool },
        Wait(i64),
        Lose(u32),
        Leave(u32),
    }

    fn act() -> impl Strategy<Value = Act> {
        let (connection, object) = (0..2_u32, 0..OBJECTS.len());
        let command = prop_oneof![
            6 => Just(Command::READ),
            1 => Just(Command::WRITE),
            1 => Just(Command::READ_PERIODICALLY),
        ];
        let payload = prop_oneof![
            4 => Just(vec![0x3f, 0x80, 0, 0]),
            1 => Just(vec![0x3f, 0x80, 0]),
            1 => proptest::collection::vec(any::<u8>(), 0..6),
        ];
        prop_oneof![
            6 => (connection.clone(), object.clone(), command)
                .prop_map(|(connection, object, command)| Act::Ask { connection, object, command }),
            6 => (connection.clone(), object, payload, prop::bool::weighted(0.9)).prop_map(
                |(connection, object, payload, crc_ok)| Act::Answer { connection, object, payload, crc_ok }
            ),
            4 => prop_oneof![0..20_i64, 0..400_i64].prop_map(Act::Wait),
            1 => connection.clone().prop_map(Act::Lose),
            1 => connection.prop_map(Act::Leave),
        ]
    }

    fn sighting(sender: Sender, (connection, object): (u32, usize), command: Command, now: Timestamp) -> Sighting {
        Sighting::sample(sender, connection, command, ObjectId(OBJECTS[object]), now)
    }

    fn glimpse<'a>(frame: &Sighting, payload: &'a [u8]) -> Glimpse<'a> {
        Glimpse {
            id: frame.id,
            connection: frame.connection,
            direction: Direction::ToClient,
            clock: frame.clock,
            command: frame.command,
            object_id: frame.object_id,
            known: frame.known,
            payload,
        }
    }

    /// All that was told, as text.
    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Listener for Heard {
        fn asked(&mut self, id: ExchangeId, _line: LineId, clock: Timestamp, at: ByteRange) {
            self.0.push(format!("{id} {clock:?} {at:?}"));
        }

        fn exchange(&mut self, exchange: Box<Exchange>) {
            self.0.push(format!("{exchange:?}"));
        }

        fn anomaly(&mut self, clock: Timestamp, anomaly: Box<Anomaly>) {
            self.0.push(format!("{clock:?} {anomaly:?}"));
        }
    }

    /// A line with two connections that get no copies, and what it has to say.
    struct Play {
        line: DeviceLine,
        members: [At; 2],
        context: Context<Heard>,
    }

    impl Play {
        fn new(goes_the_long_way: bool) -> Self {
            let mut line = DeviceLine { goes_the_long_way, ..DeviceLine::default() };
            let long_ago = Timestamp::EARLIEST;
            let members = [0, 1].map(|id| line.join(Member::new(ConnectionId(id), long_ago, long_ago)));
            for member in members {
                if let Some(member) = line.members.get_mut(member) {
                    member.two_sided = true;
                }
                (0..3).for_each(|_| line.members.missed_copy(member));
            }
            let (registry, out) = (Arc::new(Registry::builtin().clone()), Outbox::new(Heard::default()));
            let line_id = LineId::default();
            let (timeout, now, memory) = (TIMEOUT, long_ago, Memory::default());
            let context = Context { registry, timeout: timeout.into(), line: line_id, now, copying: true, memory, out };
            Self { line, members, context }
        }

        fn perform(&mut self, act: &Act, now: Timestamp) -> Vec<String> {
            let Self { line, members, context } = self;
            context.now = now;
            match act {
                Act::Ask { connection, object, command } => {
                    let frame = sighting(Sender::Client, (*connection, *object), *command, now);
                    line.request(members[*connection as usize], Box::new(Exchange::asking(frame)), context);
                }
                Act::Answer { connection, object, payload, crc_ok } => {
                    let mut frame = sighting(Sender::Device, (*connection, *object), Command::RESPONSE, now);
                    frame.payload = SmallVec::from_slice(payload);
                    let member = members[*connection as usize];
                    if *crc_ok {
                        line.ordinary(member, &glimpse(&frame, payload), || frame.clone(), context);
                    } else {
                        frame.status = FrameStatus::CrcMismatch;
                        line.original(None, member, Box::new(frame), context);
                    }
                }
                Act::Wait(_) => line.tick(now, context),
                Act::Lose(connection) => line.lost_answers(members[*connection as usize]),
                Act::Leave(connection) => line.leave(members[*connection as usize], context),
            }
            std::mem::take(&mut context.out.listener.0)
        }
    }

    proptest! {
        /// Whoever goes the short way comes where the long way leads.
        #[test]
        fn the_short_way_leads_where_the_long_one_does(acts in proptest::collection::vec(act(), 1..60)) {
            let [mut short, mut long] = [false, true].map(Play::new);
            let mut now = Timestamp::from_nanos(1_000_000_000);
            for act in acts {
                if let Act::Wait(ms) = act {
                    now = Timestamp::from_nanos(now.nanos() + ms * 1_000_000);
                }
                prop_assert_eq!(short.perform(&act, now), long.perform(&act, now), "{:?}", act);
                let known = |play: &Play| {
                    let counts = play.members.map(|member| play.line.members.get(member).map(|member| member.counts));
                    (counts, play.line.free_at, play.line.requests.len(), play.line.emptied.clone())
                };
                prop_assert_eq!(known(&short), known(&long));
            }
        }
    }
}
