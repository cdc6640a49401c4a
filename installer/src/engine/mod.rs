//! Carries a plan out so that it is done altogether or not at all, also where the program is
//! killed or the power fails in between.
//!
//! Before each step the record says, synced, that it is begun. A step that fails is taken back
//! with all before it, in reverse; so is what an earlier run left unfinished. Once all are done
//! the record says so, and from there on the only way is forward. Does not know what a step does.

mod record;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;

use crate::plan::{Operation, Planned};
use crate::platform::{ActError, Host, Undone};
use crate::problem::{Code, SetupError, in_full};

pub use self::record::{Record, RecordError, Stage, Written};

/// A place in a step where a harness may end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The record says that it is begun; nothing has changed yet.
    Begun,
    /// Half of it is done.
    Halfway,
    /// It is done; the record does not say so yet.
    Acted,
}

/// What becomes of a step at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    GoOn,
    /// The program is killed.
    Die,
    /// It fails as the system says it here.
    Fail(std::io::ErrorKind),
}

/// Decides what becomes of the step with this number at that point.
pub type FateOf = Box<dyn Fn(usize, Point) -> Fate>;

/// What only a harness changes. The default is production; no argument or variable reaches it.
pub struct Seams {
    /// Asked at each point of each step.
    pub fate: FateOf,
}

impl Default for Seams {
    fn default() -> Self {
        Self { fate: Box::new(|_, _| Fate::GoOn) }
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether there was anything to do.
    pub changed: bool,
    /// The steps done, in order.
    pub steps: Vec<String>,
}

/// What an earlier run had left unfinished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovered {
    /// It was taken back: the host is as it was before, but for what had to be kept.
    TakenBack {
        /// What was under way.
        operation: Operation,
        /// What had to be kept.
        kept: Vec<String>,
    },
    /// It was done but for the last tidying, which has been made up for.
    Finished(Operation),
}

/// Carries out a plan. Nothing is written if it holds no step.
///
/// # Errors
/// A step failed; the host is as it was, or the error says what is not.
pub fn carry_out(
    host: &Host,
    record: &mut Record,
    operation: Operation,
    steps: &[Planned],
    seams: &Seams,
) -> Result<Report, SetupError> {
    if steps.is_empty() {
        return Ok(Report { changed: false, steps: Vec::new() });
    }
    free_of_leftovers(host, steps)?;
    let mut written =
        Written { operation, steps: steps.to_vec(), stage: Stage::Acting { begun: 0 } };
    record.write(&written).map_err(|error| unrecorded(&error))?;
    for (number, planned) in steps.iter().enumerate() {
        written.stage = Stage::Acting { begun: number + 1 };
        let acted = record.write(&written).map_err(ActError::from).and_then(|()| {
            let at = |point| fate((seams.fate)(number, point));
            at(Point::Begun)?;
            host.act(&planned.step, &at)?;
            at(Point::Acted)
        });
        match acted {
            Ok(()) => {}
            Err(ActError::Died) => return Err(died()),
            Err(error) => return Err(failed(host, record, &written, planned, error)),
        }
    }
    written.stage = Stage::Settling;
    if let Err(error) = record.write(&written) {
        let last = steps.last().expect("the list is not empty");
        return Err(failed(host, record, &written, last, error.into()));
    }
    settle(host, record, &written)?;
    let steps = steps.iter().map(|planned| planned.step.to_string()).collect();
    Ok(Report { changed: true, steps })
}

/// Settles what an earlier run left: takes back what was under way, finishes what was done.
///
/// # Errors
/// It cannot be settled; the record stays, and the next run tries again.
pub fn recover(host: &Host, record: &mut Record) -> Result<Option<Recovered>, SetupError> {
    let Some(written) = record.read().map_err(|error| unrecorded(&error))? else { return Ok(None) };
    match written.stage {
        Stage::Acting { .. } => {
            let Back { left, kept } = take_back(host, record, &written);
            match left.is_empty() {
                true => Ok(Some(Recovered::TakenBack { operation: written.operation, kept })),
                false => Err(not_undone("an earlier run was interrupted", &left)),
            }
        }
        Stage::Settling => {
            settle(host, record, &written)?;
            Ok(Some(Recovered::Finished(written.operation)))
        }
    }
}

