//! The sample is true, and what is wrong is named with its line and the next step.

use super::*;
use crate::connectors::registry::KINDS;

fn refused(text: &str) -> ConfigError {
    parse(text).unwrap_err()
}

#[test]
fn one_line_is_a_configuration() {
    let config = parse("tenant = \"acme\"\n").unwrap();
    assert_eq!(config, Config::for_tenant(TenantId::new("acme").unwrap()));
    assert_eq!(config.dispatch.settings(), Settings::default());
}

#[test]
fn the_sample_says_the_defaults_and_every_key_of_it_can_be_set() {
    let sample = sample();
    let parsed = parse(&sample).unwrap();
    assert_eq!(parsed, Config::for_tenant(TenantId::new("acme").unwrap()));
    // Taking the single `#` away sets a key; a line that begins with `# ` stays a comment.
    let before_targets = sample.split(&format!("#[{}]", catalogue::TARGET_SECTION)).next().unwrap();
    let set: String = before_targets
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = parse(&set).unwrap();
    assert_eq!(config.listen.certificate_file, Some(PathBuf::from("/etc/storekeep/relay.pem")));
    assert_eq!(config.listen.address, ListenConfig::default().address);
}

#[test]
fn a_misspelt_key_is_refused_with_its_line_and_the_nearest_known_one() {
    let error = refused("tenant = \"acme\"\n[listen]\nadress = \"127.0.0.1:0\"\n");
    assert_eq!(error.line, Some(3));
    assert_eq!(error.key.as_deref(), Some("listen.adress"));
    assert_eq!(error.next, "did you mean `listen.address`?");
    let error = refused("tenant = \"acme\"\n[dispach]\n");
    assert_eq!(error.next, "did you mean `dispatch`?");
    let error = refused("tenant = \"acme\"\nworkers = 3\n");
    assert_eq!(error.next, "did you mean `dispatch.workers`?");
    assert!(refused("tenant = \"acme\"\nzzz = 3\n").next.contains("config sample"));
}

#[test]
fn a_missing_or_stray_tenant_is_named() {
    let error = refused("[log]\nlevel = \"warn\"\n");
    assert_eq!((error.key.as_deref(), error.line), (Some("tenant"), None));
    assert!(error.next.contains("tenant = \"acme\""), "{}", error.next);
}

#[test]
fn a_wrong_value_is_named_with_key_and_line() {
    let error = refused("tenant = \"acme\"\n[log]\nlevel = \"loud\"\n");
    assert_eq!((error.key.as_deref(), error.line), (Some("log.level"), Some(3)));
    assert!(error.to_string().contains("loud"), "{error}");
    let error = refused("tenant = \"ac me\"\n");
    assert_eq!(error.key.as_deref(), Some("tenant"));
    assert_eq!(refused("tenant = acme\n").line, Some(1));
}

#[test]
fn an_address_for_other_hosts_has_to_be_wanted() {
    let error = refused("tenant = \"acme\"\n[listen]\naddress = \"0.0.0.0:7720\"\n");
    assert_eq!((error.key.as_deref(), error.line), (Some("listen.address"), Some(3)));
    assert!(error.next.contains("listen_beyond_loopback"));
    let wanted = "tenant = \"acme\"\n[listen]\naddress = \"0.0.0.0:7720\"\n\
                  listen_beyond_loopback = true\n";
    assert!(parse(wanted).is_ok());
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let error = refused("tenant = \"acme\"\n[listen]\ncertificate_file = \"a.pem\"\n");
    assert_eq!(error.key.as_deref(), Some("listen.certificate_file"));
    assert!(error.next.contains("listen.key_file"), "{}", error.next);
}

#[test]
fn the_relays_own_name_and_an_unknown_kind_are_no_targets() {
    let error = refused("tenant = \"acme\"\n[targets.relay]\nkind = \"erp\"\n");
    assert_eq!((error.key.as_deref(), error.line), (Some("targets.relay"), Some(2)));
    let error = refused("tenant = \"acme\"\n[targets.shop]\nkind = \"nothing\"\n");
    assert_eq!((error.key.as_deref(), error.line), (Some("targets.shop.kind"), Some(3)));
    let error = refused("tenant = \"acme\"\n[targets.shop]\nurl = \"x\"\n");
    assert_eq!(error.reason, "is missing");
}

#[test]
fn a_file_that_is_not_there_says_how_to_write_one() {
    let error = check(Path::new("/nowhere/relay.toml")).unwrap_err();
    assert!(error.next.contains("config sample"), "{}", error.next);
    assert_eq!(error.problem().code, "SK0041");
}

#[test]
fn the_schema_refuses_unknown_keys() {
    let schema = schema();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"][0], "tenant");
}

#[test]
fn every_kind_of_target_is_in_the_sample_and_its_keys_are_known() {
    let sample = sample();
    for kind in KINDS {
        assert!(sample.contains(&format!("#kind = \"{}\"", kind.name)), "{sample}");
        let section =
            catalogue::catalogue().into_iter().find(|found| found.kind == Some(kind.name));
        let key = section.expect("it has a section").keys.remove(0).name;
        let misspelt =
            format!("tenant = \"acme\"\n[targets.north]\nkind = \"{}\"\n{key}x = 1\n", kind.name);
        let error = refused(&misspelt);
        let written = format!("targets.north.{key}x");
        assert_eq!((error.key.as_deref(), error.line), (Some(written.as_str()), Some(4)));
        assert!(error.next.contains(&key), "{}", error.next);
    }
}

#[test]
fn a_database_is_named_without_its_password() {
    let named = "tenant = \"acme\"\n[store]\npostgres = \"postgresql://relay@db/storekeep\"\n";
    let config = parse(named).unwrap();
    assert_eq!(config.store.postgres.as_deref(), Some("postgresql://relay@db/storekeep"));
    let error = refused(&named.replace("relay@", "relay:s3cret@"));
    assert_eq!((error.key.as_deref(), error.line), (Some("store.postgres"), Some(3)));
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("postgres_password_file") && !shown.contains("s3cret"), "{shown}");
    let error = refused(&named.replace("postgresql:", "mysql:"));
    assert!(error.next.contains("postgresql://"), "{}", error.next);
}
