//! The doctypes that are simulated: their fields, and the fields that are refused.
//!
//! Source: the `*.json` of each doctype in frappe/erpnext and frappe/frappe. A field that stands
//! nowhere here is dropped without a word, as Frappe drops it (frappe/model/base_document.py,
//! `get_valid_dict`): a misspelt key is a key that does not exist. A field that the real doctype
//! has and that would change what happens is refused as not simulated.

mod masters;
mod sales;
mod stock;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Data,
    Text,
    Check,
    Currency,
    Float,
    Date,
    Time,
    Link(&'static str),
    Select(&'static [&'static str]),
    Table(&'static str),
}

/// A field of a doctype.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// Whether it may change after submission (`allow_on_submit`).
    pub(crate) after_submit: bool,
}

/// What may be done with a doctype through the API here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Created, updated, submitted, cancelled, deleted.
    Submitted,
    /// Created, updated, deleted.
    Kept,
    /// Read; the setup decides what there is.
    Read,
    /// Rows of another document; never addressed by itself.
    Rows,
}

/// A doctype.
#[derive(Debug)]
pub(crate) struct Doctype {
    pub(crate) name: &'static str,
    pub(crate) usage: Use,
    /// The naming series it may choose from; the first is the default.
    pub(crate) series: &'static [&'static str],
    pub(crate) fields: &'static [Field],
    /// Real fields that would change what happens, and are refused when they hold something.
    pub(crate) refused: &'static [&'static str],
}

impl Doctype {
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The doctype of this name; `None` if it is not simulated.
pub(crate) fn doctype(name: &str) -> Option<&'static Doctype> {
    ALL.iter().copied().find(|doctype| doctype.name == name)
}

static ALL: &[&Doctype] = &[
    &sales::INVOICE,
    &sales::INVOICE_ITEM,
    &sales::TAX,
    &sales::PAYMENT,
    &stock::ENTRY,
    &stock::ENTRY_DETAIL,
    &stock::RECONCILIATION,
    &stock::RECONCILIATION_ITEM,
    &stock::LEDGER_ENTRY,
    &stock::BIN,
    &masters::CUSTOMER,
    &masters::ITEM,
    &masters::WAREHOUSE,
    &masters::COMPANY,
    &masters::ACCOUNT,
    &masters::MODE_OF_PAYMENT,
    &masters::MODE_OF_PAYMENT_ACCOUNT,
    &masters::POS_PROFILE,
    &masters::ITEM_TAX_TEMPLATE,
    &masters::ITEM_TAX_TEMPLATE_DETAIL,
    &masters::CUSTOM_FIELD,
    &masters::GL_ENTRY,
];

const fn field(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind, required: false, after_submit: false }
}

const fn required(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind, required: true, after_submit: false }
}

const fn after_submit(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind, required: false, after_submit: true }
}
