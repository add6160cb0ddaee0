//! Strips link layers until an IP header is reached.
//!
//! Knows where headers end and nothing of what is in them, save the fields that say what comes next. Every function
//! takes the whole packet and the place where its layer starts, so that the place of the IP header is known at the end.

use crate::packet::LinkType;

/// An Ethernet frame is padded to this length (without its checksum).
pub(super) const ETHERNET_MINIMUM: usize = 60;

pub(super) const ETHERNET: LinkType = LinkType(1);

/// Where the IP header starts, and by which way the packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stripped {
    pub(super) at: usize,
    pub(super) path: Path,
}

/// Why there is no IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoIp {
    /// Something else was carried: ARP, a management frame, …
    Other,
    /// The packet ends inside the link layer.
    Cut,
    /// The link type is not in our table.
    Unsupported,
    /// An encrypted 802.11 frame.
    Protected,
}

/// A hash of the addresses and tags of the link layers: two sightings of one packet on different paths differ in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(u64);

impl Path {
    /// A path that starts on an interface.
    pub(super) fn on_interface(interface: u32) -> Self {
        Self::default().with(u64::from(interface))
    }

    /// The 32 bits that stand for the path.
    pub(super) const fn digest(self) -> u32 {
        // The upper half is the well-mixed one.
        (self.0 >> 32) as u32
    }

