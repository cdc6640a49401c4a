//! What the goods of a line are in ERPNext: which item, in which warehouse, and how many.
//!
//! Only lines that move stock by the event's own rule go under an item that is stocked there. Does
//! not know what they cost.

use protocol::event::line::Disposition;
use protocol::event::{Direction, Line, LineKind};
use rust_decimal::Decimal;

use super::Unfit;
use super::invoice::Frame;
use crate::connectors::ExceptionClass;
use crate::connectors::erpnext::config::{Settings, StockMover};

impl Frame<'_> {
    /// What ERPNext calls an item: the bridging item of its kind, else its own number.
    pub(super) fn item(&self, line: &Line) -> Result<String, Unfit> {
        let bridging = &self.settings.bridging_items;
        let (key, item) = match line.kind {
            LineKind::Item if self.is_unmoved(line) => ("unmoved", &bridging.unmoved),
            LineKind::Item => ("item", &None),
            LineKind::Service => ("service", &bridging.service),
            LineKind::Fee => ("fee", &bridging.fee),
            LineKind::ContainerDeposit => ("container_deposit", &bridging.container_deposit),
            LineKind::Prepayment => ("prepayment", &bridging.prepayment),
            LineKind::GiftCard => ("gift_card", &bridging.gift_card),
            LineKind::Tip => ("tip", &bridging.tip),
            LineKind::Donation => ("donation", &bridging.donation),
        };
        // A stocked item would move, and the event says that this line moves nothing.
        let own = line.item.as_ref().filter(|_| key != "unmoved");
        let own = own.and_then(|item| item.stock_name()).map(str::to_owned);
        item.clone().or(own).ok_or_else(|| {
            let reason = format!(
                "line {} needs an item: name one under `bridging_items.{key}` in the settings of \
                 the target",
                line.line
            );
            (ExceptionClass::UnknownItem, reason)
        })
    }

    /// Goods whose stock other lines move, or none. Where ERPNext moves no stock, all goods are
    /// themselves.
    fn is_unmoved(&self, line: &Line) -> bool {
        self.settings.stock_mover == StockMover::Erp
            && !self.moving.contains(&line.line)
            && !self.is_unsellable(line)
    }

    /// Goods that came back and are not for sale.
    fn is_unsellable(&self, line: &Line) -> bool {
        let is_kept_apart = !matches!(line.disposition, None | Some(Disposition::Restock));
        let is_header = self.transaction.lines.iter().any(|other| {
            other.parent == Some(line.line) && other.kind == LineKind::Item && other.counts()
        });
        line.direction == Direction::In
            && is_kept_apart
            && line.stock.unwrap_or(line.kind == LineKind::Item && !is_header)
    }

    /// Where a line's stock moves.
    pub(super) fn warehouse(&self, line: &Line) -> Result<&str, Unfit> {
        if !self.is_unsellable(line) || self.settings.stock_mover == StockMover::None {
            return Ok(&self.place.warehouse);
        }
        self.place.unsellable_warehouse.as_deref().ok_or_else(|| {
            let reason = format!(
                "line {} came back and is not for sale: name an `unsellable_warehouse` of store \
                 {} in the settings of the target",
                line.line, self.transaction.store
            );
            (ExceptionClass::UnknownLocation, reason)
        })
    }

    /// How many, as ERPNext keeps it.
    pub(super) fn quantity(&self, line: &Line) -> Result<Decimal, Unfit> {
        let quantity = line.quantity.value().normalize();
        let refused =
            |why: String| (ExceptionClass::Rejected, format!("line {}: {why}", line.line));
        if quantity.is_zero() {
            return Err(refused("nothing of an item is no row in ERPNext".to_owned()));
        }
        within_places(quantity, self.settings).map_err(refused)
    }
}

/// A quantity that ERPNext keeps whole, or why it does not.
pub(super) fn within_places(quantity: Decimal, settings: &Settings) -> Result<Decimal, String> {
    if quantity.scale() <= u32::from(settings.quantity_places) {
        return Ok(quantity);
    }
    Err(format!(
        "{quantity} has more places than ERPNext keeps: raise its Float Precision and \
         `quantity_places`"
    ))
}
