//! The plain runner: every file of a corpus, then changed ones, by a seed.
//!
//! Each input is run on a thread of its own that can be given up, so that one which never ends is
//! found like one that panics. What is found is kept as a file that replays it; while an input is
//! under way it stands in a file too, for what ends the whole process. Knows no target.

use std::any::Any;
use std::fmt;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use ring::digest::{SHA256, digest};

use super::mutate::Mutator;
use super::{Target, put};

/// How long one input may take. The slowest take a tenth of a second; this is for a slow machine
/// that does other things besides.
pub const INPUT_TIME_MAX: Duration = Duration::from_secs(60);

/// What the file is called in which an input stands while it is run; the seed follows.
const UNDER_WAY: &str = "under-way";

/// Bytes of an input that are shown in a report; the file holds all of it.
const SHOWN_BYTES_MAX: usize = 256;

/// How a target is run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the changed inputs follow from.
    pub seed: u64,
    /// How many of them.
    pub inputs: u64,
    /// How long one input may take.
    pub input_time_max: Duration,
    /// Where inputs are kept that break something.
    pub artifacts: PathBuf,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Played {
    /// Inputs that were run.
    pub inputs: u64,
    /// The first that broke something.
    pub broken: Option<Broken>,
}

/// An input for which something does not hold.
#[derive(Debug)]
pub struct Broken {
    /// The target.
    pub target: &'static str,
    /// Where the input came from.
    pub origin: String,
    /// What does not hold.
    pub cause: String,
    /// The input.
    pub input: Vec<u8>,
    /// Where it is kept.
    pub kept: PathBuf,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, origin, cause, input, kept } = self;
        let shown = hex::encode(&input[..input.len().min(SHOWN_BYTES_MAX)]);
        let (length, kept) = (input.len(), kept.display());
        writeln!(f, "{target} is broken by {origin}: {cause}")?;
        writeln!(f, "  {length} bytes, kept as {kept}; they begin with {shown}")?;
        write!(f, "  replay it: cargo xtask fuzz-smoke --target {target} --input {kept}")
    }
}

/// Runs a corpus and as many changed inputs as the plan says, up to the first that breaks.
///
/// # Errors
/// Inputs cannot be kept.
pub fn play(target: &'static Target, corpus: &[(String, Vec<u8>)], plan: &Plan) -> Result<Played> {
    let mut playing = Playing::begin(target, plan)?;
    for (name, input) in corpus {
        if playing.broke(input, || format!("`{name}` of the corpus"))? {
            return playing.end();
        }
    }
    let mut mutator = Mutator::new(target, corpus, plan.seed);
    for number in 1..=plan.inputs {
        let input = mutator.next_input();
        let origin = || format!("changed input {number} of seed {}", plan.seed);
        if playing.broke(&input, origin)? {
            break;
        }
    }
    playing.end()
}

/// Runs one input.
///
/// # Errors
/// The input cannot be kept.
pub fn replay(target: &'static Target, input: &[u8], plan: &Plan) -> Result<Played> {
    let mut playing = Playing::begin(target, plan)?;
    playing.broke(input, || "the given input".to_owned())?;
    playing.end()
}

struct Playing<'a> {
    target: &'static Target,
    plan: &'a Plan,
    worker: Worker,
    played: Played,
}

impl<'a> Playing<'a> {
    fn begin(target: &'static Target, plan: &'a Plan) -> Result<Self> {
        fs::create_dir_all(&plan.artifacts)
            .with_context(|| format!("make the folder `{}`", plan.artifacts.display()))?;
        Ok(Self { target, plan, worker: Worker::start(target), played: Played::default() })
    }

    /// Runs an input; whether something does not hold for it.
    fn broke(&mut self, input: &[u8], origin: impl Fn() -> String) -> Result<bool> {
        let under_way = self.under_way();
        put(&under_way, input).context("keep the input that is run")?;
        self.played.inputs += 1;
        let Some(cause) = self.worker.run(input, self.plan.input_time_max) else {
            return Ok(false);
        };
        let hash = hex::encode(&digest(&SHA256, input).as_ref()[..6]);
        let kept = self.plan.artifacts.join(format!("{}-{hash}", self.target.name));
        fs::rename(&under_way, &kept).context("keep the input that breaks something")?;
        let (target, input) = (self.target.name, input.to_vec());
        self.played.broken = Some(Broken { target, origin: origin(), cause, input, kept });
        Ok(true)
    }

    /// A file of this round's own: rounds of one target may be played at the same time.
    fn under_way(&self) -> PathBuf {
        self.plan.artifacts.join(format!("{UNDER_WAY}-{}", self.plan.seed))
    }

    fn end(self) -> Result<Played> {
        let under_way = self.under_way();
        if Path::exists(&under_way) {
            fs::remove_file(under_way).context("remove the input that was run")?;
        }
        Ok(self.played)
    }
}

/// A thread that runs inputs. Dropped, it ends, unless it hangs.
struct Worker {
    inputs: Sender<Vec<u8>>,
    causes: Receiver<Option<String>>,
}

impl Worker {
    fn start(target: &'static Target) -> Self {
        let (inputs, taken) = channel::<Vec<u8>>();
        let (told, causes) = channel();
        let work = move || {
            for input in taken {
                let ran = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
                // Nobody listens once the runner has given this thread up.
                if told.send(ran.err().map(|panic| said(&*panic))).is_err() {
                    return;
                }
            }
        };
        let named = thread::Builder::new().name(format!("fuzz {}", target.name));
        named.spawn(work).expect("start a thread");
        Self { inputs, causes }
    }

    /// Why something does not hold; none if everything does.
    fn run(&self, input: &[u8], time_max: Duration) -> Option<String> {
        self.inputs.send(input.to_vec()).expect("the thread takes inputs until it is dropped");
        match self.causes.recv_timeout(time_max) {
            Ok(cause) => cause,
            Err(RecvTimeoutError::Timeout) => Some(format!("not through after {time_max:?}")),
            Err(RecvTimeoutError::Disconnected) => Some("the thread is gone".to_owned()),
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
