//! Claims about mappings: what is wrong with one is found before a file is read.

use super::*;

const MAPPING: &str = r#"
profile = "test@1"
training = "never"
[transaction]
store = "0042"
register = { column = "till" }
receipt = { column = "no" }
businessDate = { column = "day" }
completedAt = { column = "at" }
currency = "EUR"
total = { column = "total" }
[[row]]
[row.line]
kind = "item"
item.sku = { column = "sku" }
quantity = { column = "qty" }
direction = { sign_of = "qty" }
extended = { column = "amount" }
"#;

fn mapping(text: &str) -> Result<Mapping, MappingError> {
    Mapping::new(toml::from_str(text).unwrap())
}

fn refused(from: &str, to: &str) -> MappingError {
    assert!(MAPPING.contains(from), "{from}");
    mapping(&MAPPING.replacen(from, to, 1)).expect_err("this mapping is refused")
}

/// The event of one row, as JSON.
fn event(mapping: &Mapping, cells: &[(&str, &str)]) -> Result<serde_json::Value, Fault> {
    let columns = Arc::new(Columns::new(cells.iter().map(|(name, _)| (*name).to_owned())));
    let cells = cells.iter().map(|(_, cell)| (*cell).to_owned()).collect();
    let draft = mapping.document(&[Row { number: 7, columns, cells, kind: 0 }])?;
    Ok(serde_json::to_value(&draft.body).unwrap())
}

const SALE: [(&str, &str); 8] = [
    ("till", "2"),
    ("no", "187"),
    ("day", "2026-11-23"),
    ("at", "2026-11-23T17:04:11+01:00"),
    ("total", "4.47"),
    ("sku", "4711"),
    ("qty", "3"),
    ("amount", "4.47"),
];

fn sale_with(name: &str, cell: &'static str) -> Vec<(&'static str, &'static str)> {
    let with =
        |pair: (&'static str, &'static str)| if pair.0 == name { (pair.0, cell) } else { pair };
    SALE.into_iter().map(with).collect()
}

#[test]
fn a_field_that_the_model_has_not_is_refused_with_the_nearest_one() {
    let error = refused("item.sku", "item.skuu");
    assert_eq!(
        (error.at.as_str(), error.next.as_str()),
        ("row.1.line.item.skuu", "did you mean `item.sku`?")
    );
    let error = refused("quantity =", "extensions.quantity = \"1\"\nquantity =");
    assert_eq!(error.at, "row.1.line.extensions.quantity", "an extension has a prefix");
}

