//! libFuzzer's way into the target `journal_log`. What has to hold stands in `tests::fuzzing::targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tests::fuzzing::targets::journal_log::run(input));
