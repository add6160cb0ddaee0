//! The short way of ordinary frames: a READ waits here until its answer comes on the same connection, and nothing is made
//! of the two but the exchange that they are.
//!
//! Nearly all go it. Before anything else happens on the line, those that wait become requests like all others, by which
//! the long way through `device`, `answers` and `fate` would have come to the same: so nobody but this module knows of them,
//! and whoever gets to a line by [`DeviceLine::unfold`] finds all requests where they belong.

use super::asked::Fate;
use super::contests::{Contest, Contested};
use super::context::Context;
use super::device::DeviceLine;
use super::exchange::{Exchange, Pairing, Sender, Sighting, SightingId};
use super::fate::COPY_TRIAL;
use super::load::BACKLOG;
use super::ordinary::Ordinary;
use super::plain::PlainExchange;
use super::request::{Answer, Key, Kind, Request};
use super::slab::At;
use super::values;
use super::waiting::{Early, Read};
use crate::in_place::boxed;
use crate::limits::OPEN_REQUESTS;
use crate::rct::Command;
use crate::rct::registry::DataType;
use crate::time::Timestamp;
use smallvec::SmallVec;

/// An ordinary frame as a line sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) id: SightingId,
    pub(super) frame: &'a Ordinary,
}

impl DeviceLine {
    /// An ordinary frame of a client.
    #[inline]
    pub(super) fn ask(&mut self, member: At, seen: Seen<'_>, context: &mut Context) {
        if !self.wait(member, seen, context) {
            if seen.frame.command != Command::WRITE || !self.is_one_more(member, seen.frame) {
                self.unfold(context);
            }
            self.ask_the_long_way(member, seen, context);
        }
    }

    /// Whether a request says nothing of those that wait here: they were made in one go with it, and all together are no
    /// backlog.
    #[inline]
    fn is_one_more(&self, member: At, frame: &Ordinary) -> bool {
        let waiting = self.waiting.reads().len();
        self.requests.owed() + waiting + 1 < BACKLOG
            && self.requests.len() + waiting < OPEN_REQUESTS
            && !self.waiting.any_before(frame.clock.saturating_sub(self.pace.one_go), member)
    }

    /// The same where it may not wait here.
    #[inline(never)]
    pub(super) fn ask_the_long_way(&mut self, member: At, Seen { id, frame }: Seen<'_>, context: &mut Context) {
        let Some(ends) = self.members.get(member).map(|member| member.ends.of(Sender::Client)) else { return };
        self.request(member, boxed(|| Exchange::asking(frame.sighting(id, ends, Sender::Client))), context);
    }

    /// An ordinary frame of the device that is no copy, and of which there are none.
    #[inline]
    pub(super) fn hear(&mut self, member: At, seen: Seen<'_>, context: &mut Context) {
        if !self.answer_waiting(member, seen, context) {
            self.hear_the_long_way(member, seen, context);
        }
    }

    /// The same where no READ waits here that it simply answers.
    #[inline(never)]
    fn hear_the_long_way(&mut self, member: At, Seen { id, frame }: Seen<'_>, context: &mut Context) {
        let Some(ends) = self.members.get(member).map(|member| member.ends.of(Sender::Device)) else { return };
        let frame = boxed(|| frame.sighting(id, ends, Sender::Device));
        self.unfold_for(member, &frame, context);
        self.original(None, member, frame, context);
    }

    /// Makes requests of the READs that are looked at for a frame of the device which is no copy.
    pub(super) fn unfold_for(&mut self, member: At, frame: &Sighting, context: &Context) {
        if self.waiting.reads().is_empty() {
            return;
        }
        if self.concerns_nobody_else(frame, member, context) {
            self.unfold_those(|read| read.frame.object_id == frame.object_id, context);
        } else {
            self.unfold(context);
        }
    }

