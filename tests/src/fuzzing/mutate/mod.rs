//! Changed inputs: what chance makes of a corpus, by a seed.
//!
//! Bytes are flipped, cut, doubled, spliced and replaced by words; JSON is changed as JSON; and a
//! frame is mostly made whole again, so that a change is read further than the frame. Judges
//! nothing.

mod json;
mod mend;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Target;

/// Bytes of a changed input. The bounds that matter are crossed by inputs of the corpus or lie in
/// what is unpacked; longer inputs only make fewer of them.
const BYTES_MAX: usize = 256 * 1024;

/// Changes made to one input at most.
const CHANGES_MAX: u32 = 4;

/// Values that programs get wrong.
const EDGES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'\n'];

/// What inputs look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Bytes that are no text.
    Bytes,
    /// JSON, or lines of it.
    Json,
    /// HTTP/1.1 requests; a body may be JSON.
    Http,
    /// MQTT packets; a payload may be JSON.
    Mqtt,
}

/// Makes inputs.
pub(super) struct Mutator<'a> {
    chance: StdRng,
    form: Form,
    words: &'a [&'a str],
    corpus: &'a [(String, Vec<u8>)],
}

impl<'a> Mutator<'a> {
    /// Inputs of a target that follow from a seed.
    pub(super) fn new(target: &Target, corpus: &'a [(String, Vec<u8>)], seed: u64) -> Self {
        let Target { form, words, .. } = *target;
        Self { chance: StdRng::seed_from_u64(seed), form, words, corpus }
    }

    /// The next input.
    pub(super) fn next_input(&mut self) -> Vec<u8> {
        let mut bytes = self.any_of_corpus();
        for _ in 0..self.chance.random_range(1..=CHANGES_MAX) {
            self.change(&mut bytes);
        }
        bytes.truncate(BYTES_MAX);
        if self.chance.random_range(0..5) > 0 {
            mend::mend(self.form, &mut bytes);
        }
        bytes
    }

    fn any_of_corpus(&mut self) -> Vec<u8> {
        match self.corpus.len() {
            0 => Vec::new(),
            count => self.corpus[self.chance.random_range(0..count)].1.clone(),
        }
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let is_structured = self.form != Form::Bytes && self.chance.random_range(0..3) > 0;
        if is_structured && json::change(&mut self.chance, self.words, bytes) {
            return;
        }
        let (start, end) = self.range(bytes.len());
        match self.chance.random_range(0..11) {
            0 | 1 => self.flip(bytes),
            2 => self.overwrite(bytes),
            3 => {
                bytes.drain(start..end);
            }
            4 => {
                let doubled = bytes[start..end].to_vec();
                bytes.splice(end..end, doubled);
            }
            5 => bytes.truncate(start),
            6 => {
                let other = self.any_of_corpus();
                let (from, to) = self.range(other.len());
                bytes.splice(start..end, other[from..to].iter().copied());
            }
            7 | 8 => self.word(bytes, start, end),
            9 => {
                let noise: Vec<u8> =
                    (0..self.chance.random_range(1..32)).map(|_| self.chance.random()).collect();
                bytes.splice(start..start, noise);
            }
            _ => self.number(bytes),
        }
    }

    /// A range within a length: mostly short, because a long one leaves nothing to be read.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.chance.random_range(0..=length);
        let span_max = if self.chance.random_bool(0.8) { 32 } else { length };
        let end = (start + self.chance.random_range(0..=span_max.max(1))).min(length);
        (start, end)
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.chance.random_range(0..bytes.len());
            bytes[at] ^= 1 << self.chance.random_range(0..8);
        }
    }

    fn overwrite(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.chance.random_range(0..bytes.len());
            bytes[at] = EDGES[self.chance.random_range(0..EDGES.len())];
        }
    }

    fn word(&mut self, bytes: &mut Vec<u8>, start: usize, end: usize) {
        if self.words.is_empty() {
            return self.flip(bytes);
        }
        let word = self.words[self.chance.random_range(0..self.words.len())];
        let end = if self.chance.random_bool(0.5) { start } else { end };
        bytes.splice(start..end, word.bytes());
    }

    /// Puts another number in the place of one that is written in digits.
    fn number(&mut self, bytes: &mut Vec<u8>) {
        let begins =
            |at: usize| bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
        let starts: Vec<usize> = (0..bytes.len()).filter(|at| begins(*at)).collect();
        if starts.is_empty() {
            return self.flip(bytes);
        }
        let start = starts[self.chance.random_range(0..starts.len())];
        let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = json::NUMBERS[self.chance.random_range(0..json::NUMBERS.len())];
        bytes.splice(start..start + digits, number.bytes());
    }
}
