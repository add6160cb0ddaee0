//! Events as people and programs read them: text, JSON lines, and the pieces they share.
//!
//! Knows events and values. Knows neither captures nor TCP, and reads no clock.

pub mod anatomy;
pub mod cell;
pub mod digest;
pub mod json;
pub mod schema;
pub mod select;
pub mod style;
pub mod time_text;
pub mod timeline;
pub mod value_text;
pub mod zone;

#[cfg(test)]
mod samples;

/// The name and version that outputs carry.
pub const TOOL: &str = concat!("rctscope ", env!("CARGO_PKG_VERSION"));
