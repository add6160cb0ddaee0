//! From a captured packet to a TCP segment: link layers, IP, fragments, TCP headers.
//!
//! Knows no connections and no streams. The only state is the pool of fragments (and what it counts).
//!
//! ```text
//! packet ─ link ─ ip ─┬─ transport ─ Segment
//!           ↑     ↑   └─ fragments ─┘
//!           └─────┴── tunnels (GRE, VXLAN, IP in IP) start again
//! ```
//!
//! Packets that are nothing but Ethernet, IPv4 and TCP take a short way, `plain`.

pub mod decoded;
pub mod decoder;
mod fragments;
mod ip;
mod link;
mod plain;
pub mod segment;
mod transport;

pub use decoded::{Decoded, Layer};
pub use decoder::Decoder;
pub use fragments::FragmentStats;
pub use segment::{Checksummed, Fingerprint, Segment, Seq, TcpFlags};
