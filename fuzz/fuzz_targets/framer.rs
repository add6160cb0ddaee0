//! See `rctscope::tools::fuzz::framer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rctscope::tools::fuzz::framer(input));
