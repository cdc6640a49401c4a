//! A Linux host: looks at it, and does and undoes steps on it.
//!
//! The host is a folder, `/` or one that will be the root of an image. In a folder nothing is
//! started; whoever is not the administrator leaves owners as they are, and the host's first boot
//! puts them right (`tmpfiles.d`). Does not decide what is done.

mod error;
pub(crate) mod files;
pub mod layout;
pub mod services;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod users;

use std::path::{Path, PathBuf};

use crate::agent::Agent;
use crate::engine::Point;
use crate::plan::{Access, Content, Found, Owner, Removal, Step, Undo, User, Wish, folders_above};
use crate::problem::{Code, SetupError};

pub use self::error::ActError;
use self::files::Numbers;
use self::services::Services;

/// Asked at points within a step.
pub type At<'a> = &'a dyn Fn(Point) -> Result<(), ActError>;

/// How a step was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// Altogether.
    Whole,
    /// But for this, which must not be lost.
    Kept(String),
}

/// A Linux host.
pub struct Host {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// Starts and stops the service.
    pub services: Box<dyn Services>,
    /// Whether files may be given to others.
    pub is_administrator: bool,
    /// The agent's program to ask where none is installed.
    pub spare_agent: PathBuf,
}

impl Host {
    /// The host whose root is that folder.
    #[must_use]
    pub fn at(root: PathBuf, spare_agent: PathBuf) -> Self {
        let services = services::of(&root);
        let is_administrator = rustix::process::geteuid().is_root();
        Self { root, services, is_administrator, spare_agent }
    }

    /// Where a path of the host stands for us.
    #[must_use]
    pub fn real(&self, path: &Path) -> PathBuf {
        below(&self.root, path)
    }

