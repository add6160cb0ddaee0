//! Frames from their parts: the reverse of the framer.

use super::command::Command;
use super::crc::checksum;
use crate::object::ObjectId;

/// The byte that starts a frame.
pub const START: u8 = 0x2b;
/// The byte put before every [`START`] and [`ESCAPE`] inside a frame.
pub const ESCAPE: u8 = 0x2d;

/// Appends a frame with the right length and CRC to `out`. The payload is cut off where the length field ends: at 251
/// bytes for short commands, 65,531 for long ones, 4 fewer for plant forms.
pub fn frame(out: &mut Vec<u8>, command: Command, address: Option<u32>, object_id: ObjectId, payload: &[u8]) {
    let longest = (if command.is_long() { 0xffff } else { 0xff }) - command.id_bytes();
    let body = body(command, address, object_id, &payload[..payload.len().min(longest)]);
    out.push(START);
    escape(out, &body);
    escape(out, &checksum(&body).to_be_bytes());
}

/// The unescaped bytes from the command to the end of the payload.
fn body(command: Command, address: Option<u32>, object_id: ObjectId, payload: &[u8]) -> Vec<u8> {
    let length = command.id_bytes() + payload.len();
    let mut body = Vec::with_capacity(length + 3);
    body.push(command.0);
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    body.extend_from_slice(&length[2 - command.length_bytes()..]);
    if command.is_plant() {
        body.extend_from_slice(&address.unwrap_or(0).to_be_bytes());
    }
    body.extend_from_slice(&object_id.0.to_be_bytes());
    body.extend_from_slice(payload);
    body
}

/// Appends `bytes` to `out`, every start and escape byte preceded by an escape byte.
pub fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        if matches!(byte, START | ESCAPE) {
            out.push(ESCAPE);
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_read_whose_object_id_holds_an_escape_byte() {
        let mut out = Vec::new();
        frame(&mut out, Command::READ, None, ObjectId(0xdb2d_69ae), &[]);
        assert_eq!(out, [0x2b, 0x01, 0x04, 0xdb, 0x2d, 0x2d, 0x69, 0xae, 0x55, 0xab]);
    }
}
