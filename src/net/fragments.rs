//! Puts fragmented IP datagrams together again.
//!
//! Knows offsets and bytes, not what a datagram carries. The first copy of a byte wins; a later one that differs is
//! counted. The pool is bounded in datagrams and in time (`limits`), and each datagram by the 64 KiB that IP allows.

use super::ip::{Datagram, Fragment};
use crate::limits::{FRAGMENT_PATIENCE, FRAGMENTED_DATAGRAMS};
use crate::time::Timestamp;
use foldhash::HashMap;
use std::net::IpAddr;

/// The longest datagram: the offset field ends 8 bytes short of this, and no length field goes above.
const DATAGRAM_BYTES: usize = 65_535;

/// What became of fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentStats {
    /// Fragments seen.
    pub fragment_count: u64,
    /// Datagrams put together.
    pub datagram_count: u64,
    /// Fragments that differed from bytes already there.
    pub conflict_count: u64,
    /// Datagrams given up because a fragment never came.
    pub incomplete_count: u64,
    /// Datagrams given up because there were too many at once.
    pub evicted_count: u64,
}

/// Datagrams waiting for their fragments.
#[derive(Debug, Default)]
pub(super) struct FragmentPool {
    waiting: HashMap<Key, Partial>,
    pub(super) stats: FragmentStats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    id: u32,
}

impl FragmentPool {
    /// Takes a fragment. Gives the whole payload when this was the last part missing.
    pub(super) fn add(&mut self, datagram: &Datagram<'_>, fragment: Fragment, now: Timestamp) -> Option<Vec<u8>> {
        self.stats.fragment_count += 1;
        let key = Key { src: datagram.src, dst: datagram.dst, protocol: datagram.protocol, id: fragment.id };
        if self.waiting.get(&key).is_some_and(|partial| partial.expired(now)) {
            // The sender has gone round through its numbers.
            self.waiting.remove(&key);
            self.stats.incomplete_count += 1;
        }
        if !self.waiting.contains_key(&key) {
            self.make_room(now);
        }
        let partial = self.waiting.entry(key).or_insert_with(|| Partial::new(now));
        if partial.add(fragment, datagram.payload, datagram.wire_length) == Agreement::Conflict {
            self.stats.conflict_count += 1;
        }
        if !partial.is_complete() {
            return None;
        }
        self.stats.datagram_count += 1;
        self.waiting.remove(&key).map(|partial| partial.bytes)
    }

    /// Datagrams still waiting count as incomplete: nothing more will come.
    pub(super) fn stats(&self) -> FragmentStats {
        let waiting = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        FragmentStats { incomplete_count: self.stats.incomplete_count + waiting, ..self.stats }
    }

