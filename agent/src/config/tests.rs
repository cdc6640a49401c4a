//! Claims about the configuration: what is refused is refused with line, key and next step.

use super::*;

const MINIMAL: &str = "store = \"0042\"\n";

fn refused(text: &str) -> ConfigError {
    parse(text).expect_err("this configuration is refused")
}

#[test]
fn a_store_alone_is_a_complete_configuration() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config, Config::for_store(StoreId::new("0042").unwrap()));
    assert_eq!(config.local_api.listen.to_string(), "127.0.0.1:7710");
    assert_eq!(config.relay.url, None);
}

#[test]
fn the_sample_is_valid_and_says_the_defaults() {
    let config = parse(&sample()).unwrap();
    assert_eq!(config, parse(MINIMAL).unwrap());
}

#[test]
fn every_key_of_the_sample_can_be_set_by_taking_the_mark_away() {
    let sample = sample();
    let before_inputs = sample.split(&format!("#[{}]", sample::INPUT_SECTION)).next().unwrap();
    let set: Vec<_> = before_inputs
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => key,
            _ => line,
        })
        .collect();
    let all = set.join("\n");
    assert!(all.contains("\nunix_socket = "), "{all}");
    // The short and the long form of the ways up say the same and exclude one another.
    assert_eq!(refused(&all).key.as_deref(), Some("relay.mqtt"));
    let set: Vec<_> = set.into_iter().filter(|line| !line.starts_with("mqtt = ")).collect();
    let set = set.join("\n");
    let config = parse(&set).unwrap();
    assert_eq!(config.relay.url.unwrap().as_str(), "https://relay.example.com");
    assert_eq!(config.local_api.allowed_hosts, LocalApiConfig::default().allowed_hosts);
    let quota_mib = NonZeroU32::new(20_480);
    assert_eq!(config.journal, JournalConfig { quota_mib, ..JournalConfig::default() });
}

