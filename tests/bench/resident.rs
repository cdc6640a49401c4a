//! What a process takes of memory and processor, from `/proc`.
//!
//! Linux only, as the benchmarks are.

use std::fs;

use anyhow::{Context, Result};
use tests::process::Running;

/// KiB that are resident now.
pub(crate) fn resident_kib(process: &Running) -> Result<u64> {
    status_kib(process, "VmRSS:")
}

/// KiB that were resident at most since the last [`forget_peak`].
pub(crate) fn peak_kib(process: &Running) -> Result<u64> {
    status_kib(process, "VmHWM:")
}

/// Begins the peak anew.
pub(crate) fn forget_peak(process: &Running) -> Result<()> {
    use std::io::Write;
    let path = format!("/proc/{}/clear_refs", process.id());
    let file = fs::File::options().write(true).open(&path);
    file.and_then(|mut file| file.write_all(b"5")).with_context(|| format!("write `{path}`"))
}

/// Nanoseconds of processor time that all its threads have had.
pub(crate) fn processor_ns(process: &Running) -> Result<u64> {
    let folder = format!("/proc/{}/task", process.id());
    let threads = fs::read_dir(&folder).with_context(|| format!("read `{folder}`"))?;
    let mut sum = 0;
    for thread in threads {
        let path = thread.context("read a thread's name")?.path().join("schedstat");
        let text =
            fs::read_to_string(&path).with_context(|| format!("read `{}`", path.display()))?;
        let first = text.split_whitespace().next().context("read a thread's time")?;
        sum += first.parse::<u64>().context("read a thread's time")?;
    }
    Ok(sum)
}

fn status_kib(process: &Running, name: &str) -> Result<u64> {
    let path = format!("/proc/{}/status", process.id());
    let text = fs::read_to_string(&path).with_context(|| format!("read `{path}`"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("find `{name}` in `{path}`"))?;
    line.trim().trim_end_matches(" kB").parse().context("read KiB")
}
