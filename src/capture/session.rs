//! Several captures as one stream of packets, in time.
//!
//! Knows times and files' heads, not what packets hold. Opens files only through its sources.

use super::Record;
use super::error::Error;
use super::format::Format;
use super::notice::Notice;
use super::reader::Reader;
use super::runs::{Location, Runs};
use super::windows::Windows;
use crate::limits;
use crate::packet::{FileSpan, Packet, PacketNumber};
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::io::{self, Read};

/// One input of a session.
pub struct Source {
    /// The file's name as the user gave it.
    pub name: String,
    /// Opens it, from its start.
    pub open: Box<dyn FnMut() -> io::Result<Box<dyn Read + Send>> + Send>,
    /// Whether opening it again gives the same bytes again; not so for a pipe. A source that is opened once only stays
    /// open from the first look at it.
    pub reopenable: bool,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("reopenable", &self.reopenable).finish_non_exhaustive()
    }
}

/// An input of a session that could not be read, or not to its end. The others go on.
#[derive(Debug)]
pub struct SourceError {
    /// Which input, counted from 0 in the order given.
    pub source: usize,
    /// Its name.
    pub name: String,
    /// Why.
    pub error: Error,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.error)
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// What a session has read of one input so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The file's name as the user gave it.
    pub name: String,
    /// What it is; `None` as long as it has not been opened, and when it is no capture.
    pub format: Option<Format>,
    /// Packets handed out.
    pub packet_count: u64,
    /// Bytes taken from it.
    pub bytes_read: u64,
    /// False when it is damaged, cut or unreadable, as far as it has been read.
    pub complete: bool,
}

/// Reads several captures as one.
///
/// Files are taken in the order of their first packets' times; where they overlap, the packet with the earliest time
/// comes next, but packets of one file never change their order. Only the files whose time has come are open, so a
/// rotated set of any length takes one buffer. Packet numbers and interfaces are counted through the session.
pub struct Session {
    files: Vec<File>,
    /// Files whose time has not come, the next one last.
    waiting: Vec<Turn>,
    /// The next packets of the open files other than `current`.
    heads: BinaryHeap<Reverse<Turn>>,
    /// The file that the last packet came from: what comes next in it is not known yet.
    current: Option<usize>,
    open_count: usize,
    next_number: PacketNumber,
    next_interface: u32,
    /// What unpacking takes, of all open files.
    windows: Windows,
    runs: Runs,
    notices: Vec<Notice>,
    /// A packet was not plain to see: only then there may be notices.
    may_have_notices: bool,
    errors: Vec<SourceError>,
    started: bool,
}

/// When it is a file's turn. Packets of the same time come in the order of their files' first packets, so that a
/// rotated set gives the same stream in whichever order it is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    ts: Timestamp,
    rank: usize,
    file: usize,
}

#[derive(Debug)]
struct File {
    source: Source,
    /// Its place among all files, by the time of their first packets.
    rank: usize,
    reader: Option<Reader>,
    report: FileReport,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("files", &self.files).field("next", &self.next_number).finish_non_exhaustive()
    }
}

impl Session {
    /// A session over `sources`. Nothing is opened before the first packet is asked for.
    pub fn new(sources: Vec<Source>) -> Self {
        let file = |source: Source| File {
            report: FileReport {
                name: source.name.clone(),
                format: None,
                packet_count: 0,
                bytes_read: 0,
                complete: true,
            },
            source,
            rank: 0,
            reader: None,
        };
        Self {
            files: sources.into_iter().map(file).collect(),
            waiting: Vec::new(),
            heads: BinaryHeap::new(),
            current: None,
            open_count: 0,
            next_number: PacketNumber(1),
            next_interface: 0,
            windows: Windows::default(),
            runs: Runs::default(),
            notices: Vec::new(),
            may_have_notices: false,
            errors: Vec::new(),
            started: false,
        }
    }

