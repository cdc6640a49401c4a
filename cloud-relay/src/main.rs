//! `storekeep-relay`: reads the command line, runs one command, turns what came of it into text
//! and an exit code. Does nothing else.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use cloud_relay::Seams;
use cloud_relay::cli::{self, Cli, Outcome};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("start the runtime")),
    };
    let mut out = std::io::stdout();
    match runtime.block_on(cli::run(cli, Seams::default(), &mut out, told_to_stop())) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let code = cli::code(error);
    match writeln!(std::io::stderr(), "{}", cli::report(error)) {
        // Without a terminal nobody is left to tell; the exit code still says it.
        Ok(()) | Err(_) => ExitCode::from(code),
    }
}

/// Ctrl-C, or the service manager's signal.
async fn told_to_stop() {
    #[cfg(unix)]
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("the runtime is running and the signal may be caught");
    #[cfg(unix)]
    let terminated = terminated.recv();
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    let interrupted = async {
        tokio::signal::ctrl_c().await.expect("the runtime is running and Ctrl-C may be caught");
    };
    tokio::select! { () = interrupted => {}, _ = terminated => {} }
}
