//! All integration tests in one binary, by theme.

mod anomalies;
mod clean;
mod cli;
mod film;
mod frames;
mod fuzz;
mod hostile;
mod limits;
mod line_model;
mod program;
mod readme;
mod records;
mod scenarios;
mod secrets;
mod tidy;
