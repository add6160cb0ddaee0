//! The pieces that lines of JSON are made of, appended to one buffer that is used again and again.
//!
//! Knows JSON, and how records write times, ids and addresses. Knows no record.

use crate::endpoint::Endpoint;
use crate::object::ObjectId;
use crate::output::digits;
use crate::output::time_text::{Rfc3339, WallClock};
use crate::packet::{ByteRange, PacketNumber};
use crate::time::Timestamp;
use std::fmt::{self, Write as _};
use std::net::IpAddr;

/// A key inside an object, with the comma before it: `,"conn":`
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}
pub(super) use key;

/// The lines not yet written, and what making the next one needs.
#[derive(Debug, Default)]
pub(super) struct Line {
    bytes: Vec<u8>,
    clock: Rfc3339,
    wall_clock: WallClock,
    /// The first packet's time; `t` counts from it.
    start: Option<Timestamp>,
}

/// How far to move the decimal point of a number of nanoseconds.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    Seconds,
    Milliseconds,
}

impl Line {
    pub(super) fn set_start(&mut self, start: Option<Timestamp>) {
        self.start = start;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Appends text that is JSON already. Inlined, so that a key costs a few moves and no call with a length.
    #[inline]
    pub(super) fn raw(&mut self, json: &str) {
        self.bytes.extend_from_slice(json.as_bytes());
    }

    /// Appends whole lines.
    pub(super) fn lines(&mut self, lines: &[u8]) {
        self.bytes.extend_from_slice(lines);
    }

    /// Starts a record with what every one begins with: its type, its time, and the time since the first packet.
    pub(super) fn begin(&mut self, opening: &'static str, ts: Option<Timestamp>) {
        self.raw(opening);
        let Some(ts) = ts else { return };
        self.raw(key!("ts"));
        self.moment(ts);
        if let Some(start) = self.start {
            self.raw(key!("t"));
            self.decimal(ts.nanos_since(start), Scale::Seconds);
        }
    }

    pub(super) fn end(&mut self) {
        self.raw("}\n");
    }

    /// A string of any content, quoted and escaped.
    pub(super) fn string(&mut self, text: &str) {
        // Nearly all text needs no escapes.
        if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            return self.plain(text);
        }
        // Serialising a string into memory cannot fail.
        let _ = serde_json::to_writer(&mut self.bytes, text);
    }

    /// A string that needs no escapes, quoted.
    #[inline]
    pub(super) fn plain(&mut self, text: &str) {
        self.bytes.push(b'"');
        self.raw(text);
        self.bytes.push(b'"');
    }

    /// Something whose text needs no escapes, quoted.
    pub(super) fn display(&mut self, thing: impl fmt::Display) {
        self.bytes.push(b'"');
        let _ = write!(self, "{thing}");
        self.bytes.push(b'"');
    }

    pub(super) fn bool(&mut self, yes: bool) {
        self.raw(if yes { "true" } else { "false" });
    }

    /// A whole number that is not negative.
    #[inline]
    pub(super) fn count(&mut self, number: impl Into<u64>) {
        digits::number(&mut self.bytes, number.into());
    }

    #[inline]
    pub(super) fn integer(&mut self, number: impl itoa::Integer) {
        self.raw(itoa::Buffer::new().format(number));
    }

    /// An id such as `"F12"`.
    #[inline]
    pub(super) fn id(&mut self, letter: u8, number: u64) {
        self.bytes.extend_from_slice(&[b'"', letter]);
        self.count(number);
        self.bytes.push(b'"');
    }

    /// The shortest number that reads back as the same f32. The caller has seen that it is finite.
    pub(super) fn float(&mut self, number: f32) {
        self.raw(zmij::Buffer::new().format_finite(number));
    }

