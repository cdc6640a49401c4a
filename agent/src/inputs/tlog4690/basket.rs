//! The goods and coupons of a checkout, with what the log takes back again.
//!
//! An item that was cancelled stays as a void line; one of which a part was cancelled is parted in
//! two, so that what remains counts and the rest is void. Knows no tenders and no taxes.

use rust_decimal::Decimal;

use super::log::{Item, LogString, Quantity, Record};

/// Decimal places of a unit price: those that the model carries.
const PRICE_PLACES: u32 = 6;

/// What an item string sells, by the first digit of its third indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goods {
    Item,
    Deposit,
    /// Money that is neither goods nor tender: a receipt on account, a payout.
    Money,
}

/// A line.
#[derive(Debug, Clone)]
pub(super) struct BasketLine {
    /// The position of its string in the transaction.
    pub(super) number: u32,
    pub(super) goods: Goods,
    pub(super) comes_back: bool,
    pub(super) code: String,
    pub(super) department: Option<String>,
    pub(super) count: Decimal,
    pub(super) is_weighed: bool,
    /// In minor units.
    pub(super) unit_price: Decimal,
    /// Minor units.
    pub(super) amount: i64,
    pub(super) is_void: bool,
    /// Why goods come back that no line of this checkout sold.
    pub(super) blind: Option<&'static str>,
}

/// A coupon.
#[derive(Debug)]
pub(super) struct Coupon {
    pub(super) kind: &'static str,
    pub(super) code: String,
    pub(super) amount: i64,
    pub(super) taken_back: bool,
}

/// Goods and coupons.
#[derive(Debug, Default)]
pub(super) struct Basket {
    pub(super) lines: Vec<BasketLine>,
    pub(super) coupons: Vec<Coupon>,
}

impl Basket {
    /// Puts a checkout's items together; weights have `weight_places` decimal places.
    pub(super) fn of(records: &[Record], weight_places: u32) -> Self {
        let mut basket = Self::default();
        for (index, record) in records.iter().enumerate() {
            let LogString::Item(item) = &record.string else { continue };
            let quantity = match records.get(index + 1).map(|next| &next.string) {
                Some(LogString::Quantity(quantity)) => Some(*quantity),
                _ => None,
            };
            basket.add(record.position, item, quantity, weight_places);
        }
        basket
    }

    fn add(&mut self, number: u32, item: &Item, quantity: Option<Quantity>, weight_places: u32) {
        let line =
            |goods, comes_back| line(number, item, quantity, weight_places, goods, comes_back);
        let (line, is_cancel) = match item.kind {
            '1' => (line(Goods::Deposit, false), item.taken_back),
            '2' => (line(Goods::Item, true), item.taken_back),
            '3' => (line(Goods::Deposit, true), item.taken_back),
            '4' => (line(Goods::Money, false), item.taken_back),
            '5' => (line(Goods::Money, true), item.taken_back),
            '6' => return self.coupon("manufacturer_coupon", item),
            '7' => return self.coupon("store_coupon", item),
            '8' => (line(Goods::Item, false), true),
            '9' => (line(Goods::Deposit, false), true),
            _ => (line(Goods::Item, false), item.taken_back),
        };
        match is_cancel {
            true => self.cancel(line),
            false => self.lines.push(line),
        }
    }

    fn coupon(&mut self, kind: &'static str, item: &Item) {
        let Item { code, price, taken_back, .. } = item;
        let (code, amount, taken_back) = (code.clone(), *price, *taken_back);
        self.coupons.push(Coupon { kind, code, amount, taken_back });
    }

    /// Takes an earlier line back, or a part of one.
    fn cancel(&mut self, cancelled: BasketLine) {
        let is_of = |line: &&mut BasketLine| {
            let same_goods = line.goods == cancelled.goods && line.code == cancelled.code;
            let same_way = line.comes_back == cancelled.comes_back;
            same_goods && same_way && line.is_weighed == cancelled.is_weighed && !line.is_void
        };
        let is_whole =
            |line: &BasketLine| line.amount == cancelled.amount && line.count == cancelled.count;
        let mut candidates = self.lines.iter_mut().rev().filter(is_of);
        if let Some(line) = candidates.find(|line| is_whole(line)) {
            line.is_void = true;
            return;
        }
        let is_more =
            |line: &BasketLine| line.amount >= cancelled.amount && line.count > cancelled.count;
        let larger = self.lines.iter_mut().rev().filter(is_of).find(|line| is_more(line));
        let Some(line) = larger else {
            let blind = Some("cancelled in the log, without a line that it was sold on");
            let comes_back = !cancelled.comes_back;
            self.lines.push(BasketLine { comes_back, blind, ..cancelled });
            return;
        };
        line.amount -= cancelled.amount;
        line.count -= cancelled.count;
        self.lines.push(BasketLine { is_void: true, ..cancelled });
    }

    /// What the lines and coupons come to, in minor units.
    pub(super) fn sum(&self) -> i64 {
        let lines = self.lines.iter().filter(|line| !line.is_void);
        let lines: i64 = lines.map(|line| signed(line.amount, line.comes_back)).sum();
        let coupons = self.coupons.iter();
        lines - coupons.map(|coupon| signed(coupon.amount, coupon.taken_back)).sum::<i64>()
    }

    /// Whether goods go to the customer, and whether goods come back.
    pub(super) fn ways(&self) -> (bool, bool) {
        let goods = || {
            let lines = self.lines.iter().filter(|line| !line.is_void);
            lines.filter(|line| line.goods != Goods::Money)
        };
        (goods().any(|line| !line.comes_back), goods().any(|line| line.comes_back))
    }
}

fn line(
    number: u32,
    item: &Item,
    quantity: Option<Quantity>,
    weight_places: u32,
    goods: Goods,
    comes_back: bool,
) -> BasketLine {
    let is_weighed = quantity.is_some_and(|quantity| quantity.is_weighed);
    let mut count = Decimal::from(quantity.and_then(|quantity| quantity.count).unwrap_or(1));
    if is_weighed {
        count.set_scale(weight_places).expect("the settings were checked");
    }
    let priced = quantity.and_then(|quantity| {
        Decimal::from(quantity.price?).checked_div(Decimal::from(quantity.for_price.unwrap_or(1)))
    });
    let amount = Decimal::from(item.price);
    let unit_price = priced.or_else(|| amount.checked_div(count)).unwrap_or(amount);
    let blind = comes_back.then_some("the log does not name the sale");
    BasketLine {
        number,
        goods,
        comes_back,
        code: item.code.clone(),
        department: item.department.clone(),
        count,
        is_weighed,
        unit_price: unit_price.round_dp(PRICE_PLACES),
        amount: item.price,
        is_void: false,
        blind,
    }
}

const fn signed(amount: i64, reversed: bool) -> i64 {
    if reversed { -amount } else { amount }
}
