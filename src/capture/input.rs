//! What a capture is read from: a file as it is, or what is packed in it. Knows no container.

#[cfg(feature = "compression")]
use super::decompress::Decompressor;
use super::raw::{Failure, Raw};
use std::io::Read as _;

/// What a capture is read from.
pub(super) enum Input {
    Plain(Raw),
    #[cfg(feature = "compression")]
    Packed(Box<Decompressor>),
}

impl Input {
    pub(super) fn read(&mut self, room: &mut [u8]) -> Result<usize, Failure> {
        match self {
            Self::Plain(raw) => raw.read(room).map_err(|error| Failure::Io(raw.failure.take().unwrap_or(error))),
            #[cfg(feature = "compression")]
            Self::Packed(decompressor) => decompressor.read(room),
        }
    }

    /// Bytes taken from the input, compressed ones where it is.
    pub(super) fn bytes_read(&self) -> u64 {
        match self {
            Self::Plain(raw) => raw.bytes_read,
            #[cfg(feature = "compression")]
            Self::Packed(decompressor) => decompressor.bytes_read(),
        }
    }
}
