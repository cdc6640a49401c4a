//! From a mapping as it is written to one that can be used.
//!
//! Everything that can be wrong about a mapping without a source is found here, with its place in
//! the file and what to do: a field that the model does not have, one that it needs, settings that
//! do not go together.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::fields::{Holds, Part};
use super::rule::{CellRule, ColumnName, Rule, ValueRule};
use super::settings::{self, SOURCE_KEYS, Settings, Source, Sum};
use super::{Element, Kind, LineRules, Mapping, Training, When};
use crate::inputs::reading::time;

/// A suggestion that shares less than this with what stands there is a guess.
const LIKENESS_MIN: f64 = 0.7;

/// Kinds of row: more than any source was seen to have.
const KINDS_MAX: usize = 200;

/// Names within names of a field, such as `original.blind.reason`.
const DEPTH_MAX: usize = 4;

/// A mapping that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}`: {reason}")]
pub struct MappingError {
    /// Where in the mapping, such as `row.2.line.item.sku`.
    pub at: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub next: String,
}

fn error(at: &str, reason: impl Into<String>, next: impl Into<String>) -> MappingError {
    MappingError { at: at.to_owned(), reason: reason.into(), next: next.into() }
}

impl Mapping {
    /// Makes a mapping.
    ///
    /// # Errors
    /// It names a field that there is not, leaves out one that is needed, or contradicts itself.
    pub fn new(settings: Settings) -> Result<Self, MappingError> {
        let rules = rules(&settings.transaction, Part::Transaction, "transaction")?;
        let has = |name: &str| rules.iter().any(|rule| rule.field == name);
        if !has("completedAt") && !has("startedAt") {
            return Err(needed("transaction", "completedAt"));
        }
        if !has("total") {
            return Err(needed("transaction", "total"));
        }
        if settings.row.is_empty() || settings.row.len() > KINDS_MAX {
            let reason = format!("a mapping has 1 to {KINDS_MAX} kinds of row");
            return Err(error("row", reason, "add `[[row]]` with what a row makes"));
        }
        let kinds = settings.row.into_iter().enumerate();
        let kinds = kinds.map(|(index, row)| kind(row, &format!("row.{}", index + 1)));
        let numbers = settings.numbers;
        Ok(Self {
            profile: settings.profile,
            decimal: numbers.decimal,
            grouped: numbers.grouped,
            implied_places: numbers.implied_places,
            rounding: numbers.rounding,
            zone: zone(settings.times.zone.as_deref())?,
            date_format: settings.times.date,
            time_format: settings.times.time,
            training: training(settings.training)?,
            transaction: rules,
            kinds: kinds.collect::<Result<_, _>>()?,
        })
    }
}

fn needed(at: &str, field: &str) -> MappingError {
    let reason = format!("`{field}` is needed");
    error(at, reason, format!("add `{field} = {{ column = \"…\" }}`, or a constant"))
}

fn zone(name: Option<&str>) -> Result<TimeZone, MappingError> {
    let name = name.unwrap_or("system");
    time::zone(name).ok_or_else(|| {
        let next = "use a name of the IANA database, such as `Europe/Berlin` (on Linux it comes \
                    with the package tzdata), or an offset such as `+03:00`";
        error("times.zone", format!("`{name}` is no time zone here"), next)
    })
}

fn training(settings: settings::Training) -> Result<Training, MappingError> {
    match settings {
        settings::Training::Word(word) if word == "never" => Ok(Training::Never),
        settings::Training::Word(word) => Err(error(
            "training",
            format!("`{word}` says nothing about practice"),
            "say `training = { column = \"…\", yes = [\"T\"], no = [\"\"] }`, or \"never\" if this \
             source holds none",
        )),
        settings::Training::Column(settings) => {
            Ok(Training::Column { column: settings.column, yes: settings.yes, no: settings.no })
        }
    }
}

fn kind(row: settings::Row, at: &str) -> Result<Kind, MappingError> {
    let line = row.line.map(|table| line(table, &format!("{at}.line"))).transpose()?;
    let kind = Kind {
        when: When(
            row.when.into_iter().map(|(name, values)| (column(name), values.into_list())).collect(),
        ),
        query: row.query,
        skip: row.skip,
        begins: row.begins,
        ends: row.ends,
        line,
        tenders: elements(row.tenders, Part::Tender, at)?,
        discounts: elements(row.discounts, Part::Discount, at)?,
        taxes: elements(row.taxes, Part::Tax, at)?,
    };
    if kind.skip.is_some() && kind.elements().next().is_some() {
        let next = "leave out `skip`, or what the row makes";
        return Err(error(at, "a row that is passed over makes nothing", next));
    }
    let does_more = kind.begins || kind.elements().next().is_some();
    if kind.ends && does_more {
        let next = "leave out `ends`, or what else the row does";
        return Err(error(at, "a row that ends the file does nothing else", next));
    }
    Ok(kind)
}

