//! Warm-up: a client library's vector emits nothing until it has children, so that what is
//! missing just after a start may still appear, and what was seen once has not gone for good.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::{Finding, Reason, Series, SeriesFindings, Status};
use crate::discovery::target::ServiceKey;

/// Good scrapes before a missing series fails.
pub const GOOD_SCRAPES_MIN: u32 = 3;

/// Age of the process before a missing series fails.
pub const PROCESS_AGE_MIN: Duration = Duration::from_secs(15 * 60);

/// A process that claims to have begun later than this from now has a wrong clock or unit.
const START_AHEAD_MAX: Duration = Duration::from_secs(60);

/// How long a series once seen counts.
pub const SEEN_COUNTS: Duration = Duration::from_secs(24 * 3600);

/// What is remembered of a target between scrapes.
#[derive(Debug, Clone)]
pub struct History {
    /// When discovery first named the target.
    pub first_seen: SystemTime,
    /// Scrapes that were measured since then.
    pub good_scrapes: u32,
    /// The findings among which a series was there last, newest first; each is the newest for some series,
    /// so that there are no more than series and nearly always one.
    seen: Vec<Seen>,
}

#[derive(Debug, Clone)]
struct Seen {
    findings: Arc<SeriesFindings>,
    at: SystemTime,
}

/// What of a target's history outlives the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPast {
    /// Its URL.
    pub url: String,
    /// Whose it is: another service's past proves nothing.
    pub service: ServiceKey,
    /// When discovery first named it.
    pub first_seen: Timestamp,
    /// Scrapes that were measured since then, as far as they count.
    pub good_scrapes: u32,
    /// When each series was there last, and the sentence that proved it.
    pub seen: Vec<(Series, Timestamp, Arc<str>)>,
}

impl Seen {
    fn has(&self, series: Series) -> bool {
        self.findings.get(series).status == Status::Pass
    }
}

impl History {
    /// A target first seen now.
    pub fn new(first_seen: SystemTime) -> Self {
        Self {
            first_seen,
            good_scrapes: 0,
            seen: Vec::new(),
        }
    }

    /// A target that an earlier process knew.
    pub fn recalled(past: &TargetPast) -> Self {
        let unknown = Arc::new(Finding::unknown(Reason::NotScrapedYet, ""));
        let mut moments: Vec<Timestamp> = past.seen.iter().map(|(_, at, _)| *at).collect();
        moments.sort_unstable_by(|a, b| b.cmp(a));
        moments.dedup();
        let seen = moments.into_iter().map(|at| {
            let found = |series: Series| {
                past.seen
                    .iter()
                    .find(|seen| seen.0 == series && seen.1 == at)
            };
            let findings =
                SeriesFindings::all(&unknown).map(|series, unknown| match found(series) {
                    Some((_, _, message)) => Arc::new(Finding::pass(message.as_ref(), "")),
                    None => Arc::clone(unknown),
                });
            Seen {
                findings: Arc::new(findings),
                at: at.into(),
            }
        });
        Self {
            first_seen: past.first_seen.into(),
            good_scrapes: past.good_scrapes,
            seen: seen.collect(),
        }
    }

    /// Takes what an earlier process knew, remembered late.
    pub fn complete(&mut self, past: &TargetPast) {
        let earlier = Self::recalled(past);
        self.first_seen = self.first_seen.min(earlier.first_seen);
        self.good_scrapes = self.good_scrapes.saturating_add(earlier.good_scrapes);
        // Newest first.
        self.seen.extend(earlier.seen);
        self.keep_newest();
    }

    /// What of it should outlive this process.
    pub fn past(&self, url: String, service: ServiceKey) -> TargetPast {
        let moment = |at| Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
        let seen = Series::ALL.iter().filter_map(|series| {
            let seen = self.seen.iter().find(|seen| seen.has(*series))?;
            let proof = seen.findings.get(*series);
            Some((*series, moment(seen.at), proof.message.as_str().into()))
        });
        TargetPast {
            url,
            service,
            first_seen: moment(self.first_seen),
            good_scrapes: self.good_scrapes.min(GOOD_SCRAPES_MIN),
            seen: seen.collect(),
        }
    }

