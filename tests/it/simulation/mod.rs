//! The exporter in virtual time: the real board, judging, snapshots and history, without sockets and
//! without waiting. What a test drives is which targets there are, what they answer, and what time it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use manifesto_exporter::catalogue::{Catalogue, Records};
use manifesto_exporter::config::Config;
use manifesto_exporter::daemon::board::Board;
use manifesto_exporter::discovery::target::{Target, TargetUrl};
use manifesto_exporter::document::Origin;
use manifesto_exporter::history::{HistoryError, Moment, Pace, Recorder, Unclean};
use manifesto_exporter::report::key_result_samples;
use manifesto_exporter::rule_id::RuleId;
use manifesto_exporter::scrape::{
    BodySink as _, Handler as _, ScrapeError, ScrapeErrorKind, ScrapeResult,
};
use manifesto_exporter::snapshot::{Ruleset, ServiceVerdict, Snapshot};
use manifesto_exporter::sources::Answers;

/// How an exporter in virtual time ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is told to stop.
    Stop,
    /// It is killed.
    Kill,
}

/// What a target answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An exposition.
    Body(String),
    /// Nothing: the connection is refused.
    Refused,
}

/// One exporter and its surroundings.
pub(crate) struct World {
    /// The true time.
    now: Timestamp,
    /// By how much the wall clock is ahead of it.
    clock_error: SignedDuration,
    /// The monotonic clock's start.
    zero: Timestamp,
    file: PathBuf,
    pace: Pace,
    pub(crate) ruleset: Arc<Ruleset>,
    targets: Vec<(Arc<Target>, Answer)>,
    pub(crate) answers: Arc<Answers>,
    running: Option<Running>,
}

/// The process, while it runs.
struct Running {
    board: Board,
    snapshot: Arc<Snapshot>,
    /// Gone after a failure, until it is opened again.
    recorder: Option<Recorder>,
}

impl World {
    /// A world at a moment whose exporter, not running yet, keeps its history in a file.
    pub(crate) fn new(ruleset: Ruleset, now: Timestamp, file: &Path, pace: Pace) -> Self {
        Self {
            now,
            clock_error: SignedDuration::ZERO,
            zero: now,
            file: file.to_owned(),
            pace,
            ruleset: Arc::new(ruleset),
            targets: Vec::new(),
            answers: Arc::default(),
            running: None,
        }
    }

    /// What the wall clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        self.now + self.clock_error
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: SignedDuration) {
        self.now += time;
    }

    /// Lets time pass in which the machine sleeps: the monotonic clock stands still.
    pub(crate) fn sleep(&mut self, time: SignedDuration) {
        self.now += time;
        self.zero += time;
    }

    /// Sets the wall clock ahead of the true time, or behind it.
    pub(crate) fn set_clock(&mut self, ahead: SignedDuration) {
        self.clock_error = ahead;
    }

    /// Puts an instance of a service there, or changes what it answers.
    pub(crate) fn put(&mut self, host: &str, service: &str, team: &str, answer: Answer) {
        let url = TargetUrl::http(host, 8067);
        if let Some((_, known)) = self.targets.iter_mut().find(|(t, _)| t.url == url) {
            *known = answer;
            return;
        }
        let target = Target {
            team: team.to_owned(),
            ..Target::direct(url, service, Duration::from_secs(10))
        };
        self.targets.push((Arc::new(target), answer));
        self.discover();
    }

    /// Takes an instance away.
    pub(crate) fn remove(&mut self, host: &str) {
        self.targets.retain(|(target, _)| target.url.host != host);
        self.discover();
    }

    fn discover(&self) {
        let Some(running) = &self.running else { return };
        let targets: Vec<_> = self.targets.iter().map(|(t, _)| Arc::clone(t)).collect();
        running.board.replace_targets(&targets, self.wall().into());
    }

    /// Judges by other rules or records from now on.
    pub(crate) fn reload(&mut self, ruleset: Ruleset) {
        self.ruleset = Arc::new(ruleset);
        if let Some(running) = &self.running {
            running.board.set_ruleset(Arc::clone(&self.ruleset));
        }
    }

    /// Starts the exporter, which has scraped nobody yet.
    pub(crate) fn start(&mut self) {
        assert_eq!(self.try_start().unwrap(), None);
    }

    /// The same where history may fail; where a damaged one was set aside, and what was wrong with it.
    pub(crate) fn try_start(&mut self) -> Result<Option<(PathBuf, String)>, HistoryError> {
        let (recorder, found) = Recorder::open(&self.file, self.wall(), Unclean::Crash, self.pace)?;
        let board = Board::new(Arc::clone(&self.ruleset));
        board.recall(found.targets);
        let empty = Snapshot::empty(&self.ruleset, self.wall().into());
        self.running = Some(Running {
            board,
            snapshot: Arc::new(empty.recalling(found.memory)),
            recorder: Some(recorder),
        });
        self.discover();
        Ok(found.set_aside)
    }

    /// Ends it.
    pub(crate) fn end(&mut self, how: End) {
        let running = self.running.take().unwrap();
        match how {
            End::Stop => running.recorder.unwrap().stop().unwrap(),
            End::Kill => drop(running),
        }
    }

    /// Tells it to stop where history may fail.
    pub(crate) fn try_stop(&mut self) -> Result<(), HistoryError> {
        let running = self.running.take().unwrap();
        running.recorder.map_or(Ok(()), Recorder::stop)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Scrapes everybody, makes a snapshot and records it.
    pub(crate) fn look(&mut self) -> Arc<Snapshot> {
        let snapshot = self.observe();
        self.try_record(Unclean::Disk).unwrap();
        snapshot
    }

    /// Scrapes everybody and makes a snapshot.
    pub(crate) fn observe(&mut self) -> Arc<Snapshot> {
        let at = SystemTime::from(self.wall());
        let running = self.running.as_mut().unwrap();
        for (target, answer) in &self.targets {
            scrape(&running.board, target, answer, at);
        }
        let states = running.board.states();
        let before = &running.snapshot;
        let snapshot = Snapshot::after(before, at, &self.ruleset, &self.answers, states);
        running.snapshot = Arc::new(snapshot);
        Arc::clone(&running.snapshot)
    }

    /// Records the last snapshot. After a failure history is opened again first, as the daemon does: for
    /// why it failed. Says where a damaged one was set aside.
    pub(crate) fn try_record(
        &mut self,
        failed: Unclean,
    ) -> Result<Option<(PathBuf, String)>, HistoryError> {
        let wall = self.wall();
        let moment = Moment {
            wall,
            monotonic: self.now.duration_since(self.zero).unsigned_abs(),
        };
        let running = self.running.as_mut().unwrap();
        let mut set_aside = None;
        let mut recorder = match running.recorder.take() {
            Some(recorder) => recorder,
            None => {
                let (recorder, found) = Recorder::open(&self.file, wall, failed, self.pace)?;
                set_aside = found.set_aside;
                recorder
            }
        };
        let targets = running.board.pasts();
        recorder.record(&running.snapshot, &targets, moment)?;
        let samples = key_result_samples(&running.snapshot, wall);
        if !samples.is_empty() {
            recorder.sample(&samples)?;
        }
        running.recorder = Some(recorder);
        Ok(set_aside)
    }
}

