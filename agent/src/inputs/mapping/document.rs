//! From the rows of one receipt to an event.
//!
//! Every fault names its row and its column. Fills nothing in: [`super::derive`] does.

use protocol::envelope::{Draft, EventError};
use protocol::event::EventType;
use protocol::money::Currency;
use protocol::problem::{Code, Problem};
use serde_json::{Map, Value, json};

use super::convert::{Converter, Unfit};
use super::fields::Part;
use super::part::{Made, fault, first, made, missing, set, text};
use super::rule::{Rule, ValueRule};
use super::settings::Sum;
use super::{Element, Fault, Mapping, Row, Training};
use crate::inputs::reading::shown;

/// A receipt that is being put together.
pub(super) struct Receipt<'a> {
    pub(super) body: Map<String, Value>,
    pub(super) lines: Vec<Made<'a>>,
    pub(super) tenders: Vec<Made<'a>>,
    pub(super) discounts: Vec<Made<'a>>,
    pub(super) taxes: Vec<Made<'a>>,
    /// The total as stated, signed.
    pub(super) total: Option<i64>,
    pub(super) total_sum: Option<Sum>,
    pub(super) currency: Currency,
}

impl Mapping {
    /// The event that the rows of one receipt are.
    ///
    /// # Errors
    /// A cell is not what the mapping says, or what comes out breaks a rule of the model.
    pub fn document(&self, rows: &[Row]) -> Result<Draft, Fault> {
        let currency = self.currency(rows)?;
        let converter = Converter { mapping: self, currency, signs_are_said: false };
        let mut receipt = Receipt {
            body: Map::new(),
            lines: Vec::new(),
            tenders: Vec::new(),
            discounts: Vec::new(),
            taxes: Vec::new(),
            total: None,
            total_sum: None,
            currency,
        };
        self.transaction_fields(&mut receipt, rows, converter)?;
        for row in rows {
            self.row(&mut receipt, row, converter)?;
        }
        super::derive::complete(&mut receipt, rows)?;
        receipt.read(self, rows)
    }

    fn currency(&self, rows: &[Row]) -> Result<Currency, Fault> {
        let rule = self.transaction.iter().find(|rule| rule.field == "currency");
        let rule = rule.expect("a mapping without currency is refused when it is built");
        let (row, code) = first(rule, rows)?.ok_or_else(|| missing(rule, rows))?;
        code.parse().map_err(|error: protocol::money::MoneyError| {
            let next = "name an ISO 4217 code such as `EUR`; `map` translates the source's own";
            fault(row, rule, Unfit::new(shown(&error.to_string()), next))
        })
    }

    fn transaction_fields(
        &self,
        receipt: &mut Receipt<'_>,
        rows: &[Row],
        converter: Converter<'_>,
    ) -> Result<(), Fault> {
        receipt.body.insert("profile".to_owned(), self.profile.clone().into());
        if self.is_training(rows)? {
            flag(&mut receipt.body, "training");
        }
        for rule in &self.transaction {
            if let ValueRule::Sum(sum) = rule.value {
                receipt.total_sum = Some(sum);
                continue;
            }
            let Some((row, text)) = first(rule, rows)? else { continue };
            let cells = rule.cells();
            let unfit = |unfit| fault(row, rule, unfit);
            match (rule.field.as_str(), rule.field.split_once('.')) {
                ("total", _) => {
                    receipt.total = Some(converter.signed(cells, &text).map_err(unfit)?);
                }
                (_, Some(("flags", name))) => {
                    let value = converter.value(rule.holds, cells, &text).map_err(unfit)?;
                    if value == Value::Bool(true) {
                        flag(&mut receipt.body, name);
                    }
                }
                (field, _) => {
                    let value = converter.value(rule.holds, cells, &text).map_err(unfit)?;
                    set(&mut receipt.body, field, value);
                }
            }
        }
        for field in Part::Transaction.required() {
            if !receipt.body.contains_key(*field) {
                let rule = self.transaction.iter().find(|rule| rule.field == *field);
                let rule = rule.expect("a mapping without a required field is refused");
                return Err(missing(rule, rows));
            }
        }
        Ok(())
    }

