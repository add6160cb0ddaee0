//! All integration tests in one binary, by theme.

mod cli;
mod program;
mod readme;
mod records;
mod tidy;
