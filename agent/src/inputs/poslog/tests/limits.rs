//! What no POS writes is refused with its place, and nothing that a file holds makes the agent fail.

use proptest::prelude::*;

use super::*;

/// A sale by the standard, with something in place of its parts.
fn sale(head: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0"?>{head}
<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/">
<Transaction TrainingModeFlag="false">
<RetailStoreID>0042</RetailStoreID><WorkstationID>2</WorkstationID><SequenceNumber>1</SequenceNumber>
<BusinessDayDate>2026-11-23</BusinessDayDate><EndDateTime>2026-11-23T17:04:11</EndDateTime>
<CurrencyCode>EUR</CurrencyCode>
<RetailTransaction>{body}<Total TotalType="TransactionGrandAmount">1.00</Total></RetailTransaction>
</Transaction></POSLog>"#
    )
}

const LINE: &str = "<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>4711</ItemID>\
    <RegularSalesUnitPrice>1.00</RegularSalesUnitPrice><ExtendedAmount>1.00</ExtendedAmount>\
    <Quantity>1</Quantity></Sale></LineItem>";

fn refused(xml: &str) -> (Place, Problem) {
    problem(read(&*by("strict"), xml.as_bytes()))
}

#[test]
fn entities_and_document_types_are_refused_and_nothing_is_fetched_or_grown() {
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>";
    let outside = "<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>";
    for head in [laughs, outside, "<!DOCTYPE l SYSTEM \"http://127.0.0.1/l.dtd\">"] {
        let (_, problem) = refused(&sale(head, LINE));
        assert_eq!(problem.code, "SK0084", "{problem}");
        assert!(problem.detail.contains("document type"), "{problem}");
    }
    let named = LINE.replace("4711", "&b;");
    let (place, problem) = refused(&sale("", &named));
    assert_eq!(problem.code, "SK0084");
    assert_eq!(place.element, "POSLog/Transaction/RetailTransaction/LineItem/Sale/ItemID");
    let in_attribute = LINE.replace("<Sale>", "<Sale ItemType=\"&b;\">");
    assert_eq!(refused(&sale("", &in_attribute)).1.code, "SK0084");
}

#[test]
fn the_five_entities_and_characters_by_number_are_read() {
    let line = LINE.replace(
        "<ItemID>4711</ItemID>",
        "<ItemID>4711</ItemID><Description>A &amp; B &lt;&#x41;&#66;&gt; <![CDATA[<C>]]></Description>",
    );
    let sale = transaction("strict", &sale("", &line));
    let item = sale.lines[0].item.as_ref().unwrap();
    assert_eq!(item.description.as_ref().unwrap().as_str(), "A & B <AB> <C>");
}

#[test]
fn nesting_attributes_and_sizes_have_bounds() {
    let deep = "<a>".repeat(70) + &"</a>".repeat(70);
    assert_eq!(refused(&sale("", &deep)).1.code, "SK0084");
    let attributes: String = (0..70).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(refused(&sale("", &format!("<a{attributes}/>"))).1.code, "SK0084");
    let text = format!("<a>{}</a>", "x".repeat(3 * 1024 * 1024));
    let (_, problem) = refused(&sale("", &text));
    assert!(problem.detail.contains("2097152 bytes"), "{problem}");
}

#[test]
fn a_document_that_is_too_large_is_refused_alone() {
    let many = "<a><b/></a>".repeat(xml::tree::ELEMENTS_MAX / 2);
    let one = sale("", &many).replace("</POSLog>", "");
    let two = sale("", LINE);
    let second = two.split_once("<Transaction").unwrap().1;
    let read = read(&*by("strict"), format!("{one}<Transaction{second}").as_bytes());
    assert!(read.ended.is_none(), "{:?}", read.ended);
    assert_eq!(kinds(&read), [("refused", 1), ("sale", 1)].into_iter().collect());
}

