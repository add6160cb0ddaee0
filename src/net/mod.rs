//! From a captured packet to a TCP segment: link layers, IP, fragments, TCP headers.
//!
//! Knows no connections and no streams. The only state is the pool of fragments.

pub mod segment;

pub use segment::{Segment, Seq, TcpFlags};
