//! The pieces that lines of JSON are made of, appended to one buffer that is used again and again.
//!
//! Knows JSON, and how records write times, ids and addresses. Knows no record. Most pieces are written together with
//! what stands in front of them, a key as a rule: the two take their place at once.
#![expect(clippy::inline_always, reason = "constants have to be seen as such")]

use super::buffer::{Buffer, Piece};
use crate::endpoint::Endpoint;
use crate::object::ObjectId;
use crate::output::digits;
use crate::output::digits::{Odometer, Room, Stopwatch};
use crate::output::time_text::{MOMENT, Rfc3339, WALL_MOMENT, WallClock};
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

/// The key of an id with the letter that the id begins with: `,"frame":"F`
macro_rules! id {
    ($name:literal, $letter:literal) => {
        concat!(",\"", $name, "\":\"", $letter)
    };
}
pub(super) use id;

/// The lines not yet written, and what making the next one needs.
#[derive(Debug, Default)]
pub(super) struct Line {
    bytes: Buffer,
    clock: Rfc3339,
    wall_clock: WallClock,
    /// The first packet's time; `t` counts from it.
    start: Option<Timestamp>,
    since: Stopwatch,
    times: Times,
}

/// Bytes that both times of a record take, but where they are centuries apart.
const TIMES: usize = 64;

/// What the record before said of its time: `,"ts":"2025-03-17T21:06:11.050224973Z","t":2.03`. What one segment has asked
/// for is the same there.
#[derive(Debug, Default)]
struct Times {
    of: Option<Timestamp>,
    json: Piece<TIMES>,
}

/// How far to move the decimal point of a number of nanoseconds.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    Seconds,
    Milliseconds,
}

impl Scale {
    #[inline(always)]
    fn write(self, room: &mut Room, nanos: u64) -> usize {
        match self {
            Self::Seconds => digits::seconds(room, nanos),
            Self::Milliseconds => digits::milliseconds(room, nanos),
        }
    }
}

impl Line {
    pub(super) fn set_start(&mut self, start: Option<Timestamp>) {
        self.start = start;
        self.times = Times::default();
    }

