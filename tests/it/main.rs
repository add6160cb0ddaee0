//! All integration tests in one binary, by theme.

mod anomalies;
mod frames;
mod fuzz;
mod hostile;
mod scenarios;
mod tidy;
