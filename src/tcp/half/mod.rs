//! One direction of one connection: puts its segments in order and says what went wrong with them.
//!
//! Knows the sequence numbers of its own sender and what the other side acknowledged. Handshakes, resets and the life of
//! the connection are the business of `connection`.
//!
//! Places in the stream are internal offsets: 64 bits that never wrap, with the first byte known at [`ANCHOR`], so
//! that there is room before it for segments of a connection that began before the capture. Users count from `base`.

mod holes;
mod in_step;

use crate::limits::{HOLE_PATIENCE, ONE_SIDED_HOLE_PATIENCE, STRAY_DISTANCE};
use crate::net::{Segment, Seq};
use crate::packet::ByteRange;
use crate::tcp::event::{GapReason, NoticeKind};
use crate::tcp::flow::Flow;
use crate::tcp::history::Past;
use crate::tcp::log::Trail;
use crate::tcp::outbox::{Place, Queued, Shared};
use crate::tcp::pieces::Pieces;
use crate::tcp::run::{Difference, Origin, Run, index, length64};
use crate::tcp::{DirectionStats, Overlap};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// The internal offset of the first byte a direction knows of. Sequence numbers reach 2 GiB back.
const ANCHOR: u64 = 1 << 32;

/// Ranges (given up, snapped) that are remembered; older ones are forgotten, which only makes a notice less exact.
const RANGES: usize = 32;

/// One direction's state.
#[derive(Debug)]
pub(in crate::tcp) struct Half {
    flow: Flow,
    /// The sequence number at [`ANCHOR`].
    anchor: Seq,
    /// The internal offset of the stream's first byte.
    base: u64,
    /// The next byte to hand out. `base <= next <= highest`, save during the pre-roll, when nothing is handed out.
    next: u64,
    /// The end of what the sender is known to have sent: data, or a FIN behind data not seen.
    highest: u64,
    /// When the end of what is known to have been sent was last raised, by data or by an acknowledgment of it.
    raised: Timestamp,
    /// The greatest acknowledgment of the other side.
    acked: u64,
    /// Where the stream ends.
    fin: Option<u64>,
    /// The receive window of the other side, scaled.
    window: u32,
    preroll: Option<Preroll>,
    pieces: Pieces,
    watch: Option<Watch>,
    armed: Option<Timestamp>,
    /// Holes given up.
    lost: VecDeque<Range<u64>>,
    /// Bytes that were on the wire but cut from the packet by the snap length.
    snapped: VecDeque<Range<u64>>,
    /// Where a segment that was far ahead ended.
    stray_end: Option<Seq>,
    delivered: Past,
    seen: Trail,
    good_checksums: u32,
    stats: DirectionStats,
}

/// Without a handshake, the first bytes are held until it is clear which are the first.
#[derive(Clone, Copy, Debug)]
struct Preroll {
    since: Timestamp,
    segments: u32,
    lowest: u64,
}

/// Holes below `to` are acknowledged, and have been since then.
#[derive(Clone, Copy, Debug)]
struct Watch {
    to: u64,
    since: Timestamp,
    packets: u64,
}

/// Bytes known to be missing in front of `end`.
#[derive(Clone, Copy, Debug)]
struct Hole {
    end: u64,
    since: Timestamp,
}

/// What the connection around a half looks like at this packet.
#[derive(Clone, Copy, Debug)]
pub(in crate::tcp) struct Surroundings {
    /// Packets of the connection so far.
    pub(in crate::tcp) packets: u64,
    /// Packets of one end alone have been captured.
    pub(in crate::tcp) is_one_sided: bool,
}

impl Surroundings {
    /// How long a hole is waited for that nobody acknowledges.
    fn patience(self) -> Duration {
        if self.is_one_sided { ONE_SIDED_HOLE_PATIENCE } else { HOLE_PATIENCE }
    }
}

/// Where a segment's payload lies in the stream.
#[derive(Clone, Copy, Debug)]
struct Arrived<'a> {
    /// The captured bytes.
    run: Run<'a>,
    /// Where the payload ends, captured or not.
    end: u64,
}

/// How many bytes of a segment were there before, and how many were new.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    repeated: u64,
    late: u64,
    fresh: u64,
}

impl Half {
    /// A direction whose first byte has sequence number `first`.
    pub(in crate::tcp) fn new(flow: Flow, first: Seq, now: Timestamp) -> Self {
        Self {
            flow,
            anchor: first,
            base: ANCHOR,
            next: ANCHOR,
            highest: ANCHOR,
            raised: now,
            acked: 0,
            fin: None,
            window: 0,
            preroll: None,
            pieces: Pieces::default(),
            watch: None,
            armed: None,
            lost: VecDeque::new(),
            snapped: VecDeque::new(),
            stray_end: None,
            delivered: Past::default(),
            seen: Trail::default(),
            good_checksums: 0,
            stats: DirectionStats::default(),
        }
    }

