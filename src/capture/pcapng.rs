//! The pcapng container: sections, interfaces, packet blocks, statistics.
//!
//! Framing is taken from the block lengths; what stands inside a block is read as far as it makes sense. Blocks that
//! hold neither packets nor interfaces are passed over.

use super::interface::{Interface, Ledger, Resolution};
use super::{ByteOrder, Fraction, Next, Nonsense, Obstacle, Part, Record, at_least_captured, size};
use crate::limits;
use crate::packet::LinkType;
use byteorder_slice::{BigEndian, ByteOrder as Order, LittleEndian};
use pcap_file::pcapng::RawBlock;
use pcap_file::pcapng::blocks::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, INTERFACE_STATISTIC_BLOCK, NAME_RESOLUTION_BLOCK, PACKET_BLOCK,
    SECTION_HEADER_BLOCK, SIMPLE_PACKET_BLOCK, SYSTEMD_JOURNAL_EXPORT_BLOCK,
};

/// The first bytes of every section, in either byte order.
pub(super) const MAGIC: [u8; 4] = SECTION_HEADER_BLOCK.to_be_bytes();

/// Bytes of a section header without options.
pub(super) const SECTION_HEADER: usize = 28;

/// Type and length before a block's body.
const BLOCK_HEADER: usize = 8;
/// A block without a body: its header, and its length again.
const EMPTY_BLOCK: usize = 12;

const DECRYPTION_SECRETS_BLOCK: u32 = 0x0a;
const CUSTOM_BLOCKS: [u32; 2] = [0x0bad, 0x4000_0bad];

/// Blocks that are never read, and therefore may have any length.
fn is_ignored(kind: u32) -> bool {
    matches!(kind, NAME_RESOLUTION_BLOCK | SYSTEMD_JOURNAL_EXPORT_BLOCK | DECRYPTION_SECRETS_BLOCK)
        || CUSTOM_BLOCKS.contains(&kind)
}

/// What a section header says of its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SectionHeader {
    order: ByteOrder,
    pub(super) major: u16,
    pub(super) minor: u16,
}

impl SectionHeader {
    /// The section header block at the front of `data`; `None` when its byte order cannot be told, or too short.
    pub(super) fn from_block(data: &[u8]) -> Option<Self> {
        Self::from_body(data.get(BLOCK_HEADER..)?)
    }

    fn from_body(body: &[u8]) -> Option<Self> {
        let fields: &[u8; 8] = body.first_chunk()?;
        let (magic, version) = fields.split_at(4);
        let order = order_of(magic)?;
        let [major, minor] = [0, 2].map(|at| match order {
            ByteOrder::Little => LittleEndian::read_u16(&version[at..]),
            ByteOrder::Big => BigEndian::read_u16(&version[at..]),
        });
        Some(Self { order, major, minor })
    }

    pub(super) const fn is_supported(self) -> bool {
        self.major == 1
    }
}

fn order_of(magic: &[u8]) -> Option<ByteOrder> {
    match magic {
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(ByteOrder::Big),
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(ByteOrder::Little),
        _ => None,
    }
}

/// A pcapng file, at one place of one section.
#[derive(Clone, Copy, Debug)]
pub(super) struct PcapNg {
    order: ByteOrder,
}

impl PcapNg {
    /// A file whose first section header has been looked at, but is still to be stepped over.
    pub(super) const fn new(first: SectionHeader) -> Self {
        Self { order: first.order }
    }

    /// What stands at the front of `data`.
    pub(super) fn next(&mut self, data: &[u8], ledger: &mut Ledger) -> Next {
        match self.order {
            ByteOrder::Little => self.block::<LittleEndian>(data, ledger),
            ByteOrder::Big => self.block::<BigEndian>(data, ledger),
        }
    }

