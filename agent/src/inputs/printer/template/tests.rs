//! Claims about templates: what they refuse, and what a receipt does not say.

use proptest::prelude::*;

use super::*;

const HEAD: &str = r#"
    profile = "t@1"
    currency = "EUR"
    zone = "Europe/Berlin"
    time_format = "%Y-%m-%d %H:%M"
    training = "never_printed"
    tenders = { "Cash" = "cash" }
"#;

const LINES: &str = r#"
    [[line]]
    match = '^No (?<receipt>\S+)'
    [[line]]
    match = '^At (?<when>.+)$'
    [[line]]
    match = '^Day (?<day>.+)$'
    [[line]]
    is = "void"
    match = '^VOID$'
    [[line]]
    is = "return"
    match = '^RETURN$'
    [[line]]
    is = "name"
    match = '^# (?<description>.+)$'
    [[line]]
    is = "total"
    match = '^Total (?<amount>\S+)$'
    [[line]]
    is = "rounding"
    match = '^Rounding (?<amount>\S+)$'
    [[line]]
    is = "basket_discount"
    match = '^Off (?<amount>\S+)$'
    [[line]]
    is = "tender"
    match = '^(?<name>Cash|Card) (?<amount>\S+)$'
    [[line]]
    is = "item"
    match = '^(?:(?<description>\S+) )?\$(?<amount>\S+)$'
"#;

fn template(head: &str) -> Template {
    Template::parse(&format!("{HEAD}{head}{LINES}")).unwrap()
}

fn read(head: &str, text: &str) -> Content {
    let till = Till {
        store: StoreId::new("0042").unwrap(),
        register: Some(RegisterId::new("2").unwrap()),
    };
    let slip = Slip { lines: text.lines().map(str::to_owned).collect(), ..Slip::default() };
    template(head).read(&till, &slip)
}

fn json(head: &str, text: &str) -> serde_json::Value {
    match read(head, text) {
        Content::Event(draft) => serde_json::to_value(&draft.body).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn why(text: &str) -> String {
    match read("", text) {
        Content::Refused(problem) => {
            assert_eq!(problem.code, "SK0090");
            problem.detail
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_receipt_does_not_say_is_named_and_not_made_up() {
    let whole = "No 1\nAt 2026-11-23 17:04\nTea $2.00\nTotal 2.00\nCash 2.00";
    assert!(matches!(read("", whole), Content::Event(_)));
    let cases = [
        ("No 1\n", "no number was found"),
        ("At 2026-11-23 17:04\n", "no time was found"),
        ("Total 2.00\n", "no total was found"),
    ];
    for (line, expected) in cases {
        assert!(why(&whole.replace(line, "")).contains(expected), "{line}");
    }
    assert!(why(&whole.replace("17:04", "5 o'clock")).contains("time_format"));
    assert!(why(&whole.replace("Total 2.00", "Total 2.001")).contains("more places"));
    assert!(why(&whole.replace("Total 2.00", "Total two")).contains("`amount` is no number"));
    assert!(why(&whole.replace("Cash", "Card")).contains("tender"));
    assert!(why("Menu of the day").contains("knows none of its 1 lines"));
    assert!(why("").contains("as 0 pictures"));
    assert!(
        why(&whole.replace("No 1", &format!("No {}", "1".repeat(70)))).contains("data.receipt")
    );
}

#[test]
fn a_till_that_prints_no_number_has_its_time_as_one() {
    let text = "At 2026-11-23 17:04\nTea $2.00\nTotal 2.00\nCash 2.00";
    assert_eq!(json("receipt_number = \"from_time\"", text)["receipt"], "170400");
}

#[test]
fn the_day_is_the_printed_one_or_the_one_that_began_before() {
    let text = "No 1\nAt 2026-11-24 02:10\nTotal 0.00";
    assert_eq!(json("", text)["businessDate"], "2026-11-24");
    assert_eq!(json("day_begins = \"04:00\"", text)["businessDate"], "2026-11-23");
    let printed = format!("{text}\nDay 22.11.2026");
    assert_eq!(json("day_format = \"%d.%m.%Y\"", &printed)["businessDate"], "2026-11-22");
}

#[test]
fn marks_turn_a_receipt_into_a_void_or_a_return() {
    let text = "No 1\nAt 2026-11-23 17:04\nTea $2.00\nTotal 2.00\nCash 2.00";
    let back = json("", &format!("RETURN\n{text}"));
    assert_eq!((&back["kind"], &back["total"]["direction"]), (&"return".into(), &"out".into()));
    assert_eq!(back["tenders"][0]["purpose"], "refund");
    assert_eq!(json("", &format!("VOID\n{}", text.replace("Total 2.00\n", "")))["kind"], "void");
}

#[test]
fn descriptions_stand_above_or_beside_their_amounts() {
    let text = "No 1\nAt 2026-11-23 17:04\n# Green tea\n$2.00\n$1.00\nTotal 3.00";
    let lines = json("", text)["lines"].clone();
    assert_eq!(lines[0]["item"]["description"], "Green tea");
    assert_eq!(lines[1].get("item"), None, "nothing names it");
}

#[test]
fn discounts_and_rounding_of_the_basket_stand_on_the_transaction() {
    let text = "No 1\nAt 2026-11-23 17:04\nTea $2.00\nOff 0.18\nRounding -0.02\nTotal 1.80";
    let body = json("", text);
    assert_eq!((&body["discounts"][0]["amount"], &body["rounding"]), (&18.into(), &(-2).into()));
}

#[test]
fn templates_that_cannot_work_are_refused_with_the_key() {
    let cases = [
        (r#"zone = "Europe/Berlin""#, r#"zone = "Mars""#, "zone"),
        (r#"training = "never_printed""#, r#"training = "marked""#, "training"),
        (r#"is = "total""#, r#"is = "ignore""#, "line 7"),
        ("(?<when>.+)", "(?<when>.+", "line 2"),
        ("(?<receipt>", "(?<number_of_it>", "line 1"),
        ("(?<name>Cash|Card) ", "(?:Cash|Card) ", "line 10"),
        (r#"currency = "EUR""#, r#"currency = "EUX""#, "template"),
        (r#"zone = "#, "code_pages = { 7 = \"cp1\" }\nzone = ", "code_pages.7"),
        (r#"zone = "#, "character_set = \"klingon\"\nzone = ", "character_set"),
        (r#"zone = "#, "day_begins = \"noon\"\nzone = ", "day_begins"),
    ];
    let whole = format!("{HEAD}{LINES}");
    for (from, to, key) in cases {
        assert!(whole.contains(from), "{from}");
        let error = Template::parse(&whole.replace(from, to)).unwrap_err();
        assert_eq!(error.key, key, "{error}");
    }
    let huge = format!("{whole}\n[[line]]\nmatch = '(?:\\w{{1000}}){{1000}}'");
    assert!(Template::parse(&huge).unwrap_err().reason.contains("no regular expression"));
}

#[test]
fn arbitrary_lines_are_read_without_panic() {
    let template = template("");
    let till = Till { store: StoreId::new("0042").unwrap(), register: None };
    let line = prop_oneof![
        "\\PC{0,40}",
        "(No|At|Day|Total|Off|Cash|Rounding|#|Tea) ?\\$?[-0-9.,: ]{0,30}",
    ];
    let lines = proptest::collection::vec(line, 0..30);
    proptest!(|(lines in lines)| {
        drop(template.read(&till, &Slip { lines, ..Slip::default() }));
    });
}
