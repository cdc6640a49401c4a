//! What a document says of itself: store, register, receipt, times, practice.
//!
//! Does not look at lines.

use protocol::event::fiscal::{FiscalMark, Payload};
use protocol::event::line::LineReference;
use protocol::event::transaction::{Customer, Flag};
use protocol::id::{Code, Receipt, RegisterId, StoreId};
use protocol::list::List;
use protocol::money::Currency;
use protocol::problem;
use protocol::time::{BusinessDate, OffsetTime};

use super::super::profile::names::{FiscalField, HeadField, LinkField};
use super::super::profile::{Fields, NoTrainingFlag};
use super::super::xml::tree::{NodeId, Tree};
use super::look::{Fault, Look, Said, shown};
use crate::inputs::reading::time;

/// A document's head.
pub(super) struct Head {
    pub(super) store: StoreId,
    pub(super) register: RegisterId,
    pub(super) till: Option<Code>,
    pub(super) shift: Option<Code>,
    pub(super) business_date: BusinessDate,
    pub(super) receipt: Receipt,
    pub(super) pos_id: Option<Code>,
    pub(super) profile: Option<Code>,
    pub(super) started_at: Option<OffsetTime>,
    pub(super) completed_at: Option<OffsetTime>,
    pub(super) cashier: Option<Code>,
    pub(super) seller: Option<Code>,
    pub(super) flags: List<Flag, 8>,
    pub(super) currency: Option<Currency>,
    pub(super) customer: Option<Customer>,
    pub(super) order: Option<Code>,
    pub(super) fiscal: Option<FiscalMark>,
}

impl Head {
    pub(super) fn read(look: Look<'_>) -> Result<Self, Fault> {
        let fields = &look.profile.head;
        let code = |field| look.code(fields, field, Tree::ROOT);
        let flags = flags(look)?;
        let store = said(look, HeadField::Store, "no store")?;
        let register = said(look, HeadField::Register, "no register")?;
        let day = said(look, HeadField::BusinessDate, "no business date")?;
        let customer =
            Customer { id: code(HeadField::Customer)?, loyalty: code(HeadField::Loyalty)? };
        Ok(Self {
            store: store_id(look, store)?,
            register: register_id(look, register)?,
            till: code(HeadField::Till)?,
            shift: code(HeadField::Shift)?,
            business_date: business_date(day)?,
            receipt: receipt(said(look, HeadField::Receipt, "no receipt number")?)?,
            pos_id: code(HeadField::PosId)?,
            profile: Code::new(look.profile.label()).ok(),
            started_at: look.moment(fields, HeadField::StartedAt, Tree::ROOT)?,
            completed_at: look.moment(fields, HeadField::CompletedAt, Tree::ROOT)?,
            cashier: code(HeadField::Cashier)?,
            seller: code(HeadField::Seller)?,
            flags,
            currency: currency(look)?,
            customer: (customer != Customer::default()).then_some(customer),
            order: code(HeadField::Order)?,
            fiscal: fiscal(look)?,
        })
    }

    /// The currency, which whatever holds money has.
    pub(super) fn money(&self) -> Result<Currency, Fault> {
        self.currency.ok_or_else(|| {
            let next = "name its place (`head.currency`) or the currency itself \
                        (`rules.currency`) in the profile";
            Fault::new(Tree::ROOT, "the document names no currency", next)
        })
    }
}

fn said<'a>(look: Look<'a>, field: HeadField, missing: &str) -> Result<Said<'a>, Fault> {
    look.said(&look.profile.head, field, Tree::ROOT).ok_or_else(|| {
        let detail = format!("the document names {missing}");
        Fault::new(Tree::ROOT, detail, "name its place in the profile (`[head]`)")
    })
}

