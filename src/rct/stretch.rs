//! The bytes from an unescaped start byte up to the next one, unescaped as the stream brings them, each byte once.
//!
//! A start byte in between is an escaped one. Where a frame was cut right behind an escape byte, another one starts there,
//! and it has the same unescaped bytes from there on: all candidates of a stretch share what has been read. Knows where
//! bytes stand and what their checksums are, not what they mean.

use super::crc::{checksum, checksum_between, remainder};
use super::encode::{ESCAPE, START};
use super::parse::{Header, header};
use crate::limits::FRAME_BYTES;
use std::ops::Range;

/// The first bytes of a keep-alive up to its `2b`, which is no start byte.
const KEEP_ALIVE_HEAD: [u8; 2] = *b"AT";
/// The byte behind that `2b`.
const KEEP_ALIVE_END: u8 = 0x0d;

/// Unescaped bytes from one mark to the next: one bit each.
const MARK_STEP: usize = u64::BITS as usize;
/// Up to this length a checksum out of all bytes is as fast as one from mark to mark.
const SHORT: usize = 4 * MARK_STEP;

/// What has been read of a stretch, and which candidate in it is looked at. Indices are into the raw bytes of the stretch,
/// its start byte being at 0, or into its unescaped bytes.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Stream offset of its start byte.
    offset: u64,
    /// Its unescaped bytes.
    bytes: Vec<u8>,
    /// A mark for every [`MARK_STEP`]th of them, also where it is yet to come.
    marks: Vec<Mark>,
    /// How many raw bytes have been looked at.
    read: usize,
    /// The last of those is an escape byte still waiting for its partner.
    escape_open: bool,
    /// Where an unescaped start byte (or a keep-alive) was met.
    stop: Option<usize>,
    /// The bytes at the end of `bytes` that are behind the stop.
    behind_stop: usize,
    /// Where the candidate is.
    place: Place,
}

/// Where a candidate is in its stretch.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Its start byte, raw.
    start: usize,
    /// The first unescaped byte behind that one.
    front: usize,
}

/// What is known where an unescaped byte stands.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Which of the bytes from here on are escaped, the first in the lowest bit.
    escaped: u64,
    /// The raw byte that the byte begins with, which is an escape byte where it is escaped.
    raw: u32,
    /// What is left of the bytes before, for checksums.
    remainder: u16,
}

impl Stretch {
    /// Turns to the candidate at stream offset `offset`, which is not before the last one, and reads on. `raw` begins with
    /// its start byte and goes on as far as is known. Whether another stretch has begun.
    pub(super) fn turn_to(&mut self, offset: u64, raw: &[u8]) -> bool {
        let start = offset.checked_sub(self.offset).and_then(|start| usize::try_from(start).ok());
        let has_begun = match start {
            Some(start) if start == self.place.start => false,
            // A stretch may go on for ever: what is done with is let go now and then.
            Some(start) if start < self.end() && start <= FRAME_BYTES => {
                self.place = Place { start, front: self.index_behind(start) };
                false
            }
            _ => {
                self.begin(offset);
                true
            }
        };
        self.read_on(raw);
        has_begun
    }