    fn block<B: Order>(&mut self, data: &[u8], ledger: &mut Ledger) -> Next {
        match RawBlock::from_slice::<B>(data) {
            Ok((_, raw)) => self.whole::<B>(raw.type_, raw.initial_len, &raw.body, ledger),
            Err(_) => self.troubled::<B>(data, ledger),
        }
    }

    /// A block that is not there as a whole, or whose lengths are wrong.
    #[cold]
    fn troubled<B: Order>(&mut self, data: &[u8], ledger: &mut Ledger) -> Next {
        let Some(front) = data.first_chunk::<EMPTY_BLOCK>() else {
            return Err(Obstacle::Need { total: EMPTY_BLOCK, header: BLOCK_HEADER, part: Part::Block });
        };
        let kind = B::read_u32(front);
        let length = if kind == SECTION_HEADER_BLOCK {
            match order_of(&front[8..]) {
                Some(ByteOrder::Little) => LittleEndian::read_u32(&front[4..]),
                Some(ByteOrder::Big) => BigEndian::read_u32(&front[4..]),
                None => return Err(Obstacle::Lost(Nonsense::SectionOrder)),
            }
        } else {
            B::read_u32(&front[4..])
        };
        let total = size(length);
        if total < EMPTY_BLOCK || !total.is_multiple_of(4) || (total > limits::RECORD_BYTES && !is_ignored(kind)) {
            return Err(Obstacle::Lost(Nonsense::BlockLength(length)));
        }
        if total > limits::READ_BUFFER_BYTES && is_ignored(kind) {
            return Err(Obstacle::Discard(u64::from(length)));
        }
        let Some(block) = data.get(..total) else {
            let packet = matches!(kind, ENHANCED_PACKET_BLOCK | PACKET_BLOCK | SIMPLE_PACKET_BLOCK);
            let part = if packet { Part::Packet } else { Part::Block };
            return Err(Obstacle::Need { total, header: BLOCK_HEADER, part });
        };
        if !is_ignored(kind) {
            ledger.corrupt(format_args!("a block whose two lengths differ"));
        }
        self.whole::<B>(kind, length, &block[BLOCK_HEADER..total - 4], ledger)
    }

    /// A block with all its bytes.
    fn whole<B: Order>(&mut self, kind: u32, length: u32, body: &[u8], ledger: &mut Ledger) -> Next {
        let total = size(length);
        if total > limits::RECORD_BYTES && !is_ignored(kind) {
            return Err(Obstacle::Lost(Nonsense::BlockLength(length)));
        }
        let packet = match kind {
            ENHANCED_PACKET_BLOCK => enhanced_packet::<B>(body, ledger),
            SIMPLE_PACKET_BLOCK => simple_packet::<B>(body, ledger),
            PACKET_BLOCK => obsolete_packet::<B>(body, ledger),
            SECTION_HEADER_BLOCK => return self.section(length, body, ledger),
            INTERFACE_DESCRIPTION_BLOCK => {
                interface_description::<B>(body, ledger);
                None
            }
            INTERFACE_STATISTIC_BLOCK => {
                interface_statistics::<B>(body, ledger);
                None
            }
            _ => None,
        };
        match packet {
            Some(mut record) => {
                record.data = record.data.start + BLOCK_HEADER..record.data.end + BLOCK_HEADER;
                record.length = total;
                Ok(record)
            }
            None => Err(Obstacle::Skip(total)),
        }
    }

    fn section(&mut self, length: u32, body: &[u8], ledger: &mut Ledger) -> Next {
        let Some(header) = SectionHeader::from_body(body).filter(|_| size(length) >= SECTION_HEADER) else {
            return Err(Obstacle::Lost(Nonsense::SectionLength(length)));
        };
        if !header.is_supported() {
            return Err(Obstacle::Lost(Nonsense::SectionVersion { major: header.major, minor: header.minor }));
        }
        ledger.end_section();
        self.order = header.order;
        Err(Obstacle::Skip(size(length)))
    }
}

