//! Unpacking gzip, zstd, lz4 and xz.
//!
//! A packed file is a row of members (frames, streams) until the input is at its end; each is unpacked by its own
//! magic. Whatever comes out before damage is handed out. Knows nothing of what is unpacked.

use super::format::{COMPRESSION_BYTES, Compression};
use super::raw::{Buffered, Failure};
use super::windows::{NoRoom, Windows};
use crate::limits;
use crate::loan::Loan;
use flate2::bufread::GzDecoder;
use lzma_rust2::{Action, Status, XzStream};
use ruzstd::decoding::BlockDecodingStrategy;
use ruzstd::decoding::errors::FrameDecoderError;
use std::io::{self, BufRead, Read};

/// Unpacks a whole input.
pub(super) struct Decompressor {
    codec: Codec,
    windows: Windows,
    /// What has been taken from the input when there is no codec any more.
    bytes_read: u64,
}

/// Who has the input in hand.
enum Codec {
    /// Nobody: a member begins here, or the input ends.
    Between(Buffered),
    Gzip(Box<GzDecoder<Buffered>>),
    Zstd(Box<Zstd>),
    Lz4(Box<Lz4>),
    Xz(Box<Xz>),
    /// It is over.
    Done,
}

impl Decompressor {
    pub(super) fn new(input: Buffered, windows: Windows) -> Self {
        Self { codec: Codec::Between(input), windows, bytes_read: 0 }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.codec.input().map_or(self.bytes_read, |input| input.raw.bytes_read)
    }

    /// Puts unpacked bytes into `room`; 0 at the end. After a failure the end has come.
    pub(super) fn read(&mut self, room: &mut [u8]) -> Result<usize, Failure> {
        loop {
            let read = match &mut self.codec {
                Codec::Done => return Ok(0),
                Codec::Between(input) => match next_member(input) {
                    Ok(Some(compression)) => {
                        self.begin(compression);
                        continue;
                    }
                    Ok(None) => {
                        self.finish();
                        return Ok(0);
                    }
                    Err(error) => Err(error),
                },
                Codec::Gzip(gzip) => gzip.read(room),
                Codec::Zstd(zstd) => zstd.read(room, &self.windows),
                Codec::Lz4(lz4) => lz4.read(room),
                Codec::Xz(xz) => xz.read(room, &self.windows),
            };
            match read {
                Ok(0) if !room.is_empty() => self.end_member(),
                Ok(count) => return Ok(count),
                Err(error) => return Err(self.fail(&error)),
            }
        }
    }

    fn begin(&mut self, compression: Compression) {
        let Codec::Between(input) = std::mem::replace(&mut self.codec, Codec::Done) else { return };
        self.codec = match compression {
            Compression::Gzip => Codec::Gzip(Box::new(GzDecoder::new(input))),
            Compression::Zstd => Codec::Zstd(Box::new(Zstd::new(input))),
            Compression::Lz4 => Codec::Lz4(Box::new(Lz4::new(input))),
            Compression::Xz => Codec::Xz(Box::new(Xz::new(input))),
        };
    }

    fn end_member(&mut self) {
        self.codec = match std::mem::replace(&mut self.codec, Codec::Done).into_input() {
            Some(input) => Codec::Between(input),
            None => Codec::Done,
        };
    }

    fn finish(&mut self) {
        self.bytes_read = self.bytes_read();
        self.codec = Codec::Done;
    }

    /// What `error` really means.
    fn fail(&mut self, error: &io::Error) -> Failure {
        let mut offset = 0;
        let (mut real, mut ended) = (None, false);
        if let Some(input) = self.codec.input_mut() {
            offset = input.offset();
            real = input.raw.failure.take();
            ended = input.raw.ended && input.buffer.data().is_empty();
        }
        self.finish();
        match real {
            Some(error) => Failure::Io(error),
            None if let Some(no_room) = no_room(error) => Failure::NoRoom(no_room),
            None if ended => Failure::Cut,
            None => Failure::Corrupt { offset, detail: error.to_string() },
        }
    }
}

