//! All integration tests in one binary, by theme.

mod tidy;
