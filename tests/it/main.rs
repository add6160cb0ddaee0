//! All integration tests in one binary, by theme.

mod anomalies;
mod batch;
mod cli;
mod frames;
mod fuzz;
mod hostile;
mod line_model;
mod program;
mod readme;
mod records;
mod scenarios;
mod tidy;