    /// The next packet; `None` when all inputs are at their end. An input that cannot be read is told by
    /// [`Session::take_errors`], and the others go on.
    pub fn next_packet(&mut self) -> Option<Packet<'_>> {
        match self.plainly_next() {
            Some((index, record)) => self.hand_out(index, &record),
            None => self.next_of_any(),
        }
    }

    /// The next packet, if nobody else's turn may be next and it is plain to see, as it nearly always is.
    #[inline]
    fn plainly_next(&mut self) -> Option<(usize, Record)> {
        let index = self.current.filter(|_| self.is_alone())?;
        Some((index, self.files[index].reader.as_mut()?.goes_on()?))
    }

    #[inline(never)]
    fn next_of_any(&mut self) -> Option<Packet<'_>> {
        self.may_have_notices = true;
        let (index, record) = self.choose()?;
        self.hand_out(index, &record)
    }

    #[expect(clippy::inline_always, reason = "the call costs a tenth of it")]
    #[inline(always)]
    fn hand_out(&mut self, index: usize, record: &Record) -> Option<Packet<'_>> {
        let number = self.next_number;
        self.next_number = PacketNumber(number.0.saturating_add(1));
        let file = &mut self.files[index];
        file.report.packet_count += 1;
        Some(file.reader.as_mut()?.hand_out(record, number))
    }

    /// Whether the current file has no other beside it or behind it: nobody else takes turns, or counts interfaces.
    #[inline]
    fn is_alone(&self) -> bool {
        self.heads.is_empty() && self.waiting.is_empty()
    }

    /// What was found to be wrong since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        if let Some(index) = self.current {
            self.collect_notices(index);
        }
        std::mem::take(&mut self.notices)
    }

    /// Whether [`Session::take_notices`] has some to give: nearly always it has none, and is asked after every packet.
    #[inline]
    pub fn has_notices(&mut self) -> bool {
        self.may_have_notices && self.look_for_notices()
    }

    fn look_for_notices(&mut self) -> bool {
        let reader = self.current.and_then(|index| self.files[index].reader.as_ref());
        self.may_have_notices = !self.notices.is_empty() || reader.is_some_and(Reader::has_notices);
        self.may_have_notices
    }

    /// The inputs that could not be read since the last call.
    pub fn take_errors(&mut self) -> Vec<SourceError> {
        std::mem::take(&mut self.errors)
    }

    /// False when an input was damaged, cut or unreadable, as far as they have been read.
    pub fn complete(&self) -> bool {
        self.files.iter().all(File::complete)
    }

    /// Bytes taken from all inputs so far, compressed ones where they are; for progress.
    pub fn bytes_read(&self) -> u64 {
        self.files.iter().map(File::bytes_read).sum()
    }

    /// What has been read of each input so far, in the order given.
    pub fn files(&self) -> impl ExactSizeIterator<Item = FileReport> {
        self.files.iter().map(|file| FileReport {
            bytes_read: file.bytes_read(),
            complete: file.complete(),
            ..file.report.clone()
        })
    }

    /// The name of an input, counted from 0 in the order given.
    pub fn name(&self, source: usize) -> Option<&str> {
        self.files.get(source).map(|file| file.report.name.as_str())
    }

    /// Which file packet `number` is from, and its number there. `None` before it has been read, and when files took
    /// turns too often since.
    pub fn locate(&self, number: PacketNumber) -> Option<Location> {
        if number < self.next_number { self.runs.locate(number) } else { None }
    }

    /// The files in the order of their packets: one span for each, or several where files take turns.
    pub fn spans(&self) -> Vec<FileSpan> {
        let ends = self.runs.iter().skip(1).map(|run| run.first).chain([self.next_number]);
        let span = |(run, end): (&super::runs::Run, PacketNumber)| FileSpan {
            name: self.name(run.location.source).unwrap_or_default().to_owned(),
            first: run.first,
            count: end.0 - run.first.0,
        };
        self.runs.iter().zip(ends).map(span).collect()
    }

    /// Takes a first look at every source, and puts them in order.
    fn order_sources(&mut self) {
        if self.files.len() == 1 {
            self.waiting.push(self.turn(0, Timestamp::default()));
            return;
        }
        let mut firsts = Vec::new();
        for index in 0..self.files.len() {
            firsts.extend(self.first_look(index).map(|ts| (ts, index)));
        }
        firsts.sort_unstable();
        for (rank, &(ts, index)) in firsts.iter().enumerate() {
            self.files[index].rank = rank;
            let turn = self.turn(index, ts);
            if self.files[index].reader.is_some() {
                self.heads.push(Reverse(turn));
            } else {
                self.waiting.push(turn);
            }
        }
        self.waiting.reverse();
    }

    fn turn(&self, file: usize, ts: Timestamp) -> Turn {
        Turn { ts, rank: self.files[file].rank, file }
    }

    /// Opens a source and finds its first packet's time; `None` when it has none, and then it is over. It stays open
    /// only if it cannot be opened again.
    fn first_look(&mut self, index: usize) -> Option<Timestamp> {
        if !self.files[index].source.reopenable {
            return self.start(index, limits::READ_BUFFER_BYTES);
        }
        let next_interface = self.next_interface;
        let first = self.start(index, limits::SMALL_READ_BUFFER_BYTES)?;
        self.next_interface = next_interface;
        self.files[index].reader = None;
        self.open_count -= 1;
        Some(first)
    }

    /// The file whose packet comes next, which becomes the current one, and has gone to that packet.
    fn choose(&mut self) -> Option<(usize, Record)> {
        let index = match self.current {
            Some(index) if self.is_alone() => index,
            _ => self.take_turn()?,
        };
        Some((index, self.advance(index)?))
    }

    /// The file whose turn it is becomes the current one.
    fn take_turn(&mut self) -> Option<usize> {
        let index = self.choose_by_time()?;
        self.current = Some(index);
        let File { report, reader, .. } = &mut self.files[index];
        reader.as_mut()?.set_next_interface(self.next_interface);
        let number = PacketNumber(report.packet_count.saturating_add(1));
        self.runs.push(self.next_number, Location { source: index, number });
        Some(index)
    }

    fn choose_by_time(&mut self) -> Option<usize> {
        if !std::mem::replace(&mut self.started, true) {
            self.order_sources();
        }
        if let Some(index) = self.current.take()
            && let Some(ts) = self.peek(index)
        {
            let turn = self.turn(index, ts);
            // Most of the time a file goes on, and the heap need not be touched.
            if self.waiting.last().is_none_or(|first| turn.ts < first.ts)
                && self.heads.peek().is_none_or(|Reverse(other)| turn < *other)
            {
                return Some(index);
            }
            self.heads.push(Reverse(turn));
        }
        while let Some(first) = self.waiting.last()
            && self.heads.peek().is_none_or(|Reverse(head)| first.ts <= head.ts)
        {
            let index = first.file;
            self.waiting.pop();
            let full = self.open_count < limits::FULL_READ_BUFFERS;
            let capacity = if full { limits::READ_BUFFER_BYTES } else { limits::SMALL_READ_BUFFER_BYTES };
            if let Some(ts) = self.start(index, capacity) {
                self.heads.push(Reverse(self.turn(index, ts)));
            }
        }
        self.heads.pop().map(|Reverse(turn)| turn.file)
    }

    /// Opens a file and finds the time of its first packet.
    fn start(&mut self, index: usize, capacity: usize) -> Option<Timestamp> {
        let reader = self.open(index, capacity)?;
        self.open_count += 1;
        self.files[index].reader = Some(reader);
        self.peek(index)
    }

    fn open(&mut self, index: usize, capacity: usize) -> Option<Reader> {
        let file = &mut self.files[index];
        let opened = (file.source.open)().map_err(Error::Io);
        let reader = opened.and_then(|input| Reader::with_buffer(input, capacity, self.next_interface, &self.windows));
        match reader {
            Ok(reader) => {
                self.next_interface = reader.next_interface();
                file.report.format = Some(reader.format());
                Some(reader)
            }
            Err(error) => {
                self.fail(index, error);
                None
            }
        }
    }

    /// The time of a file's next packet. Without one the file is over and is closed.
    fn peek(&mut self, index: usize) -> Option<Timestamp> {
        let reader = self.files[index].reader.as_mut()?;
        reader.set_next_interface(self.next_interface);
        let found = reader.peek();
        self.next_interface = reader.next_interface();
        match found {
            Ok(Some(ts)) => return Some(ts),
            Ok(None) => self.close(index, None),
            Err(error) => self.close(index, Some(error)),
        }
        None
    }

    /// Goes to a file's next packet. Without one the file is over and is closed.
    fn advance(&mut self, index: usize) -> Option<Record> {
        match self.files[index].reader.as_mut()?.advance() {
            Ok(Some(record)) => return Some(record),
            Ok(None) => self.close(index, None),
            Err(error) => self.close(index, Some(error)),
        }
        None
    }

    /// A file is over, or cannot be read any further.
    #[cold]
    fn close(&mut self, index: usize, error: Option<Error>) {
        if let Some(error) = error {
            self.fail(index, error);
        }
        self.collect_notices(index);
        self.open_count -= 1;
        let file = &mut self.files[index];
        (file.report.complete, file.report.bytes_read) = (file.complete(), file.bytes_read());
        file.reader = None;
    }

    fn collect_notices(&mut self, index: usize) {
        let Some(reader) = &mut self.files[index].reader else { return };
        for notice in reader.take_notices() {
            self.notices.push(Notice { source: index, ..notice });
        }
    }

    fn fail(&mut self, source: usize, error: Error) {
        let report = &mut self.files[source].report;
        // Something else that lies beside the captures takes nothing away from them.
        report.complete &= matches!(error, Error::NotACapture { .. });
        self.errors.push(SourceError { source, name: report.name.clone(), error });
    }
}

impl File {
    fn complete(&self) -> bool {
        self.report.complete && self.reader.as_ref().is_none_or(Reader::complete)
    }

    fn bytes_read(&self) -> u64 {
        self.reader.as_ref().map_or(self.report.bytes_read, Reader::bytes_read)
    }
}

#[cfg(test)]
mod tests;
