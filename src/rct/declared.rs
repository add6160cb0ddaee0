//! The readings of a candidate that trust its length field.

use super::crc::checksum;
use super::encode::{ESCAPE, START, escape};
use super::frame::{Escaping, FrameStatus};
use super::parse::{CRC_BYTES, Header, header};
use super::stretch::Candidate;
use super::verdict::{Extent, Horizon, Verdict};

/// The verdict of these readings; `None` when none of them fits or can still fit.
pub(super) fn judge_declared(candidate: Candidate<'_>, horizon: Horizon) -> Option<Verdict> {
    let total = plausible(candidate.header()?)?.declared_total();
    let covered = total - CRC_BYTES;
    if let Some(crc_at) = candidate.raw_length(covered) {
        let crc = candidate.checksum(covered);
        if let Some(raw_length) = candidate.raw_length(total)
            && candidate.body()[covered..total] == crc.to_be_bytes()
        {
            return Some(Verdict::Frame(unescaped(raw_length, covered, crc, Escaping::Full)));
        }
        match judge_raw_crc(&candidate.raw[crc_at..], crc, horizon) {
            RawCrc::Fits => {
                let raw_length = crc_at + CRC_BYTES;
                return Some(Verdict::Frame(unescaped(raw_length, covered, crc, Escaping::RawCrc)));
            }
            RawCrc::MayFit => return Some(Verdict::Wait),
            RawCrc::No => {}
        }
    }
    // An escape that makes no sense shows a sender that escapes nothing; the CRC proves it.
    let verbatim = verbatim(candidate.raw)?;
    candidate.has_bad_escape(verbatim.raw_length).then_some(Verdict::Frame(verbatim))
}

/// Whether a CRC stands as it is, its `2b` and `2d` not escaped.
enum RawCrc {
    No,
    MayFit,
    Fits,
}

fn judge_raw_crc(raw: &[u8], crc: u16, horizon: Horizon) -> RawCrc {
    let expected = crc.to_be_bytes();
    if !expected.iter().any(|byte| matches!(*byte, START | ESCAPE)) {
        return RawCrc::No;
    }
    if raw.len() < CRC_BYTES {
        return if horizon == Horizon::Open && expected.starts_with(raw) { RawCrc::MayFit } else { RawCrc::No };
    }
    if !raw.starts_with(&expected) {
        return RawCrc::No;
    }
    // `xx 2d` may be the beginning of an escaped `xx 2d 2d`: one more byte tells.
    let mut escaped = Vec::with_capacity(2 * CRC_BYTES);
    escape(&mut escaped, &expected);
    let may_be_escaped = horizon == Horizon::Open && escaped.len() > raw.len() && escaped.starts_with(raw);
    if may_be_escaped { RawCrc::MayFit } else { RawCrc::Fits }
}

/// The reading in which nothing is escaped, if its CRC fits.
pub(super) fn verbatim(raw: &[u8]) -> Option<Extent> {
    let body = raw.get(1..=verbatim_total(raw)?)?;
    let (covered, crc) = body.split_last_chunk::<CRC_BYTES>()?;
    let crc = u16::from_be_bytes(*crc);
    (checksum(covered) == crc).then_some(Extent {
        raw_length: 1 + body.len(),
        covered: covered.len(),
        crc_read: Some(crc),
        status: FrameStatus::Ok,
        escaping: Escaping::None,
        plain: true,
    })
}

/// How many bytes behind the start byte that reading takes. Only those who send short commands do not escape.
pub(super) fn verbatim_total(raw: &[u8]) -> Option<usize> {
    let header = plausible(header(raw.get(1..)?)?)?;
    (!header.command.is_long()).then(|| header.declared_total())
}

/// Whether the candidate ends by its declared length just where something else begins: its length is right then.
pub(super) fn is_aligned(candidate: Candidate<'_>) -> bool {
    let end = candidate.end();
    let is_end = |declared| declared == end || (declared + 1 == end && candidate.raw[declared] == 0);
    candidate.declared_end().is_some_and(is_end)
}

/// The header, if its length has room for an object id.
pub(super) fn plausible(header: Header) -> Option<Header> {
    (header.declared_total() >= header.smallest_total()).then_some(header)
}

/// A right frame that had to be unescaped.
fn unescaped(raw_length: usize, covered: usize, crc: u16, escaping: Escaping) -> Extent {
    Extent { raw_length, covered, crc_read: Some(crc), status: FrameStatus::Ok, escaping, plain: false }
}
