//! Requests and answers as bytes, right ones and damaged ones.

use crate::object::ObjectId;
use crate::rct::Command;
use crate::rct::crc::checksum;
use crate::rct::encode::{self, START};

/// One frame of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub command: Command,
    pub address: Option<u32>,
    pub object_id: ObjectId,
    pub payload: Vec<u8>,
}

impl Request {
    pub(super) const fn read(object_id: ObjectId) -> Self {
        Self { command: Command::READ, address: None, object_id, payload: Vec::new() }
    }

    pub(super) fn write(object_id: ObjectId, payload: &[u8]) -> Self {
        Self { command: Command::WRITE, address: None, object_id, payload: payload.to_vec() }
    }

    pub(super) const fn subscribe(object_id: ObjectId) -> Self {
        Self { command: Command::READ_PERIODICALLY, address: None, object_id, payload: Vec::new() }
    }

    /// The same request to the device with `address` of a plant.
    #[must_use]
    pub(super) const fn with_address(mut self, address: u32) -> Self {
        self.command = Command(self.command.0 | 0x40);
        self.address = Some(address);
        self
    }

    /// The frame.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.payload.len());
        encode::frame(&mut out, self.command, self.address, self.object_id, &self.payload);
        out
    }

    /// The frame as clients send it that escape nothing at all.
    pub(super) fn bytes_without_escapes(&self) -> Vec<u8> {
        let mut body = body(self.command, declared(self.payload.len()), self.object_id, &self.payload);
        body.extend_from_slice(&checksum(&body).to_be_bytes());
        body.insert(0, START);
        body
    }

    /// The frame as clients send it that forget to escape the CRC.
    pub(super) fn bytes_with_raw_crc(&self) -> Vec<u8> {
        let body = body(self.command, declared(self.payload.len()), self.object_id, &self.payload);
        let mut out = vec![START];
        encode::escape(&mut out, &body);
        out.extend_from_slice(&checksum(&body).to_be_bytes());
        out
    }
}

/// Several requests in one go.
pub(super) fn batch(requests: &[Request]) -> Vec<u8> {
    requests.iter().flat_map(Request::bytes).collect()
}

/// A RESPONSE with the `00` that the device sends in front.
pub(super) fn response(object_id: ObjectId, payload: &[u8]) -> Vec<u8> {
    separated(Command::RESPONSE, None, object_id, payload)
}

/// A LONG_RESPONSE with the `00` in front.
pub(super) fn long_response(object_id: ObjectId, payload: &[u8]) -> Vec<u8> {
    separated(Command::LONG_RESPONSE, None, object_id, payload)
}

/// Any device frame with the `00` in front.
pub(super) fn separated(command: Command, address: Option<u32>, object_id: ObjectId, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + payload.len());
    out.push(0);
    encode::frame(&mut out, command, address, object_id, payload);
    out
}

/// A device frame whose length field says `length` whatever the payload, with a CRC that fits what is there: the
/// firmware computes it over what it sends, lie included.
pub(super) fn lying(command: Command, length: u16, object_id: ObjectId, payload: &[u8]) -> Vec<u8> {
    let body = body(command, length, object_id, payload);
    finish(&body, checksum(&body))
}

/// A RESPONSE whose CRC is off by `damage` (not zero).
pub(super) fn with_bad_crc(object_id: ObjectId, payload: &[u8], damage: u16) -> Vec<u8> {
    let body = body(Command::RESPONSE, declared(payload.len()), object_id, payload);
    finish(&body, checksum(&body) ^ damage)
}

/// What a length field should say for a payload.
pub(super) fn declared(payload_length: usize) -> u16 {
    u16::try_from(payload_length + 4).unwrap_or(u16::MAX)
}

fn body(command: Command, length: u16, object_id: ObjectId, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![command.0];
    body.extend_from_slice(&length.to_be_bytes()[2 - command.length_bytes()..]);
    body.extend_from_slice(&object_id.0.to_be_bytes());
    body.extend_from_slice(payload);
    body
}

fn finish(body: &[u8], crc: u16) -> Vec<u8> {
    let mut out = vec![0, START];
    encode::escape(&mut out, body);
    encode::escape(&mut out, &crc.to_be_bytes());
    out
}
