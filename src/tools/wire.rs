//! Single packets: Ethernet, IPv4 or IPv6, TCP or UDP, with the checksums right.
//!
//! Knows no connections: sequence numbers are given.

use crate::endpoint::Endpoint;
use crate::net::Seq;
use std::net::IpAddr;

/// FIN.
pub(super) const FIN: u8 = 0x01;
/// SYN.
pub(super) const SYN: u8 = 0x02;
/// RST.
pub(super) const RST: u8 = 0x04;
/// PSH.
pub(super) const PSH: u8 = 0x08;
/// ACK.
pub(super) const ACK: u8 = 0x10;

/// The most payload of a TCP segment on an ordinary Ethernet.
pub(super) const SEGMENT_BYTES: usize = 1460;

/// The shortest Ethernet frame without its checksum: what is shorter was padded by the sender's card.
const SHORTEST_FRAME: usize = 60;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A network card with an address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Station {
    pub mac: [u8; 6],
    pub endpoint: Endpoint,
}

impl Station {
    /// A station whose MAC address (locally administered) follows from its place in the net.
    pub(super) fn new(host: u8, ip: impl Into<IpAddr>, port: u16) -> Self {
        Self { mac: [0x02, 0, 0, 0, 0, host], endpoint: Endpoint::new(ip.into(), port) }
    }

    /// The same station on another port.
    pub(super) const fn at_port(self, port: u16) -> Self {
        Self { mac: self.mac, endpoint: Endpoint::new(self.endpoint.ip, port) }
    }
}

/// A TCP segment to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpPacket<'a> {
    pub src: Station,
    pub dst: Station,
    pub seq: Seq,
    pub ack: Seq,
    pub flags: u8,
    pub window: u16,
    /// Whole words; see [`SYN_OPTIONS`].
    pub options: &'a [u8],
    /// IPv4 identification.
    pub ip_id: u16,
    pub payload: &'a [u8],
}

/// The option of a SYN: a maximum segment size of 1460 bytes.
pub(super) const SYN_OPTIONS: [u8; 4] = [2, 4, 0x05, 0xb4];

impl TcpPacket<'_> {
    /// Appends the packet to `out`, from the Ethernet header on.
    pub(super) fn append(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let header_bytes = 20 + self.options.len();
        let sum = headers(out, self.src, self.dst, TCP, self.ip_id, header_bytes + self.payload.len());
        let tcp = out.len();
        ports(out, self.src, self.dst);
        out.extend_from_slice(&self.seq.0.to_be_bytes());
        out.extend_from_slice(&self.ack.0.to_be_bytes());
        out.push(u8::try_from(header_bytes / 4).unwrap_or(15) << 4);
        out.push(self.flags);
        out.extend_from_slice(&self.window.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(self.options);
        out.extend_from_slice(self.payload);
        let checksum = checksum(&out[tcp..], sum);
        out[tcp + 16..tcp + 18].copy_from_slice(&checksum.to_be_bytes());
        pad(out, start);
    }
}

/// Appends a UDP packet to `out`, from the Ethernet header on.
pub(super) fn append_udp(out: &mut Vec<u8>, src: Station, dst: Station, ip_id: u16, payload: &[u8]) {
    let start = out.len();
    let sum = headers(out, src, dst, UDP, ip_id, 8 + payload.len());
    let udp = out.len();
    ports(out, src, dst);
    out.extend_from_slice(&length_field(8 + payload.len()));
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(payload);
    // A checksum of zero would mean "none".
    let checksum = match checksum(&out[udp..], sum) {
        0 => 0xffff,
        other => other,
    };
    out[udp + 6..udp + 8].copy_from_slice(&checksum.to_be_bytes());
    pad(out, start);
}

/// Appends an ARP request by `src` for the address of `dst`. IPv4 only: with other addresses nothing is appended.
pub(super) fn append_arp(out: &mut Vec<u8>, src: Station, dst: Station) {
    let (IpAddr::V4(asking), IpAddr::V4(asked)) = (src.endpoint.ip, dst.endpoint.ip) else { return };
    let start = out.len();
    out.extend_from_slice(&[0xff; 6]);
    out.extend_from_slice(&src.mac);
    out.extend_from_slice(&[0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]);
    out.extend_from_slice(&src.mac);
    out.extend_from_slice(&asking.octets());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&asked.octets());
    pad(out, start);
}

