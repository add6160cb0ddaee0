//! See `rctscope::tools::fuzz::segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rctscope::tools::fuzz::segment(input));
