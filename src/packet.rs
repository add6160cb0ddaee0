//! A captured packet as it comes out of a capture file, and how places in packets are named.
//!
//! Knows nothing of what the bytes of a packet mean.

use crate::time::Timestamp;
use std::fmt;

/// The number of a packet, counted from 1 as Wireshark counts.
///
/// Several files read as one session are counted through; [`FileSpan`] says which numbers belong to which file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketNumber(pub u64);

impl fmt::Display for PacketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A link-layer type as registered for pcap (LINKTYPE_…): 1 is Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

/// One captured packet, its bytes lent by the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its number in the session.
    pub number: PacketNumber,
    /// When it was captured.
    pub ts: Timestamp,
    /// How its first bytes are to be read.
    pub link_type: LinkType,
    /// The interface it was captured on, counted through all sections and files of the session.
    pub interface: u32,
    /// Its length on the wire. Never below `data.len()`: a file that claims so is corrected on reading.
    pub original_length: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// The packets of one file within a session: `first ..= first + count - 1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpan {
    /// The file's name as the user gave it.
    pub name: String,
    /// The session number of its first packet.
    pub first: PacketNumber,
    /// How many packets it has.
    pub count: u64,
}

/// A run of bytes inside one packet: what an anomaly shows as evidence, and where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// The packet.
    pub packet: PacketNumber,
    /// The first byte, counted from 0 within the captured packet. For a reassembled IP datagram, within its last fragment.
    pub offset: u32,
    /// How many bytes.
    pub length: u32,
}
