//! Claims about the bytes of a printer: what is text, what is passed over, and that nothing grows.

use proptest::prelude::*;

use super::slip::{DOTS_BYTES_MAX, LINES_MAX, PICTURES_MAX, TEXT_BYTES_MAX};
use super::*;

fn read(bytes: &[u8]) -> Vec<Slip> {
    read_in_pieces(bytes, bytes.len().max(1))
}

fn read_in_pieces(bytes: &[u8], size: usize) -> Vec<Slip> {
    let mut slips = Vec::new();
    let mut reader = Reader::new(CharacterSettings::default());
    for piece in bytes.chunks(size) {
        reader.feed(piece, &mut |slip| slips.push(slip));
    }
    reader.finish(&mut |slip| slips.push(slip));
    slips
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let mut slips = read(bytes);
    assert_eq!(slips.len(), 1, "{slips:?}");
    slips.remove(0).lines
}

#[test]
fn commands_are_passed_over_and_text_stays() {
    let cases: &[&[u8]] = &[
        b"\x1b@\x1ba\x01\x1b!\x38\x1bE\x01A\x1bE\x00B\n",
        b"\x1b-\x01A\x1dB\x01B\x1d!\x11\n",
        b"\x1bp\x00\x3c\x78A\x10\x04\x01B\x10\x14\x01\x00\x05\n",
        b"\x1bD\x08\x10\x00A\x1d(E\x03\x00abcB\n",
        b"\x1b&\x03AB\x02123456\x01123A\x1c!\x00B\n",
        b"\x1cq\x02\x01\x00\x01\x0012345678\x01\x00\x01\x0012345678AB\n",
        b"\x1bW12345678A\x1d*\x01\x0112345678B\n",
        b"A\x1bZB\x1d\x7f\n",
    ];
    for bytes in cases {
        assert_eq!(lines(bytes), ["AB"], "{bytes:02X?}");
    }
}

#[test]
fn each_cut_ends_a_receipt_and_nothing_printed_is_none() {
    let bytes = b"A\n\x1dV\x00B\n\x1dVA\x03C\n\x1biD\n\x1bm\x1bp\x00\x3c\x78\x1dV\x01E\n";
    let slips = read(bytes);
    let texts: Vec<_> = slips.iter().map(|slip| slip.lines.join("")).collect();
    assert_eq!(texts, ["A", "B", "C", "D", "E"]);
}

#[test]
fn text_is_read_by_code_page_and_country() {
    assert_eq!(lines(b"\x81 \x1bt\x10\xfc \x1bt\x13\xd5\n"), ["ü ü €"]);
    assert_eq!(lines(b"\x1bR\x02[\\]\x1bR\x00[\\]\n"), ["ÄÖÜ[\\]"]);
    assert_eq!(lines(b"\x1bt\xc8\xfc\n"), ["\u{FFFD}"], "a page that nobody knows");
}

#[test]
fn a_character_set_of_two_bytes_is_read_where_the_site_says_so() {
    let settings =
        CharacterSettings { double: Some(encoding_rs::GB18030), ..CharacterSettings::default() };
    let mut reader = Reader::new(settings);
    let mut slips = Vec::new();
    reader.feed(b"\x1c&\xba\xcf\xbc\xc6\x1c. 12\n\x1dV\x00", &mut |slip| slips.push(slip));
    assert_eq!(slips[0].lines, ["合计 12"]);
}

#[test]
fn columns_on_the_paper_stay_apart() {
    assert_eq!(lines(b"A\tB\x1b$\x40\x00C\n"), ["A  B  C"]);
}

#[test]
fn pictures_are_counted_and_bands_of_one_are_joined() {
    let mut bytes = b"\x1dv0\x00\x02\x00\x01\x00\xff\x00".to_vec();
    bytes.extend(b"\n\x1dv0\x00\x02\x00\x01\x00\x00\xff");
    bytes.extend(b"\x1b*\x21\x08\x00");
    bytes.extend([0x80; 24]);
    bytes.extend(b"\nText\n");
    let slips = read(&bytes);
    let pictures: Vec<_> = slips[0].pictures.iter().map(|p| (p.row_bytes, p.rows)).collect();
    assert_eq!(pictures, [(2, 2), (1, 24)]);
    assert_eq!(slips[0].pictures[0].dots.as_deref(), Some(&[0xFF, 0, 0, 0xFF][..]));
    assert_eq!(slips[0].pictures[1].dots.as_ref().unwrap()[0], 0xFF, "columns become rows");
    assert_eq!(slips[0].lines, ["Text"]);
}

