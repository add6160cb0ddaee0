//! One input as packets: unpacks it, finds the records, and tells what is wrong with it.

use super::buffer::Buffer;
#[cfg(feature = "compression")]
use super::decompress::Decompressor;
use super::error::Error;
use super::format::{COMPRESSION_BYTES, Compression, Format};
use super::input::Input;
use super::interface::{Interface, Ledger};
use super::notice::{Notice, NoticeKind};
use super::pcap::Pcap;
use super::raw::{Buffered, Failure, Raw};
use super::sniff::{Decoder, NAMING_BYTES};
use super::windows::Windows;
use super::{Fraction, Obstacle, Part, Record};
use crate::limits;
use crate::packet::{Packet, PacketNumber};
use crate::time::Timestamp;
use std::io::Read;

/// Reads the packets of one capture, compressed or not, from a file or a pipe.
///
/// Packets come out as soon as their last byte is in. Their bytes are lent from the one buffer they were read into, and
/// memory does not grow with the input.
///
/// Damage is no error: it is told by [`Reader::take_notices`], reading goes on while records can be found, and else
/// ends. [`Reader::complete`] tells whether anything was missing.
pub struct Reader {
    input: Input,
    buffer: Buffer,
    decoder: Decoder,
    format: Format,
    ledger: Ledger,
    /// Bytes of the record at the front of the buffer, which are passed over when the next one is asked for.
    front: usize,
    /// That record, where it has been looked at, but not asked for.
    peeked: Option<Record>,
    /// Packet records found.
    record_count: u64,
    /// The number of the next packet to be handed out.
    next_number: PacketNumber,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading,
    /// No more bytes come, because the compressed data is damaged.
    Unpacked(Failure),
    Ended,
    /// Reading failed.
    Failed,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("format", &self.format).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Reader {
    /// Looks at the start of `input` and says what it is. Reads as much as that takes, not more than comes at once.
    pub fn new(input: Box<dyn Read + Send>) -> Result<Self, Error> {
        Self::with_buffer(input, limits::READ_BUFFER_BYTES, 0, &Windows::default())
    }

    /// As [`Reader::new`], with a buffer of `capacity` bytes, numbers for its interfaces from `first_interface` on, and what
    /// unpacking takes lent by `windows`.
    pub(super) fn with_buffer(
        input: Box<dyn Read + Send>,
        capacity: usize,
        first_interface: u32,
        windows: &Windows,
    ) -> Result<Self, Error> {
        let mut start = Buffered { raw: Raw::new(input), buffer: Buffer::new(capacity) };
        let compression = match start.look_ahead(COMPRESSION_BYTES) {
            Ok(data) => Compression::of(data),
            Err(error) => return Err(Error::Io(start.raw.failure.take().unwrap_or(error))),
        };
        let (mut input, mut buffer) = match compression {
            None => (Input::Plain(start.raw), start.buffer),
            Some(compression) => (unpacked(start, compression, windows)?, Buffer::new(capacity)),
        };
        let (decoder, state) = recognise(&mut input, &mut buffer, compression)?;
        let mut reader = Self {
            input,
            buffer,
            decoder,
            format: Format { container: decoder.container(), compression },
            ledger: Ledger::new(first_interface),
            front: 0,
            peeked: None,
            record_count: 0,
            next_number: PacketNumber(1),
            state,
        };
        if let Decoder::Pcap(pcap) = decoder {
            reader.begin_pcap(pcap);
        }
        Ok(reader)
    }

    /// Numbers packets from `first` on instead of from 1.
    #[must_use]
    pub fn with_first_number(mut self, first: PacketNumber) -> Self {
        self.next_number = first;
        self
    }

    /// The next packet; `None` at the end, and ever after.
    ///
    /// # Errors
    ///
    /// When the input cannot be read. Nothing more comes then.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let Some(record) = self.advance()? else { return Ok(None) };
        let number = self.next_number;
        self.next_number = PacketNumber(number.0.saturating_add(1));
        Ok(Some(self.hand_out(&record, number)))
    }

