//! `powercut`: cuts the power under the journal and under the relay's store, and counts what was
//! acknowledged and is gone.
//!
//! The rig is in `rig`. It shuts file systems down, which only Linux can; elsewhere this program
//! says so. Nothing that ships contains it.

#[cfg(target_os = "linux")]
mod rig;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    rig::start()
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stderr, reason = "it speaks to the person who started it")]
fn main() -> ExitCode {
    eprintln!("not run: this host lacks Linux, which can shut a file system down");
    ExitCode::from(tests::needs::NOT_HERE)
}
