//! The checksum of a frame: CRC-16, polynomial 1021, init FFFF, not reflected, no final xor, over the unescaped bytes
//! from command to payload, one zero byte appended when that count is odd.

use crc::{CRC_16_IBM_3740, Crc, Table};

/// Sixteen bytes a step, for histories.
static LONG: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_3740);

/// From this length on sixteen bytes a step are faster.
const LONG_FROM: usize = 64;

/// Before the first byte.
const INIT: u16 = CRC_16_IBM_3740.init;

/// What a byte does to the checksum when none, one, two, or three more follow it.
///
/// Nearly all frames have 6 or 10 bytes to sum up: too few for sixteen at a time, and one at a time each waits for the one
/// before it.
static BEHIND: [[u16; 256]; 4] = behind();

const fn behind() -> [[u16; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let mut byte = 0_u16;
    while byte < 256 {
        let mut sum = byte << 8;
        let mut table = 0;
        while table < 4 {
            let mut bit = 0;
            while bit < 8 {
                sum = times_x(sum);
                bit += 1;
            }
            tables[table][byte as usize] = sum;
            table += 1;
        }
        byte += 1;
    }
    tables
}

/// The checksum over `body`, the unescaped bytes from the command to the end of the payload.
#[inline]
pub fn checksum(body: &[u8]) -> u16 {
    if body.len() >= LONG_FROM {
        return long_checksum(body);
    }
    let after = |behind: usize, byte: u8| BEHIND[behind][usize::from(byte)];
    let (fours, rest) = body.as_chunks::<4>();
    let sum = fours.iter().fold(INIT, |sum, [a, b, c, d]| {
        let [high, low] = sum.to_be_bytes();
        after(3, a ^ high) ^ after(2, b ^ low) ^ after(1, *c) ^ after(0, *d)
    });
    let two = |sum: u16, a: u8, b: u8| {
        let [high, low] = sum.to_be_bytes();
        after(1, a ^ high) ^ after(0, b ^ low)
    };
    match *rest {
        [a] => two(sum, a, 0),
        [a, b] => two(sum, a, b),
        [a, b, c] => two(two(sum, a, b), c, 0),
        _ => sum,
    }
}

fn long_checksum(body: &[u8]) -> u16 {
    let mut digest = LONG.digest();
    digest.update(body);
    if !body.len().is_multiple_of(2) {
        digest.update(&[0]);
    }
    digest.finalize()
}

/// What is left of the bytes before `bytes` and of these, from what was left of those before. Where nothing was before them,
/// that is 0.
pub(super) fn remainder(before: u16, bytes: &[u8]) -> u16 {
    let mut digest = LONG.digest_with_initial(before);
    digest.update(bytes);
    digest.finalize()
}

/// The checksum of a part of a body, out of the [remainders](remainder) before and behind it, in as many steps for a long
/// part as for a short one.
///
/// Bytes are polynomials over GF(2), and a remainder is that of a division: the one behind the part is the sum of what is
/// left of the part alone, and of the one before it times x⁸ for each byte of the part. With that taken out, [`INIT`] goes in
/// the same way.
pub(super) fn checksum_between(before: u16, behind: u16, length: usize) -> u16 {
    let sum = behind ^ behind_zeros(before ^ INIT, length);
    if length.is_multiple_of(2) { sum } else { behind_zeros(sum, 1) }
}

/// The remainder behind so many zero bytes: times x⁸ for each of them.
fn behind_zeros(before: u16, count: usize) -> u16 {
    let is_set = |bit: usize| count >> bit & 1 == 1;
    ZEROS.iter().enumerate().filter(|(bit, _)| is_set(*bit)).fold(before, |product, (_, zeros)| times(product, *zeros))
}

/// The remainders of x⁸, and of the square of each for the next one.
static ZEROS: [u16; usize::BITS as usize] = {
    let mut powers = [1 << 8; usize::BITS as usize];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = times(powers[n - 1], powers[n - 1]);
        n += 1;
    }
    powers
};

/// The remainder of a product.
const fn times(a: u16, b: u16) -> u16 {
    let mut product = 0;
    let mut bit = u16::BITS;
    while bit > 0 {
        bit -= 1;
        product = times_x(product);
        if b >> bit & 1 == 1 {
            product ^= a;
        }
    }
    product
}

const fn times_x(sum: u16) -> u16 {
    if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ CRC_16_IBM_3740.poly }
}

/// The sum behind one more byte.
fn step(sum: u16, byte: u8) -> u16 {
    let [high, low] = sum.to_be_bytes();
    BEHIND[0][usize::from(byte ^ high)] ^ u16::from(low) << 8
}

/// The checksums of all prefixes of a growing body, one byte at a time.
#[derive(Clone, Debug)]
pub struct Running {
    sum: u16,
    is_odd: bool,
}

impl Default for Running {
    fn default() -> Self {
        Self { sum: INIT, is_odd: false }
    }
}

impl Running {
    /// Takes the next byte of the body.
    pub fn push(&mut self, byte: u8) {
        self.sum = step(self.sum, byte);
        self.is_odd = !self.is_odd;
    }

    /// The checksum of the body so far.
    pub fn value(&self) -> u16 {
        if self.is_odd { step(self.sum, 0) } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_checksum_of_a_part_is_that_of_its_bytes(body in prop::collection::vec(any::<u8>(), 0..600), cuts: [prop::sample::Index; 2]) {
            let mut cuts = cuts.map(|cut| cut.index(body.len() + 1));
            cuts.sort_unstable();
            let [from, to] = cuts;
            let before = remainder(0, &body[..from]);
            let behind = remainder(before, &body[from..to]);
            prop_assert_eq!(behind, remainder(0, &body[..to]));
            prop_assert_eq!(checksum_between(before, behind, to - from), checksum(&body[from..to]));
        }
    }

    #[test]
    fn a_published_read_of_battery_soc() {
        assert_eq!(checksum(&[0x01, 0x04, 0x95, 0x99, 0x30, 0xbf]), 0x0d65);
    }

    #[test]
    fn an_odd_body_is_padded_with_a_zero_byte() {
        assert_eq!(checksum(&[0x05, 0x05, 0x29, 0xbd, 0xa7, 0x5f, 0xff]), 0xb8d2);
    }

    #[test]
    fn running_equals_whole_for_every_prefix() {
        let body: Vec<u8> = (0..200u8).map(|n| n.wrapping_mul(37)).collect();
        let mut running = Running::default();
        for (n, byte) in body.iter().enumerate() {
            assert_eq!(running.value(), checksum(&body[..n]));
            running.push(*byte);
        }
    }
}
