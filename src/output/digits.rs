//! Decimal digits, eight at a time.
//!
//! Most of a record is numbers, and most of them have fewer than nine digits. Eight digits fit one word: they are made
//! side by side with three multiplications, stored at once, and what is not wanted of them is cut off again. Knows
//! digits and nothing of what they count.
#![expect(clippy::inline_always, reason = "with constants for arguments half of most functions is left")]

/// One more than the largest number of eight digits.
pub(super) const EIGHT_DIGITS: u64 = 100_000_000;

/// Eight digits, the first one in the lowest byte, each from 0 to 9.
#[derive(Clone, Copy)]
struct Digits(u64);

impl Digits {
    /// Those of a number below [`EIGHT_DIGITS`].
    ///
    /// Halves of four digits stand side by side in 32 bits each, are split into pairs in 16, and those into digits. To
    /// divide by a hundred or by ten is to multiply by a fraction with a power of two below it: exact for numbers so small.
    #[inline]
    const fn of(number: u64) -> Self {
        let halves = (number / 10_000) | ((number % 10_000) << 32);
        let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
        let pairs = hundreds | ((halves - hundreds * 100) << 16);
        let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
        Self(tens | ((pairs - tens * 10) << 8))
    }

    /// How many zeros they begin with; a zero alone is a digit.
    #[inline]
    const fn leading_zeros(self) -> u32 {
        (self.0 | (1 << 56)).trailing_zeros() / 8
    }

    /// How many zeros they end with.
    #[inline]
    const fn trailing_zeros(self) -> u32 {
        self.0.leading_zeros() / 8
    }

    /// How many digits are to be seen of a whole number.
    #[inline]
    const fn count(self) -> u32 {
        8 - self.leading_zeros()
    }

    /// As text, in the order in which it is read.
    #[inline]
    const fn text(self) -> u64 {
        self.0 | 0x3030_3030_3030_3030
    }

    /// Writes the last `count` of them, at least one. Nothing behind them has a meaning.
    #[inline]
    fn write_last(self, room: &mut Room, count: u32) -> usize {
        put(room, 0, self.text() >> (8 * (8 - count)));
        count as usize
    }

    /// Writes them with a point before the last `places`, seven at most. Zeros at the end are dropped until there are only
    /// `fewest` decimals left, and without decimals the point is too.
    #[inline(always)]
    fn write_with_point(self, room: &mut Room, places: u32, fewest: u32) -> usize {
        let whole = self.count().max(places + 1) - places;
        let kept = places.saturating_sub(self.trailing_zeros()).max(fewest);
        put(room, 0, self.text() >> (8 * (8 - places - whole)));
        // The last digit before the point makes room for it.
        put(room, whole as usize, self.text() >> (8 * (7 - places)) & !0xff | u64::from(b'.'));
        (whole + if kept > 0 { 1 + kept } else { 0 }) as usize
    }
}

/// Where a number is written: long enough for any of 64 bits, for the shortest text of any float, and for the bytes of no
/// meaning behind them.
///
/// To write eight bytes at once and to count those that are wanted is cheaper than to copy so many: who writes here says
/// how many bytes of text there are.
pub(super) type Room = [u8; ROOM];
pub(super) const ROOM: usize = 32;

/// Eight bytes from `at` on, which is 24 at most.
#[inline]
fn put(room: &mut Room, at: usize, text: u64) {
    if let Some(place) = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = text.to_le_bytes();
    }
}

/// A whole number.
#[inline]
pub(super) fn number(room: &mut Room, number: u64) -> usize {
    if number < 100 {
        // Offsets, lengths and milliseconds: half of all numbers.
        let (tens, ones) = (u64::from(digit(number / 10)), u64::from(digit(number)));
        put(room, 0, if number < 10 { ones } else { tens | ones << 8 });
        return if number < 10 { 1 } else { 2 };
    }
    if number < EIGHT_DIGITS {
        let digits = Digits::of(number);
        return digits.write_last(room, digits.count());
    }
    long_number(room, number)
}

/// A whole number that may be negative.
#[inline]
pub(super) fn signed(room: &mut Room, number: i64) -> usize {
    let length = self::number(room, number.unsigned_abs());
    if number >= 0 {
        return length;
    }
    room.copy_within(..ROOM - 1, 1);
    room[0] = b'-';
    length + 1
}

