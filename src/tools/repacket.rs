//! TCP segments as packets again: Ethernet, IP and TCP headers made anew, so that nothing of the old ones survives but
//! what is named here.
//!
//! What the analysis of a capture rests on is kept: numbers, flags, windows, times, what tells two sightings of one
//! packet apart, and whether a checksum was right. Knows nothing of what segments carry.

use super::container::Writer;
use super::wire::{Station, TcpPacket, checksum};
use crate::endpoint::Endpoint;
use crate::net::{Segment, Seq};
use crate::time::Timestamp;
use foldhash::{HashMap, HashSet};
use std::io;
use std::net::IpAddr;

const IPV4_AT: usize = 14;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// The most payload that an IP length field can count, with room for all TCP options.
const COUNTED: usize = 65_535 - 60 - 60;

/// Whether the checksum of a segment is to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Right,
    Wrong,
}

/// A segment that owns its payload.
#[derive(Clone, Debug)]
pub(super) struct Repacket {
    pub(super) ts: Timestamp,
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
    pub(super) seq: Seq,
    pub(super) ack: Seq,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) window_scale: Option<u8>,
    pub(super) ts_val: Option<u32>,
    pub(super) ip_id: u16,
    pub(super) ttl: u8,
    /// Which way the packet came, as a number that means nothing.
    pub(super) path: u32,
    pub(super) payload: Vec<u8>,
    /// Bytes that were on the wire behind the payload and were not captured.
    pub(super) missing: u32,
    pub(super) sum: Sum,
}

/// A direction of a flow: who sends, and to whom.
pub(super) type Flow = (Endpoint, Endpoint);

/// Copies segments, and judges their checksums as the assembler does.
#[derive(Debug, Default)]
pub(super) struct Copier {
    /// Directions that have shown a right checksum: wrong ones in the others are those of a card that was to fill
    /// them in.
    proven: HashSet<Flow>,
    first_ts_val: HashMap<Flow, u32>,
}

impl Copier {
    pub(super) fn copy(&mut self, segment: &Segment<'_>) -> Repacket {
        let flow = (segment.src, segment.dst);
        let sum = match segment.checksum_ok() {
            Some(true) => {
                self.proven.insert(flow);
                Sum::Right
            }
            Some(false) if self.proven.contains(&flow) => Sum::Wrong,
            _ => Sum::Right,
        };
        // The option counts from when its sender was started, which is nobody's business.
        let ts_val = segment.fingerprint.ts_val.map(|value| {
            let first = *self.first_ts_val.entry(flow).or_insert(value);
            value.wrapping_sub(first).wrapping_add(1)
        });
        Repacket {
            ts: segment.ts,
            src: segment.src,
            dst: segment.dst,
            seq: segment.seq,
            ack: segment.ack,
            flags: segment.flags.0,
            window: segment.window,
            window_scale: segment.window_scale,
            ts_val,
            ip_id: segment.fingerprint.ip_id,
            ttl: segment.fingerprint.ttl,
            path: segment.fingerprint.path,
            payload: segment.payload.to_vec(),
            missing: segment.missing,
            sum,
        }
    }
}

/// Writes segments as packets, with MAC addresses of its own.
#[derive(Debug, Default)]
pub(super) struct Packer {
    hosts: HashMap<IpAddr, u16>,
    /// The ways seen between two hosts, in the order of their first packets.
    paths: HashMap<(IpAddr, IpAddr), Vec<u32>>,
    buffer: Vec<u8>,
}

impl Packer {
    /// MAC addresses handed out so far.
    pub(super) fn host_count(&self) -> usize {
        self.hosts.len()
    }

    pub(super) fn write(&mut self, packet: &Repacket, out: &mut Writer<'_>) -> io::Result<()> {
        let path = self.path(packet);
        let stations = [packet.src, packet.dst].map(|end| self.station(end, path));
        let missing = usize::try_from(packet.missing).unwrap_or(usize::MAX).min(COUNTED);
        let mut payload = packet.payload.clone();
        payload.resize(payload.len().saturating_add(missing), 0);
        self.buffer.clear();
        let options = options(packet);
        let wire = TcpPacket {
            src: stations[0],
            dst: stations[1],
            seq: packet.seq,
            ack: packet.ack,
            flags: packet.flags,
            window: packet.window,
            options: &options,
            ip_id: packet.ip_id,
            payload: &payload,
        };
        wire.append(&mut self.buffer);
        let headers = finish(&mut self.buffer, packet, options.len(), payload.len());
        if packet.missing == 0 {
            return out.packet(packet.ts, &self.buffer);
        }
        let whole = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.buffer.truncate(headers + packet.payload.len());
        out.cut_packet(packet.ts, &self.buffer, whole)
    }

    fn station(&mut self, end: Endpoint, path: u8) -> Station {
        let next = u16::try_from(self.hosts.len() + 1).unwrap_or(u16::MAX);
        let [high, low] = self.hosts.entry(end.ip).or_insert(next).to_be_bytes();
        // Locally administered, and not a group.
        Station { mac: [0x02, 0, 0, path, high, low], endpoint: end }
    }

    fn path(&mut self, packet: &Repacket) -> u8 {
        let known = self.paths.entry((packet.src.ip, packet.dst.ip)).or_default();
        let at = known.iter().position(|path| *path == packet.path).unwrap_or_else(|| {
            known.push(packet.path);
            known.len() - 1
        });
        u8::try_from(at).unwrap_or(u8::MAX)
    }
}

fn options(packet: &Repacket) -> Vec<u8> {
    let mut options = Vec::new();
    if packet.flags & 0x02 != 0 {
        options.extend([2, 4, 0x05, 0xb4]);
        if let Some(shift) = packet.window_scale {
            options.extend([1, 3, 3, shift]);
        }
    }
    if let Some(value) = packet.ts_val {
        options.extend([1, 1, 8, 10]);
        options.extend(value.to_be_bytes());
        options.extend([0; 4]);
    }
    options
}

/// Puts in what a [`TcpPacket`] does not know: hop limit, a wrong checksum, and a length that no field can count.
/// Returns where the payload begins.
fn finish(data: &mut [u8], packet: &Repacket, options: usize, payload: usize) -> usize {
    let is_v4 = packet.src.ip.is_ipv4() && packet.dst.ip.is_ipv4();
    let tcp = IPV4_AT + if is_v4 { IPV4_HEADER } else { IPV6_HEADER };
    if packet.sum == Sum::Wrong {
        data[tcp + 16] ^= 0x55;
    }
    if is_v4 {
        data[IPV4_AT + 8] = packet.ttl;
        if payload > COUNTED {
            // What segmentation offload writes: then it is as long as was captured.
            data[IPV4_AT + 2..IPV4_AT + 4].fill(0);
        }
        data[IPV4_AT + 10..IPV4_AT + 12].fill(0);
        let sum = checksum(&data[IPV4_AT..IPV4_AT + IPV4_HEADER], 0);
        data[IPV4_AT + 10..IPV4_AT + 12].copy_from_slice(&sum.to_be_bytes());
    } else {
        data[IPV4_AT + 7] = packet.ttl;
        if payload > COUNTED {
            data[IPV4_AT + 4..IPV4_AT + 6].fill(0);
        }
    }
    tcp + 20 + options
}