    /// Whether no request is looked at for this frame but those for its object: it is right, they are READs of its own
    /// connection or a single WRITE, it comes in time for each, and it has a value that is judged by itself.
    fn concerns_nobody_else(&mut self, frame: &Sighting, member: At, context: &Context) -> bool {
        let subject = self.subject(frame, context);
        let is_due =
            |asking: At, asked: Timestamp| asking == member && asked.saturating_add(self.pace.needs) <= frame.clock;
        let mut waiting = self.waiting.of(frame.object_id).peekable();
        let mut requests = self.requests.unseen_for(subject).peekable();
        let is_judged_by_itself = match self.subjects.nature(subject).response_type {
            // Who else has asked meanwhile may have made the device cut it.
            DataType::String => self.waiting.reads().iter().all(|read| read.member == member),
            data_type => !data_type.is_table(),
        };
        frame.command == Command::RESPONSE
            && self.waiting.early.is_empty()
            && frame.crc_ok()
            && frame.address.is_none()
            && is_judged_by_itself
            && (waiting.peek().is_some() || requests.peek().is_some())
            && waiting.all(|read| is_due(read.member, read.frame.clock))
            && requests.all(|request| {
                // Counted for a WRITE alone, which is the last one that is looked at: for each of many READs it would be long.
                let is_alone = || self.waiting.count(subject) == 0 && self.requests.unseen_for(subject).count() == 1;
                let is_write = request.kind == Kind::Write && request.is_open();
                let is_awaited = request.kind == Kind::Read || (is_write && is_alone());
                is_awaited && request.passed_over_at.is_none() && is_due(request.member, request.clock)
            })
    }

    /// Lets a READ wait here; false where there is more to say of it, or where it says something of another one that waits.
    #[inline]
    fn wait(&mut self, member: At, seen: Seen<'_>, context: &mut Context) -> bool {
        let Seen { id: sighting, frame } = seen;
        #[cfg(test)]
        if self.goes_the_long_way {
            return false;
        }
        let (clock, one_go) = (frame.clock, self.pace.one_go);
        if frame.command != Command::READ || frame.known().is_none() || !self.is_one_more(member, frame) {
            return false;
        }
        let subject = self.subject_of((Key::of_ordinary(frame), frame.known()), context);
        let Some(asking) = self.members.get_mut(member) else { return false };
        let question = asking.asked.question(Key::of_ordinary(frame), frame.command, frame.payload());
        if asking.asked.repeated(question, clock, one_go, context.timeout).is_some() {
            return false;
        }
        let ordinal = asking.asked.note(question, None, clock);
        asking.counts.requests += 1;
        let id = context.out.asked(context.line, clock, frame.place());
        self.waiting.push(Read { frame: *frame, sighting, id, ordinal, member, subject });
        self.requests.pass_over(member, clock, one_go);
        self.load.eased();
        self.check_at(clock.saturating_add(context.timeout));
        true
    }

    /// Tells the exchange that this is the answer of; false where no READ waits for it here, or there is more to say of it.
    #[inline]
    fn answer_waiting(&mut self, member: At, seen: Seen<'_>, context: &mut Context) -> bool {
        let Some(place) = self.waiting.first(seen.frame.object_id) else { return false };
        let asked = &self.waiting.reads()[place];
        if !self.contests.is_empty() {
            // What is left of them may be for it, too.
            return false;
        }
        if self.waiting.count(asked.subject) > 1 {
            return self.answer_one_of(member, seen, context);
        }
        if !self.is_plain_answer(member, seen.frame, asked, context) {
            return false;
        }
        self.pace.learn(asked.frame.clock, seen.frame.clock);
        self.tell_answered(place, seen, self.line_free(), context);
        true
    }

    /// Whether there is nothing to say of this as the answer to that READ.
    #[inline]
    fn is_plain_answer(&self, member: At, frame: &Ordinary, asked: &Read, context: &Context) -> bool {
        let (subject, asked_at) = (asked.subject, asked.frame.clock);
        asked.member == member
            && frame.command == Command::RESPONSE
            && values::is_plain_response(frame.command, &frame.short(), self.subjects.nature(subject))
            && asked_at.saturating_add(self.pace.needs) <= frame.clock
            && frame.clock.is_within(context.timeout, asked_at)
            && !self.requests.any_for(subject)
    }

