//! The checksum of a frame: CRC-16, polynomial 1021, init FFFF, not reflected, no final xor, over the unescaped bytes
//! from command to payload, one zero byte appended when that count is odd.

use crc::{CRC_16_IBM_3740, Crc, Table};

/// One table of 512 bytes: it stays in the cache, and most frames are shorter than what a larger table pays for.
static SHORT: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_IBM_3740);
/// Sixteen bytes a step, for histories.
static LONG: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_3740);

/// From this length on the sixteen-fold table is faster.
const LONG_FROM: usize = 64;

/// The checksum over `body`, the unescaped bytes from the command to the end of the payload.
pub fn checksum(body: &[u8]) -> u16 {
    let even = body.len().is_multiple_of(2);
    if body.len() < LONG_FROM {
        let mut digest = SHORT.digest();
        digest.update(body);
        if !even {
            digest.update(&[0]);
        }
        digest.finalize()
    } else {
        let mut digest = LONG.digest();
        digest.update(body);
        if !even {
            digest.update(&[0]);
        }
        digest.finalize()
    }
}

/// The checksums of all prefixes of a growing body, one byte at a time.
#[derive(Clone)]
pub struct Running {
    digest: crc::Digest<'static, u16, Table<1>>,
    odd: bool,
}

impl Default for Running {
    fn default() -> Self {
        Self { digest: SHORT.digest(), odd: false }
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
