//! The smallest captures that show an anomaly, and those that come close and must not: one pair for every code.
//!
//! Where a [`Scenario`](super::Scenario) is a story, a case is one sentence of it: two or three frames on one
//! connection. The explain pages name them, the tests hold the analyzer to them, and whoever writes a parser can feed
//! them to it. They are made by code so that nobody has to wonder what a file holds.

mod capture;
mod exchange;
mod frame;
mod scene;
mod tcp;
mod value;

use crate::anomaly::Code;
use crate::tools::container::Format;
use scene::{Client, Scene, capture_file};
use std::fmt;

/// Which of the two captures of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The one in which the anomaly is found.
    Shows,
    /// The one that comes close and must not.
    Near,
}

impl Variant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Shows, Self::Near];
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shows => "shows",
            Self::Near => "near",
        })
    }
}

/// The name of a code's capture: `frame.junk.pcap`, `frame.junk.near.pcap`.
pub fn file_name(code: Code, variant: Variant) -> String {
    let extension = if code == Code::PacketsDropped { "pcapng" } else { "pcap" };
    match variant {
        Variant::Shows => format!("{code}.{extension}"),
        Variant::Near => format!("{code}.near.{extension}"),
    }
}

/// The capture of a code: a whole file, the same bytes at every call.
pub fn file(code: Code, variant: Variant) -> Vec<u8> {
    let layer = code.name().split('.').next().unwrap_or_default();
    match layer {
        "capture" => capture::file(code, variant),
        "tcp" => tcp::file(code, variant),
        "frame" => frame::scene(code, variant).pcap(),
        "exchange" => exchange::scene(code, variant).pcap(),
        _ => value::scene(code, variant).pcap(),
    }
}

/// Who says a line of a [`dialogue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// A client, from 0 in the order in which they connect.
    Client(u8),
    /// The device, to all of them.
    Device,
}

/// A capture (pcapng) of what is said at which millisecond, between so many clients and a device. Lines come in order of
/// time; in the end all clients leave.
pub fn dialogue(clients: u8, lines: &[(u64, Speaker, Vec<u8>)]) -> Vec<u8> {
    let mut scene = Scene::new(clients);
    for (ms, speaker, bytes) in lines {
        scene = match speaker {
            Speaker::Client(number) => scene.ask(*ms, Client(usize::from(*number % clients.max(1))), bytes),
            Speaker::Device => scene.tell(*ms, bytes),
        };
    }
    let last = lines.iter().map(|(ms, ..)| *ms).max().unwrap_or(0);
    capture_file(&scene.close(last + 900).packets(), Format::Pcapng)
}
