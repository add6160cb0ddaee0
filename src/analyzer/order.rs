//! The order of events. What is told late keeps the place of the moment it is about.
//!
//! An exchange is told when its answer is known, but stands at the time of its request. So a request takes a place
//! here at once, and everything behind that place waits until it is filled.

use super::told::Told;
use crate::limits::WAITING_BYTES;
use crate::line::{ExchangeId, LineId, Sighting};
use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Packets whose time stamps are out of order by no more than this come out sorted all the same.
const SLACK: Duration = Duration::from_millis(10);

/// Events held back at once. A capture of the real thing holds some hundred; with more, the oldest open request is
/// told as it stands.
pub(super) const MOST: usize = 65_536;

/// So many events are looked at one by one for the place of an exchange, before it is searched for.
const NEAR: usize = 4;

/// Where an event stands: by time, then packet, then offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    clock: Timestamp,
    packet: PacketNumber,
    offset: u32,
}

impl Place {
    pub(super) fn new(clock: Timestamp, packet: PacketNumber, offset: u32) -> Self {
        Self { clock, packet, offset }
    }

    /// The place of some bytes.
    pub(super) fn of(clock: Timestamp, at: ByteRange) -> Self {
        Self::new(clock, at.packet, at.offset)
    }

    pub(super) fn clock(&self) -> Timestamp {
        self.clock
    }

    pub(super) fn packet(&self) -> PacketNumber {
        self.packet
    }

    pub(super) fn offset(&self) -> u32 {
        self.offset
    }

    /// By packet and offset alone: the order in which the capture shows things, whatever its clock did.
    pub(super) fn in_capture(&self) -> (PacketNumber, u32) {
        (self.packet, self.offset)
    }
}

/// An event that waits for its turn.
#[derive(Debug)]
pub(super) enum Held {
    /// An exchange that is not told yet.
    Promised(ExchangeId, LineId),
    /// With the bytes it takes beside itself.
    Told(Told, usize),
}

/// The events that wait, sorted.
#[derive(Debug, Default)]
pub(super) struct Order {
    held: VecDeque<(Place, Held)>,
    /// The bytes in them.
    weight: usize,
    /// How many have been handed out; it may wrap.
    gone: usize,
    /// Where the last exchange was filled in, counted from the first event ever: what follows it.
    filled: usize,
}

impl Held {
    fn is_promised_to(&self, exchange: ExchangeId) -> bool {
        matches!(self, Self::Promised(id, _) if *id == exchange)
    }
}

fn of_frame(frame: &Sighting) -> usize {
    frame.raw.len() + frame.payload.len() + size_of_val(&*frame.spans)
}

/// The bytes an event takes beside itself.
fn weight(event: &Told) -> usize {
    match event {
        Told::Frame(frame) => of_frame(frame),
        Told::NonFrame(bytes) => bytes.raw.len(),
        Told::Exchange(exchange) => {
            let response = exchange.response.as_ref().map(|response| &response.frame);
            exchange.request.iter().chain(response).map(of_frame).sum()
        }
        Told::Anomaly(anomaly) => anomaly.message.len() + size_of_val(&*anomaly.evidence),
        Told::Plain(_) | Told::Connection(_) | Told::Summary(_) => 0,
    }
}

impl Order {
    /// Puts an event in its place, behind those that have the same.
    pub(super) fn put(&mut self, place: Place, event: Told) {
        let weight = weight(&event);
        self.weight += weight;
        self.insert(place, Held::Told(event, weight));
    }

    /// Keeps the place of some bytes for an exchange that is not told yet, and for whatever comes behind it.
    #[inline]
    pub(super) fn promise(&mut self, clock: Timestamp, at: ByteRange, (exchange, line): (ExchangeId, LineId)) {
        self.insert(Place::of(clock, at), Held::Promised(exchange, line));
    }

    /// Inlined, so that what is put together for it goes right to where it stays.
    #[expect(clippy::inline_always, reason = "handed over by memory, it would have to wait there")]
    #[inline(always)]
    fn insert(&mut self, place: Place, event: Held) {
        // Most belong at the end.
        if self.held.back().is_none_or(|(last, _)| *last <= place) {
            self.held.push_back((place, event));
        } else {
            self.insert_earlier(place, event);
        }
    }

    /// What comes late, as from a connection that is given up, may belong far in front.
    #[cold]
    fn insert_earlier(&mut self, place: Place, event: Held) {
        let at = self.held.partition_point(|(other, _)| *other <= place);
        self.held.insert(at, (place, event));
    }