    /// What was found to be wrong since the last call. Totals come at the end of the file.
    #[inline]
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.ledger.log.take()
    }

    /// Whether [`Reader::take_notices`] has some to give.
    #[inline]
    pub(super) fn has_notices(&self) -> bool {
        !self.ledger.log.is_empty()
    }

    /// False when the input was damaged or cut, as far as it has been read.
    pub const fn complete(&self) -> bool {
        !self.ledger.log.damaged() && !matches!(self.state, State::Failed)
    }

    /// Bytes taken from the input so far, compressed ones where it is; for progress.
    pub fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }

    /// What the input is.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The time of the packet that comes next, waiting for it; `None` at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<Option<Timestamp>, Error> {
        self.peeked = self.advance()?;
        Ok(self.peeked.as_ref().map(|record| record.ts))
    }

    /// Goes to the next packet, for [`Reader::hand_out`]; `None` at the end.
    pub(super) fn advance(&mut self) -> Result<Option<Record>, Error> {
        match self.goes_on() {
            Some(record) => Ok(Some(record)),
            None => self.search(),
        }
    }

    /// Goes to the next packet if it stands right here and is plain to see, as it nearly always does. If not, it is for
    /// [`Reader::search`] to tell whether there is one.
    #[expect(clippy::inline_always, reason = "the call costs a tenth of it")]
    #[inline(always)]
    pub(super) fn goes_on(&mut self) -> Option<Record> {
        if self.peeked.is_some() {
            return self.peeked.take();
        }
        let passed = std::mem::take(&mut self.front);
        self.pass_over(passed);
        let Decoder::Pcap(pcap) = self.decoder else { return None };
        let record = pcap.record(self.buffer.data())?;
        self.found(&record);
        Some(record)
    }

    /// Goes to the next packet, whatever stands in between; `None` at the end.
    fn search(&mut self) -> Result<Option<Record>, Error> {
        while !matches!(self.state, State::Ended | State::Failed) {
            let data = self.buffer.data();
            let found = match &mut self.decoder {
                Decoder::Pcap(pcap) => pcap.next(data),
                Decoder::PcapNg(pcapng) => pcapng.next(data, &mut self.ledger),
            };
            match found {
                Ok(record) => {
                    self.found(&record);
                    return Ok(Some(record));
                }
                Err(obstacle) => self.overcome(obstacle)?,
            }
        }
        Ok(None)
    }

    #[inline]
    fn found(&mut self, record: &Record) {
        self.record_count += 1;
        self.front = record.length;
    }

    /// Hands out the packet gone to, whose record that is, as number `number`.
    #[inline]
    pub(super) fn hand_out(&mut self, record: &Record, number: PacketNumber) -> Packet<'_> {
        let Record { interface, ts, original_length, ref data, fraction, .. } = *record;
        let (interface, link_type) = self.ledger.hand_out(interface, number, ts);
        if fraction == Fraction::Carried {
            self.ledger.odd_fraction();
        }
        Packet { number, ts, link_type, interface, original_length, data: self.buffer.part(data) }
    }

    /// The number that the next interface to appear gets.
    pub(super) const fn next_interface(&self) -> u32 {
        self.ledger.next_interface
    }

    pub(super) fn set_next_interface(&mut self, number: u32) {
        self.ledger.next_interface = number;
    }

    /// Does what stands between here and the next packet.
    #[cold]
    fn overcome(&mut self, obstacle: Obstacle) -> Result<(), Error> {
        match obstacle {
            Obstacle::Skip(length) => self.pass_over(length),
            Obstacle::Discard(length) => self.discard(length)?,
            Obstacle::Restart => self.restart(),
            Obstacle::Need { total, header, part } => {
                if self.fill(total)? == 0 {
                    self.cut(total, header, part);
                }
            }
            Obstacle::Lost(nonsense) => {
                self.ledger.corrupt(format_args!("{nonsense}"));
                self.end();
            }
        }
        Ok(())
    }

    #[inline]
    fn pass_over(&mut self, length: usize) {
        self.buffer.consume(length);
        self.ledger.place.offset = self.ledger.place.offset.saturating_add(wide(length));
    }

    /// Passes over a block, however much of it is there.
    fn discard(&mut self, length: u64) -> Result<(), Error> {
        let mut left = length;
        while left > 0 {
            let here = self.buffer.data().len();
            let count = usize::try_from(left).map_or(here, |left| left.min(here));
            self.buffer.consume(count);
            left -= wide(count);
            if left > 0 && self.fill(1)? == 0 {
                let has = length - left;
                self.cut_message(format_args!("in the middle of a block (needs {length} bytes, has {has})"));
                return Ok(());
            }
        }
        self.ledger.place.offset = self.ledger.place.offset.saturating_add(length);
        Ok(())
    }

    fn restart(&mut self) {
        if let Some(pcap) = Pcap::from_header(self.buffer.data()) {
            self.decoder = Decoder::Pcap(pcap);
            self.begin_pcap(pcap);
        }
    }

    /// Steps over a pcap file's header: from there on it is one section with one interface.
    fn begin_pcap(&mut self, pcap: Pcap) {
        self.ledger.end_section();
        self.ledger.add_interface(Interface::new(pcap.link_type()));
        self.pass_over(super::pcap::HEADER);
    }

    /// Gets more bytes, on the way to `need` in the buffer; 0 at the end.
    fn fill(&mut self, need: usize) -> Result<usize, Error> {
        if !matches!(self.state, State::Reading) {
            return Ok(0);
        }
        let Self { input, buffer, .. } = self;
        match buffer.fill(need, |room| input.read(room)) {
            Ok(count) => Ok(count),
            Err(failure) => match as_damage(failure, self.format.compression) {
                Ok(damage) => {
                    self.state = State::Unpacked(damage);
                    Ok(0)
                }
                Err(error) => {
                    self.stop(State::Failed);
                    Err(error)
                }
            },
        }
    }

    /// No more bytes come, and the record at hand needs `total`.
    fn cut(&mut self, total: usize, header: usize, part: Part) {
        let has = self.buffer.data().len();
        let last = self.record_count;
        let number = last.saturating_add(1);
        if has == 0 {
            match self.state {
                State::Reading => self.end(),
                _ => self.cut_message(format_args!("behind packet {last}")),
            }
            return;
        }
        let behind = |has: usize| has.saturating_sub(header);
        match part {
            Part::Packet if has < header || total == header => self.cut_message(format_args!(
                "in the middle of the header of packet {number} (needs {header} bytes, has {has})"
            )),
            Part::Packet => self.cut_message(format_args!(
                "in the middle of packet {number} (needs {} bytes, has {})",
                behind(total),
                behind(has)
            )),
            Part::Block => {
                self.cut_message(format_args!("in the middle of a block (needs {total} bytes, has {has})"));
            }
        }
    }

    /// Ends the file at a `place` where no file ends.
    fn cut_message(&mut self, place: std::fmt::Arguments<'_>) {
        let at = self.ledger.place;
        let packed = self.format.compression.map_or("", Compression::name);
        let log = &mut self.ledger.log;
        match &self.state {
            State::Unpacked(Failure::Corrupt { offset, detail }) => log.report(
                NoticeKind::CorruptCompression,
                at,
                format_args!("the {packed} data is corrupt near byte {offset} ({detail}); its content stops {place}"),
            ),
            State::Unpacked(_) => log.report(
                NoticeKind::TruncatedFile,
                at,
                format_args!("the {packed} data ends too soon; its content stops {place}"),
            ),
            _ => log.report(NoticeKind::TruncatedFile, at, format_args!("stops {place}")),
        }
        self.end();
    }

    fn end(&mut self) {
        self.stop(State::Ended);
    }

    fn stop(&mut self, state: State) {
        self.ledger.end_file();
        self.state = state;
        // What is left is not to be taken for a packet.
        self.buffer.consume(usize::MAX);
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(feature = "compression")]
#[expect(clippy::unnecessary_wraps, reason = "fails in a build without compression")]
fn unpacked(start: Buffered, _: Compression, windows: &Windows) -> Result<Input, Error> {
    Ok(Input::Packed(Box::new(Decompressor::new(start, windows.clone()))))
}

