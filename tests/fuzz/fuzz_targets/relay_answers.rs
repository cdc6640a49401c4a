//! libFuzzer's way into the target `relay_answers`. What has to hold stands in `tests::fuzzing::targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tests::fuzzing::targets::relay_answers::run(input));
