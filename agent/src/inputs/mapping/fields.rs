//! The fields of the canonical transaction that a mapping can fill, and what each holds.
//!
//! Names are those of the event's schema, with a point between a field and its part. Does
//! not check values: the canonical reader does.

/// What a field holds, and so how a cell becomes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A word, number or code, as it stands.
    Code,
    /// What is read by people: cut where it is too long, without control characters.
    Prose,
    /// A text carried as it stands.
    Text,
    /// An amount of the receipt's currency.
    Amount,
    /// An amount of the currency that the field beside it names.
    ForeignAmount,
    /// An amount with its sign.
    SignedAmount,
    /// A quantity, price or rate.
    Number,
    /// A whole number.
    Whole,
    /// Yes or no.
    YesNo,
    /// A trading day.
    Date,
    /// A point in time.
    Time,
    /// Which way, by word or by a sign.
    Direction,
    /// A trade item number, or else what was scanned.
    Gtin,
    /// A list of one code.
    CodeList,
}

/// The parts of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Transaction,
    Line,
    Tender,
    Discount,
    Tax,
}

/// A field: its name and what it holds.
pub(super) type Field = (&'static str, Holds);

impl Part {
    /// What a mapping calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Line => "line",
            Self::Tender => "tenders",
            Self::Discount => "discounts",
            Self::Tax => "taxes",
        }
    }

    /// The direction of a part of which none is stated.
    pub(super) const fn default_direction(self) -> &'static str {
        match self {
            Self::Transaction | Self::Tender => "in",
            Self::Line | Self::Discount | Self::Tax => "out",
        }
    }

    /// Its fields.
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Self::Transaction => TRANSACTION,
            Self::Line => LINE,
            Self::Tender => TENDER,
            Self::Discount => DISCOUNT,
            Self::Tax => TAX,
        }
    }

    /// The fields without which there is no such part.
    pub(super) const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Transaction => &["store", "register", "businessDate", "receipt", "currency"],
            Self::Line => &["kind", "quantity"],
            Self::Tender => &["kind", "amount"],
            Self::Discount => &["kind", "amount"],
            Self::Tax => &["code", "amount"],
        }
    }
}

const TRANSACTION: &[Field] = &[
    ("kind", Holds::Code),
    ("store", Holds::Code),
    ("register", Holds::Code),
    ("till", Holds::Code),
    ("shift", Holds::Code),
    ("location", Holds::Code),
    ("businessDate", Holds::Date),
    ("receipt", Holds::Code),
    ("counterCycle", Holds::Whole),
    ("posId", Holds::Code),
    ("startedAt", Holds::Time),
    ("completedAt", Holds::Time),
    ("cashier", Holds::Code),
    ("seller", Holds::Code),
    ("flags.offline", Holds::YesNo),
    ("flags.reentry", Holds::YesNo),
    ("flags.late", Holds::YesNo),
    ("currency", Holds::Code),
    ("customer.id", Holds::Code),
    ("customer.loyalty", Holds::Code),
    ("original.store", Holds::Code),
    ("original.register", Holds::Code),
    ("original.businessDate", Holds::Date),
    ("original.receipt", Holds::Code),
    ("original.counterCycle", Holds::Whole),
    ("order", Holds::Code),
    ("rounding", Holds::SignedAmount),
    ("total", Holds::SignedAmount),
    ("total.direction", Holds::Direction),
    ("stated.gross", Holds::Amount),
    ("stated.net", Holds::Amount),
    ("fiscal.device", Holds::Code),
    ("fiscal.transaction", Holds::Code),
    ("fiscal.counter", Holds::Code),
    ("fiscal.startedAt", Holds::Time),
    ("fiscal.finishedAt", Holds::Time),
    ("fiscal.signature", Holds::Text),
    ("fiscal.previous", Holds::Text),
    ("fiscal.code", Holds::Text),
    ("fiscal.outage", Holds::YesNo),
];

const LINE: &[Field] = &[
    ("line", Holds::Whole),
    ("kind", Holds::Code),
    ("parent", Holds::Whole),
    ("void", Holds::YesNo),
    ("direction", Holds::Direction),
    ("item.sku", Holds::Code),
    ("item.gtin", Holds::Gtin),
    ("item.scanned", Holds::Code),
    ("item.description", Holds::Prose),
    ("item.group", Holds::Code),
    ("quantity", Holds::Number),
    ("unit", Holds::Code),
    ("tare", Holds::Number),
    ("unitPrice", Holds::Number),
    ("regularUnitPrice", Holds::Number),
    ("priceBook", Holds::Code),
    ("override.reason", Holds::Prose),
    ("override.approver", Holds::Code),
    ("extended", Holds::Amount),
    ("total", Holds::Amount),
    ("stock", Holds::YesNo),
    ("fulfil", Holds::Code),
    ("original.store", Holds::Code),
    ("original.register", Holds::Code),
    ("original.businessDate", Holds::Date),
    ("original.receipt", Holds::Code),
    ("original.line", Holds::Whole),
    ("original.counterCycle", Holds::Whole),
    ("original.order", Holds::Code),
    ("original.lineItem", Holds::Code),
    ("original.blind.reason", Holds::Prose),
    ("original.blind.approver", Holds::Code),
    ("disposition", Holds::Code),
    ("returnReason", Holds::Prose),
    ("serials", Holds::CodeList),
    ("lots", Holds::CodeList),
    ("expires", Holds::Date),
    ("ageCheck.rule", Holds::Code),
    ("ageCheck.result", Holds::Code),
    ("giftCard", Holds::Code),
    ("seller", Holds::Code),
    ("enteredAt", Holds::Time),
];

const TENDER: &[Field] = &[
    ("tender", Holds::Whole),
    ("kind", Holds::Code),
    ("purpose", Holds::Code),
    ("direction", Holds::Direction),
    ("amount", Holds::Amount),
    ("name", Holds::Code),
    ("foreign.currency", Holds::Code),
    ("foreign.amount", Holds::ForeignAmount),
    ("foreign.rate", Holds::Number),
    ("card.scheme", Holds::Code),
    ("card.bin", Holds::Code),
    ("card.last4", Holds::Code),
    ("card.token", Holds::Code),
    ("card.authorisation", Holds::Code),
    ("card.reference", Holds::Code),
    ("card.entry", Holds::Code),
    ("card.offline", Holds::YesNo),
    ("storedValue.token", Holds::Code),
    ("storedValue.action", Holds::Code),
    ("storedValue.online", Holds::YesNo),
    ("storedValue.voucher", Holds::Code),
    ("original", Holds::Whole),
    ("surcharge", Holds::Amount),
];

const DISCOUNT: &[Field] = &[
    ("line", Holds::Whole),
    ("kind", Holds::Code),
    ("id", Holds::Code),
    ("amount", Holds::Amount),
    ("direction", Holds::Direction),
    ("reason", Holds::Prose),
    ("approver", Holds::Code),
];

const TAX: &[Field] = &[
    ("line", Holds::Whole),
    ("code", Holds::Code),
    ("authority", Holds::Code),
    ("type", Holds::Code),
    ("rate", Holds::Number),
    ("base", Holds::Amount),
    ("amount", Holds::Amount),
    ("unrounded", Holds::Number),
    ("included", Holds::YesNo),
    ("direction", Holds::Direction),
    ("exemption.reason", Holds::Prose),
    ("exemption.certificate", Holds::Code),
];
