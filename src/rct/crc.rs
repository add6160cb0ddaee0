//! The checksum of a frame: CRC-16, polynomial 1021, init FFFF, not reflected, no final xor, over the unescaped bytes
//! from command to payload, one zero byte appended when that count is odd.

use crc::{CRC_16_IBM_3740, Crc, Table};

/// One byte a step.
static BYTEWISE: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_IBM_3740);
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
                sum = if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ CRC_16_IBM_3740.poly };
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

/// The checksums of all prefixes of a growing body, one byte at a time.
#[derive(Clone)]
pub struct Running {
    digest: crc::Digest<'static, u16, Table<1>>,
    odd: bool,
}

impl Default for Running {
    fn default() -> Self {
        Self { digest: BYTEWISE.digest(), odd: false }
    }
}

impl Running {
    /// Takes the next byte of the body.
    pub fn push(&mut self, byte: u8) {
        self.digest.update(&[byte]);
        self.odd = !self.odd;
    }

    /// The checksum of the body so far.
    pub fn value(&self) -> u16 {
        let mut digest = self.digest.clone();
        if self.odd {
            digest.update(&[0]);
        }
        digest.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
