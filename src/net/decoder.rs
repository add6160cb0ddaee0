//! Takes packets apart, from the link layer to the TCP header.
//!
//! Knows in which order headers follow one another; each of them is read by a module of its own.

use super::decoded::{Decoded, Layer};
use super::fragments::{FragmentPool, FragmentStats};
use super::ip::{self, Datagram};
use super::link::{self, NoIp, Path};
use super::plain;
use super::transport::{self, Carrier};
use crate::limits::NESTED_IP_HEADERS;
use crate::packet::{LinkType, Packet};
use std::collections::BTreeMap;

/// Turns packets into segments. Holds nothing but fragments, and counts what it could not read.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: FragmentPool,
    /// The datagram put together last: the segment in it is lent from here.
    assembled: Vec<u8>,
    unsupported: BTreeMap<u16, u64>,
    protected_count: u64,
}

impl Decoder {
    /// A decoder with an empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one packet apart.
    #[expect(clippy::inline_always, reason = "the call costs a tenth of it")]
    #[inline(always)]
    pub fn decode<'a>(&'a mut self, packet: &'a Packet<'_>) -> Decoded<'a> {
        match plain::look(packet) {
            Some(plain) => Decoded::Segment(plain::segment(&plain, packet)),
            None => self.walk(packet),
        }
    }

    /// Takes any packet apart, layer by layer.
    #[inline(never)]
    fn walk<'a>(&'a mut self, packet: &'a Packet<'_>) -> Decoded<'a> {
        let stripped = match link::strip(packet.link_type, packet.data, Path::on_interface(packet.interface)) {
            Ok(stripped) => stripped,
            Err(why) => return self.no_ip(packet, why),
        };
        let carrier = Carrier { packet, path: stripped.path, at: 0 };
        match innermost(&packet.data[stripped.at..], stripped.at) {
            Ok((datagram, at)) if datagram.fragment.is_some() => self.fragment(&datagram, Carrier { at, ..carrier }),
            Ok((datagram, at)) => transport::segment(&datagram, Carrier { at, ..carrier }),
            Err(stop) => stop.into(),
        }
    }

    /// Packets that could not be read, by link type, in ascending order.
    pub fn unsupported_link_types(&self) -> impl Iterator<Item = (LinkType, u64)> {
        self.unsupported.iter().map(|(link_type, count)| (LinkType(*link_type), *count))
    }

    /// How many encrypted 802.11 frames there were.
    pub const fn protected_count(&self) -> u64 {
        self.protected_count
    }

    /// What became of fragments so far.
    pub fn fragment_stats(&self) -> FragmentStats {
        self.fragments.stats()
    }

    fn no_ip(&mut self, packet: &Packet<'_>, why: NoIp) -> Decoded<'static> {
        match why {
            NoIp::Other => Decoded::NotTcp,
            NoIp::Cut => Decoded::Cut(Layer::Link),
            NoIp::Protected => {
                self.protected_count += 1;
                Decoded::Protected
            }
            NoIp::Unsupported => {
                *self.unsupported.entry(packet.link_type.0).or_default() += 1;
                Decoded::UnsupportedLinkType(packet.link_type)
            }
        }
    }

    /// Hands a fragment to the pool, and reads the datagram if it is whole now.
    fn fragment<'a>(&'a mut self, datagram: &Datagram<'_>, carrier: Carrier<'_, '_>) -> Decoded<'a> {
        let Some(fragment) = datagram.fragment else { return Decoded::NotTcp };
        let Some(whole) = self.fragments.add(datagram, fragment, carrier.packet.ts) else {
            return Decoded::FragmentHeld;
        };
        self.assembled = whole;
        let (protocol, skipped) = ip::skip_extensions(datagram.protocol, &self.assembled);
        let payload = &self.assembled[skipped..];
        let outer = Datagram { protocol, payload, wire_length: Some(payload.len()), fragment: None, ..*datagram };
        match descend(outer, carrier.at) {
            // Fragments within fragments are nobody's traffic but an attacker's.
            Ok((inner, _)) if inner.fragment.is_some() => Decoded::Malformed(Layer::Ip),
            // The place within the last fragment is the nearest to a place in a packet that these bytes have.
            Ok((inner, _)) => transport::segment(&inner, carrier),
            Err(stop) => stop.into(),
        }
    }
}

