//! What a packet has brought is passed on when nothing can come before it any more.
//!
//! Knows who waits for whom in which order (`sequence`), and not what is passed on.

use super::step::{Kind, Step};
use super::work::Work;
use crate::in_place::push;
use crate::packet::PacketNumber;
use crate::time::Timestamp;

/// How long frames wait for bytes behind a hole.
const PATIENCE_NANOS: i64 = 5_000_000_000;

/// What is waiting to be told is looked at this often while no frame comes.
const IDLE_NANOS: i64 = 10_000_000;

impl Work {
    /// Passes on what is settled.
    #[expect(clippy::inline_always, reason = "most packets bring nothing, and it ends here")]
    #[inline(always)]
    pub(super) fn release(&mut self, pending: Option<PacketNumber>) {
        if !self.watch.is_empty() {
            self.watch();
        }
        let idle = self.steps.len() == self.fresh_from && self.now.nanos_since(self.released) < IDLE_NANOS;
        if !idle || pending != self.pending.map(|(packet, _)| packet) {
            self.release_fresh(pending);
        }
    }

    #[inline(never)]
    fn release_fresh(&mut self, pending: Option<PacketNumber>) {
        self.released = self.now;
        if pending.is_none() && self.nothing_waits() {
            // Nearly always it stands where it belongs.
            self.pending = None;
            return self.settle(self.now);
        }
        self.pass_on_in_order(pending);
        let settled = self.sequence.settled(self.now).min(self.pending_since(pending));
        self.settle(settled);
    }

    /// Passes on what waits for nothing, where more comes of the same packet: nothing is settled by it that was not before.
    #[cold]
    pub(super) fn pause(&mut self, pending: Option<PacketNumber>) {
        if pending.is_some() || !self.nothing_waits() {
            self.pass_on_in_order(pending);
        }
        push(&mut self.steps, || Step(Kind::Settled(self.settled)));
    }

    #[inline]
    fn settle(&mut self, settled: Timestamp) {
        self.settled = settled;
        // Nearly always what the packet has brought last can say so.
        if let Some(Step(Kind::Found(found))) = self.steps[self.fresh_from..].last_mut()
            && found.at().clock() == settled
        {
            return found.settle();
        }
        push(&mut self.steps, || Step(Kind::Settled(settled)));
    }

    /// Whether all that this packet has brought is in order, and nothing before it waits.
    #[inline]
    fn nothing_waits(&self) -> bool {
        let fresh = &self.steps[self.fresh_from..];
        self.sequence.is_idle() && (fresh.len() < 2 || fresh.iter().filter_map(Step::place_in_capture).is_sorted())
    }

    /// Passes on whatever waits for nothing before it.
    fn pass_on_in_order(&mut self, pending: Option<PacketNumber>) {
        self.put_in_sequence();
        while let Some(found) = self.sequence.next(pending, self.now) {
            self.steps.push(Step(Kind::Found(found)));
        }
    }

    /// Takes what this packet has completed back out of the steps: it has to wait for its turn.
    pub(super) fn put_in_sequence(&mut self) {
        for step in self.steps.split_off(self.fresh_from) {
            match step.0 {
                Kind::Found(found) => self.sequence.put(found),
                _ => self.steps.push(step),
            }
        }
    }

    /// Since when bytes wait behind a hole, but no longer ago than others wait for them. A packet that was not the first
    /// to wait counts from the one before it.
    fn pending_since(&mut self, pending: Option<PacketNumber>) -> Timestamp {
        self.pending = match (pending, self.pending) {
            (None, _) => None,
            (Some(packet), Some((known, since))) if packet != self.packet || known == packet => Some((packet, since)),
            (Some(packet), _) => Some((packet, self.now)),
        };
        let patient = Timestamp::from_nanos(self.now.nanos().saturating_sub(PATIENCE_NANOS));
        self.pending.map_or(self.now, |(_, since)| since.max(patient))
    }
}
