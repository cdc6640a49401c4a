//! The journal on a real file system that is too small for it.

#![expect(clippy::panic, clippy::unwrap_used, reason = "in a test a panic is the message")]

mod disk_full;