#[cold]
fn long_number(room: &mut Room, number: u64) -> usize {
    let mut buffer = itoa::Buffer::new();
    short(room, buffer.format(number))
}

/// Writes whole numbers each of which is a little more than the one before, as those of packets and ids are: all digits
/// but the last two are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Odometer {
    /// The number before with its last two digits at zero.
    base: u64,
    /// The digits before those two, and how many bits they take.
    text: u64,
    bits: u32,
}

impl Odometer {
    /// The same as [`number`].
    #[inline(always)]
    pub(super) fn write(&mut self, room: &mut Room, number: u64) -> usize {
        let last = number.wrapping_sub(self.base);
        if last >= 100 {
            return self.turn(room, number);
        }
        let pair = u64::from(u16::from_le_bytes(PAIRS[(last % 100) as usize]));
        if number < 10 {
            put(room, 0, pair >> 8);
            return 1;
        }
        put(room, 0, self.text | pair << self.bits);
        self.bits as usize / 8 + 2
    }

    #[inline(never)]
    fn turn(&mut self, room: &mut Room, number: u64) -> usize {
        if number < 100 {
            *self = Self::default();
        } else if number < EIGHT_DIGITS {
            let digits = Digits::of(number / 100);
            let (skipped, count) = (digits.leading_zeros(), digits.count());
            *self = Self { base: number / 100 * 100, text: digits.text() >> (8 * skipped), bits: 8 * count };
        }
        self::number(room, number)
    }
}

/// Writes times that pass as [`seconds`] does: the second is kept that was written last.
#[derive(Clone, Debug)]
pub(super) struct Stopwatch {
    /// That second in nanoseconds, and its digits.
    second: u64,
    text: u64,
    length: usize,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { second: 0, text: u64::from(b'0'), length: 1 }
    }
}

impl Stopwatch {
    /// The same as [`seconds`].
    #[inline(always)]
    pub(super) fn write(&mut self, room: &mut Room, nanos: u64) -> usize {
        let rest = nanos.wrapping_sub(self.second);
        if rest >= NANOS_PER_SECOND {
            return self.turn(room, nanos);
        }
        put(room, 0, self.text);
        of_second(room, self.length, rest)
    }

    #[inline(never)]
    fn turn(&mut self, room: &mut Room, nanos: u64) -> usize {
        let whole = nanos / NANOS_PER_SECOND;
        let length = number(room, whole);
        if let (0..EIGHT_DIGITS, Some(text)) = (whole, room.first_chunk()) {
            *self = Self { second: whole * NANOS_PER_SECOND, text: u64::from_le_bytes(*text), length };
        }
        of_second(room, length, nanos % NANOS_PER_SECOND)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The two digits of a number below a hundred.
#[inline]
pub(super) fn pair(number: u32) -> [u8; 2] {
    PAIRS[number as usize % PAIRS.len()]
}

static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [digit(number as u64 / 10), digit(number as u64)];
        number += 1;
    }
    pairs
};

/// A number whose last `places` (seven at most) digits are decimals: without the zeros at the end, down to `fewest`.
#[inline(always)]
pub(super) fn with_point(room: &mut Room, number: u64, places: u32, fewest: u32) -> usize {
    if number < EIGHT_DIGITS {
        return Digits::of(number).write_with_point(room, places, fewest);
    }
    long_with_point(room, number, places, fewest)
}

#[cold]
fn long_with_point(room: &mut Room, number: u64, places: u32, fewest: u32) -> usize {
    let unit = 10_u64.pow(places);
    let whole = self::number(room, number / unit);
    // What is before the point is a zero that gives its place to the last digit that stands there already.
    let mut decimals = [0; ROOM];
    let length = Digits::of(number % unit).write_with_point(&mut decimals, places, fewest);
    for (place, decimal) in room[whole..].iter_mut().zip(&decimals[1..length]) {
        *place = *decimal;
    }
    whole + length - 1
}

/// Nanoseconds as seconds: nine decimals without the zeros at the end, but always one.
#[inline(always)]
pub(super) fn seconds(room: &mut Room, nanos: u64) -> usize {
    let whole = number(room, nanos / NANOS_PER_SECOND);
    of_second(room, whole, nanos % NANOS_PER_SECOND)
}

