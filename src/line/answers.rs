//! What the device sends: answers and their copies, and frames that nobody asked for.

use super::copies::Place;
use super::device::{CROSSED, Context, DeviceLine, REAL_DEVICE, REMEMBERED_KEYS, SECOND_ANSWER};
use super::exchange::{Exchange, ExchangeStatus, Pairing, Response, Sighting};
use super::member::Copying;
use super::outcome::About;
use super::request::{Answer, Contest, Contested, Key, Kind};
use super::series::{EVENT_ROW, TIMESERIES_ROW};
use super::values;
use crate::anomaly::{AnomalyId, Code};
use crate::endpoint::ConnectionId;
use crate::rct::registry::DataType;
use crate::time::Timestamp;
use rustc_hash::FxHasher;
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The device pads texts to a multiple of this; published ones have 32 and 64 bytes.
const TEXT_PADDING: usize = 16;

/// A hash over all that makes two sightings the same frame.
pub(super) fn identity(sighting: &Sighting) -> u64 {
    let mut hasher = FxHasher::default();
    (sighting.command, sighting.object_id, sighting.address, sighting.crc_read, sighting.declared_length)
        .hash(&mut hasher);
    sighting.payload.hash(&mut hasher);
    hasher.finish()
}

impl DeviceLine {
    /// The frame that this sighting is a copy of, if it is one.
    pub(super) fn find_copy(
        &self,
        identity: u64,
        key: Option<Key>,
        connection: ConnectionId,
        clock: Timestamp,
    ) -> Option<Place> {
        let member = self.members.get(connection)?;
        let place = self.copies.find(identity, connection, member.opened)?;
        // Two clients of a device that copies nothing may ask the same and get the same: then each has its own answer.
        // A real one does not answer twice in so short a time.
        let at_once = self.copies.get(place).is_some_and(|original| clock.since(original.ts) < REAL_DEVICE);
        let is_copy = at_once && self.fastest.is_none_or(|fastest| fastest >= REAL_DEVICE);
        let may_be_own = !is_copy && !self.is_hub() && self.is_waiting_for(connection, key);
        (!may_be_own).then_some(place)
    }

    /// Whether a connection other than this one may get copies, one that is not a member yet included.
    fn expects_copies_of(&self, connection: ConnectionId) -> bool {
        self.members.len() <= 1 || self.members.iter().any(|m| m.id != connection && m.expects_copies())
    }

    /// Whether answers have been seen to be copied.
    pub(super) fn is_hub(&self) -> bool {
        self.members.iter().any(|member| matches!(member.copying, Copying::Proven(_)))
    }

    fn is_waiting_for(&self, connection: ConnectionId, key: Option<Key>) -> bool {
        self.requests
            .iter()
            .any(|request| request.is_open() && request.connection == connection && Some(request.key) == key)
    }

    /// A copy of a frame seen before on another connection.
    pub(super) fn copy(&mut self, place: Place, frame: &Arc<Sighting>, context: &mut Context<'_>) {
        let asked_for_it_too = self.is_waiting_for(frame.connection, Some(Key::of(frame)));
        self.seen_again(place, frame.connection, asked_for_it_too);
        if frame.command.is_response() {
            self.requests.serve(frame.connection, Key::of(frame));
        }
        let Some(original) = self.copies.get(place) else { return };
        let (exchange, owner, sent) = (original.exchange, original.owner, original.ts);
        if let Some(answer) = exchange.and_then(|id| self.requests.get_mut(id)).and_then(|r| r.answer.as_mut()) {
            if owner == Some(frame.connection) {
                answer.own.get_or_insert_with(|| Arc::clone(frame));
            } else {
                answer.copies.push(frame.connection);
            }
        }
        let contested = self.requests.contested.iter_mut().find(|contested| contested.place == Some(place));
        if let Some(contested) = contested {
            contested.answer.copies.push(frame.connection);
            contested.seen.push(Arc::clone(frame));
        }
        self.judge_arrival(frame, owner, sent, context);
        if let Some(id) = exchange {
            self.tell_if_ready(id, context);
        }
    }

