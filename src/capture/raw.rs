//! The bytes of a file as they are, compressed or not.
//!
//! Tells apart an input that cannot be read (I/O) from compressed data that is damaged: decoders report both as
//! `std::io::Error`.

use super::buffer::Buffer;
use super::windows::NoRoom;
use std::io::{self, BufRead, Read};

/// Why no more bytes come.
#[derive(Debug)]
#[cfg_attr(not(feature = "compression"), expect(dead_code, reason = "only what is packed can be damaged here"))]
pub(super) enum Failure {
    /// The input cannot be read.
    Io(io::Error),
    /// Others have the memory that unpacking it takes.
    NoRoom(NoRoom),
    /// The compressed data ends too soon.
    Cut,
    /// The compressed data makes no sense.
    Corrupt {
        /// About where, in the compressed file.
        offset: u64,
        /// What the decoder says.
        detail: String,
    },
}

/// The input itself, counted.
pub(super) struct Raw {
    input: Box<dyn Read + Send>,
    pub(super) bytes_read: u64,
    /// The input has said that it is at its end.
    pub(super) ended: bool,
    /// The last I/O error; kept here because decoders wrap what they are given.
    pub(super) failure: Option<io::Error>,
}

impl Raw {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, bytes_read: 0, ended: false, failure: None }
    }
}

impl Read for Raw {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(room) {
                Ok(count) => {
                    let count = count.min(room.len());
                    self.bytes_read += u64::try_from(count).unwrap_or(u64::MAX);
                    self.ended |= count == 0;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.failure = Some(error);
                    return Err(kind.into());
                }
            }
        }
    }
}

/// The input with the bytes already read from it: what decoders take theirs from, to the byte.
pub(super) struct Buffered {
    pub(super) raw: Raw,
    pub(super) buffer: Buffer,
}

impl Buffered {
    /// Reads until `need` bytes are there or the input ends.
    pub(super) fn look_ahead(&mut self, need: usize) -> io::Result<&[u8]> {
        while self.buffer.data().len() < need {
            if self.buffer.fill(need, |room| self.raw.read(room))? == 0 {
                break;
            }
        }
        Ok(self.buffer.data())
    }

    /// The offset in the input of the first byte not yet consumed.
    #[cfg(feature = "compression")]
    pub(super) fn offset(&self) -> u64 {
        self.raw.bytes_read.saturating_sub(u64::try_from(self.buffer.data().len()).unwrap_or(0))
    }
}

impl Read for Buffered {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let data = self.fill_buf()?;
        let count = data.len().min(room.len());
        room[..count].copy_from_slice(&data[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Buffered {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.look_ahead(1)
    }

    fn consume(&mut self, count: usize) {
        self.buffer.consume(count);
    }
}
