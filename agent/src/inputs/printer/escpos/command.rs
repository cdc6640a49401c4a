//! The commands of ESC/POS: how long each is, and which of them say something about a receipt.
//!
//! From Epson's ESC/POS command reference. A command that is not known is passed over with its two
//! bytes, as a printer does; one that carries data says how many bytes, so that a picture is never
//! read as text. Pure: holds nothing between two calls.

pub(super) const ESC: u8 = 0x1B;
pub(super) const GS: u8 = 0x1D;
pub(super) const FS: u8 = 0x1C;
pub(super) const DLE: u8 = 0x10;

/// What is known of a command from the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More bytes belong to it.
    More,
    /// It is complete.
    Do(Action),
    /// So many bytes of data follow.
    Data(u64, Kind),
    /// Data follows up to a NUL.
    UntilNul(Kind),
}

/// What a command does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing that a receipt's text shows.
    Nothing,
    Initialise,
    Page(u8),
    National(u8),
    DoubleByte(bool),
    /// Prints what stands in the line.
    EndLine,
    /// Moves on within the line.
    Gap,
    /// Cuts the paper: the receipt ends.
    Cut,
    /// Prints a picture that the printer keeps in its memory.
    StoredPicture,
}

/// What data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Skip,
    /// Rows of dots.
    Raster {
        row_bytes: usize,
    },
    /// Columns of dots, each of so many bytes.
    Columns {
        column_bytes: usize,
    },
    /// A graphics command with a head of its own.
    Graphics,
    /// What a bar code says.
    Barcode,
    /// A command of a code in two dimensions.
    Symbol,
    /// To be passed over; the command goes on with these bytes.
    Again(Vec<u8>),
}

/// Reads what is there of a command; the first byte is one of those above.
pub(super) fn step(command: &[u8]) -> Step {
    match command {
        [ESC, op, arguments @ ..] => escape(*op, arguments),
        [GS, op, arguments @ ..] => group(*op, arguments),
        [FS, op, arguments @ ..] => field(*op, arguments),
        [DLE, op, arguments @ ..] => real_time(*op, arguments),
        _ => Step::More,
    }
}

const NOTHING: Step = Step::Do(Action::Nothing);

/// A command with so many arguments that shows nothing.
const fn plain(arguments: &[u8], count: usize) -> Step {
    done(arguments, count, Action::Nothing)
}

const fn done(arguments: &[u8], count: usize, action: Action) -> Step {
    if arguments.len() < count { Step::More } else { Step::Do(action) }
}

fn word(low: u8, high: u8) -> u64 {
    u64::from(u16::from_le_bytes([low, high]))
}

fn escape(op: u8, arguments: &[u8]) -> Step {
    match (op, arguments) {
        (b'@', _) => Step::Do(Action::Initialise),
        (b't', [page, ..]) => Step::Do(Action::Page(*page)),
        (b'R', [set, ..]) => Step::Do(Action::National(*set)),
        (b't' | b'R', []) => Step::More,
        (b'd' | b'e' | b'J' | b'K', _) => done(arguments, 1, Action::EndLine),
        (0x0C, _) => Step::Do(Action::EndLine),
        (b'i' | b'm', _) => Step::Do(Action::Cut),
        (b'$' | b'\\', _) => done(arguments, 2, Action::Gap),
        (b'*', [mode, low, high, ..]) => {
            let column_bytes: u8 = if matches!(mode, 32 | 33) { 3 } else { 1 };
            let bytes = word(*low, *high) * u64::from(column_bytes);
            Step::Data(bytes, Kind::Columns { column_bytes: usize::from(column_bytes) })
        }
        (b'&', [height, first, last, width, ..]) => {
            let bytes = u64::from(*height) * u64::from(*width);
            match first.checked_add(1).filter(|next| next <= last) {
                Some(next) => Step::Data(bytes, Kind::Again(vec![ESC, b'&', *height, next, *last])),
                None => Step::Data(bytes, Kind::Skip),
            }
        }
        (b'(', [_, low, high, ..]) => Step::Data(word(*low, *high), Kind::Skip),
        (b'*' | b'&' | b'(', _) => Step::More,
        (b'D', _) => Step::UntilNul(Kind::Skip),
        (b'W', _) => plain(arguments, 8),
        (b'p', _) => plain(arguments, 3),
        (b'c', _) => plain(arguments, 2),
        (
            b' ' | b'!' | b'%' | b'-' | b'3' | b'=' | b'?' | b'E' | b'G' | b'M' | b'Q' | b'T'
            | b'U' | b'V' | b'a' | b'r' | b'u' | b'{',
            _,
        ) => plain(arguments, 1),
        _ => NOTHING,
    }
}