    pub(super) fn as_bytes(&mut self) -> &[u8] {
        self.bytes.as_bytes()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Appends text that is JSON already, a constant as a rule.
    #[inline(always)]
    pub(super) fn raw(&mut self, json: &str) {
        self.bytes.extend(json.as_bytes());
    }

    /// Appends JSON that was rendered before.
    #[inline]
    pub(super) fn rendered(&mut self, json: &[u8]) {
        self.bytes.extend(json);
    }

    /// The same, where it is appended often; false where it is too long to be kept as a piece.
    #[inline(always)]
    #[must_use]
    pub(super) fn piece<const N: usize>(&mut self, json: &Piece<N>) -> bool {
        self.bytes.extend_piece(json)
    }

    /// The same, where it is short as a rule.
    #[inline(always)]
    pub(super) fn short(&mut self, json: &[u8]) {
        self.bytes.extend_short(json);
    }

    /// Starts a record with what every one begins with: its type, its time, and the time since the first packet.
    #[inline(always)]
    pub(super) fn begin(&mut self, opening: &'static str, ts: Option<Timestamp>) {
        self.raw(opening);
        let Some(ts) = ts else { return };
        if self.times.of != Some(ts) || !self.bytes.extend_piece(&self.times.json) {
            self.times(ts);
        }
    }

    /// Appends what it keeps.
    #[inline(never)]
    fn times(&mut self, ts: Timestamp) {
        let begin = self.len();
        self.moment(key!("ts"), ts);
        if let Some(start) = self.start {
            self.since(ts.nanos_since(start));
        }
        self.times = Times { of: Some(ts), json: self.bytes.piece_from(begin) };
    }

    /// Seconds since the first packet.
    #[inline(always)]
    fn since(&mut self, nanos: i64) {
        let Ok(nanos) = u64::try_from(nanos) else {
            return self.negative_decimal(key!("t"), nanos, Scale::Seconds);
        };
        self.bytes.write(key!("t"), |room| self.since.write(room, nanos));
    }

    #[inline(always)]
    pub(super) fn end(&mut self) {
        self.raw("}\n");
    }

    /// A string of any content, quoted and escaped.
    #[inline(always)]
    pub(super) fn string(&mut self, front: &str, text: &str) {
        self.raw(front);
        self.escaped(text);
    }

    fn escaped(&mut self, text: &str) {
        // Nearly all text needs no escapes. To look at all of it is cheaper than to stop at the first one.
        let escaped = |byte| u8::from(byte < b' ' || byte == b'"' || byte == b'\\');
        if text.bytes().fold(0, |any, byte| any | escaped(byte)) == 0 {
            return self.plain("", text);
        }
        // Serialising a string cannot fail.
        self.raw(&serde_json::to_string(text).unwrap_or_default());
    }

    /// A string that needs no escapes, quoted.
    #[inline(always)]
    pub(super) fn plain(&mut self, front: &str, text: &str) {
        self.bytes.write(front, |room| put(room, b"\""));
        self.short(text.as_bytes());
        self.bytes.push(b'"');
    }

    /// Something whose text needs no escapes, quoted.
    pub(super) fn display(&mut self, front: &str, thing: impl fmt::Display) {
        self.raw(front);
        self.bytes.push(b'"');
        let _ = write!(self, "{thing}");
        self.bytes.push(b'"');
    }

    #[inline(always)]
    pub(super) fn bool(&mut self, front: &str, yes: bool) {
        self.bytes.write(front, |room| if yes { put(room, b"true") } else { put(room, b"false") });
    }

    /// A whole number that is not negative.
    #[inline(always)]
    pub(super) fn count(&mut self, front: &str, number: impl Into<u64>) {
        self.bytes.write(front, |room| digits::number(room, number.into()));
    }

    #[inline(always)]
    pub(super) fn integer(&mut self, front: &str, number: impl itoa::Integer) {
        self.bytes.write(front, |room| digits::short(room, itoa::Buffer::new().format(number)));
    }

    /// An id such as `"F12"`, with the letter and its quote as the end of what is in front.
    #[inline(always)]
    pub(super) fn id(&mut self, front: &str, number: u64) {
        self.bytes.write(front, |room| {
            let length = digits::number(room, number);
            room[length] = b'"';
            length + 1
        });
    }

    /// The same for a number that is a little more than the one before.
    #[inline(always)]
    pub(super) fn next_id(&mut self, front: &str, number: u64, odometer: &mut Odometer) {
        self.bytes.write(front, |room| {
            let length = odometer.write(room, number);
            room[length] = b'"';
            length + 1
        });
    }

    /// The shortest number that reads back as the same f32. The caller has seen that it is finite.
    #[inline(always)]
    pub(super) fn float(&mut self, front: &str, number: f32) {
        self.bytes.write(front, |room| digits::short(room, zmij::Buffer::new().format_finite(number)));
    }

    /// A number that may have been a float or an integer of 32 bits: a float is not to show the digits that an f64 adds.
    pub(super) fn number(&mut self, front: &str, number: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "taken only where nothing is lost")]
        let narrow = number as f32;
        if f64::from(narrow).to_bits() == number.to_bits() {
            self.float(front, narrow);
        } else {
            self.raw(front);
            self.raw(zmij::Buffer::new().format_finite(number));
        }
    }

    /// A 32-bit integer in a slot where floats stand too: always with a fraction. Readers infer a column's type from its
    /// first rows (DuckDB 2.0 from 20,480) and would silently make 0 of the first 0.5 behind them.
    #[inline(always)]
    pub(super) fn whole(&mut self, front: &str, number: impl Into<i64>) {
        self.bytes.write(front, |room| {
            let length = digits::signed(room, number.into());
            room[length] = b'.';
            room[length + 1] = b'0';
            length + 2
        });
    }

    /// Nanoseconds as seconds or milliseconds: exact, no zeros at the end but always a fraction.
    #[inline(always)]
    pub(super) fn decimal(&mut self, front: &str, nanos: i64, scale: Scale) {
        if nanos < 0 {
            return self.negative_decimal(front, nanos, scale);
        }
        let size = nanos.unsigned_abs();
        self.bytes.write(front, |room| scale.write(room, size));
    }

    #[cold]
    fn negative_decimal(&mut self, front: &str, nanos: i64, scale: Scale) {
        self.raw(front);
        let size = nanos.unsigned_abs();
        self.bytes.write("-", |room| scale.write(room, size));
    }

    /// A time stamp, quoted.
    #[inline(always)]
    pub(super) fn moment(&mut self, front: &str, ts: Timestamp) {
        self.bytes.write(front, |room| quoted::<MOMENT>(room, |text| self.clock.write(text, ts)));
    }

    /// A moment of the device's wall clock, quoted. It has no zone, so the text has none either.
    #[inline(always)]
    pub(super) fn device_time(&mut self, front: &str, seconds: u32) {
        self.bytes.write(front, |room| quoted::<WALL_MOMENT>(room, |text| self.wall_clock.write(text, seconds)));
    }

    /// The same as people read it, with a blank between day and time.
    #[inline(always)]
    pub(super) fn device_time_text(&mut self, front: &str, seconds: u32) {
        self.bytes.write(front, |room| {
            quoted::<WALL_MOMENT>(room, |text| {
                self.wall_clock.write(text, seconds);
                text[10] = b' ';
            })
        });
    }

    /// What `write` makes of a number; nothing at all, and false, where it makes nothing of it.
    #[inline(always)]
    pub(super) fn digits(&mut self, front: &str, write: impl FnOnce(&mut Room) -> Option<usize>) -> bool {
        self.bytes.try_write(front, write)
    }

    /// Bytes in hexadecimal, quoted.
    pub(super) fn hex(&mut self, front: &str, bytes: &[u8]) {
        self.raw(front);
        self.bytes.push(b'"');
        for byte in bytes {
            self.bytes.extend(&nibbles(*byte, b"0123456789abcdef"));
        }
        self.bytes.push(b'"');
    }

    /// A number as `"0x0D65"`, with as many digits as it has nibbles.
    pub(super) fn hex_number<const N: usize>(&mut self, front: &str, big_endian: [u8; N]) {
        self.raw(front);
        self.raw("\"0x");
        for byte in big_endian {
            self.bytes.extend(&nibbles(byte, b"0123456789ABCDEF"));
        }
        self.bytes.push(b'"');
    }

    pub(super) fn object_id(&mut self, front: &str, id: ObjectId) {
        self.hex_number(front, id.0.to_be_bytes());
    }

    pub(super) fn ip(&mut self, front: &str, ip: IpAddr) {
        self.raw(front);
        self.bytes.push(b'"');
        self.bare_ip(ip);
        self.bytes.push(b'"');
    }

    /// `"192.0.2.1:8899"`, `"[2001:db8::1]:8899"`
    pub(super) fn endpoint(&mut self, front: &str, end: Endpoint) {
        match end.ip {
            IpAddr::V4(_) => {
                self.raw(front);
                self.bytes.push(b'"');
                self.bare_ip(end.ip);
                self.count(":", end.port);
                self.bytes.push(b'"');
            }
            IpAddr::V6(_) => self.display(front, end),
        }
    }

    fn bare_ip(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(ip) => {
                let mut front = "";
                for octet in ip.octets() {
                    self.count(front, octet);
                    front = ".";
                }
            }
            IpAddr::V6(ip) => {
                let _ = write!(self, "{ip}");
            }
        }
    }

    /// `[…]` with `item` writing each.
    #[inline(always)]
    pub(super) fn list<T>(
        &mut self,
        front: &str,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T),
    ) {
        self.raw(front);
        self.bytes.push(b'[');
        let mut items = items.into_iter();
        if let Some(first) = items.next() {
            item(self, first);
        }
        for thing in items {
            self.bytes.push(b',');
            item(self, thing);
        }
        self.bytes.push(b']');
    }

    /// `101,"offset":55,"length":11`, in a packet that comes soon behind the one before.
    #[inline(always)]
    pub(super) fn next_place(&mut self, front: &str, place: ByteRange, odometer: &mut Odometer) {
        self.bytes.write(front, |room| odometer.write(room, place.packet.0));
        self.count(key!("offset"), place.offset);
        self.count(key!("length"), place.length);
    }

    /// `101,"offset":55,"length":11`
    #[inline(always)]
    pub(super) fn place(&mut self, front: &str, place: ByteRange) {
        self.count(front, place.packet.0);
        self.count(key!("offset"), place.offset);
        self.count(key!("length"), place.length);
    }

    /// The packets of `spans`, each once, in order.
    pub(super) fn packets(&mut self, front: &str, spans: &[ByteRange]) {
        let mut last = PacketNumber(0);
        let distinct = spans.iter().map(|span| span.packet).filter(move |&packet| {
            // Neighbouring spans of one packet are the usual case; a packet met again later may be named again.
            let new = packet != last;
            last = packet;
            new
        });
        self.list(front, distinct, |line, packet| line.count("", packet.0));
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.raw(text);
        Ok(())
    }
}

