//! Right frames that start at an escaped start byte inside a damaged one: the damaged one was cut right behind an escape
//! byte, and nothing else shows where it ended.

use super::declared::{is_aligned, judge_declared, plausible};
use super::encode::START;
use super::parse::Header;
use super::stretch::Candidate;
use super::verdict::{Extent, Horizon, Verdict};

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

/// The first right frame inside the candidate. Where that one has just its declared length, only one that ends with it
/// counts: any other is a piece of another client's request that got into the payload.
pub(super) fn first_hidden(candidate: Candidate<'_>) -> Option<HiddenFrame> {
    let least_end = if is_aligned(candidate) { candidate.declared_end() } else { None };
    let mut left = DISGUISE * candidate.end();
    for index in start_bytes(candidate) {
        let frame = candidate.inner(index);
        let start = frame.start() - candidate.start();
        if let Some(reach) = reach(frame) {
            left = left.checked_sub(reach)?;
            if right(frame).is_some_and(|extent| least_end.is_none_or(|end| start + extent.raw_length >= end)) {
                return Some(HiddenFrame { start, covered: index - candidate.front() });
            }
        }
    }
    None
}

/// The start bytes inside the candidate.
fn start_bytes(candidate: Candidate<'_>) -> impl Iterator<Item = usize> {
    let bytes = candidate.measured().iter().enumerate();
    bytes.filter(|(_, byte)| **byte == START).map(move |(n, _)| candidate.front() + n)
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
