//! From the bytes of a file or pipe to packets.
//!
//! Knows containers (pcap, the modified pcap of AVM's routers, pcapng) and compression (gzip, zstd, lz4, xz), and the
//! order in which the packets of several files belong together. Knows nothing of what a packet holds, and nothing of
//! the file system: whoever uses it opens the files.
//!
//! A [`Reader`] turns one input into packets; a [`Session`] does so for several at once. What is wrong with an input is
//! told in [`Notice`]s beside the packets. An [`Error`] means that an input cannot be read at all.
//!
//! ```
//! use rctscope::capture::Reader;
//!
//! // The header of a pcap file (Ethernet), and one packet of three bytes.
//! let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
//! file.extend([7, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 60, 0, 0, 0]);
//! file.extend(*b"abc");
//!
//! let mut reader = Reader::new(Box::new(std::io::Cursor::new(file)))?;
//! while let Some(packet) = reader.next_packet()? {
//!     assert_eq!(packet.ts.nanos(), 7_000_001_000);
//!     assert_eq!((packet.data, packet.original_length), (&b"abc"[..], 60));
//! }
//! assert!(reader.complete());
//! # Ok::<(), rctscope::capture::Error>(())
//! ```

mod buffer;
#[cfg(feature = "compression")]
mod decompress;
mod error;
mod format;
mod input;
mod interface;
mod notice;
mod pcap;
mod pcapng;
mod raw;
mod reader;
mod runs;
mod session;
mod sniff;
#[cfg(test)]
mod testing;
mod windows;

pub use error::Error;
pub use format::{Compression, Container, Format};
pub use notice::{Notice, NoticeKind};
pub use reader::Reader;
pub use runs::Location;
pub use session::{FileReport, Session, Source, SourceError};

use crate::time::Timestamp;
use std::fmt;
use std::ops::Range;

/// The byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

/// One packet record, as far as its container tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Record {
    /// Which of the interfaces known so far.
    interface: usize,
    ts: Timestamp,
    original_length: u32,
    /// Where the packet's bytes stand, counted from the record's first byte.
    data: Range<usize>,
    /// All bytes of the record. `data.end <= length`.
    length: usize,
    fraction: Fraction,
}

/// Whether the part of a time below the second is below a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fraction {
    #[default]
    Proper,
    /// It was a second or more, and was added all the same.
    Carried,
}

/// What a container finds at the front of the bytes it is shown.
type Next = Result<Record, Obstacle>;

/// What stands at the front of the bytes that a container is shown where no packet does.
#[derive(Clone, Copy, Debug)]
enum Obstacle {
    /// That many bytes without a packet.
    Skip(usize),
    /// As above, but the bytes need not be there yet, and can be more than a buffer holds.
    Discard(u64),
    /// The record is not there as a whole: `total` bytes are needed from its first one on, of which `header` come
    /// before what the record is about.
    Need { total: usize, header: usize, part: Part },
    /// The header of another file, glued behind this one.
    Restart,
    /// No record can start like this, so nothing that follows can be found.
    Lost(Nonsense),
}

/// What no record can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nonsense {
    PacketLength(u32),
    BlockLength(u32),
    SectionLength(u32),
    SectionOrder,
    SectionVersion { major: u16, minor: u16 },
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PacketLength(length) => write!(f, "a packet of {length} bytes"),
            Self::BlockLength(length) => write!(f, "a block of {length} bytes"),
            Self::SectionLength(length) => write!(f, "a section header of {length} bytes"),
            Self::SectionOrder => f.write_str("a section whose byte order cannot be told"),
            Self::SectionVersion { major, minor } => write!(f, "a section of version {major}.{minor}"),
        }
    }
}

/// What a record that is not there as a whole would have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Packet,
    Block,
}

/// A length field as a size. A length that the machine cannot address is above every limit anyway.
fn size(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// The original length of a packet: never below what was captured, whatever the file says.
fn at_least_captured(original: u32, captured: usize) -> u32 {
    original.max(u32::try_from(captured).unwrap_or(u32::MAX))
}