    /// Fills the place that was promised to this exchange; one without a promise takes its own.
    #[inline]
    pub(super) fn fill(&mut self, exchange: ExchangeId, told: Told, place: Place) {
        // Exchanges are told about as they were promised, so that it is the one behind the last, or almost.
        let hint = self.filled.wrapping_sub(self.gone);
        for at in hint..hint.saturating_add(NEAR) {
            match self.held.get_mut(at) {
                Some((_, held)) if held.is_promised_to(exchange) => return self.fill_at(at, told),
                Some(_) => {}
                None => break,
            }
        }
        self.fill_far(exchange, told, place);
    }

    /// The same for one that has to be searched for.
    #[cold]
    fn fill_far(&mut self, exchange: ExchangeId, told: Told, place: Place) {
        let start = self.held.partition_point(|(other, _)| *other < place);
        let mut same = self.held.range_mut(start..).take_while(|(other, _)| *other == place);
        match same.position(|(_, held)| held.is_promised_to(exchange)) {
            Some(behind) => self.fill_at(start + behind, told),
            None => self.put(place, told),
        }
    }

    /// Fills the place that stands there.
    #[inline]
    fn fill_at(&mut self, at: usize, told: Told) {
        self.filled = self.gone.wrapping_add(at + 1);
        let weight = weight(&told);
        self.weight += weight;
        self.held[at].1 = Held::Told(told, weight);
    }

    /// The line of the exchange that all others wait for, if there is one.
    pub(super) fn waits_for(&self) -> Option<LineId> {
        match self.held.front()? {
            (_, Held::Promised(_, line)) => Some(*line),
            (_, Held::Told(..)) => None,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.held.len() > MOST || self.weight > WAITING_BYTES
    }

    /// Hands out all that nothing earlier can come before: nothing is known any more of before `settled`.
    #[inline]
    pub(super) fn release(&mut self, settled: Timestamp, out: &mut Vec<Told>) {
        let until = settled.saturating_sub(SLACK);
        while let Some((place, Held::Told(..))) = self.held.front()
            && (place.clock <= until || self.is_full())
            && let Some((_, Held::Told(event, weight))) = self.held.pop_front()
        {
            self.gone = self.gone.wrapping_add(1);
            self.weight -= weight;
            out.push(event);
        }
    }

    /// Hands out everything: the capture is over. What was promised and never told is left out.
    pub(super) fn release_all(&mut self, out: &mut Vec<Told>) {
        self.gone = self.gone.wrapping_add(self.held.len());
        self.weight = 0;
        out.extend(self.held.drain(..).filter_map(|(_, held)| match held {
            Held::Told(event, _) => Some(event),
            Held::Promised(..) => None,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{ConnectionId, Endpoint};
    use crate::event::NonFrameSighting;
    use crate::line::{Sender, SightingId};
    use crate::rct::NonFrameKind;
    use smallvec::SmallVec;
    use std::net::Ipv4Addr;

    const MEBIBYTE: usize = 1 << 20;

    fn junk() -> Told {
        let end = Endpoint::new(Ipv4Addr::LOCALHOST.into(), 8899);
        Told::NonFrame(Box::new(NonFrameSighting {
            id: SightingId(1),
            ts: Timestamp::default(),
            clock: Timestamp::default(),
            connection: ConnectionId(1),
            sender: Sender::Client,
            src: end,
            dst: end,
            kind: NonFrameKind::Junk,
            capture_incomplete: false,
            raw: SmallVec::from_vec(vec![0; MEBIBYTE]),
            stream_offset: 0,
            stream_length: 0,
            spans: SmallVec::new(),
        }))
    }

    #[test]
    fn what_waits_is_bounded_by_its_bytes() {
        let (mut order, mut out) = (Order::default(), Vec::new());
        let long_ago = Timestamp::from_nanos(i64::MIN / 2);
        for _ in 0..WAITING_BYTES / MEBIBYTE {
            order.put(Place::default(), junk());
        }
        order.release(long_ago, &mut out);
        assert!(out.is_empty() && !order.is_full(), "so much may wait");
        for _ in 0..3 {
            order.put(Place::default(), junk());
        }
        assert!(order.is_full());
        order.release(long_ago, &mut out);
        assert!(!out.is_empty() && !order.is_full(), "the oldest is told before its time");
    }
}