    /// The same where several READs wait for it: whose it is is known when there is an answer for each.
    #[inline(never)]
    fn answer_one_of(&mut self, member: At, Seen { id: sighting, frame }: Seen<'_>, context: &mut Context) -> bool {
        let within = (!self.members.any_proven()).then_some(frame.connection);
        let rivals = Contest { key: Key::of_ordinary(frame), within };
        let is_other = |early: &Early| early.frame.object_id == frame.object_id && early.contest != rivals;
        if self.waiting.early.iter().any(is_other)
            || !self.waiting.of(frame.object_id).all(|asked| self.is_plain_answer(member, frame, asked, context))
        {
            return false;
        }
        self.in_bootloader = false;
        self.waiting.early.push(Early { contest: rivals, frame: *frame, sighting, line_free: self.line_free() });
        let is_for_it = |early: &Early| early.frame.object_id == frame.object_id;
        let answered = self.waiting.early.iter().filter(|early| is_for_it(early)).count();
        if answered < self.waiting.of(frame.object_id).count() {
            return true;
        }
        let answers: SmallVec<[Early; 4]> = self.waiting.early.extract_if(.., |early| is_for_it(early)).collect();
        for Early { frame, sighting, line_free, .. } in &answers {
            if let Some(place) = self.waiting.first(frame.object_id) {
                self.tell_answered(place, Seen { id: *sighting, frame }, *line_free, context);
            }
        }
        true
    }

    /// Tells the exchange that the READ at some place in the order and its answer are. `line_free`: when the line began to work
    /// on that.
    #[inline]
    fn tell_answered(
        &mut self,
        place: usize,
        Seen { id: sighting, frame }: Seen<'_>,
        line_free: Timestamp,
        context: &mut Context,
    ) {
        let read = &self.waiting.reads()[place];
        let (asked, subject) = (read.frame.clock, read.subject);
        let Some(member) = self.members.get_mut(read.member) else { return };
        let began = line_free.max(asked);
        let (response_time, service_time) = (frame.clock.nanos_since(asked), frame.clock.nanos_since(began));
        context.out.plain(|| PlainExchange {
            id: read.id,
            client: member.ends.client,
            device: member.ends.device,
            request: (read.sighting, read.frame),
            response: (sighting, *frame),
            response_time,
            service_time,
        });
        self.in_bootloader = false;
        self.subjects.remember_ordinary(subject, frame);
        member.asked.set_fate(read.ordinal, Fate::Fine, frame.clock);
        member.counts.answered(true);
        self.waiting.remove(place, subject);
        self.finished(frame.clock);
        // Nothing is to be looked at then, but what else is open is looked at as often as on the long way.
        self.check_at(frame.clock.saturating_add(COPY_TRIAL));
    }

    /// Until when the first of the READs that wait here waits. Makes requests of them where that is over at `now`, or where
    /// answers are to be shared out then.
    pub(super) fn tick_waiting(&mut self, now: Timestamp, context: &Context) -> Option<Timestamp> {
        let first = self.waiting.reads().iter().map(|read| read.frame.clock).min()?;
        let deadline = first.saturating_add(context.timeout);
        if deadline > now && self.contests.is_empty() {
            return Some(deadline);
        }
        self.unfold(context);
        None
    }

    /// Makes requests like all others of the READs that wait here.
    #[inline]
    pub(super) fn unfold(&mut self, context: &Context) {
        if !self.waiting.reads().is_empty() {
            self.unfold_all(context);
        }
    }

    #[inline(never)]
    fn unfold_all(&mut self, context: &Context) {
        self.unfold_those(|_| true, context);
        for Early { contest, frame, sighting, line_free } in self.waiting.early.drain(..) {
            let Some(ends) = self.members.place(frame.connection).and_then(|member| self.members.get(member)) else {
                continue;
            };
            let first = boxed(|| frame.sighting(sighting, ends.ends.of(Sender::Device), Sender::Device));
            let (copies, pairing, anomalies) = (SmallVec::new(), Pairing::Certain, Vec::new());
            let answer = Answer { first, copies, pairing, line_free, anomalies };
            self.contests.add(Contested { contest, answer, seen: SmallVec::new(), place: None });
        }
    }

