//! libFuzzer's way into the target `ingest`. What has to hold stands in `tests::fuzzing::targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tests::fuzzing::targets::ingest::run(input));
