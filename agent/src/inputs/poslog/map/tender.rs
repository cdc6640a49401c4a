//! How a document was paid.
//!
//! Of a card nothing is taken but what the canonical model can hold; the number of a gift card or
//! voucher is masked. Does not add anything up.

use protocol::event::tender::{Card, Foreign, StoredValue, StoredValueAction};
use protocol::event::{Direction, Tender, TenderKind, TenderPurpose};
use protocol::id::Code;
use protocol::money::{Amount, Currency};

use super::super::profile::NegativeTender;
use super::super::profile::names::{CardField, TenderField};
use super::super::xml::tree::NodeId;
use super::look::{Fault, Look, Said, shown};

/// Characters of a card's number that are digits or stand for one.
const CARD_CHARS_MIN: usize = 12;

/// A tender as it stands, and what was handed out with it.
pub(super) struct Paid {
    tender: Tender,
    out: Vec<Tender>,
}

/// Reads a tender.
pub(super) fn paid(
    look: Look<'_>,
    at: NodeId,
    currency: Currency,
    pays_out: bool,
) -> Result<Paid, Fault> {
    let fields = &look.profile.tender;
    let said = stated(look, at)?;
    let units = look.units(said, currency)?;
    let is_out = look.leads(fields, TenderField::Out, at);
    let (direction, purpose) = match (units < 0, is_out) {
        (false, false) => (Direction::In, TenderPurpose::Payment),
        (false, true) => (Direction::Out, TenderPurpose::Refund),
        (true, _) if look.profile.rules.tender_negative == NegativeTender::Refuse => {
            let detail = format!("the tender `{}` is below zero", shown(said.text));
            let next = "if that is change or money back, say so in the profile \
                        (`tender_negative = \"change\"`)";
            return Err(said.fault_next(&detail, next));
        }
        (true, _) if is_out || pays_out => (Direction::Out, TenderPurpose::Refund),
        (true, _) => (Direction::Out, TenderPurpose::Change),
    };
    let is_void = look.flag(fields, TenderField::Void, at)?.unwrap_or(false);
    let counts_nowhere = is_void || look.leads(fields, TenderField::Declined, at);
    let purpose = if counts_nowhere { TenderPurpose::Declined } else { purpose };
    let mut tender = tender(look, at, direction, purpose, said.amount(units)?)?;
    tender.surcharge = look.amount(fields, TenderField::Surcharge, at, currency)?;
    tender.stored_value = stored_value(look, at, direction, currency)?;
    if let Some(foreign) = foreign(look, at)? {
        if tender.kind == TenderKind::Cash {
            tender.kind = TenderKind::ForeignCash;
        }
        tender.foreign = Some(foreign);
    }
    let mut out = Vec::new();
    if !counts_nowhere {
        let change_kind = look.said(fields, TenderField::ChangeKind, at);
        let change = [
            (TenderField::Change, TenderPurpose::Change),
            (TenderField::CashBack, TenderPurpose::CashBack),
        ];
        for (field, purpose) in change {
            let given = look.amount(fields, field, at, currency)?.filter(|a| a.minor() > 0);
            let kind = match purpose {
                TenderPurpose::Change => change_kind.map(|said| kind(look, said.text)),
                _ => None,
            };
            let kind = kind.unwrap_or(TenderKind::Cash);
            out.extend(given.map(|amount| handed_out(kind, purpose, amount)));
        }
    }
    Ok(Paid { tender, out })
}

impl Paid {
    /// Change that stands on a line of its own.
    pub(super) fn change(look: Look<'_>, at: NodeId, currency: Currency) -> Result<Self, Fault> {
        let said = stated(look, at)?;
        let amount = said.amount(look.units(said, currency)?)?;
        let purpose = TenderPurpose::Change;
        let mut tender = tender(look, at, Direction::Out, purpose, amount)?;
        if tender.kind == TenderKind::Other {
            tender.kind = TenderKind::Cash;
        }
        Ok(Self { tender, out: Vec::new() })
    }

    /// The tenders of a document: those without a number of the POS get the next free one.
    pub(super) fn number(paid: Vec<Self>) -> Vec<Tender> {
        let mut next = paid.iter().map(|paid| paid.tender.tender).max().unwrap_or(0);
        let mut numbered = move |mut tender: Tender| {
            if tender.tender == 0 {
                next = next.saturating_add(1);
                tender.tender = next;
            }
            tender
        };
        // Change of nothing is no change.
        let is_something =
            |tender: &Tender| tender.amount.minor() > 0 || tender.purpose != TenderPurpose::Change;
        let all = paid.into_iter().flat_map(|paid| std::iter::once(paid.tender).chain(paid.out));
        all.filter(is_something).map(&mut numbered).collect()
    }
}