#[test]
fn what_the_model_needs_is_asked_for() {
    for (line, field) in [
        ("store = \"0042\"", "store"),
        ("businessDate = { column = \"day\" }", "businessDate"),
        ("completedAt = { column = \"at\" }", "completedAt"),
        ("total = { column = \"total\" }", "total"),
        ("quantity = { column = \"qty\" }", "quantity"),
        ("extended = { column = \"amount\" }", "total"),
    ] {
        assert_eq!(refused(line, "").reason, format!("`{field}` is needed"));
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (from, to, at) in [
        ("training = \"never\"", "training = \"perhaps\"", "training"),
        ("[transaction]", "[times]\nzone = \"Europe/Atlantis\"\n[transaction]", "times.zone"),
        ("{ column = \"sku\" }", "{ otherwise = \"a\", column = \"sku\" }", "row.1.line.item.sku"),
        ("{ column = \"sku\" }", "{ from = 0, column = \"sku\" }", "row.1.line.item.sku"),
        ("{ column = \"sku\" }", "{ join = \"-\" }", "row.1.line.item.sku"),
        ("{ column = \"sku\" }", "{ colum = \"sku\", join = \"-\" }", "row.1.line.item.sku"),
        ("{ column = \"amount\" }", "{ sum = \"rest\" }", "row.1.line.extended"),
        ("{ column = \"amount\" }", "{ sign_of = \"amount\" }", "row.1.line.extended"),
        (
            "{ column = \"day\" }",
            "{ column = \"day\", day_begins = \"4\" }",
            "transaction.businessDate",
        ),
        ("[[row]]", "[[row]]\nskip = \"nothing\"", "row.1"),
        ("[[row]]", "[[row]]\nends = true", "row.1"),
    ] {
        assert_eq!(refused(from, to).at, at, "{to}");
    }
}

#[test]
fn a_row_becomes_an_event_with_what_follows_from_it() {
    let event = event(&mapping(MAPPING).unwrap(), &SALE).unwrap();
    assert_eq!(event["kind"], "sale");
    assert_eq!(event["total"], serde_json::json!({ "amount": 447, "direction": "in" }));
    let line = &event["lines"][0];
    assert_eq!((&line["line"], &line["total"]), (&1.into(), &447.into()));
    assert_eq!(line["unitPrice"], "1.49");
    assert_eq!(event["profile"], "test@1");
}

#[test]
fn each_fault_names_row_and_column_and_no_card_number() {
    let mapping = mapping(MAPPING).unwrap();
    for (column, cell, said) in [
        ("qty", "three", "`three` is not a number"),
        ("qty", "", "`quantity` is needed"),
        ("amount", "4,47", "`4,47` is not a number"),
        ("amount", "4.4711", "`4.4711` has more places than EUR"),
        ("amount", "-4.47", "is negative, and nothing says what that means"),
        ("day", "23.11.2026", "`23.11.2026` is not written as"),
        ("no", "", "`receipt` is needed"),
        ("till", "a/b", "'/'"),
        ("amount", "4111111111111111", "beyond"),
        ("qty", "x4111111111111111", "`x411111**********`"),
    ] {
        let fault = event(&mapping, &sale_with(column, cell)).expect_err(cell);
        let problem = &fault.problem;
        assert_eq!((fault.row, fault.column.as_str()), (7, column), "{problem}");
        assert!(problem.detail.contains(said), "{cell}: {}", problem.detail);
        assert!(problem.next.is_some() && !problem.to_string().contains("4111111111"), "{problem}");
    }
}

#[test]
fn goods_that_come_back_make_a_return_whatever_signs_the_amounts_carry() {
    let mapping = mapping(MAPPING).unwrap();
    for amount in ["-1.49", "1.49"] {
        let mut row = sale_with("qty", "-1");
        for (name, cell) in [("amount", amount), ("total", "-1.49")] {
            let index = row.iter().position(|pair| pair.0 == name).unwrap();
            row[index].1 = cell;
        }
        let event = event(&mapping, &row).unwrap();
        assert_eq!(event["kind"], "return");
        assert_eq!(event["lines"][0]["direction"], "in");
        assert_eq!(event["lines"][0]["quantity"], "1");
        assert_eq!(event["total"]["direction"], "out");
    }
}

#[test]
fn a_mapping_can_say_what_a_cell_means() {
    let mapped = MAPPING
        .replace(
            "{ column = \"sku\" }",
            "{ column = \"sku\", from = 2, length = 3, strip_zeros = true }",
        )
        .replace(
            "currency = \"EUR\"",
            "currency = { column = \"total\", map = { \"4.47\" = \"JPY\" } }",
        )
        .replace("{ column = \"till\" }", "{ column = 1, omit = [\"2\"], empty = \"9\" }");
    let mapped = mapping(&mapped).unwrap();
    let fault = event(&mapped, &SALE).unwrap_err();
    assert!(fault.problem.detail.contains("more places than JPY"), "{}", fault.problem);
    let fault = event(&mapped, &sale_with("total", "5")).unwrap_err();
    assert_eq!(fault.problem.detail, "`5` is not in the map of `currency`");
    let whole = mapping(&MAPPING.replace(
        "{ column = \"sku\" }",
        "{ column = \"sku\", from = 2, length = 3, strip_zeros = true }",
    ));
    let event = event(&whole.unwrap(), &sale_with("sku", "A0071")).unwrap();
    assert_eq!(event["lines"][0]["item"]["sku"], "7");
}

#[test]
fn floating_point_is_taken_only_where_the_mapping_rounds() {
    let row = sale_with("amount", "4.470000000000001");
    assert!(event(&mapping(MAPPING).unwrap(), &row).is_err());
    let rounds =
        MAPPING.replace("[transaction]", "[numbers]\nrounding = \"half_up\"\n[transaction]");
    let rounds = mapping(&rounds).unwrap();
    assert_eq!(event(&rounds, &row).unwrap()["lines"][0]["total"], 447);
    let nothing = event(&rounds, &sale_with("amount", "-6.938893903907228e-17")).unwrap();
    assert_eq!(nothing["lines"][0]["total"], 0);
}

#[test]
fn the_whole_of_what_is_said_about_a_field_goes_with_it() {
    let more = MAPPING.replace(
        "quantity =",
        "item.description = \"a\\tb\"\nextensions.\"acme:aisle\" = { column = \"sku\" }\n\
         original.receipt = { column = \"no\" }\noriginal.businessDate = { column = \"day\" }\n\
         override.approver = { column = \"till\" }\nquantity =",
    );
    let event = event(&mapping(&more).unwrap(), &SALE).unwrap();
    let line = &event["lines"][0];
    assert_eq!(line["item"]["description"], "a b");
    assert_eq!(line["extensions"]["acme:aisle"], "4711");
    assert_eq!(line["original"]["register"], "2", "a receipt of the same register");
    assert_eq!(line.get("override"), None, "nobody approves what was not overridden");
}