/// Nanoseconds below a second as the decimals behind the `whole` bytes of seconds that stand there already.
#[inline(always)]
fn of_second(room: &mut Room, whole: usize, nanos: u64) -> usize {
    let (eight, last) = (Digits::of(nanos / 10), nanos % 10);
    put(room, whole, u64::from(b'.'));
    put(room, whole + 1, eight.text());
    put(room, whole + 9, u64::from(digit(last)));
    whole + if last == 0 { 1 + (8 - eight.trailing_zeros()).max(1) as usize } else { 10 }
}

/// Nanoseconds as milliseconds: six decimals without the zeros at the end, but always one.
#[inline(always)]
pub(super) fn milliseconds(room: &mut Room, nanos: u64) -> usize {
    with_point(room, nanos, 6, 1)
}

/// Nanoseconds below a second as nine digits.
#[inline]
pub(super) fn nine(nanos: u64) -> [u8; 9] {
    let mut text = [digit(nanos % 10); 9];
    text[..8].copy_from_slice(&Digits::of(nanos / 10 % EIGHT_DIGITS).text().to_le_bytes());
    text
}

/// A text that is shorter than the room.
#[inline]
pub(super) fn short(room: &mut Room, text: &str) -> usize {
    let length = text.len().min(ROOM);
    crate::short::copy(&mut room[..length], &text.as_bytes()[..length]);
    length
}

/// The digit of a number below ten.
const fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl Fn(&mut Room) -> usize) -> String {
        let mut room = [b'?'; ROOM];
        let length = write(&mut room);
        String::from_utf8(room[..length].to_vec()).expect("digits")
    }

    /// A number of `one`s with its decimals, cut by hand.
    fn decimal(n: u64, places: usize, fewest: usize) -> String {
        let one = 10_u64.pow(u32::try_from(places).expect("few"));
        let decimals = if places == 0 { String::new() } else { format!("{:0places$}", n % one) };
        let kept = decimals.trim_end_matches('0').len().max(fewest);
        let point = if kept == 0 { "" } else { "." };
        format!("{}{point}{}", n / one, &decimals[..kept])
    }

    fn check(n: u64) {
        assert_eq!(text(|room| number(room, n)), n.to_string());
        assert_eq!(text(|room| seconds(room, n)), decimal(n, 9, 1));
        assert_eq!(text(|room| milliseconds(room, n)), decimal(n, 6, 1));
        for places in 0..=7_u32 {
            for fewest in 0..=places {
                let expected = decimal(n, places as usize, fewest as usize);
                assert_eq!(text(|room| with_point(room, n, places, fewest)), expected);
            }
        }
        let nanos = n % 1_000_000_000;
        assert_eq!(String::from_utf8_lossy(&nine(nanos)), format!("{nanos:09}"));
    }

    #[test]
    fn round_numbers_and_their_neighbours() {
        let powers = (0..20).map(|power| 10_u64.pow(power));
        powers.flat_map(|power| [power - 1, power, power + 1, power.saturating_mul(9)]).for_each(check);
        check(u64::MAX);
    }

    #[test]
    fn every_number_of_four_digits() {
        (0..=10_000).for_each(check);
    }

    #[test]
    fn what_is_kept_of_the_number_before_changes_nothing() {
        let powers = (0..20).map(|power| 10_u64.pow(power));
        let jumps = [0, 5, 12, 100, 7, 199, 200, 299, 100_000_000, 99_999_999, 0, 99_999_998, u64::MAX, 1];
        let (mut odometer, mut stopwatch) = (Odometer::default(), Stopwatch::default());
        for n in powers.flat_map(|power| power.saturating_sub(150)..power + 150).chain(jumps) {
            let mut room = [b'?'; ROOM];
            let length = odometer.write(&mut room, n);
            assert_eq!(std::str::from_utf8(&room[..length]), Ok(n.to_string().as_str()));
            for nanos in [n, n.saturating_mul(7_000_000_001)] {
                let length = stopwatch.write(&mut room, nanos);
                assert_eq!(String::from_utf8_lossy(&room[..length]), decimal(nanos, 9, 1));
            }
        }
    }

    #[test]
    fn texts_of_every_length() {
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEF";
        for length in 0..=letters.len() {
            assert_eq!(text(|room| short(room, &letters[..length])), letters[..length]);
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_library(n: u64, narrow: u32, short in 0..EIGHT_DIGITS) {
            check(n);
            check(u64::from(narrow));
            check(short);
        }
    }
}
