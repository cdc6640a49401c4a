//! Taxes as the POS states them.
//!
//! A tax with more places than its currency is rounded, and what was stated stands beside it. Does
//! not compute a tax.

use protocol::decimal::Number;
use protocol::event::tax::Exemption;
use protocol::event::{Direction, Tax};
use protocol::id::Code;
use protocol::money::Currency;

use super::super::profile::TaxIncluded;
use super::super::profile::names::TaxField;
use super::super::xml::tree::NodeId;
use super::look::{Fault, Look, amount, shown};
use crate::inputs::reading::number;

/// The taxes of a line.
pub(super) fn of_line(look: Look<'_>, at: NodeId, currency: Currency) -> Result<Vec<Tax>, Fault> {
    let mut taxes = Vec::new();
    for place in look.places(look.profile.tax.get(&TaxField::Each), at) {
        taxes.extend(read(look, place.node, currency)?.map(|(tax, _)| tax));
    }
    Ok(taxes)
}

/// One tax, and whether it is below zero; none if no amount is stated.
pub(super) fn read(
    look: Look<'_>,
    at: NodeId,
    currency: Currency,
) -> Result<Option<(Tax, bool)>, Fault> {
    let fields = &look.profile.tax;
    let rate = look.number(fields, TaxField::Rate, at)?;
    let Some((value, said)) = look.decimal(fields, TaxField::Amount, at)? else { return Ok(None) };
    let beyond = || said.fault(&format!("`{}` is beyond any amount", shown(said.text)));
    let minor = number::minor(value, currency).ok_or_else(beyond)?;
    let base = look.decimal(fields, TaxField::Base, at)?.and_then(|(value, _)| {
        number::minor(value, currency).and_then(|minor| amount(minor.units))
    });
    let included = match look.profile.rules.tax_included {
        TaxIncluded::Yes => true,
        TaxIncluded::No => false,
        TaxIncluded::Stated => look.flag(fields, TaxField::Included, at)?.unwrap_or(false),
    };
    let exemption = look.words(fields, TaxField::ExemptReason, at);
    let certificate = look.code(fields, TaxField::ExemptCertificate, at)?;
    let tax = Tax {
        code: look.code(fields, TaxField::Code, at)?.unwrap_or_else(plain_code),
        authority: look.code(fields, TaxField::Authority, at)?,
        kind: look.code(fields, TaxField::Kind, at)?,
        rate,
        base,
        amount: amount(minor.units).ok_or_else(beyond)?,
        unrounded: (!minor.is_exact).then(|| Number::try_from(value.abs()).ok()).flatten(),
        included,
        direction: Direction::Out,
        exemption: exemption.map(|reason| Exemption { reason, certificate }),
    };
    Ok(Some((tax, value.is_sign_negative() && !value.is_zero())))
}

/// What a tax is called whose code nobody says.
fn plain_code() -> Code {
    Code::new("tax").expect("a word is a code")
}
