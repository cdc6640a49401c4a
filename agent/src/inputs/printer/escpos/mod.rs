//! Reads what goes to a receipt printer: ESC/POS bytes in, receipts out, one at each cut.
//!
//! A state machine that is fed bytes as they come and holds one receipt at most, within the bounds
//! of [`slip`]; a command may be split anywhere. Alignment, emphasis and sizes are dropped, because
//! they say nothing; pictures are counted and hashed; a bar code stands as the line `barcode: …`, a
//! code in two dimensions as `code: …`. Does not know what a receipt says, and forwards nothing.

mod command;
pub(super) mod pages;
pub(super) mod slip;
#[cfg(test)]
mod tests;

use self::command::{Action, Kind, Step};
use self::pages::{CharacterSettings, Characters};
use self::slip::{LINE_CHARS_MAX, PictureInWork, ROW_BYTES_MAX, Slip};

/// Bytes of a command before its data: `FS g 1` and `ESC W` have ten.
const COMMAND_BYTES_MAX: usize = 16;

/// Bytes of one band of columns: 24 dots high and 4,096 wide.
const BAND_BYTES_MAX: usize = 12 * 1024;

/// Bytes of a code: a QR code holds at most 2,953.
const CODE_BYTES_MAX: usize = 4 * 1024;

/// Bytes before the dots of a graphics command: m, fn, a, bx, by, c, xL, xH, yL, yH.
const GRAPHICS_HEAD: usize = 10;

/// Bytes of a line in a character set of several bytes.
const RAW_BYTES_MAX: usize = 4 * LINE_CHARS_MAX;

/// Reads a printer's bytes.
#[derive(Debug)]
pub(super) struct Reader {
    characters: Characters,
    state: State,
    command: Vec<u8>,
    line: String,
    line_chars: usize,
    slip: Slip,
    picture: Option<PictureInWork>,
    /// What a code in two dimensions will say when it is printed.
    symbol: Vec<u8>,
    /// Whether something of the receipt under way is missing.
    is_broken: bool,
}

#[derive(Debug)]
enum State {
    Text,
    Command,
    Data { left: u64, kind: Kind, held: Vec<u8> },
    UntilNul { kind: Kind, held: Vec<u8> },
}

impl Reader {
    pub(super) fn new(settings: CharacterSettings) -> Self {
        Self {
            characters: Characters::new(settings),
            state: State::Text,
            command: Vec::new(),
            line: String::new(),
            line_chars: 0,
            slip: Slip::default(),
            picture: None,
            symbol: Vec::new(),
            is_broken: false,
        }
    }

