//! Events as people and programs read them: text, JSON lines, and the pieces they share.
//!
//! Knows events and values. Knows neither captures nor TCP, and reads no clock.

pub mod anatomy;
pub mod cell;
pub mod csv;
pub mod digest;
mod digits;
pub mod explain;
mod fields;
mod fixed;
pub mod influx;
pub mod json;
pub mod pages;
mod reading;
pub mod schema;
pub(crate) mod secrecy;
pub mod select;
mod shell;
pub mod style;
pub mod time_text;
pub mod timeline;
pub mod unknown;
pub mod value_text;
pub mod writes;
pub mod zone;

#[cfg(test)]
mod samples;

/// The name and version that outputs carry.
pub const TOOL: &str = concat!("rctscope ", env!("CARGO_PKG_VERSION"));
