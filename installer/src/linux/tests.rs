//! What stands where after an installation, and what is never removed.

use std::os::unix::fs::PermissionsExt;

use super::testing::Place;
use super::*;

/// Mode and owner of a path; the owner as `root`, `service` or a number.
fn access(place: &Place, path: &str) -> (u32, String) {
    use std::os::unix::fs::MetadataExt;

    let found = std::fs::symlink_metadata(place.host().real(Path::new(path))).unwrap();
    let service = users::numbers(&place.root(), layout::USER).unwrap();
    let name = |number, service: Option<u32>| match number {
        0 => "root".to_owned(),
        number if Some(number) == service => "service".to_owned(),
        number => number.to_string(),
    };
    let (user, group) = (service.map(|(user, _)| user), service.map(|(_, group)| group));
    let owner = format!("{}:{}", name(found.uid(), user), name(found.gid(), group));
    (found.permissions().mode() & 0o7777, owner)
}

#[test]
fn an_installed_agent_has_its_user_folders_and_links() {
    let Some(place) = Place::new() else { return };
    place.carry_out(&place.install()).unwrap();
    assert_eq!(place.service.borrow().told, ["reload", "start"]);
    for (link, to) in [
        ("/usr/local/bin/storekeep-agent", layout::AGENT),
        (
            "/etc/systemd/system/multi-user.target.wants/storekeep-agent.service",
            "/etc/systemd/system/storekeep-agent.service",
        ),
    ] {
        let found = std::fs::read_link(place.host().real(Path::new(link))).unwrap();
        assert_eq!(found, Path::new(to));
    }
    let drop_in = place.text("/etc/systemd/system/storekeep-agent.service.d/proxy.conf");
    assert_eq!(drop_in, "[Service]\nEnvironment=\"HTTPS_PROXY=http://proxy.example.com:3128\"\n");
    if !place.host().is_administrator {
        return needs::host("the rights of an administrator", "sudo cargo test -p installer");
    }
    let expected = [
        (layout::AGENT, 0o755, "root:root"),
        (layout::CONFIG, 0o640, "root:service"),
        (layout::DATA, 0o700, "service:service"),
        (layout::LOGS, 0o750, "service:service"),
        ("/etc/shadow", 0o640, "root:root"),
    ];
    for (path, mode, owner) in expected {
        assert_eq!(access(&place, path), (mode, owner.to_owned()), "{path}");
    }
    assert!(place.text("/etc/passwd").contains("storekeep:x:"));
}

#[test]
fn a_folder_without_accounts_gets_the_files_and_its_first_boot_the_rest() {
    let Some(place) = Place::new() else { return };
    std::fs::remove_dir_all(place.root()).unwrap();
    std::fs::create_dir(place.root()).unwrap();
    let mut host = place.host();
    host.services = Box::new(services::Offline);
    let source = layout::Source {
        agent: place.programs().join("storekeep-agent"),
        setup: place.programs().join("storekeep-setup"),
        config: Some("store = \"0042\"\n".to_owned()),
        proxy: None,
        enable: true,
    };
    let wishes = layout::wishes(&source);
    let steps = crate::plan::install(&wishes, &host.look(&wishes).unwrap(), true);
    let words: Vec<_> = steps.iter().map(|planned| planned.step.to_string()).collect();
    assert!(!words.iter().any(|step| step.contains("service") && !step.contains('/')), "{words:?}");
    place.carry_out(&steps).unwrap();
    assert!(place.has(layout::AGENT) && place.has("/etc/sysusers.d/storekeep.conf"));
    assert!(!place.has("/etc/passwd") && !place.has(layout::RECORD));
}

#[test]
fn uninstalling_leaves_journal_configuration_and_user() {
    let Some(place) = Place::new() else { return };
    let before = place.listing();
    place.carry_out(&place.install()).unwrap();
    place.put("/var/lib/storekeep/journal.db", "sales");
    place.carry_out(&place.uninstall(false, None)).unwrap();
    assert_eq!(place.text("/var/lib/storekeep/journal.db"), "sales");
    assert!(place.has(layout::CONFIG) && !place.has("/opt/storekeep"));
    assert!(!place.service.borrow().is_active);
    assert!(before.keys().all(|path| place.listing().contains_key(path)));
}

