//! One pass over history: every sum and every standing that a report is made of.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::moments::{baseline_moment, edges, holds_before, just_after};
use super::question::Question;
use super::tally::{Tally, milliseconds};
use super::weights::Weights;
use crate::calendar::{FiscalCalendar, Period, Span, Week};
use crate::history::{
    HistoryError, KnownService, Owner, Reader, ServiceHistory, State, StoredRuleset, Timeline,
    intersection,
};
use crate::okr::Outcome;
use crate::rule_id::RuleId;
use crate::snapshot::RuleStatus;

/// Sums of the period, and of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Both {
    pub(super) now: Tally,
    pub(super) before: Tally,
}

/// Covered time of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Covered {
    milliseconds: u128,
    of: u128,
}

impl Covered {
    pub(super) fn share(self) -> f64 {
        match self.of {
            0 => 0.0,
            of => self.milliseconds as f64 / of as f64,
        }
    }
}

/// A week with its sums.
#[derive(Debug, Clone)]
pub(super) struct WeekSums {
    pub(super) week: Week,
    pub(super) tally: Tally,
    pub(super) covered: Covered,
}

/// A service at one moment.
#[derive(Debug, Clone)]
pub(super) struct ServiceAt {
    /// Its place among [`Collected::services`].
    pub(super) service: usize,
    pub(super) is_estate: bool,
    pub(super) owner: Owner,
    pub(super) rules: Vec<RuleAt>,
}

/// A rule of a service at one moment.
#[derive(Debug, Clone)]
pub(super) struct RuleAt {
    pub(super) outcome: Outcome,
    pub(super) state: State,
    /// Since when its counted outcome was the same, as far as the passes looked.
    pub(super) same_since: Timestamp,
}

/// A service at one moment: only what counts for what was promised.
#[derive(Debug, Clone)]
pub(super) struct ServiceThen {
    /// Its place among [`Collected::services`].
    pub(super) service: usize,
    pub(super) owner: Owner,
    pub(super) outcomes: Vec<Outcome>,
}

/// Every service just before a moment, whoever is asked about: what a team promised of others is the same number
/// in its own report.
#[derive(Debug, Clone)]
pub(super) struct Then {
    pub(super) at: Timestamp,
    pub(super) services: Vec<ServiceThen>,
}

impl Then {
    fn at(at: Timestamp) -> Self {
        Self {
            at,
            services: Vec::new(),
        }
    }
}

/// Everything that one pass finds.
#[derive(Debug)]
pub(super) struct Collected {
    /// Everybody, the estate by an empty name.
    pub(super) services: Vec<KnownService>,
    pub(super) overall: Both,
    pub(super) teams: BTreeMap<String, Both>,
    /// Time alone.
    pub(super) rules: BTreeMap<RuleId, Both>,
    pub(super) categories: BTreeMap<&'static str, Both>,
    pub(super) weeks: Vec<WeekSums>,
    pub(super) weeks_before: Vec<WeekSums>,
    pub(super) covered: Covered,
    pub(super) covered_before: Covered,
    /// The first and the last covered moment of the period.
    pub(super) through: Option<(Timestamp, Timestamp)>,
    pub(super) start: Vec<ServiceAt>,
    pub(super) end: Vec<ServiceAt>,
    /// At the end of the period before, where that was covered at all.
    pub(super) end_before: Option<Vec<ServiceAt>>,
    /// The moment of which key results have their baseline: see [`baseline_moment`].
    pub(super) baseline_at: Option<Timestamp>,
    /// At that moment.
    pub(super) everybody_at_start: Option<Then>,
    /// At the last one.
    pub(super) everybody_at_end: Option<Then>,
    /// At the last covered moment of each of the last weeks.
    pub(super) week_ends: Vec<Then>,
    /// When each service was there in the period, and whose it was.
    pub(super) owners: Vec<(usize, Vec<(Span, Owner)>)>,
    pub(super) timeline: Timeline,
    pub(super) rulesets: Vec<(Timestamp, StoredRuleset)>,
    /// Whether the period is over.
    pub(super) is_closed: bool,
}

/// The period that another is compared with: the quarter before, or as many days.
pub(super) fn period_before(period: &Period, calendar: &FiscalCalendar) -> Option<Period> {
    if let Some(quarter) = &period.quarter {
        let before = calendar.before(quarter)?;
        return Some(Period::of(before, calendar));
    }
    let days = period.last - period.first;
    let last = period.first.yesterday().ok()?;
    let first = last.checked_sub(days).ok()?;
    Some(Period {
        name: format!("{first}..{last}"),
        first,
        last,
        span: calendar.span(first, last),
        quarter: None,
    })
}

/// Weeks of which everybody's standing is kept, the last ones: a year and some.
const WEEK_ENDS_MAX: usize = 60;

