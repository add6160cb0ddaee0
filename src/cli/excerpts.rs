//! Bytes out of packets, by their place: for what no frame holds.

use super::input::Unit;
use crate::capture::Session;
use crate::output::explain::Excerpt;
use crate::packet::{ByteRange, PacketNumber};
use std::collections::BTreeMap;

/// Bytes kept of one place.
const MOST_BYTES: usize = 256;
/// Places looked at.
const MOST: usize = 4_096;

/// Reads the inputs once more and copies what stands at `ranges`. What cannot be read any more is left out: it has been
/// read, and told of, before.
pub(super) fn read(unit: &Unit, ranges: &[ByteRange]) -> Vec<Excerpt> {
    let mut wanted: BTreeMap<PacketNumber, Vec<ByteRange>> = BTreeMap::new();
    for range in ranges.iter().take(MOST) {
        wanted.entry(range.packet).or_default().push(*range);
    }
    let Some(last) = wanted.keys().next_back().copied() else { return Vec::new() };
    let mut found = Vec::new();
    let mut session = Session::new(unit.sources(None));
    while let Some(packet) = session.next_packet() {
        if packet.number > last {
            break;
        }
        for range in wanted.get(&packet.number).into_iter().flatten() {
            let start = usize::try_from(range.offset).unwrap_or(usize::MAX).min(packet.data.len());
            let length = usize::try_from(range.length).unwrap_or(usize::MAX).min(MOST_BYTES);
            let end = start.saturating_add(length).min(packet.data.len());
            found.push(Excerpt { range: *range, bytes: packet.data[start..end].to_vec() });
        }
    }
    found.sort_by_cached_key(|excerpt| ranges.iter().position(|range| *range == excerpt.range));
    found
}