#[test]
fn a_journal_that_the_relay_lacks_entries_of_goes_only_with_their_number() {
    let Some(place) = Place::new() else { return };
    place.carry_out(&place.install()).unwrap();
    place.put("/var/lib/storekeep/figures", r#"{"entries":40,"unsent":37}"#);
    let before = place.listing();
    for discard in [None, Some(0), Some(36), Some(38), Some(40)] {
        let refused = place.carry_out(&place.uninstall(true, discard)).unwrap_err();
        assert_eq!(refused.code, Code::Unsynced, "{discard:?}");
        assert!(refused.next.contains("--discard-unsynced 37"), "{refused}");
        assert_eq!(place.listing(), before);
        assert!(place.service.borrow().is_active, "it goes on selling");
    }
    place.carry_out(&place.uninstall(true, Some(37))).unwrap();
    assert!(!place.has(layout::DATA) && !place.has(layout::CONFIG) && !place.has(layout::LOGS));
    assert!(!place.text("/etc/passwd").contains("storekeep"));
}

#[test]
fn what_cannot_be_counted_is_not_removed() {
    let Some(place) = Place::new() else { return };
    place.carry_out(&place.install()).unwrap();
    place.put("/var/lib/storekeep/figures", "no figures");
    let refused = place.carry_out(&place.uninstall(true, Some(0))).unwrap_err();
    assert_eq!(refused.code, Code::JournalUnknown);
    assert!(place.has("/var/lib/storekeep/figures"));
}

#[test]
fn a_damaged_journal_that_was_set_aside_is_never_removed() {
    let Some(place) = Place::new() else { return };
    place.carry_out(&place.install()).unwrap();
    let figures = r#"{"entries":1,"unsent":0,"incidents":[{"setAside":"journal.db.aside-1"}]}"#;
    place.put("/var/lib/storekeep/figures", figures);
    place.put("/var/lib/storekeep/journal.db.aside-1", "half of a journal");
    let refused = place.carry_out(&place.uninstall(true, None)).unwrap_err();
    assert!(refused.detail.contains("aside-1"), "{refused}");
    std::fs::remove_file(place.host().real(Path::new("/var/lib/storekeep/journal.db.aside-1")))
        .unwrap();
    place.carry_out(&place.uninstall(true, None)).unwrap();
    assert!(!place.has(layout::DATA));
}

#[test]
fn an_account_that_somebody_adds_meanwhile_stays() {
    let Some(place) = Place::new() else { return };
    if !place.host().is_administrator {
        return needs::host("the rights of an administrator", "sudo cargo test -p installer");
    }
    users::make(&place.root()).unwrap_err();
    place.carry_out(&place.install()).unwrap();
    let with_another = format!("{}another:x:1001:1001::/:/bin/sh\n", place.text("/etc/passwd"));
    place.put("/etc/passwd", &with_another);
    users::remove(&place.root()).unwrap();
    let expected = "root:x:0:0:root:/:/bin/sh\nanother:x:1001:1001::/:/bin/sh\n";
    assert_eq!(place.text("/etc/passwd"), expected);
}

#[test]
fn a_name_of_a_proxy_cannot_smuggle_a_setting() {
    let source = layout::Source {
        agent: PathBuf::from("/a"),
        setup: PathBuf::from("/b"),
        config: None,
        proxy: Some("http://p:1\"\nExecStart=/bin/sh%n".to_owned()),
        enable: false,
    };
    let text = layout::wishes(&source).into_iter().find_map(|wish| match wish {
        Wish::File { path, content: Content::Text(text), .. } if path.ends_with("proxy.conf") => {
            Some(text)
        }
        _ => None,
    });
    let expected = "[Service]\nEnvironment=\"HTTPS_PROXY=http://p:1ExecStart=/bin/sh%%n\"\n";
    assert_eq!(text.unwrap(), expected);
}

/// The exposure that systemd computes of a unit, in tenths: at most 1.5 of 10.
const EXPOSURE_MAX: &str = "--threshold=15";

#[test]
fn both_units_are_closed_as_far_as_systemd_closes_them() {
    let Some(analyze) = needs::program("systemd-analyze", "apt-get install systemd") else {
        return;
    };
    for unit in ["storekeep-agent.service", "storekeep-relay.service"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd").join(unit);
        let mut command = std::process::Command::new(&analyze);
        let output = command.args(["security", "--offline=true", EXPOSURE_MAX]).arg(&file).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{unit}: {text}");
        assert!(text.contains("Overall exposure level"), "{unit}: {text}");
    }
}

#[test]
fn the_unit_runs_what_is_installed_with_the_files_that_are_installed() {
    let unit = include_str!("../../../packaging/systemd/storekeep-agent.service");
    for line in [
        format!("ExecStart={} run", layout::AGENT),
        format!("Environment=STOREKEEP_CONFIG={}", layout::CONFIG),
        format!("Environment=STOREKEEP_DATA_DIR={}", layout::DATA),
        format!("User={}", layout::USER),
    ] {
        assert!(unit.lines().any(|other| other == line), "{line}");
    }
}
