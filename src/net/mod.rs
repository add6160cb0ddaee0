//! From a captured packet to a TCP segment: link layers, IP, fragments, TCP headers.
//!
//! Knows no connections and no streams. The only state is the pool of fragments (and what it counts).
//!
//! ```text
//! packet ─ link ─ ip ─┬─ transport ─ Segment
//!           ↑     ↑   └─ fragments ─┘
//!           └─────┴── tunnels (GRE, VXLAN, IP in IP) start again
//! ```

pub mod decoder;
mod fragments;
mod ip;
mod link;
pub mod segment;
mod transport;

pub use decoder::{Decoded, Decoder, Layer};
pub use fragments::FragmentStats;
pub use segment::{Checksummed, Fingerprint, Segment, Seq, TcpFlags};
