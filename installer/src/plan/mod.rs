//! What is to be done on a host: a list of steps, each with its undo.
//!
//! Pure: from what is wished for ([`Wish`]) and what there is ([`Found`]) follow the steps, and
//! none where all is as it shall be. A step names paths as the host has them; which folder stands
//! for `/`, how a service is started and a user made is the platform's business. Does not look,
//! act or write.

mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::step::{Access, Content, Owner, Planned, Step, Undo};

/// One thing that shall be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A folder.
    Folder {
        /// Where.
        path: PathBuf,
        /// Of a new one.
        access: Access,
    },
    /// A file or link.
    File {
        /// Where.
        path: PathBuf,
        /// What stands in it.
        content: Content,
        /// Who may do what.
        access: Access,
        /// What happens to one that is there already.
        standing: Standing,
    },
    /// The user that the service runs as.
    User,
}

/// What a file means to those who were there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It belongs to the host's people once it is there: never replaced.
    Theirs,
    /// It is replaced if it differs.
    Ours,
    /// The same, and the service does not see the change until it is started again.
    OfTheService,
}

/// How it is with the service's user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum User {
    /// There is none yet.
    #[default]
    Missing,
    /// It is there.
    Here,
    /// The host makes it when it boots.
    AtBoot,
}

/// What there is on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The wished-for paths, and the folders above them, that are there.
    pub there: BTreeSet<PathBuf>,
    /// The wished-for files that are as wished.
    pub as_wished: BTreeSet<PathBuf>,
    /// How it is with the service's user.
    pub user: User,
    /// Files that making a user brings about and that are not there yet.
    pub user_leaves: Vec<PathBuf>,
    /// Whether the host runs here and now, so that a service can be started.
    pub is_live: bool,
    /// Whether the service runs.
    pub is_active: bool,
}

/// What the plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// First installation, or repair.
    Install,
    /// Another version of the programs.
    Upgrade,
    /// Off the host.
    Uninstall,
}

/// What is taken away, and under which conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Files and folders that are ours alone.
    pub ours: Vec<PathBuf>,
    /// Configuration, data and logs.
    pub data: Vec<PathBuf>,
    /// Folders that others may use besides.
    pub shared: Vec<PathBuf>,
    /// Whether configuration, data, logs and user go too.
    pub with_data: bool,
    /// The number of unsynced entries that may be lost.
    pub discard: Option<u64>,
}

/// The steps that make a host as wished; none if it is.
#[must_use]
pub fn install(wishes: &[Wish], found: &Found, start: bool) -> Vec<Planned> {
    let mut steps = Vec::new();
    let mut made = BTreeSet::new();
    let mut is_touched = false;
    for wish in wishes {
        match wish {
            Wish::Folder { path, access } => folder(path, *access, found, &mut made, &mut steps),
            Wish::User if found.user != User::Missing => {}
            Wish::User => steps.push(Planned {
                step: Step::MakeUser,
                undo: Undo::RemoveUser { leaves: found.user_leaves.clone() },
            }),
            Wish::File { path, content, access, standing } => {
                let is_there = found.there.contains(path);
                let is_good =
                    found.as_wished.contains(path) || (is_there && *standing == Standing::Theirs);
                if is_good {
                    continue;
                }
                is_touched |= *standing == Standing::OfTheService;
                for above in folders_above(path) {
                    folder(above, SHARED_FOLDER, found, &mut made, &mut steps);
                }
                let (path, content) = (path.clone(), content.clone());
                let undo = taken_back(&path, is_there);
                let step = Step::Put { path, content, access: *access, replaces: is_there };
                steps.push(Planned { step, undo });
            }
        }
    }
    around_the_service(steps, found, is_touched, start)
}

/// The steps that take everything off a host; none if nothing is there.
#[must_use]
pub fn uninstall(removal: &Removal, found: &Found) -> Vec<Planned> {
    let is_there = |path: &&PathBuf| found.there.contains(*path);
    let data = removal.data.iter().filter(|_| removal.with_data);
    let taken: Vec<_> = removal.ours.iter().chain(data).filter(is_there).collect();
    let has_user = removal.with_data && found.user == User::Here;
    if taken.is_empty() && !has_user {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if found.is_active {
        steps.push(Planned { step: Step::StopService, undo: Undo::StartAgain });
    }
    if removal.with_data && removal.data.iter().any(|path| is_there(&path)) {
        let step = Step::CheckUnsynced { discard: removal.discard };
        steps.push(Planned { step, undo: Undo::Nothing });
    }
    steps.extend(taken.into_iter().map(|path| Planned {
        step: Step::TakeAway { path: path.clone() },
        undo: Undo::PutBack(path.clone()),
    }));
    if found.is_live {
        steps.push(Planned { step: Step::ReloadServices, undo: Undo::Nothing });
    }
    let left = removal.shared.iter().filter(is_there).cloned();
    let left = left.map(|path| Step::LeaveFolder { path });
    let left = left.chain(has_user.then_some(Step::LeaveUser));
    steps.extend(left.map(|step| Planned { step, undo: Undo::Nothing }));
    steps
}

/// Of a folder that is made on the way to a file.
const SHARED_FOLDER: Access = Access { mode: 0o755, owner: Owner::Root };

fn folder(
    path: &Path,
    access: Access,
    found: &Found,
    made: &mut BTreeSet<PathBuf>,
    steps: &mut Vec<Planned>,
) {
    if found.there.contains(path) || made.contains(path) {
        return;
    }
    for above in folders_above(path) {
        folder(above, SHARED_FOLDER, found, made, steps);
    }
    made.insert(path.to_owned());
    let step = Step::MakeFolder { path: path.to_owned(), access };
    steps.push(Planned { step, undo: Undo::RemoveFolder(path.to_owned()) });
}

/// The folders that a path stands in, the outermost first, without `/`.
#[must_use]
pub fn folders_above(path: &Path) -> Vec<&Path> {
    let mut above: Vec<_> =
        path.ancestors().skip(1).filter(|path| *path != Path::new("/")).collect();
    above.retain(|path| !path.as_os_str().is_empty());
    above.reverse();
    above
}

fn taken_back(path: &Path, is_there: bool) -> Undo {
    match is_there {
        true => Undo::PutBack(path.to_owned()),
        false => Undo::Remove(path.to_owned()),
    }
}

/// Stops the service before what it runs is changed, and starts it afterwards.
fn around_the_service(
    steps: Vec<Planned>,
    found: &Found,
    is_touched: bool,
    start: bool,
) -> Vec<Planned> {
    let stops = found.is_active && is_touched;
    let starts = found.is_live && (stops || (start && !found.is_active));
    let mut all = Vec::with_capacity(steps.len() + 3);
    if stops {
        all.push(Planned { step: Step::StopService, undo: Undo::StartAgain });
    }
    all.extend(steps);
    if found.is_live && is_touched {
        all.push(Planned { step: Step::ReloadServices, undo: Undo::Nothing });
    }
    if starts {
        let undo =
            Undo::StopAgain { empty_before: all.iter().filter_map(of_the_service).collect() };
        all.push(Planned { step: Step::StartService, undo });
    }
    all
}

/// The folder that a step makes for the service to write in.
fn of_the_service(planned: &Planned) -> Option<PathBuf> {
    match &planned.step {
        Step::MakeFolder { path, access: Access { owner: Owner::Service, .. } } => {
            Some(path.clone())
        }
        _ => None,
    }
}
