//! The slow count: every hour of a period, by what the look before it saw. It shares nothing with the report but
//! the statuses' names.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use manifesto_exporter::snapshot::RuleStatus;

use super::life::{Event, Everybody, Judged, Log, Look, Seen};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A span of time.
pub(super) type Hours = (Timestamp, Timestamp);

/// Sums of weight, or of weight times hours.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sums {
    passed: u128,
    counted: u128,
    measured: u128,
    applicable: u128,
}

impl Sums {
    fn add(&mut self, judged: &Judged, amount: u128) {
        if judged.status == RuleStatus::NotApplicable {
            return;
        }
        self.applicable += amount;
        if is_known(judged.status) {
            self.measured += amount;
        }
        if is_known(judged.counted) {
            self.counted += amount;
        }
        if judged.counted == RuleStatus::Pass {
            self.passed += amount;
        }
    }

    pub(super) fn score(&self) -> Option<f64> {
        ratio(self.passed, self.counted)
    }

    pub(super) fn coverage(&self) -> Option<f64> {
        ratio(self.measured, self.applicable)
    }

    /// What is violated or waived.
    pub(super) fn lost(&self) -> u128 {
        self.counted - self.passed
    }

    pub(super) fn counted(&self) -> u128 {
        self.counted
    }
}

pub(super) fn ratio(part: u128, whole: u128) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn is_known(status: RuleStatus) -> bool {
    is_violated(status) || status == RuleStatus::Pass
}

pub(super) fn is_violated(status: RuleStatus) -> bool {
    matches!(status, RuleStatus::Fail | RuleStatus::Waived)
}

/// A category, by the letter of its rules.
pub(super) fn category(rule: &str) -> &'static str {
    match &rule[..1] {
        "F" => "foundation",
        "C" => "continuous_improvement",
        "D" => "design_architecture",
        "O" => "observability",
        "P" => "performance_cost",
        "R" => "resilience",
        "S" => "security",
        other => panic!("{other}"),
    }
}

/// What the hours of a period come to.
#[derive(Default)]
pub(super) struct Slow {
    pub(super) overall: Sums,
    pub(super) teams: BTreeMap<String, Sums>,
    pub(super) rules: BTreeMap<String, Sums>,
    pub(super) categories: BTreeMap<&'static str, Sums>,
    /// Sums and hours of each week, from the first day on.
    pub(super) weeks: BTreeMap<i32, (Sums, u128)>,
    pub(super) hours: u128,
}

/// Looks, each with the time until the next event.
pub(super) fn covering(log: &Log) -> impl Iterator<Item = (&Look, Timestamp)> {
    log.windows(2).filter_map(|pair| match pair {
        [Event::Look(look), next] if look.at < next.at() => Some((look, next.at())),
        _ => None,
    })
}

/// Whether somebody is asked about.
fn is_asked(name: &str, seen: &Seen, team: Option<&str>) -> bool {
    team.is_none_or(|team| !name.is_empty() && seen.team == team)
}

/// Counts a period's hours.
pub(super) fn count(log: &Log, (from, to): Hours, zone: &TimeZone, team: Option<&str>) -> Slow {
    let first = from.to_zoned(zone.clone()).date();
    let mut slow = Slow::default();
    for (look, until) in covering(log) {
        let mut hour = look.at;
        while hour < until {
            if from <= hour && hour < to {
                let days = hour.to_zoned(zone.clone()).date() - first;
                count_hour(&mut slow, &look.everybody, days.get_days() / 7, team);
            }
            hour += HOUR;
        }
    }
    slow
}

fn count_hour(slow: &mut Slow, everybody: &Everybody, week: i32, team: Option<&str>) {
    slow.hours += 1;
    let (in_week, hours) = slow.weeks.entry(week).or_default();
    *hours += 1;
    let asked = everybody
        .iter()
        .filter(|(name, seen)| is_asked(name, seen, team));
    for (name, seen) in asked {
        for judged in &seen.rules {
            slow.overall.add(judged, judged.weight);
            in_week.add(judged, judged.weight);
            let rule = slow.rules.entry(judged.rule.clone()).or_default();
            rule.add(judged, 1);
            let category = slow.categories.entry(category(&judged.rule)).or_default();
            category.add(judged, judged.weight);
            if !name.is_empty() {
                let team = slow.teams.entry(seen.team.clone()).or_default();
                team.add(judged, judged.weight);
            }
        }
    }
}

/// The weeks of a period from its first day on: each with its days and its span.
pub(super) fn weeks((from, to): Hours, zone: &TimeZone) -> Vec<(Date, Date, Hours)> {
    let mut weeks = Vec::new();
    let last = (to - HOUR).to_zoned(zone.clone()).date();
    let mut first = from.to_zoned(zone.clone()).date();
    while first <= last {
        let end = (first + 6.days()).min(last);
        let starts = |day: Date| day.to_zoned(zone.clone()).unwrap().timestamp();
        weeks.push((first, end, (starts(first), starts(end.tomorrow().unwrap()))));
        first += 7.days();
    }
    weeks
}

/// The first and the last look that tell of a span, with the first and the last moment that they cover of it.
pub(super) fn edges(log: &Log, (from, to): Hours) -> Option<(&Look, &Look, Hours)> {
    let mut telling = covering(log).filter(|(look, until)| look.at < to && *until > from);
    let (first, until) = telling.next()?;
    let (last, until) = telling.last().unwrap_or((first, until));
    Some((first, last, (first.at.max(from), until.min(to))))
}

/// What a look saw of those who are asked about.
pub(super) fn asked(look: &Look, team: Option<&str>) -> Everybody {
    let mut everybody = look.everybody.clone();
    everybody.retain(|name, seen| is_asked(name, seen, team));
    everybody
}

/// Sums of everybody at a look.
pub(super) fn sums<'a>(services: impl IntoIterator<Item = &'a Seen>) -> Sums {
    let mut sums = Sums::default();
    for judged in services.into_iter().flat_map(|seen| &seen.rules) {
        sums.add(judged, judged.weight);
    }
    sums
}

/// The time in which nothing was measured.
pub(super) fn gaps(log: &Log, (from, to): Hours) -> Vec<Hours> {
    let mut gaps = Vec::new();
    let mut reached = from;
    for (look, until) in covering(log) {
        if look.at > reached && reached < to {
            gaps.push((reached, look.at.min(to)));
        }
        reached = reached.max(until);
    }
    if reached < to {
        gaps.push((reached, to));
    }
    gaps
}

/// What a key result's rules come to for one service, by one of its two statuses.
pub(super) fn together(
    seen: &Seen,
    rules: &[&str],
    status: impl Fn(&Judged) -> RuleStatus,
) -> Option<RuleStatus> {
    let judged = rules
        .iter()
        .map(|rule| seen.rules.iter().find(|judged| judged.rule == *rule));
    let statuses: Vec<RuleStatus> = judged.map(|one| status(one.unwrap())).collect();
    let has = |wanted: RuleStatus| statuses.contains(&wanted);
    if statuses.iter().any(|status| is_violated(*status)) {
        Some(RuleStatus::Fail)
    } else if has(RuleStatus::Unknown) {
        Some(RuleStatus::Unknown)
    } else if has(RuleStatus::Pass) {
        Some(RuleStatus::Pass)
    } else {
        None
    }
}
