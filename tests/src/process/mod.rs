//! Programs that the harness starts: found beside this one, watched through their output, killed
//! for certain.
//!
//! Output goes to a file, so that no full pipe stops a program and a failed test leaves something
//! to read. Killing is SIGKILL, because that is what the promises are tried against. Does not know
//! what any program does.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::wait;

/// A program and how it is to be started.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// A program of ours, by its name without `.exe`: it stands beside the running one.
    ///
    /// # Errors
    /// There is none, which means that it was not built.
    pub fn beside(name: &str) -> Result<Self> {
        let current = std::env::current_exe().context("find the running program")?;
        let path = place_beside(&current, name)?;
        if !path.is_file() {
            return Err(anyhow!("find `{}`; build it first", path.display()));
        }
        Ok(Self::at(path))
    }

    /// Somebody else's program, by its path or by its name on the search path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// With one more argument.
    #[must_use]
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With a variable in its environment, besides those of the running program.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts it. What it says, on both channels, is appended to the file `output`.
    ///
    /// # Errors
    /// It does not start, or the file cannot be opened.
    pub fn start(&self, output: &Path) -> Result<Running> {
        let opening = || format!("open the output file `{}`", output.display());
        let file = File::options().create(true).append(true).open(output).with_context(opening)?;
        let said_before = file.metadata().with_context(opening)?.len();
        let errors = file.try_clone().with_context(opening)?;
        let child = Command::new(&self.path)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("start `{}`", self.path.display()))?;
        Ok(Running { name: self.name(), child, output: output.to_owned(), said_before })
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// A program that was started. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    output: PathBuf,
    /// Bytes of the file that an earlier start wrote.
    said_before: u64,
}

impl Running {
    /// Its process identifier.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs. One that cannot be asked counts as ended.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has said since this start.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn said(&self) -> Result<String> {
        said_since(&self.output, self.said_before)
    }

    /// Waits for the first whole line that `found` makes something of, such as the address it
    /// listens on.
    ///
    /// # Errors
    /// The deadline passed, or the program ended before; the error carries what it said last.
    pub async fn line<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        found: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let name = self.name.clone();
        let waited_for = format!("`{name}` to say {what}");
        let (child, output, said_before) = (&mut self.child, &self.output, self.said_before);
        let look = || {
            // Asked first, so that what it said before its end is always read.
            let ended = child.try_wait();
            let said = said_since(output, said_before);
            let seen = said.map(|said| whole_lines(&said).find_map(&found));
            let outcome = match (seen, ended) {
                (Err(error), _) => Some(Err(error)),
                (Ok(Some(value)), _) => Some(Ok(value)),
                (Ok(None), Ok(None)) => None,
                (Ok(None), Ok(Some(status))) => {
                    Some(Err(anyhow!("`{name}` ended with {status} and never said {what}")))
                }
                (Ok(None), Err(error)) => {
                    Some(Err(error).with_context(|| format!("ask whether `{name}` runs")))
                }
            };
            std::future::ready(outcome)
        };
        let found = wait::until(&waited_for, deadline, look).await.and_then(std::convert::identity);
        found.with_context(|| format!("`{}` said last: {}", self.name, self.last_words()))
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// The deadline passed; the program still runs.
    pub async fn ended(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let waited_for = format!("`{}` to end", self.name);
        let look = || std::future::ready(self.child.try_wait().transpose());
        let status = wait::until(&waited_for, deadline, look).await?;
        status.with_context(|| format!("ask whether `{}` runs", self.name))
    }

    /// Kills it with SIGKILL and waits until it is gone. Nothing happens if it has ended already.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill().with_context(|| format!("kill `{}`", self.name))?;
        self.child.wait().with_context(|| format!("wait for the end of `{}`", self.name))
    }

    /// The last few lines of what it said, for an error.
    fn last_words(&self) -> String {
        const LINES: usize = 8;
        let said = self.said().unwrap_or_else(|error| format!("({error:#})"));
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join(" | ")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::error!(program = self.name, "it may still run: {error:#}");
        }
    }
}

/// What stands in the file behind its first `before` bytes.
fn said_since(output: &Path, before: u64) -> Result<String> {
    let bytes =
        fs::read(output).with_context(|| format!("read the output file `{}`", output.display()))?;
    let before = usize::try_from(before).context("measure the output file")?;
    let since = bytes.get(before..).unwrap_or_default();
    Ok(String::from_utf8_lossy(since).into_owned())
}

/// The lines that are finished; a program may be in the middle of the last.
fn whole_lines(said: &str) -> impl Iterator<Item = &str> {
    said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::trim_end)
}

/// Where a program of ours stands, seen from the running one: in the same folder, or one up if
/// this is a test, which is built into the folder `deps`.
fn place_beside(current: &Path, name: &str) -> Result<PathBuf> {
    let outside = || format!("find the folder of `{}`", current.display());
    let folder = current.parent().with_context(outside)?;
    let folder = match folder.file_name() {
        Some(last) if last == "deps" => folder.parent().with_context(outside)?,
        _ => folder,
    };
    Ok(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

#[cfg(test)]
mod tests;
