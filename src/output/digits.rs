//! Decimal digits, eight at a time.
//!
//! Most of a record is numbers, and most of them have fewer than nine digits. Eight digits fit one word: they are made
//! side by side with three multiplications, stored at once, and what is not wanted of them is cut off again. Knows
//! digits and nothing of what they count.

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

    /// As text, the first `skipped` left out and as many bytes of no meaning at the end.
    #[inline]
    const fn text(self, skipped: u32) -> [u8; 8] {
        ((self.0 | 0x3030_3030_3030_3030) >> (8 * skipped)).to_le_bytes()
    }
}

/// Appends the first `kept` of eight bytes: one move of a word and a shorter length are cheaper than a copy of so many.
#[inline]
fn push_some(out: &mut Vec<u8>, bytes: [u8; 8], kept: u32) {
    let end = out.len() + kept as usize;
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

/// Appends a whole number.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    if number < 100 {
        // Offsets, lengths and milliseconds: half of all numbers.
        let pair = [digit(number / 10), digit(number)];
        return if number < 10 { out.push(pair[1]) } else { out.extend_from_slice(&pair) };
    }
    if number < EIGHT_DIGITS {
        let digits = Digits::of(number);
        let skipped = digits.leading_zeros();
        return push_some(out, digits.text(skipped), 8 - skipped);
    }
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends nanoseconds below a second as decimals of a second: nine digits without the zeros at the end, but always one.
#[inline]
pub(super) fn of_second(out: &mut Vec<u8>, nanos: u64) {
    let (eight, last) = (Digits::of(nanos / 10 % EIGHT_DIGITS), nanos % 10);
    if last == 0 {
        push_some(out, eight.text(0), (8 - eight.trailing_zeros()).max(1));
    } else {
        out.extend_from_slice(&eight.text(0));
        out.push(digit(last));
    }
}

/// Appends nanoseconds below a millisecond as decimals of a millisecond: six digits without the zeros at the end, but
/// always one.
#[inline]
pub(super) fn of_millisecond(out: &mut Vec<u8>, nanos: u64) {
    let six = Digits::of(nanos * 100 % EIGHT_DIGITS);
    push_some(out, six.text(0), (8 - six.trailing_zeros()).max(1));
}

/// Nanoseconds below a second as nine digits.
#[inline]
pub(super) fn nine(nanos: u64) -> [u8; 9] {
    let mut text = [digit(nanos % 10); 9];
    text[..8].copy_from_slice(&Digits::of(nanos / 10 % EIGHT_DIGITS).text(0));
    text
}

/// The digit of a number below ten.
const fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = b">".to_vec();
        write(&mut out);
        String::from_utf8(out.split_off(1)).expect("digits")
    }

    fn check(n: u64) {
        assert_eq!(text(|out| number(out, n)), n.to_string());
        let nanos = n % 1_000_000_000;
        assert_eq!(String::from_utf8_lossy(&nine(nanos)), format!("{nanos:09}"));
        let trimmed = |decimals: String| match decimals.trim_end_matches('0') {
            "" => "0".to_owned(),
            kept => kept.to_owned(),
        };
        assert_eq!(text(|out| of_second(out, nanos)), trimmed(format!("{nanos:09}")));
        let nanos = n % 1_000_000;
        assert_eq!(text(|out| of_millisecond(out, nanos)), trimmed(format!("{nanos:06}")));
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

    proptest! {
        #[test]
        fn as_the_standard_library(n: u64, narrow: u32, short in 0..EIGHT_DIGITS) {
            check(n);
            check(u64::from(narrow));
            check(short);
        }
    }
}