/// Decoders hand on what they are told only as an I/O error.
fn no_room(error: &io::Error) -> Option<NoRoom> {
    error.get_ref()?.downcast_ref().copied()
}

impl Codec {
    fn input(&self) -> Option<&Buffered> {
        match self {
            Self::Between(input) => Some(input),
            Self::Gzip(gzip) => Some(gzip.get_ref()),
            Self::Zstd(zstd) => Some(&zstd.input),
            Self::Lz4(lz4) => Some(lz4.frame.get_ref()),
            Self::Xz(xz) => Some(&xz.input),
            Self::Done => None,
        }
    }

    fn input_mut(&mut self) -> Option<&mut Buffered> {
        match self {
            Self::Between(input) => Some(input),
            Self::Gzip(gzip) => Some(gzip.get_mut()),
            Self::Zstd(zstd) => Some(&mut zstd.input),
            Self::Lz4(lz4) => Some(lz4.frame.get_mut()),
            Self::Xz(xz) => Some(&mut xz.input),
            Self::Done => None,
        }
    }

    fn into_input(self) -> Option<Buffered> {
        match self {
            Self::Between(input) => Some(input),
            Self::Gzip(gzip) => Some(gzip.into_inner()),
            Self::Zstd(zstd) => Some(zstd.input),
            Self::Lz4(lz4) => Some(lz4.frame.into_inner()),
            Self::Xz(xz) => Some(xz.input),
            Self::Done => None,
        }
    }
}

/// Goes to the next member and tells how it is packed; `None` when there is none.
fn next_member(input: &mut Buffered) -> io::Result<Option<Compression>> {
    loop {
        match input.look_ahead(COMPRESSION_BYTES)? {
            [] => return Ok(None),
            // Zeros fill the last block of a tape.
            [0, ..] => input.consume(1),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => skip_frame(input)?,
            data => match Compression::of(data) {
                Some(compression) => return Ok(Some(compression)),
                None => return Err(io::Error::other("something else stands behind the compressed data")),
            },
        }
    }
}

/// A frame that zstd and lz4 allow for notes of other programs.
fn skip_frame(input: &mut Buffered) -> io::Result<()> {
    let mut header = [0; 8];
    input.read_exact(&mut header)?;
    let [_, _, _, _, length @ ..] = header;
    let mut left = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    while left > 0 {
        let count = input.fill_buf()?.len().min(left);
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        input.consume(count);
        left -= count;
    }
    Ok(())
}

/// One zstd frame.
struct Zstd {
    input: Buffered,
    frame: ruzstd::decoding::FrameDecoder,
    state: ZstdState,
    window: Option<Loan>,
}

enum ZstdState {
    Header,
    Blocks,
    /// What was unpacked before the damage is still to be handed out.
    Damaged(Option<io::Error>),
}

impl Zstd {
    fn new(input: Buffered) -> Self {
        let mut frame = ruzstd::decoding::FrameDecoder::new();
        frame.set_max_window_size(u64::from(limits::UNPACK_WINDOW_BYTES));
        Self { input, frame, state: ZstdState::Header, window: None }
    }

