//! `storekeep-agent`: reads the command line, runs the command, and says how it ended.

use std::io::Write;
use std::process::ExitCode;

use agent::cli::{Cli, Environment, execute};
use agent::config::secret::{
    ENROLMENT_TOKEN_VARIABLE, LOCAL_API_TOKEN_VARIABLE, PKCS11_PIN_VARIABLE,
};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let environment = Environment {
        local_api_token: std::env::var(LOCAL_API_TOKEN_VARIABLE).ok(),
        enrolment_token: std::env::var(ENROLMENT_TOKEN_VARIABLE).ok(),
        pkcs11_pin: std::env::var(PKCS11_PIN_VARIABLE).ok(),
        credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(Into::into),
    };
    let ended = execute(Cli::parse(), environment, &mut std::io::stdout()).await;
    let exit = match ended {
        Ok(exit) => exit,
        Err(error) => {
            // Without standard error there is nobody to tell; the exit code says it too.
            match writeln!(std::io::stderr(), "{error}") {
                Ok(()) | Err(_) => error.exit,
            }
        }
    };
    exit.into()
}