/// A text of a length that is known.
#[inline(always)]
fn put<const N: usize>(room: &mut Room, text: &[u8; N]) -> usize {
    room[..N].copy_from_slice(text);
    N
}

/// What `write` writes, between quotes.
#[inline(always)]
fn quoted<const N: usize>(room: &mut Room, write: impl FnOnce(&mut [u8; N])) -> usize {
    room[0] = b'"';
    if let Some(text) = room[1..].first_chunk_mut() {
        write(text);
    }
    room[N + 1] = b'"';
    N + 2
}

const fn nibbles(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [digits[(byte >> 4) as usize], digits[(byte & 15) as usize]]
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
            check(seconds, |line| line.decimal("", nanos, Scale::Seconds));
            check(milliseconds, |line| line.decimal("", nanos, Scale::Milliseconds));
        }
    }

    #[test]
    fn floats_keep_to_the_digits_of_their_width() {
        for (number, expected) in [(0.296, "0.296"), (430.0, "430.0"), (1e-7, "1e-7"), (-0.0, "-0.0")] {
            check(expected, |line| line.float("", number));
            check(expected, |line| line.number("", f64::from(number)));
        }
        check("4294967295.0", |line| line.number("", 4_294_967_295.0));
        check("-5.0", |line| line.whole("", -5));
    }

    #[test]
    fn strings_are_escaped() {
        check(r#""a\"b\\\u001b\n\u0000ü""#, |line| line.string("", "a\"b\\\u{1b}\n\0ü"));
    }

    #[test]
    fn addresses_and_ids() {
        let v4 = Endpoint::new("192.0.2.20".parse().expect("v4"), 8899);
        let v6 = Endpoint::new("2001:db8::1".parse().expect("v6"), 8899);
        check(r#""192.0.2.20:8899""#, |line| line.endpoint("", v4));
        check(r#""[2001:db8::1]:8899""#, |line| line.endpoint("", v6));
        check(r#""2001:db8::1""#, |line| line.ip("", v6.ip));
        check(r#""0x00BF0D65""#, |line| line.object_id("", ObjectId(0xBF_0D65)));
        check(r#""2b00ff""#, |line| line.hex("", &[0x2b, 0, 0xff]));
        check("[]", |line| line.packets("", &[]));
        let span = |packet| ByteRange { packet: PacketNumber(packet), offset: 0, length: 1 };
        check("[4,5]", |line| line.packets("", &[span(4), span(4), span(5)]));
    }
}
