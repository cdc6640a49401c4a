//! Stock that changes other than by a sale, as Stock Entry; counts, as Stock Reconciliation.
//!
//! ERPNext's quantities are not negative: what is added stands apart from what is taken. A count
//! stands at the moment of counting; the ledger is kept in the order of these moments, so later
//! movements come on top by themselves, in whatever order they arrive. Does not look items up.

use std::collections::BTreeMap;

use protocol::event::stock::StockLine;
use protocol::event::{StockDocument, StockKind};
use protocol::time::OffsetTime;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::amounts::number;
use super::expected::{Content, Expected, Moved};
use super::goods::within_places;
use super::moment::Moment;
use super::{Action, Document, Unfit, key_text, stock_remarks};
use crate::connectors::erpnext::config::{Settings, Store};
use crate::connectors::{Call, ExceptionClass};

/// Rows of one document: ERPNext itself hands longer ones to a background job, whose end nobody
/// would see.
const ROWS_MAX: usize = 100;

/// What one stock entry does.
pub(super) struct EntryPart<'a> {
    /// Whether stock is added.
    adds: bool,
    lines: Vec<&'a StockLine>,
}

/// The stock entries of a document: first those that add.
pub(super) fn entry_parts(document: &StockDocument) -> Vec<EntryPart<'_>> {
    let mut parts = Vec::new();
    for adds in [true, false] {
        let lines: Vec<&StockLine> = document
            .lines
            .iter()
            .filter(|line| {
                let change = line.change.unwrap_or_default().value();
                !change.is_zero() && change.is_sign_positive() == adds
            })
            .collect();
        let chunks = lines.chunks(ROWS_MAX);
        parts.extend(chunks.map(|lines| EntryPart { adds, lines: lines.to_vec() }));
    }
    parts
}

/// The stock reconciliations of a count: by the moment of counting, in the order of the lines.
pub(super) fn count_parts(document: &StockDocument) -> Vec<(OffsetTime, Vec<&StockLine>)> {
    let mut moments: Vec<(OffsetTime, Vec<&StockLine>)> = Vec::new();
    for line in document.lines.iter() {
        let at = line.counted_at.unwrap_or(document.occurred_at);
        match moments.iter_mut().find(|(known, _)| *known == at) {
            Some((_, lines)) => lines.push(line),
            None => moments.push((at, vec![line])),
        }
    }
    let parts = moments.into_iter().flat_map(|(at, lines)| {
        let chunks: Vec<_> = lines.chunks(ROWS_MAX).map(|lines| (at, lines.to_vec())).collect();
        chunks
    });
    parts.collect()
}

/// The Stock Entry of a call.
pub(super) fn entry(
    call: &Call,
    document: &StockDocument,
    settings: &Settings,
) -> Result<Document, Unfit> {
    let part = nth(entry_parts(document), call)?;
    let place = place(document, settings)?;
    let is_transfer = matches!(document.kind, StockKind::TransferOut | StockKind::TransferIn);
    let transit = settings.transit_warehouse.as_deref().filter(|_| is_transfer);
    let here = place.warehouse.as_str();
    let (source, target) = if part.adds { (transit, Some(here)) } else { (Some(here), transit) };
    let kind = match (source, target) {
        (Some(_), Some(_)) => "Material Transfer",
        (None, _) => "Material Receipt",
        (_, None) => "Material Issue",
    };
    let mut rows = Vec::new();
    let mut moved = Vec::new();
    for line in &part.lines {
        let row = moved_row(line, line.change.unwrap_or_default().value().abs(), settings)?;
        let mut body = json!({
            "item_code": row.item, "qty": number(&row.quantity.to_string()),
            "s_warehouse": source, "t_warehouse": target,
        });
        if let Some(cost) = line.cost.filter(|_| kind == "Material Receipt") {
            body["basic_rate"] = number(&cost.to_string());
        }
        if let Some(account) = settings.stock_accounts.get(&document.kind) {
            body["expense_account"] = account.as_str().into();
        }
        if let Some(center) = &place.cost_center {
            body["cost_center"] = center.as_str().into();
        }
        rows.push(body);
        moved.push(row);
    }
    let moment = Moment::of_trading_day(document.business_date, call.event.time);
    let mut body = head(call, settings, moment);
    body.insert("stock_entry_type".to_owned(), kind.into());
    let remarks = stock_remarks(document, &call.event.natural_key());
    body.insert("remarks".to_owned(), remarks.into());
    body.insert("items".to_owned(), Value::Array(rows));
    Ok(Document {
        doctype: Action::StockEntry.doctype(),
        body: Value::Object(body),
        expected: Expected { moment, content: Content::Entry(moved) },
    })
}

/// The Stock Reconciliation of a call.
pub(super) fn count(
    call: &Call,
    document: &StockDocument,
    settings: &Settings,
) -> Result<Document, Unfit> {
    let (at, lines) = nth(count_parts(document), call)?;
    let place = place(document, settings)?;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut rows = Vec::new();
    let mut moved = Vec::new();
    for line in lines {
        let row = moved_row(line, line.counted.unwrap_or_default().value(), settings)?;
        if let Some(before) = seen.insert(row.item.clone(), line.line) {
            let reason = format!(
                "lines {before} and {} count {} twice: count it again in one line",
                line.line, row.item
            );
            return Err((ExceptionClass::Rejected, reason));
        }
        rows.push(json!({
            "item_code": row.item, "warehouse": place.warehouse,
            "qty": number(&row.quantity.to_string()),
        }));
        moved.push(row);
    }
    let moment = Moment::on_the_clock(at);
    let mut body = head(call, settings, moment);
    body.insert("purpose".to_owned(), "Stock Reconciliation".into());
    if let Some(account) = settings.stock_accounts.get(&StockKind::Count) {
        body.insert("expense_account".to_owned(), account.as_str().into());
    }
    if let Some(center) = &place.cost_center {
        body.insert("cost_center".to_owned(), center.as_str().into());
    }
    body.insert("items".to_owned(), Value::Array(rows));
    Ok(Document {
        doctype: Action::StockCount.doctype(),
        body: Value::Object(body),
        expected: Expected { moment, content: Content::Count(moved) },
    })
}

fn nth<T>(parts: Vec<T>, call: &Call) -> Result<T, Unfit> {
    let part = usize::try_from(call.planned.part).unwrap_or(usize::MAX);
    let missing = || (ExceptionClass::Rejected, "the event has no such part".to_owned());
    parts.into_iter().nth(part).ok_or_else(missing)
}

fn place<'a>(document: &StockDocument, settings: &'a Settings) -> Result<&'a Store, Unfit> {
    let location = document.stock_location();
    settings.place(&location).ok_or_else(|| {
        let reason = format!(
            "`{location}` is not listed under `stores` in the settings of the target: add its \
             warehouse"
        );
        (ExceptionClass::UnknownLocation, reason)
    })
}

fn moved_row(line: &StockLine, quantity: Decimal, settings: &Settings) -> Result<Moved, Unfit> {
    let quantity = within_places(quantity.normalize(), settings)
        .map_err(|why| (ExceptionClass::Rejected, format!("line {}: {why}", line.line)))?;
    let item = line.item.stock_name().unwrap_or_default().to_owned();
    Ok(Moved { item, quantity })
}

fn head(call: &Call, settings: &Settings, moment: Moment) -> Map<String, Value> {
    let fields = [
        (settings.key_field.as_str(), key_text(call.key).into()),
        ("company", settings.company.as_str().into()),
        ("set_posting_time", 1.into()),
        ("posting_date", moment.posting_date()),
        ("posting_time", moment.posting_time()),
    ];
    fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
}
