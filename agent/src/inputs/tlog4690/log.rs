//! The strings of the Supermarket Application that say something about money and goods.
//!
//! Positions of fields: those that its log shows and IBM's description of it names. Fields that a
//! retailer adds at the end of a string are passed over, and so are whole strings that are not
//! listed here. The header's password, the account number of a tender and the strings with card data
//! are never looked at. Does not decide what a transaction is.

use super::packed;
use super::{Fault, frame};

/// Strings of one transaction: 5,000 items with what belongs to them.
const STRINGS_MAX: usize = 20_000;

/// An item whose quantity is a weight or a volume, in the second byte of string 02.
const WEIGHED: i64 = 0x40;

/// A string that takes an earlier one back, in the second indicator of string 01.
const TAKEN_BACK: i64 = 0x80;

/// A transaction as it stands in the log.
#[derive(Debug)]
pub(super) enum Logged {
    /// A checkout or another transaction of a register.
    Transaction(Header, Vec<Record>),
    /// An exception log entry (string 20): what happened at a terminal besides.
    Exception,
    /// It begins with a string that is no header.
    Other(u8),
}

/// String 00.
#[derive(Debug)]
pub(super) struct Header {
    /// Four digits.
    pub(super) terminal: String,
    /// Four digits.
    pub(super) number: String,
    /// YYMMDDHHMM.
    pub(super) date_time: String,
    /// Two digits; `00` is a checkout.
    pub(super) kind: String,
    pub(super) operator: Option<String>,
    pub(super) gross_positive: Option<i64>,
    pub(super) gross_negative: Option<i64>,
    /// The first indicator: 32 bits of which bit 0 is the highest.
    pub(super) indicator: Option<i64>,
}

/// A string after the header, with its position in the transaction, from 1.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) position: u32,
    pub(super) string: LogString,
}

/// What a string says.
#[derive(Debug)]
pub(super) enum LogString {
    /// 01.
    Item(Item),
    /// 02: more about the item before it.
    Quantity(Quantity),
    /// 03, and 04 which takes one back.
    Discount { group: String, amount: i64, taken_back: bool },
    /// 05, and 06 which corrects one.
    Tender { kind: String, amount: i64, fee: i64, correction: bool },
    /// 07, and 08 for goods that came back: tax and sales by the tables A to D.
    Tax { tables: [(i64, Option<i64>); 4], taken_back: bool },
    /// 09.
    Change { kind: String, amount: i64 },
    /// 11 with `FF`: the preferred customer's account.
    Customer(String),
}

/// String 01.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) code: String,
    pub(super) price: i64,
    pub(super) department: Option<String>,
    /// The first digit of the third indicator.
    pub(super) kind: char,
    pub(super) taken_back: bool,
}

/// String 02.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    /// So many cost `price`.
    pub(super) for_price: Option<i64>,
    pub(super) price: Option<i64>,
    /// Pieces, or a weight or volume without its decimal point.
    pub(super) count: Option<i64>,
    pub(super) is_weighed: bool,
}

/// Reads a transaction.
pub(super) fn read(transaction: &[u8]) -> Result<Logged, Fault> {
    let mut strings = (1_u32..).zip(frame::strings(transaction));
    let (_, first) = strings.next().expect("even an empty text has one part");
    let header = match first {
        [0x00, ..] => header(&Fields::new(1, 0x00, first))?,
        [0x20, ..] => return Ok(Logged::Exception),
        _ => return Ok(Logged::Other(first.first().copied().unwrap_or_default())),
    };
    let mut records = Vec::new();
    for (position, string) in strings {
        if records.len() == STRINGS_MAX {
            let detail = format!("the transaction has more than {STRINGS_MAX} strings");
            return Err(Fault::new("", detail, "copy the log anew in binary mode"));
        }
        if let Some(string) = log_string(position, string)? {
            records.push(Record { position, string });
        }
    }
    Ok(Logged::Transaction(header, records))
}

fn header(fields: &Fields<'_>) -> Result<Header, Fault> {
    Ok(Header {
        terminal: fields.fixed_digits(1, "TerminalNumber", 4)?,
        number: fields.fixed_digits(2, "TransactionNumber", 4)?,
        date_time: fields.fixed_digits(3, "DateTime", 10)?,
        kind: fields.fixed_digits(4, "TransactionType", 2)?,
        operator: fields.digits(6, "Operator")?,
        gross_positive: fields.number(8, "GrossPositive")?,
        gross_negative: fields.number(9, "GrossNegative")?,
        indicator: fields.number(14, "Indicat1")?,
    })
}

