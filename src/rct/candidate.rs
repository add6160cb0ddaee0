//! One possible frame, from its start byte on: where it ends and how it came out.
//!
//! The declared length lies, checksums are wrong, senders forget to escape, and frames are cut. The readings, in the
//! order in which they are believed, each only when its CRC fits:
//!
//! 1. by the declared length, everything escaped;
//! 2. by the declared length, the CRC sent raw;
//! 3. by the declared length, nothing escaped (short commands only: the clients that do it send no others);
//! 4. by measure: up to the next unescaped start byte, less one `00` before it, or up to where a CRC fits.
//!
//! The first three are those of `declared`. When none fits the frame is damaged, which is known only when the stream has shown
//! where it must have ended. No verdict depends on how the stream was cut into pieces: a verdict given for some bytes is the
//! verdict for any more.
//!
//! A verdict may be asked for with every byte that comes. Until there is one, that takes a few steps for the bytes that are new,
//! and no more for many old ones than for few.

use super::command::Command;
use super::crc::Running;
use super::declared::{is_aligned, judge_declared, plausible, verbatim, verbatim_total};
use super::frame::{Escaping, FrameStatus};
use super::hidden::{HiddenFrame, HiddenFrames, SHORTEST_FRAME};
use super::parse::{CRC_BYTES, Header};
use super::stretch::Candidate;
use super::verdict::{Extent, Horizon, Verdict};

/// The verdict on a candidate. `hidden` is what is known of the frames in its stretch.
pub(super) fn judge(candidate: Candidate<'_>, hidden: &mut HiddenFrames, horizon: Horizon) -> Verdict {
    if let Some(verdict) = judge_declared(candidate, horizon) {
        return verdict;
    }
    let is_bounded = candidate.is_bounded();
    if horizon == Horizon::Open && (!is_bounded || candidate.stop_is_unsure()) {
        return Verdict::Wait;
    }
    if let Some(verdict) = judge_interrupted(candidate, horizon) {
        return verdict;
    }
    let header = candidate.header().filter(|header| header.command.is_known());
    if let Some(extent) = header.and_then(|header| measure(candidate, header)) {
        return Verdict::Frame(extent);
    }
    let is_over = match horizon {
        Horizon::Open | Horizon::Quiet => is_bounded,
        Horizon::Expired => is_bounded || candidate.declared_end().is_some(),
        Horizon::End => true,
    };
    if !is_over && horizon != Horizon::Expired {
        return Verdict::Wait;
    }
    // What is over and no frame ends at the next start byte, whatever stands there.
    let hidden = if is_over && header.is_none() { None } else { hidden.first(candidate) };
    // A frame that is slow, or that the capture or the sender cut off, must not end where its beginning happens to fit.
    if candidate.is_stopped()
        && hidden.is_none()
        && !is_aligned(candidate)
        && let Some(extent) = header.and_then(|header| first_fit(candidate, header))
    {
        return Verdict::Frame(extent);
    }
    if is_over || hidden.is_some() { damaged(candidate, hidden) } else { Verdict::Wait }
}

/// At an unescaped start byte inside a short frame: it may be one that its sender forgot to escape.
///
/// Only so far as waiting for it delays no frame that starts there: the shortest one would have to be whole too.
fn judge_interrupted(candidate: Candidate<'_>, horizon: Horizon) -> Option<Verdict> {
    let total = verbatim_total(candidate.raw)?;
    let reach = candidate.end() + SHORTEST_FRAME;
    if 1 + total > reach {
        return None;
    }
    if candidate.raw.len() <= total {
        return (horizon == Horizon::Open).then_some(Verdict::Wait);
    }
    verbatim(candidate.raw).map(Verdict::Frame)
}

/// The reading that does not trust the length field: up to the end of what is there, less one separator.
fn measure(candidate: Candidate<'_>, header: Header) -> Option<Extent> {
    let (end, body) = (candidate.end(), candidate.measured());
    let separator = usize::from(candidate.raw[..end].ends_with(&[0]));
    [separator, 0].into_iter().find_map(|less| {
        let length = body.len() - less;
        let fits = length >= header.smallest_total()
            && candidate.checksum(length - CRC_BYTES).to_be_bytes() == body[length - CRC_BYTES..length];
        fits.then(|| lie(body, end - less, length))
    })
}

/// The same up to where a CRC fits: the shortest part of what is there that ends in its own.
fn first_fit(candidate: Candidate<'_>, header: Header) -> Option<Extent> {
    let body = candidate.measured();
    let mut running = Running::default();
    let mut covered = 0;
    let length = (header.smallest_total()..=body.len()).find(|length| {
        while covered < length - CRC_BYTES {
            running.push(body[covered]);
            covered += 1;
        }
        running.value().to_be_bytes() == body[covered..*length]
    })?;
    Some(lie(body, candidate.raw_length(length)?, length))
}

/// What is reported of a candidate that no reading fits.
fn damaged(candidate: Candidate<'_>, hidden: Option<HiddenFrame>) -> Verdict {
    let (end, body) = (candidate.end(), candidate.body());
    if !body.first().is_some_and(|command| Command(*command).is_known()) {
        // Nothing says that this sender escapes: the next start byte counts, escaped or not.
        return Verdict::Junk { raw_length: candidate.next_start().min(end) };
    }
    let Some(header) = candidate.header() else { return Verdict::Stub { raw_length: end } };
    let declared_end = candidate.declared_end().filter(|declared| plausible(header).is_some() && *declared <= end);
    let (status, raw_length, covered) = match (hidden, declared_end) {
        (Some(HiddenFrame { start, covered }), _) => (FrameStatus::Truncated, start, covered),
        (None, Some(declared)) => (FrameStatus::CrcMismatch, declared, header.declared_total() - CRC_BYTES),
        (None, None) => {
            let separator = usize::from(candidate.is_stopped() && candidate.raw[..end].ends_with(&[0]));
            (FrameStatus::Truncated, end - separator, candidate.measured().len() - separator)
        }
    };
    if covered < header.smallest_total() - CRC_BYTES {
        return Verdict::Stub { raw_length };
    }
    let crc_read = if status == FrameStatus::CrcMismatch { crc_at(body, covered) } else { None };
    Verdict::Frame(Extent { raw_length, covered, crc_read, status, escaping: Escaping::Full, plain: false })
}

/// The CRC that stands behind the first `covered` bytes of `body`.
fn crc_at(body: &[u8], covered: usize) -> Option<u16> {
    body.get(covered..)?.first_chunk().map(|crc| u16::from_be_bytes(*crc))
}

/// A frame whose CRC fits over the first `length` bytes of `body`, not over as many as declared.
fn lie(body: &[u8], raw_length: usize, length: usize) -> Extent {
    let covered = length - CRC_BYTES;
    let (crc_read, status) = (crc_at(body, covered), FrameStatus::LengthLie);
    Extent { raw_length, covered, crc_read, status, escaping: Escaping::Full, plain: false }
}
