//! What stands beside the analysis: making, keeping and sharing captures.
//!
//! Knows every layer below it. Nothing below knows it.

pub mod container;
pub mod synth;
