//! Capture files as they are written: pcap and pcapng, one Ethernet interface.
//!
//! Knows nothing of what a packet holds. Written here, not by a crate, because the bytes of a made-up capture are
//! promised to stay the same for ever, whatever the version of a dependency.

use crate::time::Timestamp;
use std::io::{self, Write};

/// The kind of capture file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// pcap, little-endian, nanoseconds.
    #[default]
    Pcap,
    /// pcap, little-endian, microseconds: what the oldest readers understand. Times are rounded down.
    PcapMicroseconds,
    /// pcapng, one little-endian section with one interface, nanoseconds.
    Pcapng,
}

/// LINKTYPE_ETHERNET.
const ETHERNET: u16 = 1;
/// What tcpdump writes for "whole packets".
const SNAP_LENGTH: u32 = 262_144;
/// The buffer is handed on when it is this full: few large writes, and memory that does not grow with the file.
const BUFFER_BYTES: usize = 256 << 10;
const NANOS: i64 = 1_000_000_000;

/// Writes a capture file, packet by packet.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    format: Format,
    buffer: Vec<u8>,
    packet_count: u64,
    byte_count: u64,
}

impl<'a> Writer<'a> {
    /// A file of `format`, its header already in the buffer.
    pub fn new(out: &'a mut dyn Write, format: Format) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + (64 << 10));
        match format {
            Format::Pcap => pcap_header(&mut buffer, 0xa1b2_3c4d),
            Format::PcapMicroseconds => pcap_header(&mut buffer, 0xa1b2_c3d4),
            Format::Pcapng => pcapng_header(&mut buffer),
        }
        Self { out, format, buffer, packet_count: 0, byte_count: 0 }
    }

    /// Appends a packet that was captured whole.
    pub fn packet(&mut self, ts: Timestamp, data: &[u8]) -> io::Result<()> {
        self.cut_packet(ts, data, 0)
    }

    /// Appends a packet of which `data` was captured and that had `original_length` bytes on the wire.
    pub fn cut_packet(&mut self, ts: Timestamp, data: &[u8], original_length: u32) -> io::Result<()> {
        let lengths = Lengths { captured: length_of(data)?, original: original_length.max(length_of(data)?) };
        match self.format {
            Format::Pcap => pcap_record(&mut self.buffer, ts, 1, data, lengths)?,
            Format::PcapMicroseconds => pcap_record(&mut self.buffer, ts, 1000, data, lengths)?,
            Format::Pcapng => enhanced_packet(&mut self.buffer, ts, data, lengths),
        }
        self.packet_count += 1;
        if self.buffer.len() >= BUFFER_BYTES { self.hand_on() } else { Ok(()) }
    }

    /// Packets so far.
    pub const fn packet_count(&self) -> u64 {
        self.packet_count
    }

    /// Bytes of the file so far.
    pub fn byte_count(&self) -> u64 {
        self.byte_count + byte_count(&self.buffer)
    }

    /// Writes what is left. Without it the end of the file is missing.
    pub fn finish(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.byte_count += byte_count(&self.buffer);
        self.buffer.clear();
        Ok(())
    }
}

fn byte_count(buffer: &[u8]) -> u64 {
    u64::try_from(buffer.len()).unwrap_or(u64::MAX)
}

