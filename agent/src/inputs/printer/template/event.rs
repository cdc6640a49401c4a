//! From what a slip says to an event.
//!
//! The receipt's figures are carried as they are printed; whether they add up is for the findings.
//! The event is put together as JSON and read by the canonical reader, so that no rule of the model
//! stands here a second time.

use jiff::civil::DateTime;
use protocol::decimal::PLACES_MAX;
use protocol::envelope::{Draft, EventError};
use protocol::event::EventType;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::parts::{DiscountPart, ItemPart, Parts, TenderPart};
use super::settings::{LineIs, ReceiptNumber};
use super::{Template, Till, Unread};
use crate::inputs::folder::Content;
use crate::inputs::reading::time;

/// Longer texts are cut: a description that fills its line is not a better one.
const TEXT_CHARS_MAX: usize = 128;

impl Template {
    pub(super) fn event(&self, till: &Till, parts: &Parts) -> Result<Content, Unread> {
        let is = |mark| parts.marks.contains(&mark);
        if is(LineIs::Other) {
            return Ok(Content::Skipped("no receipt, by the template".to_owned()));
        }
        if is(LineIs::Copy) {
            return Ok(Content::Skipped("a copy of a receipt".to_owned()));
        }
        let head = self.head(till, parts)?;
        let draft = match is(LineIs::Z) {
            true => self.closing(head, parts)?,
            false => self.transaction(head, parts)?,
        };
        Ok(Content::Event(Box::new(draft)))
    }

    fn head(&self, till: &Till, parts: &Parts) -> Result<Map<String, Value>, Unread> {
        let printed = |group: &str| parts.head.get(group).map(String::as_str);
        let shown = parts.joined.get("when").ok_or_else(|| missing("time", "`when`"))?;
        let shown = DateTime::strptime(&self.time_format, shown).map_err(|_| Unread {
            line: 0,
            why: "its time is not written as `time_format` says".to_owned(),
            next: "correct `time_format` or the groups `when…` in the template",
        })?;
        let completed_at =
            time::local(shown, &self.zone).ok_or_else(|| missing("time", "`when`"))?;
        let business_date = match (parts.joined.get("day"), &self.day_format) {
            (Some(day), Some(format)) => time::date_by(day, format),
            (Some(day), None) => time::date(day),
            (None, _) if shown.time() < self.day_begins => {
                shown.date().yesterday().ok().map(protocol::time::BusinessDate)
            }
            (None, _) => Some(protocol::time::BusinessDate(shown.date())),
        };
        let business_date = business_date.ok_or_else(|| missing("business date", "`day`"))?;
        let from_time = shown.strftime("%H%M%S").to_string();
        let z = || printed("number").map(|number| format!("Z{number}"));
        let receipt = match (printed("receipt"), self.receipt_number) {
            (Some(receipt), _) => receipt.to_owned(),
            (None, _) if parts.marks.contains(&LineIs::Z) && printed("number").is_some() => {
                z().ok_or_else(|| missing("number", "`number`"))?
            }
            (None, ReceiptNumber::FromTime) => from_time,
            (None, ReceiptNumber::Printed) => return Err(missing("number", "`receipt`")),
        };
        let register = printed("register").or_else(|| till.register.as_ref().map(|id| id.as_str()));
        let register = register.ok_or_else(|| missing("register", "`register`"))?;
        let mut head = Map::new();
        let stated = [
            ("profile", self.profile.as_str()),
            ("store", till.store.as_str()),
            ("register", register),
            ("businessDate", &business_date.to_string()),
            ("receipt", &receipt),
            ("completedAt", &completed_at.to_string()),
            ("currency", self.currency.code()),
        ];
        for (field, text) in stated {
            head.insert(field.to_owned(), text.into());
        }
        for field in ["cashier", "till", "shift"] {
            if let Some(text) = printed(field) {
                head.insert(field.to_owned(), text.into());
            }
        }
        if parts.marks.contains(&LineIs::Training) {
            head.insert("flags".to_owned(), json!(["training"]));
        }
        Ok(head)
    }