/// Appends Ethernet and IP headers for `length` bytes of transport; returns the sum of the pseudo header.
fn headers(out: &mut Vec<u8>, src: Station, dst: Station, protocol: u8, ip_id: u16, length: usize) -> u64 {
    out.extend_from_slice(&dst.mac);
    out.extend_from_slice(&src.mac);
    let addresses = match (src.endpoint.ip, dst.endpoint.ip) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend_from_slice(&[0x08, 0x00]);
            let start = out.len();
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&length_field(20 + length));
            out.extend_from_slice(&ip_id.to_be_bytes());
            // Do not fragment; 64 hops; the checksum follows below.
            out.extend_from_slice(&[0x40, 0, 64, protocol, 0, 0]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
            let checksum = checksum(&out[start..], 0);
            out[start + 10..start + 12].copy_from_slice(&checksum.to_be_bytes());
            8
        }
        (from, to) => {
            out.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
            out.extend_from_slice(&length_field(length));
            out.extend_from_slice(&[protocol, 64]);
            for ip in [from, to] {
                out.extend_from_slice(&match ip {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                    IpAddr::V6(ip) => ip.octets(),
                });
            }
            32
        }
    };
    sum(&out[out.len() - addresses..]) + u64::from(protocol) + u64::try_from(length).unwrap_or(0)
}

fn ports(out: &mut Vec<u8>, src: Station, dst: Station) {
    out.extend_from_slice(&src.endpoint.port.to_be_bytes());
    out.extend_from_slice(&dst.endpoint.port.to_be_bytes());
}

/// What is too long for the field was offloaded: zero, as kernels have it.
fn length_field(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(0).to_be_bytes()
}

fn pad(out: &mut Vec<u8>, start: usize) {
    out.resize(out.len().max(start + SHORTEST_FRAME), 0);
}

/// The Internet checksum over `bytes`, begun with `sum`.
pub(super) fn checksum(bytes: &[u8], initial: u64) -> u16 {
    let mut folded = initial + sum(bytes);
    while folded > 0xffff {
        folded = (folded & 0xffff) + (folded >> 16);
    }
    !u16::try_from(folded).unwrap_or(0)
}

/// The sum of all big-endian 16-bit words. Four bytes at a time: halves of a word may be added later.
fn sum(bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(4);
    let whole: u64 =
        words.by_ref().map(|word| u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]))).sum();
    let rest = match *words.remainder() {
        [a] => u16::from_be_bytes([a, 0]).into(),
        [a, b] => u16::from_be_bytes([a, b]).into(),
        [a, b, c] => u64::from(u16::from_be_bytes([a, b])) + u64::from(u16::from_be_bytes([c, 0])),
        _ => 0,
    };
    (whole >> 32) + (whole & 0xffff_ffff) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    /// The checksum by the letter of RFC 1071, over bytes that already hold it: zero when it is right.
    fn residue(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for word in bytes.chunks(2) {
            sum += u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).expect("folded")
    }

    fn packet(src: Station, dst: Station, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let (seq, ack) = (Seq(0x0102_0304), Seq(0x0506_0708));
        let options = &SYN_OPTIONS[..];
        TcpPacket { src, dst, seq, ack, flags: PSH | ACK, window: 4096, options, ip_id: 7, payload }.append(&mut out);
        out
    }

    #[test]
    fn checksums_are_right_for_every_length() {
        let (a, b) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let (src, dst) = (Station::new(1, Ipv4Addr::from(a), 50_000), Station::new(2, Ipv4Addr::from(b), 8899));
        for length in 0..64u8 {
            let payload: Vec<u8> = (0..length).map(|n| n.wrapping_mul(91) ^ 0xa5).collect();
            let out = packet(src, dst, &payload);
            assert_eq!(residue(&out[14..34]), 0);
            let tcp = &out[34..58 + payload.len()];
            let pseudo = [&a[..], &b, &[0, 6, 0, 24 + length], tcp].concat();
            assert_eq!(residue(&pseudo), 0);
            assert!(out.len() >= 60);
        }
    }

    #[test]
    fn ipv6_has_no_header_checksum_but_a_pseudo_header() {
        let (a, b) =
            ("2001:db8::1".parse::<Ipv6Addr>().expect("valid"), "2001:db8::2".parse::<Ipv6Addr>().expect("valid"));
        let out = packet(Station::new(1, a, 1), Station::new(2, b, 2), b"abc");
        assert_eq!(out[12..14], [0x86, 0xdd]);
        let pseudo = [&a.octets()[..], &b.octets(), &[0, 0, 0, 27, 0, 0, 0, 6], &out[54..]].concat();
        assert_eq!(residue(&pseudo), 0);
    }
}
