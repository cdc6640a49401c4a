//! What a byte of text means: code pages, national characters, and character sets of two bytes.
//!
//! The pages are numbered as in Epson's ESC/POS command reference for `ESC t`; a printer of another
//! make numbers some of them otherwise, which the settings say. A byte that its page does not know
//! becomes U+FFFD, so that nothing is mistaken for what it is not.

use std::collections::BTreeMap;

use encoding_rs::Encoding;

/// The upper half of a code page, 32 characters a row.
type Upper = [&'static str; 4];

const ROW: usize = 32;

/// A code page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs::printer) enum Page {
    Table(&'static Upper),
    Encoding(&'static Encoding),
    /// Half-width katakana (JIS X 0201).
    Katakana,
    Unknown,
}

impl Page {
    /// The page with this name: `cp437`, `cp850` and their like, or any name of the WHATWG Encoding
    /// standard, such as `windows-1252`; none if there is no such page.
    pub(in crate::inputs::printer) fn named(name: &str) -> Option<Self> {
        let table = NAMED.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        let encoding = || Encoding::for_label(name.as_bytes()).map(Self::Encoding);
        table.map(|(_, table)| Self::Table(table)).or_else(encoding)
    }

    /// The page that `ESC t n` selects.
    fn numbered(number: u8, own: &BTreeMap<u8, Self>) -> Self {
        if let Some(page) = own.get(&number) {
            return *page;
        }
        let found = NUMBERED.iter().find(|(known, _)| *known == number);
        match found {
            Some((_, "katakana")) => Self::Katakana,
            Some((_, name)) => Self::named(name).unwrap_or(Self::Unknown),
            None => Self::Unknown,
        }
    }

    fn character(self, byte: u8) -> char {
        let index = usize::from(byte & 0x7F);
        match self {
            Self::Table(rows) => rows[index / ROW].chars().nth(index % ROW).unwrap_or(UNKNOWN),
            Self::Encoding(encoding) => {
                let byte = [byte];
                let (text, _) = encoding.decode_without_bom_handling(&byte);
                let character = text.chars().next().unwrap_or(UNKNOWN);
                if character.is_control() { UNKNOWN } else { character }
            }
            Self::Katakana => match byte {
                0xA1..=0xDF => char::from_u32(0xFF61 + u32::from(byte - 0xA1)).unwrap_or(UNKNOWN),
                _ => UNKNOWN,
            },
            Self::Unknown => UNKNOWN,
        }
    }
}

const UNKNOWN: char = '\u{FFFD}';

/// What a site says of its printer's characters.
#[derive(Debug, Clone, Default)]
pub(in crate::inputs::printer) struct CharacterSettings {
    /// Pages that this printer numbers otherwise.
    pub(in crate::inputs::printer) pages: BTreeMap<u8, Page>,
    /// One character set for everything, whatever the commands say.
    pub(in crate::inputs::printer) whole: Option<&'static Encoding>,
    /// The character set of two bytes that `FS &` turns on.
    pub(in crate::inputs::printer) double: Option<&'static Encoding>,
}

/// What bytes mean at present, and the line that they make.
#[derive(Debug)]
pub(super) struct Characters {
    settings: CharacterSettings,
    page: Page,
    national: u8,
    is_double: bool,
    /// Bytes of a character set of several bytes, until the line ends.
    raw: Vec<u8>,
}

impl Characters {
    pub(super) fn new(settings: CharacterSettings) -> Self {
        let page = Page::numbered(0, &settings.pages);
        Self { settings, page, national: 0, is_double: false, raw: Vec::new() }
    }

    /// `ESC @`.
    pub(super) fn initialise(&mut self) {
        self.page = Page::numbered(0, &self.settings.pages);
        self.national = 0;
        self.is_double = false;
    }

    /// `ESC t`.
    pub(super) fn page(&mut self, number: u8) {
        self.page = Page::numbered(number, &self.settings.pages);
    }

    /// `ESC R`.
    pub(super) const fn national(&mut self, number: u8) {
        self.national = number;
    }

    /// `FS &` and `FS .`.
    pub(super) fn double(&mut self, is_double: bool, line: &mut String) {
        self.flush(line);
        self.is_double = is_double;
    }

    /// A byte of text.
    pub(super) fn put(&mut self, byte: u8, line: &mut String) {
        if self.encoding().is_some() {
            self.raw.push(byte);
            return;
        }
        line.push(match byte {
            0x80.. => self.page.character(byte),
            _ => self.ascii(byte),
        });
    }

    /// What waits of a character set of several bytes goes into the line.
    pub(super) fn flush(&mut self, line: &mut String) {
        let raw = std::mem::take(&mut self.raw);
        if let Some(encoding) = self.encoding().filter(|_| !raw.is_empty()) {
            line.push_str(&encoding.decode_without_bom_handling(&raw).0);
        }
    }

    /// Bytes of the line that wait.
    pub(super) const fn waiting(&self) -> usize {
        self.raw.len()
    }

    fn encoding(&self) -> Option<&'static Encoding> {
        self.settings.whole.or_else(|| self.settings.double.filter(|_| self.is_double))
    }

    fn ascii(&self, byte: u8) -> char {
        let national = NATIONAL.get(usize::from(self.national));
        let place = NATIONAL_PLACES.bytes().position(|place| place == byte);
        let character = national.zip(place).and_then(|(set, place)| set.chars().nth(place));
        character.unwrap_or(char::from(byte))
    }
}

/// The characters of ASCII that a national set replaces.
const NATIONAL_PLACES: &str = "#$@[\\]^`{|}~";

/// National sets by their number in `ESC R`.
const NATIONAL: [&str; 14] = [
    "#$@[\\]^`{|}~",
    "#$à°ç§^`éùè¨",
    "#$§ÄÖÜ^`äöüß",
    "£$@[\\]^`{|}~",
    "#$@ÆØÅ^`æøå~",
    "#¤ÉÄÖÅÜéäöåü",
    "#$@°\\é^ùàòèì",
    "₧$@¡Ñ¿^`¨ñ}~",
    "#$@[¥]^`{|}~",
    "#¤ÉÆØÅÜéæøåü",
    "#$ÉÆØÅÜéæøåü",
    "#$á¡Ñ¿é`íñóú",
    "#$á¡Ñ¿éüíñóú",
    "#$@[₩]^`{|}~",
];

/// Pages by their number in `ESC t`.
const NUMBERED: &[(u8, &str)] = &[
    (0, "cp437"),
    (1, "katakana"),
    (2, "cp850"),
    (3, "cp860"),
    (4, "cp863"),
    (5, "cp865"),
    (13, "cp857"),
    (14, "cp737"),
    (15, "iso-8859-7"),
    (16, "windows-1252"),
    (17, "ibm866"),
    (18, "cp852"),
    (19, "cp858"),
    (21, "windows-874"),
    (33, "cp775"),
    (34, "cp855"),
    (35, "cp861"),
    (36, "cp862"),
    (39, "iso-8859-2"),
    (40, "iso-8859-15"),
    (45, "windows-1250"),
    (46, "windows-1251"),
    (47, "windows-1253"),
    (48, "windows-1254"),
    (49, "windows-1255"),
    (50, "windows-1256"),
    (51, "windows-1257"),
    (52, "windows-1258"),
];

/// Pages that the WHATWG Encoding standard does not have.
const NAMED: &[(&str, &Upper)] = &[
    ("cp437", &CP437),
    ("cp737", &CP737),
    ("cp775", &CP775),
    ("cp850", &CP850),
    ("cp852", &CP852),
    ("cp855", &CP855),
    ("cp857", &CP857),
    ("cp858", &CP858),
    ("cp860", &CP860),
    ("cp861", &CP861),
    ("cp862", &CP862),
    ("cp863", &CP863),
    ("cp865", &CP865),
];

const CP437: Upper = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
];

