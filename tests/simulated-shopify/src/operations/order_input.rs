//! Reads the parts of an `OrderCreateOrderInput` that was checked against the schema, and adds
//! them up.
//!
//! README, R27 to R30 and R36. Refuses nothing: `order_create` has looked at the rules before.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::ids::{Gid, Kind};
use crate::money::{Amount, decimal};
use crate::records::{
    Attribute, Discount, Line, Metafield, Numbers, ShippingLine, TaxLine, Totals,
};
use crate::state::{State, namespace};

/// A list of the input; empty if it is absent.
pub(super) fn list<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    input.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// A text of the input.
pub(super) fn text(input: &Value, name: &str) -> Option<String> {
    input.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A flag of the input; false if it is absent.
pub(super) fn flag(input: &Value, name: &str) -> bool {
    input.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// An identifier of the input.
pub(super) fn gid(input: &Value, name: &str) -> Option<Gid> {
    input.get(name).and_then(Value::as_str)?.parse().ok()
}

pub(super) fn attributes(input: &Value, list_name: &str, key: &str) -> Vec<Attribute> {
    list(input, list_name)
        .iter()
        .filter_map(|item| Some(Attribute { key: text(item, key)?, value: text(item, "value")? }))
        .collect()
}

pub(super) fn lines(state: &mut State, order: &Value, taxes_included: bool) -> Vec<Line> {
    list(order, "lineItems")
        .iter()
        .map(|input| {
            let id = state.numbers.next(Kind::LineItem);
            let variant = gid(input, "variantId").and_then(|id| state.variant(id));
            let stated = input.get("priceSet").filter(|price| !price.is_null());
            let price = match (stated, variant) {
                (Some(price), _) => Amount::from_input(price),
                (None, Some(variant)) => Amount::same(variant.price.parse().unwrap_or_default()),
                (None, None) => Amount::default(),
            };
            let quantity = input.get("quantity").and_then(Value::as_i64).unwrap_or(0);
            let total = price.times(Decimal::from(quantity));
            Line {
                id,
                variant: variant.map(|variant| variant.gid()),
                title: text(input, "title")
                    .or_else(|| variant.map(|variant| variant.title.clone()))
                    .unwrap_or_default(),
                sku: text(input, "sku").or_else(|| variant?.sku.clone()),
                vendor: text(input, "vendor"),
                quantity,
                price,
                taxable: flag(input, "taxable"),
                requires_shipping: flag(input, "requiresShipping"),
                tax_lines: tax_lines(input, total, taxes_included),
                properties: attributes(input, "properties", "name"),
                refunded: 0,
            }
        })
        .collect()
}

/// The taxes on a part of the order. A tax without an amount is reckoned from its rate (README,
/// R29).
pub(super) fn tax_lines(input: &Value, base: Amount, taxes_included: bool) -> Vec<TaxLine> {
    list(input, "taxLines")
        .iter()
        .map(|input| {
            let rate = input.get("rate").and_then(decimal).unwrap_or_default();
            let amount = match input.get("priceSet").filter(|price| !price.is_null()) {
                Some(price) => Amount::from_input(price),
                None if taxes_included => base.share(rate, Decimal::ONE + rate),
                None => base.share(rate, Decimal::ONE),
            };
            TaxLine { title: text(input, "title").unwrap_or_default(), rate, amount }
        })
        .collect()
}

/// Splits the taxes of the order across its taxable lines, by what each line costs, the rest on the
/// last (README, R27). Gives back what no line can take.
pub(super) fn split_over_lines(lines: &mut [Line], taxes: Vec<TaxLine>) -> Vec<TaxLine> {
    let mut taxable: Vec<&mut Line> = lines.iter_mut().filter(|line| line.taxable).collect();
    let base: Amount = taxable.iter().map(|line| line.original_total()).sum();
    let Some((last, others)) = taxable.split_last_mut() else {
        return taxes;
    };
    for tax in taxes {
        let mut rest = tax.amount;
        for line in others.iter_mut() {
            let part = tax.amount.share(line.original_total().shop, base.shop);
            rest = rest - part;
            line.tax_lines.push(TaxLine { amount: part, ..tax.clone() });
        }
        last.tax_lines.push(TaxLine { amount: rest, ..tax });
    }
    Vec::new()
}

pub(super) fn shipping_lines(order: &Value, taxes_included: bool) -> Vec<ShippingLine> {
    list(order, "shippingLines")
        .iter()
        .zip(1..)
        .map(|(input, number)| {
            let price = input.get("priceSet").map(Amount::from_input).unwrap_or_default();
            ShippingLine {
                number,
                title: text(input, "title").unwrap_or_default(),
                code: text(input, "code"),
                source: text(input, "source"),
                price,
                tax_lines: tax_lines(input, price, taxes_included),
            }
        })
        .collect()
}

/// The discount code with what it takes off: a fixed amount, a percentage of the lines, or all of
/// the shipping (README, R30).
pub(super) fn discount(order: &Value, lines: Amount, shipping: Amount) -> Option<Discount> {
    let input = order.get("discountCode").filter(|input| !input.is_null())?;
    let given = |name: &str| input.get(name).filter(|kind| !kind.is_null());
    let (kind, amount) = if let Some(fixed) = given("itemFixedDiscountCode") {
        let stated = fixed.get("amountSet").map(Amount::from_input).unwrap_or_default();
        let most = |stated: Decimal, lines: Decimal| stated.min(lines);
        (
            fixed,
            Amount {
                shop: most(stated.shop, lines.shop),
                presentment: most(stated.presentment, lines.presentment),
            },
        )
    } else if let Some(percentage) = given("itemPercentageDiscountCode") {
        let percent = percentage.get("percentage").and_then(decimal).unwrap_or_default();
        (percentage, lines.share(percent, Decimal::ONE_HUNDRED))
    } else {
        (given("freeShippingDiscountCode")?, shipping)
    };
    Some(Discount { code: text(kind, "code").unwrap_or_default(), amount })
}

/// The sums. A tax that is included is no part of what is added to the total.
pub(super) fn totals(
    lines: &[Line],
    order_taxes: &[TaxLine],
    shipping_lines: &[ShippingLine],
    discount: Option<&Discount>,
    free_shipping: bool,
    taxes_included: bool,
) -> Totals {
    let original: Amount = lines.iter().map(Line::original_total).sum();
    let shipping: Amount = shipping_lines.iter().map(|line| line.price).sum();
    let discounts = discount.map(|discount| discount.amount).unwrap_or_default();
    let shipping_taxes = shipping_lines.iter().flat_map(|line| &line.tax_lines);
    let tax: Amount = lines
        .iter()
        .flat_map(|line| &line.tax_lines)
        .chain(shipping_taxes)
        .chain(order_taxes)
        .map(|tax| tax.amount)
        .sum();
    let (subtotal, shipping) = if free_shipping {
        (original, (shipping - discounts).floored())
    } else {
        ((original - discounts).floored(), shipping)
    };
    let before_tax = subtotal + shipping;
    let total = if taxes_included { before_tax } else { before_tax + tax };
    Totals { subtotal, shipping, tax, discounts, total }
}

/// The metafields. The type is the definition's; without a definition it was stated (README, R38).
pub(super) fn metafields(state: &mut State, order: &Value) -> Vec<Metafield> {
    list(order, "metafields")
        .iter()
        .map(|input| {
            let namespace = namespace(input.get("namespace").and_then(Value::as_str));
            let key = text(input, "key").unwrap_or_default();
            let defined = state.definition("ORDER", &namespace, &key);
            let kind = match defined {
                Some(definition) => definition.kind.clone(),
                None => text(input, "type").unwrap_or_default(),
            };
            let value = text(input, "value").unwrap_or_default();
            let id = Numbers::next(&mut state.numbers, Kind::Metafield);
            Metafield { id, namespace, key, kind, value }
        })
        .collect()
}
