//! The example clients for integrators, run as their page says: what they hand in stands in the
//! journal once, waits while no agent runs, and what is refused is put aside.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tests::world::World;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::world;

const EXAMPLE: &str = include_str!("../../docs/examples/sale.json");
const MONO_INSTALL: &str = "apt-get install mono-mcs mono-runtime libmono-system-net-http4.0-cil";

/// A client, with an outbox of its own.
struct Client {
    program: Vec<PathBuf>,
    outbox: PathBuf,
}

impl Client {
    /// Runs it once with an event, or with nothing, on its standard input.
    async fn run(&self, world: &World, event: &str) -> bool {
        let store = &world.stores[0];
        let token = store.folder.join("local-api.token");
        let mut client = Command::new(&self.program[0])
            .args(&self.program[1..])
            .args([&self.outbox, &token])
            .arg(format!("http://{}", store.address))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = client.stdin.take().unwrap();
        input.write_all(event.as_bytes()).await.unwrap();
        drop(input);
        client.wait().await.unwrap().success()
    }

    /// The files in its outbox, or in a folder there.
    fn names(&self, folder: &str) -> Vec<String> {
        let found = self.outbox.join(folder).read_dir().unwrap();
        let mut names: Vec<_> =
            found.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.') && name != "refused");
        names.sort();
        names
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/clients")
}

fn receipt(number: &str) -> String {
    EXAMPLE.replace("900001", number)
}

/// Tells the story of one client.
async fn is_right(program: Vec<PathBuf>) {
    let (mut world, folder) = world(|plan| plan.stores.truncate(1)).await;
    let client = Client { program, outbox: folder.path().join("outbox") };

    assert!(client.run(&world, &receipt("900001")).await);
    assert!(client.run(&world, &receipt("900001")).await, "the same again is no failure");
    let stands = async |world: &World, number: &str| {
        world.agent_command(0, &["find", number]).await.unwrap().code
    };
    assert_eq!(stands(&world, "900001").await, Some(0));

    world.kill_agent(0).unwrap();
    assert!(!client.run(&world, &receipt("900002")).await, "nobody took it");
    assert!(!client.run(&world, "{}").await, "what is behind it waits with it");
    assert_eq!(client.names(".").len(), 2);
    assert_ne!(stands(&world, "900002").await, Some(0));

    world.start_agent(0).await.unwrap();
    assert!(client.run(&world, &receipt("900003")).await);
    for number in ["900002", "900003"] {
        assert_eq!(stands(&world, number).await, Some(0), "{number}");
    }
    assert_eq!(client.names("."), [""; 0], "nothing waits any more");
    let refused = client.names("refused");
    assert_eq!(refused.len(), 2, "the empty object and why: {refused:?}");
    let why = std::fs::read_to_string(client.outbox.join("refused").join(&refused[1])).unwrap();
    assert!(why.contains("SK0002"), "{why}");
    let listed = world.agent_command(0, &["journal", "stats", "--json"]).await.unwrap();
    let stats: serde_json::Value = serde_json::from_str(&listed.said).unwrap();
    assert_eq!(stats["entries"], 3, "{stats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_curl_client_loses_nothing_and_doubles_nothing() {
    let Some(_) = needs::program("curl", "apt-get install curl") else { return };
    is_right(vec!["/bin/sh".into(), clients().join("outbox.sh")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_loses_nothing_and_doubles_nothing() {
    let Some(python) = needs::program("python3", "apt-get install python3") else { return };
    is_right(vec![python, clients().join("outbox.py")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_csharp_client_loses_nothing_and_doubles_nothing() {
    let Some(compiler) = needs::program("mcs", MONO_INSTALL) else { return };
    let Some(mono) = needs::program("mono", MONO_INSTALL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("Outbox.exe");
    let compiled = Command::new(compiler)
        .arg("-langversion:latest")
        .arg("-r:System.Net.Http.dll")
        .arg(format!("-out:{}", program.display()))
        .arg(clients().join("Outbox.cs"))
        .status()
        .await
        .unwrap();
    assert!(compiled.success());
    is_right(vec![mono, program]).await;
}