/// The fields that the two packet blocks with a time have in common.
struct TimedPacket {
    interface: usize,
    ticks: u64,
    captured: u32,
    original: u32,
}

/// Both have their packet's bytes behind 20 bytes of fields.
const PACKET_FIELDS: usize = 20;

fn enhanced_packet<B: Order>(body: &[u8], ledger: &mut Ledger) -> Option<Record> {
    const DROP_COUNT: u16 = 4;
    let Some(fields) = body.first_chunk::<PACKET_FIELDS>() else {
        ledger.corrupt(format_args!("a packet block of {} bytes", body.len()));
        return None;
    };
    let [interface, high, low, captured, original] = [0, 4, 8, 12, 16].map(|at| B::read_u32(&fields[at..]));
    let ticks = u64::from(high) << 32 | u64::from(low);
    let packet = TimedPacket { interface: size(interface), ticks, captured, original };
    timed_packet::<B>(body, &packet, ledger, DROP_COUNT)
}

fn obsolete_packet<B: Order>(body: &[u8], ledger: &mut Ledger) -> Option<Record> {
    /// Both of these have no count of drops among their options.
    const NO_OPTION: u16 = 0;
    const UNKNOWN_DROPS: u16 = u16::MAX;
    let Some(fields) = body.first_chunk::<PACKET_FIELDS>() else {
        ledger.corrupt(format_args!("a packet block of {} bytes", body.len()));
        return None;
    };
    let [interface, drops] = [0, 2].map(|at| B::read_u16(&fields[at..]));
    let [high, low, captured, original] = [4, 8, 12, 16].map(|at| B::read_u32(&fields[at..]));
    if drops != 0 && drops != UNKNOWN_DROPS {
        ledger.dropped.add(u64::from(drops), ledger.place);
    }
    let ticks = u64::from(high) << 32 | u64::from(low);
    let packet = TimedPacket { interface: usize::from(interface), ticks, captured, original };
    timed_packet::<B>(body, &packet, ledger, NO_OPTION)
}

fn timed_packet<B: Order>(body: &[u8], packet: &TimedPacket, ledger: &mut Ledger, drop_count: u16) -> Option<Record> {
    let captured = size(packet.captured);
    let room = body.len() - PACKET_FIELDS;
    if captured > room {
        ledger.corrupt(format_args!("a packet of {captured} bytes in a block with room for {room}"));
        return None;
    }
    let behind = PACKET_FIELDS + captured.next_multiple_of(4);
    if let Some(options) = body.get(behind..).filter(|options| !options.is_empty()) {
        packet_options::<B>(options, ledger, drop_count);
    }
    let Some(interface) = ledger.interface(packet.interface) else {
        ledger.unknown_interfaces.add(1, ledger.place);
        return None;
    };
    let ts = interface.resolution.time(packet.ticks, interface.time_offset);
    ledger.last_time = ts;
    Some(Record {
        interface: packet.interface,
        ts,
        original_length: at_least_captured(packet.original, captured),
        data: PACKET_FIELDS..PACKET_FIELDS + captured,
        length: body.len(),
        fraction: Fraction::Proper,
    })
}

fn packet_options<B: Order>(options: &[u8], ledger: &mut Ledger, drop_count: u16) {
    let mut dropped = 0;
    let read = each_option::<B>(options, |code, value| {
        if code == drop_count {
            dropped = B::read_u64(value.first_chunk::<8>().ok_or(OddOption)?);
        }
        Ok(())
    });
    if dropped > 0 {
        ledger.dropped.add(dropped, ledger.place);
    }
    note(read, ledger);
}

