//! From a logged transaction to an event.
//!
//! The log states no total: what was paid less change is one, and what the lines come to has to
//! equal it, which the findings check. The event is put together as JSON and read by the canonical
//! reader, so that no rule of the model stands here a second time. Pure.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use protocol::envelope::Draft;
use protocol::event::EventType;
use protocol::id::{Code, RegisterId};
use protocol::problem::{self, Problem};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::Fault;
use super::basket::{Basket, BasketLine, Goods};
use super::config::{Site, Training, TypeMeaning, is_set};
use super::log::{Header, LogString, Logged, Record};
use crate::inputs::folder::Content;
use crate::inputs::reading::time;

/// The profile that each event names.
const PROFILE: &str = "tlog4690-sa@1";

/// The type of a checkout.
const CHECKOUT: &str = "00";

/// Strings from here on are a controller's or retailer's own.
const OWN_STRINGS: u8 = 0x21;

/// The names of the tax tables.
const TAX_TABLES: [&str; 4] = ["A", "B", "C", "D"];

/// What a logged transaction is.
pub(super) fn content(site: &Site, logged: &Logged) -> Result<Content, Fault> {
    let (header, records) = match logged {
        Logged::Transaction(header, records) => (header, records),
        Logged::Exception => return Ok(Content::Skipped("an entry of the exception log".into())),
        Logged::Other(kind) if *kind >= OWN_STRINGS => {
            return Ok(Content::Skipped(format!("a string {kind:02X} outside any transaction")));
        }
        Logged::Other(kind) => {
            let detail = format!("the transaction begins with a string {kind:02X}, not with 00");
            let next = "copy the log anew in binary mode";
            return Err(Fault::new(format!("string 1 ({kind:02X})"), detail, next));
        }
    };
    let stated = site.settings.types.iter().find(|(kind, _)| kind.as_str() == header.kind);
    let meaning = match stated {
        Some((_, meaning)) => *meaning,
        None if header.kind == CHECKOUT => TypeMeaning::Checkout,
        None if records.iter().any(moves_money) => return Err(unknown_type(header)),
        None => TypeMeaning::Ignore,
    };
    let head = || Head::read(site, header);
    let draft = match meaning {
        TypeMeaning::Ignore => {
            return Ok(Content::Skipped(format!("a transaction of type {}", header.kind)));
        }
        TypeMeaning::Checkout => checkout(site, header, records, head()?, false)?,
        TypeMeaning::Void => checkout(site, header, records, head()?, true)?,
        TypeMeaning::NoSale => head()?.till("no_sale")?,
        TypeMeaning::SignOn => head()?.till("sign_on")?,
        TypeMeaning::SignOff => head()?.till("sign_off")?,
        TypeMeaning::Open => head()?.till("open")?,
        TypeMeaning::Close => head()?.till("close")?,
    };
    Ok(Content::Event(Box::new(draft)))
}

const fn moves_money(record: &Record) -> bool {
    !matches!(record.string, LogString::Customer(_) | LogString::Quantity(_))
}

fn unknown_type(header: &Header) -> Fault {
    let detail = format!("the type {} moves goods or money and is not known", header.kind);
    let next = "say in `types` what this type of transaction is";
    Fault::new("string 1 (00), TransactionType", detail, next)
}

/// What every event of the log has.
struct Head(Map<String, Value>);

impl Head {
    fn read(site: &Site, header: &Header) -> Result<Self, Fault> {
        let settings = &site.settings;
        let shown = format!("20{}", header.date_time);
        let shown = DateTime::strptime("%Y%m%d%H%M", &shown).map_err(|_| no_time())?;
        let completed_at = time::local(shown, &site.zone).ok_or_else(no_time)?;
        let day = match shown.time() < site.day_begins {
            true => shown.date().yesterday().map_err(|_| no_time())?,
            false => shown.date(),
        };
        let mut body = Map::new();
        body.insert("profile".to_owned(), PROFILE.into());
        body.insert("store".to_owned(), settings.store.as_str().into());
        body.insert("register".to_owned(), register(&settings.registers, header)?.into());
        body.insert("businessDate".to_owned(), day.to_string().into());
        body.insert("receipt".to_owned(), header.number.clone().into());
        body.insert("completedAt".to_owned(), completed_at.to_string().into());
        if let Some(operator) = &header.operator {
            body.insert("cashier".to_owned(), operator.clone().into());
        }
        if is_training(&settings.training, header)? {
            body.insert("flags".to_owned(), json!(["training"]));
        }
        Ok(Self(body))
    }

    /// A movement of the till without money.
    fn till(mut self, kind: &str) -> Result<Draft, Fault> {
        self.0.insert("kind".to_owned(), kind.into());
        let at = self.0.remove("completedAt").expect("it was put there");
        self.0.insert("occurredAt".to_owned(), at);
        self.event(EventType::Till)
    }

