//! Reads the TCP header of a datagram, and finds the way into tunnels.
//!
//! Knows header fields only; what they mean for a stream is the business of `tcp`.

use super::decoded::{Decoded, Layer};
use super::ip::Datagram;
use super::link::{self, NoIp, Path};
use super::segment::{Checksummed, Fingerprint, Segment, Seq, TcpFlags};
use crate::endpoint::Endpoint;
use crate::packet::Packet;
use etherparse::{TcpOptionElement, TcpSlice};

/// IP protocol numbers.
pub(super) const IPV4: u8 = 4;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const IPV6: u8 = 41;
pub(super) const GRE: u8 = 47;

/// The ports VXLAN is found on: the registered one and Linux's old default.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];

const TCP_HEADER: usize = 20;

/// What of the packet a datagram came in is needed to describe a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier<'p, 'd> {
    pub(super) packet: &'p Packet<'d>,
    pub(super) path: Path,
    /// Where the datagram's payload starts within the packet.
    pub(super) at: usize,
}

/// Reads the TCP header at the start of the datagram's payload.
#[inline]
pub(super) fn segment<'a>(datagram: &Datagram<'a>, carrier: Carrier<'_, '_>) -> Decoded<'a> {
    let bytes = datagram.payload;
    let Ok(tcp) = TcpSlice::from_slice(bytes) else {
        return cut_in_options(datagram, carrier);
    };
    let header = tcp.header_slice();
    let mut segment = describe(datagram, carrier, &tcp);
    segment.payload = &bytes[header.len()..];
    match datagram.wire_length {
        Some(length) => segment.missing = count(length.saturating_sub(bytes.len())),
        None if is_padding(carrier.packet) => segment.payload = &[],
        None => segment.missing = uncaptured(carrier.packet),
    }
    segment.payload_offset = count(carrier.at + header.len());
    if datagram.wire_length.is_some() && segment.missing == 0 {
        segment.checksummed = Some(Checksummed::new(bytes, datagram.src, datagram.dst));
    }
    Decoded::Segment(segment)
}

/// The snap length of old tools ends within the options of a SYN: the fixed part still tells what matters.
#[cold]
fn cut_in_options<'a>(datagram: &Datagram<'a>, carrier: Carrier<'_, '_>) -> Decoded<'a> {
    let Some(mut fixed) = datagram.payload.first_chunk::<TCP_HEADER>().copied() else {
        return Decoded::Cut(Layer::Tcp);
    };
    let header_length = usize::from(fixed[12] >> 4) * 4;
    // Read it as if it had no options.
    fixed[12] = 5 << 4;
    match (TcpSlice::from_slice(&fixed), datagram.wire_length) {
        (Ok(tcp), Some(length)) if header_length >= TCP_HEADER && length >= header_length => {
            let mut segment = describe(datagram, carrier, &tcp);
            segment.missing = count(length - header_length);
            segment.payload_offset = count(carrier.at + datagram.payload.len());
            Decoded::Segment(segment)
        }
        _ => Decoded::Malformed(Layer::Tcp),
    }
}

/// The fields of the header; the payload is left empty.
#[inline]
fn describe<'a>(datagram: &Datagram<'_>, carrier: Carrier<'_, '_>, tcp: &TcpSlice<'_>) -> Segment<'a> {
    let options = Options::read(tcp);
    Segment {
        packet: carrier.packet.number,
        ts: carrier.packet.ts,
        src: Endpoint::new(datagram.src, tcp.source_port()),
        dst: Endpoint::new(datagram.dst, tcp.destination_port()),
        seq: Seq(tcp.sequence_number()),
        ack: Seq(tcp.acknowledgment_number()),
        flags: TcpFlags(tcp.slice()[13]),
        window: tcp.window_size(),
        window_scale: options.window_scale,
        payload: &[],
        payload_offset: 0,
        missing: 0,
        fingerprint: Fingerprint {
            ip_id: datagram.id,
            checksum: tcp.checksum(),
            ts_val: options.ts_val,
            ttl: datagram.ttl,
            path: carrier.path.digest(),
        },
        checksummed: None,
    }
}

/// The options that are of use here.
#[derive(Default)]
struct Options {
    window_scale: Option<u8>,
    ts_val: Option<u32>,
}

impl Options {
    #[inline]
    fn read(tcp: &TcpSlice<'_>) -> Self {
        match *tcp.options() {
            [] => Self::default(),
            // How nearly every segment with a time stamp has it; walking the options costs as much as all the rest.
            [1, 1, 8, 10, a, b, c, d, _, _, _, _] => {
                Self { window_scale: None, ts_val: Some(u32::from_be_bytes([a, b, c, d])) }
            }
            _ => Self::walk(tcp),
        }
    }

    fn walk(tcp: &TcpSlice<'_>) -> Self {
        let mut options = Self::default();
        for element in tcp.options_iterator().map_while(Result::ok) {
            match element {
                TcpOptionElement::WindowScale(shift) => options.window_scale = Some(shift),
                TcpOptionElement::Timestamp(value, _) => options.ts_val = Some(value),
                _ => {}
            }
        }
        options
    }
}

/// A short Ethernet frame without an IP length: what looks like payload is padding.
fn is_padding(packet: &Packet<'_>) -> bool {
    packet.link_type == link::ETHERNET && packet.data.len() <= link::ETHERNET_MINIMUM
}

fn uncaptured(packet: &Packet<'_>) -> u32 {
    packet.original_length.saturating_sub(count(packet.data.len()))
}

/// Lengths within a packet: a record is at most 16 MiB.
#[inline]
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The inner IP header of a GRE packet, counted from the start of `bytes`.
pub(super) fn gre(bytes: &[u8]) -> Result<usize, NoIp> {
    const CHECKSUM_OR_ROUTING: u8 = 0xc0;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    let [flags, version, kind @ ..] = *bytes.first_chunk::<4>().ok_or(NoIp::Cut)?;
    let optional = [CHECKSUM_OR_ROUTING, KEY, SEQUENCE].iter().filter(|bit| flags & **bit != 0).count();
    if version & 0x07 != 0 {
        return Err(NoIp::Other);
    }
    link::ether_type(bytes, 4 + 4 * optional, u16::from_be_bytes(kind), Path::default()).map(|found| found.at)
}

/// The inner IP header of a VXLAN packet, counted from the start of the UDP header.
pub(super) fn vxlan(bytes: &[u8]) -> Result<usize, NoIp> {
    const UDP_AND_VXLAN: usize = 16;
    let [_, _, port @ ..] = *bytes.first_chunk::<4>().ok_or(NoIp::Cut)?;
    let has_network_id = bytes.get(8).is_some_and(|flags| flags & 0x08 != 0);
    if !VXLAN_PORTS.contains(&u16::from_be_bytes(port)) || !has_network_id {
        return Err(NoIp::Other);
    }
    link::ethernet(bytes, UDP_AND_VXLAN, Path::default()).map(|found| found.at)
}