    fn transaction(&self, mut head: Map<String, Value>, parts: &Parts) -> Result<Draft, Unread> {
        let is = |mark| parts.marks.contains(&mark);
        let reversed = is(LineIs::Return);
        let total = match parts.total {
            Some(total) if reversed => -total.abs(),
            Some(total) => total,
            None if is(LineIs::Void) => 0,
            None => return Err(missing("total", "`total`")),
        };
        let back = |amount: i64| amount < 0 || reversed;
        let out = parts.items.iter().any(|item| !back(item.amount));
        let kind = match (out, parts.items.iter().any(|item| back(item.amount))) {
            _ if is(LineIs::Void) => "void",
            (true, true) => "exchange",
            (false, true) => "return",
            (false, false) if total < 0 => "return",
            _ => "sale",
        };
        let lines: Vec<_> =
            parts.items.iter().map(|item| self.line(item, back(item.amount))).collect();
        let discounts: Vec<_> = parts.discounts.iter().map(discount).collect();
        let tenders = self.tenders(parts, reversed)?;
        let taxes = parts.taxes.iter().map(|tax| {
            let rate = tax.rate.map(plain);
            let code = tax.code.clone().or_else(|| rate.clone());
            let mut json = json!({
                "code": code.unwrap_or_else(|| "tax".to_owned()), "amount": tax.amount.abs(),
                "included": self.tax_included,
                "direction": if back(tax.amount) { "in" } else { "out" },
            });
            if let Some(rate) = rate {
                json["rate"] = rate.into();
            }
            if let Some(base) = tax.base {
                json["base"] = base.abs().into();
            }
            json
        });
        let direction = if total < 0 { "out" } else { "in" };
        let stated = [
            ("kind", json!(kind)),
            ("lines", json!(lines)),
            ("discounts", json!(discounts)),
            ("taxes", taxes.collect()),
            ("rounding", json!(parts.rounding)),
            ("total", json!({ "amount": total.abs(), "direction": direction })),
            ("tenders", json!(tenders)),
        ];
        for (field, value) in stated {
            head.insert(field.to_owned(), value);
        }
        event(EventType::Transaction, &head)
    }

    fn line(&self, item: &ItemPart, comes_back: bool) -> Value {
        let printed = item.amount.unsigned_abs();
        let places = u32::from(self.currency.exponent());
        let quantity = item.quantity.unwrap_or(Decimal::ONE).abs();
        let unit_price = item.unit_price.map(|price| price.abs()).unwrap_or_else(|| {
            let mut amount = Decimal::from(printed);
            // The scale of an amount in minor units is its currency's.
            if amount.set_scale(places).is_err() {
                return amount;
            }
            amount.checked_div(quantity).unwrap_or(amount).round_dp(PLACES_MAX)
        });
        let taken_off: u64 = item.discounts.iter().map(|part| part.amount.unsigned_abs()).sum();
        let mut json = json!({
            "line": item.line, "kind": "item", "quantity": plain(quantity),
            "unitPrice": plain(unit_price), "extended": printed,
            "discounts": item.discounts.iter().map(discount).collect::<Vec<_>>(),
            "total": printed.saturating_sub(taken_off),
            "direction": if comes_back { "in" } else { "out" },
        });
        let (named, is_article) = self.item(item);
        if let Some(named) = named {
            json["item"] = named;
        }
        // A description is no article: it names what was sold, and moves no stock.
        if !is_article {
            json["stock"] = false.into();
        }
        if let Some(unit) = &item.unit {
            json["unit"] = self.units.get(unit).map_or(unit.as_str(), |unit| unit.as_str()).into();
        }
        if let Some(tax) = &item.tax {
            json["extensions"] = json!({ "printer:tax": tax });
        }
        if comes_back {
            json["original"] = json!({ "blind": { "reason": "the receipt names no sale" } });
        }
        json
    }

    /// The item, and whether an article is named: a description alone is none.
    fn item(&self, item: &ItemPart) -> (Option<Value>, bool) {
        let description = item.description.as_deref().map(short);
        let listed = description.as_ref().and_then(|text| self.items.get(text));
        let sku = item.sku.clone().or_else(|| listed.map(|sku| sku.as_str().to_owned()));
        let is_article = sku.is_some() || item.gtin.is_some();
        let mut json = Map::new();
        if let Some(sku) = sku.or_else(|| description.clone().filter(|_| !is_article)) {
            json.insert("sku".to_owned(), sku.into());
        }
        if let Some(gtin) = &item.gtin {
            json.insert("gtin".to_owned(), gtin.as_str().into());
        }
        if let Some(description) = description {
            json.insert("description".to_owned(), description.into());
        }
        ((!json.is_empty()).then_some(Value::Object(json)), is_article)
    }