/// Why the way down ended before TCP.
#[derive(Clone, Copy, Debug)]
enum Stop {
    NotTcp,
    Cut(Layer),
    Malformed(Layer),
}

impl From<Stop> for Decoded<'_> {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::NotTcp => Self::NotTcp,
            Stop::Cut(layer) => Self::Cut(layer),
            Stop::Malformed(layer) => Self::Malformed(layer),
        }
    }
}

impl From<ip::Fault> for Stop {
    fn from(fault: ip::Fault) -> Self {
        match fault {
            ip::Fault::Cut => Self::Cut(Layer::Ip),
            ip::Fault::Malformed => Self::Malformed(Layer::Ip),
        }
    }
}

impl From<NoIp> for Stop {
    fn from(why: NoIp) -> Self {
        match why {
            NoIp::Cut => Self::Cut(Layer::Ip),
            NoIp::Other | NoIp::Unsupported | NoIp::Protected => Self::NotTcp,
        }
    }
}

/// The datagram that carries TCP (or a fragment of something) inside the IP header at the start of `bytes`, and where
/// its payload stands in the packet, in which `bytes` stand at `at`.
#[inline]
fn innermost(bytes: &[u8], at: usize) -> Result<(Datagram<'_>, usize), Stop> {
    let datagram = ip::parse(bytes)?;
    let at = at + datagram.offset;
    // Nearly all packets are this: they need no walk.
    if datagram.protocol == transport::TCP { Ok((datagram, at)) } else { descend(datagram, at) }
}