    fn read(&mut self, room: &mut [u8], windows: &Windows) -> io::Result<usize> {
        if matches!(self.state, ZstdState::Header) {
            self.window = Some(windows.lend(self.window_size()?).map_err(io::Error::other)?);
            self.frame.init(&mut self.input).map_err(io::Error::other)?;
            self.state = ZstdState::Blocks;
        }
        while matches!(self.state, ZstdState::Blocks) && self.frame.can_collect() == 0 && !self.frame.is_finished() {
            let decoded = self.frame.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1));
            if let Err(error) = decoded {
                self.state = ZstdState::Damaged(Some(io::Error::other(error)));
                self.release();
            }
        }
        match (self.frame.read(room)?, &mut self.state) {
            (0, ZstdState::Damaged(error)) => Err(error.take().unwrap_or_else(|| io::ErrorKind::InvalidData.into())),
            (0, _) => self.verify().map(|()| 0),
            (count, _) => Ok(count),
        }
    }

    /// What the decoder will take for the window of this frame. It tells that only of a window that it refuses.
    fn window_size(&mut self) -> io::Result<u64> {
        const LONGEST_HEADER: usize = 18;
        let most = u64::from(limits::UNPACK_WINDOW_BYTES);
        let mut refusing = ruzstd::decoding::FrameDecoder::new();
        refusing.set_max_window_size(0);
        Ok(match refusing.init(self.input.look_ahead(LONGEST_HEADER)?) {
            Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) if requested <= most => {
                requested.next_power_of_two()
            }
            // There is none, or `self.frame` will tell what is wrong with it.
            _ => 0,
        })
    }

    /// The decoder keeps back what later blocks may refer to. An empty last block, and a checksum that nobody looks
    /// at, make it hand that out.
    fn release(&mut self) {
        const LAST_RAW_BLOCK: [u8; 3] = [1, 0, 0];
        const CHECKSUM: [u8; 4] = [0; 4];
        let end = [LAST_RAW_BLOCK.as_slice(), &CHECKSUM].concat();
        // Should it refuse, what it keeps back is lost, as it would be anyway.
        let _ = self.frame.decode_blocks(end.as_slice(), BlockDecodingStrategy::UptoBlocks(1));
    }

    fn verify(&self) -> io::Result<()> {
        match (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum()) {
            (Some(told), Some(calculated)) if told != calculated => Err(io::Error::other("the checksum is wrong")),
            _ => Ok(()),
        }
    }
}

/// One lz4 frame.
struct Lz4 {
    frame: lz4_flex::frame::FrameDecoder<Buffered>,
    /// The legacy format has no end mark: it may end with the input.
    legacy: bool,
}

impl Lz4 {
    fn new(input: Buffered) -> Self {
        let legacy = input.buffer.data().first() == Some(&0x02);
        Self { frame: lz4_flex::frame::FrameDecoder::new(input), legacy }
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.frame.read(room)?;
        // The decoder takes an input that ends between two blocks for the end of the frame.
        if count == 0 && self.frame.get_ref().raw.ended && !self.legacy && !room.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(count)
    }
}

/// One xz stream.
struct Xz {
    input: Buffered,
    stream: XzStream,
    status: Status,
    window: Option<Loan>,
}

impl Xz {
    fn new(input: Buffered) -> Self {
        Self { input, stream: XzStream::new_mem_limit(false, 0), status: Status::Ok, window: None }
    }

    fn read(&mut self, room: &mut [u8], windows: &Windows) -> io::Result<usize> {
        /// What a call to the decoder unpacks is lost where that call meets damage; so little at a time.
        const PIECE: usize = 4096;
        while self.status == Status::Ok && !room.is_empty() {
            let piece = room.len().min(PIECE);
            let data = self.input.fill_buf()?;
            let action = if data.is_empty() { Action::Finish } else { Action::Run };
            let before = self.stream.total_in();
            let step = match self.stream.process(data, &mut room[..piece], action) {
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                    self.enlarge(error, windows)?;
                    // It goes on behind the header that tells what the block needs.
                    let consumed = self.stream.total_in() - before;
                    self.input.consume(usize::try_from(consumed).unwrap_or(usize::MAX));
                    continue;
                }
                step => step?,
            };
            self.input.consume(step.bytes_consumed);
            self.status = step.status;
            if step.bytes_produced > 0 {
                return Ok(step.bytes_produced);
            }
            if step.status == Status::Ok && step.bytes_consumed == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }

    /// A block needs more than it may take (`refusal`), as the first one does in any case.
    fn enlarge(&mut self, refusal: io::Error, windows: &Windows) -> io::Result<()> {
        let needs = self.stream.memory_usage().filter(|kibibytes| *kibibytes <= limits::UNPACK_WINDOW_BYTES >> 10);
        let Some(kibibytes) = needs else { return Err(refusal) };
        // What the block before had is given back first.
        self.window = None;
        self.window = Some(windows.lend(u64::from(kibibytes) << 10).map_err(io::Error::other)?);
        self.stream.set_mem_limit(kibibytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
