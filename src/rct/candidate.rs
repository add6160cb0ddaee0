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
//! When none fits the frame is damaged, which is known only when the stream has shown where it must have ended. No
//! verdict depends on how the stream was cut into pieces: a verdict given for some bytes is the verdict for any more.

use super::command::Command;
use super::crc::{Running, checksum};
use super::encode::{ESCAPE, START, escape};
use super::frame::{Escaping, FrameStatus};
use super::parse::{CRC_BYTES, Header, header};
use super::unescape::Unescaped;

/// The shortest frame on the wire: start byte, command, length, object id, CRC.
const SHORTEST_FRAME: usize = 9;

/// Command and two bytes of length.
const LONGEST_HEADER: usize = 3;

/// Work spent on looking for a frame inside a damaged one, in multiples of the damaged one's length: enough for any
/// real capture, and it keeps time linear when every other byte pair looks like a start.
const HIDDEN_START_EFFORT: usize = 32;

/// How much is known of what follows the bytes at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Horizon {
    /// More may come.
    #[default]
    Open,
    /// More may come, but nothing has for a while: what fits now is taken.
    Quiet,
    /// As `Quiet`, and for so long that a whole frame with a wrong CRC is given up too, and a cut one that a right frame
    /// stands in.
    Expired,
    /// Nothing comes any more.
    End,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not decidable yet.
    Wait,
    /// A frame.
    Frame(Extent),
    /// The beginning of a frame, cut before its object id was whole.
    Stub {
        /// Its raw bytes, the start byte included.
        raw_length: usize,
    },
    /// No frame at all.
    Junk {
        /// The raw bytes that are known to be none, the start byte included.
        raw_length: usize,
    },
}

/// Where a frame ends, and which reading says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes on the wire, the start byte included.
    pub(super) raw_length: usize,
    /// Unescaped bytes from the command to the end of the payload.
    pub(super) covered: usize,
    /// The CRC as it stands in the frame; `None` when it was cut before.
    pub(super) crc_read: Option<u16>,
    pub(super) status: FrameStatus,
    pub(super) escaping: Escaping,
    /// The unescaped bytes are the raw ones behind the start byte: nothing is escaped there, or nothing should be.
    pub(super) plain: bool,
}

/// The verdict on a candidate. `raw` begins with the start byte, `bytes` has read all of it.
pub(super) fn judge(bytes: &Unescaped, raw: &[u8], horizon: Horizon) -> Verdict {
    if let Some(verdict) = judge_declared(bytes, raw, horizon) {
        return verdict;
    }
    if bytes.stop_is_unsure(raw) && horizon == Horizon::Open {
        return Verdict::Wait;
    }
    if bytes.is_bounded() || horizon != Horizon::Open {
        if let Some(verdict) = judge_interrupted(bytes, raw, horizon) {
            return verdict;
        }
        if let Some(extent) = measure(bytes, raw) {
            return Verdict::Frame(extent);
        }
    }
    let over = match horizon {
        Horizon::Open | Horizon::Quiet => bytes.is_bounded(),
        Horizon::Expired => bytes.is_bounded() || bytes.declared_end.is_some() || hidden_start(bytes, raw).is_some(),
        Horizon::End => true,
    };
    if over { damaged(bytes, raw) } else { Verdict::Wait }
}

/// The readings that trust the length field; `None` when none of them fits or can still fit.
fn judge_declared(bytes: &Unescaped, raw: &[u8], horizon: Horizon) -> Option<Verdict> {
    let header = plausible(bytes.header?)?;
    let total = header.declared_total();
    if let Some(raw_length) = bytes.declared_end
        && bytes.body[total - CRC_BYTES..total] == bytes.crc_computed.to_be_bytes()
    {
        return Some(Verdict::Frame(unescaped(bytes, raw_length, total - CRC_BYTES, Escaping::Full)));
    }
    if let Some(verdict) = judge_raw_crc(bytes, total, raw, horizon) {
        return Some(verdict);
    }
    // An escape that makes no sense shows a sender that escapes nothing; the CRC proves it.
    let verbatim = verbatim(raw)?;
    (bytes.bad_escape_at? < verbatim.raw_length).then_some(Verdict::Frame(verbatim))
}

