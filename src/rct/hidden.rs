//! Right frames that start at an escaped start byte inside a damaged one: the damaged one was cut right behind an escape
//! byte, and nothing else shows where it ended.
//!
//! They are looked for whenever a sender has been silent for long, which is as often as a hostile one likes. So the search goes
//! on where it ended: a start byte is looked at when it is met, and again only once so many bytes have come that something new
//! can be known of its frame. All candidates of a stretch share what has been found.

use super::declared::{is_aligned, judge_declared, plausible, verbatim_total};
use super::encode::START;
use super::parse::{CRC_BYTES, Header};
use super::stretch::Candidate;
use super::verdict::{Extent, Horizon, Verdict};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// The shortest frame on the wire: start byte, command, length, object id, CRC.
pub(super) const SHORTEST_FRAME: usize = 9;

/// How long what looks like frames up to a right one may be altogether, in multiples of the damaged one's length: more than in
/// any real capture. Among so many that are none one fits by chance.
const DISGUISE: usize = 32;

/// A right frame inside a damaged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HiddenFrame {
    /// Where it starts, raw.
    pub(super) start: usize,
    /// How many unescaped bytes the damaged one has before.
    pub(super) covered: usize,
}

/// What is known of the frames at the escaped start bytes of a stretch, each called by the index of its start byte among the
/// unescaped bytes of the stretch.
#[derive(Debug, Default)]
pub(super) struct HiddenFrames {
    /// How many unescaped bytes have been looked through for start bytes.
    searched: usize,
    /// Up to which raw byte of the stretch.
    known: usize,
    /// Those that are not decided yet.
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// Those that are right.
    right: BTreeSet<u32>,
    /// The one that was found last and not believed.
    doubted: Option<Doubted>,
}

/// A right frame behind too much that looks like frames.
#[derive(Clone, Copy, Debug)]
struct Doubted {
    /// Which one, and in which candidate: the first unescaped byte of that.
    index: usize,
    front: usize,
    /// Up to which end of the candidate nothing changes.
    until: usize,
}

/// A frame of which nothing new can be known before the stretch goes as far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    known: u32,
    index: u32,
}

/// What the raw bytes at hand say of a frame.
enum Prospect {
    Right,
    Wrong,
    /// Nothing new before there are so many.
    Open(usize),
}

impl HiddenFrames {
    /// The first right frame inside the candidate. Where that one has just its declared length, only one that ends with it
    /// counts: any other is a piece of another client's request that got into the payload.
    pub(super) fn first(&mut self, candidate: Candidate<'_>) -> Option<HiddenFrame> {
        self.search(candidate);
        let least_end = if is_aligned(candidate) { candidate.declared_end() } else { None };
        let (front, start) = (candidate.front(), candidate.start());
        let counts = |index: &usize| {
            let frame = candidate.inner(*index);
            let end = || right(frame).map(|extent| frame.start() - start + extent.raw_length);
            least_end.is_none() || end() >= least_end
        };
        let index = self.right.range(narrow(front)..).map(|index| *index as usize).find(counts)?;
        let found = HiddenFrame { start: candidate.inner(index).start() - start, covered: index - front };
        self.believes(candidate, index).then_some(found)
    }

    /// Whether the right frame `index` does not stand behind too much that looks like frames.
    fn believes(&mut self, candidate: Candidate<'_>, index: usize) -> bool {
        let (front, end) = (candidate.front(), candidate.end());
        let is_same = |doubted: &Doubted| (doubted.index, doubted.front) == (index, front);
        if self.doubted.as_ref().is_some_and(|doubted| is_same(doubted) && end < doubted.until) {
            return false;
        }
        let until = believed_from(candidate, index);
        if until > end {
            self.doubted = Some(Doubted { index, front, until });
        }
        until == end
    }

    /// Goes on with the search up to the candidate's end. What is before the candidate is of no interest any more.
    fn search(&mut self, candidate: Candidate<'_>) {
        let (front, known) = (candidate.front(), candidate.start() + candidate.end());
        if known < self.known {
            // What looked like bytes of a frame has turned out to be a keep-alive.
            *self = Self::default();
        }
        self.known = known;
        let from = self.searched.max(front);
        for index in start_bytes(candidate, from) {
            self.look(candidate, index);
        }
        self.searched = front + candidate.measured().len();
        while let Some(Reverse(waiting)) = self.waiting.peek()
            && waiting.known as usize <= known
        {
            let index = waiting.index as usize;
            self.waiting.pop();
            if index >= front {
                self.look(candidate, index);
            }
        }
    }