const CP737: Upper = [
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθ",
    "ικλμνξοπρσςτυφχψ░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "ωάέήϊίόύϋώΆΈΉΊΌΎΏ±≥≤ΪΫ÷≈°∙·√ⁿ²■ ",
];

const CP775: Upper = [
    "ĆüéāäģåćłēŖŗīŹÄÅÉæÆōöĢ¢ŚśÖÜø£Ø×¤",
    "ĀĪóŻżź”¦©®¬½¼Ł«»░▒▓│┤ĄČĘĖ╣║╗╝ĮŠ┐",
    "└┴┬├─┼ŲŪ╚╔╩╦╠═╬Žąčęėįšųūž┘┌█▄▌▐▀",
    "ÓßŌŃõÕµńĶķĻļņĒŅ’-±“¾¶§÷„°∙·¹³²■ ",
];

const CP850: Upper = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´-±‗¾¶§÷¸°¨·¹³²■ ",
];

const CP852: Upper = [
    "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č",
    "áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐",
    "└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀",
    "ÓßÔŃńňŠšŔÚŕŰýÝţ´-˝˛ˇ˘§÷¸°¨˙űŘř■ ",
];

const CP855: Upper = [
    "ђЂѓЃёЁєЄѕЅіІїЇјЈљЉњЊћЋќЌўЎџЏюЮъЪ",
    "аАбБцЦдДеЕфФгГ«»░▒▓│┤хХиИ╣║╗╝йЙ┐",
    "└┴┬├─┼кК╚╔╩╦╠═╬¤лЛмМнНоОп┘┌█▄Пя▀",
    "ЯрРсСтТуУжЖвВьЬ№-ыЫзЗшШэЭщЩчЧ§■ ",
];

const CP857: Upper = [
    "ÇüéâäàåçêëèïîıÄÅÉæÆôöòûùİÖÜø£ØŞş",
    "áíóúñÑĞğ¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ºªÊËÈ�ÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµ�×ÚÛÙìÿ¯´-±�¾¶§÷¸°¨·¹³²■ ",
];

const CP858: Upper = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´-±‗¾¶§÷¸°¨·¹³²■ ",
];

const CP860: Upper = [
    "ÇüéâãàÁçêÊèÍÔìÃÂÉÀÈôõòÚùÌÕÜ¢£Ù₧Ó",
    "áíóúñÑªº¿Ò¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
];

const CP861: Upper = [
    "ÇüéâäàåçêëèÐðÞÄÅÉæÆôöþûÝýÖÜø£Ø₧ƒ",
    "áíóúÁÍÓÚ¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
];

const CP862: Upper = [
    "אבגדהוזחטיךכלםמןנסעףפץצקרשת¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
];

const CP863: Upper = [
    "ÇüéâÂà¶çêëèïî‗À§ÉÈÊôËÏûù¤ÔÜ¢£ÙÛƒ",
    "¦´óú¨¸³¯Î⌐¬½¼¾«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
];

const CP865: Upper = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«¤░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
];
