//! A packet-capture analyzer for the protocol of RCT Power solar inverters.
//!
//! Data walks one way:
//!
//! ```text
//! file → Packet → Segment → Chunk → Frame → Exchange (+ Anomaly) → a Sink
//!       capture  net       tcp     rct     line                   output
//! ```

pub mod analyzer;
pub mod anomaly;
pub mod capture;
#[cfg(feature = "cli")]
pub mod cli;
pub mod endpoint;
pub mod event;
mod fingerprint;
pub mod glob;
mod in_place;
pub mod limits;
pub mod line;
mod loan;
pub mod net;
pub mod object;
pub mod output;
pub mod packet;
pub mod rct;
mod short;
pub mod tcp;
pub mod time;
pub mod tools;