fn log_string(position: u32, string: &[u8]) -> Result<Option<LogString>, Fault> {
    let Some(kind) = string.first().copied() else { return Ok(None) };
    let fields = Fields::new(position, kind, string);
    Ok(Some(match kind {
        0x01 => LogString::Item(item(&fields)?),
        0x02 => LogString::Quantity(Quantity {
            for_price: fields.amount(4, "SaleQuantity")?,
            price: fields.amount(5, "SalePrice")?,
            count: fields.amount(6, "QtyOrWgtOrVol")?,
            is_weighed: fields.number(7, "Indicat1")?.unwrap_or(0) & WEIGHED != 0,
        }),
        0x03 | 0x04 => LogString::Discount {
            group: fields.fixed_digits(1, "DiscountGroup", 2)?,
            amount: fields.amount(3, "DiscountAmount")?.unwrap_or(0),
            taken_back: kind == 0x04,
        },
        0x05 | 0x06 => LogString::Tender {
            kind: fields.fixed_digits(1, "TenderType", 2)?,
            amount: fields.amount(2, "TenderAmount")?.unwrap_or(0),
            fee: fields.amount(3, "TenderCashingFee")?.unwrap_or(0),
            correction: kind == 0x06,
        },
        0x07 | 0x08 => LogString::Tax { tables: tax(&fields)?, taken_back: kind == 0x08 },
        0x09 => LogString::Change {
            kind: fields.fixed_digits(1, "TenderType", 2)?,
            amount: fields.amount(2, "TenderAmount")?.unwrap_or(0),
        },
        0x11 if fields.bytes(1) == [0xFF] => match fields.digits(2, "CustomerAccountID")? {
            Some(account) => LogString::Customer(account),
            None => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

fn item(fields: &Fields<'_>) -> Result<Item, Fault> {
    let kind = fields.fixed_digits(7, "Indicat3", 2)?;
    Ok(Item {
        code: fields.digits(1, "ItemCode")?.ok_or_else(|| fields.fault("ItemCode"))?,
        price: fields.amount(2, "ExtendedPrice")?.unwrap_or(0),
        department: fields.digits(3, "DepartmentNumber")?,
        kind: kind.chars().next().expect("two digits were read"),
        taken_back: fields.number(6, "Indicat2")?.unwrap_or(0) & TAKEN_BACK != 0,
    })
}

fn tax(fields: &Fields<'_>) -> Result<[(i64, Option<i64>); 4], Fault> {
    let mut tables = [(0, None); 4];
    for (index, table) in tables.iter_mut().enumerate() {
        let tax = fields.amount(1 + index, "TaxAmount")?.unwrap_or(0);
        *table = (tax, fields.amount(5 + index, "TaxSales")?);
    }
    Ok(tables)
}

/// The fields of one string, by position: 0 is the kind of string.
struct Fields<'a> {
    position: u32,
    kind: u8,
    fields: Vec<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn new(position: u32, kind: u8, string: &'a [u8]) -> Self {
        Self { position, kind, fields: frame::fields(string) }
    }

    /// Empty where the string ends before it.
    fn bytes(&self, index: usize) -> &'a [u8] {
        self.fields.get(index).copied().unwrap_or_default()
    }

    fn number(&self, index: usize, name: &str) -> Result<Option<i64>, Fault> {
        match self.bytes(index) {
            [] => Ok(None),
            bytes => packed::number(bytes).map(Some).ok_or_else(|| self.fault(name)),
        }
    }

    /// A number that has no sign: strings say by their kind which way money goes.
    fn amount(&self, index: usize, name: &str) -> Result<Option<i64>, Fault> {
        match self.number(index, name)? {
            Some(negative) if negative < 0 => Err(self.fault(name)),
            amount => Ok(amount),
        }
    }

    fn digits(&self, index: usize, name: &str) -> Result<Option<String>, Fault> {
        match self.bytes(index) {
            [] => Ok(None),
            bytes => packed::digits(bytes).map(Some).ok_or_else(|| self.fault(name)),
        }
    }

    fn fixed_digits(&self, index: usize, name: &str, count: usize) -> Result<String, Fault> {
        let digits = self.digits(index, name)?;
        digits.filter(|digits| digits.len() == count).ok_or_else(|| self.fault(name))
    }

    fn fault(&self, name: &str) -> Fault {
        let element = format!("string {} ({:02X}), {name}", self.position, self.kind);
        Fault::new(
            element,
            format!("{name} is not there or no packed number of its length"),
            "see whether this is the log of the Supermarket Application and was copied in binary \
             mode; a string that the retailer changed needs a decoder of its own",
        )
    }
}
