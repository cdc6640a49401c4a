//! Characters of a file, whatever encoding it is written in.
//!
//! A stream: nothing is held but what the reader asked for. What is no character in the encoding
//! becomes U+FFFD, and whoever reads the row refuses it. Guesses no encoding.

use std::io::{self, BufRead, Read};

use encoding_rs::{CoderResult, Decoder};
use oem_cp::code_table::DECODING_TABLE_CP_MAP;
use oem_cp::code_table_type::TableType;

/// Multi-byte code pages under the numbers that Windows gives them.
const WINDOWS_NUMBERS: [(&str, &str); 5] = [
    ("cp65001", "utf-8"),
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
];

/// The most bytes that one character of a DOS code page takes in UTF-8.
const CHARACTER_BYTES_MAX: usize = 4;

/// What stands for what is no character.
pub(super) const NO_CHARACTER: char = char::REPLACEMENT_CHARACTER;

/// An encoding.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoding {
    /// One of the web's, which are those of Windows, ISO 8859 and East Asia.
    Web(&'static encoding_rs::Encoding),
    /// A code page of DOS, which many tills still write.
    Dos(&'static TableType),
}

impl Encoding {
    /// The encoding of a name such as `windows-1252` or `cp437`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let number = name.strip_prefix("cp").or_else(|| name.strip_prefix("ibm"));
        if let Some(table) =
            number.and_then(|number| DECODING_TABLE_CP_MAP.get(&number.parse().ok()?))
        {
            return Some(Self::Dos(table));
        }
        let by_number = WINDOWS_NUMBERS.iter().find(|(known, _)| *known == name);
        let label = by_number.map_or(name.as_str(), |(_, label)| label);
        encoding_rs::Encoding::for_label(label.as_bytes()).map(Self::Web)
    }

    /// The same text in UTF-8, without a byte order mark.
    pub(super) fn decode<R: BufRead>(self, inner: R) -> Decoded<R> {
        let state = match self {
            Self::Web(encoding) => State::Web(Box::new(encoding.new_decoder_with_bom_removal())),
            Self::Dos(table) => State::Dos(table),
        };
        Decoded { inner, state, is_done: false }
    }
}

enum State {
    Web(Box<Decoder>),
    Dos(&'static TableType),
}

/// A stream in UTF-8.
pub(super) struct Decoded<R> {
    inner: R,
    state: State,
    is_done: bool,
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_done {
            let input = self.inner.fill_buf()?;
            let is_last = input.is_empty();
            let (read, written, is_empty) = match &mut self.state {
                State::Web(decoder) => {
                    let (result, read, written, _) = decoder.decode_to_utf8(input, buffer, is_last);
                    (read, written, result == CoderResult::InputEmpty)
                }
                State::Dos(table) => {
                    let (read, written) = dos(table, input, buffer);
                    (read, written, read == input.len())
                }
            };
            self.inner.consume(read);
            self.is_done = is_last && is_empty;
            if written > 0 || buffer.is_empty() {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

/// Decodes as many bytes as there is room for; returns how many were read and written.
fn dos(table: &TableType, input: &[u8], buffer: &mut [u8]) -> (usize, usize) {
    let mut written = 0;
    for (read, byte) in input.iter().enumerate() {
        let Some(room) = buffer.get_mut(written..written + CHARACTER_BYTES_MAX) else {
            return (read, written);
        };
        let character = table.decode_char_checked(*byte).unwrap_or(NO_CHARACTER);
        written += character.encode_utf8(room).len();
    }
    (input.len(), written)
}
