//! All integration tests in one binary, by theme.

mod frames;
mod scenarios;
mod tidy;