    /// A direction that began before the capture: `seen` is the first number seen, but an earlier one may follow.
    pub(in crate::tcp) fn midstream(flow: Flow, seen: Seq, now: Timestamp) -> Self {
        let preroll = Preroll { since: now, segments: 0, lowest: ANCHOR };
        Self { preroll: Some(preroll), ..Self::new(flow, seen, now) }
    }

    pub(in crate::tcp) const fn stats(&self) -> &DirectionStats {
        &self.stats
    }

    /// The sequence number behind everything sent so far.
    pub(in crate::tcp) fn highest_seq(&self) -> Seq {
        let fin = u64::from(self.fin == Some(self.highest));
        self.seq_at(self.highest + fin)
    }

    /// Whether the sender has finished and all its bytes were handed out.
    pub(in crate::tcp) fn is_finished(&self) -> bool {
        self.preroll.is_none() && self.fin == Some(self.next)
    }

    #[cfg(test)]
    pub(in crate::tcp) const fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// Whether a RST with this sequence number can be genuine.
    pub(in crate::tcp) fn accepts_reset(&self, seq: Seq) -> bool {
        let offset = self.offset_of(seq);
        let low = self.next.min(self.highest).saturating_sub(1);
        let high = self.highest + 1 + u64::from(self.window);
        self.preroll.is_some() || (low..=high).contains(&offset)
    }

    /// Whether the payload of a segment goes beyond what was sent before.
    pub(in crate::tcp) fn is_beyond(&self, segment: &Segment<'_>) -> bool {
        self.offset_of(segment.seq) + u64::from(segment.wire_length()) > self.highest
    }

    #[inline]
    fn offset_of(&self, seq: Seq) -> u64 {
        self.next.saturating_add_signed(i64::from(seq.distance_from(self.seq_at(self.next))))
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "sequence numbers are offsets modulo 2^32")]
    fn seq_at(&self, offset: u64) -> Seq {
        self.anchor.advanced(offset.wrapping_sub(ANCHOR) as u32)
    }
}

/// Segments of the sender.
impl Half {
    /// Takes a segment of this direction's sender.
    pub(in crate::tcp) fn receive(&mut self, segment: &Segment<'_>, around: Surroundings, shared: &mut Shared) {
        let first = segment.seq.advanced(u32::from(segment.flags.syn()));
        let start = self.offset_of(first);
        if self.is_keep_alive(segment, start, shared) {
            self.stats.keep_alive_count += 1;
            shared.notice(self.flow, NoticeKind::KeepAlive, shared.this_packet());
            return;
        }
        if segment.wire_length() == 0 && !segment.flags.fin() {
            return self.look_after_hole(around, shared);
        }
        let origin = Origin { packet: segment.packet, ts: segment.ts, at: segment.payload_offset };
        let run = Run { offset: start, bytes: segment.payload, origin };
        let arrived = Arrived { run, end: start + u64::from(segment.wire_length()) };
        if self.is_corrupt(segment, shared) || self.is_stray(segment, &arrived, shared) {
            return;
        }
        if segment.flags.fin() {
            self.finish_at(arrived.end, shared.moment.now);
        }
        if self.is_next(&arrived) {
            let place = self.place_of(arrived.run.offset, arrived.run.origin);
            self.take_next(segment, arrived.run, shared);
            shared.outbox.push(Queued::Lent(place, 0..arrived.run.bytes.len()));
        } else {
            self.take_in(segment, arrived, shared);
        }
        self.look_after_hole(around, shared);
    }

    /// Whether a segment is what nearly all are: the next bytes, all of them, and nothing waits for anything.
    #[inline]
    fn is_next(&self, arrived: &Arrived<'_>) -> bool {
        arrived.run.offset == self.next
            && self.highest == self.next
            && arrived.run.end() == arrived.end
            && self.preroll.is_none()
            && self.fin.is_none()
            && self.pieces.is_empty()
    }

    /// [`Half::take_in`] for such a segment: there is nothing to compare, to cut, or to tell, but that its payload, all of
    /// it, comes next, which is left to the caller.
    #[expect(clippy::inline_always, reason = "each of the calls on this way costs a tenth of it")]
    #[inline(always)]
    fn take_next(&mut self, segment: &Segment<'_>, run: Run<'_>, shared: &mut Shared) {
        shared.sightings.note(&mut self.seen, segment);
        self.delivered(run, shared);
    }

