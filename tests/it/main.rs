//! All integration tests in one binary, by theme.

mod anomalies;
mod cli;
mod corpus;
mod fixtures;
mod frames;
mod fuzz;
mod hostile;
mod line_model;
mod program;
mod quirks;
mod readme;
mod records;
mod scenarios;
mod tidy;
