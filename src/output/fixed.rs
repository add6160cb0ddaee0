//! Numbers with few decimals, exactly as the standard library rounds them, in a tenth of its time.
//!
//! Knows digits and nothing of what they measure.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

/// The most decimals that [`write`] is made for.
const MOST: usize = 7;
const POWERS: [u64; MOST + 1] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Appends `number`, rounded to the end of `places` (7 at most). Zeros at the end are dropped, down to the start of
/// `places`.
pub(super) fn write(out: &mut String, number: f64, places: RangeInclusive<usize>) {
    let (fewest, most) = (*places.start(), (*places.end()).min(MOST));
    let Some(mut scaled) = scaled(number.abs(), most) else {
        return rare(out, number, fewest..=most);
    };
    let mut kept = most;
    while kept > fewest && scaled % 10 == 0 {
        scaled /= 10;
        kept -= 1;
    }
    if number.is_sign_negative() {
        out.push('-');
    }
    let unit = POWERS[kept];
    let mut digits = itoa::Buffer::new();
    out.push_str(digits.format(scaled / unit));
    if kept > 0 {
        // A one in front keeps the zeros that the decimals begin with.
        out.push('.');
        out.push_str(&digits.format(unit + scaled % unit)[1..]);
    }
}

/// What does not fit: no number at all, one without decimals, or one with so many digits before them.
fn rare(out: &mut String, number: f64, places: RangeInclusive<usize>) {
    let (fewest, most, start) = (*places.start(), *places.end(), out.len());
    // Writing to a string cannot fail.
    let _ = write!(out, "{number:.most$}");
    let Some(point) = out[start..].find('.').map(|at| start + at) else { return };
    let kept = out[point + 1..].trim_end_matches('0').len().max(fewest);
    out.truncate(if kept == 0 { point } else { point + 1 + kept });
}

/// `number * 10^places`, rounded to the nearest whole number, half to even; `None` from 2^52 on and where
/// the product is above 2^64. The number is not negative.
///
/// A float is a whole number times a power of two: with 128 bits there is nothing to lose, and so none of the care that
/// printing a float takes otherwise.
fn scaled(number: f64, places: usize) -> Option<u64> {
    const FRACTION_BITS: u64 = 52;
    const BIAS: u64 = 1023 + FRACTION_BITS;
    let exponent = number.to_bits() >> FRACTION_BITS;
    let mantissa = number.to_bits() & ((1 << FRACTION_BITS) - 1) | u64::from(exponent > 0) << FRACTION_BITS;
    let shift = BIAS.checked_sub(exponent).filter(|shift| *shift > 0)?;
    let product = u128::from(mantissa) * u128::from(*POWERS.get(places)?);
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
    fn oracle(number: f64, fewest: usize, most: usize) -> String {
        let text = format!("{number:.most$}");
        let Some((whole, decimals)) = text.split_once('.') else { return text };
        let kept = decimals.trim_end_matches('0').len().max(fewest);
        if kept == 0 { whole.to_owned() } else { format!("{whole}.{}", &decimals[..kept]) }
    }

    fn check(number: f64, fewest: usize, most: usize) {
        let mut text = String::new();
        write(&mut text, number, fewest..=most);
        assert_eq!(text, oracle(number, fewest, most), "{number:e} with {fewest} to {most} decimals");
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
        fn as_the_standard_library(bits: u64, narrow: u32, near in -1e6_f64..1e6, fewest in 0_usize..4, more in 0_usize..4) {
            for number in [f64::from_bits(bits), f64::from(f32::from_bits(narrow)), near, near.round() / 8.0] {
                check(number, fewest, fewest + more);
            }
        }
    }
}