pub(super) fn collect(
    reader: &Reader,
    question: &Question<'_>,
    before: Option<&Period>,
) -> Result<Collected, HistoryError> {
    let (period, calendar) = (question.period, question.calendar);
    let whole = Span {
        from: before.map_or(period.span.from, |before| before.span.from),
        to: period.span.to,
    };
    let timeline = reader.timeline(whole)?;
    let rulesets = reader.rulesets(&timeline)?;
    let through = edges(&timeline, period.span);
    let is_closed = question.now >= period.span.to;
    let counts_until = match (is_closed, through) {
        (true, _) => period.span.to,
        (false, Some((_, last))) => last,
        (false, None) => period.span.from,
    };
    let counted = Span {
        from: period.span.from,
        to: counts_until,
    };
    let week = |week: Week, until: Timestamp| {
        let span = Span {
            from: week.span.from,
            to: week.span.to.min(until),
        };
        WeekSums {
            tally: Tally::default(),
            covered: covered(&timeline, span),
            week,
        }
    };
    let weeks = calendar.weeks(period).into_iter();
    let weeks: Vec<WeekSums> = weeks.map(|one| week(one, counts_until)).collect();
    let weeks_before = before
        .map(|before| calendar.weeks(before))
        .unwrap_or_default();
    let weeks_before: Vec<WeekSums> = weeks_before
        .into_iter()
        .map(|one| week(one, period.span.from))
        .collect();
    let shown = &weeks[weeks.len().saturating_sub(WEEK_ENDS_MAX)..];
    let ends = shown
        .iter()
        .filter_map(|week| edges(&timeline, week.week.span));
    let week_ends: Vec<Then> = ends.map(|(_, at)| Then::at(at)).collect();
    let before_edges = before.and_then(|before| edges(&timeline, before.span));
    let baseline_at = baseline_moment(&timeline, period.span);
    let mut collected = Collected {
        services: reader.services()?,
        overall: Both::default(),
        teams: BTreeMap::new(),
        rules: BTreeMap::new(),
        categories: BTreeMap::new(),
        weeks,
        weeks_before,
        covered: covered(&timeline, counted),
        covered_before: before
            .map(|before| covered(&timeline, before.span))
            .unwrap_or_default(),
        through,
        start: Vec::new(),
        end: Vec::new(),
        end_before: before_edges.map(|_| Vec::new()),
        baseline_at,
        everybody_at_start: baseline_at.map(|at| {
            let is_first = through.is_some_and(|(first, _)| first == at);
            Then::at(if is_first { just_after(at) } else { at })
        }),
        everybody_at_end: through.map(|(_, last)| Then::at(last)),
        week_ends,
        owners: Vec::new(),
        timeline,
        rulesets,
        is_closed,
    };
    let weights = Weights::of(&collected.rulesets);
    for place in 0..collected.services.len() {
        let known = &collected.services[place];
        if known.key.name.is_empty() && question.team.is_some() {
            continue;
        }
        let history = reader.service(known, &collected.timeline)?;
        if history.owners.is_empty() {
            continue;
        }
        let pass = Pass {
            question,
            before,
            before_edges,
            weights: &weights,
            history: &history,
            place,
        };
        pass.add_to(&mut collected);
    }
    Ok(collected)
}

fn covered(timeline: &Timeline, span: Span) -> Covered {
    Covered {
        milliseconds: timeline.covered.milliseconds(span).into(),
        of: milliseconds(span),
    }
}

/// One service's turn.
struct Pass<'a> {
    question: &'a Question<'a>,
    before: Option<&'a Period>,
    before_edges: Option<(Timestamp, Timestamp)>,
    weights: &'a Weights,
    history: &'a ServiceHistory,
    place: usize,
}

