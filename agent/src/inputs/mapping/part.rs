//! From one row to one part of a transaction: a line, a tender, a discount or a tax.
//!
//! Does not know what the other rows say.

use protocol::money::Currency;
use protocol::problem::{Code, Problem};
use serde_json::{Map, Value, json};

use super::convert::{Converter, Unfit, barcode_field};
use super::fields::{Holds, Part};
use super::rule::{CellRule, Rule, ValueRule};
use super::{Element, Fault, Row};
use crate::inputs::reading::shown;

/// A part of the transaction, and where it came from.
pub(super) struct Made<'a> {
    pub(super) row: u64,
    pub(super) rules: &'a [Rule],
    pub(super) fields: Map<String, Value>,
    /// Whether it goes the way that its part does not go by default.
    pub(super) flipped: bool,
    /// Whether its amount is what the other tenders leave.
    pub(super) takes_the_rest: bool,
}

/// Makes a part; none if the row says nothing of it. `line_flipped` is the way of the line that it
/// belongs to.
pub(super) fn made<'a>(
    element: &'a Element,
    row: &Row,
    converter: Converter<'_>,
    line_flipped: Option<bool>,
) -> Result<Option<Made<'a>>, Fault> {
    if !element.when.holds(|column| row.cell(column).map(str::to_owned)) {
        return Ok(None);
    }
    let part = element.part;
    let direction = direction(element, row, converter)?;
    let flipped = match (line_flipped, &direction) {
        (Some(flipped), _) => flipped,
        (None, Some(word)) => word != part.default_direction(),
        (None, None) => false,
    };
    let mut made = Made {
        row: row.number,
        rules: &element.rules,
        fields: Map::new(),
        flipped,
        takes_the_rest: false,
    };
    if let (None, Some(word)) = (line_flipped, direction) {
        set(&mut made.fields, "direction", word.into());
    }
    let is_void = is_void(element, row, converter)?;
    let converter = Converter { signs_are_said: flipped || is_void, ..converter };
    for rule in &element.rules {
        if let ValueRule::Sum(_) = rule.value {
            made.takes_the_rest = true;
            continue;
        }
        if rule.holds == Holds::Direction {
            continue;
        }
        let Some(text) = text(rule, row)? else { continue };
        let converter = for_field(converter, rule, &made.fields);
        let value = converter.value(rule.holds, rule.cells(), &text);
        let value = value.map_err(|unfit| fault(row.number, rule, unfit))?;
        let field = match rule.holds {
            Holds::Gtin => barcode_field(&text),
            _ => &rule.field,
        };
        set(&mut made.fields, field, value);
    }
    is_said(element, &made, row).map(|said| said.then_some(made))
}

/// Whether a row says enough for a part: a line has to be whole, what has no amount is none.
fn is_said(element: &Element, made: &Made<'_>, row: &Row) -> Result<bool, Fault> {
    let lacks = |field: &&&str| !made.fields.contains_key(**field);
    if element.part == Part::Line {
        return match element.part.required().iter().find(lacks) {
            None => Ok(true),
            Some(field) => {
                let rule = element.rules.iter().find(|rule| rule.field == **field);
                Err(missing(rule.expect("required fields are there"), std::slice::from_ref(row)))
            }
        };
    }
    if made.takes_the_rest {
        return Ok(true);
    }
    Ok(match made.fields.get("amount").and_then(Value::as_i64) {
        None => false,
        Some(0) => element.part == Part::Tax,
        Some(_) => true,
    })
}

fn direction(
    element: &Element,
    row: &Row,
    converter: Converter<'_>,
) -> Result<Option<String>, Fault> {
    let rule = element.rules.iter().find(|rule| rule.holds == Holds::Direction);
    let Some(rule) = rule else { return Ok(None) };
    let ValueRule::SignOf(column) = &rule.value else { return text(rule, row) };
    let Some(cell) = row.cell(column) else { return Ok(None) };
    let as_it_stands = CellRule::default();
    let value = converter.decimal(Some(&as_it_stands), cell, true);
    let value = value.map_err(|unfit| fault(row.number, rule, unfit))?;
    let default = element.part.default_direction();
    let is_negative = value.is_sign_negative() && !value.is_zero();
    let word = match (is_negative, default) {
        (false, word) => word,
        (true, "in") => "out",
        (true, _) => "in",
    };
    Ok(Some(word.to_owned()))
}

fn is_void(element: &Element, row: &Row, converter: Converter<'_>) -> Result<bool, Fault> {
    let rule = element.rules.iter().find(|rule| rule.field == "void");
    let Some(rule) = rule else { return Ok(false) };
    let Some(text) = text(rule, row)? else { return Ok(false) };
    let value = converter.value(rule.holds, rule.cells(), &text);
    Ok(value.map_err(|unfit| fault(row.number, rule, unfit))? == Value::Bool(true))
}

/// An amount in another currency has that currency's places.
fn for_field<'a>(
    converter: Converter<'a>,
    rule: &Rule,
    fields: &Map<String, Value>,
) -> Converter<'a> {
    if rule.holds != Holds::ForeignAmount {
        return converter;
    }
    let code = fields.get("foreign").and_then(|foreign| foreign.get("currency")?.as_str());
    let currency = code.and_then(|code| code.parse::<Currency>().ok());
    Converter { currency: currency.unwrap_or(converter.currency), ..converter }
}

/// The text that the first row gives which says something, and that row.
pub(super) fn first(rule: &Rule, rows: &[Row]) -> Result<Option<(u64, String)>, Fault> {
    if let ValueRule::Constant(text) = &rule.value {
        return Ok(Some((rows.first().map_or(0, |row| row.number), text.clone())));
    }
    for row in rows {
        let has_columns = rule.columns().all(|column| row.columns.index(column).is_some());
        if has_columns && let Some(text) = text(rule, row)? {
            return Ok(Some((row.number, text)));
        }
    }
    Ok(None)
}

pub(super) fn text(rule: &Rule, row: &Row) -> Result<Option<String>, Fault> {
    match &rule.value {
        ValueRule::Constant(text) => Ok(Some(text.clone())),
        ValueRule::Cells(cells) => cells.text(row).map_err(|unmapped| {
            let detail = format!("`{}` is not in the map of `{}`", shown(&unmapped.0), rule.field);
            let next = "add what it means to `map`, or say `otherwise`";
            fault(row.number, rule, Unfit::new(detail, next))
        }),
        ValueRule::SignOf(_) | ValueRule::Sum(_) => Ok(None),
    }
}

/// Sets a field, and the objects that it stands in. The name of an extension is one name.
pub(super) fn set(map: &mut Map<String, Value>, field: &str, value: Value) {
    match field.split_once('.') {
        None => {
            map.insert(field.to_owned(), value);
        }
        Some(("extensions", name)) => {
            let inner = map.entry("extensions").or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                inner.insert(name.to_owned(), value);
            }
        }
        Some((head, rest)) => {
            let inner = map.entry(head).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                set(inner, rest, value);
            }
        }
    }
}

pub(super) fn fault(row: u64, rule: &Rule, unfit: Unfit) -> Fault {
    let problem = Problem::new(Code::UnreadableDocument, unfit.detail).at(rule.field.clone());
    Fault { row, column: rule.columns_shown(), problem: problem.next(unfit.next) }
}

pub(super) fn missing(rule: &Rule, rows: &[Row]) -> Fault {
    let detail = format!("`{}` is needed, and the source says nothing of it", rule.field);
    let next = "see whether the column is the right one; `empty` in the mapping says what an \
                empty cell means";
    fault(rows.first().map_or(0, |row| row.number), rule, Unfit::new(detail, next))
}
