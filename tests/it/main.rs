//! All integration tests in one binary, by theme.

mod anomalies;
mod batch;
mod circles;
mod clean;
mod cli;
mod corpus;
mod film;
mod fixtures;
mod frames;
mod fuzz;
mod hostile;
mod limits;
mod line_model;
mod ordinary;
mod program;
mod quirks;
mod random;
mod readme;
mod records;
mod scenarios;
mod secrets;
mod tidy;
