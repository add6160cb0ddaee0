//! Bytes that are not kept, and yet known again: by how many they were, and by a hash of them.
//!
//! Knows bytes. Does not know what they mean, nor why they are not kept.

use std::hash::{BuildHasher, RandomState};

/// Takes fingerprints that can be compared with one another. The hash has a secret, another one each time that the program
/// runs: nobody can make other bytes that pass for some.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fingerprints {
    secret: RandomState,
}

/// What bytes are known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint {
    length: usize,
    hash: u64,
}

impl Fingerprints {
    /// The fingerprint of some bytes.
    pub(crate) fn of(&self, bytes: &[u8]) -> Fingerprint {
        Fingerprint { length: bytes.len(), hash: self.secret.hash_one(bytes) }
    }

    /// Whether these bytes have that fingerprint.
    pub(crate) fn matches(&self, fingerprint: Fingerprint, bytes: &[u8]) -> bool {
        fingerprint.length == bytes.len() && fingerprint == self.of(bytes)
    }
}

impl Fingerprint {
    /// How many bytes there were.
    pub(crate) const fn length(self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_known_again_and_others_are_not() {
        let fingerprints = Fingerprints::default();
        let taken = fingerprints.of(&[1; 1000]);
        assert_eq!((taken, taken.length()), (fingerprints.clone().of(&[1; 1000]), 1000));
        assert!(fingerprints.matches(taken, &[1; 1000]));
        for other in [&[1; 999][..], &[1; 1001], &[2; 1000], &[]] {
            assert!(!fingerprints.matches(taken, other) && fingerprints.of(other) != taken);
        }
    }
}
