//! Every bound of the simulated site, with the reason for the number.

/// Rows of a list when none are asked for (frappe/api/v1.py, `document_list`).
pub(crate) const PAGE_DEFAULT: usize = 20;

/// Characters of a `Data` or `Link` value; MariaDB's `varchar(140)` (frappe/model/base_document.py,
/// `_validate_length`).
pub(crate) const DATA_LENGTH_MAX: usize = 140;

/// Places that amounts are rounded to (System Settings, currency precision; the default number
/// format has two).
pub(crate) const CURRENCY_PLACES: u32 = 2;

/// Places that quantities are rounded to (System Settings, float precision, default 3).
pub(crate) const QUANTITY_PLACES: u32 = 3;

/// Places of a stored amount; MariaDB's `decimal(21,9)` (frappe/database/mariadb/database.py).
pub(crate) const STORED_PLACES: u32 = 9;

/// Digits of a number in a naming series (frappe/model/naming.py, `getseries` with `.#####`).
pub(crate) const SERIES_DIGITS: usize = 5;