    /// Notes a copy of anything, frame or not.
    pub(super) fn seen_again(&mut self, place: Place, connection: ConnectionId, asked_for_it_too: bool) {
        self.copies.mark(place, connection);
        if let Some(member) = self.members.get_mut(connection) {
            member.got_copy(asked_for_it_too);
        }
    }

    /// A frame of the device, seen for the first time.
    pub(super) fn original(&mut self, identity: Option<u64>, frame: &Arc<Sighting>, context: &mut Context<'_>) {
        let place = identity
            .filter(|_| self.expects_copies_of(frame.connection))
            .map(|identity| self.copies.remember(identity, frame.id, frame.connection, frame.clock));
        self.in_bootloader &= !frame.crc_ok();
        let mut anomalies = values::judge_response(frame, context);
        if let Some(object) = context.registry.get(frame.object_id)
            && frame.crc_ok()
            && frame.command.is_response()
        {
            anomalies.extend(match object.response_type {
                DataType::String => self.cut_text(frame, context),
                DataType::Timeseries => self.cut_series(frame, object, TIMESERIES_ROW, context),
                DataType::EventTable => self.cut_series(frame, object, EVENT_ROW, context),
                _ => None,
            });
        }
        if frame.command.is_response() {
            self.answer(place, frame, anomalies, context);
        } else {
            Self::unasked_command(frame, anomalies, context);
        }
    }

    /// A RESPONSE: to whom?
    fn answer(
        &mut self,
        place: Option<Place>,
        frame: &Arc<Sighting>,
        anomalies: SmallVec<[(AnomalyId, Code); 2]>,
        context: &mut Context<'_>,
    ) {
        let key = Key::of(frame);
        self.requests.serve(frame.connection, key);
        // Where nothing is copied, an answer goes to whoever asked.
        let mut rivals = Contest { key, within: (!self.is_hub()).then_some(frame.connection) };
        let mut candidates = self.requests.candidates(rivals, self.confirms_writes);
        if candidates.is_empty() && rivals.within.take().is_some() {
            candidates = self.requests.candidates(rivals, self.confirms_writes);
        }
        if candidates.is_empty() || self.is_second_answer(key, frame, &candidates) {
            return self.unasked(place, frame, anomalies, context);
        }
        self.load.answered();
        let pairing = if frame.crc_ok() { Pairing::Certain } else { Pairing::Tentative };
        let answer = Answer {
            first: Arc::clone(frame),
            own: None,
            copies: SmallVec::new(),
            pairing,
            line_free: self.free_at.unwrap_or(Timestamp::from_nanos(i64::MIN)),
            anomalies,
        };
        if let [only] = candidates[..] {
            let request = self.requests.get(only);
            let owner = request.map(|request| request.connection);
            if let Some(request) = request {
                let taken = frame.clock.since(request.frame.clock);
                self.fastest = Some(self.fastest.map_or(taken, |fastest| fastest.min(taken)));
            }
            self.give(only, answer, &[], place);
            self.judge_arrival(frame, owner, frame.clock, context);
            self.tell_if_ready(only, context);
            return;
        }
        self.requests.contested.push(Contested { contest: rivals, answer, seen: SmallVec::new(), place });
        self.judge_arrival(frame, None, frame.clock, context);
        let contestants = self.requests.contested.iter().filter(|contested| contested.contest == rivals).count();
        if contestants == candidates.len() {
            for (id, contested) in candidates.into_iter().zip(self.requests.take_contested(rivals)) {
                self.give(id, contested.answer, &contested.seen, contested.place);
                self.tell_if_ready(id, context);
            }
        }
    }

