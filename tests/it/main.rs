//! All integration tests in one binary, by theme.

mod anomalies;
mod tidy;
