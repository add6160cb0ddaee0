//! See `rctscope::tools::fuzz::value`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rctscope::tools::fuzz::value(input));