/// What the engine does with an answer.
fn scrape(board: &Board, target: &Arc<Target>, answer: &Answer, started: SystemTime) {
    let mut sink = board.sink(target);
    let (outcome, body_bytes) = match answer {
        Answer::Body(body) => {
            let read = sink
                .begin(Some("text/plain; version=0.0.4"))
                .and_then(|()| sink.chunk(body.as_bytes()))
                .and_then(|()| sink.end(true));
            (read, body.len() as u64)
        }
        Answer::Refused => {
            let refused = ScrapeError::new(ScrapeErrorKind::Connect, "connection refused");
            (Err(refused), 0)
        }
    };
    let result = ScrapeResult {
        target: Arc::clone(target),
        started,
        duration: Duration::ZERO,
        body_bytes,
        wire_bytes: body_bytes,
        status: outcome.is_ok().then_some(200),
        reused_connection: false,
        retried: false,
        outcome,
    };
    board.done(sink, result);
}

/// A configuration's rules, with the files that it names.
pub(crate) fn ruleset(configuration: &str, folder: &Path) -> Ruleset {
    let origin = Origin::file(&folder.join("config.yaml"));
    let config = Config::parse(configuration, &origin).unwrap();
    let catalogue = Catalogue::load(&config.catalogue).unwrap();
    let records = Records::load(&config.records, &config.calendar).unwrap();
    config.ruleset(catalogue, records).unwrap()
}

/// What a snapshot says of a rule for a service.
pub(crate) fn verdict<'a>(snapshot: &'a Snapshot, service: &str, rule: &str) -> &'a ServiceVerdict {
    let rule: RuleId = rule.parse().unwrap();
    let found = snapshot.services.iter().find(|s| s.key.name == service);
    let verdicts = &found.unwrap_or_else(|| panic!("no {service}")).verdicts;
    let found = verdicts.iter().find(|v| snapshot.rule(v).id == rule);
    found.unwrap_or_else(|| panic!("no {rule} of {service}"))
}

/// A body that complies with the rules that scrapes prove, but for the parts that are left out: `version`,
/// `availability`, `latency`.
pub(crate) fn body(service: &str, without: &[&str]) -> Answer {
    let mut text = String::from("process_start_time_seconds 1.7e+09\n");
    let mut part = |name: &str, lines: String| {
        if !without.contains(&name) {
            text += &lines;
        }
    };
    part(
        "version",
        format!("{service}_build_info{{service=\"{service}\",version=\"1.4.2\"}} 1\n"),
    );
    part(
        "availability",
        format!(
            "{service}_http_requests_total{{service=\"{service}\",code=\"200\"}} 10\n\
             {service}_http_requests_total{{service=\"{service}\",code=\"500\"}} 1\n"
        ),
    );
    part(
        "latency",
        format!(
            "{service}_http_request_duration_seconds_bucket{{service=\"{service}\",le=\"0.1\"}} 9\n\
             {service}_http_request_duration_seconds_bucket{{service=\"{service}\",le=\"+Inf\"}} 11\n\
             {service}_http_request_duration_seconds_sum{{service=\"{service}\"}} 2\n\
             {service}_http_request_duration_seconds_count{{service=\"{service}\"}} 11\n"
        ),
    );
    text += &format!("{service}_up{{service=\"{service}\"}} 1\n");
    Answer::Body(text)
}