    /// Takes what a good scrape found and applies grace to those series that it is too early, or too late,
    /// to miss. Where there are none such, the findings are shared as they are.
    pub fn apply_grace(
        &mut self,
        findings: &Arc<SeriesFindings>,
        process_start_seconds: Option<f64>,
        now: SystemTime,
    ) -> Arc<SeriesFindings> {
        self.good_scrapes = self.good_scrapes.saturating_add(1);
        self.remember(findings, now);
        let mut missing = Series::ALL.iter().map(|series| findings.get(*series));
        if !missing.any(|finding| grace_may_apply(finding)) {
            return Arc::clone(findings);
        }
        let age = self.age(process_start_seconds, now);
        let mut changed = false;
        let under_grace = findings.map(|series, finding| {
            let instead = self.apply_grace_to(series, finding, age, now);
            changed |= instead.is_some();
            instead.map_or_else(|| Arc::clone(finding), Arc::new)
        });
        match changed {
            true => Arc::new(under_grace),
            false => Arc::clone(findings),
        }
    }

    fn remember(&mut self, findings: &Arc<SeriesFindings>, now: SystemTime) {
        if let Some(newest) = self.seen.first_mut()
            && Arc::ptr_eq(&newest.findings, findings)
        {
            newest.at = now;
            return;
        }
        let newest = Seen {
            findings: Arc::clone(findings),
            at: now,
        };
        // Room for one: rarely are there more, and there is one of these for each target.
        self.seen.reserve_exact(1);
        self.seen.insert(0, newest);
        self.keep_newest();
    }

    /// Keeps the findings that are the newest for some series.
    fn keep_newest(&mut self) {
        let mut there: Vec<Series> = Vec::with_capacity(Series::ALL.len());
        self.seen.retain(|seen| {
            let before = there.len();
            let newly = Series::ALL
                .iter()
                .filter(|series| seen.has(**series) && !there.contains(series));
            let newly: Vec<Series> = newly.copied().collect();
            there.extend(newly);
            there.len() > before
        });
    }

    /// What takes the place of a finding, if anything.
    fn apply_grace_to(
        &self,
        series: Series,
        finding: &Finding,
        age: Duration,
        now: SystemTime,
    ) -> Option<Finding> {
        if !grace_may_apply(finding) {
            return None;
        }
        if let Some(seen) = self.seen.iter().find(|seen| seen.has(series)) {
            let since = now.duration_since(seen.at).unwrap_or_default();
            if since < SEEN_COUNTS {
                let proof = seen.findings.get(series);
                let message = format!(
                    "{} (not in the last scrape; seen {} s ago, which counts for 24 h)",
                    proof.message,
                    since.as_secs()
                );
                return Some(Finding {
                    message,
                    ..(**proof).clone()
                });
            }
        }
        if self.good_scrapes >= GOOD_SCRAPES_MIN && age >= PROCESS_AGE_MIN {
            return None;
        }
        let message = format!(
            "too early to tell after {} of {GOOD_SCRAPES_MIN} good scrapes and {} of {} s: {}",
            self.good_scrapes.min(GOOD_SCRAPES_MIN),
            age.min(PROCESS_AGE_MIN).as_secs(),
            PROCESS_AGE_MIN.as_secs(),
            finding.message
        );
        Some(Finding {
            evidence: finding.evidence.clone(),
            ..Finding::unknown(Reason::WarmingUp, message)
        })
    }

    /// Forgets what was seen of another service, or under other names of its series.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// The age of the process by its own word, else since it was first seen.
    fn age(&self, process_start_seconds: Option<f64>, now: SystemTime) -> Duration {
        let known = now.duration_since(self.first_seen).unwrap_or_default();
        process_start_seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|since_epoch| SystemTime::UNIX_EPOCH.checked_add(since_epoch))
            .filter(|start| *start <= now + START_AHEAD_MAX)
            .map_or(known, |start| now.duration_since(start).unwrap_or_default())
    }
}