    fn look(&mut self, candidate: Candidate<'_>, index: usize) {
        let frame = candidate.inner(index);
        match prospect(frame) {
            Prospect::Right => _ = self.right.insert(narrow(index)),
            Prospect::Wrong => {}
            Prospect::Open(raw_length) => {
                let known = narrow(frame.start() + raw_length);
                self.waiting.push(Reverse(Waiting { known, index: narrow(index) }));
            }
        }
    }
}

/// The start bytes inside the candidate, from an index on.
fn start_bytes(candidate: Candidate<'_>, from: usize) -> impl Iterator<Item = usize> {
    let bytes = candidate.measured().iter().enumerate().skip(from - candidate.front());
    bytes.filter(|(_, byte)| **byte == START).map(move |(n, _)| candidate.front() + n)
}

fn prospect(frame: Candidate<'_>) -> Prospect {
    let raw_length = frame.raw.len();
    if raw_length < SHORTEST_FRAME {
        return Prospect::Open(SHORTEST_FRAME);
    }
    let Some(header) = known_header(frame) else { return Prospect::Wrong };
    let total = header.declared_total();
    if raw_length <= total {
        return Prospect::Open(1 + total);
    }
    if right(frame).is_some() {
        return Prospect::Right;
    }
    if raw_length >= longest(header) {
        return Prospect::Wrong;
    }
    // Every byte to come may be an unescaped one. The CRC, sent raw, may end with any of them.
    let declared = match total.saturating_sub(frame.measured().len()) {
        0 => None,
        1..=CRC_BYTES => Some(raw_length + 1),
        missing => Some(raw_length + missing),
    };
    // Where nothing is escaped, the byte behind the frame may show that its last one is an escape byte.
    let verbatim =
        verbatim_total(frame.raw).and_then(|total| [1 + total, 2 + total].into_iter().find(|end| *end > raw_length));
    Prospect::Open([declared, verbatim].into_iter().flatten().fold(longest(header), usize::min))
}

/// The frame, if it is right.
fn right(frame: Candidate<'_>) -> Option<Extent> {
    match judge_declared(frame.up_to(reach(frame)?), Horizon::End)? {
        Verdict::Frame(extent) => Some(extent),
        _ => None,
    }
}

/// How many of the raw bytes at hand a frame can take; `None` when its first ones show that there is none.
fn reach(frame: Candidate<'_>) -> Option<usize> {
    let header = known_header(frame)?;
    (header.declared_total() < frame.raw.len()).then(|| frame.raw.len().min(longest(header)))
}

/// Raw bytes of a frame in which everything is escaped.
fn longest(header: Header) -> usize {
    1 + 2 * header.declared_total()
}

fn known_header(frame: Candidate<'_>) -> Option<Header> {
    plausible(frame.header()?).filter(|header| header.command.is_known())
}

/// The first end of the candidate, from the one at hand on, at which what looks like frames, up to the frame `last` and with
/// it, takes no more than [`DISGUISE`] allows. All that may change with the end is how many bytes there are: a frame takes
/// none before there are more than it declares, then all of them, and at last as many as its longest form.
fn believed_from(candidate: Candidate<'_>, last: usize) -> usize {
    let mut turns = Vec::new();
    for index in start_bytes(candidate, candidate.front()).take_while(|index| *index <= last) {
        let frame = candidate.inner(index);
        if let Some(header) = known_header(frame) {
            let start = frame.start() - candidate.start();
            turns.push((start + header.declared_total() + 1, start, false));
            turns.push((start + longest(header), start, true));
        }
    }
    turns.sort_unstable();
    let (mut disguise, mut from) = (Disguise::default(), candidate.end());
    for (end, start, is_longest) in turns {
        if let Some(believed) = disguise.believed_from(from).filter(|believed| *believed < end) {
            return believed;
        }
        if is_longest {
            disguise.growing -= 1;
            disguise.starts -= start;
            disguise.grown += end - start;
        } else {
            disguise.growing += 1;
            disguise.starts += start;
        }
        from = from.max(end);
    }
    disguise.believed_from(from).unwrap_or(from)
}

