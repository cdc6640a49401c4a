//! Claims about receipts as a whole: the worked example, the recorded samples, and the settings.

use std::fs;
use std::path::Path;

use protocol::event::{Body, Direction, TillKind, Transaction, balance};
use protocol::record::Equation;

use super::*;
use crate::files::write_private;
use crate::inputs::folder::conformance;

const TEMPLATE: &str = include_str!("testdata/template.toml");
const TILL: &str = include_str!("testdata/till.txt");

/// Stands for a cut in the fixture, where it ends a line without a line feed.
const CUT_MARK: &str = "\\xc1";

/// The bytes that the fixture describes.
pub(super) fn printed() -> Vec<u8> {
    slips(&[0, 1, 2, 3, 4, 5, 6]).iter().flat_map(|slip| bytes(slip)).collect()
}

/// Slips of the fixture, as it describes them.
fn slips(which: &[usize]) -> Vec<String> {
    let lines = TILL.lines().filter(|line| !line.starts_with('#'));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let slips: Vec<_> = text.split_inclusive("\\xc1\n").map(str::to_owned).collect();
    which.iter().map(|index| slips[*index].clone()).collect()
}

/// The bytes of a described slip.
fn bytes(slip: &str) -> Vec<u8> {
    let line_bytes = |line: &str| match line.strip_suffix(CUT_MARK) {
        Some(text) => unescaped(text),
        None => [unescaped(line), b"\n".to_vec()].concat(),
    };
    slip.lines().flat_map(line_bytes).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}

pub(super) fn receipts(template: &str) -> Receipts {
    let till = Till { store: protocol::id::StoreId::new("0042").unwrap(), register: None };
    Receipts { till, template: Template::parse(template).unwrap() }
}

fn decode(receipts: &Receipts, mut bytes: &[u8]) -> Vec<Content> {
    let mut documents = Vec::new();
    let decoded = receipts.decode(&mut bytes, &mut |document| {
        documents.push(document.content);
        ControlFlow::Continue(())
    });
    decoded.unwrap();
    documents
}

