//! Made-up captures: traffic whose truth is known, the same bytes for the same seed everywhere and for ever.
//!
//! A [`Scenario`] is a short story of a device, its line and its clients, in which one thing goes wrong (or nothing
//! does). [`bulk`] makes as much plain traffic as wanted, to measure speed with.
//!
//! Addresses are those set aside for documentation, the time is always the same evening. Knows how to encode the
//! protocol and knows nothing of how it is decoded, so that one can be held against the other.

mod bulk;
pub mod cases;
mod device;
mod frames;
mod hostile;
mod hub;
mod network;
mod random;
mod scenario;
mod script;
mod stories;
#[cfg(test)]
mod tests;

pub use bulk::{Bulk, bulk};
pub use hostile::{Hostile, hostile};
pub use scenario::Scenario;
pub use script::scripted;

use super::container::{Format, Writer};
use super::wire;
use crate::time::Timestamp;
use random::Random;
use std::io::{self, Write};
use std::time::Duration;

/// The moment every made-up capture begins: 2025-03-17T21:06:11Z.
pub const START: Timestamp = Timestamp::from_nanos(1_742_245_571_000_000_000);

/// The moment so many milliseconds after [`START`].
fn at(millis: u64) -> Timestamp {
    START.saturating_add(Duration::from_millis(millis))
}

/// What a made-up capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets.
    pub packet_count: u64,
    /// Bytes of the file.
    pub byte_count: u64,
    /// TCP connections to or from a device.
    pub connection_count: u64,
    /// Frames sent by clients, whether the capture has them or not.
    pub request_count: u64,
    /// Frames sent by the device, damaged ones included, each counted once.
    pub answer_count: u64,
    /// Frames of both, counted on every connection they were sent on.
    pub sighting_count: u64,
}

/// Writes the capture of a scenario as pcap with nanoseconds.
pub fn write(scenario: Scenario, seed: u64, out: &mut dyn Write) -> io::Result<Stats> {
    write_as(scenario, seed, Format::Pcap, out)
}

/// Writes the capture of a scenario in a format of choice.
pub fn write_as(scenario: Scenario, seed: u64, format: Format, out: &mut dyn Write) -> io::Result<Stats> {
    let recording = scenario.story()(Random::new(seed));
    let mut writer = Writer::new(out, format);
    for packet in &recording.packets {
        writer.packet(packet.ts, &packet.data)?;
    }
    writer.finish()?;
    Ok(Stats {
        packet_count: writer.packet_count(),
        byte_count: writer.byte_count(),
        connection_count: recording.counts.connections,
        request_count: recording.counts.requests,
        answer_count: recording.counts.answers,
        sighting_count: recording.counts.sightings,
    })
}
