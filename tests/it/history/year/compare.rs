//! A report beside the slow count, figure by figure.

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::report::Report;
use manifesto_exporter::report::model::{ChangeKind, Mean, MovementKind};
use manifesto_exporter::snapshot::RuleStatus;

use super::ends::{levels, offenders, rules, services, standing, teams};
use super::life::{Event, Everybody, Log, Look};
use super::slow::{Hours, Sums, asked, count, covering, edges, gaps, weeks};

/// The figures that were compared.
#[derive(Default)]
pub(super) struct Figures(pub(super) usize);

impl Figures {
    pub(super) fn same<T: PartialEq + Debug>(&mut self, told: T, counted: T, what: &str) {
        self.0 += 1;
        assert_eq!(told, counted, "{what}");
    }

    fn mean(&mut self, mean: &Mean, sums: &Sums, what: &str) {
        self.same(mean.score, sums.score(), &format!("score of {what}"));
        self.same(
            mean.coverage,
            sums.coverage(),
            &format!("coverage of {what}"),
        );
    }
}

/// A report's question: its period, the one before, and the team that it is of.
pub(super) struct Asked<'a> {
    pub(super) log: &'a Log,
    pub(super) period: Hours,
    pub(super) before: Hours,
    pub(super) team: Option<&'a str>,
    pub(super) zone: TimeZone,
}

fn length((from, to): Hours) -> u128 {
    to.duration_since(from).as_hours() as u128
}