fn fate(fate: Fate) -> Result<(), ActError> {
    match fate {
        Fate::GoOn => Ok(()),
        Fate::Die => Err(ActError::Died),
        Fate::Fail(kind) => Err(ActError::io("write", Path::new("here"), kind.into())),
    }
}

/// What bears the names that steps use for what was there before must not be there: it would be
/// taken for that.
fn free_of_leftovers(host: &Host, steps: &[Planned]) -> Result<(), SetupError> {
    let in_the_way = steps.iter().filter_map(|planned| host.leftover(planned.step.path()?));
    match in_the_way.into_iter().next() {
        None => Ok(()),
        Some(path) => Err(SetupError::refused(
            Code::InTheWay,
            format!("`{}` is in the way: a former file under a name of ours", path.display()),
            "look whether it is still needed, move it elsewhere, and run the command again",
        )),
    }
}

/// A step failed: everything is taken back.
fn failed(
    host: &Host,
    record: &mut Record,
    written: &Written,
    planned: &Planned,
    error: ActError,
) -> SetupError {
    let Back { left, kept } = take_back(host, record, written);
    let what = format!("{}: {}", planned.step, in_full(&error));
    let state = match kept.is_empty() {
        true => "the host is as it was".to_owned(),
        false => format!("the host is as it was but for this: {}", kept.join("; ")),
    };
    match (left.is_empty(), error) {
        (true, ActError::Refused(problem)) => *problem,
        (true, error) => SetupError::refused(
            Code::StepFailed,
            format!("{what}; everything was taken back, {state}"),
            error.next(),
        ),
        (false, _) => not_undone(&what, &left),
    }
}

/// How taking back went.
#[derive(Debug, Default)]
struct Back {
    /// What could not be taken back.
    left: Vec<String>,
    /// What was kept because it must not be lost.
    kept: Vec<String>,
}

/// Takes the begun steps back, the last first. If nothing is left over the record is gone.
fn take_back(host: &Host, record: &mut Record, written: &Written) -> Back {
    let begun = match written.stage {
        Stage::Acting { begun } => begun,
        Stage::Settling => written.steps.len(),
    };
    let mut back = Back::default();
    for planned in written.steps.iter().take(begun).rev() {
        match host.undo(&planned.undo) {
            Ok(Undone::Whole) => {}
            Ok(Undone::Kept(what)) => back.kept.push(what),
            Err(error) => back.left.push(format!("{}: {}", planned.step, in_full(&error))),
        }
    }
    if let Err(error) = host.taken_back() {
        back.left.push(in_full(&error));
    }
    if back.left.is_empty()
        && let Err(error) = record.clear()
    {
        back.left.push(in_full(&error));
    }
    back
}

fn settle(host: &Host, record: &mut Record, written: &Written) -> Result<(), SetupError> {
    let unsettled = |detail: String| {
        let detail = format!("everything is done but for the last tidying: {detail}");
        SetupError::refused(
            Code::NotUndone,
            detail,
            "run the same command again, which finishes it",
        )
    };
    for planned in &written.steps {
        host.settle(&planned.step)
            .map_err(|error| unsettled(format!("{}: {}", planned.step, in_full(&error))))?;
    }
    record.clear().map_err(|error| unsettled(in_full(&error)))
}

fn not_undone(what: &str, left: &[String]) -> SetupError {
    SetupError::refused(
        Code::NotUndone,
        format!("{what}; not taken back: {}", left.join("; ")),
        "mend what is named, and run the same command again: it takes back the rest first",
    )
}

fn unrecorded(error: &RecordError) -> SetupError {
    let detail = format!("{}; nothing was changed", in_full(error));
    SetupError::refused(Code::StepFailed, detail, "free space and rights there, then try again")
}

/// Only a harness kills by this.
fn died() -> SetupError {
    SetupError::refused(Code::StepFailed, "the program was killed", "run the same command again")
}
