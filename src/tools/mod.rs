//! What stands beside the analysis: the engines of commands that are not about the dialogue, and the making of captures.
//!
//! Each takes what was asked for as plain data and knows neither arguments nor files nor the terminal. Knows every layer
//! below it; nothing below knows it.

pub mod container;
pub mod decode;
pub mod encode;
#[cfg(feature = "cli")]
pub mod fixture;
pub mod fuzz;
pub mod hex;
pub mod objects;
pub mod redact;
mod repacket;
pub mod streams;
pub mod synth;
mod wire;