    /// Forgets everything but the allocations.
    fn begin(&mut self, offset: u64) {
        let (mut bytes, mut marks) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.marks));
        bytes.clear();
        marks.clear();
        *self = Self { offset, bytes, marks, ..Self::default() };
    }

    fn read_on(&mut self, raw: &[u8]) {
        let start = self.place.start;
        if self.read == 0 {
            self.read = 1;
            self.mark();
        }
        while self.read < start + raw.len() && self.stop.is_none() && self.room() > 0 {
            if self.escape_open {
                self.close_escape(raw[self.read - start]);
            } else {
                self.take_run(&raw[self.read - start..]);
            }
        }
        // A keep-alive inside a broken frame looks like a start byte until the byte behind it is known.
        if let Some(stop) = self.stop
            && raw.get(stop - start + 1) == Some(&KEEP_ALIVE_END)
            && raw[..stop - start].ends_with(&KEEP_ALIVE_HEAD)
        {
            self.stop = Some(stop - KEEP_ALIVE_HEAD.len());
            self.behind_stop = KEEP_ALIVE_HEAD.len();
        }
    }

    /// How many more bytes the candidate may have.
    fn room(&self) -> usize {
        FRAME_BYTES.saturating_sub(self.bytes.len() - self.place.front)
    }

    fn close_escape(&mut self, byte: u8) {
        if let Some(mark) = self.marks.last_mut() {
            mark.escaped |= 1 << (self.bytes.len() % MARK_STEP);
        }
        self.escape_open = false;
        self.bytes.push(byte);
        self.read += 1;
        self.mark();
    }

    /// Takes plain bytes up to the next special one or the next mark, whichever comes first.
    fn take_run(&mut self, to_come: &[u8]) {
        let room = self.room().min(MARK_STEP - self.bytes.len() % MARK_STEP);
        let window = &to_come[..to_come.len().min(room)];
        let run = window.iter().position(|byte| matches!(*byte, START | ESCAPE)).unwrap_or(window.len());
        self.bytes.extend_from_slice(&window[..run]);
        self.read += run;
        self.mark();
        match window.get(run) {
            Some(&START) => self.stop = Some(self.read),
            Some(_) => {
                self.escape_open = true;
                self.read += 1;
            }
            None => {}
        }
    }

    /// Puts a mark where the next byte will stand, if it is to have one.
    fn mark(&mut self) {
        if self.bytes.len() == self.marks.len() * MARK_STEP {
            let before = self.marks.last().map_or(0, |mark| mark.remainder);
            let remainder = remainder(before, &self.bytes[self.bytes.len().saturating_sub(MARK_STEP)..]);
            let raw = u32::try_from(self.read).unwrap_or(u32::MAX);
            self.marks.push(Mark { escaped: 0, raw, remainder });
        }
    }

    /// Where the bytes at hand end: at the next start byte if one was met, else where reading stands.
    fn end(&self) -> usize {
        self.stop.unwrap_or(self.read)
    }

    /// Where the `n`th unescaped byte begins, raw.
    fn raw_index(&self, n: usize) -> usize {
        let (mark, ahead) = (self.marks[n / MARK_STEP], n % MARK_STEP);
        let escaped = (mark.escaped & ((1 << ahead) - 1)).count_ones();
        mark.raw as usize + ahead + escaped as usize
    }

    /// The first unescaped byte that begins behind raw index `raw`.
    fn index_behind(&self, raw: usize) -> usize {
        let mark = self.marks.partition_point(|mark| (mark.raw as usize) <= raw).saturating_sub(1);
        (mark * MARK_STEP..self.bytes.len()).find(|n| self.raw_index(*n) > raw).unwrap_or(self.bytes.len())
    }

    /// Which of these bytes are escaped.
    fn escaped(&self, bytes: Range<usize>) -> impl Iterator<Item = usize> {
        let of_mark = |mark: usize| {
            let mut bits = self.marks[mark].escaped;
            std::iter::from_fn(move || {
                let first = (bits != 0).then_some(mark * MARK_STEP + bits.trailing_zeros() as usize);
                bits &= bits.wrapping_sub(1);
                first
            })
        };
        let marks = bytes.start / MARK_STEP..bytes.end.div_ceil(MARK_STEP);
        marks.flat_map(of_mark).filter(move |n| bytes.contains(n))
    }

    fn checksum(&self, bytes: Range<usize>) -> u16 {
        if bytes.len() <= SHORT {
            return checksum(&self.bytes[bytes]);
        }
        let remainder = |n: usize| {
            let mark = n / MARK_STEP;
            remainder(self.marks[mark].remainder, &self.bytes[mark * MARK_STEP..n])
        };
        checksum_between(remainder(bytes.start), remainder(bytes.end), bytes.len())
    }

    /// The candidate turned to last, whose raw bytes are `raw`.
    pub(super) fn candidate<'a>(&'a self, raw: &'a [u8]) -> Candidate<'a> {
        Candidate { stretch: self, place: self.place, raw }
    }
}

