//! Money in and out of text, and the bounds of amounts.

use super::*;

fn currency(code: &str) -> Currency {
    Currency::new(code).unwrap()
}

#[test]
fn each_currency_has_its_own_number_of_places() {
    assert_eq!(Money::new(545, currency("EUR")).decimal(), "5.45");
    assert_eq!(Money::new(-2, currency("EUR")).decimal(), "-0.02");
    assert_eq!(Money::new(1200, currency("JPY")).decimal(), "1200");
    assert_eq!(Money::new(1, currency("KWD")).decimal(), "0.001");
    assert_eq!(Money::new(i64::MIN, currency("EUR")).decimal(), "-92233720368547758.08");
}

#[test]
fn a_decimal_text_reads_back_exactly_or_not_at_all() {
    let eur = currency("EUR");
    for minor in [0, 1, 99, 100, 545, -545, 99_999_999] {
        let money = Money::new(minor, eur);
        assert_eq!(Money::from_decimal(&money.decimal(), eur), Ok(money));
    }
    assert_eq!(Money::from_decimal("5.4500", eur), Ok(Money::new(545, eur)));
    assert!(Money::from_decimal("5.451", eur).is_err());
    assert!(Money::from_decimal("a", eur).is_err());
    assert!(Money::from_decimal("92233720368547758.08", eur).is_err());
}

#[test]
fn an_unknown_currency_and_one_without_minor_units_are_refused() {
    for code in ["XXX", "BKU", "eur", "", "EURO", "XAU"] {
        assert!(Currency::new(code).is_err(), "{code}");
    }
}

#[test]
fn a_negative_or_oversized_amount_is_refused() {
    assert_eq!(Amount::new(-1), Err(MoneyError::Negative(-1)));
    assert!(Amount::new(AMOUNT_MAX + 1).is_err());
    assert!(serde_json::from_str::<Amount>("1.0").is_err());
    assert!(serde_json::from_str::<Amount>("99999999999999999999").is_err());
}
