//! The short way to a frame that is what nearly all are: whole, its length and CRC right, everything escaped, no plant form.
//!
//! That is the first of the readings of `candidate`, and what it gives is what that module gives; a test holds the two
//! together. Whatever is not so plain, and whatever is no frame, is left to it.

use super::command::Command;
use super::crc::checksum;
use super::encode::{ESCAPE, START};
use super::frame::WholeFrame;
use super::parse::{CRC_BYTES, Header};
use crate::object::ObjectId;

/// Escaped frames longer than this are rare, and every direction keeps its scratch.
const LONGEST_ESCAPED: usize = 1 << 10;

/// A whole, right frame at the front of some bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    header: Header,
    object_id: ObjectId,
    crc: u16,
    /// Where the payload begins in the unescaped bytes from the command to the CRC.
    payload_at: usize,
    /// Those are not the raw ones behind the start byte, but in the scratch.
    is_escaped: bool,
    /// Bytes on the wire, the start byte included.
    pub(super) raw_length: usize,
}

/// The frame at the front of `bytes`, if it is such a one. `scratch` is overwritten.
#[inline]
pub(super) fn whole(bytes: &[u8], scratch: &mut Vec<u8>) -> Option<Whole> {
    let [START, behind @ ..] = bytes else { return None };
    let header = known_header(behind)?;
    let total = header.declared_total();
    let body = behind.get(..total)?;
    if has_special(body) {
        return escaped(behind, header, scratch);
    }
    let (object_id, payload_at, crc) = proven(body, header)?;
    Some(Whole { header, object_id, payload_at, crc, is_escaped: false, raw_length: 1 + total })
}

/// Whether there are start or escape bytes in the body of a frame, which is never shorter than eight bytes.
#[inline]
fn has_special(body: &[u8]) -> bool {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // Eight bytes a step: a byte less one has its highest bit set, and itself not, only where it is zero, or where one behind it
    // is.
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let specials = |word: &[u8; 8]| {
        let is = |byte: u8| zeros(u64::from_ne_bytes(*word) ^ u64::from_ne_bytes([byte; 8]));
        is(START) | is(ESCAPE)
    };
    let last = body.last_chunk().map_or(0, specials);
    let (words, _) = body.as_chunks::<8>();
    match words {
        // Nearly all are no longer than two words, and whether there is something in the one is not to be guessed before the other
        // is looked at.
        [first] => specials(first) | last != 0,
        _ => last != 0 || words.iter().any(|word| specials(word) != 0),
    }
}

/// As [`whole`], where some bytes are escaped.
fn escaped(behind: &[u8], header: Header, scratch: &mut Vec<u8>) -> Option<Whole> {
    let total = header.declared_total();
    if total > LONGEST_ESCAPED {
        return None;
    }
    scratch.clear();
    scratch.resize(total, 0);
    let mut at = 0;
    for byte in &mut *scratch {
        *byte = match *behind.get(at)? {
            START => return None,
            ESCAPE => {
                at += 1;
                *behind.get(at).filter(|byte| matches!(**byte, START | ESCAPE))?
            }
            byte => byte,
        };
        at += 1;
    }
    let (object_id, payload_at, crc) = proven(scratch, header)?;
    // A header of which a byte is escaped is not what it looks.
    (known_header(scratch) == Some(header)).then_some(Whole {
        header,
        object_id,
        payload_at,
        crc,
        is_escaped: true,
        raw_length: 1 + at,
    })
}

/// The header of a frame with a known command and room for an object id. Others are looked at more closely: what begins so
/// may be no frame at all.
#[inline]
fn known_header(body: &[u8]) -> Option<Header> {
    // No frame is so short that the third byte is not there.
    let [command, first, second, ..] = *body else { return None };
    let command = Command(command);
    let declared_length = if command.is_long() { u16::from_be_bytes([first, second]) } else { first.into() };
    let is_one = command.is_known() && !command.is_plant() && usize::from(declared_length) >= command.id_bytes();
    is_one.then_some(Header { command, declared_length })
}

/// The object of a frame, where behind it the payload begins, and the CRC at the end of its body, if it fits.
#[inline]
fn proven(body: &[u8], header: Header) -> Option<(ObjectId, usize, u16)> {
    let (covered, crc) = body.split_last_chunk::<CRC_BYTES>()?;
    let crc = u16::from_be_bytes(*crc);
    let before = header.bytes();
    let id = covered.get(before..)?.first_chunk()?;
    (checksum(covered) == crc).then_some((ObjectId(u32::from_be_bytes(*id)), before + id.len(), crc))
}

impl Whole {
    /// Whether the device sent it.
    #[inline]
    pub(super) fn is_response(&self) -> bool {
        self.header.command.is_response()
    }

    /// The frame that stands at stream offset `offset`, out of its raw bytes and the scratch.
    #[inline]
    pub(super) fn frame<'a>(&self, raw: &'a [u8], scratch: &'a [u8], offset: u64) -> WholeFrame<'a> {
        let Header { command, declared_length } = self.header;
        let body = if self.is_escaped { scratch } else { &raw[1..] };
        let payload = &body[self.payload_at..body.len() - CRC_BYTES];
        WholeFrame { offset, raw, command, declared_length, object_id: self.object_id, payload, crc: self.crc }
    }
}
