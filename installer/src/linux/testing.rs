//! A host to try things on: a folder with accounts, an agent that is a script, and a service
//! manager that is a list. What stands in the folder can be listed to the last bit.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::services::Services;
use super::{ActError, Host, layout};
use crate::engine::{Record, Report, Seams, carry_out};
use crate::plan::{self, Operation, Planned};
use crate::problem::SetupError;

/// Answers like storekeep-agent: what its journal holds stands in `figures` in its data folder.
const AGENT: &str = r#"#!/bin/sh
data=; last=
for argument in "$@"; do
    test "$last" = --data-dir && data=$argument
    last=$argument
done
case "$1 $2" in
    "--version "*) echo "storekeep-agent VERSION" ;;
    "journal stats") cat "$data/figures" 2>/dev/null && exit 0
        printf 'error: there is no journal here [SK0010]\nnext: start it\n' >&2; exit 4 ;;
    "config check") grep -q '^store = "0042"$' || {
        printf 'error: store: is wrong [SK0041]\nnext: correct it\n' >&2; exit 1; } ;;
    "enroll "*) test "$STOREKEEP_ENROLMENT_TOKEN" = good && echo '{"device":"d-1"}' && exit 0
        printf 'error: the token is used up [SK0026]\nnext: make a new one\n' >&2; exit 4 ;;
esac
"#;

/// What the service manager was told, and what its service is like.
#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) told: Vec<&'static str>,
    pub(crate) is_active: bool,
    /// Whether it refuses to start.
    pub(crate) is_broken: bool,
    /// What it leaves in its data folder when it is started, as file names with contents.
    pub(crate) leaves: Vec<(PathBuf, &'static str)>,
}

struct Told(Rc<RefCell<Service>>);

impl Services for Told {
    fn is_live(&self) -> bool {
        true
    }

    fn is_active(&self) -> Result<bool, ActError> {
        Ok(self.0.borrow().is_active)
    }

    fn reload(&self) -> Result<(), ActError> {
        self.0.borrow_mut().told.push("reload");
        Ok(())
    }

    fn start(&self) -> Result<(), ActError> {
        let mut service = self.0.borrow_mut();
        service.told.push("start");
        for (file, text) in &service.leaves {
            put(file, text, 0o644);
        }
        if service.is_broken {
            let (attempt, answer) = ("start the service".to_owned(), "it ended".to_owned());
            return Err(ActError::Failed { attempt, answer });
        }
        service.is_active = true;
        Ok(())
    }

    fn stop(&self) -> Result<(), ActError> {
        let mut service = self.0.borrow_mut();
        service.told.push("stop");
        service.is_active = false;
        Ok(())
    }
}

/// A host in a folder, and a folder with the programs to install.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) service: Rc<RefCell<Service>>,
}

/// One entry of a listing: mode, owner, group, and content.
pub(crate) type Listing = BTreeMap<PathBuf, (u32, u32, u32, Vec<u8>)>;

impl Place {
    /// A host as it comes; none where users cannot be made in it.
    #[track_caller]
    pub(crate) fn new() -> Option<Self> {
        needs::program("systemd-sysusers", "apt-get install systemd")?;
        let folder = tempfile::tempdir().unwrap();
        // The service's user has to reach the agent in it.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let place = Self { folder, service: Rc::default() };
        for (file, text, mode) in [
            ("etc/passwd", "root:x:0:0:root:/:/bin/sh\n", 0o644),
            ("etc/group", "root:x:0:\n", 0o644),
            ("etc/shadow", "root:*:19000:0:99999:7:::\n", 0o640),
            ("etc/gshadow", "root:*::\n", 0o640),
            ("etc/systemd/system/other.service", "[Service]\n", 0o644),
            ("usr/local/bin/other", "#!/bin/sh\n", 0o755),
            ("var/lib/other", "other\n", 0o600),
        ] {
            put(&place.root().join(file), text, mode);
        }
        place.bring("1.0.0");
        Some(place)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("host")
    }

    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.path().join("programs")
    }

    /// Puts programs of a version into the folder that is installed from.
    pub(crate) fn bring(&self, version: &str) {
        let agent = AGENT.replace("VERSION", version);
        put(&self.programs().join("storekeep-agent"), &agent, 0o755);
        put(&self.programs().join("storekeep-setup"), version, 0o755);
    }

    pub(crate) fn host(&self) -> Host {
        let mut host = Host::at(self.root(), self.programs().join("storekeep-agent"));
        host.services = Box::new(Told(Rc::clone(&self.service)));
        host
    }

    pub(crate) fn record(&self) -> Record {
        Record::open(&self.root(), self.host().real(Path::new(layout::RECORD))).unwrap()
    }

    /// The steps of an installation, as they are to be done now.
    pub(crate) fn install(&self) -> Vec<Planned> {
        let source = layout::Source {
            agent: self.programs().join("storekeep-agent"),
            setup: self.programs().join("storekeep-setup"),
            config: Some("store = \"0042\"\n".to_owned()),
            proxy: Some("http://proxy.example.com:3128".to_owned()),
            enable: true,
        };
        let wishes = layout::wishes(&source);
        plan::install(&wishes, &self.host().look(&wishes).unwrap(), true)
    }

    /// The steps of an uninstallation, as they are to be done now.
    pub(crate) fn uninstall(&self, with_data: bool, discard: Option<u64>) -> Vec<Planned> {
        let removal = layout::removal(with_data, discard);
        plan::uninstall(&removal, &self.host().look_at(&removal).unwrap())
    }

    /// Carries steps out as production does.
    pub(crate) fn carry_out(&self, steps: &[Planned]) -> Result<Report, SetupError> {
        let (host, mut record) = (self.host(), self.record());
        carry_out(&host, &mut record, Operation::Install, steps, &Seams::default())
    }

    /// Everything on the host: each path with its mode, owner, group and content.
    pub(crate) fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        list(&self.root(), &self.root(), &mut listing);
        listing
    }

    /// Writes a file of the host.
    pub(crate) fn put(&self, path: &str, text: &str) {
        put(&self.host().real(Path::new(path)), text, 0o644);
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.host().real(Path::new(path))).unwrap()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.host().real(Path::new(path))).is_ok()
    }
}

fn put(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "no crash comes between in a test's set-up")]
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn list(root: &Path, folder: &Path, listing: &mut Listing) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        let content = match found.file_type() {
            kind if kind.is_dir() => Vec::new(),
            kind if kind.is_symlink() => {
                fs::read_link(&path).unwrap().to_string_lossy().into_owned().into_bytes()
            }
            _ => fs::read(&path).unwrap(),
        };
        let name = path.strip_prefix(root).unwrap().to_owned();
        listing.insert(name, (found.mode(), found.uid(), found.gid(), content));
        if found.is_dir() {
            list(root, &path, listing);
        }
    }
}