/// Walks down tunnels until there is TCP or a fragment. `at` is where the datagram's payload stands in the packet.
fn descend(mut datagram: Datagram<'_>, mut at: usize) -> Result<(Datagram<'_>, usize), Stop> {
    for _ in 0..NESTED_IP_HEADERS {
        if datagram.protocol == transport::TCP || datagram.fragment.is_some() {
            return Ok((datagram, at));
        }
        let inner = match datagram.protocol {
            transport::IPV4 | transport::IPV6 => 0,
            transport::GRE => transport::gre(datagram.payload)?,
            transport::UDP => transport::vxlan(datagram.payload)?,
            _ => return Err(Stop::NotTcp),
        };
        datagram = ip::parse(datagram.payload.get(inner..).unwrap_or_default())?;
        at += inner + datagram.offset;
    }
    Err(Stop::Malformed(Layer::Ip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;
    use crate::net::Segment;
    use crate::net::{Seq, TcpFlags};
    use crate::packet::PacketNumber;
    use crate::time::Timestamp;
    use etherparse::{PacketBuilder, PacketBuilderStep, TcpOptionElement};
    use proptest::prelude::*;

    const PAYLOAD: &[u8] = b"the payload";

    fn tcp_v4() -> Vec<u8> {
        let tcp = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
            .tcp(40_000, 8899, 77, 1_024)
            .psh()
            .ack(99);
        write(tcp, PAYLOAD)
    }

    fn tcp_v6() -> Vec<u8> {
        let (src, dst) = ([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0x22; 16]);
        let tcp =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv6(src, dst, 64).tcp(40_000, 8899, 77, 1_024).psh().ack(99);
        write(tcp, PAYLOAD)
    }

    fn write(step: PacketBuilderStep<etherparse::TcpHeader>, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        step.write(&mut bytes, payload).expect("a vector takes all");
        bytes
    }

    fn packet(data: &[u8]) -> Packet<'_> {
        let original_length = u32::try_from(data.len()).expect("small");
        let (number, ts) = (PacketNumber(1), Timestamp::default());
        Packet { number, ts, link_type: LinkType(1), interface: 0, original_length, data }
    }

    /// Decodes an Ethernet frame that must hold a segment, and shows that to `check`.
    fn with_segment(data: &[u8], check: impl FnOnce(&Segment<'_>)) {
        let packet = packet(data);
        match Decoder::new().decode(&packet) {
            Decoded::Segment(segment) => check(&segment),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_segment_is_described_in_full() {
        for (data, offset) in [(tcp_v4(), 54), (tcp_v6(), 74)] {
            with_segment(&data, |segment| {
                assert_eq!((segment.src.port, segment.dst.port), (40_000, 8899));
                assert_eq!((segment.seq, segment.ack, segment.flags), (Seq(77), Seq(99), TcpFlags(0x18)));
                assert_eq!((segment.window, segment.window_scale), (1_024, None));
                assert_eq!((segment.payload, segment.payload_offset, segment.missing), (PAYLOAD, offset, 0));
                assert_eq!(segment.checksum_ok(), Some(true));
                assert_eq!(segment.fingerprint.ttl, 64);
            });
        }
        with_segment(&tcp_v4(), |segment| {
            assert_eq!(segment.src, Endpoint::new(std::net::Ipv4Addr::new(192, 0, 2, 1).into(), 40_000));
        });
    }

    #[test]
    fn options_are_read_in_the_usual_and_in_any_other_order() {
        let base = || PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).tcp(1, 2, 3, 4);
        let (noop, stamp) = (TcpOptionElement::Noop, TcpOptionElement::Timestamp(7, 8));
        let usual = base().options(&[noop.clone(), noop, stamp.clone()]).expect("fit");
        with_segment(&write(usual, b""), |segment| assert_eq!(segment.fingerprint.ts_val, Some(7)));
        let syn = base().syn().options(&[
            TcpOptionElement::MaximumSegmentSize(1_460),
            stamp,
            TcpOptionElement::WindowScale(9),
        ]);
        with_segment(&write(syn.expect("fit"), b""), |segment| {
            assert_eq!((segment.fingerprint.ts_val, segment.window_scale), (Some(7), Some(9)));
        });
    }

    #[test]
    fn the_short_way_is_taken_by_what_is_plain_and_leads_where_the_long_one_does() {
        let base = || PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).tcp(1, 2, 3, 4);
        let (noop, stamp) = (TcpOptionElement::Noop, TcpOptionElement::Timestamp(7, 8));
        let stamped = base().options(&[noop.clone(), noop, stamp]).expect("fit");
        let padded = || [write(base(), b""), vec![0; 6]].concat();
        for data in [tcp_v4(), write(stamped, PAYLOAD), padded()] {
            let packet = Packet { interface: 3, ..packet(&data) };
            let short = plain::look(&packet).map(|plain| Decoded::Segment(plain::segment(&plain, &packet)));
            assert_eq!(format!("{short:?}"), format!("Some({:?})", Decoder::new().walk(&packet)));
        }
        let syn = base().syn().options(&[TcpOptionElement::WindowScale(9)]).expect("fit");
        let cut = &tcp_v4()[..60];
        for data in [&tcp_v6(), &write(syn, b""), cut, &padded()[..50]] {
            assert!(plain::look(&packet(data)).is_none());
        }
    }

    #[test]
    fn a_flipped_bit_is_seen_in_the_checksum() {
        for mut data in [tcp_v4(), tcp_v6()] {
            *data.last_mut().expect("not empty") ^= 1;
            with_segment(&data, |segment| assert_eq!(segment.checksum_ok(), Some(false)));
        }
    }

    #[test]
    fn padding_and_frame_checksum_are_no_payload() {
        let mut data = tcp_v4();
        data.extend([0xee; 20]);
        with_segment(&data, |segment| assert_eq!((segment.payload, segment.missing), (PAYLOAD, 0)));
    }

    #[test]
    fn a_packet_cut_by_the_snap_length_tells_how_much_is_missing() {
        let whole = tcp_v4();
        with_segment(&whole[..whole.len() - 4], |segment| {
            assert_eq!((segment.payload, segment.missing), (&PAYLOAD[..PAYLOAD.len() - 4], 4));
            assert_eq!((segment.wire_length(), segment.checksum_ok()), (11, None));
        });
        for cut in 0..54 {
            let data = packet(&whole[..cut]);
            let expected = match cut {
                0..=14 => Layer::Link,
                15..34 => Layer::Ip,
                _ => Layer::Tcp,
            };
            let mut decoder = Decoder::new();
            let got = decoder.decode(&data);
            assert!(matches!(got, Decoded::Cut(layer) if layer == expected), "{cut}: {got:?}");
        }
    }

    #[test]
    fn a_syn_cut_within_its_options_is_still_a_syn() {
        let options = [TcpOptionElement::MaximumSegmentSize(1_460), TcpOptionElement::Timestamp(7, 8)];
        let syn = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
            .tcp(1, 2, 3, 4)
            .syn()
            .options(&options);
        let data = write(syn.expect("fit"), b"hello");
        with_segment(&data[..58], |segment| {
            assert!(segment.flags.syn());
            assert_eq!((segment.seq, segment.payload, segment.missing), (Seq(3), &b""[..], 5));
        });
    }

    #[test]
    fn a_length_of_zero_means_what_was_captured_unless_that_is_padding() {
        let mut long = write(
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).tcp(1, 2, 3, 4),
            &[7; 100],
        );
        long[16..18].fill(0);
        with_segment(&long, |segment| assert_eq!((segment.payload.len(), segment.checksum_ok()), (100, None)));
        let mut short = write(
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).tcp(1, 2, 3, 4),
            b"",
        );
        short[16..18].fill(0);
        short.resize(60, 0);
        with_segment(&short, |segment| assert_eq!(segment.payload, b""));
    }

    #[test]
    fn tunnels_are_walked_through_but_not_without_end() {
        let inner = &tcp_v4()[14..];
        let wrap = |payload: &[u8], protocol: u8| {
            let mut data = vec![0; 34];
            data[12..14].copy_from_slice(&[8, 0]);
            let total = u16::try_from(20 + payload.len()).expect("small");
            data[14] = 0x45;
            data[16..18].copy_from_slice(&total.to_be_bytes());
            data[23] = protocol;
            data.extend_from_slice(payload);
            data
        };
        let gre = [&[0x30, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 2][..], inner].concat();
        let vxlan = [&[0, 1, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0][..], &tcp_v4()].concat();
        for (payload, protocol) in [(inner, 4), (&gre[..], 47), (&vxlan[..], 17)] {
            let data = wrap(payload, protocol);
            with_segment(&data, |segment| {
                assert_eq!(segment.payload, PAYLOAD);
                let at = usize::try_from(segment.payload_offset).expect("small");
                assert_eq!(&data[at..], PAYLOAD, "found at its place in the packet");
            });
        }
        let mut nested = inner.to_vec();
        for _ in 0..NESTED_IP_HEADERS {
            nested = wrap(&nested, 4).split_off(14);
        }
        let data = wrap(&nested, 4);
        assert!(matches!(Decoder::new().decode(&packet(&data)), Decoded::Malformed(Layer::Ip)));
    }

    #[test]
    fn an_icmp_message_that_quotes_a_segment_is_no_segment() {
        let mut data = tcp_v4();
        data[23] = 1;
        assert!(matches!(Decoder::new().decode(&packet(&data)), Decoded::NotTcp));
    }

    #[test]
    fn ipv4_and_ipv6_fragments_are_put_together() {
        let whole = tcp_v4();
        let part = |from: usize, to: usize, more: u8| {
            let mut data = whole[..34].to_vec();
            data.extend_from_slice(&whole[34 + from..34 + to]);
            let total = u16::try_from(20 + to - from).expect("small");
            data[16..18].copy_from_slice(&total.to_be_bytes());
            data[20..22].copy_from_slice(&[more, u8::try_from(from / 8).expect("small")]);
            data
        };
        together(&part(24, 31, 0), &part(0, 24, 0x20));

        let whole = tcp_v6();
        let part = |from: usize, to: usize, more: u8| {
            let mut data = whole[..54].to_vec();
            data[20] = 44;
            data[18..20].copy_from_slice(&u16::try_from(8 + to - from).expect("small").to_be_bytes());
            data.extend([6, 0, 0, u8::try_from(from).expect("small") | more, 0, 0, 0, 9]);
            data.extend_from_slice(&whole[54 + from..54 + to]);
            data
        };
        together(&part(0, 24, 1), &part(24, 31, 0));
    }

    fn together(first: &[u8], second: &[u8]) {
        let mut decoder = Decoder::new();
        assert!(matches!(decoder.decode(&packet(first)), Decoded::FragmentHeld));
        match decoder.decode(&packet(second)) {
            Decoded::Segment(segment) => {
                assert_eq!((segment.payload, segment.checksum_ok()), (PAYLOAD, Some(true)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(decoder.fragment_stats().datagram_count, 1);
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let mut decoder = Decoder::new();
        for link_type in [147, 147, 189] {
            decoder.decode(&Packet { link_type: LinkType(link_type), ..packet(b"data") });
        }
        decoder.decode(&Packet { link_type: LinkType(105), ..packet(&[0x08, 0x41, 0, 0]) });
        let unsupported: Vec<_> = decoder.unsupported_link_types().collect();
        assert_eq!(unsupported, [(LinkType(147), 2), (LinkType(189), 1)]);
        assert_eq!(decoder.protected_count(), 1);
    }

    #[test]
    fn only_ethernet_pads_a_short_frame() {
        let mut data = write(
            PacketBuilder::ip(etherparse::IpHeaders::Ipv4(
                etherparse::Ipv4Header::new(0, 64, etherparse::IpNumber::TCP, [192, 0, 2, 1], [192, 0, 2, 2])
                    .expect("fits"),
                etherparse::Ipv4Extensions::default(),
            ))
            .tcp(1, 2, 3, 4),
            b"data",
        );
        data[2..4].fill(0);
        let raw = Packet { link_type: LinkType(101), ..packet(&data) };
        match Decoder::new().decode(&raw) {
            Decoded::Segment(segment) => assert_eq!(segment.payload, b"data"),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        /// Damaged packets of every link type: nothing panics, and no segment claims bytes outside its packet.
        #[test]
        fn damaged_packets_do_no_harm(
            link_type in prop::sample::select(vec![0_u16, 1, 9, 12, 50, 101, 104, 105, 108, 113, 127, 228, 229, 276]),
            v6 in any::<bool>(),
            skip in 0_usize..30,
            cut in 0_usize..90,
            damage in prop::collection::vec((0_usize..90, any::<u8>()), 0..6),
        ) {
            let mut data = if v6 { tcp_v6() } else { tcp_v4() };
            data.truncate(cut.max(1));
            for (at, byte) in damage {
                if let Some(target) = data.get_mut(at) {
                    *target = byte;
                }
            }
            let data = data.get(skip..).unwrap_or_default();
            let packet = Packet { link_type: LinkType(link_type), ..packet(data) };
            let mut decoder = Decoder::new();
            for _ in 0..2 {
                if let Some(plain) = plain::look(&packet) {
                    let walked = format!("{:?}", Decoder::new().walk(&packet));
                    let short = Decoded::Segment(plain::segment(&plain, &packet));
                    prop_assert_eq!(format!("{short:?}"), walked, "the long way");
                }
                if let Decoded::Segment(segment) = decoder.decode(&packet) {
                    let at = usize::try_from(segment.payload_offset).expect("small");
                    prop_assert!(at + segment.payload.len() <= data.len());
                }
            }
        }
    }
}
