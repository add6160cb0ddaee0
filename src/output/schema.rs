//! The description of the records for programs.

/// JSON Schema (draft 2020-12) of every record that [`json`](super::json) writes.
pub const RECORDS: &str = include_str!("../../schema/records-1.0.json");