fn grace_may_apply(finding: &Finding) -> bool {
    finding.status == Status::Fail && finding.reason.may_still_appear()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// The same found of every series.
    fn found(status: Status, reason: Reason) -> Arc<SeriesFindings> {
        let finding = Finding {
            status,
            basis: crate::checks::Basis::Scraped,
            reason,
            message: "m".to_owned(),
            evidence: vec![],
            needs: vec![],
        };
        Arc::new(SeriesFindings::all(&Arc::new(finding)))
    }

    fn apply_grace(
        history: &mut History,
        status: Status,
        reason: Reason,
        start: f64,
        minutes: u32,
    ) -> (Status, Reason) {
        let now = SystemTime::UNIX_EPOCH + MINUTE * minutes;
        let under_grace = history.apply_grace(&found(status, reason), Some(start), now);
        let version = under_grace.get(Series::Version);
        (version.status, version.reason)
    }

    #[test]
    fn a_missing_series_fails_after_three_scrapes_of_an_old_process() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let (fail, missing) = (Status::Fail, Reason::Missing);
        assert_eq!(
            apply_grace(&mut history, fail, missing, 0.0, 60),
            (Status::Unknown, Reason::WarmingUp)
        );
        assert_eq!(
            apply_grace(&mut history, fail, missing, 0.0, 61),
            (Status::Unknown, Reason::WarmingUp)
        );
        assert_eq!(
            apply_grace(&mut history, fail, missing, 0.0, 62),
            (Status::Fail, Reason::Missing)
        );
    }

    /// An earlier process's warm-up goes on as if it were this one's.
    #[test]
    fn what_was_seen_outlives_the_process() {
        let epoch = SystemTime::UNIX_EPOCH;
        let mut history = History::new(epoch);
        apply_grace(&mut history, Status::Pass, Reason::Proven, 0.0, 1);
        apply_grace(&mut history, Status::Fail, Reason::Missing, 0.0, 2);
        let key = ServiceKey {
            name: "shop".to_owned(),
            environment: String::new(),
        };
        let past = history.past("http://a:8067/metrics".to_owned(), key);
        assert_eq!(past.good_scrapes, 2);
        let mut again = History::recalled(&past);
        let day = 24 * 60;
        for minutes in [3, day, day + 1] {
            assert_eq!(
                apply_grace(&mut again, Status::Fail, Reason::Missing, 0.0, minutes),
                apply_grace(&mut history, Status::Fail, Reason::Missing, 0.0, minutes),
                "{minutes}"
            );
        }
        let proof = &again.past(String::new(), past.service.clone()).seen[0].2;
        assert_eq!(&**proof, "m");
    }

    #[test]
    fn a_young_process_is_given_fifteen_minutes() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let restarted = 3600.0;
        for minutes in 61..75 {
            let (status, _) = apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                restarted,
                minutes,
            );
            assert_eq!(status, Status::Unknown, "{minutes}");
        }
        assert_eq!(
            apply_grace(&mut history, Status::Fail, Reason::Missing, restarted, 75).0,
            Status::Fail
        );
    }

    #[test]
    fn a_start_in_the_future_is_not_believed() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let milliseconds = 1.7e12;
        for minutes in 13..15 {
            let (status, _) = apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                milliseconds,
                minutes,
            );
            assert_eq!(status, Status::Unknown, "{minutes}");
        }
        assert_eq!(
            apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                milliseconds,
                15
            )
            .0,
            Status::Fail
        );
    }

    #[test]
    fn a_series_once_seen_counts_for_a_day() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        assert_eq!(
            apply_grace(&mut history, Status::Pass, Reason::Proven, 0.0, 0).0,
            Status::Pass
        );
        assert_eq!(
            apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                0.0,
                24 * 60 - 1
            )
            .0,
            Status::Pass
        );
        assert_eq!(
            apply_grace(
                &mut history,
                Status::Fail,
                Reason::Missing,
                0.0,
                24 * 60 + 1
            )
            .0,
            Status::Fail
        );
    }

    /// One that was seen counts on; one that never was has no part in that.
    #[test]
    fn each_series_has_its_own_grace() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let passed = found(Status::Pass, Reason::Proven);
        let missed = found(Status::Fail, Reason::Missing);
        let version_alone = Arc::new(passed.map(|series, finding| match series {
            Series::Version => Arc::clone(finding),
            Series::Availability | Series::Latency | Series::Identity => {
                Arc::clone(missed.get(series))
            }
        }));
        let mut statuses = |findings: &Arc<SeriesFindings>, minutes: u32| {
            let now = SystemTime::UNIX_EPOCH + MINUTE * minutes;
            let under_grace = history.apply_grace(findings, Some(0.0), now);
            let statuses = Series::ALL.iter();
            let statuses: Vec<Status> = statuses.map(|s| under_grace.get(*s).status).collect();
            statuses
        };
        let (pass, fail, unknown) = (Status::Pass, Status::Fail, Status::Unknown);
        assert_eq!(
            statuses(&version_alone, 1),
            [pass, unknown, unknown, unknown]
        );
        assert_eq!(statuses(&missed, 2), [pass, unknown, unknown, unknown]);
        assert_eq!(statuses(&missed, 30), [pass, fail, fail, fail]);
        assert_eq!(statuses(&missed, 25 * 60), [fail; 4]);
    }

    #[test]
    fn what_time_cannot_mend_fails_at_once() {
        let mut history = History::new(SystemTime::UNIX_EPOCH);
        let placeholder = apply_grace(&mut history, Status::Fail, Reason::Placeholder, 0.0, 0);
        assert_eq!(placeholder, (Status::Fail, Reason::Placeholder));
    }
}