fn transaction(content: &Content) -> &Transaction {
    match content {
        Content::Event(draft) => match &draft.body {
            Body::Transaction(transaction) => transaction,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_worked_example_is_a_sale_that_balances() {
    let contents = decode(&receipts(TEMPLATE), &printed());
    assert_eq!(contents.len(), 7, "{contents:#?}");
    let sale = transaction(&contents[0]);
    assert_eq!((sale.register.as_str(), sale.receipt.as_str()), ("2", "000187"));
    assert_eq!(sale.cashier.as_ref().unwrap().as_str(), "17");
    assert_eq!(sale.completed_at.unwrap().to_string(), "2026-11-23T17:04:11+01:00");
    assert_eq!((sale.signed_total().minor, balance::unbalanced(sale)), (568, vec![]));
    let [pencils, apples, deposit] = &sale.lines[..] else { panic!("{:?}", sale.lines) };
    assert_eq!((pencils.quantity.to_string(), pencils.total.minor()), ("3".to_owned(), 387));
    assert_eq!(pencils.item.as_ref().unwrap().sku.as_ref().unwrap().as_str(), "4711");
    assert_eq!(pencils.stock, None, "an article number moves stock");
    assert_eq!(apples.item.as_ref().unwrap().description.as_ref().unwrap().as_str(), "Äpfel");
    assert_eq!(
        (apples.quantity.to_string(), apples.unit_price.to_string()),
        ("0.523".to_owned(), "2.99".to_owned())
    );
    assert_eq!(apples.unit.as_ref().unwrap().as_str(), "KGM");
    assert_eq!((apples.stock, deposit.stock), (Some(false), Some(false)), "a description does not");
    assert_eq!(
        sale.tenders.iter().map(|tender| tender.amount.minor()).collect::<Vec<_>>(),
        [1000, 432]
    );
    assert_eq!(sale.taxes.iter().map(|tax| tax.amount.minor()).collect::<Vec<_>>(), [66, 10]);
}

#[test]
fn a_copy_and_a_slip_of_the_card_terminal_are_no_sales() {
    let contents = decode(&receipts(TEMPLATE), &printed());
    for index in [1, 3] {
        assert!(matches!(contents[index], Content::Skipped(_)), "{:?}", contents[index]);
    }
}

#[test]
fn amounts_below_zero_are_goods_and_money_that_come_back() {
    let contents = decode(&receipts(TEMPLATE), &printed());
    let back = transaction(&contents[2]);
    assert_eq!((back.kind.as_str(), back.signed_total().minor), ("return", -149));
    assert_eq!(back.lines[0].direction, Direction::In);
    assert_eq!(balance::unbalanced(back), []);
}

#[test]
fn practice_is_flagged_by_its_mark() {
    let contents = decode(&receipts(TEMPLATE), &printed());
    assert!(transaction(&contents[4]).is_training());
}

#[test]
fn a_tender_that_the_template_does_not_know_is_refused_without_quoting_it() {
    let contents = decode(&receipts(TEMPLATE), &printed());
    let Content::Refused(problem) = &contents[5] else { panic!("{:?}", contents[5]) };
    assert_eq!((problem.code.as_str(), problem.path.as_deref()), ("SK0090", Some("line 5")));
    assert!(!format!("{problem:?}").contains("Scheck"), "{problem:?}");
}

#[test]
fn a_closing_report_is_a_close_with_its_figures() {
    let contents = decode(&receipts(TEMPLATE), &printed());
    let Content::Event(draft) = &contents[6] else { panic!("{:?}", contents[6]) };
    let Body::Till(till) = &draft.body else { panic!("{draft:?}") };
    let z = till.z.as_ref().unwrap();
    assert_eq!(
        (till.kind, z.number, z.gross.unwrap().minor()),
        (TillKind::Close, Some(311), 12_345)
    );
    assert_eq!(
        z.tenders.iter().map(|t| t.money_in.unwrap().minor()).collect::<Vec<_>>(),
        [10_000, 2_345]
    );
}

#[test]
fn the_handbook_shows_the_template_that_this_test_runs() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/handbook/printer.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(TEMPLATE.trim_end()), "copy testdata/template.toml into it");
}

/// A template for the recorded receipts of `receipt-with-logo.bin`.
const EXAMPLE_MART: &str = r#"
    profile = "example-mart@1"
    currency = "USD"
    zone = "Australia/Sydney"
    time_format = "%d %B %Y %I:%M:%S %p"
    training = "never_printed"
    receipt_number = "from_time"
    tax_included = false
    [tenders]
    [[line]]
    match = '^Shop No\. (?<register>\d+)\.$'
    [[line]]
    match = '^\w+ (?<when_day>\d+)(?:st|nd|rd|th) of (?<when_month>\w+) (?<when_year>\d{4}) (?<when_time>\d\d:\d\d:\d\d [AP]M)$'
    [[line]]
    is = "ignore"
    match = '^Subtotal'
    [[line]]
    is = "total"
    match = '^ ?Total\s+\$ (?<amount>[\d.]+)$'
    [[line]]
    is = "tax"
    match = '^(?<code>A local tax)\s+(?<amount>[\d.]+)$'
    [[line]]
    is = "item"
    match = '^(?<description>\S.*?)\s{2,}(?<amount>[\d.]+)$'
"#;

fn sample(name: &str) -> Option<Vec<u8>> {
    let folder = needs::samples()?.join("pos/escpos");
    Some(fs::read(folder.join(name)).unwrap())
}

#[test]
fn the_recorded_receipt_is_taken_with_the_totals_printed_in_it() {
    for name in ["receipt-with-logo.bin", "escpos-tools_receipt-with-logo.bin"] {
        let Some(bytes) = sample(name) else { return };
        let contents = decode(&receipts(EXAMPLE_MART), &bytes);
        assert_eq!(contents.len(), 1);
        let sale = transaction(&contents[0]);
        assert_eq!((sale.signed_total().minor, sale.taxes[0].amount.minor()), (1_425, 130));
        let lines: Vec<_> = sale.lines.iter().map(|line| line.total.minor()).collect();
        assert_eq!(lines, [400, 350, 100, 445]);
        assert_eq!((sale.register.as_str(), sale.receipt.as_str()), ("42", "145625"));
        assert_eq!(sale.business_date.to_string(), "2015-04-06");
        assert_eq!(balance::unbalanced(sale), [Equation::Tender], "it prints no tender");
    }
}

#[test]
fn recorded_bytes_that_are_no_receipt_are_refused_with_the_reason() {
    for (name, slips) in [("demo.bin", 14), ("character-encodings.bin", 1)] {
        let Some(bytes) = sample(name) else { return };
        let contents = decode(&receipts(EXAMPLE_MART), &bytes);
        assert_eq!(contents.len(), slips, "{name}");
        for content in contents {
            let Content::Refused(problem) = content else { panic!("{content:?}") };
            assert_eq!(problem.code, "SK0090");
            let why = ["knows none of its", "as 1 pictures", "no time was found"];
            assert!(why.iter().any(|why| problem.detail.contains(why)), "{}", problem.detail);
        }
    }
}

#[test]
fn recorded_text_is_read_by_its_code_pages() {
    let Some(bytes) = sample("character-encodings.bin") else { return };
    let mut slips = Vec::new();
    let mut reader = Reader::new(escpos::pages::CharacterSettings::default());
    reader.feed(&bytes, &mut |slip| slips.push(slip));
    let text = slips[0].lines.join("\n");
    let expected = [
        "Quizdeltagerne spiste jordbær med fløde, mens cirkusklovnen",
        "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg.",
        "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
        "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, añoraba",
        "Le cœur déçu mais l'âme plutôt naïve, Louÿs rêva",
        "Árvíztűrő tükörfúrógép.",
        "Pchnąć w tę łódź jeża lub ośm skrzyń fig.",
        "В чащах юга жил бы цитрус? Да, но фальшивый экземпляр!",
        "ｲﾛﾊﾆﾎﾍﾄ ﾁﾘﾇﾙｦ ﾜｶﾖﾀﾚｿ ﾂﾈﾅﾗﾑ",
    ];
    for line in expected {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_spool_folder_holds_what_every_folder_holds() {
    let all = |slips: &[String]| -> Vec<u8> { slips.iter().flat_map(|slip| bytes(slip)).collect() };
    let whole = slips(&[0, 2, 6]);
    let sale = &whole[0];
    let mut changed = whole.clone();
    changed[0] = sale.replace("Pfand ", "Pfennig");
    conformance::run(&conformance::Case {
        decoder: Arc::new(receipts(TEMPLATE)),
        whole: (all(&whole), 3),
        changed: all(&changed),
        practice: all(&slips(&[4])),
        // It breaks off before its total: whether a mark would have followed nobody can tell.
        doubtful: bytes(&sale[..sale.find("\\x1bE").unwrap()]),
        unbalanced: bytes(&sale.replace("5,68", "5,67")),
        card: (bytes(&sale.replace("Pfand  ", conformance::CARD)), "411111******1111"),
    })
    .await;
}

fn settings(text: &str, template: &Path) -> Result<Box<dyn Input>, SettingsError> {
    let head = format!("store = \"0042\"\ntemplate = \"{}\"\n", template.display());
    from_settings(&toml::from_str(&(head + text)).unwrap())
}

#[test]
fn settings_name_one_way_and_stay_on_this_host_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.toml");
    write_private(&template, TEMPLATE.as_bytes()).unwrap();
    let key = |text: &str| settings(text, &template).err().and_then(|error| error.key);
    let proxy = "proxy = { printer = \"10.0.0.9:9100\" }";
    assert_eq!(key(proxy), None);
    assert_eq!(key("spool = { folder = \"/var/spool/receipts\" }"), None);
    assert_eq!(key("").as_deref(), Some("proxy"));
    assert_eq!(key(&format!("{proxy}\nspool = {{ folder = \"/x\" }}")).as_deref(), Some("proxy"));
    let open = "proxy = { listen = \"0.0.0.0:9100\", printer = \"10.0.0.9:9100\"";
    assert_eq!(key(&format!("{open} }}")).as_deref(), Some("proxy.listen"));
    assert_eq!(key(&format!("{open}, listen_beyond_loopback = true }}")), None);
    let input = settings(proxy, &template).unwrap();
    assert!(!input.can_rewind(), "what was printed cannot be read again");
    assert!(settings("spool = { folder = \"/x\" }", &template).unwrap().can_rewind());
}

#[test]
fn a_template_that_cannot_be_read_or_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = settings("", &folder.path().join("none.toml")).err().unwrap();
    assert_eq!(error.key.as_deref(), Some("template"));
    let template = folder.path().join("template.toml");
    let elsewhere = TEMPLATE.replace("Europe/Berlin", "Europe/Atlantis");
    write_private(&template, elsewhere.as_bytes()).unwrap();
    assert!(settings("", &template).err().unwrap().reason.contains("zone"));
}

#[test]
fn a_picture_becomes_a_png_of_its_dots() {
    let mut slips = Vec::new();
    let mut reader = Reader::new(escpos::pages::CharacterSettings::default());
    reader
        .feed(b"\x1dv0\x00\x02\x00\x02\x00\xf0\x0f\xaa\x55\x1dV\x00", &mut |slip| slips.push(slip));
    let file = png::file(&slips[0].pictures[0]).unwrap();
    assert_eq!(&file[..16], b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR");
    assert_eq!(&file[16..29], [0, 0, 0, 16, 0, 0, 0, 2, 1, 0, 0, 0, 0]);
    assert_eq!(&file[file.len() - 8..], [b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82]);
    let mut rows = Vec::new();
    let data = file.windows(4).position(|at| at == b"IDAT").unwrap() + 4;
    let mut decoder = flate2::read::ZlibDecoder::new(&file[data..]);
    std::io::Read::read_to_end(&mut decoder, &mut rows).unwrap();
    assert_eq!(rows, [0, 0x0F, 0xF0, 0, 0x55, 0xAA], "a printer's black is a PNG's zero");
}
