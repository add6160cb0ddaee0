//! Takes packets apart, from the link layer to the TCP header.
//!
//! Knows in which order headers follow one another; each of them is read by a module of its own.

use super::fragments::{FragmentPool, FragmentStats};
use super::ip::{self, Datagram};
use super::link::{self, NoIp, Path};
use super::segment::Segment;
use super::transport::{self, Carrier};
use crate::limits::NESTED_IP_HEADERS;
use crate::packet::{LinkType, Packet};
use std::collections::BTreeMap;

/// What was found in a packet.
#[derive(Clone, Copy, Debug)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// A fragment of a datagram whose other parts are still to come.
    FragmentHeld,
    /// Something other than TCP.
    NotTcp,
    /// The link type is not in our table.
    UnsupportedLinkType(LinkType),
    /// An encrypted 802.11 frame.
    Protected,
    /// The captured bytes end inside a header.
    Cut(Layer),
    /// A header makes no sense.
    Malformed(Layer),
}

/// Where decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Below IP.
    Link,
    /// IP, with its extension headers and tunnels.
    Ip,
    /// TCP.
    Tcp,
}

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
    pub fn decode<'a>(&'a mut self, packet: &'a Packet<'_>) -> Decoded<'a> {
        let stripped = match link::strip(packet.link_type, packet.data, Path::on_interface(packet.interface)) {
            Ok(stripped) => stripped,
            Err(why) => return self.no_ip(packet, why),
        };
        let carrier = Carrier { packet, path: stripped.path, at: 0 };
        match innermost(&packet.data[stripped.at..], stripped.at) {
            Ok((datagram, at)) if datagram.fragment.is_some() => self.fragment(&datagram, Carrier { at, ..carrier }),
            Ok((datagram, at)) => segment(&datagram, Carrier { at, ..carrier }),
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
            Ok((inner, _)) => segment(&inner, carrier),
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
fn innermost(bytes: &[u8], at: usize) -> Result<(Datagram<'_>, usize), Stop> {
    let datagram = ip::parse(bytes)?;
    descend(datagram, at + datagram.offset)
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

fn segment<'a>(datagram: &Datagram<'a>, carrier: Carrier<'_, '_>) -> Decoded<'a> {
    match transport::segment(datagram, carrier) {
        Ok(segment) => Decoded::Segment(segment),
        Err(transport::Fault::Cut) => Decoded::Cut(Layer::Tcp),
        Err(transport::Fault::Malformed) => Decoded::Malformed(Layer::Tcp),
    }
}
