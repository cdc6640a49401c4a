//! What inputs share that read the files and tables of a POS: numbers and times as vendors write
//! them.
//!
//! Does not know any format, and decides nothing about signs: a profile or mapping does.

pub mod number;
mod shown;
#[cfg(test)]
mod tests;
pub mod time;

pub use self::shown::shown;