/// A table's key names a column; digits alone name its place.
fn column(name: String) -> ColumnName {
    name.parse().map_or(ColumnName::Name(name), ColumnName::Place)
}

fn line(mut table: toml::Table, at: &str) -> Result<LineRules, MappingError> {
    let discounts = elements(list(&mut table, "discounts", at)?, Part::Discount, at)?;
    let taxes = elements(list(&mut table, "taxes", at)?, Part::Tax, at)?;
    let element = element(table, Part::Line, at)?;
    let amounts = ["total", "extended", "unitPrice"];
    if !element.rules.iter().any(|rule| amounts.contains(&rule.field.as_str())) {
        return Err(needed(at, "total"));
    }
    Ok(LineRules { element, discounts, taxes })
}

/// Takes a list of tables out of a table.
fn list(table: &mut toml::Table, key: &str, at: &str) -> Result<Vec<toml::Table>, MappingError> {
    let Some(value) = table.remove(key) else { return Ok(Vec::new()) };
    value.try_into().map_err(|_| {
        let next = format!("write it as `[[{at}.{key}]]`");
        error(&format!("{at}.{key}"), "is not a list of tables", next)
    })
}

fn elements(tables: Vec<toml::Table>, part: Part, at: &str) -> Result<Vec<Element>, MappingError> {
    let tables = tables.into_iter().enumerate();
    let at = |index: usize| format!("{at}.{}.{}", part.name(), index + 1);
    tables.map(|(index, table)| element(table, part, &at(index))).collect()
}

fn element(mut table: toml::Table, part: Part, at: &str) -> Result<Element, MappingError> {
    let when = match table.remove("when") {
        None => When::default(),
        Some(when) => {
            let read: Result<std::collections::BTreeMap<String, settings::Values>, _> =
                when.try_into();
            let read = read.map_err(|_| {
                let next = "write it as `when = { COLUMN = [\"value\"] }`";
                error(&format!("{at}.when"), "is not a table of columns and values", next)
            })?;
            let pairs = read.into_iter().map(|(name, values)| (column(name), values.into_list()));
            When(pairs.collect())
        }
    };
    let of_line = match table.remove("of") {
        None => false,
        Some(toml::Value::String(of)) if of == "line" => true,
        Some(toml::Value::String(of)) if of == "transaction" => false,
        Some(_) => {
            let next = "say `of = \"line\"` or `of = \"transaction\"`";
            return Err(error(&format!("{at}.of"), "is neither of the two", next));
        }
    };
    Ok(Element { part, when, of_line, rules: rules(&table, part, at)? })
}

fn rules(table: &toml::Table, part: Part, at: &str) -> Result<Vec<Rule>, MappingError> {
    let mut rules = Vec::new();
    collect(table, part, at, "", &mut rules)?;
    // The currency of a foreign amount has to be known before it, as the names sort.
    rules.sort_by(|one: &Rule, other: &Rule| {
        let is_foreign = |rule: &Rule| rule.holds == Holds::ForeignAmount;
        is_foreign(one).cmp(&is_foreign(other))
    });
    let lacks = |field: &&&str| !rules.iter().any(|rule| rule.field == **field);
    match part.required().iter().find(lacks) {
        Some(field) => Err(needed(at, field)),
        None => Ok(rules),
    }
}

/// Reads a table of fields, of which some have parts.
fn collect(
    table: &toml::Table,
    part: Part,
    at: &str,
    within: &str,
    rules: &mut Vec<Rule>,
) -> Result<(), MappingError> {
    for (key, value) in table {
        let field = if within.is_empty() { key.clone() } else { format!("{within}.{key}") };
        let place = format!("{at}.{field}");
        match value {
            toml::Value::Table(inner) if !is_source(inner) => {
                if field.split('.').count() >= DEPTH_MAX {
                    return Err(unknown(part, &field, &place));
                }
                collect(inner, part, at, &field, rules)?;
            }
            value => {
                // `total` alone is its amount; beside its direction it has to be named.
                let field = if field == "total.amount" { "total".to_owned() } else { field };
                let holds = holds(part, &field).ok_or_else(|| unknown(part, &field, &place))?;
                let value = value_rule(value, part, (&field, holds), &place)?;
                rules.push(Rule { field, holds, value });
            }
        }
    }
    Ok(())
}

