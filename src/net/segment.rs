//! A TCP segment as the packets carried it, and sequence numbers that cannot be compared wrongly.

use crate::endpoint::Endpoint;
use crate::packet::PacketNumber;
use crate::time::Timestamp;
use std::net::IpAddr;

/// A TCP sequence number: a place on a circle of 2^32.
///
/// Not ordered on purpose: only distances between two of them mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seq(pub u32);

impl Seq {
    /// The signed distance from `other` to `self`: positive when `self` is ahead, right up to 2 GiB either way.
    pub const fn distance_from(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// The number `bytes` further on.
    #[must_use]
    pub const fn advanced(self, bytes: u32) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

/// The control bits of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// The sender has no more data.
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }
    /// The sender opens the connection.
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }
    /// The sender gives the connection up.
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }
    /// The acknowledgment number is valid.
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
    /// The urgent pointer is valid.
    pub const fn urg(self) -> bool {
        self.0 & 0x20 != 0
    }
}

/// What tells two sightings of one packet apart from a retransmission: fields that a mirror port, a second interface
/// or a router leave alone, and those that they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// IPv4 identification; 0 for IPv6.
    pub ip_id: u16,
    /// The TCP checksum as captured.
    pub checksum: u16,
    /// The TCP time stamp option's value, where there is one.
    pub ts_val: Option<u32>,
    /// Hop limit.
    pub ttl: u8,
    /// A hash of interface, MAC addresses and VLAN tags: where this sighting was made.
    pub path: u32,
}

/// One TCP segment, its payload lent from the packet (or from the fragment pool).
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The packet that carried it (the last one, for fragments).
    pub packet: PacketNumber,
    /// When that packet was captured.
    pub ts: Timestamp,
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Sequence number of the first payload byte (of the SYN, where there is one).
    pub seq: Seq,
    /// Acknowledgment number; meaningful only with `flags.ack()`.
    pub ack: Seq,
    /// Control bits.
    pub flags: TcpFlags,
    /// Receive window as in the header, unscaled.
    pub window: u16,
    /// The window scale option of a SYN.
    pub window_scale: Option<u8>,
    /// The captured payload.
    pub payload: &'a [u8],
    /// Where the payload starts within the packet's captured bytes.
    pub payload_offset: u32,
    /// Payload bytes that were on the wire behind `payload` but were not captured.
    pub missing: u32,
    /// To tell duplicates of the capture from retransmissions.
    pub fingerprint: Fingerprint,
    /// The bytes of header and payload with what is needed to check the checksum, or `None` when that is impossible
    /// (cut by the snap length, length 0 from offloading).
    pub checksummed: Option<Checksummed<'a>>,
}

impl Segment<'_> {
    /// Whether the TCP checksum is right; `None` when that cannot be known.
    ///
    /// Goes over all bytes of the segment, so it is worth asking only where the data is of interest.
    #[inline]
    pub fn checksum_ok(&self) -> Option<bool> {
        const TCP: u64 = 6;
        let Checksummed { tcp: bytes, ends } = self.checksummed?;
        let length = u64::try_from(bytes.len()).ok()?;
        // A sum in ones' complement is one modulo 2^16 - 1, and its two zeros are one there. All words are taken with
        // their bytes the wrong way round, which multiplies the sum by 256 there, and needs no turning of each.
        let swapped = (TCP + length) << 8;
        Some(plus(plus(ends, swapped), sum(bytes)).is_multiple_of(u16::MAX.into()))
    }

    /// Payload bytes that were on the wire, captured or not.
    #[inline]
    pub fn wire_length(&self) -> u32 {
        u32::try_from(self.payload.len()).unwrap_or(u32::MAX).saturating_add(self.missing)
    }
}

fn ip_sum(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u32::from_le_bytes(ip.octets()).into(),
        IpAddr::V6(ip) => sum(&ip.octets()),
    }
}

/// The sum of little-endian words of 16 bits, up to multiples of 2^16 - 1: words of 64 bits give the same then, in a
/// quarter of the steps.
#[inline]
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let last = match bytes.last_chunk::<8>() {
        // What the words have of it already is shifted out.
        Some(last) => u64::from_le_bytes(*last).checked_shr(64 - 8 * count(rest)).unwrap_or(0),
        None => rest.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    words.iter().fold(last, |sum, word| plus(sum, u64::from_le_bytes(*word)))
}

/// The sum in ones' complement of 64 bits: what is carried out of the upper end comes in at the lower one.
#[inline]
fn plus(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u64::from(carry)
}

/// The length of less than a word.
fn count(rest: &[u8]) -> u32 {
    u32::try_from(rest.len()).unwrap_or(0)
}

/// A whole TCP segment whose checksum can be verified on demand: most never need to be.
#[derive(Clone, Copy, Debug)]
pub struct Checksummed<'a> {
    /// TCP header and payload.
    pub(super) tcp: &'a [u8],
    /// The sum of the addresses of both ends.
    pub(super) ends: u64,
}

impl<'a> Checksummed<'a> {
    /// The bytes of header and payload, from one address to another.
    pub fn new(tcp: &'a [u8], src: IpAddr, dst: IpAddr) -> Self {
        Self { tcp, ends: plus(ip_sum(src), ip_sum(dst)) }
    }
}
