//! What playbook runs and a status page tell: `incidents`, `retrospectives`, `gamedays`.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::facts::{Facts, day, period, unexpected_answer};
use crate::checks::verdict::{Basis, Finding, Reason, neither};
use crate::document::value::{Interval, Pattern};
use crate::sources::{Answer, Incident, Query, Run};

/// Major and critical incidents are on the status page and have a run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracked {
    /// How far back is looked.
    pub window: Interval,
    /// Impacts that count, as the status page names them.
    pub impacts: Vec<String>,
    /// How far a run's begin may be from the incident's.
    pub within: Interval,
    /// Names of runs that are of such incidents.
    pub runs: Pattern,
}

/// Finished runs of major and critical incidents have a retrospective.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retrospectives {
    /// How far back is looked.
    pub window: Interval,
    /// How long after its end a run's retrospective must be published.
    pub within: Interval,
    /// Names of runs that need one.
    pub runs: Pattern,
}

/// A gameday lately, with an impact measured and actions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gamedays {
    /// How often.
    pub every: Interval,
    /// Names of runs that are gamedays.
    pub runs: Pattern,
}

fn runs<'a>(facts: &Facts<'a>) -> Result<Vec<&'a Run>, Finding> {
    let mut all = Vec::new();
    for (source, answer) in facts.ask(&Query::Runs)? {
        match answer {
            Answer::Runs(runs) => all.extend(runs),
            _ => return Err(unexpected_answer(source)),
        }
    }
    Ok(all)
}

fn incidents<'a>(facts: &Facts<'a>) -> Result<Vec<&'a Incident>, Finding> {
    let mut all = Vec::new();
    for (source, answer) in facts.ask(&Query::Incidents)? {
        match answer {
            Answer::Incidents(incidents) => all.extend(incidents),
            _ => return Err(unexpected_answer(source)),
        }
    }
    Ok(all)
}

/// What somebody else's clock says may be at the end of time.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn cite(name: &str, created: Timestamp, url: &str) -> String {
    format!("{name} ({}) {url}", day(created))
}

impl Tracked {
    /// Judges both ways: what is on the page has a run, what has a run is on the page.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let (runs, incidents) = match (runs(facts), incidents(facts)) {
            (Ok(runs), Ok(incidents)) => (runs, incidents),
            // One that is configured and silent decides: what it says might contradict.
            (Err(one), Err(other)) => {
                return match (one.reason.leaves_it_open(), other.reason.leaves_it_open()) {
                    (true, true) => neither(one, other),
                    (true, false) => other,
                    (false, _) => one,
                };
            }
            (Err(finding), _) | (_, Err(finding)) => return finding,
        };
        let since = facts.now - period(self.window);
        let near = |a: Timestamp, b: Timestamp| a.duration_since(b).abs() <= period(self.within);
        let counts = |incident: &&&Incident| {
            incident.created >= since && self.impacts.contains(&incident.impact)
        };
        let serious: Vec<&Incident> = incidents.iter().filter(counts).copied().collect();
        let no_run = serious
            .iter()
            .filter(|incident| !runs.iter().any(|run| near(run.created, incident.created)));
        let mut untracked: Vec<String> = no_run
            .map(|incident| {
                let cited = cite(&incident.name, incident.created, &incident.url);
                format!("no playbook run: {cited}")
            })
            .collect();
        let severe = runs
            .iter()
            .filter(|run| run.created >= since && self.runs.matches(&run.name));
        let not_reported = severe.filter(|run| {
            !incidents
                .iter()
                .any(|incident| near(run.created, incident.created))
        });
        untracked.extend(not_reported.map(|run| {
            format!(
                "not on the status page: {}",
                cite(&run.name, run.created, &run.url)
            )
        }));
        match untracked.first() {
            Some(first) => {
                let message = format!("{} incidents are not tracked, {first}", untracked.len());
                Finding::fail(Reason::Untracked, message, Vec::new()).citing(untracked)
            }
            None => {
                let cited: Vec<String> = serious
                    .iter()
                    .map(|incident| cite(&incident.name, incident.created, &incident.url))
                    .collect();
                let message = format!(
                    "all {} major and critical incidents since {} have a run and are on the status page",
                    serious.len(),
                    day(since)
                );
                Finding::pass(message, "").citing(cited)
            }
        }
        .on(Basis::Measured)
    }
}

impl Retrospectives {
    /// Judges every finished run whose retrospective is due.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let runs = match runs(facts) {
            Ok(runs) => runs,
            Err(finding) => return finding,
        };
        let since = facts.now - period(self.window);
        let finished = runs.into_iter().filter_map(|run| Some((run, run.ended?)));
        let counted: Vec<(&Run, Timestamp)> = finished
            .filter(|(run, ended)| *ended >= since && self.runs.matches(&run.name))
            .collect();
        let lacks = counted.iter().filter_map(|(run, ended)| {
            let due = later(*ended, period(self.within));
            let why = match (run.retrospective_cancelled, run.retrospective_published) {
                (true, _) => "its retrospective was cancelled".to_owned(),
                (false, Some(published)) if published <= due => return None,
                (false, Some(published)) => format!("published late, on {}", day(published)),
                (false, None) if facts.now < due => return None,
                (false, None) => format!("none published by {}", day(due)),
            };
            Some(format!("{why}: {}", cite(&run.name, run.created, &run.url)))
        });
        let lacks: Vec<String> = lacks.collect();
        match lacks.first() {
            Some(first) => {
                let message = format!(
                    "{} of {} incidents lack a post-mortem, {first}",
                    lacks.len(),
                    counted.len()
                );
                Finding::fail(Reason::Untracked, message, Vec::new()).citing(lacks)
            }
            None => {
                let cited = counted
                    .iter()
                    .map(|(run, _)| cite(&run.name, run.created, &run.url));
                let message = format!(
                    "post-mortems follow all {} finished incidents since {}",
                    counted.len(),
                    day(since)
                );
                Finding::pass(message, "").citing(cited)
            }
        }
        .on(Basis::Measured)
    }
}

impl Gamedays {
    /// Judges the newest finished gameday.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let runs = match runs(facts) {
            Ok(runs) => runs,
            Err(finding) => return finding,
        };
        let finished = runs.into_iter().filter_map(|run| Some((run, run.ended?)));
        let newest = finished
            .filter(|(run, _)| self.runs.matches(&run.name))
            .max_by_key(|(_, ended)| *ended);
        let Some((run, ended)) = newest else {
            let message = "no gameday is among the runs";
            return Finding::unknown(Reason::NoData, message).on(Basis::Measured);
        };
        let fail = |reason, message: String| Finding::fail(reason, message, Vec::new());
        let every = period(self.every);
        if later(ended, every) < facts.now {
            let days = every.as_hours() / 24;
            let message = format!(
                "the last gameday ended on {}, asked is one every {days} d",
                day(ended)
            );
            fail(Reason::Overdue, message)
        } else if run.retrospective.trim().is_empty() {
            fail(
                Reason::Incomplete,
                format!("gameday `{}` states no impact", run.name),
            )
        } else if run.actions == 0 {
            fail(
                Reason::Incomplete,
                format!("gameday `{}` has no actions", run.name),
            )
        } else {
            let message = format!(
                "gameday `{}` ended on {}, {} actions",
                run.name,
                day(ended),
                run.actions
            );
            Finding::pass(message, "")
        }
        .on(Basis::Measured)
        .citing([cite(&run.name, run.created, &run.url)])
    }
}
