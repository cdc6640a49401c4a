//! A disk that can lose its power: a file system in an image in memory, through a loop device.
//!
//! The image is the disk: what the kernel has written to it stays, what is only in the kernel's
//! memory goes. Images stand in a folder that lives in memory in a mount namespace of our own, and
//! the loop device frees itself with its last mount: when the program ends, also by SIGKILL,
//! mounts, devices and images are gone with it. Does not know what is written on it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::kernel;
use super::plan::FileSystem;

/// Bytes of a disk. XFS is made from 300 MB on; only what is written takes memory.
const DISK_BYTES: u64 = 320 * 1024 * 1024;

/// Bytes of memory that a disk may take: one that is written full, and room.
const MEMORY_BYTES_MAX: u64 = DISK_BYTES + DISK_BYTES / 8;

/// What this host lacks.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotHere(String);

/// Where the disks of this process stand, one at a time.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// Makes it, in mounts of our own. Called once, before there are threads.
    ///
    /// # Errors
    /// [`NotHere`] if this process may not mount.
    pub(crate) fn new() -> Result<Self> {
        kernel::have_own_mounts()
            .map_err(|error| NotHere(format!("leave to have mounts of its own ({error})")))?;
        let folder = TempDir::new().context("make a folder for the disks")?;
        kernel::mount_memory(folder.path(), MEMORY_BYTES_MAX)
            .map_err(|error| NotHere(format!("leave to mount memory ({error:#})")))?;
        Ok(Self { folder })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = kernel::unmount_when_unused(self.folder.path()) {
            complain("unmount the memory that held the disks", &error);
        }
    }
}

/// A disk with a file system on it.
#[derive(Debug)]
pub(crate) struct Disk {
    file_system: FileSystem,
    image: PathBuf,
    folder: PathBuf,
}

impl Disk {
    /// Makes a disk and mounts it.
    pub(crate) fn new(place: &Place, file_system: FileSystem) -> Result<Self> {
        let image = place.folder.path().join("image");
        let folder = place.folder.path().join("mounted");
        let file = File::create_new(&image).context("make a disk's image")?;
        file.set_len(DISK_BYTES).context("size a disk's image")?;
        fs::create_dir_all(&folder).context("make a folder to mount on")?;
        let name = file_system.name();
        let force = if file_system == FileSystem::Xfs { "-f" } else { "-F" };
        succeed(Command::new(format!("mkfs.{name}")).arg("-q").arg(force).arg(&image))?;
        let disk = Self { file_system, image, folder };
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the power away. Whoever writes gets errors from now on.
    pub(crate) fn cut_power(&self) -> Result<()> {
        let folder = File::open(&self.folder).context("open the disk's folder")?;
        kernel::shut_down(&folder).context("shut the file system down")?;
        drop(folder);
        ensure!(
            File::create(self.folder.join("after the cut")).is_err(),
            "a file system that was shut down still takes files"
        );
        Ok(())
    }

    /// Gives it its power back: the kernel forgets what it had in memory, and mounting replays the
    /// file system's log. Nobody may have anything on it open.
    pub(crate) fn restore_power(&self) -> Result<()> {
        kernel::unmount(&self.folder).context("unmount a disk without power")?;
        self.mount()
    }

    fn mount(&self) -> Result<()> {
        let mut mount = Command::new("mount");
        mount.args(["-n", "-t", self.file_system.name(), "-o", "loop"]);
        succeed(mount.arg(&self.image).arg(&self.folder))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = kernel::unmount_when_unused(&self.folder) {
            complain("unmount a disk", &error);
        }
        if let Err(error) = fs::remove_file(&self.image) {
            complain("remove a disk's image", &error);
        }
    }
}

/// Goes once through what a cut needs and checks that the rig itself works: what was synced is
/// there afterwards, what was only written is not.
///
/// # Errors
/// [`NotHere`] if this host cannot do one of the steps.
pub(crate) fn rehearse(place: &Place, file_system: FileSystem) -> Result<()> {
    let not_here =
        |error: anyhow::Error| NotHere(format!("a disk with {} ({error:#})", file_system.name()));
    let disk = Disk::new(place, file_system).map_err(not_here)?;
    let file = |name: &str| disk.folder().join(name);
    let synced = File::create(file("synced")).context("make a file")?;
    synced.sync_all().context("sync a file")?;
    File::open(disk.folder()).and_then(|folder| folder.sync_all()).context("sync a folder")?;
    let written = File::create(file("written")).context("make a file")?;
    disk.cut_power().map_err(not_here)?;
    drop((synced, written));
    disk.restore_power().map_err(not_here)?;
    ensure!(file("synced").exists(), "a synced file is gone: the rig loses too much");
    ensure!(!file("written").exists(), "an unsynced file is there: the rig loses nothing");
    Ok(())
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let Output { status, stderr, .. } =
        command.output().with_context(|| format!("start `{program}`"))?;
    if !status.success() {
        bail!("`{program}` failed: {}", String::from_utf8_lossy(&stderr).trim());
    }
    Ok(())
}

/// For what goes wrong while something else has ended already.
#[expect(clippy::print_stderr, reason = "it speaks to the person who started it")]
fn complain(attempt: &str, error: &std::io::Error) {
    eprintln!("{attempt}: {error}");
}