#[cfg(not(feature = "compression"))]
fn unpacked(_: Buffered, compression: Compression, _: &Windows) -> Result<Input, Error> {
    Err(Error::CompressionNotBuiltIn { compression })
}

/// Tells damage, with which a file ends, from what forbids to read it.
fn as_damage(failure: Failure, compression: Option<Compression>) -> Result<Failure, Error> {
    match (failure, compression) {
        (Failure::Io(error), _) => Err(Error::Io(error)),
        (Failure::NoRoom(no_room), Some(compression)) => {
            Err(Error::NoRoomToUnpack { compression, detail: no_room.to_string() })
        }
        (damage, _) => Ok(damage),
    }
}

/// Reads until it is clear which container this is, or that it is none.
fn recognise(
    input: &mut Input,
    buffer: &mut Buffer,
    compression: Option<Compression>,
) -> Result<(Decoder, State), Error> {
    let mut state = State::Reading;
    loop {
        let refusal = match Decoder::of(buffer.data(), compression) {
            Ok(decoder) => return Ok((decoder, state)),
            Err(refusal) => refusal,
        };
        // With more bytes it may become one, or get a better name.
        let more = match state {
            State::Reading if buffer.data().len() < NAMING_BYTES => {
                match buffer.fill(NAMING_BYTES, |room| input.read(room)) {
                    Ok(count) => count,
                    Err(failure) => {
                        state = State::Unpacked(as_damage(failure, compression)?);
                        0
                    }
                }
            }
            _ => 0,
        };
        if more == 0 {
            return Err(match (refusal, compression, &state) {
                (Error::Empty { .. } | Error::TooShort { .. }, Some(compression), State::Unpacked(damage)) => {
                    let detail = match damage {
                        Failure::Corrupt { detail, .. } => detail.clone(),
                        _ => "ends too soon".to_owned(),
                    };
                    Error::DamagedCompression { compression, detail }
                }
                (refusal, _, _) => refusal,
            });
        }
    }
}

#[cfg(test)]
mod tests;