    /// At the limit, drops what has waited too long, and if nothing has, what has waited longest.
    fn make_room(&mut self, now: Timestamp) {
        if self.waiting.len() < FRAGMENTED_DATAGRAMS {
            return;
        }
        let before = self.waiting.len();
        self.waiting.retain(|_, partial| !partial.expired(now));
        self.stats.incomplete_count += u64::try_from(before - self.waiting.len()).unwrap_or(0);
        if self.waiting.len() < FRAGMENTED_DATAGRAMS {
            return;
        }
        // Which of several equally old ones goes must not depend on the order of a hash table.
        let oldest =
            self.waiting.iter().min_by_key(|(key, partial)| (partial.since, key.src, key.dst, key.id, key.protocol));
        if let Some(key) = oldest.map(|(key, _)| *key) {
            self.waiting.remove(&key);
            self.stats.evicted_count += 1;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agreement {
    Same,
    Conflict,
}

/// A datagram with holes.
#[derive(Debug)]
struct Partial {
    since: Timestamp,
    bytes: Vec<u8>,
    /// The parts that are there, as disjoint, unconnected ranges in ascending order.
    present: Vec<(usize, usize)>,
    /// Known once the last fragment has come.
    length: Option<usize>,
}

impl Partial {
    const fn new(since: Timestamp) -> Self {
        Self { since, bytes: Vec::new(), present: Vec::new(), length: None }
    }

    fn expired(&self, now: Timestamp) -> bool {
        now.since(self.since) > FRAGMENT_PATIENCE
    }

    fn is_complete(&self) -> bool {
        self.length.is_some_and(|length| self.present == [(0, length)])
    }

    fn add(&mut self, fragment: Fragment, payload: &[u8], wire_length: Option<usize>) -> Agreement {
        let start = fragment.offset.min(DATAGRAM_BYTES);
        let end = (start + payload.len()).min(self.length.unwrap_or(DATAGRAM_BYTES)).max(start);
        let payload = &payload[..end - start];
        if !fragment.more && self.length.is_none() {
            let length = (start + wire_length.unwrap_or(payload.len())).min(DATAGRAM_BYTES);
            // A last fragment that ends before bytes already there is a contradiction: those bytes win.
            self.length = Some(length.max(self.bytes.len()));
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.fill(start, end, payload)
    }

    /// Copies what is new of `start..end`, compares what is not, and joins the ranges.
    fn fill(&mut self, start: usize, end: usize, payload: &[u8]) -> Agreement {
        let mut agreement = Agreement::Same;
        let mut joined = (start, end);
        let mut at = start;
        // Only the ranges that it touches are looked at: a datagram of small pieces has thousands.
        let first = self.present.partition_point(|&(_, to)| to < start);
        let touching = self.present[first..].iter().take_while(|&&(from, _)| from <= end);
        let mut touched = first..first;
        for &(from, to) in touching {
            touched.end += 1;
            if at < from {
                self.bytes[at..from].copy_from_slice(&payload[at - start..from - start]);
            }
            let overlap = from.max(start)..to.min(end);
            if self.bytes[overlap.clone()] != payload[overlap.start - start..overlap.end - start] {
                agreement = Agreement::Conflict;
            }
            at = at.max(to.min(end));
            joined = (joined.0.min(from), joined.1.max(to));
        }
        self.bytes[at..end].copy_from_slice(&payload[at - start..]);
        if joined.0 < joined.1 {
            self.present.splice(touched, [joined]);
        }
        agreement
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn datagram(payload: &[u8]) -> Datagram<'_> {
        Datagram {
            src: Ipv4Addr::new(192, 0, 2, 1).into(),
            dst: Ipv4Addr::new(192, 0, 2, 2).into(),
            protocol: 6,
            id: 1,
            ttl: 64,
            payload,
            offset: 20,
            wire_length: Some(payload.len()),
            fragment: None,
        }
    }

    fn add(
        pool: &mut FragmentPool,
        id: u32,
        offset: usize,
        more: bool,
        payload: &[u8],
        seconds: i64,
    ) -> Option<Vec<u8>> {
        let now = Timestamp::from_nanos(seconds * 1_000_000_000);
        pool.add(&datagram(payload), Fragment { id, offset, more }, now)
    }

    #[test]
    fn fragments_come_in_any_order() {
        let mut pool = FragmentPool::default();
        assert_eq!(add(&mut pool, 1, 16, false, b"end", 0), None);
        assert_eq!(add(&mut pool, 1, 0, true, b"01234567", 0), None);
        assert_eq!(add(&mut pool, 1, 8, true, b"89abcdef", 0), Some(b"0123456789abcdefend".to_vec()));
        assert_eq!(pool.stats(), FragmentStats { fragment_count: 3, datagram_count: 1, ..FragmentStats::default() });
    }

    #[test]
    fn the_first_copy_wins_and_the_other_is_counted() {
        let mut pool = FragmentPool::default();
        assert_eq!(add(&mut pool, 1, 0, true, b"01234567", 0), None);
        assert_eq!(add(&mut pool, 1, 0, true, b"XXXXXXXX", 0), None);
        assert_eq!(add(&mut pool, 1, 8, false, b"end", 0), Some(b"01234567end".to_vec()));
        assert_eq!(pool.stats().conflict_count, 1);
    }

    #[test]
    fn a_number_used_again_after_the_patience_is_another_datagram() {
        let mut pool = FragmentPool::default();
        assert_eq!(add(&mut pool, 1, 0, true, b"old old ", 0), None);
        assert_eq!(add(&mut pool, 1, 8, false, b"end", 31), None);
        assert_eq!(add(&mut pool, 1, 0, true, b"new new ", 31), Some(b"new new end".to_vec()));
        assert_eq!(pool.stats().incomplete_count, 1);
    }

    #[test]
    fn a_flood_of_first_fragments_is_bounded() {
        let mut pool = FragmentPool::default();
        for id in 0..5_000 {
            add(&mut pool, id, 0, true, b"01234567", 0);
            assert!(pool.waiting.len() <= FRAGMENTED_DATAGRAMS);
        }
        assert_eq!(pool.stats().evicted_count, 5_000 - 1_024);
        // The newest are the ones that are kept.
        assert!(add(&mut pool, 4_999, 8, false, b"end", 0).is_some());
    }

    #[test]
    fn offsets_beyond_the_longest_datagram_do_no_harm() {
        let mut pool = FragmentPool::default();
        assert_eq!(add(&mut pool, 1, 65_528, true, &[7; 1_000], 0), None);
        assert_eq!(add(&mut pool, 1, 65_528, false, &[7; 1_000], 0), None);
        assert_eq!(add(&mut pool, 1, 0, false, b"", 0), None);
    }

    /// With thousands of ranges there, each further fragment copied and sorted all of them.
    #[test]
    fn a_datagram_of_thousands_of_pieces_is_put_together() {
        let mut pool = FragmentPool::default();
        let whole: Vec<u8> = (0..65_528_u32).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
        let units = whole.len() / 8;
        let odd_ones_first = (1..units).step_by(2).rev().chain((0..units).step_by(2));
        let mut last = None;
        for unit in odd_ones_first {
            assert_eq!(last, None);
            last = add(&mut pool, 1, unit * 8, unit + 1 < units, &whole[unit * 8..][..8], 0);
        }
        assert_eq!(last, Some(whole));
    }

    /// The runs of bytes that are there.
    fn runs(bytes: &[Option<u8>]) -> Vec<(usize, usize)> {
        let is_there = |at: usize| bytes.get(at).is_some_and(Option::is_some);
        let starts = (0..bytes.len()).filter(|at| is_there(*at) && !at.checked_sub(1).is_some_and(is_there));
        starts.map(|start| (start, (start..=bytes.len()).find(|at| !is_there(*at)).expect("an end"))).collect()
    }

    proptest! {
        /// A byte, once there, stays; whatever else comes for it differs or does not.
        #[test]
        fn each_byte_is_the_first_that_came_for_it(
            parts in prop::collection::vec((0_usize..40, prop::collection::vec(0_u8..2, 0..40)), 0..60),
        ) {
            let mut partial = Partial::new(Timestamp::default());
            let mut bytes = [None; 400];
            for (unit, payload) in parts {
                let mut agreement = Agreement::Same;
                for (byte, new) in bytes[unit * 8..].iter_mut().zip(&payload) {
                    if *byte.get_or_insert(*new) != *new {
                        agreement = Agreement::Conflict;
                    }
                }
                let fragment = Fragment { id: 1, offset: unit * 8, more: true };
                prop_assert_eq!(partial.add(fragment, &payload, None), agreement);
                prop_assert_eq!(&partial.present, &runs(&bytes));
                for (at, byte) in bytes.iter().enumerate() {
                    prop_assert!(byte.is_none_or(|byte| partial.bytes[at] == byte));
                }
            }
        }

        #[test]
        fn any_cover_gives_the_datagram(
            length in 1_usize..200,
            parts in prop::collection::vec((0_usize..25, 1_usize..100), 0..30),
        ) {
            let whole: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).expect("small")).collect();
            let mut pool = FragmentPool::default();
            let mut seen = vec![false; length];
            let mut end_seen = false;
            // Whatever came before, these two complete it.
            let ends = [(0, length.next_multiple_of(8)), ((length - 1) / 8, 8)];
            for (unit, size) in parts.into_iter().chain(ends) {
                let start = unit * 8;
                if start >= length {
                    continue;
                }
                let end = (start + size).min(length);
                let got = add(&mut pool, 1, start, end < length, &whole[start..end], 0);
                seen[start..end].fill(true);
                end_seen |= end == length;
                let complete = end_seen && seen.iter().all(|byte| *byte);
                prop_assert_eq!(got, complete.then(|| whole.clone()));
                if complete {
                    return Ok(());
                }
            }
        }
    }
}
