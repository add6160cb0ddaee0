//! Secret values and what stands in their place: letters, as many as there were bytes.
//!
//! A value is a run of bytes without `00`; the zeros around it stay, so that a text ends where it ended. A stand-in is
//! made from the number of the value alone: nothing can be computed back from it.

use crate::rct::encode::{ESCAPE, START};
use foldhash::HashMap;

/// The number of a distinct value, from 0 in the order of appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ValueId(pub(super) usize);

/// A value from which it is told where else it stands: shorter ones stand anywhere.
const TELLING: usize = 5;

/// Distinct secret values, and which bytes stand for each.
#[derive(Debug, Default)]
pub(super) struct Values {
    ids: HashMap<Vec<u8>, ValueId>,
    list: Vec<(Vec<u8>, Vec<u8>)>,
    /// The values that are looked for outside their objects, the longest first.
    telling: Vec<ValueId>,
}

impl Values {
    /// The number of a value, new or known.
    pub(super) fn learn(&mut self, value: &[u8]) -> ValueId {
        if let Some(id) = self.ids.get(value) {
            return *id;
        }
        let id = ValueId(self.list.len());
        self.ids.insert(value.to_vec(), id);
        self.list.push((value.to_vec(), stand_in(value, id, 0)));
        if value.len() >= TELLING && value.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            self.telling.push(id);
            self.telling.sort_by_key(|id| std::cmp::Reverse(self.list[id.0].0.len()));
        }
        id
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn stand_in(&self, id: ValueId) -> &[u8] {
        &self.list[id.0].1
    }

    /// Tries another stand-in.
    pub(super) fn assign(&mut self, id: ValueId, salt: u32) {
        let (value, stand) = &mut self.list[id.0];
        *stand = stand_in(value, id, salt);
    }

    /// Where known values stand in `bytes`, in order and apart.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<(std::ops::Range<usize>, ValueId)> {
        let mut found: Vec<(std::ops::Range<usize>, ValueId)> = Vec::new();
        for id in &self.telling {
            let value = &self.list[id.0].0;
            let mut from = 0;
            while let Some(at) = position(&bytes[from..], value).map(|at| at + from) {
                let range = at..at + value.len();
                from = range.end;
                if found.iter().all(|(other, _)| other.end <= range.start || range.end <= other.start) {
                    found.push((range, *id));
                }
            }
        }
        found.sort_by_key(|(range, _)| range.start);
        found
    }
}

fn position(bytes: &[u8], value: &[u8]) -> Option<usize> {
    let (first, mut from) = (value.first()?, 0);
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| byte == first)?;
        if bytes[at..].starts_with(value) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The runs of bytes without `00`.
pub(super) fn runs(bytes: &[u8], from: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|byte| *byte != 0)?;
        let length = bytes[start..].iter().position(|byte| *byte == 0).unwrap_or(bytes.len() - start);
        at = start + length;
        Some(from + start..from + at)
    })
}

/// What stands for the n-th value: as many bytes that need an escape as it had, so that it is as long on the wire, in
/// front; then letters.
pub(super) fn stand_in(value: &[u8], id: ValueId, salt: u32) -> Vec<u8> {
    let special = value.iter().filter(|byte| matches!(**byte, START | ESCAPE)).count();
    let mut state = (id.0 as u64) << 32 | u64::from(salt);
    (0..value.len())
        .map(|at| {
            state = mixed(state);
            if at < special {
                return if value[at] == ESCAPE { START } else { ESCAPE };
            }
            let letter = b'a' + u8::try_from(state % 26).unwrap_or(0);
            // Whatever stands for a letter, it is another one.
            if letter == value[at] { b'a' + (letter - b'a' + 1) % 26 } else { letter }
        })
        .collect()
}

/// A step of splitmix64: well mixed, and the same everywhere.
const fn mixed(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_as_long_with_its_escapes_and_has_no_byte_in_place() {
        let value = b"a-b+c\xff\x01zzz";
        for salt in 0..50 {
            let stand = stand_in(value, ValueId(3), salt);
            let special = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(**byte, START | ESCAPE)).count();
            assert_eq!((stand.len(), special(&stand)), (value.len(), special(value)));
            assert!(stand.iter().zip(value).all(|(a, b)| a != b), "{stand:?}");
        }
    }

    #[test]
    fn runs_are_between_zeros() {
        let found: Vec<_> = runs(b"\0ab\0\0c", 10).collect();
        assert_eq!(found, [11..13, 15..16]);
        assert_eq!(runs(b"\0\0", 0).count(), 0);
    }

    #[test]
    fn the_longest_value_is_found_first() {
        let mut values = Values::default();
        let (short, long) = (values.learn(b"horse"), values.learn(b"correct horse"));
        assert_eq!(values.find(b"x correct horse, horse"), [(2..15, long), (17..22, short)]);
        assert_eq!(values.find(b"hors"), []);
    }
}
