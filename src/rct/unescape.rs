//! The unescaped bytes of one possible frame, read as the stream brings them, each byte once.

use super::crc::checksum;
use super::encode::{ESCAPE, START};
use super::parse::{CRC_BYTES, Header, header};
use crate::limits::FRAME_BYTES;

/// The first bytes of a keep-alive up to its `2b`, which is no start byte.
const KEEP_ALIVE_HEAD: [u8; 2] = *b"AT";
/// The byte behind that `2b`.
const KEEP_ALIVE_END: u8 = 0x0d;

/// The bytes behind a start byte, unescaped up to the next unescaped start byte. Indices are into the raw bytes, the
/// start byte being at 0.
#[derive(Debug)]
pub(super) struct Unescaped {
    /// Command, length, ids, payload, CRC, and whatever follows up to the next start byte.
    pub(super) body: Vec<u8>,
    /// The header, once it is whole.
    pub(super) header: Option<Header>,
    /// Where the CRC begins by the declared length.
    pub(super) crc_at: Option<usize>,
    /// The checksum over the bytes before `crc_at`; computed once, since a verdict may be asked for many times.
    pub(super) crc_computed: u16,
    /// Where the frame ends by the declared length.
    pub(super) declared_end: Option<usize>,
    /// Where an unescaped start byte (or a keep-alive) was met.
    pub(super) stop: Option<usize>,
    /// The bytes at the end of `body` that are behind the stop.
    behind_stop: usize,
    /// The first escape byte followed by neither a start nor an escape byte.
    pub(super) bad_escape_at: Option<usize>,
    /// The first escape byte followed by a start byte: if the frame was cut right behind an escape byte, the next
    /// frame starts there.
    pub(super) escaped_start_at: Option<usize>,
    /// The next raw byte to look at; `1 <= at`.
    at: usize,
    /// The raw byte before `at` is an escape byte still waiting for its partner.
    escape_open: bool,
}

impl Default for Unescaped {
    fn default() -> Self {
        Self {
            body: Vec::new(),
            header: None,
            crc_at: None,
            crc_computed: 0,
            declared_end: None,
            stop: None,
            behind_stop: 0,
            bad_escape_at: None,
            escaped_start_at: None,
            at: 1,
            escape_open: false,
        }
    }
}

impl Unescaped {
    /// Forgets everything but the allocation.
    pub(super) fn reset(&mut self) {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        *self = Self { body, ..Self::default() };
    }

    /// Where the bytes at hand end: at the next start byte if one was met, else where reading stands.
    pub(super) fn end(&self) -> usize {
        self.stop.unwrap_or(self.at)
    }

    /// The unescaped bytes up to [`Self::end`].
    pub(super) fn measured(&self) -> &[u8] {
        &self.body[..self.body.len() - self.behind_stop]
    }

    /// Whether no byte behind those read can belong to the frame.
    pub(super) fn is_bounded(&self) -> bool {
        self.stop.is_some() || self.body.len() >= FRAME_BYTES
    }

    /// Reads on in `raw`, which is what it was at the last call with more bytes behind.
    pub(super) fn read(&mut self, raw: &[u8]) {
        while self.at < raw.len() && !self.is_bounded() {
            if self.escape_open {
                self.close_escape(raw[self.at]);
            } else {
                self.take_run(raw);
            }
            self.mark();
        }
        // A keep-alive inside a broken frame looks like a start byte until the byte behind it is known.
        if let Some(stop) = self.stop
            && stop + 1 < raw.len()
            && raw[stop + 1] == KEEP_ALIVE_END
            && raw[..stop].ends_with(&KEEP_ALIVE_HEAD)
        {
            self.stop = Some(stop - KEEP_ALIVE_HEAD.len());
            self.behind_stop = KEEP_ALIVE_HEAD.len();
        }
    }

    /// Whether the next byte may show that the stop is a keep-alive.
    pub(super) fn stop_is_unsure(&self, raw: &[u8]) -> bool {
        self.stop.is_some_and(|stop| stop + 1 == raw.len() && raw[..stop].ends_with(&KEEP_ALIVE_HEAD))
    }

    fn close_escape(&mut self, byte: u8) {
        match byte {
            START => _ = self.escaped_start_at.get_or_insert(self.at),
            ESCAPE => {}
            _ => _ = self.bad_escape_at.get_or_insert(self.at - 1),
        }
        self.escape_open = false;
        self.body.push(byte);
        self.at += 1;
    }

    /// Takes plain bytes up to the next special one or the next mark, whichever comes first.
    fn take_run(&mut self, raw: &[u8]) {
        let window = &raw[self.at..raw.len().min(self.at + self.bytes_to_mark())];
        let run = window.iter().position(|byte| matches!(*byte, START | ESCAPE)).unwrap_or(window.len());
        self.body.extend_from_slice(&window[..run]);
        self.at += run;
        match window.get(run) {
            Some(&START) => self.stop = Some(self.at),
            Some(_) => {
                self.escape_open = true;
                self.at += 1;
            }
            None => {}
        }
    }

    /// How many body bytes are still to come before the next place worth remembering.
    fn bytes_to_mark(&self) -> usize {
        let read = self.body.len();
        let Some(header) = self.header else { return 1 };
        let total = header.declared_total();
        [total - CRC_BYTES, total, FRAME_BYTES].into_iter().find(|mark| *mark > read).map_or(1, |mark| mark - read)
    }

    fn mark(&mut self) {
        if self.header.is_none() {
            self.header = header(&self.body);
        }
        let Some(header) = self.header else { return };
        let total = header.declared_total();
        if self.body.len() == total - CRC_BYTES && self.crc_at.is_none() {
            self.crc_at = Some(self.at);
            self.crc_computed = checksum(&self.body);
        }
        if self.body.len() == total && self.declared_end.is_none() {
            self.declared_end = Some(self.at);
        }
    }
}