    const fn with(self, word: u64) -> Self {
        Self((self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Mixes both addresses of an Ethernet frame in, as two words.
    #[inline]
    pub(super) fn with_ethernet(self, addresses: &[u8; 12]) -> Self {
        let words = addresses.first_chunk().zip(addresses.last_chunk());
        let (first, last) =
            words.map_or((0, 0), |(first, last)| (u64::from_be_bytes(*first), u32::from_be_bytes(*last)));
        self.with(first).with(last.into())
    }

    /// Mixes up to eight bytes of the packet in.
    fn with_bytes(self, data: &[u8], at: usize, count: usize) -> Self {
        let bytes = data.get(at..at + count).unwrap_or_default();
        self.with(bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }
}

type Outcome = Result<Stripped, NoIp>;

/// Finds the IP header of a packet.
#[inline]
pub(super) fn strip(link_type: LinkType, data: &[u8], path: Path) -> Outcome {
    let stripped = match link_type.0 {
        1 => ethernet(data, 0, path),
        0 | 108 => address_family(data, path),
        12 | 14 | 101 | 228 | 229 => ip_by_version(data, 0, path),
        9 | 50 => ppp_framed(data, 0, path),
        104 => ether_type(data, 4, be16(data, 2)?, path),
        105 => dot11(data, 0, path),
        113 => linux_cooked(data, path),
        127 => radiotap(data, path),
        276 => linux_cooked_2(data, path),
        _ => Err(NoIp::Unsupported),
    }?;
    if stripped.at < data.len() { Ok(stripped) } else { Err(NoIp::Cut) }
}

/// An Ethernet frame: also what VXLAN, GRE and some MPLS tunnels carry.
#[inline]
pub(super) fn ethernet(data: &[u8], at: usize, path: Path) -> Outcome {
    let path = path.with_ethernet(&bytes(data, at)?);
    ether_type(data, at + 14, be16(data, at + 12)?, path)
}

/// Follows EtherTypes from `kind`, whose payload starts at `at`, through any number of tags.
#[inline]
pub(super) fn ether_type(data: &[u8], mut at: usize, mut kind: u16, mut path: Path) -> Outcome {
    loop {
        match kind {
            0x0800 | 0x86dd => return Ok(Stripped { at, path }),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                path = path.with_bytes(data, at, 2);
                kind = be16(data, at + 2)?;
                at += 4;
            }
            0x8864 => return ppp(data, at + 6, path),
            0x8847 | 0x8848 => return mpls(data, at, path),
            0x6558 => return ethernet(data, at, path),
            0..=1500 => return llc(data, at, path),
            _ => return Err(NoIp::Other),
        }
    }
}

/// LLC, with or without SNAP.
fn llc(data: &[u8], at: usize, path: Path) -> Outcome {
    match bytes::<3>(data, at)? {
        [0xaa, 0xaa, 0x03] => match bytes::<3>(data, at + 3)? {
            // RFC 1042, and the bridge-tunnel form.
            [0, 0, 0 | 0xf8] => match be16(data, at + 6)? {
                // A length cannot follow here: without this, LLC in LLC could nest without end.
                0..=1500 => Err(NoIp::Other),
                kind => ether_type(data, at + 8, kind, path),
            },
            _ => Err(NoIp::Other),
        },
        [0x06, 0x06, 0x03] => ip_by_version(data, at + 3, path),
        _ => Err(NoIp::Other),
    }
}

/// A stack of MPLS labels; what is below it can only be told from its first bits.
fn mpls(data: &[u8], mut at: usize, path: Path) -> Outcome {
    while bytes::<4>(data, at)?[2] & 1 == 0 {
        at += 4;
    }
    at += 4;
    match bytes::<1>(data, at)?[0] >> 4 {
        // The control word of an Ethernet pseudo-wire.
        0 => ethernet(data, at + 4, path),
        _ => ip_by_version(data, at, path),
    }
}

/// PPP in HDLC-like framing, where address and control may be left out. Cisco HDLC occurs under the same link type.
fn ppp_framed(data: &[u8], at: usize, path: Path) -> Outcome {
    match bytes::<2>(data, at)? {
        [0xff, 0x03] => ppp(data, at + 2, path),
        [0x0f | 0x8f, 0x00] => ether_type(data, at + 4, be16(data, at + 2)?, path),
        _ => ppp(data, at, path),
    }
}

/// PPP from its protocol field on, which is one byte when odd.
fn ppp(data: &[u8], at: usize, path: Path) -> Outcome {
    let first = bytes::<1>(data, at)?[0];
    let (protocol, at) = if first & 1 == 1 { (u16::from(first), at + 1) } else { (be16(data, at)?, at + 2) };
    match protocol {
        0x0021 | 0x0057 => Ok(Stripped { at, path }),
        0x0281 | 0x0283 => mpls(data, at, path),
        _ => Err(NoIp::Other),
    }
}

/// BSD loopback: an address family in the byte order of the machine, whichever that was.
fn address_family(data: &[u8], path: Path) -> Outcome {
    let family = bytes::<4>(data, 0)?;
    match u32::from_be_bytes(family).min(u32::from_le_bytes(family)) {
        2 | 10 | 23 | 24 | 26 | 28 | 30 => ip_by_version(data, 4, path),
        _ => Err(NoIp::Other),
    }
}

/// What follows must be IP, and its version field says which.
fn ip_by_version(data: &[u8], at: usize, path: Path) -> Outcome {
    match bytes::<1>(data, at)?[0] >> 4 {
        4 | 6 => Ok(Stripped { at, path }),
        _ => Err(NoIp::Other),
    }
}

/// Linux "any" capture: loopback, tun and ppp devices come through it as well as Ethernet ones.
fn linux_cooked(data: &[u8], path: Path) -> Outcome {
    let path = path.with_bytes(data, 0, 6).with_bytes(data, 6, 8);
    cooked_protocol(data, 16, be16(data, 14)?, path)
}

/// The second version of the same, with an interface index.
fn linux_cooked_2(data: &[u8], path: Path) -> Outcome {
    let path = path.with_bytes(data, 4, 8).with_bytes(data, 12, 8);
    cooked_protocol(data, 20, be16(data, 0)?, path)
}

fn cooked_protocol(data: &[u8], at: usize, protocol: u16, path: Path) -> Outcome {
    match protocol {
        // Linux's own numbers for 802.3 without LLC, and with.
        0x0001 => Err(NoIp::Other),
        0x0004 => llc(data, at, path),
        kind => ether_type(data, at, kind, path),
    }
}

/// Radiotap: a header of variable length in front of 802.11.
fn radiotap(data: &[u8], path: Path) -> Outcome {
    const MORE_WORDS: u32 = 1 << 31;
    const TIMESTAMP: u32 = 1 << 0;
    const FLAGS: u32 = 1 << 1;
    let [_, _, low, high] = bytes::<4>(data, 0)?;
    let length = usize::from(u16::from_le_bytes([low, high]));
    let present = u32::from_le_bytes(bytes(data, 4)?);
    let mut fields = 8;
    let mut word = present;
    while word & MORE_WORDS != 0 {
        word = u32::from_le_bytes(bytes(data, fields)?);
        fields += 4;
    }
    if present & TIMESTAMP != 0 {
        fields = fields.next_multiple_of(8) + 8;
    }
    let padded = present & FLAGS != 0 && bytes::<1>(data, fields)?[0] & 0x20 != 0;
    dot11_padded(data, length, if padded { 4 } else { 1 }, path)
}

fn dot11(data: &[u8], at: usize, path: Path) -> Outcome {
    dot11_padded(data, at, 1, path)
}

/// An 802.11 frame whose header is padded to a multiple of `alignment`.
fn dot11_padded(data: &[u8], at: usize, alignment: usize, path: Path) -> Outcome {
    let [kind, flags] = bytes::<2>(data, at)?;
    let is_data = kind & 0x0f == 0x08;
    let carries_nothing = kind & 0x40 != 0;
    if !is_data || carries_nothing {
        return Err(NoIp::Other);
    }
    if flags & 0x40 != 0 {
        return Err(NoIp::Protected);
    }
    let between_access_points = flags & 0x03 == 0x03;
    let mut header = if between_access_points { 30 } else { 24 };
    if kind & 0x80 != 0 {
        let aggregated = bytes::<1>(data, at + header)?[0] & 0x80 != 0;
        if aggregated {
            return Err(NoIp::Other);
        }
        let high_throughput_control = flags & 0x80 != 0;
        header += if high_throughput_control { 6 } else { 2 };
    }
    let path = path.with_bytes(data, at + 4, 6).with_bytes(data, at + 10, 6).with_bytes(data, at + 16, 6);
    llc(data, at + header.next_multiple_of(alignment), path)
}

#[inline]
fn be16(data: &[u8], at: usize) -> Result<u16, NoIp> {
    bytes(data, at).map(u16::from_be_bytes)
}

#[inline]
fn bytes<const N: usize>(data: &[u8], at: usize) -> Result<[u8; N], NoIp> {
    data.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(NoIp::Cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hex"))
            .collect()
    }

    /// Strips `header` followed by the first bytes of an IPv4 header, and expects to find that.
    fn finds(link_type: u16, header: &str) {
        let mut data = hex(header);
        let at = data.len();
        data.extend([0x45, 0, 0, 40]);
        let found = strip(LinkType(link_type), &data, Path::default()).map(|stripped| stripped.at);
        assert_eq!(found, Ok(at), "link type {link_type}: {header}");
        for cut in 0..at {
            assert!(strip(LinkType(link_type), &data[..cut], Path::default()).is_err(), "{header} cut at {cut}");
        }
    }

    const MACS: &str = "020000000001 020000000002";

    #[test]
    fn every_link_type_of_the_table_leads_to_ip() {
        let cases: &[(u16, &str)] = &[
            (0, "02000000"),
            (0, "00000002"),
            (0, "1e000000"),
            (108, "00000018"),
            (9, "0021"),
            (9, "21"),
            (50, "ff030021"),
            (50, "ff0357"),
            (50, "0f000800"),
            (104, "0f000800"),
            (113, "0000 0304 0006 0000000000000000 0800"),
            (113, "0000 fffe 0000 0000000000000000 86dd"),
            (113, "0000 0001 0006 0200000000010000 8100 0007 0800"),
            (113, "0000 0001 0006 0200000000010000 0004 aaaa03 000000 0800"),
            (276, "0800 0000 00000001 0304 00 06 0000000000000000"),
            (105, "0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800"),
            (105, "0803 0000 020000000001 020000000002 020000000003 0000 020000000004 aaaa03 000000 0800"),
            (105, "8801 0000 020000000001 020000000002 020000000003 0000 0000 aaaa03 000000 0800"),
            (127, "0000 0800 00000000 0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800"),
            // Flags say that the header of 26 bytes is padded to 28.
            (
                127,
                "0000 0900 02000000 20 8801 0000 020000000001 020000000002 020000000003 0000 0000 0000 aaaa03 000000 0800",
            ),
        ];
        for (link_type, header) in cases {
            finds(*link_type, header);
        }
        for raw in [12, 14, 101, 228, 229] {
            finds(raw, "");
        }
    }

    #[test]
    fn ethernet_leads_through_tags_tunnels_and_snap() {
        for rest in [
            "0800",
            "8100 0001 8100 0002 88a8 0003 9200 0004 0800",
            "8100 0000 0800",
            "8864 1100 0001 0030 0021",
            "0030 aaaa03 000000 0800",
            "0030 060603",
        ] {
            finds(1, &format!("{MACS} {rest}"));
        }
    }

    #[test]
    fn mpls_below_its_last_label() {
        finds(1, &format!("{MACS} 8847 00010040 00011140"));
        finds(1, &format!("{MACS} 8848 00011140 00000000 {MACS} 0800"));
    }

    #[test]
    fn what_is_no_ip_is_told_apart() {
        let refused =
            |link_type: u16, header: &str| strip(LinkType(link_type), &hex(header), Path::default()).unwrap_err();
        assert_eq!(refused(147, "00"), NoIp::Unsupported);
        assert_eq!(refused(1, &format!("{MACS} 0806 0001")), NoIp::Other);
        assert_eq!(refused(1, &format!("{MACS} 8863 1109 0000 0000 0000")), NoIp::Other);
        assert_eq!(refused(105, "0841 0000 020000000001"), NoIp::Protected);
        assert_eq!(refused(105, "8000 0000 020000000001"), NoIp::Other, "a beacon");
        assert_eq!(refused(105, "4801 0000 020000000001"), NoIp::Other, "a null frame");
    }

    #[test]
    fn the_path_knows_addresses_and_tags() {
        let path =
            |frame: &str| strip(ETHERNET, &hex(&format!("{frame} 45")), Path::default()).expect("ip").path.digest();
        let plain = path(&format!("{MACS} 0800"));
        assert_eq!(plain, path(&format!("{MACS} 0800")));
        assert_ne!(plain, path(&format!("{MACS} 8100 0001 0800")));
        assert_ne!(plain, path("020000000001 020000000003 0800"));
        assert_ne!(Path::on_interface(0).digest(), Path::on_interface(1).digest());
    }
}
