//! The journal on a real file system that is too small for it.

mod disk_full;
