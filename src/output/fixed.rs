//! Numbers with few decimals, exactly as the standard library rounds them, in a tenth of its time.
//!
//! Knows digits and nothing of what they measure.
#![expect(clippy::inline_always, reason = "most numbers of records come this way")]

use super::digits::{self, ROOM, Room};

/// The most decimals that a number is written with.
const MOST: u32 = 7;
const POWERS: [u64; MOST as usize + 1] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// How many decimals a number is written with.
#[derive(Clone, Copy)]
pub(super) struct Places {
    /// Zeros at the end are dropped down to these.
    pub(super) fewest: u32,
    /// The last of these is rounded; 7 at most.
    pub(super) most: u32,
}

/// Writes `number` and says how long its text is. `None` for what is no number, has no decimals, or too many digits before them.
#[inline(always)]
pub(super) fn short(room: &mut Room, number: f64, Places { fewest, most }: Places) -> Option<usize> {
    let scaled = scaled(number.abs(), most)?;
    let length = digits::with_point(room, scaled, most, fewest);
    if number.is_sign_positive() {
        return Some(length);
    }
    room.copy_within(..ROOM - 1, 1);
    room[0] = b'-';
    Some(1 + length)
}

const FRACTION_BITS: u64 = 52;
const BIAS: u64 = 1023 + FRACTION_BITS;
/// One half, as what is left behind a whole number.
const HALF: u64 = 1 << 63;

/// `number * 10^places`, rounded to the nearest whole number, half to even; `None` from 2^52 on and where
/// the product is above 2^64. The number is not negative.
///
/// A float is a whole number times a power of two: with enough bits there is nothing to lose, and so none of the care that
/// printing a float takes otherwise.
#[inline]
fn scaled(number: f64, places: u32) -> Option<u64> {
    /// Bits at the end of a number that was one of 32 bits, or a hundred times such a number, and is none of the smallest.
    const SPARE: u32 = 20;
    let power = *POWERS.get(places as usize)?;
    let (exponent, fraction) = (number.to_bits() >> FRACTION_BITS, number.to_bits() & ((1 << FRACTION_BITS) - 1));
    let mantissa = fraction | 1 << FRACTION_BITS;
    let bias = BIAS - u64::from(SPARE);
    let shift = bias - exponent.min(bias);
    if mantissa.trailing_zeros() >= SPARE && (1..64).contains(&shift) {
        // 33 bits and 24: one word holds the product.
        let product = (mantissa >> SPARE) * power;
        let (whole, rest) = (product >> shift, product << (64 - shift));
        return Some(whole + u64::from(rest > HALF || (rest == HALF && whole % 2 == 1)));
    }
    scaled_wide(exponent, fraction, power)
}

/// The same for any number.
fn scaled_wide(exponent: u64, fraction: u64, power: u64) -> Option<u64> {
    let mantissa = fraction | u64::from(exponent > 0) << FRACTION_BITS;
    let shift = BIAS.checked_sub(exponent).filter(|shift| *shift > 0)?;
    let product = u128::from(mantissa) * u128::from(power);
    if shift >= 100 {
        // The product has 77 bits: less than a half is left of it.
        return Some(0);
    }
    let (whole, rest, half) = (product >> shift, product & ((1 << shift) - 1), 1 << (shift - 1));
    let up = rest > half || (rest == half && whole % 2 == 1);
    u64::try_from(whole + u128::from(up)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the standard library has it.
    fn oracle(number: f64, fewest: u32, most: u32) -> String {
        let (fewest, most) = (fewest as usize, most as usize);
        let text = format!("{number:.most$}");
        let Some((whole, decimals)) = text.split_once('.') else { return text };
        let kept = decimals.trim_end_matches('0').len().max(fewest);
        if kept == 0 { whole.to_owned() } else { format!("{whole}.{}", &decimals[..kept]) }
    }

    fn check(number: f64, fewest: u32, most: u32) {
        let mut room = [0; ROOM];
        let text =
            short(&mut room, number, Places { fewest, most }).map(|length| String::from_utf8_lossy(&room[..length]));
        match text {
            Some(text) => {
                assert_eq!(text, oracle(number, fewest, most), "{number:e} with {fewest} to {most} decimals");
            }
            None => assert!(!number.is_finite() || number.abs() >= 1e11, "{number:e} with {most} decimals"),
        }
    }

    #[test]
    fn halves_zeros_and_what_is_no_number() {
        let numbers = [0.0, 0.5, 1.5, 0.25, 0.75, 430.25, 1e-9, 5e-324, 99.95, 9.5e9, 4.5e15, 1e16, 1e300];
        for number in numbers.into_iter().chain([f64::INFINITY, f64::NAN]) {
            for most in 0..=MOST {
                check(number, most, most);
                check(-number, most.min(1), most);
            }
        }
    }

    /// Below 2^52 there are decimals, though the number times 10^5 is above 2^64.
    #[test]
    fn large_numbers_keep_their_decimals() {
        check(1.857_023_831_413_540_3e14, 2, 5);
        check(-1.857_023_831_413_540_3e14, 0, 7);
    }

    proptest! {
        #[test]
        fn as_the_standard_library(bits: u64, narrow: u32, near in -1e6_f64..1e6, fewest in 0_u32..4, more in 0_u32..4) {
            let narrow = f64::from(f32::from_bits(narrow));
            for number in [f64::from_bits(bits), narrow, narrow * 100.0, near, near.round() / 8.0] {
                check(number, fewest, fewest + more);
            }
        }
    }
}