    fn event(self, event_type: EventType) -> Result<Draft, Fault> {
        let event = json!({ "type": event_type.as_str(), "data": self.0 });
        let json = serde_json::to_vec(&event).expect("a value is plain data");
        Draft::parse(&json)
            .map_err(|error| Fault { element: String::new(), problem: error.problem() })
    }
}

fn no_time() -> Fault {
    let next = "see whether the log was copied in binary mode";
    Fault::new("string 1 (00), DateTime", "DateTime is no date and time", next)
}

fn register<'a>(
    registers: &'a BTreeMap<Code, RegisterId>,
    header: &'a Header,
) -> Result<&'a str, Fault> {
    if registers.is_empty() {
        return Ok(&header.terminal);
    }
    let found = registers.iter().find(|(terminal, _)| terminal.as_str() == header.terminal);
    found.map(|(_, register)| register.as_str()).ok_or_else(|| {
        let detail = format!("terminal {} is no register of this site", header.terminal);
        Fault::new("string 1 (00), TerminalNumber", detail, "add it to `registers`")
    })
}

/// Whether it is practice; what cannot tell is refused, so that practice never becomes turnover.
fn is_training(training: &Training, header: &Header) -> Result<bool, Fault> {
    match training {
        Training::NotLogged => Ok(false),
        Training::Bit(bit) => match header.indicator {
            Some(indicator) => Ok(is_set(indicator, *bit)),
            None => Err(cannot_tell("Indicat1")),
        },
        Training::Operators(operators) => match &header.operator {
            Some(operator) => Ok(operators.iter().any(|other| other.as_str() == operator)),
            None => Err(cannot_tell("Operator")),
        },
    }
}

fn cannot_tell(field: &str) -> Fault {
    let detail = format!("{field} is not there, so that nothing tells practice from a sale");
    let next = "correct `training`; `not_logged` if the controller keeps practice out of the log";
    let problem = Problem::new(problem::Code::PracticeUnknown, detail).next(next);
    Fault { element: format!("string 1 (00), {field}"), problem }
}

fn checkout(
    site: &Site,
    header: &Header,
    records: &[Record],
    mut head: Head,
    is_void: bool,
) -> Result<Draft, Fault> {
    let settings = &site.settings;
    let basket = Basket::of(records, settings.weight_places);
    let tenders = tenders(site, records)?;
    let taxes = taxes(site, records);
    let added: i64 = match settings.tax_included {
        true => 0,
        false => taxes.iter().map(|(amount, _)| amount).sum(),
    };
    let total = match tenders.strings {
        0 => basket.sum() + added,
        _ => tenders.total,
    };
    let marked = || match (settings.void_bit, header.indicator) {
        (Some(bit), Some(indicator)) => is_set(indicator, bit),
        _ => false,
    };
    let kind = match basket.ways() {
        _ if is_void || marked() => "void",
        (true, true) => "exchange",
        (false, true) => "return",
        (false, false) if total < 0 => "return",
        _ => "sale",
    };
    let places = u32::from(settings.currency.exponent());
    let lines = basket.lines.iter().map(|line| line_json(site, line, places));
    let coupons = basket.coupons.iter().map(|coupon| {
        let direction = if coupon.taken_back { "in" } else { "out" };
        json!({ "kind": coupon.kind, "id": coupon.code, "amount": coupon.amount,
            "direction": direction })
    });
    let discounts: Vec<_> = coupons.chain(discounts(records)).collect();
    let direction = if total < 0 { "out" } else { "in" };
    let body = &mut head.0;
    body.insert("kind".to_owned(), kind.into());
    body.insert("currency".to_owned(), settings.currency.code().into());
    body.insert("lines".to_owned(), lines.collect());
    body.insert("discounts".to_owned(), discounts.into());
    body.insert("taxes".to_owned(), taxes.into_iter().map(|(_, tax)| tax).collect());
    let total = json!({ "amount": total.unsigned_abs(), "direction": direction });
    body.insert("total".to_owned(), total);
    body.insert("tenders".to_owned(), tenders.json.into());
    if settings.loyalty
        && let Some(account) = records.iter().find_map(|record| match &record.string {
            LogString::Customer(account) => Some(account.as_str()),
            _ => None,
        })
    {
        body.insert("customer".to_owned(), json!({ "loyalty": account }));
    }
    body.insert("extensions".to_owned(), extensions(header, &tenders.fees));
    head.event(EventType::Transaction)
}