    /// Reads on; delivers each receipt at its cut.
    pub(super) fn feed(&mut self, mut bytes: &[u8], deliver: &mut dyn FnMut(Slip)) {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.state {
                State::Text => {
                    bytes = rest;
                    self.text(*first);
                }
                State::Command => {
                    bytes = rest;
                    self.command.push(*first);
                    self.step(deliver);
                }
                State::UntilNul { kind, held } => {
                    bytes = rest;
                    match first {
                        0 => {
                            let (kind, held) = (kind.clone(), std::mem::take(held));
                            self.state = State::Text;
                            self.data_ends(&kind, &held);
                        }
                        byte if held.len() < CODE_BYTES_MAX => held.push(*byte),
                        _ => {}
                    }
                }
                State::Data { left, .. } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    let (data, rest) = bytes.split_at(here);
                    bytes = rest;
                    self.data(data);
                }
            }
        }
    }

    /// Nothing more comes: what was printed since the last cut is a receipt as well.
    pub(super) fn finish(&mut self, deliver: &mut dyn FnMut(Slip)) {
        self.state = State::Text;
        self.command.clear();
        self.cut(deliver);
    }

    /// Something is missing from here on: what is under way is not whole and is dropped. Up to the
    /// next cut nothing is a receipt.
    pub(super) fn forget(&mut self) {
        self.finish(&mut drop);
        self.is_broken = true;
    }

    fn text(&mut self, byte: u8) {
        match byte {
            command::ESC | command::GS | command::FS | command::DLE => {
                self.command.clear();
                self.command.push(byte);
                self.state = State::Command;
            }
            b'\n' | 0x0C => self.end_line(),
            b'\t' => self.gap(),
            0x20..=0x7E | 0x80.. => {
                let is_full =
                    self.line_chars >= LINE_CHARS_MAX || self.characters.waiting() >= RAW_BYTES_MAX;
                if is_full {
                    self.slip.is_cut_short = true;
                    return;
                }
                self.line_chars += 1;
                self.characters.put(byte, &mut self.line);
            }
            _ => {}
        }
    }

    fn step(&mut self, deliver: &mut dyn FnMut(Slip)) {
        self.state = State::Text;
        match command::step(&self.command) {
            Step::More if self.command.len() < COMMAND_BYTES_MAX => self.state = State::Command,
            Step::More | Step::Do(Action::Nothing) => {}
            Step::Do(action) => self.act(&action, deliver),
            Step::Data(0, kind) => self.data_ends(&kind, &[]),
            Step::Data(left, kind) => self.state = State::Data { left, kind, held: Vec::new() },
            Step::UntilNul(kind) => self.state = State::UntilNul { kind, held: Vec::new() },
        }
    }

    fn act(&mut self, action: &Action, deliver: &mut dyn FnMut(Slip)) {
        match action {
            Action::Nothing => {}
            Action::Initialise => {
                // What stood in the line is cleared with the printer's buffer; paper was not moved.
                self.characters.flush(&mut self.line);
                self.clear_line();
                self.characters.initialise();
            }
            Action::Page(number) => self.characters.page(*number),
            Action::National(number) => self.characters.national(*number),
            Action::DoubleByte(on) => self.characters.double(*on, &mut self.line),
            Action::EndLine => self.end_line(),
            Action::Gap => self.gap(),
            Action::Cut => self.cut(deliver),
            Action::StoredPicture => {
                self.end_picture();
                self.slip.put_picture(PictureInWork::new(0));
            }
        }
    }

    /// Bytes of data, at most those that are left.
    fn data(&mut self, data: &[u8]) {
        let State::Data { left, kind, held } = &mut self.state else { return };
        *left -= u64::try_from(data.len()).unwrap_or(*left).min(*left);
        let is_over = *left == 0;
        let limit = match kind {
            Kind::Skip | Kind::Again(_) | Kind::Raster { .. } => 0,
            Kind::Columns { .. } => BAND_BYTES_MAX,
            Kind::Graphics => GRAPHICS_HEAD,
            Kind::Barcode | Kind::Symbol => CODE_BYTES_MAX,
        };
        let room = limit.saturating_sub(held.len()).min(data.len());
        held.extend_from_slice(&data[..room]);
        let dots = match kind {
            Kind::Raster { row_bytes } => Some((*row_bytes, data)),
            Kind::Graphics => graphics_row_bytes(held).map(|row_bytes| (row_bytes, &data[room..])),
            _ => None,
        };
        if let Some((row_bytes, dots)) = dots {
            Self::dots(&mut self.picture, &mut self.slip, row_bytes, dots);
        }
        if is_over
            && let State::Data { kind, held, .. } = std::mem::replace(&mut self.state, State::Text)
        {
            self.data_ends(&kind, &held);
        }
    }

    fn data_ends(&mut self, kind: &Kind, held: &[u8]) {
        match kind {
            Kind::Columns { column_bytes } => {
                let (row_bytes, rows) = slip::rows(held, *column_bytes);
                Self::dots(&mut self.picture, &mut self.slip, row_bytes, &rows);
            }
            Kind::Barcode => self.code_line("barcode", held),
            Kind::Symbol => match held {
                // Function 80 keeps what the code will say, function 81 prints it.
                [_, 80, _, data @ ..] => self.symbol = data.to_vec(),
                [_, 81, ..] => {
                    let symbol = self.symbol.clone();
                    self.code_line("code", &symbol);
                }
                _ => {}
            },
            Kind::Again(command) => {
                self.command.clone_from(command);
                self.state = State::Command;
            }
            Kind::Skip | Kind::Raster { .. } | Kind::Graphics => {}
        }
    }

    /// Dots go on with the picture above them if they are as wide.
    fn dots(picture: &mut Option<PictureInWork>, slip: &mut Slip, row_bytes: usize, dots: &[u8]) {
        if row_bytes == 0 || row_bytes > ROW_BYTES_MAX {
            slip.is_cut_short = true;
            return;
        }
        if picture.as_ref().is_some_and(|picture| !picture.goes_on_with(row_bytes))
            && let Some(former) = picture.take()
        {
            slip.put_picture(former);
        }
        let room = slip.room_for_dots();
        picture.get_or_insert_with(|| PictureInWork::new(row_bytes)).put(dots, room);
    }

    fn code_line(&mut self, what: &str, data: &[u8]) {
        self.end_picture();
        let text: String =
            String::from_utf8_lossy(data).chars().filter(|c| !c.is_control()).collect();
        if !text.is_empty() {
            self.slip.put_line(&format!("{what}: {text}"));
        }
    }

    fn gap(&mut self) {
        if self.line_chars > 0 {
            self.characters.flush(&mut self.line);
            self.line.push_str("  ");
        }
    }

    fn end_line(&mut self) {
        self.characters.flush(&mut self.line);
        let line = self.line.trim_end();
        // Between the bands of a picture the paper is moved by empty lines.
        if !(line.is_empty() && self.picture.is_some()) {
            if let Some(picture) = self.picture.take() {
                self.slip.put_picture(picture);
            }
            self.slip.put_line(line);
        }
        self.clear_line();
    }

    fn clear_line(&mut self) {
        self.line.clear();
        self.line_chars = 0;
    }

    fn end_picture(&mut self) {
        if let Some(picture) = self.picture.take() {
            self.slip.put_picture(picture);
        }
    }

    fn cut(&mut self, deliver: &mut dyn FnMut(Slip)) {
        if self.line_chars > 0 {
            self.end_line();
        }
        self.end_picture();
        let slip = std::mem::take(&mut self.slip);
        let is_whole = !std::mem::take(&mut self.is_broken);
        if is_whole && !slip.is_empty() {
            deliver(slip);
        }
    }
}

/// The width of a picture that a graphics command defines (function 112), once its head is there.
fn graphics_row_bytes(head: &[u8]) -> Option<usize> {
    match head {
        [_, 112, _, _, _, _, low, high, _, _] => {
            Some(usize::from(u16::from_le_bytes([*low, *high])).div_ceil(8))
        }
        _ => None,
    }
}