impl Asked<'_> {
    /// Holds every figure of a report to the slow count, but for what was promised.
    pub(super) fn holds(&self, report: &Report, figures: &mut Figures) {
        let period = (report.period.from, report.period.to);
        figures.same(period, self.period, "period");
        self.means(report, figures);
        self.weeks(report, figures);
        let (start, end, through) = edges(self.log, self.period).unwrap();
        figures.same(report.period.through, Some(through.1), "measured until");
        let (start, end) = (asked(start, self.team), asked(end, self.team));
        standing(&report.summary.end, end.values(), "the end", figures);
        figures.same(report.summary.end.services, services(&end), "services");
        if let Some((_, before, _)) = edges(self.log, self.before) {
            let before = asked(before, self.team);
            let told = report.summary.end_before.as_ref().unwrap();
            standing(told, before.values(), "the end before", figures);
        }
        teams(report, &end, figures);
        rules(report, &end, figures);
        levels(report, &start, &end, figures);
        offenders(report, &end, figures);
        self.changes(report, &start, &end, figures);
        self.movements(report, figures);
        let told = report.method.gaps.iter();
        let told: Vec<Hours> = told.map(|gap| (gap.from, gap.to)).collect();
        let mut counted = gaps(self.log, self.period);
        // The longest are listed.
        let listed = counted.len() - report.method.gaps_not_listed as usize;
        counted.sort_by_key(|(from, to)| (std::cmp::Reverse(to.duration_since(*from)), *from));
        counted.truncate(listed);
        counted.sort();
        figures.same(told, counted, "gaps");
    }

    fn means(&self, report: &Report, figures: &mut Figures) {
        let now = count(self.log, self.period, &self.zone, self.team);
        let before = count(self.log, self.before, &self.zone, self.team);
        let summary = &report.summary;
        figures.mean(&summary.mean, &now.overall, "everything");
        figures.mean(&summary.mean_before, &before.overall, "everything before");
        for (mean, slow, span) in [
            (&summary.mean, &now, self.period),
            (&summary.mean_before, &before, self.before),
        ] {
            let covered = slow.hours as f64 / length(span) as f64;
            figures.same(mean.covered, covered, "time covered");
        }
        for rule in &report.rules {
            let of = |slow: &BTreeMap<String, Sums>| slow.get(&rule.id).and_then(Sums::score);
            figures.same(rule.mean, of(&now.rules), &rule.id);
            figures.same(rule.mean_before, of(&before.rules), &rule.id);
        }
        for one in &report.categories {
            let of = |slow: &BTreeMap<&str, Sums>| {
                slow.get(one.name.as_str()).copied().unwrap_or_default()
            };
            figures.mean(&one.mean, &of(&now.categories), &one.name);
            figures.mean(&one.mean_before, &of(&before.categories), &one.name);
        }
        let nobody = Sums::default();
        for one in &report.teams {
            let of = |slow: &BTreeMap<String, Sums>| *slow.get(&one.name).unwrap_or(&nobody);
            figures.mean(&one.mean, &of(&now.teams), &one.name);
            figures.mean(&one.mean_before, &of(&before.teams), &one.name);
        }
    }

    fn weeks(&self, report: &Report, figures: &mut Figures) {
        let now = count(self.log, self.period, &self.zone, self.team);
        let before = count(self.log, self.before, &self.zone, self.team);
        let in_weeks = weeks(self.period, &self.zone);
        let in_weeks_before = weeks(self.before, &self.zone);
        figures.same(report.weeks.len(), in_weeks.len(), "weeks");
        for (place, (week, (first, last, span))) in report.weeks.iter().zip(&in_weeks).enumerate() {
            let what = format!("week {place}");
            figures.same((week.first, week.last), (*first, *last), &what);
            let week_of = |slow: &BTreeMap<i32, (Sums, u128)>| {
                slow.get(&(place as i32)).copied().unwrap_or_default()
            };
            let (sums, hours) = week_of(&now.weeks);
            figures.mean(&week.mean, &sums, &what);
            let covered = hours as f64 / length(*span) as f64;
            figures.same(week.mean.covered, covered, &what);
            let earlier = in_weeks_before.get(place);
            figures.same(week.before.is_some(), earlier.is_some(), &what);
            if let (Some(mean), Some((_, _, span))) = (&week.before, earlier) {
                let (sums, hours) = week_of(&before.weeks);
                figures.mean(mean, &sums, &what);
                let covered = hours as f64 / length(*span) as f64;
                figures.same(mean.covered, covered, &what);
            }
        }
    }

    fn changes(&self, report: &Report, start: &Everybody, end: &Everybody, figures: &mut Figures) {
        let mut expected = Vec::new();
        for (name, after) in end {
            let Some(before) = start.get(name) else {
                continue;
            };
            for judged in &after.rules {
                let then = before.rules.iter().find(|one| one.rule == judged.rule);
                let Some(then) = then else { continue };
                let kind = match (then.counted, judged.counted) {
                    (RuleStatus::Fail | RuleStatus::Waived, RuleStatus::Pass) => {
                        ChangeKind::NewlyCompliant
                    }
                    (RuleStatus::Pass, RuleStatus::Fail) => ChangeKind::NewlyViolating,
                    (RuleStatus::Waived, RuleStatus::Fail) => ChangeKind::WaiverEnded,
                    (RuleStatus::Unknown, RuleStatus::Fail) => ChangeKind::FoundViolating,
                    (RuleStatus::Pass | RuleStatus::Fail, RuleStatus::Waived) => {
                        ChangeKind::NewlyWaived
                    }
                    _ => continue,
                };
                let at = self.same_since(name, &judged.rule, judged.counted);
                expected.push((
                    name.clone(),
                    judged.rule.clone(),
                    kind,
                    at,
                    after.team.clone(),
                ));
            }
        }
        let told = report.changes.iter().map(|change| {
            (
                change.service.clone(),
                change.rule.clone(),
                change.kind,
                change.at,
                change.team.clone(),
            )
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        expected.sort();
        figures.0 += expected.len();
        figures.same(told, expected, "changes");
        for change in &report.changes {
            // Of when it last became so for this reason.
            let said = self.log.iter().filter_map(|event| match event {
                Event::Look(look) if look.at >= change.at && look.at < self.period.1 => {
                    let rules = &look.everybody.get(&change.service)?.rules;
                    let judged = rules.iter().find(|judged| judged.rule == change.rule);
                    judged.map(|judged| judged.message.as_str())
                }
                Event::Look(_) | Event::End(_) => None,
            });
            assert!(said.into_iter().any(|said| said == change.message));
        }
    }

    /// Since when a rule had its last status, as far back as the period before.
    fn same_since(&self, service: &str, rule: &str, status: RuleStatus) -> Timestamp {
        let looks: Vec<(&Look, Timestamp)> = covering(self.log).collect();
        let told = looks
            .into_iter()
            .filter(|(look, until)| look.at < self.period.1 && *until > self.before.0);
        let same = told.rev().take_while(|(look, _)| {
            let seen = look.everybody.get(service);
            let judged = seen.and_then(|seen| seen.rules.iter().find(|one| one.rule == rule));
            judged.is_some_and(|judged| judged.counted == status)
        });
        let (first, _) = same.last().unwrap();
        first.at.max(self.before.0)
    }

    fn movements(&self, report: &Report, figures: &mut Figures) {
        let (from, to) = self.period;
        let mut expected = Vec::new();
        let mut before: Option<&Everybody> = None;
        let mut ended: Option<Timestamp> = None;
        for event in self.log {
            let look = match event {
                Event::End(at) => {
                    ended = Some(*at);
                    continue;
                }
                Event::Look(look) => look,
            };
            // When those went who are not there any more.
            let gone_at = ended.take().unwrap_or(look.at);
            for (name, seen) in before.into_iter().flatten() {
                if !look.everybody.contains_key(name) {
                    let went = (gone_at, name.clone(), MovementKind::Went);
                    expected.push((went, seen.team.clone(), String::new()));
                }
            }
            for (name, seen) in &look.everybody {
                match before.map(|before| before.get(name)) {
                    None => {}
                    Some(None) => {
                        let came = (look.at, name.clone(), MovementKind::Came);
                        expected.push((came, String::new(), seen.team.clone()));
                    }
                    Some(Some(was)) if was.team != seen.team => {
                        let moved = (look.at, name.clone(), MovementKind::ChangedHands);
                        expected.push((moved, was.team.clone(), seen.team.clone()));
                    }
                    Some(Some(_)) => {}
                }
            }
            before = Some(&look.everybody);
        }
        let (_, _, (first, last)) = edges(self.log, self.period).unwrap();
        expected.retain(|((at, ..), ..)| *at > first && *at < last && (from..to).contains(at));
        if let Some(team) = self.team {
            expected.retain(|(_, was, is)| was == team || is == team);
        }
        let told = report.movements.iter().map(|movement| {
            let what = (movement.at, movement.service.clone(), movement.what);
            (what, movement.from_team.clone(), movement.to_team.clone())
        });
        figures.0 += expected.len();
        let told: Vec<_> = told.collect();
        figures.same(told, expected, "movements");
    }
}

/// The days of a length, for what ends soon.
pub(super) const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}
