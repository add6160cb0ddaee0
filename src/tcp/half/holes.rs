//! What is missing, how long it is waited for, and how it is given up.
//!
//! Knows what the other side acknowledged, and time.

use super::{Half, Hole, Surroundings, Watch, remember_range};
use crate::limits::{
    ACKNOWLEDGED_HOLE, ACKNOWLEDGED_HOLE_PACKETS, PENDING_BYTES_PER_DIRECTION, PREROLL, PREROLL_SEGMENTS,
    STRAY_DISTANCE,
};
use crate::net::Seq;
use crate::tcp::event::{GapReason, NoticeKind};
use crate::tcp::flow::Timers;
use crate::tcp::held::Held;
use crate::tcp::outbox::{Queued, Shared};
use crate::tcp::run::Origin;
use crate::time::Timestamp;

impl Half {
    /// Takes an acknowledgment of the other side.
    #[inline]
    pub(in crate::tcp) fn acknowledge(&mut self, ack: Seq, window: u32, around: Surroundings, shared: &mut Shared) {
        self.window = window;
        let offset = self.offset_of(ack);
        if offset <= self.acked || offset > self.highest + STRAY_DISTANCE {
            if self.watch.is_some() {
                self.look_after_hole(around, shared);
            }
            return;
        }
        if self.acked <= self.highest && offset > self.highest {
            // From here on bytes are known to be missing at the end that nobody has shown yet.
            self.raised = shared.moment.now;
        }
        self.acked = offset;
        if self.preroll.is_some_and(|preroll| offset > preroll.lowest) {
            self.settle_preroll(shared);
        }
        self.look_after_hole(around, shared);
    }

    /// Gives up what has been waited for long enough, and sets the timer for the rest.
    #[inline]
    pub(in crate::tcp) fn look_after_hole(&mut self, around: Surroundings, shared: &mut Shared) {
        let waits = self.preroll.is_some() || self.next < self.known_end();
        if waits || self.armed.is_some() {
            self.wait_or_give_up(around, shared);
        }
    }

    fn wait_or_give_up(&mut self, around: Surroundings, shared: &mut Shared) {
        let now = shared.moment.now;
        if self.preroll.is_some_and(|preroll| now.since(preroll.since) >= PREROLL) {
            self.settle_preroll(shared);
        }
        let mut deadline = self.preroll.map(|preroll| preroll.since.saturating_add(PREROLL));
        while let Some(hole) = self.hole() {
            let watch = self.watch_over(hole, around, now);
            if watch.is_some_and(|watch| watch.is_over(around, now)) {
                self.give_up_to(hole.end, GapReason::Acknowledged, shared);
            } else if now.since(hole.since) >= around.patience() {
                self.give_up_to(hole.end, GapReason::Timeout, shared);
            } else {
                let timeout = hole.since.saturating_add(around.patience());
                deadline =
                    Some(watch.map_or(timeout, |watch| timeout.min(watch.since.saturating_add(ACKNOWLEDGED_HOLE))));
                break;
            }
        }
        shared.timers.set(self.flow, &mut self.armed, deadline);
    }

    /// What is missing in front of the bytes held, or at the end of the stream.
    fn hole(&self) -> Option<Hole> {
        if self.preroll.is_some() {
            return None;
        }
        if let Some((end, since)) = self.pieces.first() {
            return Some(Hole { end, since });
        }
        let end = self.known_end();
        (self.next < end).then_some(Hole { end, since: self.raised })
    }

    /// The end of what was sent, as far as both sides tell.
    fn known_end(&self) -> u64 {
        // One more than was sent acknowledges a FIN that was not captured.
        let beyond = self.fin.is_none() && self.acked > self.highest + 1;
        if beyond { self.acked } else { self.highest }
    }

    /// Since when the hole has been acknowledged, if it is.
    fn watch_over(&mut self, hole: Hole, around: Surroundings, now: Timestamp) -> Option<Watch> {
        if self.watch.is_none_or(|watch| watch.to < hole.end) {
            let acknowledged = self.acked >= hole.end;
            self.watch = acknowledged.then_some(Watch { to: self.acked, since: now, packets: around.packets });
        }
        self.watch
    }

    /// Gives up every hole below `end`.
    pub(super) fn give_up_to(&mut self, end: u64, reason: GapReason, shared: &mut Shared) {
        while self.next < end {
            let to = self.pieces.first().map_or(end, |(start, _)| start.min(end));
            self.give_up(to, reason, shared);
            self.release(shared);
        }
    }

    /// Gives up the bytes from `next` to `end`.
    fn give_up(&mut self, end: u64, reason: GapReason, shared: &mut Shared) {
        let next = self.next;
        let snapped = self.snapped.iter().any(|range| range.contains(&next));
        let reason = if snapped { GapReason::Snapped } else { reason };
        let length = end - next;
        let origin = Origin { packet: shared.moment.packet, ts: shared.moment.ts, at: 0 };
        shared.outbox.push(Queued::Gap(self.place_of(next, origin), length, reason));
        remember_range(&mut self.lost, next..end);
        self.stats.gap_count += 1;
        self.stats.gap_bytes += length;
        self.next = end;
        self.highest = self.highest.max(end);
    }

    /// Keeps the bytes held within their bound, at the cost of the oldest holes.
    pub(super) fn bound_pieces(&mut self, shared: &mut Shared) {
        while self.pieces.cost() > PENDING_BYTES_PER_DIRECTION {
            self.give_up_oldest(shared);
        }
    }

    /// Gives up the hole in front of the bytes held, because there are too many.
    pub(in crate::tcp) fn give_up_oldest(&mut self, shared: &mut Shared) {
        shared.notice(self.flow, NoticeKind::BufferLimit, shared.this_packet());
        self.settle_preroll(shared);
        if let Some((end, _)) = self.pieces.first() {
            self.give_up_to(end, GapReason::Limit, shared);
        }
    }

    pub(super) fn count_preroll(&mut self, start: u64, shared: &mut Shared) {
        let Some(preroll) = &mut self.preroll else { return };
        preroll.lowest = preroll.lowest.min(start);
        preroll.segments += 1;
        let (segments, lowest) = (preroll.segments, preroll.lowest);
        if segments >= PREROLL_SEGMENTS || self.acked > lowest {
            self.settle_preroll(shared);
        }
    }

    /// Decides which byte is the first, and hands out from there.
    pub(super) fn settle_preroll(&mut self, shared: &mut Shared) {
        if let Some(preroll) = self.preroll.take() {
            self.base = preroll.lowest;
            self.next = preroll.lowest;
            self.release(shared);
        }
    }

    /// Hands out all that is held, as nothing more will come.
    pub(in crate::tcp) fn flush(&mut self, shared: &mut Shared) {
        self.settle_preroll(shared);
        while let Some(hole) = self.hole() {
            self.give_up_to(hole.end, GapReason::End, shared);
        }
        shared.timers.set(self.flow, &mut self.armed, None);
    }

    /// Forgets all that is held: nobody wants it.
    pub(in crate::tcp) fn discard(&mut self, held: &mut Held, timers: &mut Timers) {
        self.pieces.clear(&mut held.of(self.flow));
        timers.set(self.flow, &mut self.armed, None);
    }
}

impl Watch {
    fn is_over(&self, around: Surroundings, now: Timestamp) -> bool {
        now.since(self.since) >= ACKNOWLEDGED_HOLE || around.packets - self.packets >= ACKNOWLEDGED_HOLE_PACKETS
    }
}