#[test]
fn every_key_of_the_schema_stands_in_the_sample_with_a_comment() {
    let sample = sample();
    for section in schema()["$defs"].as_object().unwrap().values() {
        for (key, property) in section["properties"].as_object().into_iter().flatten() {
            let line = sample.lines().position(|l| l.trim_start_matches('#').starts_with(key));
            assert!(line.is_some(), "`{key}` is missing in:\n{sample}");
            assert!(property["description"].is_string(), "`{key}` has no doc comment");
        }
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_key() {
    let error = refused("store = \"0042\"\n\n[local_api]\nlistn = \"127.0.0.1:1\"\n");
    assert_eq!(error.line, Some(4));
    assert_eq!(error.key.as_deref(), Some("local_api.listn"));
    assert_eq!(error.next, "did you mean `local_api.listen`?");
}

#[test]
fn an_unknown_section_is_refused_with_the_nearest_known_one() {
    let error = refused("store = \"0042\"\n[locl_api]\n");
    assert_eq!(error.line, Some(2));
    assert_eq!(error.next, "did you mean `local_api`?");
}

#[test]
fn a_key_outside_its_section_is_sent_to_the_section() {
    let error = refused("store = \"0042\"\nretention_days = 5\n");
    assert_eq!(error.next, "did you mean `journal.retention_days`?");
}

#[test]
fn a_key_that_resembles_nothing_points_to_the_sample() {
    let error = refused("store = \"0042\"\nqqq = 5\n");
    assert_eq!(error.next, SEE_SAMPLE_FOR_TESTS);
}

const SEE_SAMPLE_FOR_TESTS: &str = "see `storekeep-agent config sample` for every key";

#[test]
fn a_missing_store_is_named_with_an_example() {
    let error = refused("[log]\nlevel = \"info\"\n");
    assert_eq!(error.key.as_deref(), Some("store"));
    assert_eq!(error.next, "add `store = \"0042\"` above the first section");
}

#[test]
fn a_wrong_value_is_named_by_key_and_line() {
    let error = refused("store = \"0042\"\n[journal]\nretention_days = 0\n");
    assert_eq!(error.line, Some(3));
    assert_eq!(error.key.as_deref(), Some("journal.retention_days"));
    let error = refused("store = \"00/42\"\n");
    assert_eq!((error.line, error.key.as_deref()), (Some(1), Some("store")));
    assert!(error.reason.contains("'/'"), "{error}");
    let error = refused("store = \"0042\"\n[log]\nlevel = \"loud\"\n");
    assert_eq!(error.key.as_deref(), Some("log.level"));
}

#[test]
fn what_is_not_toml_is_refused_with_its_line() {
    let error = refused("store = \"0042\"\nregisters = [\n");
    assert!(error.line.is_some(), "{error}");
    assert!(error.reason.starts_with("not TOML"), "{error}");
}

#[test]
fn an_address_that_others_can_reach_has_to_be_wanted() {
    let open = "store = \"0042\"\n[local_api]\nlisten = \"0.0.0.0:7710\"\n";
    let error = refused(open);
    assert_eq!((error.line, error.key.as_deref()), (Some(3), Some("local_api.listen")));
    parse(&format!("{open}listen_beyond_loopback = true\n")).unwrap();
}

#[test]
fn an_unencrypted_relay_is_accepted_on_this_host_only() {
    for url in ["http://127.0.0.1:7720", "http://localhost:7720", "http://[::1]:7720"] {
        assert_eq!(url.parse::<RelayUrl>().unwrap().as_str(), url);
    }
    for url in ["http://relay.example.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1"] {
        url.parse::<RelayUrl>().unwrap_err();
    }
    let error = "https://me:secret@relay.example.com".parse::<RelayUrl>().unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn the_relay_address_has_no_slash_at_its_end() {
    let url: RelayUrl = "https://relay.example.com/".parse().unwrap();
    assert_eq!(url.join("/v1/devices"), "https://relay.example.com/v1/devices");
}

#[test]
fn lists_refuse_what_has_another_form() {
    refused("store = \"1\"\n[local_api]\nallowed_origins = [\"https://pos.example.com/x\"]\n");
    refused("store = \"1\"\n[extensions]\nallowed = [\"campaign\"]\n");
    refused("store = \"1\"\n[card_data]\nown_prefixes = [\"4\"]\n");
}

#[test]
fn a_secret_is_never_printed() {
    let secret = Secret::new(" s3cr3t\n", "test").unwrap();
    assert_eq!(secret.expose(), "s3cr3t");
    assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    let error = Secret::new("a\nsecond", "the file").unwrap_err();
    assert!(!error.to_string().contains("second"));
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_command_that_creates_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = check(&folder.path().join("agent.toml")).unwrap_err();
    assert!(error.to_string().contains("agent.toml"), "{error}");
    assert!(error.next.contains("config sample"), "{error:?}");
    assert_eq!(error.problem().code, "SK0041");
}

fn ways(relay: &str) -> Vec<String> {
    let config = parse(&format!("{MINIMAL}[relay]\n{relay}")).unwrap();
    config.relay.ways_up().iter().map(ToString::to_string).collect()
}

const BROKER: &str = "mqtt = { url = \"mqtts://broker.example.com\" }\n";
const URL: &str = "url = \"https://relay.example.com\"\n";

#[test]
fn the_short_form_is_a_list_with_the_broker_first() {
    assert_eq!(ways(""), Vec::<String>::new());
    assert_eq!(ways(URL), ["https://relay.example.com"]);
    let both = ["mqtts://broker.example.com:8883", "https://relay.example.com"];
    assert_eq!(ways(&format!("{URL}{BROKER}")), both);
}

#[test]
fn the_long_form_is_the_list_and_its_first_https_the_first_contact() {
    let relay = "ca_file = \"/etc/ca.pem\"\n\
        [[relay.uplinks]]\nkind = \"mqtt\"\nurl = \"mqtts://broker.example.com\"\n\
        [[relay.uplinks]]\nkind = \"https\"\nurl = \"https://lte.example.com\"\n\
        metered = { mb = 500, per = \"month\" }\n";
    assert_eq!(ways(relay), ["mqtts://broker.example.com:8883", "https://lte.example.com"]);
    let config = parse(&format!("{MINIMAL}[relay]\n{relay}")).unwrap().relay;
    let first = config.first_contact().unwrap();
    assert_eq!(first.url.as_str(), "https://lte.example.com");
    assert_eq!(first.ca_file, Some("/etc/ca.pem".into()));
    assert_eq!(config.ways_up()[1].metered().map(Metered::bytes), Some(500_000_000));
    let config = parse(&format!("{MINIMAL}[relay]\n{URL}{relay}")).unwrap().relay;
    assert_eq!(config.first_contact().unwrap().url.as_str(), "https://relay.example.com");
}

#[test]
fn ways_up_that_cannot_work_are_refused() {
    let key = |relay: &str| refused(&format!("{MINIMAL}[relay]\n{relay}")).key.unwrap();
    assert_eq!(key(BROKER), "relay.mqtt", "no first contact");
    let mqtt = "{ kind = \"mqtt\", url = \"mqtts://broker.example.com\" }";
    assert_eq!(key(&format!("uplinks = [{mqtt}]\n")), "relay.uplinks");
    assert_eq!(key(&format!("{URL}uplinks = [{mqtt}, {mqtt}]\n")), "relay.uplinks");
    assert_eq!(key(&format!("{URL}{BROKER}uplinks = [{mqtt}]\n")), "relay.mqtt");
    let error = refused(&format!("{MINIMAL}[relay]\n{URL}uplinks = [{{ kind = \"pigeon\" }}]\n"));
    assert!(error.to_string().contains("pigeon"), "{error}");
}

#[test]
fn each_kind_of_input_stands_in_the_sample_with_every_key() {
    let sample = sample();
    let heading = format!("#[{}]", sample::INPUT_SECTION);
    let sections = sample.split(&heading).skip(1);
    let kinds = crate::inputs::registry::KINDS;
    assert_eq!(sections.clone().count(), kinds.len());
    for (section, kind) in sections.zip(kinds) {
        assert!(section.contains(&format!("#kind = \"{}\"", kind.name)), "{section}");
        for (key, property) in (kind.schema)()["properties"].as_object().unwrap() {
            assert!(section.contains(&format!("\n#{key} = ")), "`{key}` is missing in {section}");
            assert!(property["description"].is_string(), "`{key}` has no doc comment");
        }
    }
}

#[test]
fn an_input_is_refused_with_its_line_its_key_and_what_to_do() {
    let folder = "folder = \"/var/pos\"\n";
    let head = "store = \"0042\"\n[inputs.tills]\n";
    assert_eq!(parse(&format!("{head}kind = \"events\"\n{folder}")).unwrap().inputs.len(), 1);
    for (body, key, line, next) in [
        ("kind = \"nothing\"\n", "inputs.tills.kind", 3, "use one of: "),
        ("kind = \"events\"\nfoldr = \"/x\"\n", "inputs.tills.foldr", 4, "did you mean `folder`?"),
        (
            "kind = \"events\"\nfolder = \"/x\"\nfiles = \"[\"\n",
            "inputs.tills.files",
            5,
            "write it",
        ),
    ] {
        let error = refused(&format!("{head}{body}"));
        assert_eq!((error.key.as_deref(), error.line), (Some(key), Some(line)), "{body}");
        assert!(error.next.starts_with(next), "{}", error.next);
    }
}
