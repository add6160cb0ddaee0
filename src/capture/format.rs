//! What kinds of files there are: containers of packets, and what they may be packed in.

use std::fmt;

/// Bytes that tell a compression.
pub(super) const COMPRESSION_BYTES: usize = 6;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The LZ4 frame format, and the legacy one.
    Lz4,
    /// The .xz file format.
    Xz,
}

impl Compression {
    /// `gzip`, `zstd`, `lz4` or `xz`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
        }
    }

    /// The compression of a file that starts with `data`.
    pub(super) fn of(data: &[u8]) -> Option<Self> {
        match data {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            // The second is a skippable frame, which zstd and lz4 share; only zstd's tools put one in front.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Self::Lz4),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How packets are laid out in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// libpcap's file format, with microseconds or nanoseconds.
    Pcap,
    /// The variant that AVM's routers write.
    ModifiedPcap,
    /// The block format of Wireshark.
    PcapNg,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcap => "pcap",
            Self::ModifiedPcap => "modified pcap",
            Self::PcapNg => "pcapng",
        })
    }
}

/// What an input is, for display: `pcapng`, `pcap, gzip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// How its packets are laid out.
    pub container: Container,
    /// How it is compressed.
    pub compression: Option<Compression>,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.container.fmt(f)?;
        match self.compression {
            Some(compression) => write!(f, ", {compression}"),
            None => Ok(()),
        }
    }
}