/// The CRC as it stands, its `2b` and `2d` not escaped.
fn judge_raw_crc(bytes: &Unescaped, total: usize, raw: &[u8], horizon: Horizon) -> Option<Verdict> {
    let crc_at = bytes.crc_at?;
    let expected = bytes.crc_computed.to_be_bytes();
    if !expected.iter().any(|byte| matches!(*byte, START | ESCAPE)) {
        return None;
    }
    let rest = &raw[crc_at..];
    if rest.len() < CRC_BYTES {
        return (horizon == Horizon::Open && expected.starts_with(rest)).then_some(Verdict::Wait);
    }
    if !rest.starts_with(&expected) {
        return None;
    }
    // `xx 2d` may be the beginning of an escaped `xx 2d 2d`: one more byte tells.
    let mut escaped = Vec::with_capacity(2 * CRC_BYTES);
    escape(&mut escaped, &expected);
    if horizon == Horizon::Open && escaped.len() > rest.len() && escaped.starts_with(rest) {
        return Some(Verdict::Wait);
    }
    Some(Verdict::Frame(unescaped(bytes, crc_at + CRC_BYTES, total - CRC_BYTES, Escaping::RawCrc)))
}

/// At an unescaped start byte inside a short frame: it may be one that its sender forgot to escape.
///
/// Only so far as waiting for it delays no frame that starts there: the shortest one would have to be whole too.
fn judge_interrupted(bytes: &Unescaped, raw: &[u8], horizon: Horizon) -> Option<Verdict> {
    let total = verbatim_total(raw)?;
    let reach = bytes.end() + SHORTEST_FRAME;
    if 1 + total > reach {
        return None;
    }
    if raw.len() <= total {
        return (horizon == Horizon::Open).then_some(Verdict::Wait);
    }
    verbatim(raw).map(Verdict::Frame)
}

fn verbatim_total(raw: &[u8]) -> Option<usize> {
    let header = plausible(header(raw.get(1..)?)?)?;
    (!header.command.is_long()).then(|| header.declared_total())
}

/// The reading in which nothing is escaped, if its CRC fits.
fn verbatim(raw: &[u8]) -> Option<Extent> {
    let body = raw.get(1..=verbatim_total(raw)?)?;
    crc_fits(body).then(|| plain(body, Escaping::None))
}

/// The reading that does not trust the length field: up to the end of what is there, less one separator, or else up
/// to where a CRC fits.
fn measure(bytes: &Unescaped, raw: &[u8]) -> Option<Extent> {
    let header = bytes.header.filter(|header| header.command.is_known())?;
    let (end, body) = (bytes.end(), bytes.measured());
    let separator = usize::from(raw[..end].ends_with(&[0]));
    for less in [separator, 0] {
        let length = body.len() - less;
        if length >= header.smallest_total() && crc_fits(&body[..length]) {
            return Some(lie(body, end - less, length));
        }
    }
    // A frame that is slow, or that the capture or the sender cut off, must not end where its beginning happens to fit.
    if bytes.stop.is_none() || is_aligned(bytes, raw) || hidden_start(bytes, raw).is_some() {
        return None;
    }
    let length = first_fit(body, header.smallest_total())?;
    Some(lie(body, raw_length_of(raw, length), length))
}

/// The length of the shortest prefix of `body` that ends in its own CRC.
fn first_fit(body: &[u8], smallest: usize) -> Option<usize> {
    let mut running = Running::default();
    let mut covered = 0;
    (smallest..=body.len()).find(|length| {
        while covered < length - CRC_BYTES {
            running.push(body[covered]);
            covered += 1;
        }
        running.value().to_be_bytes() == body[covered..*length]
    })
}

/// How many raw bytes, start byte included, the first `body_length` unescaped bytes take.
fn raw_length_of(raw: &[u8], body_length: usize) -> usize {
    let mut at = 1;
    for _ in 0..body_length {
        at += if raw.get(at) == Some(&ESCAPE) { 2 } else { 1 };
    }
    at.min(raw.len())
}

/// Whether the frame ends by its declared length just where something else begins: its length is right then.
fn is_aligned(bytes: &Unescaped, raw: &[u8]) -> bool {
    let end = bytes.end();
    bytes.declared_end.is_some_and(|declared| declared == end || (declared + 1 == end && raw[declared] == 0))
}

