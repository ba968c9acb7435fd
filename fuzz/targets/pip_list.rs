//! Gives what the fuzzer makes to the target `pip_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mlpack_fuzz::target("pip_list")(data));