/// One possible frame: a start byte and what stands behind it. Indices and lengths count from that byte on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    stretch: &'a Stretch,
    place: Place,
    /// Its raw bytes, as far as they are to be looked at.
    pub(super) raw: &'a [u8],
}

impl<'a> Candidate<'a> {
    /// Its unescaped bytes: command, length, ids, payload, CRC, and whatever follows up to the next start byte.
    pub(super) fn body(&self) -> &'a [u8] {
        &self.stretch.bytes[self.place.front..]
    }

    /// The unescaped bytes up to [`Self::end`].
    pub(super) fn measured(&self) -> &'a [u8] {
        &self.body()[..self.body().len() - self.stretch.behind_stop]
    }

    /// Where the bytes at hand end: at the next start byte if one was met, else where reading stands.
    pub(super) fn end(&self) -> usize {
        self.stretch.end() - self.place.start
    }

    /// Whether a start byte (or a keep-alive) ends it.
    pub(super) fn is_stopped(&self) -> bool {
        self.stretch.stop.is_some()
    }

    /// Whether no byte behind those read can belong to it.
    pub(super) fn is_bounded(&self) -> bool {
        self.is_stopped() || self.body().len() >= FRAME_BYTES
    }

    /// Whether the next byte may show that the start byte at its end is a keep-alive.
    pub(super) fn stop_is_unsure(&self) -> bool {
        self.is_stopped() && self.end() + 1 == self.raw.len() && self.raw[..self.end()].ends_with(&KEEP_ALIVE_HEAD)
    }

    /// The header, once it is whole.
    pub(super) fn header(&self) -> Option<Header> {
        header(self.body())
    }

    /// Where it ends by its declared length, once that is there.
    pub(super) fn declared_end(&self) -> Option<usize> {
        self.raw_length(self.header()?.declared_total())
    }

    /// How many raw bytes, the start byte included, the first `length` unescaped ones take, once they are there.
    pub(super) fn raw_length(&self, length: usize) -> Option<usize> {
        if length > self.body().len() {
            return None;
        }
        let raw_length = self.stretch.raw_index(self.place.front + length) - self.place.start;
        (raw_length <= self.raw.len()).then_some(raw_length)
    }

    /// The checksum over the first `length` unescaped bytes.
    pub(super) fn checksum(&self, length: usize) -> u16 {
        self.stretch.checksum(self.place.front..self.place.front + length)
    }

    /// Where the next start byte is, escaped or not; the end, where there is none.
    pub(super) fn next_start(&self) -> usize {
        let start = self.measured().iter().position(|byte| *byte == START);
        // It stands behind its escape byte.
        start.map_or(self.end(), |n| self.stretch.raw_index(self.place.front + n) + 1 - self.place.start)
    }

    /// Whether one of the first `raw_length` raw bytes is an escape byte followed by neither a start nor an escape byte.
    pub(super) fn has_bad_escape(&self, raw_length: usize) -> bool {
        let Place { start, front } = self.place;
        // The byte that follows has to be there.
        let end = start + raw_length.min(self.raw.len().saturating_sub(1));
        let mut escaped = self.stretch.escaped(front..self.stretch.bytes.len().min(front + raw_length));
        escaped
            .find(|n| !matches!(self.stretch.bytes[*n], START | ESCAPE))
            .is_some_and(|n| self.stretch.raw_index(n) < end)
    }

    /// Where its unescaped bytes begin in those of the stretch.
    pub(super) fn front(&self) -> usize {
        self.place.front
    }

    /// Where its start byte stands in the stretch, raw.
    pub(super) fn start(&self) -> usize {
        self.place.start
    }

    /// The candidate inside this one whose start byte is the `index`th unescaped byte of the stretch, up to this one's end.
    pub(super) fn inner(&self, index: usize) -> Self {
        let place = Place { start: self.stretch.raw_index(index) + 1, front: index + 1 };
        Self { place, raw: &self.raw[place.start - self.place.start..self.end()], ..*self }
    }

    /// The same with no more than so many raw bytes.
    pub(super) fn up_to(&self, raw_length: usize) -> Self {
        Self { raw: &self.raw[..self.raw.len().min(raw_length)], ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a candidate that nothing was read of before is read to be.
    fn read_alone(raw: &[u8]) -> Stretch {
        let mut stretch = Stretch::default();
        stretch.turn_to(0, raw);
        stretch
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let special = prop::sample::select(vec![START, ESCAPE, ESCAPE, ESCAPE, 0x41, 0x54, 0x0d, 0, 1, 4, 5]);
        let word = prop_oneof![
            4 => special.prop_map(|byte| vec![byte]),
            4 => Just(vec![ESCAPE, START]),
            2 => prop::collection::vec(any::<u8>(), 0..20),
            1 => prop::collection::vec(any::<u8>(), 200..400),
            1 => Just(b"AT+\r".to_vec()),
        ];
        prop::collection::vec(word, 0..60).prop_map(|words| [vec![START], words.concat()].concat())
    }

    /// Holds every answer of `candidate` against those of the same bytes read alone.
    fn check(candidate: Candidate<'_>) -> Result<(), TestCaseError> {
        let stretch = read_alone(candidate.raw);
        let alone = stretch.candidate(candidate.raw);
        prop_assert_eq!(candidate.body(), alone.body());
        prop_assert_eq!(candidate.measured(), alone.measured());
        prop_assert_eq!(candidate.end(), alone.end());
        prop_assert_eq!(candidate.is_stopped(), alone.is_stopped());
        prop_assert_eq!(candidate.next_start(), alone.next_start());
        for length in 0..=candidate.body().len() + 1 {
            let raw_length = candidate.raw_length(length);
            prop_assert_eq!(raw_length, alone.raw_length(length));
            prop_assert_eq!(candidate.has_bad_escape(length), alone.has_bad_escape(length));
            if raw_length.is_some() {
                prop_assert_eq!(candidate.checksum(length), checksum(&candidate.body()[..length]));
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Read in pieces, candidate after candidate.
        #[test]
        fn a_candidate_is_what_it_would_be_alone(raw in bytes(), steps in prop::collection::vec((1usize..40, 0usize..3), 1..60)) {
            let (mut stretch, mut start, mut known) = (Stretch::default(), 0, 1);
            for (more, turns) in steps {
                known = raw.len().min(known + more);
                stretch.turn_to(start as u64, &raw[start..known]);
                check(stretch.candidate(&raw[start..known]))?;
                for _ in 0..turns {
                    let next = raw[start + 1..known].iter().position(|byte| *byte == START);
                    start += next.map_or(0, |next| 1 + next);
                    stretch.turn_to(start as u64, &raw[start..known]);
                    check(stretch.candidate(&raw[start..known]))?;
                }
            }
        }

        #[test]
        fn a_candidate_inside_another_is_what_it_would_be_alone(raw in bytes()) {
            let stretch = read_alone(&raw);
            let outer = stretch.candidate(&raw);
            for index in (0..outer.measured().len()).filter(|index| outer.measured()[*index] == START) {
                let inner = outer.inner(index);
                prop_assert_eq!(inner.raw[0], START);
                let alone = read_alone(inner.raw);
                let alone = alone.candidate(inner.raw);
                prop_assert_eq!(inner.measured(), alone.measured());
                for length in 0..=inner.measured().len() + 1 {
                    prop_assert_eq!(inner.raw_length(length), alone.raw_length(length));
                    prop_assert_eq!(inner.has_bad_escape(length), alone.has_bad_escape(length));
                }
            }
        }
    }

    /// A stretch without end is let go of piece by piece, and reads the same.
    #[test]
    fn a_stretch_may_go_on_for_ever() {
        let raw = [0x2b, 0x77, 0x2d].repeat(2 * FRAME_BYTES);
        let (mut stretch, mut anew) = (Stretch::default(), 0);
        for start in (0..raw.len()).step_by(3) {
            let known = &raw[start..raw.len().min(start + 3 * FRAME_BYTES)];
            anew += usize::from(stretch.turn_to(start as u64, known));
            let candidate = stretch.candidate(known);
            assert_eq!(candidate.body().first(), Some(&0x77));
            assert!(stretch.bytes.len() <= 2 * FRAME_BYTES);
        }
        assert!((3..10).contains(&anew), "{anew}");
    }
}
