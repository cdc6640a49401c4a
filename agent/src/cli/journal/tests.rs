//! The key's commands as they are typed, and an agent that cannot have its key.

use std::path::Path;

use clap::Parser;
use protocol::problem::Problem;
use serde_json::Value;

use crate::cli::{Cli, CommandError, Environment, Exit, execute};
use crate::files::{make_private_folder, write_private};

/// A host with a configuration, a data folder and, if it is wanted, a credential.
struct Host {
    folder: tempfile::TempDir,
    keys: String,
}

impl Host {
    fn new(keys: &str) -> Self {
        let host = Self { folder: tempfile::tempdir().unwrap(), keys: keys.to_owned() };
        make_private_folder(&host.folder.path().join("credentials")).unwrap();
        host
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn with_credential(self) -> Self {
        write_private(&self.path("credentials/storekeep-journal"), &[1; 32]).unwrap();
        self
    }

    async fn typed(&self, words: &[&str]) -> Result<(Exit, String), CommandError> {
        let (store, listen) = ("store = \"0042\"", "listen = \"127.0.0.1:0\"");
        let keys = &self.keys;
        let text = format!("{store}\n[local_api]\n{listen}\n[journal_key]\n{keys}\n");
        write_private(&self.path("agent.toml"), text.as_bytes()).unwrap();
        let shown = |path: &Path| path.display().to_string();
        let places = [
            "--config".to_owned(),
            shown(&self.path("agent.toml")),
            "--data-dir".to_owned(),
            shown(&self.path("data")),
        ];
        let words = words.iter().map(|word| (*word).to_owned());
        let words = ["storekeep-agent".to_owned()].into_iter().chain(words).chain(places);
        let credentials = Some(self.path("credentials"));
        let environment = Environment { credentials, ..Environment::default() };
        let mut out = Vec::new();
        let exit = execute(Cli::parse_from(words), environment, &mut out).await?;
        Ok((exit, String::from_utf8(out).unwrap()))
    }

    async fn done(&self, words: &[&str]) -> String {
        match self.typed(words).await {
            Ok((Exit::Done, out)) => out,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    async fn refused(&self, words: &[&str]) -> CommandError {
        match self.typed(words).await {
            Err(error) if error.exit == Exit::Refused => error,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    /// What every start of the agent does first.
    fn start(&self) -> Result<(), Problem> {
        let config = crate::config::check(&self.path("agent.toml")).unwrap();
        let host = crate::run::Host {
            data_dir: crate::run::DataDir::new(self.path("data")),
            local_api_token: None,
            enrolment_token: None,
            pkcs11_pin: None,
            credentials: Some(self.path("credentials")),
        };
        make_private_folder(&self.path("data")).unwrap();
        crate::run::open_journal(&host, &config, &crate::Seams::default()).map(drop)
    }

    /// The code of the problem that keeps the agent from starting.
    fn stopped_by(&self) -> String {
        self.start().expect_err("the agent does not start").code
    }

    async fn begun(self) -> Self {
        self.done(&["config", "check"]).await;
        self.start().unwrap();
        self
    }

    async fn figures(&self) -> Value {
        let out = self.done(&["journal", "stats", "--json"]).await;
        serde_json::from_str(&out).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_wrapped_anew_and_the_journal_opens_as_before() {
    let host = Host::new("tier = \"file\"").begun().await.with_credential();
    let before = host.figures().await;
    let out = host.done(&["journal", "rewrap", "--to", "credential", "--json"]).await;
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&out["before"]["tier"], &out["now"]["tier"]),
        (&"file".into(), &"credential".into())
    );
    assert_eq!(host.figures().await["epoch"], before["epoch"]);
    let out = host.done(&["journal", "rewrap"]).await;
    assert!(out.contains("before    credential: stops a copied data folder"), "{out}");
    assert!(out.contains("now       file: stops a copied journal"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_credential_the_agent_stops_and_makes_no_new_key_and_no_new_journal() {
    let host = Host::new("").with_credential().begun().await;
    let (key, journal) = (host.path("data/journal.key"), host.path("data/journal.db"));
    let before = [std::fs::read(&key).unwrap(), std::fs::read(&journal).unwrap()];
    std::fs::remove_file(host.path("credentials/storekeep-journal")).unwrap();
    assert_eq!(host.stopped_by(), "SK0015");
    for command in [&["journal", "ls"][..], &["journal", "rewrap", "--to", "file"]] {
        let error = host.refused(command).await;
        assert_eq!(error.problem.code, "SK0015", "{error}");
    }
    write_private(&host.path("credentials/storekeep-journal"), &[2; 32]).unwrap();
    assert_eq!(host.stopped_by(), "SK0016");
    write_private(&key, b"{\"version\":1}\n").unwrap();
    assert_eq!(host.stopped_by(), "SK0014");
    std::fs::remove_file(&key).unwrap();
    assert_eq!(host.stopped_by(), "SK0042");
    assert!(!key.exists());
    write_private(&key, &before[0]).unwrap();
    let host = host.with_credential();
    host.figures().await;
    assert_eq!(std::fs::read(&journal).unwrap(), before[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_key_reads_the_disk_of_a_host_whose_credential_is_gone() {
    let maker = Host::new("");
    let (private, public) = (maker.path("recovery.key"), maker.path("recovery.pub"));
    let (private, public) = (private.to_str().unwrap(), public.to_str().unwrap());
    let pair = ["journal", "recovery-key", "--private", private, "--public", public];
    let out = maker.done(&pair).await;
    let signer = out.lines().last().unwrap();
    assert!(signer.starts_with("recovery_signer = "), "{out}");
    assert_eq!(maker.refused(&pair).await.problem.code, "SK0017", "never overwritten");
    let keys = format!("recovery_key_file = \"{public}\"\n{signer}");
    let host = Host::new(&keys).with_credential().begun().await;
    let doctor = host.typed(&["doctor"]).await.unwrap().1;
    assert!(doctor.contains("√ journal key: credential: "), "{doctor}");
    assert!(doctor.contains("sealed to the retailer's recovery key"), "{doctor}");
    let (data, found) = (host.path("data"), maker.path("found"));
    let (data, found) = (data.to_str().unwrap(), found.to_str().unwrap());
    let recover = ["journal", "recover", "--key", private, "--journal", data, "--export", found];
    let out = maker.done(&recover).await;
    assert!(out.contains("the relay had acknowledged all of them"), "{out}");
    assert!(out.contains("the chain holds"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_key_that_nobody_signed_stops_no_store_and_is_named() {
    let maker = Host::new("");
    let (private, public) = (maker.path("recovery.key"), maker.path("recovery.pub"));
    let (private, public) = (private.to_str().unwrap(), public.to_str().unwrap());
    maker.done(&["journal", "recovery-key", "--private", private, "--public", public]).await;
    let nobody = "00".repeat(32);
    let keys = format!("recovery_key_file = \"{public}\"\nrecovery_signer = \"{nobody}\"");
    let host = Host::new(&keys).begun().await;
    let doctor = host.typed(&["doctor"]).await.unwrap().1;
    assert!(doctor.contains("× journal key: file: "), "{doctor}");
    assert!(doctor.contains("the recovery key is not signed by 0000"), "{doctor}");
}
