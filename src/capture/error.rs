//! Why an input cannot be read.

use super::format::Compression;
use std::fmt;
use std::io;

/// Why an input cannot be read (any further). Does not name the file: whoever opened it does.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Reading failed.
    Io(io::Error),
    /// There is not one byte.
    Empty {
        /// What had to be unpacked to find nothing.
        compression: Option<Compression>,
    },
    /// It starts like a capture and ends before the first record can.
    TooShort {
        /// What it would have been.
        what: &'static str,
        /// Bytes of the header.
        needs: usize,
        /// Bytes that are there.
        has: usize,
    },
    /// It is something else.
    NotACapture {
        /// The first bytes, as text or in hex.
        starts: String,
        /// What that is, where it is known: `a zip archive`, `JSON`.
        what: Option<&'static str>,
        /// What to do about it.
        hint: Option<&'static str>,
        /// What it was unpacked from.
        compression: Option<Compression>,
    },
    /// A pcapng of a version that does not exist yet.
    UnsupportedVersion {
        /// Major version; 1 is what can be read.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// Compressed data that is damaged before its first byte comes out.
    DamagedCompression {
        /// How it is compressed.
        compression: Compression,
        /// What is wrong.
        detail: String,
    },
    /// Compressed, and other files that are read at the same time have the memory that unpacking it takes.
    NoRoomToUnpack {
        /// How it is compressed.
        compression: Compression,
        /// How much it needs.
        detail: String,
    },
    /// Compressed, and this build cannot unpack.
    CompressionNotBuiltIn {
        /// How it is compressed.
        compression: Compression,
    },
}

impl Error {
    /// Whether it is no capture at all: there may be such things beside captures.
    pub const fn is_other_thing(&self) -> bool {
        matches!(self, Self::NotACapture { .. } | Self::Empty { .. } | Self::TooShort { .. })
    }

    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotACapture { hint, .. } => *hint,
            Self::CompressionNotBuiltIn { .. } => Some("unpack it first"),
            Self::NoRoomToUnpack { .. } => Some("unpack it first, or read fewer files at once"),
            Self::Empty { compression: None } | Self::TooShort { .. } => {
                Some("tcpdump keeps packets back until it ends; with -U it writes each at once")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Empty { compression: None } => f.write_str("the file is empty"),
            Self::Empty { compression: Some(compression) } => write!(f, "nothing is inside the {compression} data"),
            Self::TooShort { what, needs, has } => {
                write!(f, "too short for a capture file ({what} needs {needs} bytes, has {has})")
            }
            Self::NotACapture { starts, what, compression, .. } => {
                match compression {
                    None => write!(f, "not a capture file (starts with {starts}")?,
                    Some(packed) => write!(f, "no capture file inside the {packed} data (starts with {starts}")?,
                }
                match what {
                    None => f.write_str(")"),
                    Some(what) => write!(f, ", {what})"),
                }
            }
            Self::UnsupportedVersion { major, minor } => write!(f, "pcapng version {major}.{minor} cannot be read"),
            Self::DamagedCompression { compression, detail } => write!(f, "damaged {compression} data: {detail}"),
            Self::NoRoomToUnpack { compression, detail } => write!(f, "unpacking {compression} {detail}"),
            Self::CompressionNotBuiltIn { compression } => {
                write!(f, "compressed with {compression}, which this build cannot unpack")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
