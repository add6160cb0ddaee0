//! From steps to events: frames reach the line of their device, and what follows from them leaves in the order of time.

use super::Options;
use super::closed::Closed;
use super::found::{Found, What};
use super::order::{Order, Place};
use super::step::{End, Kind, Step};
use super::told::Told;
use super::trouble::Trouble;
use crate::anomaly::{Anomaly, Code, Severity};
use crate::event::{ConnectionSummary, NonFrameSighting, Summary};
use crate::limits::OPEN_REQUESTS;
use crate::line::{
    Exchange, ExchangeId, ExchangeStatus, LineId, Lines, Listener, NonFrameSeen, Ordinary, PlainExchange, Sender,
    Sighting, SightingId,
};
use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;
use std::mem;

/// The second half of an [`Analyzer`](super::Analyzer): steps in, events out.
#[derive(Debug)]
pub struct Teller {
    /// Whether frames and non-frames are told.
    frames: bool,
    lines: Lines<Book>,
    sightings: u64,
}

/// What has been found out and not been told yet.
#[derive(Debug, Default)]
struct Book {
    order: Order,
    /// The packet that brought what was found last.
    packet: PacketNumber,
    summary: Summary,
}

impl Listener for Book {
    #[inline]
    fn asked(&mut self, id: ExchangeId, line: LineId, clock: Timestamp, at: ByteRange) {
        self.order.promise(clock, at, (id, line));
    }

    #[inline]
    fn exchange(&mut self, exchange: Box<Exchange>) {
        count_exchange(&mut self.summary, &exchange);
        let (id, lead) = (exchange.id, exchange.lead());
        let place = Place::of(lead.clock, lead.place());
        self.order.fill(id, Told::Exchange(exchange), place);
    }

    #[inline]
    fn plain(&mut self, exchange: Box<PlainExchange>) {
        self.summary.request_count += 1;
        self.summary.answered_count += 1;
        let (id, (_, request)) = (exchange.id, &exchange.request);
        let place = Place::of(request.ts(), request.place());
        self.order.fill(id, Told::Plain(exchange), place);
    }

    fn anomaly(&mut self, clock: Timestamp, anomaly: Box<Anomaly>) {
        self.put_anomaly(clock, self.packet, anomaly);
    }
}

impl Book {
    /// `packet`: where an anomaly stands that no bytes prove.
    fn put_anomaly(&mut self, clock: Timestamp, packet: PacketNumber, anomaly: Box<Anomaly>) {
        count_anomaly(&mut self.summary, &anomaly);
        self.order.put(stand(clock, packet, &anomaly), Told::Anomaly(anomaly));
    }
}

impl Teller {
    /// A teller that has heard nothing yet. The options are those of the collector.
    pub fn new(options: &Options) -> Self {
        Self {
            frames: options.frames,
            lines: Lines::new(options.registry.clone(), options.timeout, Book::default()),
            sightings: 0,
        }
    }

    /// Takes what is in these steps, in order, and appends what is settled by them to `out`; after the last one of a session,
    /// everything, the summary last. There is no use for a step twice: see [`Step::clear`].
    pub fn take(&mut self, steps: &mut [Step], out: &mut Vec<Told>) {
        for Step(kind) in steps {
            if let Kind::Found(Found::Ordinary(frame)) = kind {
                // Nearly all are this, and it stays where it is.
                self.ordinary(frame);
                if frame.settles {
                    self.settle(frame.ts(), out);
                }
                continue;
            }
            match mem::replace(kind, Kind::Told) {
                Kind::Found(found) => self.found(found, out),
                Kind::Told => {}
                Kind::Settled(settled) => self.settle(settled, out),
                Kind::Opened(opening) => self.lines.open(opening),
                Kind::BothWays(id) => self.lines.seen_both_ways(id),
                Kind::Trouble(trouble) => self.trouble(*trouble),
                Kind::End(end) => self.end(*end, out),
            }
        }
    }

    /// Takes back what has been told, for the room: there is always as much of it in use as waits.
    #[inline]
    pub fn reuse(&mut self, told: &mut Vec<Told>) {
        for told in told.drain(..) {
            if let Told::Plain(exchange) = told {
                self.lines.reuse(exchange);
            }
        }
    }

    /// An ordinary frame reaches its line.
    #[inline]
    fn ordinary(&mut self, frame: &Ordinary) {
        let id = self.next_sighting(frame.place().packet);
        self.lines.listener().summary.frame_count += 1;
        self.lines.ordinary(frame, id);
    }

    /// Anything that was found reaches its line.
    #[inline(never)]
    fn found(&mut self, found: Found, out: &mut Vec<Told>) {
        let (at, settles) = (found.at(), found.settles());
        match found {
            Found::Ordinary(frame) => self.ordinary(&frame),
            Found::Rare { what, .. } => {
                let id = self.next_sighting(at.packet());
                match what {
                    What::Frame(frame) => self.frame(frame, id, at),
                    What::NonFrame(bytes) => self.non_frame(bytes, id, at),
                    What::Closed(closed) => self.closed(&closed, at),
                }
            }
        }
        if settles {
            self.settle(at.clock(), out);
        }
    }

    /// The number of what was found next, in this packet.
    #[inline]
    fn next_sighting(&mut self, packet: PacketNumber) -> SightingId {
        self.lines.listener().packet = packet;
        self.sightings += 1;
        SightingId(self.sightings)
    }