    /// A number that may have been a float or an integer of 32 bits: a float is not to show the digits that an f64 adds.
    pub(super) fn number(&mut self, number: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "taken only where nothing is lost")]
        let narrow = number as f32;
        if f64::from(narrow).to_bits() == number.to_bits() {
            self.float(narrow);
        } else {
            self.raw(zmij::Buffer::new().format_finite(number));
        }
    }

    /// A 32-bit integer in a slot where floats stand too: always with a fraction. Readers infer a column's type from its
    /// first rows (DuckDB 2.0 from 20,480) and would silently make 0 of the first 0.5 behind them.
    pub(super) fn whole(&mut self, number: impl itoa::Integer) {
        self.integer(number);
        self.raw(".0");
    }

    /// Nanoseconds as seconds or milliseconds: exact, no zeros at the end but always a fraction.
    pub(super) fn decimal(&mut self, nanos: i64, scale: Scale) {
        let size = nanos.unsigned_abs();
        if nanos < 0 {
            self.bytes.push(b'-');
        }
        match scale {
            Scale::Seconds => {
                self.count(size / 1_000_000_000);
                self.bytes.push(b'.');
                digits::of_second(&mut self.bytes, size % 1_000_000_000);
            }
            Scale::Milliseconds => {
                self.count(size / 1_000_000);
                self.bytes.push(b'.');
                digits::of_millisecond(&mut self.bytes, size % 1_000_000);
            }
        }
    }

    /// A time stamp, quoted.
    pub(super) fn moment(&mut self, ts: Timestamp) {
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(self.clock.bytes(ts));
        self.bytes.push(b'"');
    }

    /// A moment of the device's wall clock, quoted. It has no zone, so the text has none either.
    pub(super) fn device_time(&mut self, seconds: u32) {
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(self.wall_clock.bytes(seconds));
        self.bytes.push(b'"');
    }

    /// Bytes in hexadecimal, quoted.
    pub(super) fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.bytes.push(b'"');
        self.bytes.reserve(bytes.len() * 2 + 1);
        for byte in bytes {
            self.bytes.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        self.bytes.push(b'"');
    }

    /// A number as `"0x0D65"`, with as many digits as it has nibbles.
    pub(super) fn hex_number<const N: usize>(&mut self, big_endian: [u8; N]) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        self.raw("\"0x");
        for byte in big_endian {
            self.bytes.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        self.bytes.push(b'"');
    }

    pub(super) fn object_id(&mut self, id: ObjectId) {
        self.hex_number(id.0.to_be_bytes());
    }

    pub(super) fn ip(&mut self, ip: IpAddr) {
        self.bytes.push(b'"');
        self.bare_ip(ip);
        self.bytes.push(b'"');
    }

    /// `"192.0.2.1:8899"`, `"[2001:db8::1]:8899"`
    pub(super) fn endpoint(&mut self, end: Endpoint) {
        match end.ip {
            IpAddr::V4(_) => {
                self.bytes.push(b'"');
                self.bare_ip(end.ip);
                self.bytes.push(b':');
                self.count(end.port);
                self.bytes.push(b'"');
            }
            IpAddr::V6(_) => self.display(end),
        }
    }

    fn bare_ip(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(ip) => {
                for (i, octet) in ip.octets().into_iter().enumerate() {
                    if i > 0 {
                        self.bytes.push(b'.');
                    }
                    self.count(octet);
                }
            }
            IpAddr::V6(ip) => {
                let _ = write!(self, "{ip}");
            }
        }
    }

    /// `[…]` with `item` writing each.
    pub(super) fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut Self, T)) {
        let mut separator = b'[';
        for thing in items {
            self.bytes.push(separator);
            item(self, thing);
            separator = b',';
        }
        self.raw(if separator == b'[' { "[]" } else { "]" });
    }

    /// `{"packet":101,"offset":55,"length":11}`, left open for more keys.
    pub(super) fn place(&mut self, place: ByteRange) {
        self.raw("{\"packet\":");
        self.bare_place(place);
    }

    /// `101,"offset":55,"length":11`
    pub(super) fn bare_place(&mut self, place: ByteRange) {
        self.count(place.packet.0);
        self.raw(key!("offset"));
        self.count(place.offset);
        self.raw(key!("length"));
        self.count(place.length);
    }

    /// The packets of `spans`, each once, in order.
    pub(super) fn packets(&mut self, spans: &[ByteRange]) {
        let mut last = PacketNumber(0);
        let distinct = spans.iter().map(|span| span.packet).filter(move |&packet| {
            // Neighbouring spans of one packet are the usual case; a packet met again later may be named again.
            let new = packet != last;
            last = packet;
            new
        });
        self.list(distinct, |line, packet| line.count(packet.0));
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.raw(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, write: impl FnOnce(&mut Line)) {
        let mut line = Line::default();
        write(&mut line);
        assert_eq!(std::str::from_utf8(line.as_bytes()).expect("UTF-8"), expected);
    }

    #[test]
    fn times_are_exact_and_always_have_a_fraction() {
        for (nanos, seconds, milliseconds) in [
            (0, "0.0", "0.0"),
            (1, "0.000000001", "0.000001"),
            (38_224_973, "0.038224973", "38.224973"),
            (-500_000, "-0.0005", "-0.5"),
            (60_901_000_000, "60.901", "60901.0"),
            (i64::MIN, "-9223372036.854775808", "-9223372036854.775808"),
        ] {
            check(seconds, |line| line.decimal(nanos, Scale::Seconds));
            check(milliseconds, |line| line.decimal(nanos, Scale::Milliseconds));
        }
    }

    #[test]
    fn floats_keep_to_the_digits_of_their_width() {
        for (number, expected) in [(0.296, "0.296"), (430.0, "430.0"), (1e-7, "1e-7"), (-0.0, "-0.0")] {
            check(expected, |line| line.float(number));
            check(expected, |line| line.number(f64::from(number)));
        }
        check("4294967295.0", |line| line.number(4_294_967_295.0));
        check("-5.0", |line| line.whole(-5));
    }

    #[test]
    fn strings_are_escaped() {
        check(r#""a\"b\\\u001b\n\u0000ü""#, |line| line.string("a\"b\\\u{1b}\n\0ü"));
    }

    #[test]
    fn addresses_and_ids() {
        let v4 = Endpoint::new("192.0.2.20".parse().expect("v4"), 8899);
        let v6 = Endpoint::new("2001:db8::1".parse().expect("v6"), 8899);
        check(r#""192.0.2.20:8899""#, |line| line.endpoint(v4));
        check(r#""[2001:db8::1]:8899""#, |line| line.endpoint(v6));
        check(r#""2001:db8::1""#, |line| line.ip(v6.ip));
        check(r#""0x00BF0D65""#, |line| line.object_id(ObjectId(0xBF_0D65)));
        check(r#""2b00ff""#, |line| line.hex(&[0x2b, 0, 0xff]));
        check("[]", |line| line.packets(&[]));
        let span = |packet| ByteRange { packet: PacketNumber(packet), offset: 0, length: 1 };
        check("[4,5]", |line| line.packets(&[span(4), span(4), span(5)]));
    }
}
