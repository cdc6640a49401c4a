//! What the host's service manager is told, so that it knows when the agent takes sales and whether
//! it is alive.
//!
//! A manager that is not there is told nothing. Does not install, start or stop a service.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod without;

#[cfg(target_os = "linux")]
pub(crate) use self::linux::Manager;
#[cfg(not(target_os = "linux"))]
pub(crate) use self::without::Manager;