    fn frame(&mut self, mut frame: Box<Sighting>, id: SightingId, at: Place) {
        self.lines.listener().summary.frame_count += 1;
        let addressee = self.lines.address(&mut frame, id);
        if self.frames {
            self.lines.listener().order.put(at, Told::Frame(frame.clone()));
        }
        self.lines.frame(frame, addressee);
    }

    fn non_frame(&mut self, mut bytes: Box<NonFrameSighting>, id: SightingId, at: Place) {
        bytes.id = id;
        bytes.sender = self.lines.sender(bytes.connection, bytes.src);
        if self.frames {
            // Before what there is to say of them.
            self.lines.listener().order.put(at, Told::NonFrame(bytes.clone()));
        }
        self.lines.non_frame(&seen(&bytes), bytes.sender);
    }

    /// Lets time pass, and hands out what nothing can come before any more.
    fn settle(&mut self, settled: Timestamp, out: &mut Vec<Told>) {
        self.lines.tick(settled);
        if self.lines.listener().order.is_full() {
            self.make_room();
        }
        self.lines.listener().order.release(settled, out);
    }

    /// What all wait for is given up.
    #[cold]
    fn make_room(&mut self) {
        for _ in 0..OPEN_REQUESTS {
            let Some(line) = self.lines.listener().order.waits_for() else { return };
            self.lines.give_up(line);
        }
    }

    /// Trouble of the capture or of TCP gets its number and becomes an anomaly.
    fn trouble(&mut self, trouble: Trouble) {
        let Trouble { code, ts, clock, packet, connection, evidence, message, only_if_waiting } = trouble;
        if only_if_waiting && !connection.is_some_and(|id| self.lines.is_waiting(id)) {
            return;
        }
        let id = self.lines.anomaly_id();
        let anomaly = Anomaly { id, code, ts, connection, object_id: None, message, evidence };
        self.lines.listener().put_anomaly(clock, packet, Box::new(anomaly));
    }

    /// The turn of a connection's end has come.
    fn closed(&mut self, closed: &Closed, at: Place) {
        let Some(closing) = self.lines.close(closed.id) else { return };
        if closed.retransmission_count > 0 {
            let message = format!("{} segments sent again, same content", closed.retransmission_count);
            self.trouble(closed.trouble(Code::Retransmission, at.clock(), message));
        }
        if let Some(end) = closed.only_from {
            let message = format!("only packets from {end} were captured: requests and answers cannot all be told");
            self.trouble(closed.trouble(Code::OneSided, at.clock(), message));
        }
        let device = closing.device;
        let client = if device == closed.server { closed.client } else { closed.server };
        let opened_by = if closed.client == device { Sender::Device } else { Sender::Client };
        let summary = ConnectionSummary {
            id: closed.id,
            first: closed.first,
            last: closed.last,
            packet_count: closed.packet_count,
            client,
            device,
            roles_proven: closing.proven,
            opened_by: closed.opened_seen.then_some(opened_by),
            closed: closed.reason,
            portal: closing.counts.portal,
            request_count: closing.counts.requests,
            own_count: closing.counts.own,
            foreign_count: closing.counts.foreign,
            unanswered_count: closing.counts.unanswered,
        };
        let book = self.lines.listener();
        book.summary.connection_count += 1;
        book.order.put(at, Told::Connection(Box::new(summary)));
    }

    /// The capture is over: everything is told.
    fn end(&mut self, end: End, out: &mut Vec<Told>) {
        self.lines.finish(end.clock);
        let book = self.lines.listener();
        book.order.release_all(out);
        let counted = std::mem::take(&mut book.summary);
        let totals = end.totals;
        let summary = Summary {
            packet_count: totals.packet_count,
            segment_count: totals.segment_count,
            first: totals.first,
            last: totals.last,
            last_packet: totals.last_packet,
            complete: totals.complete,
            tcp_connection_count: totals.tcp_connection_count,
            other_ports: totals.other_ports,
            ..counted
        };
        out.push(Told::Summary(Box::new(summary)));
    }
}

/// The place of an anomaly: at the bytes that prove it, or at `packet` where there are none.
fn stand(clock: Timestamp, packet: PacketNumber, anomaly: &Anomaly) -> Place {
    match anomaly.evidence.first() {
        Some(at) => Place::of(clock, *at),
        None => Place::new(clock, packet, 0),
    }
}

fn count_anomaly(summary: &mut Summary, anomaly: &Anomaly) {
    summary.anomaly_count += 1;
    match anomaly.code.severity() {
        Severity::Error => summary.error_count += 1,
        Severity::Warning => summary.warning_count += 1,
        Severity::Note => summary.note_count += 1,
    }
}

fn count_exchange(summary: &mut Summary, exchange: &Exchange) {
    summary.request_count += u64::from(exchange.request.is_some());
    *match exchange.status {
        ExchangeStatus::Answered => &mut summary.answered_count,
        ExchangeStatus::Damaged => &mut summary.damaged_count,
        ExchangeStatus::Unanswered => &mut summary.unanswered_count,
        ExchangeStatus::Unconfirmed => &mut summary.unconfirmed_count,
        ExchangeStatus::Open => &mut summary.open_count,
        ExchangeStatus::Unsolicited => &mut summary.unsolicited_count,
    } += 1;
}

fn seen(bytes: &NonFrameSighting) -> NonFrameSeen<'_> {
    NonFrameSeen {
        connection: bytes.connection,
        src: bytes.src,
        dst: bytes.dst,
        ts: bytes.ts,
        clock: bytes.clock,
        kind: bytes.kind,
        capture_incomplete: bytes.capture_incomplete,
        raw: &bytes.raw,
        spans: &bytes.spans,
    }
}