    /// Whether this comes right behind an answer for the same object, and too soon after all open requests for it.
    fn is_second_answer(&self, key: Key, frame: &Sighting, candidates: &[super::ExchangeId]) -> bool {
        let last = self.answered.get(&key).filter(|last| frame.clock.is_within(SECOND_ANSWER, last.frame.clock));
        let Some(last) = last.filter(|last| *last.frame.payload != *frame.payload) else { return false };
        let needs = self.needs();
        let in_time = self.requests.latest_before(candidates, frame.clock, needs).and_then(|id| self.requests.get(id));
        in_time.is_none_or(|request| {
            request.frame.clock >= last.frame.clock && frame.clock.since(request.frame.clock) < needs
        })
    }

    /// A RESPONSE that answers no open request.
    fn unasked(
        &mut self,
        place: Option<Place>,
        frame: &Arc<Sighting>,
        mut anomalies: SmallVec<[(AnomalyId, Code); 2]>,
        context: &mut Context<'_>,
    ) {
        let key = Key::of(frame);
        let periodic = self.subscriptions.contains(&key);
        let blind = self.members.get(frame.connection).is_none_or(|m| !m.two_sided || frame.clock <= m.blind_until);
        let second = self.answered.get(&key).filter(|last| frame.clock.is_within(SECOND_ANSWER, last.frame.clock));
        if !frame.crc_ok() {
            self.blame_broken_answer(frame.connection);
        } else if periodic {
            self.judge_arrival(frame, None, frame.clock, context);
        } else if let Some(last) = second.filter(|last| *last.frame.payload != *frame.payload) {
            let message = format!("a second answer to the request that packet {} answered", last.frame.packet());
            let (about, owner) = (About::frame(frame).and(&last.frame), last.owner);
            anomalies.push(context.out.anomaly(Code::DuplicateResponse, about, message));
            if let Some(original) = place.and_then(|place| self.copies.get_mut(place)) {
                original.owner = Some(owner);
            }
            self.judge_arrival(frame, Some(owner), frame.clock, context);
        } else if let Some(request) = self.expired.remove(&key) {
            let ms = frame.clock.since(request.clock).as_secs_f64() * 1e3;
            let message = format!("the answer came {ms:.0} ms after its request, when nobody waited for it any more");
            anomalies.push(context.out.anomaly(Code::LateResponse, About::frame(frame).and(&request), message));
        } else if !self.judge_arrival(frame, None, frame.clock, context) && !blind {
            anomalies.push(context.out.anomaly(Code::Unsolicited, About::frame(frame), "nobody asked for this"));
        }
        tell_unasked(frame, periodic, anomalies, context);
    }

    /// The device has sent a command that is no RESPONSE.
    fn unasked_command(
        frame: &Arc<Sighting>,
        mut anomalies: SmallVec<[(AnomalyId, Code); 2]>,
        context: &mut Context<'_>,
    ) {
        if frame.crc_ok() {
            let (code, message) = if frame.command.is_write() {
                (Code::DeviceWrite, "the device sent a WRITE")
            } else if frame.command.is_known() {
                (Code::Echo, "the device sent the request back")
            } else {
                (Code::Unsolicited, "the device sent a command that no client waits for")
            };
            anomalies.push(context.out.anomaly(code, About::frame(frame), message));
        }
        tell_unasked(frame, false, anomalies, context);
    }

    /// Whether an answer disturbed the connection it arrived on: it was waiting, but for something else. `sent`: when
    /// the answer was first seen anywhere. What was asked after that crossed it on the way, and was not disturbed.
    fn judge_arrival(
        &mut self,
        frame: &Sighting,
        owner: Option<ConnectionId>,
        sent: Timestamp,
        context: &mut Context<'_>,
    ) -> bool {
        let here = frame.connection;
        let own = owner == Some(here);
        if let Some(member) = self.members.get_mut(here) {
            member.counts.own += u64::from(own);
            member.counts.foreign += u64::from(!own && owner.is_some());
        }
        if own || !frame.crc_ok() || !frame.command.is_response() {
            return false;
        }
        let Some(request) = self.disturbed(here, Key::of(frame), sent) else { return false };
        let whose = owner.map_or_else(String::new, |owner| format!(" meant for connection {owner}"));
        let message = format!(
            "an answer for {}{whose} came while connection {here} waited for {}",
            values::name(context.registry, frame.object_id),
            values::name(context.registry, request.object_id)
        );
        context.out.anomaly(Code::ForeignResponse, About::frame(frame).and(&request), message);
        true
    }