/// Practice never leaves the host, so that a document of which nobody can tell is refused.
fn flags(look: Look<'_>) -> Result<List<Flag, 8>, Fault> {
    let fields = &look.profile.head;
    let flag = |field| look.flag(fields, field, Tree::ROOT);
    let next = "if this POS flags every practice transaction, say so in a profile \
                (`training_absent = \"live\"`); else name the place of the flag (`head.training`)";
    let unknown =
        |detail: &str| Fault::of(problem::Code::PracticeUnknown, Tree::ROOT, detail, next);
    let training = match flag(HeadField::Training) {
        Ok(Some(flag)) => flag,
        Ok(None) if look.profile.rules.training_absent == NoTrainingFlag::Live => false,
        Ok(None) => return Err(unknown("nothing says whether the document is practice")),
        Err(_) => return Err(unknown("the flag of practice is neither true nor false")),
    };
    let mut flags = Vec::new();
    if training {
        flags.push(Flag::Training);
    }
    if flag(HeadField::Offline)? == Some(true) {
        flags.push(Flag::Offline);
    }
    if flag(HeadField::Reentry)? == Some(true) {
        flags.push(Flag::Reentry);
    }
    Ok(List::try_from(flags).expect("three flags at most"))
}

fn store_id(look: Look<'_>, said: Said<'_>) -> Result<StoreId, Fault> {
    if let Some(store) = look.site.stores.get(said.text) {
        return Ok(store.clone());
    }
    let next = "give it a name of letters, digits, `.`, `_` and `-` in the input's `stores`";
    StoreId::new(said.text).map_err(|error| said.fault_next(&error.to_string(), next))
}

fn register_id(look: Look<'_>, said: Said<'_>) -> Result<RegisterId, Fault> {
    if let Some(register) = look.site.registers.get(said.text) {
        return Ok(register.clone());
    }
    let next = "give it a name of letters, digits, `.`, `_` and `-` in the input's `registers`";
    RegisterId::new(said.text).map_err(|error| said.fault_next(&error.to_string(), next))
}

fn business_date(said: Said<'_>) -> Result<BusinessDate, Fault> {
    time::date(said.text).ok_or_else(|| said.fault(&format!("`{}` is no date", shown(said.text))))
}

fn receipt(said: Said<'_>) -> Result<Receipt, Fault> {
    if !said.text.bytes().any(|byte| byte.is_ascii_digit()) {
        let detail = format!("`{}` is no receipt number: it has no digit", shown(said.text));
        return Err(said.fault(&detail));
    }
    Receipt::new(said.text).map_err(|error| said.fault(&error.to_string()))
}

fn currency(look: Look<'_>) -> Result<Option<Currency>, Fault> {
    match look.said(&look.profile.head, HeadField::Currency, Tree::ROOT) {
        None => Ok(look.profile.rules.currency),
        Some(said) => {
            Currency::new(said.text).map(Some).map_err(|error| said.fault(&error.to_string()))
        }
    }
}

/// The receipt that a link names; none unless it names all four of its parts.
pub(super) fn reference(
    look: Look<'_>,
    fields: &Fields<LinkField>,
    from: NodeId,
) -> Result<Option<LineReference>, Fault> {
    let said = |field| look.said(fields, field, from);
    let parts = (
        said(LinkField::Store),
        said(LinkField::Register),
        said(LinkField::BusinessDate),
        said(LinkField::Receipt),
    );
    let (Some(store), Some(register), Some(day), Some(number)) = parts else { return Ok(None) };
    Ok(Some(LineReference {
        store: store_id(look, store)?,
        register: register_id(look, register)?,
        business_date: business_date(day)?,
        receipt: receipt(number)?,
        line: said(LinkField::Line).map(Said::whole).transpose()?,
        counter_cycle: 0,
    }))
}

fn fiscal(look: Look<'_>) -> Result<Option<FiscalMark>, Fault> {
    let fields = &look.profile.fiscal;
    if fields.is_empty() {
        return Ok(None);
    }
    let code = |field| look.code(fields, field, Tree::ROOT);
    let payload = |field| -> Result<Option<Payload>, Fault> {
        let Some(said) = look.said(fields, field, Tree::ROOT) else { return Ok(None) };
        let payload = Payload::try_from(said.text.to_owned());
        payload.map(Some).map_err(|error| said.fault(&error.to_string()))
    };
    let mark = FiscalMark {
        device: code(FiscalField::Device)?,
        transaction: code(FiscalField::Transaction)?,
        counter: code(FiscalField::Counter)?,
        signature: payload(FiscalField::Signature)?,
        previous: payload(FiscalField::Previous)?,
        code: payload(FiscalField::Code)?,
        ..FiscalMark::default()
    };
    Ok((mark != FiscalMark::default()).then_some(mark))
}
