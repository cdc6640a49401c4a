//! What follows from what is wished for and what there is.

use super::*;

const ACCESS: Access = Access { mode: 0o644, owner: Owner::Root };

fn file(path: &str, standing: Standing) -> Wish {
    let content = Content::Text("new".to_owned());
    Wish::File { path: path.into(), content, access: ACCESS, standing }
}

fn there(paths: &[&str]) -> Found {
    let there = paths.iter().map(PathBuf::from).collect();
    Found { there, user: User::Here, is_live: true, ..Found::default() }
}

fn in_words(steps: &[Planned]) -> Vec<String> {
    steps.iter().map(|planned| planned.step.to_string()).collect()
}

#[test]
fn folders_that_are_missing_are_made_from_the_outside_in_and_once() {
    let wishes = [file("/a/b/one", Standing::Ours), file("/a/b/two", Standing::Ours)];
    let steps = install(&wishes, &there(&["/a"]), false);
    let expected = ["make the folder `/a/b`", "write `/a/b/one`", "write `/a/b/two`"];
    assert_eq!(in_words(&steps), expected);
    assert_eq!(steps[0].undo, Undo::RemoveFolder("/a/b".into()));
    assert_eq!(steps[1].undo, Undo::Remove("/a/b/one".into()));
}

#[test]
fn what_is_replaced_is_put_back_and_what_is_theirs_is_never_replaced() {
    let wishes = [file("/ours", Standing::Ours), file("/theirs", Standing::Theirs)];
    let steps = install(&wishes, &there(&["/ours", "/theirs"]), false);
    assert_eq!(in_words(&steps), ["write `/ours`"]);
    assert_eq!(steps[0].undo, Undo::PutBack("/ours".into()));
}

#[test]
fn a_running_service_is_stopped_only_for_what_it_runs() {
    let mut found = there(&["/program", "/page"]);
    found.is_active = true;
    let wishes = [file("/program", Standing::OfTheService), file("/page", Standing::Ours)];
    let steps = install(&wishes, &found, true);
    assert_eq!((&steps[0].step, &steps[0].undo), (&Step::StopService, &Undo::StartAgain));
    assert_eq!(steps.last().unwrap().step, Step::StartService);
    found.as_wished.insert("/program".into());
    assert_eq!(in_words(&install(&wishes, &found, true)), ["write `/page`"]);
    found.as_wished.insert("/page".into());
    assert!(install(&wishes, &found, true).is_empty());
}

#[test]
fn nothing_is_started_where_nothing_runs_or_nobody_wants_it() {
    let wishes = [file("/program", Standing::OfTheService)];
    let offline = Found { is_live: false, ..there(&[]) };
    assert_eq!(in_words(&install(&wishes, &offline, true)), ["write `/program`"]);
    let steps = in_words(&install(&wishes, &there(&[]), false));
    assert!(!steps.contains(&Step::StartService.to_string()), "{steps:?}");
}

#[test]
fn the_undo_of_a_start_empties_only_folders_of_the_service_that_were_made_for_it() {
    let folder = |path: &str, owner| Wish::Folder {
        path: path.into(),
        access: Access { mode: 0o700, owner },
    };
    let wishes = [
        folder("/ours", Owner::Root),
        folder("/data", Owner::Service),
        folder("/logs", Owner::Service),
    ];
    let steps = install(&wishes, &there(&["/data"]), true);
    let undo = &steps.last().unwrap().undo;
    assert_eq!(*undo, Undo::StopAgain { empty_before: vec!["/logs".into()] });
}

fn removal(with_data: bool) -> Removal {
    Removal {
        ours: vec!["/program".into()],
        data: vec!["/data".into()],
        shared: vec!["/shared".into()],
        with_data,
        discard: None,
    }
}

#[test]
fn uninstalling_keeps_data_and_user() {
    let steps = uninstall(&removal(false), &there(&["/program", "/data", "/shared"]));
    let words = in_words(&steps);
    assert!(words.contains(&"remove `/program`".to_owned()), "{words:?}");
    assert!(!words.iter().any(|step| step.contains("/data") || step.contains("user")), "{words:?}");
}

#[test]
fn data_goes_only_after_the_service_has_stopped_and_the_unsynced_are_counted() {
    let mut found = there(&["/program", "/data"]);
    found.is_active = true;
    let words = in_words(&uninstall(&removal(true), &found));
    let place = |step: &str| words.iter().position(|word| word == step).unwrap();
    let counted = place("count the entries that the relay lacks");
    assert!(place("stop the service") < counted && counted < place("remove `/data`"), "{words:?}");
    assert_eq!(words.last().unwrap(), "remove the service's user");
}

#[test]
fn where_nothing_is_there_is_nothing_to_uninstall() {
    assert!(uninstall(&removal(false), &there(&["/data", "/shared"])).is_empty());
    let nobody = Found { user: User::Missing, ..there(&[]) };
    assert!(uninstall(&removal(true), &nobody).is_empty());
}
