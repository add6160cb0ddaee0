//! Reads one IP header, extension headers included.
//!
//! Knows nothing of what is inside, and keeps no state: fragments are described here and put together in `fragments`.

use etherparse::{Ipv6ExtensionSlice, Ipv6ExtensionsSlice, LaxIpSlice, LaxIpv4Slice, LaxIpv6Slice, LenSource};
use std::net::IpAddr;

/// What an IP header says, and what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Datagram<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// What the payload is, as an IP protocol number.
    pub(super) protocol: u8,
    /// IPv4 identification; 0 for IPv6.
    pub(super) id: u16,
    /// Hop limit.
    pub(super) ttl: u8,
    /// The captured payload, padding cut off.
    pub(super) payload: &'a [u8],
    /// Where the payload starts, counted from the IP header.
    pub(super) offset: usize,
    /// Payload bytes on the wire, or `None` when the header says 0 (segmentation offload): then it is what was captured.
    pub(super) wire_length: Option<usize>,
    /// Set when the payload is a part of a datagram.
    pub(super) fragment: Option<Fragment>,
}

/// Which part of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) id: u32,
    pub(super) offset: usize,
    /// Whether others follow.
    pub(super) more: bool,
}

/// Why an IP header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The captured bytes end inside it.
    Cut,
    /// It makes no sense.
    Malformed,
}

/// Reads the IP header at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Datagram<'_>, Fault> {
    match LaxIpSlice::from_slice(bytes) {
        Ok((LaxIpSlice::Ipv4(ip), _)) => Ok(v4(&ip)),
        Ok((LaxIpSlice::Ipv6(ip), _)) => Ok(v6(bytes, &ip)),
        Err(etherparse::err::ip::LaxHeaderSliceError::Len(_)) => Err(Fault::Cut),
        Err(etherparse::err::ip::LaxHeaderSliceError::Content(_)) => Err(Fault::Malformed),
    }
}

/// Skips the extension headers that a reassembled IPv6 datagram may begin with. Gives the protocol and the skipped length.
pub(super) fn skip_extensions(protocol: u8, bytes: &[u8]) -> (u8, usize) {
    let (_, next, rest, _) = Ipv6ExtensionsSlice::from_slice_lax(protocol.into(), bytes);
    (next.0, bytes.len() - rest.len())
}

fn v4<'a>(ip: &LaxIpv4Slice<'a>) -> Datagram<'a> {
    let header = ip.header();
    let payload = ip.payload();
    let offset = header.slice().len() + ip.extensions().auth.map_or(0, |auth| auth.slice().len());
    let total = usize::from(header.total_len());
    Datagram {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        protocol: payload.ip_number.0,
        id: header.identification(),
        ttl: header.ttl(),
        payload: payload.payload,
        offset,
        wire_length: total.checked_sub(offset).filter(|_| has_length(payload.len_source, payload.incomplete)),
        fragment: payload.fragmented.then(|| Fragment {
            id: header.identification().into(),
            offset: usize::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
        }),
    }
}

fn v6<'a>(bytes: &'a [u8], ip: &LaxIpv6Slice<'a>) -> Datagram<'a> {
    let header = ip.header();
    let payload = ip.payload();
    let extensions = ip.extensions();
    let mut datagram = Datagram {
        src: header.source_addr().into(),
        dst: header.destination_addr().into(),
        protocol: payload.ip_number.0,
        id: 0,
        ttl: header.hop_limit(),
        payload: payload.payload,
        offset: header.slice().len() + extensions.slice().len(),
        wire_length: None,
        fragment: None,
    };
    if payload.fragmented {
        step_back_to_fragment(bytes, extensions, &mut datagram);
    }
    if has_length(payload.len_source, payload.incomplete) {
        let behind_header = datagram.offset - header.slice().len();
        datagram.wire_length = usize::from(header.payload_length()).checked_sub(behind_header);
    }
    datagram
}

/// What stands behind a fragment header is a piece of something: it must not have been read as further extensions.
fn step_back_to_fragment<'a>(bytes: &'a [u8], extensions: &Ipv6ExtensionsSlice<'_>, datagram: &mut Datagram<'a>) {
    let end = datagram.offset + datagram.payload.len();
    let mut at = datagram.offset - extensions.slice().len();
    for extension in extensions.clone() {
        at += match &extension {
            Ipv6ExtensionSlice::HopByHop(raw)
            | Ipv6ExtensionSlice::Routing(raw)
            | Ipv6ExtensionSlice::DestinationOptions(raw) => raw.slice().len(),
            Ipv6ExtensionSlice::Authentication(header) => header.slice().len(),
            Ipv6ExtensionSlice::Fragment(header) => header.slice().len(),
        };
        if let Ipv6ExtensionSlice::Fragment(header) = extension {
            datagram.protocol = header.next_header().0;
            datagram.offset = at;
            datagram.payload = bytes.get(at..end).unwrap_or_default();
            datagram.fragment = Some(Fragment {
                id: header.identification(),
                offset: usize::from(header.fragment_offset().value()) * 8,
                more: header.more_fragments(),
            });
            return;
        }
    }
}

/// Whether the length field is to be believed: it is what was used, or the packet was cut and it says by how much.
fn has_length(source: LenSource, incomplete: bool) -> bool {
    incomplete || source != LenSource::Slice
}
