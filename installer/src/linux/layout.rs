//! Where everything stands on a Linux host, as that host sees it.
//!
//! Programs and units are ours and replaced by an upgrade; the configuration is the host's once it
//! is there. `/opt` because the programs come with no package of the distribution; the unit, the
//! user and the folders under `/etc` because `/usr/lib` belongs to packages. Looks at nothing.

use std::path::{Path, PathBuf};

use crate::plan::{Access, Content, Owner, Removal, Standing, Wish};

/// The programs.
pub const PROGRAMS: &str = "/opt/storekeep/bin";
/// The agent's program.
pub const AGENT: &str = "/opt/storekeep/bin/storekeep-agent";
/// This program, so that it is there when it is needed again.
pub const SETUP: &str = "/opt/storekeep/bin/storekeep-setup";
/// The agent's configuration.
pub const CONFIG: &str = "/etc/storekeep/agent.toml";
/// Journal and keys.
pub const DATA: &str = "/var/lib/storekeep";
/// The log files.
pub const LOGS: &str = "/var/log/storekeep";
/// The record of what is under way.
pub const RECORD: &str = "/var/lib/storekeep-setup";
/// The unit.
pub const UNIT: &str = "storekeep-agent.service";
/// The service's user and group.
pub const USER: &str = "storekeep";

const CONFIG_FOLDER: &str = "/etc/storekeep";
const UNIT_FILE: &str = "/etc/systemd/system/storekeep-agent.service";
/// What `systemctl enable` would make.
const UNIT_ENABLED: &str = "/etc/systemd/system/multi-user.target.wants/storekeep-agent.service";
/// How the service's user is made.
pub const SYSUSERS: &str = "/etc/sysusers.d/storekeep.conf";
/// What a host's service has besides its unit.
const DROP_INS: &str = "/etc/systemd/system/storekeep-agent.service.d";
const PROXY: &str = "/etc/systemd/system/storekeep-agent.service.d/proxy.conf";
const TMPFILES: &str = "/etc/tmpfiles.d/storekeep.conf";
const AGENT_LINK: &str = "/usr/local/bin/storekeep-agent";
const SETUP_LINK: &str = "/usr/local/bin/storekeep-setup";

const UNIT_TEXT: &str = include_str!("../../../packaging/systemd/storekeep-agent.service");
const SYSUSERS_TEXT: &str = include_str!("../../../packaging/sysusers.d/storekeep.conf");
const TMPFILES_TEXT: &str = include_str!("../../../packaging/tmpfiles.d/storekeep.conf");

const PROGRAM: Access = Access { mode: 0o755, owner: Owner::Root };
const PLAIN: Access = Access { mode: 0o644, owner: Owner::Root };

/// Where what is installed comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The agent's program.
    pub agent: PathBuf,
    /// This program.
    pub setup: PathBuf,
    /// The configuration for a host that has none; none if the host has one.
    pub config: Option<String>,
    /// The proxy through which the relay is reached; none leaves what there is.
    pub proxy: Option<String>,
    /// Whether the service is to start when the host boots. An upgrade leaves that as it is.
    pub enable: bool,
}

/// Everything that an installed agent consists of.
#[must_use]
pub fn wishes(source: &Source) -> Vec<Wish> {
    let file = |path: &str, content, access, standing| Wish::File {
        path: PathBuf::from(path),
        content,
        access,
        standing,
    };
    let text = |text: &str| Content::Text(text.to_owned());
    let copy = |from: &Path| Content::CopyOf(from.to_owned());
    let link = |to: &str| Content::LinkTo(PathBuf::from(to));
    let folder = |path: &str, mode, owner| Wish::Folder {
        path: PathBuf::from(path),
        access: Access { mode, owner },
    };
    let config = Access { mode: 0o640, owner: Owner::RootForService };
    let mut wishes = vec![
        file(AGENT, copy(&source.agent), PROGRAM, Standing::OfTheService),
        file(SETUP, copy(&source.setup), PROGRAM, Standing::Ours),
        file(AGENT_LINK, link(AGENT), PROGRAM, Standing::Ours),
        file(SETUP_LINK, link(SETUP), PROGRAM, Standing::Ours),
        file(SYSUSERS, text(SYSUSERS_TEXT), PLAIN, Standing::Ours),
        file(TMPFILES, text(TMPFILES_TEXT), PLAIN, Standing::Ours),
        Wish::User,
        folder(CONFIG_FOLDER, 0o755, Owner::Root),
        folder(DATA, 0o700, Owner::Service),
        folder(LOGS, 0o750, Owner::Service),
    ];
    if let Some(source) = &source.config {
        wishes.push(file(CONFIG, Content::Text(source.clone()), config, Standing::Theirs));
    }
    if let Some(proxy) = &source.proxy {
        let proxy = Content::Text(proxy_drop_in(proxy));
        wishes.push(file(PROXY, proxy, PLAIN, Standing::OfTheService));
    }
    wishes.push(file(UNIT_FILE, text(UNIT_TEXT), PLAIN, Standing::OfTheService));
    if source.enable {
        wishes.push(file(UNIT_ENABLED, link(UNIT_FILE), PROGRAM, Standing::Ours));
    }
    wishes
}

/// What the service learns of its proxy. A `%` would begin a specifier of systemd.
fn proxy_drop_in(proxy: &str) -> String {
    let proxy = proxy.replace('%', "%%").replace(['"', '\\', '\n'], "");
    format!("[Service]\nEnvironment=\"HTTPS_PROXY={proxy}\"\n")
}

/// What there is to be taken away again.
#[must_use]
pub fn removal(with_data: bool, discard: Option<u64>) -> Removal {
    let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
    Removal {
        ours: paths(&[
            UNIT_ENABLED,
            UNIT_FILE,
            PROXY,
            TMPFILES,
            SYSUSERS,
            AGENT_LINK,
            SETUP_LINK,
            AGENT,
            SETUP,
        ]),
        data: paths(&[DATA, LOGS, CONFIG]),
        shared: paths(&[PROGRAMS, "/opt/storekeep", DROP_INS, CONFIG_FOLDER]),
        with_data,
        discard,
    }
}
