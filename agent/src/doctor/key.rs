//! The journal's key: what keeps it, what that stops, and whether a dead host could be read.
//!
//! Unwraps it as a start would, once and with the same PIN. Changes nothing.

use journal::key::Tier;

use super::Check;
use crate::cli::Place;
use crate::config::Config;
use crate::local_api::Status;
use crate::run::{KeyStatus, keeper, key_problem, recovery_target};

const NAME: &str = "journal key";

/// What the running agent says of it, or what is found in its place; nothing where no key was made
/// yet.
pub(super) fn check(place: &Place, config: &Config, status: Option<&Status>) -> Option<Check> {
    let keeper = keeper(&config.journal_key, &place.host);
    if !keeper.file.exists() && !keeper.journal.exists() {
        return None;
    }
    let found = match status {
        Some(status) => status.journal_key.clone(),
        None => match keeper.load() {
            Ok(kept) => KeyStatus::of(&kept),
            Err(error) => {
                let problem = key_problem(&error);
                let fix = problem.next.unwrap_or_default();
                return Some(Check::bad(
                    NAME,
                    format!("{} [{}]", problem.detail, problem.code),
                    fix,
                ));
            }
        },
    };
    Some(judge(&found, keeper.preferred_tier(), &recovery_target(&config.journal_key)))
}

fn judge(
    found: &KeyStatus,
    preferred: Option<Tier>,
    recovery: &Result<Option<journal::key::recovery::RecoveryTarget>, protocol::problem::Problem>,
) -> Check {
    let shown = found.to_string();
    let wanted = match recovery {
        Ok(wanted) => wanted.map(|target| target.sealing_key()),
        Err(problem) => {
            let fix = problem.next.clone().unwrap_or_default();
            return Check::bad(NAME, format!("{shown}. {}", problem.detail), fix);
        }
    };
    if wanted.is_some() && wanted != found.recovery_key {
        let fix = "restart the agent, which seals the key; docs/errors/SK0017.md";
        return Check::bad(NAME, format!("{shown}; the configured recovery key is another"), fix);
    }
    match preferred {
        Some(tier) if tier != found.tier => {
            let fix = "stop the agent outside of opening hours, and run `storekeep-agent journal \
                       rewrap`";
            Check::notice(NAME, format!("{shown}. This host has {tier}"), fix)
        }
        _ => Check::good(NAME, shown),
    }
}

#[cfg(test)]
mod tests {
    //! What is good, what someone should look at, and what does not work.

    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_better_tier_than_the_one_in_use_is_pointed_out() {
        let found = KeyStatus::of_tier(Tier::File);
        assert_eq!(judge(&found, Some(Tier::File), &Ok(None)).verdict, Verdict::Good);
        let better = judge(&found, Some(Tier::Pkcs11), &Ok(None));
        assert_eq!(better.verdict, Verdict::Notice);
        assert!(better.fix.unwrap().contains("journal rewrap"));
        assert!(better.found.contains("not a copied data folder or a stolen disk"));
    }
}