fn is_source(table: &toml::Table) -> bool {
    table.keys().any(|key| SOURCE_KEYS.contains(&key.as_str()))
}

fn holds(part: Part, field: &str) -> Option<Holds> {
    let can_be_extended = matches!(part, Part::Transaction | Part::Line | Part::Tender);
    if can_be_extended && field.strip_prefix("extensions.").is_some_and(|name| name.contains(':')) {
        return Some(Holds::Text);
    }
    part.fields().iter().find(|(name, _)| *name == field).map(|(_, holds)| *holds)
}

fn unknown(part: Part, field: &str, at: &str) -> MappingError {
    let likeness = |name: &str| strsim::jaro_winkler(name, field);
    let names = part.fields().iter().map(|(name, _)| *name);
    let nearest = names.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let next = match nearest {
        Some(name) if likeness(name) >= LIKENESS_MIN => format!("did you mean `{name}`?"),
        _ => "docs/handbook/table.md lists the fields; what the model does not know goes under \
              `extensions.\"prefix:name\"`"
            .to_owned(),
    };
    error(at, format!("is no field of `{}`", part.name()), next)
}

fn value_rule(
    value: &toml::Value,
    part: Part,
    field: (&str, Holds),
    at: &str,
) -> Result<ValueRule, MappingError> {
    match value {
        toml::Value::Table(table) => {
            let source: Source = table.clone().try_into().map_err(|cause: toml::de::Error| {
                error(at, cause.message(), format!("a column knows: {}", SOURCE_KEYS.join(", ")))
            })?;
            source_rule(source, part, field, at)
        }
        toml::Value::String(text) => Ok(ValueRule::Constant(text.clone())),
        toml::Value::Integer(number) => Ok(ValueRule::Constant(number.to_string())),
        toml::Value::Boolean(value) => Ok(ValueRule::Constant(value.to_string())),
        _ => Err(error(at, "is no constant", "write it as a text in quotes")),
    }
}

fn source_rule(
    source: Source,
    part: Part,
    (field, holds): (&str, Holds),
    at: &str,
) -> Result<ValueRule, MappingError> {
    let mut columns = source.columns;
    columns.extend(source.column);
    if let Some(column) = source.sign_of {
        return match holds {
            Holds::Direction if columns.is_empty() => Ok(ValueRule::SignOf(column)),
            _ => Err(error(at, "only a direction has `sign_of`, and no column", "see `sign`")),
        };
    }
    if let Some(sum) = source.sum {
        let fits = match sum {
            Sum::Lines | Sum::Tenders => part == Part::Transaction && field == "total",
            Sum::Rest => part == Part::Tender && field == "amount",
        };
        return match fits && columns.is_empty() {
            true => Ok(ValueRule::Sum(sum)),
            false => {
                let next =
                    "a total is the sum of `lines` or `tenders`, a tender's amount the `rest`";
                Err(error(at, "cannot be that sum", next))
            }
        };
    }
    if columns.is_empty() {
        return Err(error(at, "names no column", "add `column = \"…\"`"));
    }
    if source.otherwise.is_some() && source.map.is_none() {
        return Err(error(at, "`otherwise` needs a `map`", "add the map, or use `empty`"));
    }
    let part = match (source.from, source.length) {
        (None, None) => None,
        (Some(from @ 1..), length) => Some((from - 1, length.unwrap_or(usize::MAX))),
        (Some(0), _) => return Err(error(at, "`from` counts from 1", "use 1 for the first")),
        (None, Some(length)) => Some((0, length)),
    };
    let day_begins = source.day_begins.map(|text| {
        text.parse::<Time>()
            .map_err(|_| error(at, format!("`{text}` is no time of day"), "write it as `04:00`"))
    });
    Ok(ValueRule::Cells(Box::new(CellRule {
        columns,
        join: source.join.unwrap_or_else(|| " ".to_owned()),
        part,
        strip_zeros: source.strip_zeros,
        omit: source.omit,
        map: source.map,
        otherwise: source.otherwise,
        empty: source.empty,
        format: source.format,
        day_begins: day_begins.transpose()?,
        sign: source.sign,
        implied_places: source.implied_places,
    })))
}