fn group(op: u8, arguments: &[u8]) -> Step {
    match (op, arguments) {
        (b'V', [65 | 66 | 97 | 98 | 103 | 104]) | (b'V', []) => Step::More,
        (b'V', _) => Step::Do(Action::Cut),
        (b'v', [b'0', _, xl, xh, yl, yh, ..]) => {
            let row = word(*xl, *xh);
            let row_bytes = usize::try_from(row).unwrap_or(usize::MAX);
            Step::Data(row * word(*yl, *yh), Kind::Raster { row_bytes })
        }
        (b'Q', [b'0', _, xl, xh, yl, yh, ..]) => {
            Step::Data(word(*xl, *xh) * word(*yl, *yh), Kind::Skip)
        }
        (b'(', [function, low, high, ..]) => {
            let kind = match function {
                b'k' => Kind::Symbol,
                b'L' => Kind::Graphics,
                _ => Kind::Skip,
            };
            Step::Data(word(*low, *high), kind)
        }
        (b'8', [b'L', a, b, c, d, ..]) => {
            Step::Data(u64::from(u32::from_le_bytes([*a, *b, *c, *d])), Kind::Graphics)
        }
        (b'*', [x, y, ..]) => Step::Data(u64::from(*x) * u64::from(*y) * 8, Kind::Skip),
        (b'k', [0..=6, ..]) => Step::UntilNul(Kind::Barcode),
        (b'k', [65..=90, count, ..]) => Step::Data(u64::from(*count), Kind::Barcode),
        (b'k', [65..=90] | []) => Step::More,
        (b'v' | b'Q', [] | [b'0', ..]) | (b'8', [] | [b'L', ..]) | (b'(' | b'*', _) => Step::More,
        (b'C', [0 | 2 | 48 | 50, ..]) | (b'z', _) => plain(arguments, 3),
        (b'C', [1 | 49, ..]) => plain(arguments, 7),
        (b'C', []) => Step::More,
        (b'g', _) => plain(arguments, 4),
        (b'^', _) => plain(arguments, 3),
        (b'\\', _) => done(arguments, 2, Action::Gap),
        (b'$' | b'L' | b'P' | b'W', _) => plain(arguments, 2),
        (
            b'!' | b'/' | b'B' | b'E' | b'H' | b'I' | b'T' | b'a' | b'b' | b'f' | b'h' | b'j'
            | b'r' | b'w',
            _,
        ) => plain(arguments, 1),
        _ => NOTHING,
    }
}

fn field(op: u8, arguments: &[u8]) -> Step {
    match (op, arguments) {
        (b'&', _) => Step::Do(Action::DoubleByte(true)),
        (b'.', _) => Step::Do(Action::DoubleByte(false)),
        (b'(', [_, low, high, ..]) => Step::Data(word(*low, *high), Kind::Skip),
        (b'2', [_, _, ..]) => Step::Data(72, Kind::Skip),
        (b'p', _) => done(arguments, 2, Action::StoredPicture),
        (b'q', [0, ..]) => NOTHING,
        (b'q', [count, xl, xh, yl, yh, ..]) => {
            let bytes = word(*xl, *xh) * word(*yl, *yh) * 8;
            match count - 1 {
                0 => Step::Data(bytes, Kind::Skip),
                left => Step::Data(bytes, Kind::Again(vec![FS, b'q', left])),
            }
        }
        (b'g', [b'1', _, _, _, _, _, low, high, ..]) => Step::Data(word(*low, *high), Kind::Skip),
        (b'g', [b'2', ..]) => plain(arguments, 8),
        (b'(' | b'2' | b'q', _) | (b'g', [] | [b'1', ..]) => Step::More,
        (b'?' | b'S', _) => plain(arguments, 2),
        (b'!' | b'-' | b'C' | b'W', _) => plain(arguments, 1),
        _ => NOTHING,
    }
}

fn real_time(op: u8, arguments: &[u8]) -> Step {
    match (op, arguments) {
        (0x04, [7 | 8 | 18, ..]) => plain(arguments, 2),
        (0x14, [1 | 2, ..]) => plain(arguments, 3),
        (0x14, [7, ..]) => plain(arguments, 2),
        (0x14, [8, ..]) => plain(arguments, 8),
        (0x04 | 0x05 | 0x14, _) => plain(arguments, 1),
        _ => NOTHING,
    }
}
