//! See `rctscope::tools::fuzz::pipeline`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rctscope::tools::fuzz::pipeline(input));
