//! The bytes of a file as UTF-8, with a line counter and a bound on each piece.
//!
//! The character set is that of the byte order mark, else of the XML declaration, else UTF-8 (XML
//! 1.0, appendix F). UTF-8 passes unchanged; the parser checks it. Guesses nothing: a character
//! that does not exist in the declared set is an error.

use std::io::{self, BufRead, Chain, Cursor, Read};

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes at the beginning in which the declaration stands.
const DECLARATION_BYTES_MAX: usize = 1024;

/// Bytes of UTF-8 that are decoded at once.
const DECODED_BYTES: usize = 64 * 1024;

/// Bytes of one piece of XML, such as a text or a start tag: the largest real one seen is a receipt
/// image of 11 KB; a drawn signature has some 100 KB.
pub(super) const PIECE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A file, its first bytes put back in front.
type Whole<'a> = Chain<Cursor<Vec<u8>>, &'a mut dyn BufRead>;

/// A file in UTF-8.
pub(super) struct Utf8<'a> {
    source: Whole<'a>,
    decoder: Option<encoding_rs::Decoder>,
    decoded: Vec<u8>,
    taken: usize,
    written: usize,
    is_over: bool,
    /// The line, from 1, on which the next byte stands.
    line: u64,
    /// The bytes since the last piece ended.
    piece: usize,
}

impl<'a> Utf8<'a> {
    pub(super) fn new(file: &'a mut dyn BufRead) -> io::Result<Self> {
        let mut head = Vec::with_capacity(DECLARATION_BYTES_MAX);
        let bound = u64::try_from(DECLARATION_BYTES_MAX).unwrap_or(u64::MAX);
        (&mut *file).take(bound).read_to_end(&mut head)?;
        let encoding = encoding(&head)?;
        if encoding == UTF_8 && head.starts_with(&[0xef, 0xbb, 0xbf]) {
            head.drain(..3);
        }
        let is_utf8 = encoding == UTF_8;
        Ok(Self {
            source: Cursor::new(head).chain(file),
            decoder: (!is_utf8).then(|| encoding.new_decoder_with_bom_removal()),
            decoded: vec![0; if is_utf8 { 0 } else { DECODED_BYTES }],
            taken: 0,
            written: 0,
            is_over: false,
            line: 1,
            piece: 0,
        })
    }

    /// A piece begins: its line.
    pub(super) const fn begin_piece(&mut self) -> u64 {
        self.piece = 0;
        self.line
    }

    fn decode(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        while self.taken == self.written && !self.is_over {
            let raw = self.source.fill_buf()?;
            let is_last = raw.is_empty();
            let (result, read, written) =
                decoder.decode_to_utf8_without_replacement(raw, &mut self.decoded, is_last);
            self.source.consume(read);
            (self.taken, self.written) = (0, written);
            if let DecoderResult::Malformed(..) = result {
                let name = decoder.encoding().name();
                let message = format!("a character that does not exist in {name}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            self.is_over = is_last && matches!(result, DecoderResult::InputEmpty);
        }
        Ok(())
    }

    fn ready(&mut self) -> io::Result<&[u8]> {
        if self.decoder.is_none() {
            return self.source.fill_buf();
        }
        self.decode()?;
        Ok(&self.decoded[self.taken..self.written])
    }
}

impl Read for Utf8<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Utf8<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece > PIECE_BYTES_MAX {
            let message = format!("a text or tag of more than {PIECE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.ready()
    }

    fn consume(&mut self, count: usize) {
        // What was filled is still there: asking for it again reads nothing.
        let lines = self.ready().map_or(0, |ready| {
            ready[..count.min(ready.len())].iter().filter(|byte| **byte == b'\n').count()
        });
        self.line += u64::try_from(lines).unwrap_or(0);
        self.piece += count;
        match self.decoder {
            Some(_) => self.taken += count,
            None => self.source.consume(count),
        }
    }
}

/// The character set of a file that begins like this.
fn encoding(head: &[u8]) -> io::Result<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(encoding);
    }
    match head {
        [0, b'<', ..] => return Ok(UTF_16BE),
        [b'<', 0, ..] => return Ok(UTF_16LE),
        _ => {}
    }
    let Some(label) = declared(head) else { return Ok(UTF_8) };
    let unknown = || {
        let label = String::from_utf8_lossy(label);
        let message = format!("the character set `{label}` is not known");
        io::Error::new(io::ErrorKind::InvalidData, message)
    };
    let encoding = Encoding::for_label(label).ok_or_else(unknown)?;
    // The declaration was read byte by byte, so that it cannot be right.
    Ok(if [UTF_16BE, UTF_16LE].contains(&encoding) { UTF_8 } else { encoding })
}

/// What stands after `encoding=` in the XML declaration.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let head = head.strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let head = &head[..end];
    let at = head.windows(8).position(|name| name == b"encoding")?;
    let value = head[at + 8..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    let end = value.iter().position(|byte| byte == quote)?;
    Some(&value[..end])
}
