//! The pcap container, and the modified pcap that AVM's routers write.
//!
//! Knows one file header and its records. A second file glued behind the first is read on, with its own header.

use super::{ByteOrder, Fraction, Part, Record, Step, at_least_captured, size};
use crate::limits;
use crate::packet::LinkType;
use crate::time::Timestamp;
use byteorder_slice::{BigEndian, ByteOrder as Order, LittleEndian};
use pcap_file::TsResolution;
use pcap_file::pcap::{PcapHeader, RawPcapPacket};

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;

/// Bytes before a packet's own.
const RECORD_HEADER: usize = 16;
/// Modified pcap adds the interface's index, the protocol and the packet's kind, which nobody needs.
const MODIFIED_RECORD_HEADER: usize = 24;

/// The magic of modified pcap; the two others are known to the crate that reads them.
const MODIFIED: u32 = 0xa1b2_cd34;
const MICROSECONDS: u32 = 0xa1b2_c3d4;

/// Version 2.4 in both byte orders; all pcap files of this century have it.
const VERSIONS: [[u8; 4]; 2] = [[2, 0, 4, 0], [0, 2, 0, 4]];

/// A pcap file, as its header describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pcap {
    order: ByteOrder,
    layout: Layout,
    nanos_per_tick: u32,
    link_type: LinkType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Classic,
    Modified,
}

/// What a record's header says of lengths.
struct Lengths {
    header: usize,
    captured: u32,
    original: u32,
}

/// Whether a file that starts with `magic` is one of ours.
pub(super) fn is_magic(magic: [u8; 4]) -> bool {
    [magic, reversed(magic)]
        .into_iter()
        .any(|magic| matches!(u32::from_be_bytes(magic), 0xa1b2_c3d4 | 0xa1b2_3c4d | MODIFIED))
}

fn reversed([a, b, c, d]: [u8; 4]) -> [u8; 4] {
    [d, c, b, a]
}

impl Pcap {
    /// The header at the front of `data`; `None` when that is none, or too short.
    pub(super) fn from_header(data: &[u8]) -> Option<Self> {
        let mut header: [u8; HEADER] = *data.first_chunk()?;
        let magic: [u8; 4] = *header.first_chunk()?;
        let layout = match [u32::from_be_bytes(magic), u32::from_le_bytes(magic)] {
            [MODIFIED, _] => Some(MICROSECONDS.to_be_bytes()),
            [_, MODIFIED] => Some(MICROSECONDS.to_le_bytes()),
            _ => None,
        };
        // But for the magic, the modified header is the classic one.
        if let Some(classic) = layout {
            header[..4].copy_from_slice(&classic);
        }
        let (_, parsed) = PcapHeader::from_slice(&header).ok()?;
        // The upper half tells of frame check sequences, which lengths from IP make harmless.
        let link_type = LinkType(u16::try_from(u32::from(parsed.datalink) & 0xffff).unwrap_or(u16::MAX));
        Some(Self {
            order: match parsed.endianness {
                pcap_file::Endianness::Big => ByteOrder::Big,
                pcap_file::Endianness::Little => ByteOrder::Little,
            },
            layout: if layout.is_some() { Layout::Modified } else { Layout::Classic },
            nanos_per_tick: if parsed.ts_resolution == TsResolution::NanoSecond { 1 } else { 1000 },
            link_type,
        })
    }

    pub(super) const fn link_type(self) -> LinkType {
        self.link_type
    }

    pub(super) const fn is_modified(self) -> bool {
        matches!(self.layout, Layout::Modified)
    }

    /// What stands at the front of `data`.
    pub(super) fn step(self, data: &[u8]) -> Step {
        match (self.layout, self.order) {
            (Layout::Classic, ByteOrder::Little) => self.classic::<LittleEndian>(data),
            (Layout::Classic, ByteOrder::Big) => self.classic::<BigEndian>(data),
            (Layout::Modified, ByteOrder::Little) => self.modified::<LittleEndian>(data),
            (Layout::Modified, ByteOrder::Big) => self.modified::<BigEndian>(data),
        }
    }

    fn classic<B: Order>(self, data: &[u8]) -> Step {
        match RawPcapPacket::from_slice::<B>(data) {
            Ok((_, raw)) => {
                let lengths = Lengths { header: RECORD_HEADER, captured: raw.incl_len, original: raw.orig_len };
                self.record(data, raw.ts_sec, raw.ts_frac, &lengths)
            }
            Err(_) => Self::incomplete::<B>(data, RECORD_HEADER),
        }
    }

    fn modified<B: Order>(self, data: &[u8]) -> Step {
        let Some(header) = data.first_chunk::<MODIFIED_RECORD_HEADER>() else {
            return Self::incomplete::<B>(data, MODIFIED_RECORD_HEADER);
        };
        let [seconds, fraction, captured, original] = [0, 4, 8, 12].map(|at| B::read_u32(&header[at..]));
        let lengths = Lengths { header: MODIFIED_RECORD_HEADER, captured, original };
        if size(captured) > data.len() - MODIFIED_RECORD_HEADER {
            return Self::incomplete::<B>(data, MODIFIED_RECORD_HEADER);
        }
        self.record(data, seconds, fraction, &lengths)
    }

    /// A record whose bytes are all there.
    fn record(self, data: &[u8], seconds: u32, fraction: u32, lengths: &Lengths) -> Step {
        let captured = size(lengths.captured);
        if captured > limits::RECORD_BYTES {
            return too_long(lengths.captured);
        }
        // The header of a glued file reads as a record without bytes (its time zone stands where the length does).
        if captured == 0 && is_second_header(data) {
            return if data.len() < HEADER {
                Step::Need { total: HEADER, header: HEADER, part: Part::Block }
            } else {
                Step::Restart
            };
        }
        // 2^32 s and 2^32 µs together stay far below what 63 bits of nanoseconds hold.
        let nanos = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * i64::from(self.nanos_per_tick);
        Step::Packet(Record {
            interface: 0,
            ts: Timestamp::from_nanos(nanos),
            original_length: at_least_captured(lengths.original, captured),
            data: lengths.header..lengths.header + captured,
            length: lengths.header + captured,
            fraction: if u64::from(fraction) * u64::from(self.nanos_per_tick) < 1_000_000_000 {
                Fraction::Proper
            } else {
                Fraction::Carried
            },
        })
    }

    /// A record of which too little is there.
    fn incomplete<B: Order>(data: &[u8], header: usize) -> Step {
        let captured = match data.get(8..12) {
            Some(field) if data.len() >= header => B::read_u32(field),
            _ => return Step::Need { total: header, header, part: Part::Packet },
        };
        if size(captured) > limits::RECORD_BYTES {
            return too_long(captured);
        }
        Step::Need { total: header + size(captured), header, part: Part::Packet }
    }
}

fn too_long(captured: u32) -> Step {
    Step::Lost(format!("a packet of {captured} bytes"))
}

fn is_second_header(data: &[u8]) -> bool {
    match data.first_chunk::<8>() {
        Some(&[a, b, c, d, version @ ..]) => is_magic([a, b, c, d]) && VERSIONS.contains(&version),
        None => false,
    }
}
