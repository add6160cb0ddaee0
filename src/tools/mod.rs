//! The engines of the commands that are not about a whole capture: text into a writer.
//!
//! Each takes what was asked for as plain data and knows neither arguments nor files nor the terminal.

pub mod encode;
pub mod hex;
pub mod objects;
