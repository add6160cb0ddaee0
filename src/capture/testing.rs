//! Captures made byte by byte, and inputs that misbehave, for the tests of this stage.

use super::{Error, Notice, Reader};
use std::io::{self, Read};

/// The byte order of a made capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

pub(super) use Endian::{Big, Little};

impl Endian {
    pub(super) fn u16(self, value: u16) -> [u8; 2] {
        if self == Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(super) fn u32(self, value: u32) -> [u8; 4] {
        if self == Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    pub(super) fn u64(self, value: u64) -> [u8; 8] {
        if self == Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

pub(super) const MICROS: u32 = 0xa1b2_c3d4;
pub(super) const NANOS: u32 = 0xa1b2_3c4d;
pub(super) const MODIFIED: u32 = 0xa1b2_cd34;

/// The header of a pcap file.
pub(super) fn pcap_header(endian: Endian, magic: u32, link_type: u32) -> Vec<u8> {
    let version = [endian.u16(2), endian.u16(4)].concat();
    [endian.u32(magic).as_slice(), &version, &[0; 8], &endian.u32(65_535), &endian.u32(link_type)].concat()
}

/// A pcap record with its true lengths.
pub(super) fn pcap_record(endian: Endian, seconds: u32, fraction: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    [[seconds, fraction, length, length].map(|field| endian.u32(field)).concat().as_slice(), data].concat()
}

/// A pcapng block: body padded, both lengths right.
pub(super) fn block(endian: Endian, kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = endian.u32(u32::try_from(12 + body.len() + padding).unwrap());
    [endian.u32(kind).as_slice(), &length, body, &[0; 3][..padding], &length].concat()
}

/// A section header.
pub(super) fn section(endian: Endian) -> Vec<u8> {
    let version = [endian.u16(1), endian.u16(0)].concat();
    block(endian, 0x0a0d_0d0a, &[endian.u32(0x1a2b_3c4d).as_slice(), &version, &[0xff; 8]].concat())
}

/// An option with its padding.
pub(super) fn option(endian: Endian, code: u16, value: &[u8]) -> Vec<u8> {
    let padding = value.len().next_multiple_of(4) - value.len();
    let length = u16::try_from(value.len()).unwrap();
    [endian.u16(code).as_slice(), &endian.u16(length), value, &[0; 3][..padding]].concat()
}

/// An interface description.
pub(super) fn interface(endian: Endian, link_type: u16, snap_length: u32, options: &[u8]) -> Vec<u8> {
    let fields = [endian.u16(link_type).as_slice(), &[0; 2], &endian.u32(snap_length)].concat();
    block(endian, 1, &[fields.as_slice(), options].concat())
}

/// An enhanced packet block.
pub(super) fn enhanced(endian: Endian, interface: u32, ticks: u64, data: &[u8], options: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap();
    let [high, low] = [ticks >> 32, ticks & 0xffff_ffff].map(|half| u32::try_from(half).unwrap());
    let fields = [interface, high, low, length, length].map(|field| endian.u32(field)).concat();
    let padding = data.len().next_multiple_of(4) - data.len();
    block(endian, 6, &[fields.as_slice(), data, &[0; 3][..padding], options].concat())
}

/// A packet that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) number: u64,
    pub(super) nanos: i64,
    pub(super) link_type: u16,
    pub(super) interface: u32,
    pub(super) original_length: u32,
    pub(super) data: Vec<u8>,
}

impl From<crate::packet::Packet<'_>> for Owned {
    fn from(packet: crate::packet::Packet<'_>) -> Self {
        Self {
            number: packet.number.0,
            nanos: packet.ts.nanos(),
            link_type: packet.link_type.0,
            interface: packet.interface,
            original_length: packet.original_length,
            data: packet.data.to_vec(),
        }
    }
}

/// All that a reader has to say about an input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) packets: Vec<Owned>,
    pub(super) notices: Vec<Notice>,
    pub(super) complete: bool,
}

impl Outcome {
    pub(super) fn messages(&self) -> Vec<&str> {
        self.notices.iter().map(|notice| notice.message.as_str()).collect()
    }
}

/// Reads an input to its end.
pub(super) fn read_from(input: impl Read + Send + 'static) -> Result<Outcome, Error> {
    let mut reader = Reader::new(Box::new(input))?;
    let (mut packets, mut notices) = (Vec::new(), Vec::new());
    while let Some(packet) = reader.next_packet()? {
        packets.push(Owned::from(packet));
        notices.extend(reader.take_notices());
    }
    notices.extend(reader.take_notices());
    assert!(matches!(reader.next_packet(), Ok(None)), "the end is the end");
    assert!(reader.take_notices().is_empty());
    Ok(Outcome { packets, notices, complete: reader.complete() })
}

/// Reads a whole file that comes at once.
pub(super) fn read(file: &[u8]) -> Result<Outcome, Error> {
    read_from(io::Cursor::new(file.to_vec()))
}

/// Gives its bytes in pieces of the given sizes, over and over, and is interrupted before each.
pub(super) struct Pieces {
    pub(super) bytes: Vec<u8>,
    pub(super) sizes: Vec<usize>,
    at: usize,
    reads: usize,
}

impl Pieces {
    pub(super) fn new(bytes: &[u8], sizes: &[usize]) -> Self {
        Self { bytes: bytes.to_vec(), sizes: sizes.to_vec(), at: 0, reads: 0 }
    }
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads % 2 == 1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let size = self.sizes.get(self.reads / 2 % self.sizes.len().max(1)).copied().unwrap_or(1);
        let left = &self.bytes[self.at..];
        let count = size.max(1).min(left.len()).min(room.len());
        room[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }
}