    /// A probe whose one byte (or none) lies just before what comes next: it is no data, and may be anything.
    fn is_keep_alive(&self, segment: &Segment<'_>, start: u64, shared: &Shared) -> bool {
        let flags = segment.flags;
        start + 1 == self.highest
            && segment.wire_length() <= 1
            && !(flags.syn() || flags.fin() || flags.rst())
            && self.preroll.is_none()
            && !shared.sightings.contains(self.seen, segment)
    }

    /// Whether the checksum says that the data is not to be used. Where checksums are wrong from the start or often,
    /// they are not filled in yet at the point of capture, and say nothing.
    #[inline]
    fn is_corrupt(&mut self, segment: &Segment<'_>, shared: &mut Shared) -> bool {
        match segment.checksum_ok() {
            Some(true) => {
                self.good_checksums = self.good_checksums.saturating_add(1);
                false
            }
            Some(false) => self.is_to_be_dropped(segment, shared),
            None => false,
        }
    }

    /// Whether a wrong checksum means something.
    #[cold]
    fn is_to_be_dropped(&mut self, segment: &Segment<'_>, shared: &mut Shared) -> bool {
        let trusted = self.stats.bad_checksum_count.saturating_mul(10) < u64::from(self.good_checksums);
        self.stats.bad_checksum_count += 1;
        if trusted {
            shared.notice(self.flow, NoticeKind::BadChecksum, payload_range(segment));
        }
        trusted
    }

    /// Whether a segment lies too far from the stream to belong to it. Far ahead, a second one that goes on where the
    /// first ended proves that it does: then everything between is given up.
    fn is_stray(&mut self, segment: &Segment<'_>, arrived: &Arrived<'_>, shared: &mut Shared) -> bool {
        let reach = STRAY_DISTANCE.max(2 * u64::from(self.window));
        let ahead = arrived.run.offset > self.next + reach;
        let behind = arrived.end + reach < self.next;
        if !ahead && !behind {
            return false;
        }
        if ahead && self.stray_end == Some(segment.seq) {
            self.stray_end = None;
            self.raise(arrived.run.offset, shared.moment.now);
            self.settle_preroll(shared);
            self.give_up_to(arrived.run.offset, GapReason::Jump, shared);
            return false;
        }
        if ahead {
            self.stray_end = Some(segment.seq.advanced(segment.wire_length()));
        }
        self.stats.out_of_window_count += 1;
        shared.notice(self.flow, NoticeKind::OutOfWindow, payload_range(segment));
        true
    }

    fn finish_at(&mut self, end: u64, now: Timestamp) {
        // A FIN before bytes already sent is a lie.
        if self.fin.is_none() && end >= self.highest {
            self.fin = Some(end);
            self.raise(end, now);
        }
    }

    /// Places the bytes of a segment and tells what kind of segment it was.
    fn take_in(&mut self, segment: &Segment<'_>, arrived: Arrived<'_>, shared: &mut Shared) {
        let whole = payload_range(segment);
        let before = self.highest;
        let repeats = arrived.run.offset < before && arrived.end > arrived.run.offset;
        let duplicate = repeats && shared.sightings.contains(self.seen, segment);
        if !duplicate {
            shared.sightings.note(&mut self.seen, segment);
        }
        let arrived = self.cut_at_fin(arrived, whole, shared);
        self.count_preroll(arrived.run.offset, shared);
        self.note_missing(&arrived, whole, shared);
        let outcome = self.place(arrived.run, shared);
        self.raise(arrived.end, shared.moment.now);
        let (counter, kind) = if duplicate {
            (&mut self.stats.duplicate_count, NoticeKind::DuplicatePacket)
        } else if outcome.late > 0 {
            (&mut self.stats.late_count, NoticeKind::LateData)
        } else if outcome.repeated > 0 {
            (&mut self.stats.retransmission_count, NoticeKind::Retransmission)
        } else if outcome.fresh > 0 && repeats {
            (&mut self.stats.out_of_order_count, NoticeKind::OutOfOrder)
        } else {
            return self.bound_pieces(shared);
        };
        *counter += 1;
        shared.notice(self.flow, kind, whole);
        self.bound_pieces(shared);
    }