#[test]
fn every_character_set_that_a_pos_declares_is_read() {
    let text = |name: &str| {
        sale(
            "",
            &LINE.replace(
                "<ItemID>4711</ItemID>",
                "<ItemID>4711</ItemID><Description>Köln ñ</Description>",
            ),
        )
        .replace("?>", &format!(" encoding=\"{name}\"?>"))
    };
    let utf16 = |text: &str, little: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    };
    let files = [
        text("utf-8").into_bytes(),
        [&[0xef, 0xbb, 0xbf][..], text("UTF-8").as_bytes()].concat(),
        utf16(&text("UTF-16"), true),
        utf16(&text("utf-16"), false),
        encoding_rs::WINDOWS_1252.encode(&text("ISO-8859-1")).0.into_owned(),
        encoding_rs::WINDOWS_1252.encode(&text("Windows-1252")).0.into_owned(),
        // Written as UTF-8 by a program that believes in UTF-16.
        text("utf-16").into_bytes(),
    ];
    for file in files {
        let sale = transactions("strict", &file).remove(0);
        let item = sale.lines[0].item.as_ref().unwrap();
        assert_eq!(item.description.as_ref().unwrap().as_str(), "Köln ñ");
    }
    let (_, problem) = refused(&text("x-klingon"));
    assert!(problem.detail.contains("x-klingon"), "{problem}");
    let latin = encoding_rs::WINDOWS_1252.encode(&text("utf-8")).0.into_owned();
    assert!(read(&*by("strict"), &latin).ended.is_some(), "that is no UTF-8, whatever it says");
}

#[test]
fn what_cannot_be_read_names_line_and_element_and_what_to_do() {
    let line = LINE.replace(">1.00</ExtendedAmount>", ">one</ExtendedAmount>");
    let (place, problem) = refused(&sale("", &format!("\n{LINE}\n{line}")));
    assert_eq!((place.line, problem.code.as_str()), (9, "SK0080"));
    assert_eq!(place.element, "RetailTransaction/LineItem[2]/Sale/ExtendedAmount");
    assert!(problem.detail.contains("`one`") && problem.next.is_some(), "{problem}");
}

#[test]
fn what_the_profile_cannot_tell_is_refused() {
    let xml = sale("", LINE);
    let cases = [
        (" TrainingModeFlag=\"false\"", "", "SK0085", "practice"),
        ("TrainingModeFlag=\"false\"", "TrainingModeFlag=\"maybe\"", "SK0085", "practice"),
        ("<CurrencyCode>EUR</CurrencyCode>", "", "SK0080", "currency"),
        ("EUR", "XXX", "SK0080", "XXX"),
        ("<BusinessDayDate>2026-11-23</BusinessDayDate>", "", "SK0080", "business date"),
        ("2026-11-23T17:04:11", "yesterday", "SK0080", "no time"),
        ("TransactionGrandAmount", "Other", "SK0080", "no total"),
        (">1.00</Total>", ">1.005</Total>", "SK0080", "more places"),
        ("<Quantity>1<", "<Quantity>-1<", "SK0080", "below zero"),
        ("<ExtendedAmount>1", "<ExtendedAmount Currency=\"USD\">1", "SK0080", "USD"),
        ("RetailTransaction>", "ForeignTransaction>", "SK0080", "ForeignTransaction"),
        ("<WorkstationID>2<", "<WorkstationID>a b<", "SK0080", "letters"),
    ];
    for (from, to, code, word) in cases {
        let changed = xml.replace(from, to);
        assert_ne!(changed, xml, "{from}");
        let (_, problem) = refused(&changed);
        assert_eq!(problem.code, code, "{from} → {to}: {problem}");
        assert!(problem.to_string().contains(word), "{from} → {to}: {problem}");
    }
    assert_eq!(transaction("strict", &xml).signed_total().minor, 100, "as it was it is taken");
}

#[test]
fn a_profile_that_cannot_be_used_says_why() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("own.toml");
    let cases = [
        ("extends = \"strict\"\n[rules]\nsign = 1", "unknown field `sign`"),
        ("extends = \"strict\"\n[head]\nshop = \"a\"", "shop"),
        ("extends = \"strict\"\n[head]\nstore = \"a[\"", "`]` is missing"),
        ("extends = \"strict\"\n[head]\nstore = \"x:a\"", "prefix `x`"),
        ("extends = \"strict\"\n[[lines]]\nat = \"a\"\nas = \"b\"", "`b` is no kind of line"),
        ("extends = \"own.toml\"", "extend one another"),
        ("extends = \"nobody\"", "there is no profile `nobody`"),
        ("roots = [\"a\"]", "missing field"),
        ("roots", "no TOML"),
    ];
    for (text, expected) in cases {
        crate::files::write_private(&path, text.as_bytes()).unwrap();
        let error = decoder(&settings(&path.display().to_string(), "UTC")).err().unwrap();
        assert!(error.reason.contains(expected), "{text}: {error}");
        assert_eq!(error.key.as_deref(), Some("profile"));
    }
    let error = decoder(&settings("strict", "Europe/Atlantis")).err().unwrap();
    assert_eq!(error.key.as_deref(), Some("time_zone"));
}

#[test]
fn every_profile_that_comes_with_the_agent_can_be_used() {
    for (name, _) in profile::built_in() {
        assert!(decoder(&settings(name, "system")).is_ok(), "{name}");
    }
}