fn stated(look: Look<'_>, at: NodeId) -> Result<Said<'_>, Fault> {
    look.said(&look.profile.tender, TenderField::Amount, at).ok_or_else(|| {
        let next = "name its place in the profile (`tender.amount`)";
        Fault::new(at, "the tender states no amount", next)
    })
}

fn tender(
    look: Look<'_>,
    at: NodeId,
    direction: Direction,
    purpose: TenderPurpose,
    amount: Amount,
) -> Result<Tender, Fault> {
    let fields = &look.profile.tender;
    let word = look.said(fields, TenderField::Kind, at);
    let name = look.code(fields, TenderField::Name, at)?;
    let number = look.said(fields, TenderField::Number, at).map(Said::whole).transpose()?;
    Ok(Tender {
        tender: number.unwrap_or(0),
        kind: word.map_or(TenderKind::Other, |word| kind(look, word.text)),
        purpose,
        direction,
        amount,
        name: match name {
            None => word.map(Said::code).transpose()?,
            name => name,
        },
        foreign: None,
        card: card(look, at)?,
        stored_value: None,
        original: None,
        surcharge: None,
        extensions: look.kept(&look.profile.extensions.tender, at),
    })
}

fn kind(look: Look<'_>, word: &str) -> TenderKind {
    look.profile.tender_kinds.get(word).copied().unwrap_or(TenderKind::Other)
}

fn handed_out(kind: TenderKind, purpose: TenderPurpose, amount: Amount) -> Tender {
    Tender {
        tender: 0,
        kind,
        purpose,
        direction: Direction::Out,
        amount,
        name: None,
        foreign: None,
        card: None,
        stored_value: None,
        original: None,
        surcharge: None,
        extensions: Default::default(),
    }
}

fn foreign(look: Look<'_>, at: NodeId) -> Result<Option<Foreign>, Fault> {
    let fields = &look.profile.tender;
    let Some(currency) = look.said(fields, TenderField::ForeignCurrency, at) else {
        return Ok(None);
    };
    let known = Currency::new(currency.text).map_err(|error| currency.fault(&error.to_string()))?;
    let amount = look.amount(fields, TenderField::ForeignAmount, at, known)?;
    let rate = look.number(fields, TenderField::ForeignRate, at)?;
    Ok(amount.zip(rate).map(|(amount, rate)| Foreign { currency: known, amount, rate }))
}

fn card(look: Look<'_>, at: NodeId) -> Result<Option<Card>, Fault> {
    let fields = &look.profile.card;
    let code = |field| look.code(fields, field, at);
    let scheme = code(CardField::Scheme)?;
    // Not remembered as asked for: a number that stands there whole is to be flagged.
    let number = look.peek(fields, CardField::Number, at).map(|said| said.text);
    let (bin, last4) = number.map_or((None, None), ends);
    let card = Card {
        scheme,
        bin: bin.and_then(|digits| digits.try_into().ok()),
        last4: last4.and_then(|digits| digits.try_into().ok()),
        token: code(CardField::Token)?,
        authorisation: code(CardField::Authorisation)?,
        reference: code(CardField::Reference)?,
        entry: None,
        offline: false,
    };
    if card == Card::default() {
        return Ok(None);
    }
    let entry = code(CardField::Entry)?;
    Ok(Some(Card { entry, ..card }))
}

/// At most the first six and the last four digits of a card's number, masked or not.
fn ends(number: &str) -> (Option<String>, Option<String>) {
    let plain: Vec<char> = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if plain.len() < CARD_CHARS_MIN {
        return (None, None);
    }
    let first: String = plain.iter().take(6).take_while(|c| c.is_ascii_digit()).collect();
    let last: String = plain[plain.len() - 4..].iter().collect();
    let is_shown = last.bytes().all(|byte| byte.is_ascii_digit());
    ((!first.is_empty()).then_some(first), is_shown.then_some(last))
}

fn stored_value(
    look: Look<'_>,
    at: NodeId,
    direction: Direction,
    currency: Currency,
) -> Result<Option<StoredValue>, Fault> {
    let fields = &look.profile.tender;
    let Some(said) = look.said(fields, TenderField::StoredValue, at) else { return Ok(None) };
    let balance = look.minor(fields, TenderField::StoredBalance, at, currency)?;
    let balance = balance.map(|units| super::look::signed(units, at)).transpose()?;
    let action = match direction {
        Direction::In => StoredValueAction::Redeem,
        Direction::Out => StoredValueAction::Refund,
    };
    Ok(Some(StoredValue { token: masked(said)?, action, balance, online: false, voucher: None }))
}

/// A number of stored value with all but its last four characters masked.
fn masked(said: Said<'_>) -> Result<Code, Fault> {
    let shown = said.text.chars().count().saturating_sub(4);
    let masked: String = said
        .text
        .chars()
        .enumerate()
        .map(|(place, character)| if place < shown { '*' } else { character })
        .collect();
    Code::new(masked).map_err(|error| said.fault(&error.to_string()))
}

/// The kind of a tender that a till counts; cash where nothing is said.
pub(super) fn counted_kind(look: Look<'_>, word: Option<Said<'_>>) -> TenderKind {
    word.map_or(TenderKind::Cash, |word| kind(look, word.text))
}
