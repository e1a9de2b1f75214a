//! `metric_retention` and `log_retention`: what is kept for how long.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use super::facts::{Facts, unexpected_answer};
use crate::checks::verdict::{Basis, Finding, Reason, worst};
use crate::document::duration::display;
use crate::document::value::Interval;
use crate::sources::{Answer, KnownSource, LogRetention, MetricRetention, Query};

/// How long metrics must be kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// As scraped.
    pub raw: Interval,
    /// At five minutes and at an hour, or finer.
    pub downsampled: Interval,
}

/// How long log lines must be kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// Of critical services.
    pub critical: Interval,
    /// Of all others.
    pub others: Interval,
    /// The longest that anything is kept.
    pub at_most: Interval,
    /// What the selectors of streams of critical services hold.
    pub critical_selectors: Vec<String>,
}

impl Metrics {
    /// Judges each environment that sources name, or all as one: what one environment keeps does not
    /// help another.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let answers = match facts.ask(&Query::MetricRetention) {
            Ok(answers) => answers,
            Err(finding) => return finding,
        };
        let mut all = Vec::new();
        for (source, answer) in answers {
            match answer {
                Answer::MetricRetention(retention) => all.push((source, retention)),
                _ => return unexpected_answer(source),
            }
        }
        let named = all.iter().flat_map(|(source, _)| &source.environments);
        let environments: BTreeSet<&String> = named.collect();
        let of = |environment: &String| {
            let covers = |(source, _): &&(&KnownSource, &MetricRetention)| {
                source.environments.is_empty() || source.environments.contains(environment)
            };
            self.judge_stores(all.iter().filter(covers).copied())
        };
        let judged = environments.into_iter().map(of).reduce(worst);
        judged.unwrap_or_else(|| self.judge_stores(all.iter().copied()))
    }

    /// Judges the store that keeps most: finer samples serve where coarser are asked.
    fn judge_stores<'a>(
        &self,
        stores: impl Iterator<Item = (&'a KnownSource, &'a MetricRetention)>,
    ) -> Finding {
        let (mut kept, mut cited, mut sized) = (MetricRetention::default(), Vec::new(), false);
        for (source, retention) in stores {
            cited.push(format!(
                "{}: raw {}, 5m {}, 1h {}",
                source.name,
                shown(retention.raw),
                shown(retention.five_minutes),
                shown(retention.one_hour)
            ));
            if retention.raw > kept.raw {
                sized = retention.is_bounded_by_size;
            }
            kept.raw = kept.raw.max(retention.raw);
            kept.five_minutes = kept.five_minutes.max(retention.five_minutes);
            kept.one_hour = kept.one_hour.max(retention.one_hour);
        }
        let Some(raw) = kept.raw else {
            let message = "no Prometheus source says how long it keeps samples";
            return Finding::unknown(Reason::NoData, message)
                .on(Basis::Measured)
                .citing(cited);
        };
        let five_minutes = kept.five_minutes.unwrap_or_default().max(raw);
        let one_hour = kept.one_hour.unwrap_or_default().max(five_minutes);
        let asked = [
            ("raw samples", raw, self.raw.0),
            ("samples of 5m", five_minutes, self.downsampled.0),
            ("samples of 1h", one_hour, self.downsampled.0),
        ];
        let short = asked.iter().find(|(_, kept, asked)| kept < asked);
        match short {
            Some((what, kept, asked)) => {
                let message = format!(
                    "{what} are kept for {}, asked is {}",
                    shown(Some(*kept)),
                    display(*asked)
                );
                Finding::fail(Reason::Threshold, message, Vec::new())
            }
            None if sized => {
                let message =
                    "samples are kept long enough, unless the store outgrows its size first";
                Finding::weak(message, "")
            }
            None => Finding::pass(format!("raw samples are kept for {}", shown(Some(raw))), ""),
        }
        .on(Basis::Measured)
        .citing(cited)
    }
}

impl Logs {
    /// Judges every Loki.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let answers = match facts.ask(&Query::LogRetention) {
            Ok(answers) => answers,
            Err(finding) => return finding,
        };
        let judged = answers.into_iter().map(|(source, answer)| {
            let Answer::LogRetention(retention) = answer else {
                return unexpected_answer(source);
            };
            let streams = retention
                .streams
                .iter()
                .map(|(selector, period)| format!("{selector} {}", display(*period)));
            let cited = format!(
                "{}: retention {}, period {}, streams [{}]",
                source.name,
                if retention.enabled {
                    "enabled"
                } else {
                    "disabled"
                },
                shown(retention.period),
                streams.collect::<Vec<_>>().join(", ")
            );
            self.judge_one(retention)
                .on(Basis::Measured)
                .citing([cited])
        });
        judged
            .reduce(worst)
            .unwrap_or_else(|| Finding::unknown(Reason::NoData, "no Loki says anything"))
    }

    fn judge_one(&self, retention: &LogRetention) -> Finding {
        let fail = |message: String| Finding::fail(Reason::Threshold, message, Vec::new());
        if !retention.enabled {
            let message = "retention is not enabled in the compactor: every line is kept for ever";
            return fail(message.to_owned());
        }
        let Some(period) = retention.period.filter(|period| *period <= self.at_most.0) else {
            let kept = shown(retention.period);
            let most = display(self.at_most.0);
            return fail(format!(
                "lines are kept for {kept}, asked is at most {most}"
            ));
        };
        if period < self.others.0 {
            let asked = display(self.others.0);
            return fail(format!(
                "lines are kept for {}, asked is {asked}",
                display(period)
            ));
        }
        let too_short = |(_, period): &&(String, Duration)| *period < self.others.0;
        if let Some((selector, period)) = retention.streams.iter().find(too_short) {
            let (period, asked) = (display(*period), display(self.others.0));
            return fail(format!(
                "lines of {selector} are kept for {period}, asked is {asked}"
            ));
        }
        let too_long = |(_, period): &&(String, Duration)| *period > self.at_most.0;
        if let Some((selector, period)) = retention.streams.iter().find(too_long) {
            let (period, asked) = (display(*period), display(self.at_most.0));
            let message =
                format!("lines of {selector} are kept for {period}, asked is at most {asked}");
            return fail(message);
        }
        let is_critical = |selector: &str| {
            let mut known = self.critical_selectors.iter();
            known.any(|text| selector.replace(' ', "").contains(&text.replace(' ', "")))
        };
        let critical = retention
            .streams
            .iter()
            .filter(|(selector, _)| is_critical(selector));
        let kept = critical.map(|(_, period)| *period).min().unwrap_or(period);
        if kept < self.critical.0 {
            let asked = display(self.critical.0);
            return fail(format!(
                "lines of critical services are kept for {}, asked is {asked}",
                display(kept)
            ));
        }
        let (critical, others) = (display(kept), display(period));
        Finding::pass(format!("lines are kept for {critical} and {others}"), "")
    }
}

fn shown(kept: Option<Duration>) -> String {
    match kept {
        None => "not retention".to_owned(),
        Some(Duration::MAX) => "ever".to_owned(),
        Some(kept) => display(kept).to_string(),
    }
}