fn line_json(site: &Site, line: &BasketLine, places: u32) -> Value {
    let settings = &site.settings;
    let mut unit_price = line.unit_price;
    // Dividing by a power of ten only moves the point; what is beyond six places is rounded.
    let scale = unit_price.scale() + places;
    if unit_price.set_scale(scale).is_ok() {
        unit_price = unit_price.round_dp(protocol::decimal::PLACES_MAX);
    }
    let mut json = json!({
        "line": line.number,
        "kind": match line.goods {
            Goods::Item => "item",
            Goods::Deposit => "container_deposit",
            Goods::Money => "service",
        },
        "item": { "sku": line.code },
        "quantity": plain(line.count),
        "unitPrice": plain(unit_price),
        "extended": line.amount,
        "total": line.amount,
        "direction": if line.comes_back { "in" } else { "out" },
        "void": line.is_void,
    });
    if let Some(department) = &line.department {
        let groups = settings.groups.iter();
        let named = groups.clone().find(|(number, _)| number.as_str() == department);
        json["item"]["group"] = named.map_or(department.as_str(), |(_, name)| name.as_str()).into();
    }
    if line.is_weighed {
        json["unit"] = settings.weight_unit.as_str().into();
    }
    if let Some(reason) = line.blind
        && line.comes_back
        && line.goods != Goods::Money
    {
        json["original"] = json!({ "blind": { "reason": reason } });
    }
    json
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

fn discounts(records: &[Record]) -> impl Iterator<Item = Value> {
    records.iter().filter_map(|record| match &record.string {
        LogString::Discount { group, amount, taken_back } => {
            let direction = if *taken_back { "in" } else { "out" };
            Some(json!({ "kind": "discount", "id": group, "amount": amount,
                "direction": direction }))
        }
        _ => None,
    })
}

/// How a checkout was paid.
#[derive(Default)]
struct Paid {
    /// How many strings spoke of tenders.
    strings: usize,
    /// What was paid less change.
    total: i64,
    json: Vec<Value>,
    /// Fees for cashing, by tender number.
    fees: Vec<(u32, i64)>,
}

fn tenders(site: &Site, records: &[Record]) -> Result<Paid, Fault> {
    let mut paid = Paid::default();
    for Record { position, string } in records {
        let (code, amount, fee) = match string {
            LogString::Tender { kind, amount, fee, .. } => (kind, *amount, *fee),
            LogString::Change { kind, amount } => (kind, *amount, 0),
            _ => continue,
        };
        paid.strings += 1;
        // A string without an amount says only that nothing was due.
        if amount == 0 {
            continue;
        }
        let kind = site.settings.tenders.iter().find(|(known, _)| known.as_str() == code);
        let (_, kind) = kind.ok_or_else(|| {
            let detail = format!("the tender type {code} is not known");
            let element = format!("string {position}, TenderType");
            Fault::new(element, detail, "say in `tenders` what this type of tender is")
        })?;
        let mut tender = json!({
            "tender": position, "kind": kind.as_str(), "purpose": "payment", "amount": amount,
            "direction": "in", "name": code,
        });
        if fee > 0 {
            paid.fees.push((*position, fee));
        }
        match string {
            LogString::Tender { correction: false, .. } => paid.total += amount,
            LogString::Tender { .. } => {
                paid.total -= amount;
                let same = |other: &&mut Value| {
                    other["purpose"] == "payment"
                        && other["name"] == tender["name"]
                        && other["amount"] == tender["amount"]
                };
                // What was keyed and corrected counts nowhere; a part of one goes back out.
                if let Some(corrected) = paid.json.iter_mut().rev().find(same) {
                    corrected["purpose"] = "declined".into();
                    continue;
                }
                (tender["purpose"], tender["direction"]) = ("refund".into(), "out".into());
            }
            _ => {
                let purpose = if paid.total > 0 { "change" } else { "refund" };
                paid.total -= amount;
                (tender["purpose"], tender["direction"]) = (purpose.into(), "out".into());
            }
        }
        paid.json.push(tender);
    }
    Ok(paid)
}

/// The taxes, each with its signed amount.
fn taxes(site: &Site, records: &[Record]) -> Vec<(i64, Value)> {
    let mut taxes = Vec::new();
    for record in records {
        let LogString::Tax { tables, taken_back } = &record.string else { continue };
        for (name, (amount, sales)) in TAX_TABLES.into_iter().zip(tables) {
            if *amount == 0 && sales.is_none() {
                continue;
            }
            let mut tax = json!({
                "code": name, "amount": amount, "included": site.settings.tax_included,
                "direction": if *taken_back { "in" } else { "out" },
            });
            if let Some(sales) = sales {
                tax["base"] = (*sales).into();
            }
            let known = site.settings.taxes.iter().find(|(table, _)| table.as_str() == name);
            if let Some((_, table)) = known {
                if let Some(rate) = table.rate {
                    tax["rate"] = rate.to_string().into();
                }
                if let Some(authority) = &table.authority {
                    tax["authority"] = authority.as_str().into();
                }
            }
            taxes.push((if *taken_back { -amount } else { *amount }, tax));
        }
    }
    taxes
}

/// What the header states and the model has no field for.
fn extensions(header: &Header, fees: &[(u32, i64)]) -> Value {
    let stated = [
        ("tlog4690:gross-positive".to_owned(), header.gross_positive),
        ("tlog4690:gross-negative".to_owned(), header.gross_negative),
    ];
    let fees =
        fees.iter().map(|(tender, fee)| (format!("tlog4690:cashing-fee-{tender}"), Some(*fee)));
    let stated = stated.into_iter().chain(fees);
    stated.filter_map(|(name, value)| Some((name, value?.to_string()))).collect()
}
