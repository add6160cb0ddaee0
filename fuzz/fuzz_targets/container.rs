//! See `rctscope::tools::fuzz::container`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rctscope::tools::fuzz::container(input));