    fn cut_at_fin<'a>(&mut self, arrived: Arrived<'a>, whole: ByteRange, shared: &mut Shared) -> Arrived<'a> {
        match self.fin {
            Some(fin) if arrived.end > fin => {
                shared.notice(self.flow, NoticeKind::DataAfterFin, whole);
                Arrived { run: arrived.run.part(arrived.run.offset.min(fin), fin), end: fin }
            }
            _ => arrived,
        }
    }

    fn note_missing(&mut self, arrived: &Arrived<'_>, whole: ByteRange, shared: &mut Shared) {
        let captured = arrived.run.end();
        if captured < arrived.end {
            remember_range(&mut self.snapped, captured..arrived.end);
            shared.notice(self.flow, NoticeKind::TruncatedPacket, whole);
        }
    }

    /// Hands out what is next, holds what is not, and compares what was there before.
    fn place(&mut self, run: Run<'_>, shared: &mut Shared) -> Outcome {
        let floor = if self.preroll.is_some() { 0 } else { self.next };
        let mut outcome = Outcome::default();
        let old = run.part(run.offset, floor);
        if !old.bytes.is_empty() {
            self.compare_delivered(old, &mut outcome, shared);
        }
        let new = run.part(floor, u64::MAX);
        if new.bytes.is_empty() {
            return outcome;
        }
        if self.pieces.is_empty() {
            // Nearly always nothing is held, and there is nothing to compare with.
            outcome.fresh = length64(new.bytes.len());
            self.put(new, run.offset, shared);
            return outcome;
        }
        let range = new.offset..new.end();
        let free = self.pieces.uncovered(range.clone());
        outcome.fresh = free.iter().map(|part| part.end - part.start).sum();
        outcome.repeated += length64(new.bytes.len()) - outcome.fresh;
        for difference in self.pieces.compare(new) {
            self.report_conflict(difference, shared);
        }
        if shared.overlap == Overlap::Last && outcome.repeated > 0 {
            self.pieces.cut_out(&range, &mut shared.held.of(self.flow));
            self.put(new, run.offset, shared);
        } else {
            for part in free {
                self.put(new.part(part.start, part.end), run.offset, shared);
            }
        }
        outcome
    }

    /// Puts bytes that are nowhere yet where they belong. `start` is where the segment's payload starts.
    fn put(&mut self, run: Run<'_>, start: u64, shared: &mut Shared) {
        if self.preroll.is_none() && run.offset == self.next {
            let skip = index(run.offset - start);
            let place = self.place_of(run.offset, run.origin);
            shared.outbox.push(Queued::Lent(place, skip..skip + run.bytes.len()));
            self.delivered(run, shared);
            self.release(shared);
        } else {
            self.pieces.insert(run, shared.moment.now, &mut shared.held.of(self.flow));
        }
    }

    /// Hands out the pieces that are next now.
    fn release(&mut self, shared: &mut Shared) {
        while let Some(piece) = self.pieces.take(self.next, &mut shared.held.of(self.flow)) {
            let run = Run { offset: self.next, bytes: &piece.bytes, origin: piece.origin };
            let place = self.place_of(run.offset, run.origin);
            self.delivered(run, shared);
            shared.outbox.push(Queued::Owned(place, piece.bytes));
        }
    }

    #[inline]
    fn delivered(&mut self, run: Run<'_>, shared: &mut Shared) {
        shared.history.remember(&mut self.delivered, run);
        self.stats.bytes += length64(run.bytes.len());
        self.next = run.end();
        self.highest = self.highest.max(self.next);
    }

    #[inline]
    fn place_of(&self, offset: u64, origin: Origin) -> Place {
        Place { flow: self.flow, offset: offset - self.base, origin }
    }

    fn compare_delivered(&mut self, old: Run<'_>, outcome: &mut Outcome, shared: &mut Shared) {
        let overlap = |range: &Range<u64>| range.end.min(old.end()).saturating_sub(range.start.max(old.offset));
        outcome.late = self.lost.iter().map(overlap).sum();
        outcome.repeated = length64(old.bytes.len()).saturating_sub(outcome.late);
        for difference in shared.history.compare(self.delivered, old) {
            self.report_conflict(difference, shared);
        }
    }

    fn report_conflict(&mut self, difference: Difference, shared: &mut Shared) {
        self.stats.conflict_count += 1;
        let offset = difference.offset.saturating_sub(self.base);
        let kind = NoticeKind::OverlapConflict { offset, length: difference.length, first: difference.first };
        shared.notice(self.flow, kind, difference.later);
    }

    fn raise(&mut self, end: u64, now: Timestamp) {
        if end > self.highest {
            self.highest = end;
            self.raised = now;
        }
    }
}

fn payload_range(segment: &Segment<'_>) -> ByteRange {
    let origin = Origin { packet: segment.packet, ts: segment.ts, at: segment.payload_offset };
    origin.range(segment.payload.len())
}

fn remember_range(ranges: &mut VecDeque<Range<u64>>, range: Range<u64>) {
    if ranges.len() == RANGES {
        ranges.pop_front();
    }
    ranges.push_back(range);
}
