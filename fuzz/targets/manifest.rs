//! Gives what the fuzzer makes to the target `manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mlpack_fuzz::target("manifest")(data));