#[test]
fn a_file_holds_one_root_element_and_nothing_else() {
    let xml = sale("", LINE);
    for after in ["x", "<POSLog/>", "<a/>", &xml] {
        let read = read(&*by("strict"), format!("{xml}{after}").as_bytes());
        assert!(read.ended.is_some(), "{after}");
        assert_eq!(kinds(&read), [("sale", 1)].into_iter().collect(), "it was complete before");
    }
    assert!(read(&*by("strict"), b"").ended.is_some());
    assert!(read(&*by("strict"), format!("{xml}\n<!-- end -->\n").as_bytes()).ended.is_none());
}

#[test]
fn a_reader_who_has_enough_is_heard() {
    let xml = STRICT;
    let mut count = 0;
    let stopped = by("strict").decode(&mut xml.as_bytes(), &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert!(stopped.is_ok());
    assert_eq!(count, 1);
}

#[test]
fn a_file_in_small_pieces_is_the_same_file() {
    struct Drops<'a>(&'a [u8]);
    impl std::io::Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let bytes = buffer.len().min(3);
            self.0.read(&mut buffer[..bytes])
        }
    }
    let xml = STRICT.as_bytes();
    let whole = read(&*by("strict"), xml);
    let mut places = Vec::new();
    let mut drops = BufReader::with_capacity(3, Drops(xml));
    let decoded = by("strict").decode(&mut drops, &mut |document| {
        places.push(document.place);
        ControlFlow::Continue(())
    });
    assert!(decoded.is_ok());
    let expected: Vec<_> = whole.documents.into_iter().map(|document| document.place).collect();
    assert_eq!(places, expected);
}

/// The fixtures and the profile of each.
const FIXTURES: [(&str, &str); 6] = [
    ("strict", STRICT),
    ("ncr-acs", NCR_ACS),
    ("retalix-r10", RETALIX_R10),
    ("roqqio", ROQQIO),
    ("swedish-digital-receipt", SWEDISH),
    ("wincor-tpnet", WINCOR),
];

#[test]
fn a_file_cut_anywhere_is_rejected_and_what_was_complete_is_taken() {
    let (profile, xml) = FIXTURES[0];
    let decoder = by(profile);
    let whole = read(&*decoder, xml.as_bytes()).documents.len();
    let last = xml.rfind("</POSLog>").unwrap();
    for end in (1..last).step_by(7).filter(|end| xml.is_char_boundary(*end)) {
        let read = read(&*decoder, &xml.as_bytes()[..end]);
        assert!(read.ended.is_some(), "cut at {end}");
        assert!(read.documents.len() <= whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever a file holds, reading it ends, and each document is an event, refused or skipped.
    #[test]
    fn no_change_to_a_file_makes_the_agent_fail(
        fixture in 0..FIXTURES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..12),
    ) {
        let (profile, xml) = FIXTURES[fixture];
        let mut file = xml.as_bytes().to_vec();
        for (place, change) in changes {
            if file.is_empty() {
                break;
            }
            let at = place.index(file.len());
            match change {
                Change::Byte(byte) => file[at] = byte,
                Change::Cut(bytes) => drop(file.drain(at..(at + bytes).min(file.len()))),
                Change::Insert(text) => drop(file.splice(at..at, text.bytes())),
                Change::Repeat(bytes) => {
                    let part = file[at..(at + bytes).min(file.len())].to_vec();
                    drop(file.splice(at..at, part));
                }
            }
        }
        read(&*by(profile), &file);
    }
}

/// One change to a file.
#[derive(Debug, Clone)]
enum Change {
    Byte(u8),
    Cut(usize),
    Insert(String),
    Repeat(usize),
}

fn change() -> impl Strategy<Value = Change> {
    const WORDS: [&str; 28] = [
        "<",
        ">",
        "</",
        "/>",
        "&",
        "&amp;",
        "&#0;",
        "&#x10ffff;",
        "&b;",
        "\"",
        "'",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?xml?>",
        "<!DOCTYPE x>",
        "xmlns=\"\"",
        "-",
        "99999999999999999999",
        "1e9",
        "0.0000001",
        "-0",
        "\0",
        "\u{feff}",
        "true",
        "VoidFlag=\"true\"",
        "ItemLink",
    ];
    prop_oneof![
        any::<u8>().prop_map(Change::Byte),
        (1..200_usize).prop_map(Change::Cut),
        prop::sample::select(&WORDS[..]).prop_map(|word| Change::Insert(word.to_owned())),
        (1..400_usize).prop_map(Change::Repeat),
    ]
}
