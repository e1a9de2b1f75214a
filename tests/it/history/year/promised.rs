//! What was promised beside the slow count: objectives, initiatives, waivers and attestations.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::report::Report;
use manifesto_exporter::report::model::{KeyResultOf, RecordState};
use manifesto_exporter::snapshot::RuleStatus;

use super::compare::{Asked, Figures, days};
use super::life::{Event, Look, Seen};
use super::slow::{edges, ratio, sums, together, weeks};

/// What a key result of the objectives' file measures.
enum Measure {
    Compliance(&'static [&'static str]),
    Score,
    Coverage,
    Queue,
}

/// A key result of the objectives' file, written again by hand.
struct Promise {
    quarter: &'static str,
    team: &'static str,
    title: &'static str,
    measure: Measure,
    /// Of the team's services alone.
    of_team: bool,
    baseline: Option<f64>,
    target: f64,
    is_aspirational: bool,
}

const PROMISES: [Promise; 7] = [
    promise(
        "FY27-Q2",
        "growth",
        "latency",
        Measure::Compliance(&["O-9"]),
        true,
        1.0,
    ),
    Promise {
        baseline: Some(0.2),
        is_aspirational: true,
        ..promise("FY27-Q2", "growth", "score", Measure::Score, false, 0.9)
    },
    promise("FY27-Q2", "growth", "queue", Measure::Queue, true, 20.0),
    promise("FY27-Q2", "core", "measured", Measure::Coverage, true, 0.95),
    promise(
        "FY27-Q2",
        "core",
        "versions",
        Measure::Compliance(&["O-8", "O-9"]),
        false,
        1.0,
    ),
    promise(
        "FY27-Q3",
        "core",
        "versions",
        Measure::Compliance(&["O-8"]),
        false,
        0.8,
    ),
    promise("FY27-Q3", "core", "score", Measure::Score, true, 0.6),
];

const fn promise(
    quarter: &'static str,
    team: &'static str,
    title: &'static str,
    measure: Measure,
    of_team: bool,
    target: f64,
) -> Promise {
    Promise {
        quarter,
        team,
        title,
        measure,
        of_team,
        baseline: None,
        target,
        is_aspirational: false,
    }
}

impl Promise {
    /// The value at a look, and how much of it is known.
    fn measured(&self, look: &Look) -> Option<(f64, f64)> {
        let services = look.everybody.iter().filter(|(name, _)| !name.is_empty());
        let services = services.filter(|(_, seen)| !self.of_team || seen.team == self.team);
        let services: Vec<&Seen> = services.map(|(_, seen)| seen).collect();
        match &self.measure {
            Measure::Queue => look.queue.map(|value| (value, 1.0)),
            Measure::Coverage => Some((sums(services).coverage()?, 1.0)),
            Measure::Score => {
                let sums = sums(services);
                Some((sums.score()?, sums.coverage()?))
            }
            Measure::Compliance(rules) => {
                let counted = services
                    .iter()
                    .filter_map(|seen| together(seen, rules, |one| one.counted));
                let counted: Vec<RuleStatus> = counted.collect();
                let good = counted
                    .iter()
                    .filter(|one| **one == RuleStatus::Pass)
                    .count();
                let known = counted
                    .iter()
                    .filter(|one| **one != RuleStatus::Unknown)
                    .count();
                let measured = services
                    .iter()
                    .filter_map(|seen| together(seen, rules, |one| one.status));
                let measured = measured.filter(|one| *one != RuleStatus::Unknown).count();
                let share = ratio(good as u128, known as u128)?;
                Some((share, measured as f64 / counted.len() as f64))
            }
        }
    }

    /// How much of the way is made.
    fn score(&self, baseline: f64, actual: f64) -> f64 {
        let falls = matches!(self.measure, Measure::Queue);
        let is_there = |value: f64| match falls {
            true => value <= self.target,
            false => value >= self.target,
        };
        match is_there(baseline) {
            true if is_there(actual) => 1.0,
            true => 0.0,
            false => ((actual - baseline) / (self.target - baseline)).clamp(0.0, 1.0),
        }
    }
}

/// An initiative of the file, written again by hand.
struct Initiative {
    title: &'static str,
    rules: &'static [&'static str],
    of: Option<&'static str>,
    started: Date,
    archived: Option<Date>,
}

const INITIATIVES: [Initiative; 2] = [
    Initiative {
        title: "versions",
        rules: &["O-8"],
        of: None,
        started: date(2026, 5, 10),
        archived: None,
    },
    Initiative {
        title: "seen by growth",
        rules: &["O-9", "O-8"],
        of: Some("growth"),
        started: date(2026, 3, 2),
        archived: Some(date(2026, 11, 20)),
    },
];

