//! The report as a table of comma-separated values (RFC 4180) for a spreadsheet.
//!
//! One row for each store, register, business date, measure and column; findings follow as rows of
//! their own with their text. Amounts are decimals with a point and the currency in a column of its
//! own; counts are whole numbers without one. Text that a spreadsheet would take for a formula is
//! marked as text.

use protocol::money::{Currency, Money};

use super::report::{Column, DayReport, ReadBack, RegisterReport};

/// The columns of the table.
const HEAD: &str = "store,business_date,register,measure,currency,column,value,text\r\n";

/// The table of several days.
#[must_use]
pub fn csv(reports: &[DayReport]) -> String {
    let mut table = HEAD.to_owned();
    for report in reports {
        of_day(report, &mut table);
    }
    table
}

struct Rows<'a> {
    report: &'a DayReport,
    register: &'a str,
    table: &'a mut String,
}

impl Rows<'_> {
    fn put(&mut self, measure: &str, currency: Option<Currency>, column: &str, minor: i64) {
        let (code, value) = shown(minor, currency);
        self.row([measure, &code, column, &value, ""]);
    }

    fn column(&mut self, name: &str, column: &Column) {
        let count = i64::try_from(column.count).unwrap_or(i64::MAX);
        self.put("receipts", None, name, count);
        let Column { amount: Money { minor, currency }, .. } = column;
        self.put("brought_in", Some(*currency), name, *minor);
    }

    fn row(&mut self, [measure, currency, column, value, text]: [&str; 5]) {
        let date = self.report.business_date.to_string();
        let cells = [
            self.report.store.as_str(),
            &date,
            self.register,
            measure,
            currency,
            column,
            value,
            text,
        ];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        self.table.push_str(&cells.join(","));
        self.table.push_str("\r\n");
    }
}

fn of_day(report: &DayReport, table: &mut String) {
    for register in &report.registers {
        let name = register.register.to_string();
        let mut rows = Rows { report, register: &name, table: &mut *table };
        of_register(register, report, &mut rows);
    }
    let mut rows = Rows { report, register: "", table };
    rows.row(["closed", "", "relay", "", report.closed.words()]);
    rows.row(["held", "", "agent", "", &report.agent.words]);
    for target in &report.targets {
        let said = match &target.read {
            ReadBack::NotAsked => "not asked".to_owned(),
            ReadBack::At(at) => format!("read back at {at}"),
            ReadBack::Failed(reason) => format!("not read back: {reason}"),
        };
        rows.row(["read_back", "", target.target.as_str(), "", &said]);
    }
    for finding in &report.findings {
        let register = finding.register.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut rows = Rows { report, register: &register, table: &mut *rows.table };
        let (code, value) = finding
            .amount
            .map_or_else(Default::default, |money| shown(money.minor, Some(money.currency)));
        let column = finding.target.as_ref().map(ToString::to_string).unwrap_or_default();
        let class = if finding.kind.is_difference() { "difference" } else { "note" };
        rows.row([class, &code, &column, &value, &finding.text]);
    }
}

fn of_register(register: &RegisterReport, report: &DayReport, rows: &mut Rows<'_>) {
    for column in &register.pos {
        rows.column("pos", column);
    }
    for column in &register.relay {
        rows.column("relay", column);
        // The agents' figures are those of the relay once they hold nothing more.
        if report.agent.is_level {
            rows.column("agent", column);
        }
    }
    for (target, columns) in &register.targets {
        for column in columns {
            let currency = Some(column.stands.amount.currency);
            let documents = i64::try_from(column.stands.count).unwrap_or(i64::MAX);
            rows.put("documents", None, target.as_str(), documents);
            rows.put("stands", currency, target.as_str(), column.stands.amount.minor);
            for (item, minor) in &column.bridging {
                let measure = format!("bridging:{}", item.as_str());
                rows.put(&measure, currency, target.as_str(), *minor);
            }
            rows.put("settled", currency, target.as_str(), column.settled);
            rows.put("difference", currency, target.as_str(), column.difference);
        }
    }
    for (measure, currency, minor) in &register.figures {
        rows.put(measure, *currency, "relay", *minor);
    }
    for z in &register.zs {
        for figure in &z.figures {
            rows.put(&figure.key, figure.currency, "pos", figure.stated);
        }
        if let Some(over_short) = z.over_short {
            rows.put("over_short", Some(over_short.currency), "pos", over_short.minor);
        }
    }
}

fn shown(minor: i64, currency: Option<Currency>) -> (String, String) {
    match currency {
        Some(currency) => (currency.code().to_owned(), Money::new(minor, currency).decimal()),
        None => (String::new(), minor.to_string()),
    }
}

fn quoted(cell: &str) -> String {
    let is_number = cell.parse::<rust_decimal::Decimal>().is_ok();
    let is_formula = !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\r', '\n']) || is_formula {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}