#[test]
fn graphics_of_either_length_are_pictures() {
    let graphics = b"0p0\x01\x011\x08\x00\x02\x00\xf0\x0f";
    let short = [&b"\x1d(L\x0c\x00"[..], graphics].concat();
    let long = [&b"\x1d8L\x0c\x00\x00\x00"[..], graphics].concat();
    for bytes in [short, long] {
        let slips = read(&bytes);
        assert_eq!((slips[0].pictures[0].row_bytes, slips[0].pictures[0].rows), (1, 2));
    }
}

#[test]
fn codes_stand_as_lines() {
    let mut bytes = b"\x1dk\x0412345\x00\x1dkI\x04{B42".to_vec();
    bytes.extend(b"\x1d(k\x07\x001P0V0;x\x1d(k\x03\x001Q0");
    assert_eq!(lines(&bytes), ["barcode: 12345", "barcode: {B42", "code: V0;x"]);
}

#[test]
fn a_receipt_of_which_something_is_missing_is_none() {
    let mut slips = Vec::new();
    let mut reader = Reader::new(CharacterSettings::default());
    reader.feed(b"Bon 1\nBread 1.00\n", &mut |slip| slips.push(slip));
    reader.forget();
    reader.feed(b"Total 1.00\n\x1dV\x00Bon 2\n\x1dV\x00", &mut |slip| slips.push(slip));
    assert_eq!(slips.len(), 1);
    assert_eq!(slips[0].lines, ["Bon 2"]);
}

#[test]
fn paper_without_end_stays_within_its_bounds() {
    let mut reader = Reader::new(CharacterSettings::default());
    let mut slips = Vec::new();
    let line = [&[b'x'; 4_000][..], b"\n"].concat();
    let picture = [&b"\x1dv0\x00\x48\x00\xff\x0f"[..], &[0xA5; 0x48 * 0xfff]].concat();
    for round in 0..1_000 {
        reader.feed(&line, &mut |slip| slips.push(slip));
        if round % 200 == 0 {
            reader.feed(&picture, &mut |slip| slips.push(slip));
        }
        assert!(reader.line.len() <= 4 * LINE_CHARS_MAX + 2);
        assert!(reader.slip.bytes() <= TEXT_BYTES_MAX + LINES_MAX * 24 + DOTS_BYTES_MAX);
    }
    reader.finish(&mut |slip| slips.push(slip));
    let slip = slips.remove(0);
    assert!(slip.is_cut_short && slip.lines.len() <= LINES_MAX);
    let dots: usize = slip.pictures.iter().filter_map(|p| p.dots.as_ref()).map(Vec::len).sum();
    assert!(dots <= DOTS_BYTES_MAX && slip.pictures.len() <= PICTURES_MAX);
    reader.feed(b"Next\n\x1dV\x00", &mut |slip| slips.push(slip));
    assert!(!slips[0].is_cut_short, "the next receipt is whole again");
}

#[test]
fn a_code_without_end_is_not_kept_in_memory() {
    let mut reader = Reader::new(CharacterSettings::default());
    reader.feed(b"\x1dk\x04", &mut drop);
    for _ in 0..100 {
        reader.feed(&[b'7'; 4_096], &mut drop);
    }
    let State::UntilNul { held, .. } = &reader.state else { panic!("{:?}", reader.state) };
    assert!(held.len() <= CODE_BYTES_MAX);
}

/// Bytes among which commands are frequent.
fn printed() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (proptest::sample::select(vec![0x1B, 0x1D, 0x1C, 0x10]), any::<u8>(), any::<[u8; 6]>())
            .prop_map(|(begin, op, rest)| [&[begin, op][..], &rest].concat()),
        proptest::sample::select(vec![b"\n".to_vec(), b"\x1dV\x00".to_vec(), b"12,50\n".to_vec()]),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_alike_however_they_arrive(bytes in printed(), size in 1_usize..20) {
        let whole = read(&bytes);
        prop_assert_eq!(&read_in_pieces(&bytes, size), &whole);
        for slip in whole {
            prop_assert!(slip.lines.len() <= LINES_MAX && slip.pictures.len() <= PICTURES_MAX);
            prop_assert!(slip.bytes() <= TEXT_BYTES_MAX + LINES_MAX * 24 + DOTS_BYTES_MAX);
            prop_assert!(slip.lines.iter().all(|line| !line.contains(char::is_control)));
        }
    }
}
