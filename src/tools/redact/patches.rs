//! Which bytes of a flow are to be others, wherever they are sent: by sequence number, so that what is sent twice is
//! changed twice.

use crate::net::Seq;
use crate::tools::repacket::Flow;
use foldhash::HashMap;
use std::collections::BTreeMap;

/// Bytes at a place of a flow, and what stands in their place.
#[derive(Clone, Debug)]
struct Patch {
    old: Vec<u8>,
    new: Vec<u8>,
}

/// All patches of a capture.
#[derive(Debug, Default)]
pub(super) struct Patches {
    flows: HashMap<Flow, BTreeMap<u32, Vec<Patch>>>,
    /// The longest patch: how far back one can begin that reaches into a segment.
    longest: u32,
}

impl Patches {
    /// The bytes of `flow` from `seq` on that are `old` are to be `new`.
    pub(super) fn add(&mut self, flow: Flow, seq: Seq, old: &[u8], new: &[u8]) {
        if old == new {
            return;
        }
        let here = self.flows.entry(flow).or_default().entry(seq.0).or_default();
        if here.iter().all(|patch| patch.old != old) {
            here.push(Patch { old: old.to_vec(), new: new.to_vec() });
        }
        self.longest = self.longest.max(u32::try_from(old.len()).unwrap_or(u32::MAX));
    }

    /// Changes the payload of a segment.
    pub(super) fn apply(&self, flow: Flow, seq: Seq, payload: &mut [u8]) {
        let Some(patches) = self.flows.get(&flow) else { return };
        let first = seq.0.wrapping_sub(self.longest);
        let last = seq.0.wrapping_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
        let original = payload.to_vec();
        let mut change = |at: u32, patch: &Patch| {
            let start = i64::from(Seq(at).distance_from(seq));
            let matches = overlap(start, patch, &original).all(|(here, k)| original[here] == patch.old[k]);
            for (here, k) in overlap(start, patch, &original) {
                if original[here] == patch.old[k] {
                    payload[here] = patch.new[k];
                } else if !matches && patch.old[k] != patch.new[k] && original[here].is_ascii_alphanumeric() {
                    // A copy that differs from the bytes that counted: it may hold the same secret, and has to differ
                    // from what now stands for it.
                    payload[here] = if patch.new[k] == b'x' { b'y' } else { b'x' };
                }
            }
        };
        let mut each = |range: std::ops::Range<u32>| {
            for (at, here) in patches.range(range) {
                for patch in here {
                    change(*at, patch);
                }
            }
        };
        if first <= last {
            each(first..last);
        } else {
            each(first..u32::MAX);
            each(0..last);
        }
    }
}

/// Places in a payload and in the patch that begins at `start` from it.
fn overlap<'a>(start: i64, patch: &'a Patch, payload: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
    (0..patch.old.len()).filter_map(move |k| {
        let here = usize::try_from(start + i64::try_from(k).ok()?).ok()?;
        (here < payload.len()).then_some((here, k))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    fn flow() -> Flow {
        let end = |port| Endpoint::new("192.0.2.1".parse().expect("ip"), port);
        (end(1), end(2))
    }

    #[test]
    fn bytes_are_changed_wherever_they_are_sent() {
        let mut patches = Patches::default();
        patches.add(flow(), Seq(u32::MAX - 1), b"abcd", b"wxyz");
        for (seq, payload, expected) in [
            (u32::MAX - 1, &b"abcd"[..], &b"wxyz"[..]),
            (u32::MAX - 3, b"..ab", b"..wx"),
            (0, b"cd..", b"yz.."),
            (4, b"abcd", b"abcd"),
            (0, b"c!..", b"y!.."),
            (0, b"cQ..", b"yx.."),
        ] {
            let mut bytes = payload.to_vec();
            patches.apply(flow(), Seq(seq), &mut bytes);
            assert_eq!(bytes, expected, "{seq}");
        }
        let mut other = b"abcd".to_vec();
        patches.apply((flow().1, flow().0), Seq(u32::MAX - 1), &mut other);
        assert_eq!(other, b"abcd");
    }
}
