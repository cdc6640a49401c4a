//! libFuzzer's way into the target `documents`. What has to hold stands in `tests::fuzzing::targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tests::fuzzing::targets::documents::run(input));
