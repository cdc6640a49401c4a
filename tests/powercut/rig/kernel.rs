//! What only the kernel does: mounts of our own, and a file system that goes down in mid-write.
//!
//! The only unsafe code of the rig. Does not decide when.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::ioctl::{Opcode, Setter, ioctl, opcode};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::thread::UnshareFlags;

/// `FS_IOC_SHUTDOWN`, which ext4, XFS and others share: `_IOR('X', 125, u32)`. Declared as a read
/// by the kernel, which takes a number through the pointer all the same.
const SHUTDOWN: Opcode = opcode::read::<u32>(b'X', 125);

/// `FS_SHUTDOWN_FLAGS_NOLOGFLUSH`: not even the file system's own log is written any more.
const WITHOUT_FLUSHING_THE_LOG: u32 = 2;

/// Gives this process, and what it starts, mounts of its own; they go with the last of them.
/// Called before there are threads.
pub(crate) fn have_own_mounts() -> io::Result<()> {
    #[expect(unsafe_code, reason = "the standard library cannot; nothing of it touches memory")]
    // SAFETY: only `UnshareFlags::FILES` can take descriptors from other threads.
    unsafe {
        rustix::thread::unshare_unsafe(UnshareFlags::NEWNS)?;
    }
    let all = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(rustix::mount::mount_change("/", all)?)
}

/// Mounts a folder that lives in memory alone.
pub(crate) fn mount_memory(folder: &Path, bytes_max: u64) -> Result<()> {
    let size = CString::new(format!("size={bytes_max}")).context("name a size")?;
    rustix::mount::mount("tmpfs", folder, "tmpfs", MountFlags::NODEV, size.as_c_str())
        .context("mount a folder in memory")
}

/// Unmounts; fails if something in it is open.
pub(crate) fn unmount(folder: &Path) -> io::Result<()> {
    Ok(rustix::mount::unmount(folder, UnmountFlags::empty())?)
}

/// Unmounts now, and for what is open in it once that is closed.
pub(crate) fn unmount_when_unused(folder: &Path) -> io::Result<()> {
    Ok(rustix::mount::unmount(folder, UnmountFlags::DETACH)?)
}

/// Shuts down the file system that holds `folder`: what has not reached the disk never will.
pub(crate) fn shut_down(folder: &File) -> io::Result<()> {
    #[expect(unsafe_code, reason = "the standard library has no call for it")]
    // SAFETY: the operation takes a pointer to a `u32`, which it only reads.
    unsafe {
        ioctl(folder, Setter::<SHUTDOWN, u32>::new(WITHOUT_FLUSHING_THE_LOG))?;
    }
    Ok(())
}
