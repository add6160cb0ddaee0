//! All integration tests in one binary, by theme.