/// How many raw bytes what looks like frames takes, as long as none begins or ceases to grow.
#[derive(Debug, Default)]
struct Disguise {
    /// Those that take all there is, and where they start, added up.
    growing: usize,
    starts: usize,
    /// What the others take.
    grown: usize,
}

impl Disguise {
    /// The first end from `from` on at which it is not too much.
    fn believed_from(&self, from: usize) -> Option<usize> {
        if self.grown + self.growing * from <= DISGUISE * from + self.starts {
            return Some(from);
        }
        // It is too much at `from`, so that what is grown is more than the sum of the starts where fewer grow than may.
        (self.growing < DISGUISE).then(|| (self.grown - self.starts).div_ceil(DISGUISE - self.growing))
    }
}

/// An index into a stretch, which is never longer than a few frames.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectId;
    use crate::rct::command::Command;
    use crate::rct::crc::checksum;
    use crate::rct::encode::{self, ESCAPE};
    use crate::rct::stretch::Stretch;
    use proptest::prelude::*;

    /// The search as it would be if nothing was remembered: from the first byte on, each frame read from its own start byte on.
    fn first_from_scratch(candidate: Candidate<'_>) -> Option<HiddenFrame> {
        let (raw, mut effort) = (&candidate.raw[..candidate.end()], DISGUISE * candidate.end());
        for start in (1..raw.len()).filter(|start| raw[*start] == START) {
            let mut stretch = Stretch::default();
            stretch.turn_to(0, &raw[start..]);
            let alone = stretch.candidate(&raw[start..]);
            if let Some(reach) = reach(alone) {
                effort = effort.checked_sub(reach)?;
                let counts = |end| !is_aligned(candidate) || Some(end) >= candidate.declared_end();
                if let Some(Verdict::Frame(found)) = judge_declared(alone.up_to(reach), Horizon::End)
                    && counts(start + found.raw_length)
                {
                    return Some(HiddenFrame { start, covered: unescaped_length(&raw[1..start]) });
                }
            }
        }
        None
    }

    /// How many bytes `raw` gives when unescaped; an escape byte without partner gives none.
    fn unescaped_length(raw: &[u8]) -> usize {
        let mut length = 0;
        let mut bytes = raw.iter();
        while let Some(byte) = bytes.next() {
            length += usize::from(*byte != ESCAPE || bytes.next().is_some());
        }
        length
    }

    /// How many raw bytes what looks like frames takes, up to the frame `last` and with it.
    fn disguise(candidate: Candidate<'_>, last: usize) -> usize {
        let looks = start_bytes(candidate, candidate.front()).take_while(|index| *index <= last);
        looks.filter_map(|index| reach(candidate.inner(index))).sum()
    }

    prop_compose! {
        fn frame()(
            command in prop::sample::select(vec![1u8, 2, 3, 5, 6, 0x45, 0x46, 0x77]),
            object_id in prop_oneof![any::<u32>(), Just(0x2b2d_2b2d)],
            payload in prop::collection::vec(prop_oneof![2 => any::<u8>(), 1 => Just(0x2b), 1 => Just(0x2d)], 0..40),
            fault in 0..10,
            at in any::<prop::sample::Index>(),
        ) -> Vec<u8> {
            let mut raw = Vec::new();
            encode::frame(&mut raw, Command(command), Some(7), ObjectId(object_id), &payload);
            match fault {
                0 => *raw.last_mut().expect("not empty") ^= 1,
                1 => raw.truncate(1 + at.index(raw.len())),
                2 => { let at = at.index(raw.len()); raw[at] ^= 4; }
                // As somebody sends it who does not escape the CRC, or nothing.
                3 if raw[raw.len() - 2] == ESCAPE => _ = raw.remove(raw.len() - 2),
                4 => raw = [&[START][..], &verbatim(&raw)].concat(),
                _ => {}
            }
            raw
        }
    }

    /// The unescaped bytes of a frame.
    fn verbatim(raw: &[u8]) -> Vec<u8> {
        let mut stretch = Stretch::default();
        stretch.turn_to(0, raw);
        stretch.candidate(raw).body().to_vec()
    }

    /// A frame cut right behind an escape byte, and then one after the other, no start byte among them that is not escaped.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => frame(),
            1 => prop::collection::vec(any::<u8>(), 0..20),
            1 => prop::collection::vec(prop::sample::select(vec![START, ESCAPE, 0, 1, 4, 5, 0x0a]), 0..20),
            1 => Just(b"AT+\r".to_vec()),
        ];
        (frame(), prop::collection::vec(piece, 1..12)).prop_map(|(mut raw, pieces)| {
            for piece in pieces {
                if piece.first() == Some(&START) && raw.last() != Some(&ESCAPE) {
                    raw.push(ESCAPE);
                }
                raw.extend(piece);
            }
            raw
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Asked at some of the bytes that come, and of one candidate after the other.
        #[test]
        fn the_search_goes_on_as_if_it_began_again(raw in bytes(), steps in prop::collection::vec((1usize..20, 0u8..8), 1..60)) {
            let (mut stretch, mut hidden) = (Stretch::default(), HiddenFrames::default());
            let (mut start, mut known) = (0, 1);
            for (more, then) in steps {
                known = raw.len().min(known + more);
                if then == 0 && let Some(next) = raw[start + 1..known].iter().position(|byte| *byte == START) {
                    start += 1 + next;
                }
                let bytes = &raw[start..known];
                if stretch.turn_to(start as u64, bytes) {
                    hidden = HiddenFrames::default();
                }
                if then < 6 {
                    let candidate = stretch.candidate(bytes);
                    prop_assert_eq!(hidden.first(candidate), first_from_scratch(candidate));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Counting at every end is the oracle of the search for the end that matters.
        #[test]
        fn a_frame_is_believed_where_counting_again_says_so(
            beginnings in prop::collection::vec((0u16..1_500, 0usize..20), 20..120),
            between in 0usize..1_500,
            steps in prop::collection::vec(1usize..40, 1..120),
        ) {
            let mut raw = vec![START, 0x06, 0xff, 0xff, 0, 0, 0, 0];
            for (length, pause) in beginnings {
                let [high, low] = (8 + length).to_be_bytes();
                if ![high, low].iter().any(|byte| matches!(*byte, START | ESCAPE)) {
                    raw.extend([ESCAPE, START, 0x06, high, low, 1, 2, 3, 4]);
                    raw.resize(raw.len() + pause, 0);
                }
            }
            raw.resize(raw.len() + between, 0);
            raw.push(ESCAPE);
            let start = raw.len();
            encode::frame(&mut raw, Command::READ, None, ObjectId(0x9599_30bf), &[]);
            let (mut stretch, mut hidden, mut known) = (Stretch::default(), HiddenFrames::default(), raw.len() + 1);
            raw.resize(raw.len() + 5_000, 0x55);
            for more in steps {
                stretch.turn_to(0, &raw[..known]);
                let candidate = stretch.candidate(&raw[..known]);
                let last = start_bytes(candidate, 0).find(|index| candidate.inner(*index).start() == start);
                let is_believed = disguise(candidate, last.expect("it is there")) <= DISGUISE * candidate.end();
                let found = hidden.first(candidate).map(|found| found.start);
                if found != is_believed.then_some(start) {
                    // One before it may be right by chance.
                    let right = first_from_scratch(candidate).map(|found| found.start);
                    prop_assert_eq!(found, right, "{} bytes", known);
                }
                known += more;
            }
        }
    }

    /// The unescaped bytes of a WRITE of an object, whose CRC is such a one.
    fn with_crc(object_id: u32, is_wanted: impl Fn([u8; 2]) -> bool) -> Vec<u8> {
        let body = |n: u32| [&[0x02, 0x08][..], &object_id.to_be_bytes(), &(0x4000_0000 + n).to_be_bytes()].concat();
        let has_special = |body: &Vec<u8>| body[6..].iter().any(|byte| matches!(*byte, START | ESCAPE));
        let mut bodies = (0..).map(body).filter(|body| !has_special(body));
        let body = bodies.find(|body| is_wanted(checksum(body).to_be_bytes())).expect("there is one for each CRC");
        [&body[..], &checksum(&body).to_be_bytes()].concat()
    }

    /// That such a frame is right shows with its last byte, or with one or two behind.
    #[test]
    fn frames_that_end_in_special_bytes_are_found_with_the_same_byte_as_from_scratch() {
        let wanted: [fn([u8; 2]) -> bool; 5] = [
            |crc| crc[0] == ESCAPE && !matches!(crc[1], START | ESCAPE),
            |crc| crc[0] != ESCAPE && crc[1] == ESCAPE,
            |crc| crc[1] == START,
            |crc| crc == [ESCAPE, ESCAPE],
            |crc| crc == *b"AT",
        ];
        let bodies =
            [0x4040_4040, 0x2b2b_4040, 0x2d2d_2d2d].map(|object_id| wanted.map(|crc| with_crc(object_id, crc)));
        let mut found = 0;
        for body in bodies.into_iter().flatten() {
            let (covered, crc) = body.split_at(body.len() - CRC_BYTES);
            let (mut full, mut raw_crc) = (Vec::new(), Vec::new());
            encode::escape(&mut full, &body);
            encode::escape(&mut raw_crc, covered);
            raw_crc.extend(crc);
            for frame in [full, raw_crc, body] {
                for tail in
                    [&[0x55][..], &[ESCAPE, 0x55], &[ESCAPE, ESCAPE, 0x55], &[START, 0x0d], b"AT+\r", &[0x55; 9]]
                {
                    let cut = [START, 0x06, 0xff, 0xff, 1, 2, 3, 4, ESCAPE, START];
                    let raw = [&cut[..], &frame, tail].concat();
                    let (mut stretch, mut hidden) = (Stretch::default(), HiddenFrames::default());
                    for known in 1..=raw.len() {
                        stretch.turn_to(0, &raw[..known]);
                        let candidate = stretch.candidate(&raw[..known]);
                        let first = hidden.first(candidate);
                        assert_eq!(first, first_from_scratch(candidate), "{:02x?}", &raw[..known]);
                        found += usize::from(first.is_some());
                    }
                }
            }
        }
        assert!(found > 100, "{found}");
    }

    /// What looks like frames does not grow for ever, and the damaged one may.
    #[test]
    fn a_frame_that_was_not_believed_is_once_enough_has_come() {
        let mut raw = vec![START, 0x06, 0xff, 0xff, 0, 0, 0, 0];
        (0..40).for_each(|_| raw.extend([ESCAPE, START, 0x06, 0x01, 0xf4, 1, 2, 3, 4]));
        raw.resize(1_100, 0);
        raw.push(ESCAPE);
        encode::frame(&mut raw, Command::READ, None, ObjectId(0x9599_30bf), &[]);
        let whole = raw.len() + 1;
        raw.resize(1_600, 0x55);
        let (mut stretch, mut hidden, mut verdicts) = (Stretch::default(), HiddenFrames::default(), Vec::new());
        for known in whole..raw.len() {
            stretch.turn_to(0, &raw[..known]);
            let candidate = stretch.candidate(&raw[..known]);
            let found = hidden.first(candidate);
            assert_eq!(found, first_from_scratch(candidate), "{known} bytes");
            verdicts.push(found.is_some());
        }
        verdicts.dedup();
        assert_eq!(verdicts, [false, true]);
    }

    /// Beginnings that all claim to end behind the next ones, and a right frame behind them.
    #[test]
    fn a_right_frame_behind_too_much_that_looks_like_frames_is_not_believed() {
        for (beginnings, is_believed) in [(20, true), (500, false)] {
            let mut raw = vec![START, 0x06, 0xff, 0xff, 0, 0, 0, 0];
            (0..beginnings).for_each(|_| raw.extend([ESCAPE, START, 0x06, 0x08, 0x00, 1, 2, 3, 4]));
            raw.extend([0; 2_000]);
            raw.push(ESCAPE);
            let start = raw.len();
            encode::frame(&mut raw, Command::READ, None, ObjectId(0x9599_30bf), &[]);
            let mut stretch = Stretch::default();
            stretch.turn_to(0, &raw);
            let candidate = stretch.candidate(&raw);
            let found = HiddenFrames::default().first(candidate);
            assert_eq!(found.map(|found| found.start), is_believed.then_some(start));
            assert_eq!(found, first_from_scratch(candidate));
        }
    }
}