    /// The same of some of them.
    #[inline(never)]
    fn unfold_those(&mut self, is_meant: impl Fn(&Read) -> bool, context: &Context) {
        for read in self.waiting.take(is_meant) {
            let served = self.waiting.early.iter().any(|early| early.serves(&read));
            let Read { frame, sighting, id, ordinal, member, subject } = read;
            let Some(asked_by) = self.members.get_mut(member) else { continue };
            let handle = self.requests.next_handle(id);
            asked_by.asked.set_handle(ordinal, handle);
            let ends = asked_by.ends.of(Sender::Client);
            let asking = boxed(|| Exchange::asking(frame.sighting(sighting, ends, Sender::Client)));
            let due = (Kind::Read, frame.clock.saturating_add(context.timeout));
            let request = Request::new(handle, asking, (member, subject), due, ordinal, None, None);
            self.requests.push(|| Request { served, ..request });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::ExchangeId;
    use super::super::lines::{Lines, Opening};
    use super::super::outcome::{LineId, Listener};
    use super::*;
    use crate::anomaly::Anomaly;
    use crate::endpoint::{ConnectionId, Direction, Endpoint};
    use crate::object::ObjectId;
    use crate::packet::ByteRange;
    use crate::rct::FrameStatus;
    use crate::rct::registry::Registry;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    const MS: i64 = 1_000_000;
    const LONG_AGO: i64 = 10_000 * MS;
    /// What nearly all answers say.
    const SAID: [u8; 4] = [0x3f, 0x80, 0, 0];
    /// What came then may still be copied.
    const LATELY: i64 = 1_000 * MS;
    const TIMEOUT: Duration = Duration::from_millis(300);
    /// A text, and one that is not known.
    const ODD: [u32; 2] = [0xebc6_2737, 0xdead_beef];
    /// More than would be a backlog.
    const OBJECTS: usize = BACKLOG + 6;

    #[derive(Clone, Debug)]
    enum Act {
        /// For so many objects, one after the other, each so many times.
        Ask {
            connection: u32,
            object: usize,
            count: usize,
            times: usize,
            command: Command,
        },
        Answer {
            to: To,
            count: usize,
            payload: Vec<u8>,
            form: Form,
        },
        Wait(i64),
        Lose(u32),
        GiveUp,
        Leave(u32),
    }

    /// Whom an answer is meant for.
    #[derive(Clone, Copy, Debug)]
    enum To {
        /// One of those that have asked and got none: this one, from the first on.
        Asking(usize),
        /// Anybody: so on this connection, about this object.
        Anybody(u32, usize),
    }

    /// What an answer is beside what it says.
    #[derive(Clone, Copy, Debug)]
    enum Form {
        Ordinary,
        Broken,
        Addressed,
        Long,
    }

    fn act() -> impl Strategy<Value = Act> {
        let form = prop_oneof![
            16 => Just(Form::Ordinary),
            1 => Just(Form::Broken),
            1 => Just(Form::Addressed),
            1 => Just(Form::Long),
        ];
        let (connection, object, count) = (0..2_u32, 0..OBJECTS, prop_oneof![6 => 1..4_usize, 1 => 1..=OBJECTS]);
        let times = prop_oneof![4 => Just(1), 1 => 2..4_usize];
        let to = prop_oneof![
            4 => prop_oneof![4 => Just(0), 1 => 0..9_usize].prop_map(To::Asking),
            1 => (connection.clone(), object.clone()).prop_map(|(connection, object)| To::Anybody(connection, object)),
        ];
        let command = prop_oneof![
            12 => Just(Command::READ),
            1 => Just(Command::WRITE),
            1 => Just(Command::READ_PERIODICALLY),
        ];
        let payload = prop_oneof![
            8 => Just(SAID.to_vec()),
            1 => Just(vec![0x3f, 0x80, 0]),
            1 => proptest::collection::vec(any::<u8>(), 0..6),
        ];
        prop_oneof![
            6 => (connection.clone(), object, count.clone(), times, command).prop_map(
                |(connection, object, count, times, command)| Act::Ask { connection, object, count, times, command }
            ),
            8 => (to, count, payload, form).prop_map(|(to, count, payload, form)| Act::Answer { to, count, payload, form }),
            4 => prop_oneof![0..20_i64, 0..400_i64].prop_map(Act::Wait),
            1 => connection.clone().prop_map(Act::Lose),
            1 => Just(Act::GiveUp),
            1 => connection.prop_map(Act::Leave),
        ]
    }

    /// All that was told, as text.
    #[derive(Default)]
    struct Heard {
        told: Vec<String>,
        plain: usize,
    }

    impl Listener for Heard {
        fn asked(&mut self, id: ExchangeId, _line: LineId, clock: Timestamp, at: ByteRange) {
            self.told.push(format!("{id} {clock:?} {at:?}"));
        }

        fn exchange(&mut self, exchange: Box<Exchange>) {
            self.told.push(format!("{exchange:?}"));
        }

        fn plain(&mut self, exchange: Box<PlainExchange>) {
            self.plain += 1;
            self.exchange(Box::new(exchange.exchange()));
        }

        fn anomaly(&mut self, clock: Timestamp, anomaly: Box<Anomaly>) {
            self.told.push(format!("{clock:?} {anomaly:?}"));
        }
    }

    /// A device with two connections, and what is said of it.
    struct Play {
        lines: Lines<Heard>,
        objects: Vec<ObjectId>,
        /// Who has asked for which object and got no answer.
        asking: Vec<(u32, usize)>,
        sightings: u64,
    }

    fn ends(connection: u32, direction: Direction) -> [Endpoint; 2] {
        let client = Endpoint::new([192, 0, 2, 10].into(), 50_000 + u16::try_from(connection).expect("few"));
        let device = Endpoint::new([192, 0, 2, 20].into(), 8899);
        if direction == Direction::ToServer { [client, device] } else { [device, client] }
    }

    impl Play {
        /// `copied`: whether a connection may get copies, as far as is known. `began`: how long before `now` the device first
        /// answered; `taken`: how many milliseconds it took for that.
        fn new(goes_the_long_way: bool, copied: [bool; 2], (began, taken): (i64, i64), now: Timestamp) -> Self {
            let [asked, answered] = [taken, 0].map(|ms| Timestamp::from_nanos(now.nanos() - began - ms * MS));
            let registry = Registry::builtin();
            let numbers = registry.objects().filter(|object| object.response_type == DataType::Float);
            let objects = ODD.map(ObjectId).into_iter().chain(numbers.map(|object| object.id)).take(OBJECTS).collect();
            let mut lines = Lines::new(Arc::new(registry.clone()), TIMEOUT, Heard::default());
            for connection in 0..2 {
                let [client, server] = ends(connection, Direction::ToServer);
                let id = ConnectionId(connection);
                lines.open(Opening { id, client, server, clock: asked, midstream: false });
                lines.seen_both_ways(id);
            }
            let mut play = Self { lines, objects, asking: Vec::new(), sightings: 0 };
            for (connection, copied) in (0..).zip(copied) {
                // What is said then is said again, and not only where it was.
                let objects = 2 + 6 * connection as usize..8 + 6 * connection as usize;
                for object in objects.clone() {
                    play.say((connection, Direction::ToServer), (Command::READ, object), &[], asked);
                }
                for object in objects {
                    play.say((connection, Direction::ToClient), (Command::RESPONSE, object), &SAID, answered);
                }
                let line = play.line();
                line.goes_the_long_way = goes_the_long_way;
                let member = line.members.place(ConnectionId(connection)).expect("it has joined");
                (0..3).filter(|_| !copied).for_each(|_| line.members.missed_copy(member));
            }
            play.lines.tick(now);
            play
        }

        fn line(&mut self) -> &mut DeviceLine {
            self.lines.first_line()
        }

        fn frame(
            &mut self,
            way: (u32, Direction),
            (command, object): (Command, usize),
            payload: &[u8],
            now: Timestamp,
        ) -> (SightingId, Ordinary) {
            self.sightings += 1;
            (SightingId(self.sightings), Ordinary::sample(way, command, self.objects[object % OBJECTS], payload, now))
        }

        fn say(&mut self, way: (u32, Direction), what: (Command, usize), payload: &[u8], now: Timestamp) {
            let (id, frame) = self.frame(way, what, payload, now);
            self.lines.ordinary(&frame, id);
        }

        fn answer(&mut self, way: (u32, Direction), object: usize, (payload, form): (&[u8], Form), now: Timestamp) {
            if matches!(form, Form::Ordinary) {
                return self.say(way, (Command::RESPONSE, object), payload, now);
            }
            let (id, frame) = self.frame(way, (Command::RESPONSE, object), payload, now);
            let frame = frame.sighting(id, ends(way.0, way.1), Sender::Device);
            let mut frame = Box::new(match form {
                Form::Ordinary => frame,
                Form::Broken => Sighting { status: FrameStatus::CrcMismatch, ..frame },
                Form::Addressed => Sighting { address: Some(7), ..frame },
                Form::Long => Sighting { payload: [&frame.payload[..], &[0; 32]].concat().into(), ..frame },
            });
            let addressee = self.lines.address(&mut frame, id);
            self.lines.frame(frame, addressee);
        }

        fn perform(&mut self, act: &Act, now: Timestamp) -> Vec<String> {
            match act {
                Act::Ask { connection, object, count, times, command } => {
                    for object in (*object..).take(*count).flat_map(|object| std::iter::repeat_n(object, *times)) {
                        self.say((*connection, Direction::ToServer), (*command, object), &[], now);
                        self.asking.push((*connection, object));
                    }
                }
                Act::Answer { to, count, payload, form } => {
                    for n in 0..*count {
                        let (connection, object) = match *to {
                            To::Anybody(connection, object) => (connection, object + n),
                            To::Asking(place) if place < self.asking.len() => self.asking.remove(place),
                            To::Asking(_) => break,
                        };
                        self.answer((connection, Direction::ToClient), object, (payload, *form), now);
                    }
                }
                Act::Wait(_) => self.lines.tick(now),
                Act::Lose(connection) => {
                    self.lines.lost(ConnectionId(*connection), ends(0, Direction::ToClient)[0], now);
                }
                Act::GiveUp => self.lines.give_up(LineId::default()),
                Act::Leave(connection) => {
                    self.lines.close(ConnectionId(*connection));
                }
            }
            std::mem::take(&mut self.lines.listener().told)
        }

        /// What is known without a look at requests.
        fn known(&mut self) -> String {
            let waits = [0, 1].map(|connection| self.lines.is_waiting(ConnectionId(connection)));
            let line = self.line();
            let counts = [0, 1].map(|id| {
                line.members.place(ConnectionId(id)).and_then(|at| line.members.get(at)).map(|member| member.counts)
            });
            let open = line.requests.len() + line.waiting.reads().len();
            let (free, emptied, pace, load) = (line.free_at, &line.emptied, &line.pace, &line.load);
            format!(
                "{waits:?} {counts:?} {open} {free:?} {emptied:?} {pace:?} {load:?} {:?} {}",
                line.next_check, line.in_bootloader
            )
        }
    }

    proptest! {
        /// Whoever goes the short way comes where the long way leads.
        #[test]
        fn the_short_way_leads_where_the_long_one_does(
            acts in proptest::collection::vec(act(), 1..60),
            copied in any::<[bool; 2]>(),
            began in prop_oneof![3 => Just(LONG_AGO), 1 => Just(LATELY)],
            taken in prop_oneof![Just(0), Just(40)],
        ) {
            let mut now = Timestamp::from_nanos(2 * LONG_AGO);
            let [mut short, mut long] = [false, true].map(|long| Play::new(long, copied, (began, taken), now));
            for act in acts {
                if let Act::Wait(ms) = act {
                    now = Timestamp::from_nanos(now.nanos() + ms * MS);
                }
                prop_assert_eq!(short.perform(&act, now), long.perform(&act, now), "{:?}", act);
                prop_assert_eq!(short.known(), long.known(), "{:?}", act);
            }
            let [short, long] = [short, long].map(|mut play| {
                play.lines.finish(now);
                std::mem::take(play.lines.listener())
            });
            prop_assert_eq!(short.told, long.told);
            prop_assert_eq!(long.plain, 0);
        }
    }

    /// What is left of a contest that was given up may be an answer to who asks next: that was forgotten on the short way.
    #[test]
    fn what_is_left_of_a_contest_is_not_forgotten() {
        let now = Timestamp::from_nanos(2 * LONG_AGO);
        let ask = |object, count| Act::Ask { connection: 0, object, count, times: 2, command: Command::READ };
        let answer = |count| Act::Answer { to: To::Asking(0), count, payload: SAID.to_vec(), form: Form::Ordinary };
        let acts = [ask(8, 1), answer(1), Act::GiveUp, answer(1), ask(7, 2), answer(3)];
        let [mut short, mut long] = [false, true].map(|long| Play::new(long, [false; 2], (LONG_AGO, 0), now));
        for act in acts {
            assert_eq!(short.perform(&act, now), long.perform(&act, now), "{act:?}");
        }
    }

    /// A go of READs, answered one after the other: the way is taken.
    #[test]
    fn what_nearly_all_do_goes_the_short_way() {
        let [asked, answered] = [0, 30].map(|ms| Timestamp::from_nanos(2 * LONG_AGO + ms * MS));
        let mut play = Play::new(false, [false; 2], (LONG_AGO, 40), asked);
        for (way, command, payload, now) in [
            (Direction::ToServer, Command::READ, &[][..], asked),
            (Direction::ToClient, Command::RESPONSE, &[0; 4], answered),
        ] {
            for object in 4..12 {
                play.say((0, way), (command, object), payload, now);
            }
        }
        assert_eq!(play.lines.listener().plain, 8);
    }
}
