//! Gives what the fuzzer makes to the target `conda_archive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mlpack_fuzz::target("conda_archive")(data));