fn length_of(data: &[u8]) -> io::Result<u32> {
    u32::try_from(data.len()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a packet of 4 GiB or more"))
}

/// The time as a capture file counts it. Files know no time before 1970.
fn unsigned(ts: Timestamp) -> u64 {
    u64::try_from(ts.nanos()).unwrap_or(0)
}

fn pcap_header(out: &mut Vec<u8>, magic: u32) {
    out.extend(magic.to_le_bytes());
    for version in [2u16, 4] {
        out.extend(version.to_le_bytes());
    }
    // Time zone and accuracy: always zero in practice.
    out.extend([0; 8]);
    out.extend(SNAP_LENGTH.to_le_bytes());
    out.extend(u32::from(ETHERNET).to_le_bytes());
}

/// How much of a packet there is, and how much there was.
#[derive(Clone, Copy)]
struct Lengths {
    captured: u32,
    original: u32,
}

fn pcap_record(out: &mut Vec<u8>, ts: Timestamp, nanos_per_tick: i64, data: &[u8], lengths: Lengths) -> io::Result<()> {
    let seconds = u32::try_from(ts.nanos().max(0) / NANOS)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a time after 2106 does not fit into pcap"))?;
    let fraction = u32::try_from(ts.nanos().max(0) % NANOS / nanos_per_tick).unwrap_or(0);
    for field in [seconds, fraction, lengths.captured, lengths.original] {
        out.extend(field.to_le_bytes());
    }
    out.extend_from_slice(data);
    Ok(())
}

/// Section header and interface description.
fn pcapng_header(out: &mut Vec<u8>) {
    let mut section = Vec::new();
    section.extend(0x1a2b_3c4d_u32.to_le_bytes());
    for version in [1u16, 0] {
        section.extend(version.to_le_bytes());
    }
    // A section length of -1: not told.
    section.extend([0xff; 8]);
    block(out, 0x0a0d_0d0a, &section);

    let mut interface = Vec::new();
    for field in [ETHERNET, 0] {
        interface.extend(field.to_le_bytes());
    }
    interface.extend(SNAP_LENGTH.to_le_bytes());
    // Option 9, if_tsresol: ten to the minus nine; then the end of options.
    interface.extend([9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    block(out, 1, &interface);
}

fn enhanced_packet(out: &mut Vec<u8>, ts: Timestamp, data: &[u8], lengths: Lengths) {
    let ticks = unsigned(ts);
    let [high, low] = [ticks >> 32, ticks & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or(0));
    let mut body = Vec::with_capacity(24 + data.len());
    for field in [0, high, low, lengths.captured, lengths.original] {
        body.extend(field.to_le_bytes());
    }
    body.extend_from_slice(data);
    block(out, 6, &body);
}

/// A block: type, total length, body padded to four bytes, total length again.
fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padding = body.len().wrapping_neg() % 4;
    let total = u32::try_from(12 + body.len() + padding).unwrap_or(u32::MAX);
    out.extend(kind.to_le_bytes());
    out.extend(total.to_le_bytes());
    out.extend_from_slice(body);
    out.extend(std::iter::repeat_n(0, padding));
    out.extend(total.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, format);
        writer.packet(Timestamp::from_nanos(1_742_245_571_050_224_973), &[1, 2, 3, 4, 5]).expect("a Vec takes all");
        writer.finish().expect("a Vec takes all");
        assert_eq!(writer.packet_count(), 1);
        let counted = writer.byte_count();
        assert_eq!(counted, byte_count(&out));
        out
    }

    #[test]
    fn a_pcap_record_has_its_time_in_the_unit_of_the_header() {
        let nanos = written(Format::Pcap);
        assert_eq!(nanos[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
        assert_eq!(
            nanos[24..40],
            *[&1_742_245_571u32.to_le_bytes()[..], &50_224_973u32.to_le_bytes(), &[5, 0, 0, 0], &[5, 0, 0, 0]].concat()
        );
        let micros = written(Format::PcapMicroseconds);
        assert_eq!(micros[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        assert_eq!(micros[28..32], 50_224u32.to_le_bytes());
        assert_eq!(micros.len(), 24 + 16 + 5);
    }

    #[test]
    fn pcapng_blocks_are_padded_and_name_their_length_twice() {
        let file = written(Format::Pcapng);
        let mut rest = &file[..];
        let mut kinds = Vec::new();
        while let [a, b, c, d, ..] = rest {
            let total = usize::try_from(u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]])).expect("small");
            assert_eq!(total % 4, 0);
            assert_eq!(rest[total - 4..total], rest[4..8]);
            kinds.push(u32::from_le_bytes([*a, *b, *c, *d]));
            rest = &rest[total..];
        }
        assert_eq!(kinds, [0x0a0d_0d0a, 1, 6]);
    }

    #[test]
    fn a_time_before_the_epoch_is_written_as_the_epoch() {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Format::Pcap);
        writer.packet(Timestamp::from_nanos(-5), &[]).expect("a Vec takes all");
        writer.finish().expect("a Vec takes all");
        assert_eq!(out[24..32], [0; 8]);
    }
}