/// What is reported of a frame that no reading fits.
fn damaged(bytes: &Unescaped, raw: &[u8]) -> Verdict {
    let end = bytes.end();
    if !bytes.body.first().is_some_and(|command| Command(*command).is_known()) {
        // Nothing says that this sender escapes: the next start byte counts, escaped or not.
        return Verdict::Junk { raw_length: bytes.escaped_start_at.unwrap_or(end).min(end) };
    }
    let Some(header) = bytes.header else { return Verdict::Stub { raw_length: end } };
    let hidden = hidden_start(bytes, raw);
    let (status, raw_length) =
        match (hidden, bytes.declared_end.filter(|declared| plausible(header).is_some() && *declared <= end)) {
            (Some(start), _) => (FrameStatus::Truncated, start),
            (None, Some(declared)) => (FrameStatus::CrcMismatch, declared),
            (None, None) => {
                (FrameStatus::Truncated, end - usize::from(bytes.stop.is_some() && raw[..end].ends_with(&[0])))
            }
        };
    let covered = match (status, hidden) {
        (FrameStatus::CrcMismatch, _) => header.declared_total() - CRC_BYTES,
        (_, Some(start)) => unescaped_length(&raw[1..start]),
        (_, None) => bytes.measured().len() - (end - raw_length),
    };
    if covered < header.smallest_total() - CRC_BYTES {
        return Verdict::Stub { raw_length };
    }
    let crc_read = if status == FrameStatus::CrcMismatch { crc_at(&bytes.body, covered) } else { None };
    Verdict::Frame(Extent { raw_length, covered, crc_read, status, escaping: Escaping::Full, plain: false })
}

/// A frame that starts at an escaped start byte inside a damaged one: the damaged one was cut right behind an escape
/// byte. Where the damaged one has just its declared length, only one that ends with it counts: any other is a piece
/// of another client's request that got into the payload.
fn hidden_start(bytes: &Unescaped, raw: &[u8]) -> Option<usize> {
    let end = bytes.end();
    let aligned = is_aligned(bytes, raw);
    let mut effort = HIDDEN_START_EFFORT * end;
    let mut at = bytes.escaped_start_at?;
    while at < end {
        if raw[at] == START
            && let Some(reach) = reach(&raw[at..end])
        {
            let mut inner = Unescaped::default();
            effort = effort.checked_sub(reach)?;
            inner.read(&raw[at..at + reach]);
            if let Some(Verdict::Frame(found)) = judge_declared(&inner, &raw[at..at + reach], Horizon::End)
                && (!aligned || Some(at + found.raw_length) >= bytes.declared_end)
            {
                return Some(at);
            }
        }
        at += 1;
    }
    None
}

/// How many of the bytes of `raw` a frame that starts there can take, every byte of it escaped; `None` when its first
/// bytes show that there is none.
fn reach(raw: &[u8]) -> Option<usize> {
    let mut head = Unescaped::default();
    head.read(&raw[..raw.len().min(1 + 2 * LONGEST_HEADER)]);
    let header = plausible(head.header?).filter(|header| header.command.is_known())?;
    (header.declared_total() < raw.len()).then(|| raw.len().min(1 + 2 * header.declared_total()))
}

/// How many bytes `raw` gives when unescaped; an escape byte without partner gives none.
fn unescaped_length(raw: &[u8]) -> usize {
    let mut length = 0;
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        if *byte != ESCAPE || bytes.next().is_some() {
            length += 1;
        }
    }
    length
}

/// The header, if its length has room for an object id.
fn plausible(header: Header) -> Option<Header> {
    (header.declared_total() >= header.smallest_total()).then_some(header)
}

/// Whether `body` ends in its own CRC.
fn crc_fits(body: &[u8]) -> bool {
    body.split_last_chunk::<CRC_BYTES>().is_some_and(|(covered, crc)| checksum(covered).to_be_bytes() == *crc)
}

/// The CRC that stands behind the first `covered` bytes of `body`.
fn crc_at(body: &[u8], covered: usize) -> Option<u16> {
    body.get(covered..)?.first_chunk().map(|crc| u16::from_be_bytes(*crc))
}

/// A right frame whose unescaped bytes, CRC included, are `body`.
fn plain(body: &[u8], escaping: Escaping) -> Extent {
    let covered = body.len() - CRC_BYTES;
    let crc_read = crc_at(body, covered);
    Extent { raw_length: 1 + body.len(), covered, crc_read, status: FrameStatus::Ok, escaping, plain: true }
}

/// A right frame that had to be unescaped.
fn unescaped(bytes: &Unescaped, raw_length: usize, covered: usize, escaping: Escaping) -> Extent {
    let crc_read = Some(bytes.crc_computed);
    Extent { raw_length, covered, crc_read, status: FrameStatus::Ok, escaping, plain: false }
}

/// A frame whose CRC fits over the first `length` bytes of `body`, not over as many as declared.
fn lie(body: &[u8], raw_length: usize, length: usize) -> Extent {
    let covered = length - CRC_BYTES;
    let (crc_read, status) = (crc_at(body, covered), FrameStatus::LengthLie);
    Extent { raw_length, covered, crc_read, status, escaping: Escaping::Full, plain: false }
}
