//! The pcap container, and the modified pcap that AVM's routers write.
//!
//! Knows one file header and its records. A second file glued behind the first is read on, with its own header.

use super::{ByteOrder, Fraction, Next, Nonsense, Obstacle, Part, Record, at_least_captured, size};
use crate::limits;
use crate::packet::LinkType;
use crate::time::Timestamp;
use byteorder_slice::{BigEndian, ByteOrder as Order, LittleEndian};
use pcap_file::TsResolution;
use pcap_file::pcap::PcapHeader;

/// Bytes of the file header.
pub(super) const HEADER: usize = 24;

/// Bytes before a packet's own: its time, the length captured and the original one.
const RECORD_HEADER: usize = 16;
/// Modified pcap adds the interface's index, the protocol and the packet's kind behind them, which nobody needs.
const MODIFIED_RECORD_HEADER: usize = 24;

/// The magic of modified pcap; the two others are known to the crate that reads them.
const MODIFIED: u32 = 0xa1b2_cd34;
const MICROSECONDS: u32 = 0xa1b2_c3d4;

/// Version 2.4 in both byte orders; all pcap files of this century have it.
const VERSIONS: [[u8; 4]; 2] = [[2, 0, 4, 0], [0, 2, 0, 4]];

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A pcap file, as its header describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pcap {
    order: ByteOrder,
    record_header: usize,
    nanos_per_tick: u32,
    link_type: LinkType,
}

/// What a record's header says.
#[derive(Clone, Copy)]
struct Fields {
    seconds: u32,
    fraction: u32,
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
        let classic_magic = match [u32::from_be_bytes(magic), u32::from_le_bytes(magic)] {
            [MODIFIED, _] => Some(MICROSECONDS.to_be_bytes()),
            [_, MODIFIED] => Some(MICROSECONDS.to_le_bytes()),
            _ => None,
        };
        // But for the magic, the modified header is the classic one.
        if let Some(classic) = classic_magic {
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
            record_header: if classic_magic.is_some() { MODIFIED_RECORD_HEADER } else { RECORD_HEADER },
            nanos_per_tick: if parsed.ts_resolution == TsResolution::NanoSecond { 1 } else { 1000 },
            link_type,
        })
    }

    pub(super) const fn link_type(self) -> LinkType {
        self.link_type
    }

    pub(super) const fn is_modified(self) -> bool {
        self.record_header == MODIFIED_RECORD_HEADER
    }

    /// What stands at the front of `data`.
    pub(super) fn next(self, data: &[u8]) -> Next {
        match self.record(data) {
            Some(record) => Ok(record),
            None => match self.order {
                ByteOrder::Little => self.otherwise::<LittleEndian>(data),
                ByteOrder::Big => self.otherwise::<BigEndian>(data),
            },
        }
    }

    /// The record at the front of `data`, if it is there as a whole and cannot be anything else.
    #[inline]
    pub(super) fn record(self, data: &[u8]) -> Option<Record> {
        let fields = match self.order {
            ByteOrder::Little => fields::<LittleEndian>(data)?,
            ByteOrder::Big => fields::<BigEndian>(data)?,
        };
        let captured = size(fields.captured);
        let is_there = captured <= limits::RECORD_BYTES && self.record_header + captured <= data.len();
        (is_there && captured > 0).then(|| self.describe(fields))
    }

    #[inline]
    fn describe(self, fields: Fields) -> Record {
        let end = self.record_header + size(fields.captured);
        // 2^32 s and 2^32 µs together stay below what a timestamp holds.
        let nanos = i64::from(fields.fraction) * i64::from(self.nanos_per_tick);
        Record {
            interface: 0,
            ts: Timestamp::from_nanos(i64::from(fields.seconds) * NANOS_PER_SECOND + nanos),
            original_length: at_least_captured(fields.original, size(fields.captured)),
            data: self.record_header..end,
            length: end,
            fraction: if nanos < NANOS_PER_SECOND { Fraction::Proper } else { Fraction::Carried },
        }
    }

    /// A record without bytes, too long, or of which too little is there.
    fn otherwise<B: Order>(self, data: &[u8]) -> Next {
        let header = self.record_header;
        let need = |total| Err(Obstacle::Need { total, header, part: Part::Packet });
        let Some(fields) = fields::<B>(data).filter(|_| data.len() >= header) else { return need(header) };
        let captured = size(fields.captured);
        if captured > limits::RECORD_BYTES {
            return Err(Obstacle::Lost(Nonsense::PacketLength(fields.captured)));
        }
        if captured > 0 {
            return need(header + captured);
        }
        second_header(data).map_or_else(|| Ok(self.describe(fields)), Err)
    }
}

/// What both kinds of record begin with.
#[inline]
fn fields<B: Order>(data: &[u8]) -> Option<Fields> {
    let fields = data.first_chunk::<RECORD_HEADER>()?;
    let [seconds, fraction, captured, original] = [0, 4, 8, 12].map(|at| B::read_u32(&fields[at..]));
    Some(Fields { seconds, fraction, captured, original })
}

/// The header of a glued file reads as a record without bytes (its time zone stands where the length does).
fn second_header(data: &[u8]) -> Option<Obstacle> {
    let &[a, b, c, d, version @ ..] = data.first_chunk::<8>()?;
    if !is_magic([a, b, c, d]) || !VERSIONS.contains(&version) {
        return None;
    }
    let is_whole = data.len() >= HEADER;
    Some(if is_whole { Obstacle::Restart } else { Obstacle::Need { total: HEADER, header: HEADER, part: Part::Block } })
}
