//! Events as people and programs read them: text, JSON lines, and the pieces they share.
//!
//! Knows events and values. Knows neither captures nor TCP, and reads no clock.

pub mod json;
pub mod schema;
pub mod select;
pub mod time_text;
pub mod value_text;

/// The name and version that outputs carry.
pub const TOOL: &str = concat!("rctscope ", env!("CARGO_PKG_VERSION"));