impl Pass<'_> {
    fn is_asked(&self, owner: &Owner) -> bool {
        self.question.team.is_none_or(|team| team == owner.team)
    }

    fn add_to(&self, to: &mut Collected) {
        for (rule, pieces) in &self.history.rules {
            for (span, state) in pieces {
                self.add_piece(to, *rule, *span, state);
            }
        }
        let period = self.question.period.span;
        let owners = self.history.owners.iter();
        let owners =
            owners.filter_map(|(span, owner)| Some((intersection(*span, period)?, owner.clone())));
        let owners: Vec<_> = owners.collect();
        if !owners.is_empty() {
            to.owners.push((self.place, owners));
        }
        if let Some((first, last)) = to.through {
            to.start.extend(self.at(just_after(first)));
            to.end.extend(self.at(last));
        }
        if let (Some((_, last)), Some(end)) = (self.before_edges, &mut to.end_before) {
            end.extend(self.at(last));
        }
        if self.history.service.key.name.is_empty() {
            return;
        }
        let edges = [&mut to.everybody_at_start, &mut to.everybody_at_end];
        for then in edges.into_iter().flatten().chain(&mut to.week_ends) {
            then.services.extend(self.then(then.at));
        }
    }

    /// Adds the time of a state, piece by piece: by owner, by period, by week, by weight.
    fn add_piece(&self, to: &mut Collected, rule: RuleId, span: Span, state: &State) {
        for (there, owner) in &self.history.owners {
            if there.from >= span.to {
                break;
            }
            let Some(part) = intersection(span, *there).filter(|_| self.is_asked(owner)) else {
                continue;
            };
            for (part, weight) in self.weights.parts(rule, part) {
                if let Some(now) = intersection(part, self.question.period.span) {
                    self.add(to, rule, owner, now, state, weight, |both| &mut both.now);
                    add_to_weeks(&mut to.weeks, &to.timeline, now, state, weight);
                }
                let before = self
                    .before
                    .and_then(|before| intersection(part, before.span));
                if let Some(before) = before {
                    self.add(to, rule, owner, before, state, weight, |both| {
                        &mut both.before
                    });
                    add_to_weeks(&mut to.weeks_before, &to.timeline, before, state, weight);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of one sum")]
    fn add(
        &self,
        to: &mut Collected,
        rule: RuleId,
        owner: &Owner,
        span: Span,
        state: &State,
        weight: u32,
        which: impl Fn(&mut Both) -> &mut Tally,
    ) {
        let time = u128::from(to.timeline.covered.milliseconds(span));
        let weighed = Tally::of(state, time * u128::from(weight));
        *which(&mut to.overall) += weighed;
        *which(to.rules.entry(rule).or_default()) += Tally::of(state, time);
        let category = rule.category().as_str();
        *which(to.categories.entry(category).or_default()) += weighed;
        if !self.history.service.key.name.is_empty() {
            match to.teams.get_mut(&owner.team) {
                Some(team) => *which(team) += weighed,
                None => {
                    let mut both = Both::default();
                    *which(&mut both) += weighed;
                    to.teams.insert(owner.team.clone(), both);
                }
            }
        }
    }

    /// Who owned the service just before a moment.
    fn owner_at(&self, moment: Timestamp) -> Option<&Owner> {
        let mut owners = self.history.owners.iter();
        let found = owners.find(|(span, _)| holds_before(*span, moment));
        found.map(|(_, owner)| owner)
    }

    /// The service just before a moment, where it is asked about.
    fn at(&self, moment: Timestamp) -> Option<ServiceAt> {
        let owner = self.owner_at(moment);
        let owner = owner.filter(|owner| self.is_asked(owner))?.clone();
        let rules = self.history.rules.iter().filter_map(|(rule, pieces)| {
            let place = pieces
                .iter()
                .position(|(span, _)| holds_before(*span, moment))?;
            let state = &pieces[place].1;
            let same = pieces[..place].iter().rev();
            let same = same.take_while(|(_, earlier)| earlier.counted == state.counted);
            let same_since = same
                .last()
                .map_or(pieces[place].0.from, |(span, _)| span.from);
            Some(RuleAt {
                outcome: self.outcome(*rule, state, moment)?,
                state: state.clone(),
                same_since,
            })
        });
        Some(ServiceAt {
            service: self.place,
            is_estate: self.history.service.key.name.is_empty(),
            owner,
            rules: rules.collect(),
        })
    }

    /// The service just before a moment, whoever is asked about.
    fn then(&self, moment: Timestamp) -> Option<ServiceThen> {
        let owner = self.owner_at(moment)?.clone();
        let outcomes = self.history.rules.iter().filter_map(|(rule, pieces)| {
            let (_, state) = pieces
                .iter()
                .find(|(span, _)| holds_before(*span, moment))?;
            self.outcome(*rule, state, moment)
        });
        Some(ServiceThen {
            service: self.place,
            owner,
            outcomes: outcomes.collect(),
        })
    }

    fn outcome(&self, rule: RuleId, state: &State, moment: Timestamp) -> Option<Outcome> {
        let status = state.status?;
        Some(Outcome {
            rule,
            status,
            counted: state.counted.unwrap_or(RuleStatus::Unknown),
            weight: self.weights.before(rule, moment),
        })
    }
}

fn add_to_weeks(
    weeks: &mut [WeekSums],
    timeline: &Timeline,
    span: Span,
    state: &State,
    weight: u32,
) {
    let first = weeks.partition_point(|week| week.week.span.to <= span.from);
    for week in &mut weeks[first..] {
        if week.week.span.from >= span.to {
            break;
        }
        if let Some(part) = intersection(span, week.week.span) {
            let time = u128::from(timeline.covered.milliseconds(part));
            week.tally += Tally::of(state, time * u128::from(weight));
        }
    }
}