impl Asked<'_> {
    /// Holds what was promised to the slow count.
    pub(super) fn holds_promises(&self, report: &Report, figures: &mut Figures) {
        self.objectives(report, figures);
        self.initiatives(report, figures);
        self.waivers(report, figures);
        self.attestations(report, figures);
    }

    fn objectives(&self, report: &Report, figures: &mut Figures) {
        let promised = PROMISES.iter().filter(|one| {
            one.quarter == report.period.name && self.team.is_none_or(|team| team == one.team)
        });
        let told = report.objectives.iter().flat_map(|objective| {
            let team = objective.team.as_str();
            objective.key_results.iter().map(move |one| (team, one))
        });
        let told: Vec<(&str, &KeyResultOf)> = told.collect();
        figures.same(told.len(), promised.clone().count(), "key results");
        for promise in promised {
            let of_it = told.iter();
            let mut of_it =
                of_it.filter(|(team, one)| (*team, &*one.title) == (promise.team, promise.title));
            self.key_result(promise, of_it.next().unwrap().1, figures);
        }
        for objective in &report.objectives {
            let scores = objective.key_results.iter().filter_map(|one| one.score);
            let scores: Vec<f64> = scores.collect();
            let mean = scores.iter().sum::<f64>() / scores.len() as f64;
            figures.same(
                objective.score,
                (!scores.is_empty()).then_some(mean),
                "an objective",
            );
            figures.same(objective.measured, scores.len() as u64, "an objective");
        }
    }

    fn key_result(&self, promise: &Promise, told: &KeyResultOf, figures: &mut Figures) {
        let title = promise.title;
        let (start, end, (first, end_at)) = edges(self.log, self.period).unwrap();
        let is_query = matches!(promise.measure, Measure::Queue);
        // A query is sampled at looks of the quarter: one before it that still holds tells nothing.
        let queues = |(from, to): (Timestamp, Timestamp)| {
            let looks = self.log.iter().filter_map(move |event| match event {
                Event::Look(look) if (from..to).contains(&look.at) => Some((look.at, look.queue?)),
                Event::Look(_) | Event::End(_) => None,
            });
            looks.collect::<Vec<_>>()
        };
        let late = SignedDuration::from_mins(10);
        let began = match first == self.period.0 {
            true => first,
            false => first + late,
        };
        let began = match is_query {
            true => queues(self.period).first().copied(),
            false => promise.measured(start).map(|(value, _)| (began, value)),
        };
        let baseline = promise.baseline.or(began.map(|(_, value)| value));
        figures.same(told.baseline, baseline, title);
        let at = began
            .map(|(at, _)| at)
            .filter(|_| promise.baseline.is_none());
        figures.same(told.baseline_at, at, title);
        let actual = match is_query {
            true => {
                let last = queues(self.period).last().copied();
                let last = last.filter(|(at, _)| end_at.duration_since(*at) <= days(1));
                last.map(|(_, value)| (value, 1.0))
            }
            false => promise.measured(end),
        };
        figures.same(told.actual, actual.map(|(value, _)| value), title);
        figures.same(told.measured, actual.map_or(0.0, |(_, known)| known), title);
        let score = baseline.zip(actual);
        let score = score.map(|(baseline, (actual, _))| promise.score(baseline, actual));
        figures.same(told.score, score, title);
        figures.same(told.target, promise.target, title);
        let expected = if promise.is_aspirational { 0.7 } else { 1.0 };
        figures.same(told.expected, expected, title);
        if let Some(grade) = &told.grade {
            let counted = match score.unwrap() {
                score if score >= expected => "green",
                score if score >= 0.4 => "yellow",
                _ => "red",
            };
            figures.same(grade.as_str(), counted, title);
        }
        let by_week = weeks(self.period, &self.zone)
            .into_iter()
            .filter_map(|(_, _, span)| {
                if is_query {
                    return queues(span).last().copied();
                }
                let (_, last, (_, at)) = edges(self.log, span)?;
                promise.measured(last).map(|(value, _)| (at, value))
            });
        figures.same(told.weeks.clone(), by_week.collect(), title);
    }

    fn initiatives(&self, report: &Report, figures: &mut Figures) {
        let (_, end, _) = edges(self.log, self.period).unwrap();
        let mut shown = 0;
        for written in INITIATIVES {
            let Initiative {
                title,
                rules,
                of,
                started,
                archived,
            } = written;
            // Services that it concerns, those left, and those not known.
            let count = |look: &Look| {
                let services = look.everybody.iter().filter(|(name, _)| !name.is_empty());
                let services = services
                    .filter(|(_, seen)| of.is_none_or(|of| seen.team == of))
                    .filter(|(_, seen)| self.team.is_none_or(|team| seen.team == team));
                let standing =
                    services.filter_map(|(_, seen)| together(seen, rules, |one| one.counted));
                let standing: Vec<RuleStatus> = standing.collect();
                let compliant = standing
                    .iter()
                    .filter(|one| **one == RuleStatus::Pass)
                    .count();
                let unknown = standing
                    .iter()
                    .filter(|one| **one == RuleStatus::Unknown)
                    .count();
                (standing.len(), standing.len() - compliant, unknown)
            };
            let (concerned, left, unknown) = count(end);
            let went_on = started <= report.period.last
                && archived.is_none_or(|day| day > report.period.first);
            if !went_on || self.team.is_some() && concerned == 0 {
                continue;
            }
            shown += 1;
            let told = report
                .initiatives
                .iter()
                .find(|one| one.title == title)
                .unwrap();
            let figures_told = (told.services, told.left, told.unknown);
            let counted = (concerned as u64, left as u64, unknown as u64);
            figures.same(figures_told, counted, title);
            let burn_down =
                weeks(self.period, &self.zone)
                    .into_iter()
                    .filter_map(|(_, _, span)| {
                        let (_, last, (_, at)) = edges(self.log, span)?;
                        let day = (at - SignedDuration::from_hours(1))
                            .to_zoned(self.zone.clone())
                            .date();
                        (day >= started).then(|| (at, count(last).1 as u64))
                    });
            figures.same(told.burn_down.clone(), burn_down.collect(), title);
        }
        figures.same(report.initiatives.len(), shown, "initiatives");
    }

    fn waivers(&self, report: &Report, figures: &mut Figures) {
        let day = |day: &str| -> Timestamp {
            let zoned = format!("{day}T00:00:00Z").parse();
            zoned.unwrap_or_else(|_| day.parse().unwrap())
        };
        // When each file was read first: the runs that were down then read it when they came up.
        let [second, third] = super::life::WAIVERS_WRITTEN.map(|after| {
            let written = super::life::start() + days(after);
            let looks = self.log.iter().filter_map(|event| match event {
                Event::Look(look) if look.at >= written => Some(look.at),
                Event::Look(_) | Event::End(_) => None,
            });
            looks.min().unwrap()
        });
        // Rule, team, granted, expires, renewals, first granted, taken away.
        let written = [
            (
                "O-8",
                "growth",
                "2026-03-01",
                "2026-05-10T07:30:00Z",
                0,
                Some(third),
            ),
            ("O-9", "core", "2026-04-01", "2026-06-25", 0, Some(second)),
            ("O-8", "growth", "2026-05-12", "2026-08-05", 1, None),
            ("O-8", "growth", "2026-08-20", "2026-11-17", 2, None),
        ];
        let (_, _, (_, end)) = edges(self.log, self.period).unwrap();
        let mut expected = Vec::new();
        for (rule, team, granted, expires, renewals, gone) in written {
            let (granted, expires) = (day(granted), day(expires));
            let until = gone.map_or(expires, |gone| gone.min(expires));
            if granted >= self.period.1 || until <= self.period.0 {
                continue;
            }
            if self.team.is_some_and(|asked| asked != team) {
                continue;
            }
            let state = if gone.is_some_and(|gone| gone < end) || expires <= end {
                RecordState::Ended
            } else if expires.duration_since(end) < days(30) {
                RecordState::EndsSoon
            } else {
                RecordState::Active
            };
            let first = if renewals == 0 {
                granted
            } else {
                day("2026-03-01")
            };
            expected.push((state, expires, rule.to_owned(), renewals, first));
        }
        expected.sort();
        let told = report.waivers.iter().map(|one| {
            let rule = one.rule.clone();
            (
                one.state,
                one.expires_at,
                rule,
                one.renewals,
                one.first_granted_at,
            )
        });
        figures.0 += expected.len();
        figures.same(told.collect(), expected, "waivers");
    }

    fn attestations(&self, report: &Report, figures: &mut Figures) {
        let written = [
            ("D-1", "svc1", date(2026, 1, 10), date(2026, 7, 10)),
            ("S-1", "svc2", date(2026, 5, 20), date(2027, 5, 20)),
            ("C-4", "", date(2026, 2, 1), date(2026, 8, 20)),
        ];
        let (_, _, (_, end)) = edges(self.log, self.period).unwrap();
        let utc = |day: Date| day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        let mut expected = Vec::new();
        for (rule, service, signed, expires) in written {
            let (signed, expires) = (utc(signed), utc(expires));
            if signed >= self.period.1 || expires <= self.period.0 {
                continue;
            }
            if self.team.is_some_and(|team| !self.owned(service, team)) {
                continue;
            }
            let state = if expires <= end || signed > end {
                RecordState::Ended
            } else if expires.duration_since(end) < days(30) {
                RecordState::EndsSoon
            } else {
                RecordState::Active
            };
            expected.push((state, expires, rule.to_owned(), service.to_owned()));
        }
        expected.sort();
        let told = report.attestations.iter();
        let told = told.map(|one| {
            (
                one.state,
                one.expires_at,
                one.rule.clone(),
                one.service.clone(),
            )
        });
        figures.0 += expected.len();
        figures.same(told.collect(), expected, "attestations");
    }

    /// Whether a team owned a service at any time of the period.
    fn owned(&self, service: &str, team: &str) -> bool {
        let mut looks = self.log.windows(2).filter_map(|pair| match pair {
            [Event::Look(look), next] if look.at < self.period.1 && next.at() > self.period.0 => {
                Some(look)
            }
            _ => None,
        });
        looks.any(|look| {
            look.everybody
                .get(service)
                .is_some_and(|seen| seen.team == team)
        })
    }
}