    fn tenders(&self, parts: &Parts, reversed: bool) -> Result<Vec<Value>, Unread> {
        let tenders = parts.tenders.iter().filter(|tender| !tender.is_of_z);
        let read = |tender: &TenderPart| {
            let out = tender.is_change || tender.amount < 0 || reversed;
            let purpose = match (tender.is_change, out) {
                (true, _) => "change",
                (false, true) => "refund",
                (false, false) => "payment",
            };
            let mut json = json!({
                "tender": tender.line, "kind": self.tender_kind(tender)?, "purpose": purpose,
                "direction": if out { "out" } else { "in" }, "amount": tender.amount.abs(),
            });
            if let Some(name) = &tender.name {
                json["name"] = short(name).into();
            }
            Ok(json)
        };
        tenders.map(read).collect()
    }

    fn tender_kind(&self, tender: &TenderPart) -> Result<&'static str, Unread> {
        let Some(name) = &tender.name else { return Ok("cash") };
        let kind = self.tenders.get(&name.to_lowercase());
        kind.map(|kind| kind.as_str()).ok_or_else(|| Unread {
            line: tender.line,
            why: "its tender is none of those in `tenders`".to_owned(),
            next: "add the word that is printed there to `tenders` in the template",
        })
    }

    /// A closing report.
    fn closing(&self, mut head: Map<String, Value>, parts: &Parts) -> Result<Draft, Unread> {
        let mut z = json!({});
        let number = parts.head.get("number").and_then(|number| number.parse::<u64>().ok());
        if let Some(number) = number {
            z["number"] = number.into();
        }
        if let Some(gross) = parts.z_gross {
            z["gross"] = gross.into();
        }
        let mut tenders = Vec::new();
        for tender in parts.tenders.iter().filter(|tender| tender.is_of_z) {
            let way = if tender.amount < 0 { "out" } else { "in" };
            tenders.push(json!({
                "kind": self.tender_kind(tender)?, way: tender.amount.abs()
            }));
        }
        if !tenders.is_empty() {
            z["tenders"] = tenders.into();
        }
        head.insert("kind".to_owned(), "close".into());
        head.insert("z".to_owned(), z);
        if let Some(at) = head.remove("completedAt") {
            head.insert("occurredAt".to_owned(), at);
        }
        event(EventType::Till, &head)
    }
}

fn missing(what: &str, group: &str) -> Unread {
    Unread {
        line: 0,
        why: format!("no {what} was found in it"),
        next: match group {
            "`total`" => "let a line of the template that is `total` match",
            "`receipt`" => {
                "let a line with the group `receipt` match; where the till prints no number, \
                 `receipt_number = \"from_time\"`"
            }
            "`register`" => "set `register`, or let a line with the group `register` match",
            _ => "let a line of the template with the groups `when…` or `day…` match",
        },
    }
}

fn discount(part: &DiscountPart) -> Value {
    let mut json = json!({ "kind": "discount", "amount": part.amount });
    if let Some(reason) = &part.reason {
        json["reason"] = short(reason).into();
    }
    json
}

fn short(text: &str) -> String {
    let cut: String = text.chars().take(TEXT_CHARS_MAX).collect();
    cut.trim().to_owned()
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

fn event(event_type: EventType, body: &Map<String, Value>) -> Result<Draft, Unread> {
    let event = json!({ "type": event_type.as_str(), "data": body });
    let json = serde_json::to_vec(&event).expect("a value is plain data");
    Draft::parse(&json).map_err(|error: EventError| Unread {
        line: 0,
        why: format!("what was found breaks a rule of events at `{}`", place(&error)),
        next: "correct the template's line for that field",
    })
}

/// The field at fault; not the message, which may quote what was printed.
fn place(error: &EventError) -> String {
    error.problem().path.unwrap_or_else(|| "data".to_owned())
}
