//! The frame of the log: where a transaction begins and ends, and its strings and fields.
//!
//! A transaction is `22 … 22 0D 0A`; its strings stand apart by `22 2C 22`, the fields of a string
//! by `3A`. None of these bytes can stand in a packed number, whose nibbles are digits, `D` and `F`;
//! a text may hold `22 0D 0A`, so that the end of a transaction is one that another beginning or the
//! end of the file follows. Does not know what a string means.

use std::io::{self, BufRead, Read};

use protocol::problem::{Code, Problem};

/// Bytes of one transaction: a checkout of 5,000 items is below half of it.
pub(super) const TRANSACTION_BYTES_MAX: usize = 512 * 1024;

const QUOTE: u8 = b'"';
const END: &[u8] = b"\"\r\n";
const BETWEEN_STRINGS: &[u8] = b"\",\"";
const BETWEEN_FIELDS: u8 = b':';

/// Why the log cannot be read on.
#[derive(Debug)]
pub(super) enum FrameFault {
    Io(io::Error),
    NoBeginning,
    BreaksOff,
    TooLarge,
}

/// Reads the next transaction into `bytes` and returns its strings; none at the end of the log.
pub(super) fn next<'a>(
    file: &mut dyn BufRead,
    bytes: &'a mut Vec<u8>,
) -> Result<Option<&'a [u8]>, FrameFault> {
    bytes.clear();
    loop {
        let room = u64::try_from(TRANSACTION_BYTES_MAX + 1 - bytes.len()).unwrap_or(0);
        let read = file.take(room).read_until(b'\n', bytes).map_err(FrameFault::Io)?;
        match bytes.first() {
            None => return Ok(None),
            Some(&QUOTE) => {}
            Some(_) => return Err(FrameFault::NoBeginning),
        }
        if bytes.len() > TRANSACTION_BYTES_MAX {
            return Err(FrameFault::TooLarge);
        }
        if read == 0 {
            return Err(FrameFault::BreaksOff);
        }
        if bytes.len() > END.len() && bytes.ends_with(END) {
            let follows = file.fill_buf().map_err(FrameFault::Io)?.first();
            if follows.is_none_or(|byte| *byte == QUOTE) {
                return Ok(Some(&bytes[1..bytes.len() - END.len()]));
            }
        }
    }
}

/// The strings of a transaction.
pub(super) fn strings(transaction: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(transaction);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = bytes.windows(BETWEEN_STRINGS.len()).position(|at| at == BETWEEN_STRINGS);
        let (string, after) = match end {
            Some(end) => (&bytes[..end], Some(&bytes[end + BETWEEN_STRINGS.len()..])),
            None => (bytes, None),
        };
        rest = after;
        Some(string)
    })
}

/// The fields of a string; the first says what kind of string it is.
pub(super) fn fields(string: &[u8]) -> Vec<&[u8]> {
    string.split(|byte| *byte == BETWEEN_FIELDS).collect()
}

impl FrameFault {
    pub(super) fn problem(&self) -> Problem {
        let unreadable = |detail: &str| Problem::new(Code::UnreadableDocument, detail);
        match self {
            Self::Io(error) => unreadable(&format!("the file cannot be read on: {error}"))
                .next("look whether the file can be opened on this host"),
            Self::NoBeginning => unreadable("no transaction begins here (hexadecimal 22)").next(
                "hand over the log as the controller wrote it (EAMTRAN), copied in binary mode",
            ),
            Self::BreaksOff => unreadable("the log breaks off within this transaction").next(
                "copy the log anew when the controller has closed it; what came before is taken",
            ),
            Self::TooLarge => {
                let detail = format!("the transaction has more than {TRANSACTION_BYTES_MAX} bytes");
                Problem::new(Code::TooLarge, detail).next("copy the log anew in binary mode")
            }
        }
    }
}
