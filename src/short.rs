//! Few bytes: up to sixteen that are kept where they are mentioned, and a quick way to copy as many or some more.
//!
//! Nearly all payloads of the protocol are so short: an answer carries four bytes as a rule, a request none. Knows nothing of what
//! the bytes mean.

/// Bytes that fit.
const ROOM: usize = 16;

/// Some bytes, sixteen at most. Those behind them are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Short {
    room: [u8; ROOM],
    length: u8,
}

impl Short {
    /// These bytes; `None` where they are too many.
    ///
    /// Most are none or four. These are taken as a number, and so stay in registers until they are where they belong: what is
    /// written to memory in pieces and read as a whole right after has to wait there.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [] => Some(Self::default()),
            [a, b, c, d] => Some(Self::of_words(u32::from_le_bytes([a, b, c, d]).into(), 0, 4)),
            _ if bytes.len() <= ROOM => {
                let (low, high) = words(bytes);
                Some(Self::of_words(low, high, length(bytes)))
            }
            _ => None,
        }
    }

    #[inline]
    fn of_words(low: u64, high: u64, length: u8) -> Self {
        Self { room: (u128::from(low) | u128::from(high) << 64).to_le_bytes(), length }
    }

    #[inline]
    pub(crate) fn length(&self) -> u8 {
        self.length
    }

    /// The bytes, and what is behind them.
    #[inline]
    pub(crate) fn room(&self) -> [u8; ROOM] {
        self.room
    }

    /// The number that they are, the first byte the highest, where they are four at most; of more, the first four.
    #[inline]
    pub(crate) fn number(&self) -> u32 {
        let [a, b, c, d, ..] = self.room;
        let behind = 4_u8.saturating_sub(self.length);
        u32::from_be_bytes([a, b, c, d]).checked_shr(8 * u32::from(behind)).unwrap_or(0)
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.room.get(..usize::from(self.length)).unwrap_or(&self.room)
    }
}

/// Copies bytes of which there are 32 or fewer as a rule, to a place as long: two moves that overlap cost a third of a copy of
/// unknown length.
#[expect(clippy::inline_always, reason = "a call costs more")]
#[inline(always)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        33.. => to.copy_from_slice(from),
        17.. => both_ends::<16>(to, from),
        8.. => both_ends::<8>(to, from),
        4.. => both_ends::<4>(to, from),
        2.. => both_ends::<2>(to, from),
        _ => both_ends::<1>(to, from),
    }
}

/// Copies `N` to `2 * N` bytes.
#[expect(clippy::inline_always, reason = "a call costs more")]
#[inline(always)]
fn both_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        if let Some(place) = to.first_chunk_mut() {
            *place = *first;
        }
        if let Some(place) = to.last_chunk_mut() {
            *place = *last;
        }
    }
}

fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

#[inline(never)]
fn words(bytes: &[u8]) -> (u64, u64) {
    let word = |bytes: &[u8]| bytes.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte));
    let (low, high) = bytes.split_at(bytes.len().min(8));
    (word(low), word(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_every_length() {
        let bytes: Vec<u8> = (1..=80).collect();
        for length in 0..=80 {
            let mut copy = vec![0; length];
            super::copy(&mut copy, &bytes[..length]);
            assert_eq!(copy, bytes[..length]);
        }
    }

    #[test]
    fn what_fits_is_kept_and_the_rest_is_not() {
        let bytes: Vec<u8> = (1..=17).collect();
        for length in 0..=ROOM {
            let short = Short::of(&bytes[..length]).expect("it fits");
            assert_eq!((usize::from(short.length()), short.bytes()), (length, &bytes[..length]));
            assert_eq!(short.room()[length..], [0; ROOM][length..]);
        }
        assert_eq!(Short::of(&bytes), None);
    }

    #[test]
    fn up_to_four_are_a_number() {
        let bytes = [0x81, 0x02, 0x83, 0x04, 0x85];
        for (length, number) in [(0, 0), (1, 0x81), (2, 0x8102), (3, 0x0081_0283), (4, 0x8102_8304), (5, 0x8102_8304)] {
            assert_eq!(Short::of(&bytes[..length]).expect("it fits").number(), number);
        }
    }
}
