//! Every step of every operation, killed or failing at every point.

use std::fs;
use std::io::ErrorKind;

use super::*;
use crate::linux::layout;
use crate::linux::testing::{Listing, Place};
use crate::plan::Step;

/// Brings a host into the state that an operation begins in.
type Prepare = fn(&Place);
/// The steps of the operation.
type Steps = fn(&Place) -> Vec<Planned>;

const OPERATIONS: [(&str, Prepare, Steps); 4] = [
    ("install", |_| {}, Place::install),
    ("upgrade", an_older_one, Place::install),
    ("uninstall", an_older_one, |place| place.uninstall(false, None)),
    ("uninstall with data", an_older_one, |place| place.uninstall(true, Some(2))),
];

const POINTS: [Point; 3] = [Point::Begun, Point::Halfway, Point::Acted];

/// A host with an agent that runs and holds sales that the relay lacks.
fn an_older_one(place: &Place) {
    place.carry_out(&place.install()).unwrap();
    place.put("/var/lib/storekeep/figures", r#"{"entries":3,"unsent":2}"#);
    place.put("/var/lib/storekeep/journal.db", "sales");
    place.bring("2.0.0");
}

fn at(number: usize, point: Point, fate: Fate) -> Seams {
    let fate_of = move |n, p| if (n, p) == (number, point) { fate } else { Fate::GoOn };
    Seams { fate: Box::new(fate_of) }
}

/// A prepared host, its steps and its state before them.
fn prepared(prepare: Prepare, steps: Steps) -> Option<(Place, Vec<Planned>, Listing)> {
    let place = Place::new()?;
    prepare(&place);
    let (steps, before) = (steps(&place), place.listing());
    Some((place, steps, before))
}

/// What an undisturbed run leaves, and how many steps it takes.
fn undisturbed(prepare: Prepare, steps: Steps) -> Option<(Listing, usize)> {
    let (place, steps, _) = prepared(prepare, steps)?;
    place.carry_out(&steps).unwrap();
    Some((place.listing(), steps.len()))
}

fn carry_out_with(place: &Place, steps: &[Planned], seams: &Seams) -> Result<Report, SetupError> {
    carry_out(&place.host(), &mut place.record(), Operation::Install, steps, seams)
}

#[test]
fn a_run_that_is_killed_at_any_point_is_taken_back_and_can_be_done_again() {
    for (name, prepare, steps_of) in OPERATIONS {
        let Some((after, count)) = undisturbed(prepare, steps_of) else { return };
        let (_, steps, _) = prepared(prepare, steps_of).unwrap();
        let has_halfway: Vec<_> =
            steps.iter().map(|planned| matches!(planned.step, Step::Put { .. })).collect();
        for (number, point) in (0..count).flat_map(|n| POINTS.map(|point| (n, point))) {
            if point == Point::Halfway && !has_halfway[number] {
                continue;
            }
            let (place, steps, before) = prepared(prepare, steps_of).unwrap();
            let step = &steps[number].step;
            let ran_before = place.service.borrow().is_active;
            let killed = carry_out_with(&place, &steps, &at(number, point, Fate::Die));
            assert!(killed.is_err(), "{name}: {step} at {point:?}");
            let recovered = recover(&place.host(), &mut place.record()).unwrap();
            assert!(
                matches!(recovered, Some(Recovered::TakenBack { ref kept, .. }) if kept.is_empty()),
                "{name}: {step} at {point:?}: {recovered:?}"
            );
            assert_eq!(place.listing(), before, "{name}: {step} at {point:?}");
            assert_eq!(place.service.borrow().is_active, ran_before, "{name}: {step} {point:?}");
            place.carry_out(&steps_of(&place)).unwrap();
            assert_eq!(place.listing(), after, "{name}: {step} at {point:?}, done again");
        }
    }
}

#[test]
fn a_step_that_fails_leaves_the_host_as_it_was_and_says_what_to_do() {
    let failures = [
        (Point::Begun, ErrorKind::StorageFull, "make room"),
        (Point::Acted, ErrorKind::PermissionDenied, "sudo"),
    ];
    for (name, prepare, steps_of) in OPERATIONS {
        let Some((_, count)) = undisturbed(prepare, steps_of) else { return };
        for number in 0..count {
            for (point, kind, advice) in failures {
                let (place, steps, before) = prepared(prepare, steps_of).unwrap();
                let failed = carry_out_with(&place, &steps, &at(number, point, Fate::Fail(kind)));
                let error = failed.unwrap_err();
                assert_eq!(error.code, Code::StepFailed);
                assert!(error.next.contains(advice), "{error}");
                assert!(error.detail.contains("the host is as it was"), "{error}");
                assert_eq!(place.listing(), before, "{name}: {} {point:?}", steps[number].step);
            }
        }
    }
}

#[test]
fn doing_it_twice_changes_nothing() {
    for (name, prepare, steps_of) in OPERATIONS {
        let Some((place, steps, _)) = prepared(prepare, steps_of) else { return };
        place.carry_out(&steps).unwrap();
        let (after, told) = (place.listing(), place.service.borrow().told.len());
        let report = place.carry_out(&steps_of(&place)).unwrap();
        assert_eq!(report, Report { changed: false, steps: Vec::new() }, "{name}");
        assert_eq!(place.listing(), after, "{name}");
        assert_eq!(place.service.borrow().told.len(), told, "{name}");
    }
}

#[test]
fn taking_back_is_the_same_when_it_is_interrupted_and_done_again() {
    let (_, prepare, steps_of) = OPERATIONS[1];
    let Some((_, count)) = undisturbed(prepare, steps_of) else { return };
    let (place, steps, before) = prepared(prepare, steps_of).unwrap();
    carry_out_with(&place, &steps, &at(count - 1, Point::Acted, Fate::Die)).unwrap_err();
    let file = format!("{}/record.json", layout::RECORD);
    let record = place.text(&file);
    recover(&place.host(), &mut place.record()).unwrap();
    // As if it had been killed before the record was gone.
    place.put(&file, &record);
    recover(&place.host(), &mut place.record()).unwrap();
    assert_eq!(place.listing(), before);
}

#[test]
fn what_was_done_but_for_the_last_tidying_is_finished_and_never_taken_back() {
    for (name, prepare, steps_of) in OPERATIONS {
        let Some((after, count)) = undisturbed(prepare, steps_of) else { return };
        let (place, steps, _) = prepared(prepare, steps_of).unwrap();
        carry_out_with(&place, &steps, &at(count - 1, Point::Acted, Fate::Die)).unwrap_err();
        let mut record = place.record();
        let mut written = record.read().unwrap().unwrap();
        written.stage = Stage::Settling;
        record.write(&written).unwrap();
        let recovered = recover(&place.host(), &mut record).unwrap();
        assert_eq!(recovered, Some(Recovered::Finished(Operation::Install)), "{name}");
        assert_eq!(place.listing(), after, "{name}");
    }
}

#[test]
fn a_service_that_does_not_start_leaves_nothing_unless_it_has_taken_a_sale() {
    let Some(place) = Place::new() else { return };
    let before = place.listing();
    let data = |name: &str| place.host().real(Path::new(layout::DATA)).join(name);
    for (figures, keeps) in
        [(r#"{"entries":0,"unsent":0}"#, false), (r#"{"entries":1,"unsent":1}"#, true)]
    {
        *place.service.borrow_mut() = crate::linux::testing::Service {
            is_broken: true,
            leaves: vec![(data("figures"), figures), (data("journal.db"), "a sale, perhaps")],
            ..Default::default()
        };
        let error = place.carry_out(&place.install()).unwrap_err();
        assert_eq!(error.code, Code::StepFailed);
        match keeps {
            false => assert_eq!(place.listing(), before),
            true => {
                assert!(error.detail.contains("with 1 journal entries"), "{error}");
                assert_eq!(place.text("/var/lib/storekeep/journal.db"), "a sale, perhaps");
            }
        }
        assert!(!place.has("/opt/storekeep"));
    }
}

#[test]
fn two_runs_never_mix() {
    let Some(place) = Place::new() else { return };
    let _first = place.record();
    let second = Record::open(&place.root(), place.root().join("other"));
    assert!(matches!(second, Err(RecordError::UnderWay)), "{second:?}");
}

#[test]
fn a_record_of_another_version_is_left_alone() {
    let Some(place) = Place::new() else { return };
    let steps = place.install();
    carry_out_with(&place, &steps, &at(3, Point::Acted, Fate::Die)).unwrap_err();
    let file = format!("{}/record.json", layout::RECORD);
    let newer = place.text(&file).replace("\"version\": 1", "\"version\": 2");
    place.put(&file, &newer);
    let before = place.listing();
    let refused = recover(&place.host(), &mut place.record()).unwrap_err();
    assert!(refused.detail.contains("another version"), "{refused}");
    assert_eq!(place.listing(), before);
}

#[test]
fn a_file_under_a_name_that_is_needed_is_not_taken_for_ours() {
    let Some(place) = Place::new() else { return };
    an_older_one(&place);
    let name = "/opt/storekeep/bin/storekeep-agent.setup-former";
    place.put(name, "somebody's");
    let before = place.listing();
    let refused = place.carry_out(&place.install()).unwrap_err();
    assert_eq!(refused.code, Code::InTheWay);
    assert_eq!(place.listing(), before);
    fs::remove_file(place.host().real(Path::new(name))).unwrap();
    place.carry_out(&place.install()).unwrap();
    assert!(place.text(layout::AGENT).contains("2.0.0"));
}
