//! The fields of a frame out of its unescaped bytes.
//!
//! ```text
//! command 1 | length 1 or 2 | [address 4] | object id 4 | payload | crc 2
//! ```
//!
//! Escapes are gone and the end is known when these parsers run: where a frame ends is the business of `candidate`.

use super::command::Command;
use crate::object::ObjectId;
use nom::combinator::{cond, map, rest};
use nom::number::complete::{be_u8, be_u16, be_u32};
use nom::{IResult, Parser};

/// Bytes of the CRC.
pub(super) const CRC_BYTES: usize = 2;

/// The beginning of a frame: what is needed to know where it claims to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) command: Command,
    pub(super) declared_length: u16,
}

impl Header {
    /// Its own bytes.
    pub(super) fn bytes(self) -> usize {
        1 + self.command.length_bytes()
    }

    /// Unescaped bytes from the command to the last CRC byte, if the length field tells the truth.
    pub(super) fn declared_total(self) -> usize {
        self.bytes() + usize::from(self.declared_length) + CRC_BYTES
    }

    /// The same for the shortest frame with this command: object id, no payload.
    pub(super) fn smallest_total(self) -> usize {
        self.bytes() + self.command.id_bytes() + CRC_BYTES
    }
}

/// A frame's fields between header and CRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) header: Header,
    pub(super) address: Option<u32>,
    pub(super) object_id: ObjectId,
    pub(super) payload: &'a [u8],
}

/// Reads the header; `None` when bytes are missing.
pub(super) fn header(body: &[u8]) -> Option<Header> {
    parse_header(body).ok().map(|(_, header)| header)
}

/// Reads all fields of `body`, which ends with the payload (no CRC); `None` when the object id is not whole.
pub(super) fn fields(body: &[u8]) -> Option<Fields<'_>> {
    parse_fields(body).ok().map(|(_, fields)| fields)
}

fn parse_header(input: &[u8]) -> IResult<&[u8], Header> {
    let (input, command) = map(be_u8, Command).parse(input)?;
    let (input, declared_length) =
        if command.is_long() { be_u16(input)? } else { map(be_u8, u16::from).parse(input)? };
    Ok((input, Header { command, declared_length }))
}

fn parse_fields(input: &[u8]) -> IResult<&[u8], Fields<'_>> {
    let (input, header) = parse_header(input)?;
    let (input, address) = cond(header.command.is_plant(), be_u32).parse(input)?;
    let (input, object_id) = map(be_u32, ObjectId).parse(input)?;
    let (input, payload) = rest(input)?;
    Ok((input, Fields { header, address, object_id, payload }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plant_frame_has_its_address_before_the_object() {
        let body = [0x45, 0x09, 0, 0, 0, 7, 0x95, 0x99, 0x30, 0xbf, 0xaa];
        let fields = fields(&body).expect("whole");
        assert_eq!(fields.address, Some(7));
        assert_eq!(fields.object_id, ObjectId(0x9599_30bf));
        assert_eq!(fields.payload, [0xaa]);
        assert_eq!(fields.header.declared_total(), body.len() + CRC_BYTES);
    }

    #[test]
    fn a_long_frame_has_two_bytes_of_length() {
        let header = header(&[0x06, 0x01, 0xe8]).expect("whole");
        assert_eq!(header.declared_length, 488);
        assert_eq!(header.smallest_total(), 9);
    }

    #[test]
    fn what_is_cut_before_the_object_id_has_no_fields() {
        assert_eq!(header(&[0x06, 0x01]), None);
        assert_eq!(fields(&[0x05, 0x08, 1, 2, 3]), None);
    }
}
