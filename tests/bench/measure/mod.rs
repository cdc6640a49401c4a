//! The measurements, a file for those that share their programs.
//!
//! Each adds its lines and figures. None judges another's.

pub(crate) mod backlog;
pub(crate) mod capture;
pub(crate) mod drain;
pub(crate) mod idle;
pub(crate) mod ingest;
pub(crate) mod peers;