    /// Whether the agent was installed by this program.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        files::is_there(&self.real(Path::new(layout::AGENT)))
    }

    /// The agent of this host, to be asked as its own user.
    ///
    /// # Errors
    /// The accounts cannot be read.
    pub fn agent(&self) -> Result<Agent, ActError> {
        let installed = self.real(Path::new(layout::AGENT));
        let program = if installed.exists() { installed } else { self.spare_agent.clone() };
        Ok(Agent {
            program,
            config: self.real(Path::new(layout::CONFIG)),
            data_dir: self.real(Path::new(layout::DATA)),
            runs_as: self.numbers(Owner::Service)?,
        })
    }

    /// What there is of what is wished for.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn look(&self, wishes: &[Wish]) -> Result<Found, ActError> {
        let mut found = self.surroundings()?;
        for wish in wishes {
            let (Wish::File { path, .. } | Wish::Folder { path, .. }) = wish else { continue };
            for path in folders_above(path).into_iter().chain([path.as_path()]) {
                if files::is_there(&self.real(path)) {
                    found.there.insert(path.to_owned());
                }
            }
            if let Wish::File { path, content, access, .. } = wish
                && self.is_as(path, content, *access)?
            {
                found.as_wished.insert(path.clone());
            }
        }
        Ok(found)
    }

    /// What there is of what is to be taken away.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn look_at(&self, removal: &Removal) -> Result<Found, ActError> {
        let mut found = self.surroundings()?;
        let paths = removal.ours.iter().chain(&removal.data).chain(&removal.shared);
        found.there = paths.filter(|path| files::is_there(&self.real(path))).cloned().collect();
        Ok(found)
    }

    fn surroundings(&self) -> Result<Found, ActError> {
        let here = self.user_numbers(layout::USER)?.is_some();
        let user = match (here, self.is_administrator && users::has_accounts(&self.root)) {
            (true, _) => User::Here,
            (false, true) => User::Missing,
            (false, false) => User::AtBoot,
        };
        Ok(Found {
            user,
            user_leaves: users::left_beside(&self.root),
            is_live: self.services.is_live(),
            is_active: self.services.is_active()?,
            ..Found::default()
        })
    }

    fn is_as(&self, path: &Path, content: &Content, access: Access) -> Result<bool, ActError> {
        let real = self.real(path);
        let owner = self.numbers(access.owner)?;
        files::is_as(&real, content, access.mode, owner)
            .map_err(|error| ActError::io("compare", &real, error))
    }

    /// The numbers that a file of an owner is given; none if it is given to nobody.
    fn numbers(&self, owner: Owner) -> Result<Numbers, ActError> {
        if !self.is_administrator {
            return Ok(None);
        }
        let service = self.user_numbers(layout::USER)?;
        Ok(match owner {
            Owner::Root => Some((0, 0)),
            Owner::RootForService => service.map(|(_, group)| (0, group)),
            Owner::Service => service,
        })
    }

    fn user_numbers(&self, user: &str) -> Result<Numbers, ActError> {
        users::numbers(&self.root, user)
            .map_err(|error| ActError::io("read the accounts of", &self.root, error))
    }

    /// What bears a name that a change of this path would use; none if nothing does.
    #[must_use]
    pub fn leftover(&self, path: &Path) -> Option<PathBuf> {
        let real = self.real(path);
        let ours = [files::former(&real), files::prepared(&real)];
        ours.into_iter().find(|path| files::is_there(path))
    }

    /// Does a step. Where it fails, its undo takes back what it has done.
    ///
    /// # Errors
    /// It failed.
    pub fn act(&self, step: &Step, at: At<'_>) -> Result<(), ActError> {
        match step {
            Step::StopService => self.services.stop(),
            Step::CheckUnsynced { discard } => self.check_unsynced(*discard),
            Step::MakeFolder { path, access } => {
                let (real, owner) = (self.real(path), self.numbers(access.owner)?);
                files::make_folder(&real, access.mode, owner)
                    .map_err(|error| ActError::io("make", &real, error))
            }
            Step::MakeUser => users::make(&self.root),
            Step::Put { path, content, access, replaces } => {
                let (real, owner) = (self.real(path), self.numbers(access.owner)?);
                let failed = |error| ActError::io("write", &real, error);
                if *replaces {
                    files::keep_former(&real).map_err(failed)?;
                }
                files::prepare(&real, content, access.mode, owner).map_err(failed)?;
                at(Point::Halfway)?;
                files::put_prepared(&real).map_err(failed)
            }
            Step::TakeAway { path } => {
                let real = self.real(path);
                files::set_aside(&real).map_err(|error| ActError::io("remove", &real, error))
            }
            Step::ReloadServices => self.services.reload(),
            Step::StartService => self.services.start(),
            // Done when everything else is.
            Step::LeaveFolder { .. } | Step::LeaveUser => Ok(()),
        }
    }

    /// Takes a step back, as far as it was done.
    ///
    /// # Errors
    /// It cannot be taken back.
    pub fn undo(&self, undo: &Undo) -> Result<Undone, ActError> {
        let whole = |path: &Path, undone: std::io::Result<()>| match undone {
            Ok(()) => Ok(Undone::Whole),
            Err(error) => Err(ActError::io("take back", path, error)),
        };
        match undo {
            Undo::Nothing => Ok(Undone::Whole),
            Undo::StartAgain => {
                self.services.reload()?;
                self.services.start().map(|()| Undone::Whole)
            }
            Undo::StopAgain { empty_before } => self.stop_again(empty_before),
            Undo::RemoveFolder(path) => {
                let real = self.real(path);
                whole(&real, files::remove_folder_if_empty(&real))
            }
            Undo::Remove(path) => whole(path, files::remove_put(&self.real(path))),
            Undo::PutBack(path) => whole(path, files::put_back(&self.real(path))),
            Undo::RemoveUser { leaves } => {
                users::remove(&self.root)?;
                for path in leaves {
                    let real = self.real(path);
                    whole(&real, files::remove_if_there(&real))?;
                }
                Ok(Undone::Whole)
            }
        }
    }

    /// Stops the service that was started, and removes what it made in folders of its own, unless
    /// it has taken a sale meanwhile: that is never removed.
    fn stop_again(&self, empty_before: &[PathBuf]) -> Result<Undone, ActError> {
        self.services.stop()?;
        if empty_before.is_empty() {
            return Ok(Undone::Whole);
        }
        let kept = match self.agent()?.journal() {
            Ok(held) if held.entries == 0 => None,
            Ok(held) => Some(format!("`{}` with {} journal entries", layout::DATA, held.entries)),
            Err(error) => Some(format!("`{}`, because {}", layout::DATA, error.detail)),
        };
        if let Some(kept) = kept {
            return Ok(Undone::Kept(kept));
        }
        for path in empty_before {
            let real = self.real(path);
            files::empty_folder(&real).map_err(|error| ActError::io("empty", &real, error))?;
        }
        Ok(Undone::Whole)
    }

    /// Everything is taken back.
    ///
    /// # Errors
    /// The service manager cannot be told.
    pub fn taken_back(&self) -> Result<(), ActError> {
        self.services.reload()
    }

    /// Removes what was kept for taking a step back, now that nothing is taken back any more.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn settle(&self, step: &Step) -> Result<(), ActError> {
        match step {
            Step::Put { path, .. } | Step::TakeAway { path } => {
                let real = self.real(path);
                files::forget_former(&real).map_err(|error| ActError::io("forget", &real, error))
            }
            Step::LeaveFolder { path } => {
                let real = self.real(path);
                files::remove_folder_if_empty(&real)
                    .map_err(|error| ActError::io("remove", &real, error))
            }
            Step::LeaveUser => users::remove(&self.root),
            Step::StopService
            | Step::CheckUnsynced { .. }
            | Step::MakeFolder { .. }
            | Step::MakeUser
            | Step::ReloadServices
            | Step::StartService => Ok(()),
        }
    }

    /// Refuses if the journal holds unsynced entries and another number than theirs was named, or
    /// if a damaged journal that was set aside is still there.
    ///
    /// # Errors
    /// It refuses, or what the journal holds cannot be found out.
    pub fn check_unsynced(&self, discard: Option<u64>) -> Result<(), ActError> {
        let held = self.agent()?.journal()?;
        let aside = held.incidents.iter().filter_map(|incident| incident.set_aside.as_ref());
        let folder = self.real(Path::new(layout::DATA));
        if let Some(file) = aside.map(|name| folder.join(name)).find(|file| files::is_there(file)) {
            let detail = format!(
                "remove the journal: the damaged one in `{}` may hold sales that nobody else has",
                file.display()
            );
            let next = "move that file to a safe place, and run the same command again";
            return Err(SetupError::refused(Code::JournalUnknown, detail, next).into());
        }
        allows_loss(held.unsent, discard).map_err(ActError::from)
    }
}

/// Whether unsynced entries may be lost: none are, or their very number was named.
///
/// # Errors
/// They may not.
pub fn allows_loss(unsent: u64, discard: Option<u64>) -> Result<(), SetupError> {
    let detail = match discard {
        None if unsent == 0 => return Ok(()),
        Some(named) if named == unsent => return Ok(()),
        None => {
            format!("remove the journal: it holds {unsent} entries that the relay does not have")
        }
        Some(named) => format!(
            "remove the journal: it holds {unsent} entries that the relay does not have, and \
             {named} was named"
        ),
    };
    let next = match unsent {
        0 => "leave --discard-unsynced out: nothing would be lost".to_owned(),
        _ => format!(
            "let them go up first (`storekeep-agent status`); or, if these sales may be lost for \
             good, name their number: --discard-unsynced {unsent}"
        ),
    };
    Err(SetupError::refused(Code::Unsynced, detail, next))
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("root", &self.root).finish_non_exhaustive()
    }
}