/// A block that has neither a time nor an interface: it is of the first one, and of the time last seen.
fn simple_packet<B: Order>(body: &[u8], ledger: &mut Ledger) -> Option<Record> {
    const FIELDS: usize = 4;
    let Some(fields) = body.first_chunk::<FIELDS>() else {
        ledger.corrupt(format_args!("a packet block of {} bytes", body.len()));
        return None;
    };
    let original = B::read_u32(fields);
    let Some(interface) = ledger.interface(0) else {
        ledger.unknown_interfaces.add(1, ledger.place);
        return None;
    };
    let snapped = if interface.snap_length == 0 { original } else { original.min(interface.snap_length) };
    let captured = size(snapped).min(body.len() - FIELDS);
    Some(Record {
        interface: 0,
        ts: ledger.last_time,
        original_length: original,
        data: FIELDS..FIELDS + captured,
        length: body.len(),
        fraction: Fraction::Proper,
    })
}

fn interface_description<B: Order>(body: &[u8], ledger: &mut Ledger) {
    const FIELDS: usize = 8;
    const TS_RESOLUTION: u16 = 9;
    const TS_OFFSET: u16 = 14;
    let Some(fields) = body.first_chunk::<FIELDS>() else {
        ledger.corrupt(format_args!("an interface block of {} bytes", body.len()));
        return;
    };
    let mut interface = Interface::new(LinkType(B::read_u16(fields)));
    interface.snap_length = B::read_u32(&fields[4..]);
    let read = each_option::<B>(&body[FIELDS..], |code, value| {
        match (code, value) {
            (TS_RESOLUTION, [resolution]) => interface.resolution = Resolution::from_option(*resolution),
            (TS_OFFSET, [_, _, _, _, _, _, _, _]) => interface.time_offset = B::read_i64(value),
            (TS_RESOLUTION | TS_OFFSET, _) => return Err(OddOption),
            _ => {}
        }
        Ok(())
    });
    note(read, ledger);
    ledger.add_interface(interface);
}

/// Statistics count from the start of the capture: the last ones of an interface are its total.
fn interface_statistics<B: Order>(body: &[u8], ledger: &mut Ledger) {
    const FIELDS: usize = 12;
    const DROPPED_BY_INTERFACE: u16 = 5;
    const DROPPED_BY_SYSTEM: u16 = 7;
    let Some(fields) = body.first_chunk::<FIELDS>() else {
        ledger.corrupt(format_args!("a statistics block of {} bytes", body.len()));
        return;
    };
    let index = size(B::read_u32(fields));
    let (mut by_interface, mut by_system) = (None, None);
    let read = each_option::<B>(&body[FIELDS..], |code, value| {
        let count = match code {
            DROPPED_BY_INTERFACE => &mut by_interface,
            DROPPED_BY_SYSTEM => &mut by_system,
            _ => return Ok(()),
        };
        *count = Some(B::read_u64(value.first_chunk::<8>().ok_or(OddOption)?));
        Ok(())
    });
    note(read, ledger);
    let dropped = by_interface.unwrap_or(0u64).saturating_add(by_system.unwrap_or(0));
    if let Some(interface) = ledger.interface_mut(index) {
        interface.dropped = interface.dropped.max(dropped);
    }
}

/// An option that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OddOption;

fn note(read: Result<(), OddOption>, ledger: &mut Ledger) {
    if read.is_err() {
        ledger.odd_options.add(1, ledger.place);
    }
}

/// Shows every option to `visit`; goes on behind one it does not like. An end-of-options mark may be missing.
fn each_option<B: Order>(
    mut options: &[u8],
    mut visit: impl FnMut(u16, &[u8]) -> Result<(), OddOption>,
) -> Result<(), OddOption> {
    const END_OF_OPTIONS: u16 = 0;
    let mut all = Ok(());
    while let Some((header, rest)) = options.split_first_chunk::<4>() {
        let code = B::read_u16(header);
        if code == END_OF_OPTIONS {
            break;
        }
        let length = usize::from(B::read_u16(&header[2..]));
        let value = rest.get(..length).ok_or(OddOption)?;
        all = all.and(visit(code, value));
        options = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}