    /// The request that a connection waits for, if it is not for `key`, too.
    fn disturbed(&self, connection: ConnectionId, key: Key, sent: Timestamp) -> Option<Arc<Sighting>> {
        let mut oldest = None;
        for request in self.requests.iter().filter(|request| request.connection == connection) {
            let unseen = request.answer.as_ref().is_none_or(|answer| answer.own.is_none());
            if !unseen || request.passed_over_at.is_some() || request.kind == Kind::Write {
                continue;
            }
            if request.key == key {
                return None;
            }
            let contested = || {
                self.requests.contested.iter().any(|contested| {
                    contested.contest.key == request.key && contested.answer.first.clock >= request.frame.clock
                })
            };
            let disturbed = !request.served && !request.blind && !sent.is_within(CROSSED, request.frame.clock);
            if oldest.is_none() && disturbed && !contested() {
                oldest = Some(Arc::clone(&request.frame));
            }
        }
        oldest
    }

    /// A text that was cut. Texts have no fixed length, but the device pads them
    /// with zeros to a round one, always the same for one object.
    fn cut_text(&mut self, frame: &Sighting, context: &mut Context<'_>) -> Option<(AnomalyId, Code)> {
        let length = frame.payload.len();
        if self.longest.len() >= REMEMBERED_KEYS {
            self.longest.clear();
        }
        let longest = self.longest.entry(Key::of(frame)).or_default();
        *longest = length.max(*longest);
        let padded_to = longest.next_multiple_of(TEXT_PADDING);
        if length.is_multiple_of(TEXT_PADDING) || padded_to == length {
            return None;
        }
        let cut_before = longest.is_multiple_of(TEXT_PADDING);
        let cut_in_padding = frame.payload.ends_with(&[0, 0]);
        let interrupted = !frame.payload.contains(&0) && self.was_interrupted(frame);
        (cut_before || cut_in_padding || interrupted).then(|| {
            let message =
                format!("{length} of {padded_to} bytes; the CRC is valid, so the device itself cut the answer");
            context.out.anomaly(Code::PayloadShort, About::frame(frame), message)
        })
    }

    /// Whether another client asked something after the request that `frame` answers.
    fn was_interrupted(&self, frame: &Sighting) -> bool {
        let asked = self.requests.iter().find(|request| request.is_open() && request.key == Key::of(frame));
        asked.is_some_and(|asked| {
            self.requests.iter().rev().any(|other| other.connection != asked.connection && other.id > asked.id)
        })
    }

    /// Something broken came from the device: it may have been the answer to the oldest request on this connection.
    pub(super) fn blame_broken_answer(&mut self, connection: ConnectionId) {
        let oldest = self.requests.iter_mut().find(|request| request.is_open() && request.connection == connection);
        if let Some(request) = oldest {
            request.broken_answer = true;
        }
    }
}

fn tell_unasked(
    frame: &Arc<Sighting>,
    periodic: bool,
    anomalies: SmallVec<[(AnomalyId, Code); 2]>,
    context: &mut Context<'_>,
) {
    let id = context.out.exchange_id();
    let response = Response {
        frame: Arc::clone(frame),
        on_asking_connection: false,
        copies: SmallVec::new(),
        pairing: Pairing::Certain,
    };
    context.out.exchange(Box::new(Exchange {
        id,
        ts: frame.ts,
        request: None,
        response: Some(response),
        status: ExchangeStatus::Unsolicited,
        response_time: None,
        service_time: None,
        periodic,
        anomalies,
    }));
}