    /// Whether the receipt is practice. What the mapping does not know is neither: it is refused,
    /// so that practice never becomes turnover.
    fn is_training(&self, rows: &[Row]) -> Result<bool, Fault> {
        let Training::Column { column, yes, no } = &self.training else { return Ok(false) };
        let with_column = rows.iter().filter(|row| row.columns.index(column).is_some());
        let mut stated = with_column.filter_map(|row| Some((row, row.cell(column)?)));
        let (row, cell) = match stated.next() {
            Some((row, cell)) => (row.number, cell),
            None => (rows.first().map_or(0, |row| row.number), ""),
        };
        let holds = |values: &[String]| values.iter().any(|value| value == cell);
        match (holds(yes), holds(no)) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => {
                let detail = format!("`{}` tells neither practice nor sale", shown(cell));
                let next = "add it to `yes` or `no` under `training` in the mapping";
                let problem = Problem::new(Code::PracticeUnknown, detail).next(next);
                Err(Fault { row, column: column.to_string(), problem })
            }
        }
    }

    fn row<'a>(
        &'a self,
        receipt: &mut Receipt<'a>,
        row: &Row,
        converter: Converter<'_>,
    ) -> Result<(), Fault> {
        let Some(kind) = self.kinds.get(row.kind) else { return Ok(()) };
        if let Some(rules) = &kind.line
            && let Some(mut line) = made(&rules.element, row, converter, None)?
        {
            let flipped = Some(line.flipped);
            for (name, elements) in [("discounts", &rules.discounts), ("taxes", &rules.taxes)] {
                let mut list = Vec::new();
                for element in elements {
                    let part = made(element, row, converter, flipped)?;
                    list.extend(part.map(|part| Value::Object(part.fields)));
                }
                if !list.is_empty() {
                    line.fields.insert(name.to_owned(), list.into());
                }
            }
            receipt.lines.push(line);
        }
        for element in &kind.tenders {
            receipt.tenders.extend(made(element, row, converter, None)?);
        }
        for element in kind.discounts.iter().chain(&kind.taxes) {
            match element.of_line {
                true => of_line(receipt, element, row, converter)?,
                false => {
                    let part = made(element, row, converter, None)?;
                    match element.part {
                        Part::Tax => receipt.taxes.extend(part),
                        _ => receipt.discounts.extend(part),
                    }
                }
            }
        }
        Ok(())
    }
}

/// A discount or tax in a row of its own that belongs to a line: the one that it names, or the last.
fn of_line(
    receipt: &mut Receipt<'_>,
    element: &Element,
    row: &Row,
    converter: Converter<'_>,
) -> Result<(), Fault> {
    let mut named = None;
    if let Some(rule) = element.rules.iter().find(|rule| rule.field == "line")
        && let Some(text) = text(rule, row)?
    {
        let value = converter.value(rule.holds, rule.cells(), &text);
        named = Some(value.map_err(|unfit| fault(row.number, rule, unfit))?);
    }
    let line = match &named {
        Some(number) => {
            let is_it = |line: &&mut Made<'_>| line.fields.get("line") == Some(number);
            receipt.lines.iter_mut().rev().find(is_it)
        }
        None => receipt.lines.last_mut(),
    };
    let Some(line) = line else {
        let detail = "the line that this row belongs to does not stand before it";
        let next = "see `line` in the mapping, or say `of = \"transaction\"`";
        let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
        return Err(Fault { row: row.number, column: String::new(), problem });
    };
    let Some(mut part) = made(element, row, converter, Some(line.flipped))? else { return Ok(()) };
    part.fields.remove("line");
    let list = line.fields.entry(element.part.name()).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(Value::Object(part.fields));
    }
    Ok(())
}

fn flag(body: &mut Map<String, Value>, name: &str) {
    let flags = body.entry("flags").or_insert_with(|| json!([]));
    if let Some(flags) = flags.as_array_mut() {
        flags.push(name.into());
    }
}

impl Receipt<'_> {
    /// Reads the receipt as the canonical reader reads every event.
    fn read(mut self, mapping: &Mapping, rows: &[Row]) -> Result<Draft, Fault> {
        let lists = [
            ("lines", &mut self.lines),
            ("tenders", &mut self.tenders),
            ("discounts", &mut self.discounts),
            ("taxes", &mut self.taxes),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                let fields = list.iter_mut().map(|made| std::mem::take(&mut made.fields));
                let fields: Vec<_> = fields.map(Value::Object).collect();
                self.body.insert(name.to_owned(), fields.into());
            }
        }
        let body = std::mem::take(&mut self.body);
        let event = json!({ "type": EventType::Transaction.as_str(), "data": body });
        Draft::parse(event.to_string().as_bytes())
            .map_err(|error| self.locate(&error, mapping, rows))
    }

    /// The row and the column from which the field came that the reader refused.
    fn locate(&self, error: &EventError, mapping: &Mapping, rows: &[Row]) -> Fault {
        let mut problem = error.problem();
        problem.detail = shown(&problem.detail);
        problem.next = Some("see the column, or its rule in the mapping".to_owned());
        let path = problem.path.clone().unwrap_or_default();
        let path = path.strip_prefix("data.").unwrap_or(&path);
        let first = (rows.first().map_or(0, |row| row.number), mapping.transaction.as_slice());
        let ((row, rules), field) = match path.split_once('[') {
            None => (first, path),
            Some((list, rest)) => {
                let (index, field) = rest.split_once(']').unwrap_or((rest, ""));
                let list = match list {
                    "lines" => &self.lines,
                    "tenders" => &self.tenders,
                    "discounts" => &self.discounts,
                    _ => &self.taxes,
                };
                let made = index.parse().ok().and_then(|index: usize| list.get(index));
                let found = made.map_or(first, |made| (made.row, made.rules));
                (found, field.trim_start_matches('.'))
            }
        };
        let rule = rules.iter().find(|rule| rule.field == field);
        let column = rule.map(Rule::columns_shown).filter(|columns| !columns.is_empty());
        Fault { row, column: column.unwrap_or_else(|| field.to_owned()), problem }
    }
}
