//! `demo --estate --quarter`: a past for the example estate. The last quarter and the one before are judged as if an
//! exporter had looked twice a day, by the real board, rules and history: services break and are fixed, one leaves,
//! evidence is connected late, and the exporter is down for some days.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

use super::estate::TARGETS;
use crate::calendar::Period;
use crate::daemon::board::Board;
use crate::discovery::target::{Target, TargetUrl};
use crate::history::{HistoryError, Moment, Pace, Recorder, Unclean};
use crate::scrape::{BodySink as _, Handler as _, ScrapeError, ScrapeErrorKind, ScrapeResult};
use crate::snapshot::{Ruleset, Snapshot};
use crate::sources::Answers;

/// Between two looks.
const STEP: SignedDuration = SignedDuration::from_hours(12);

/// What a service answers in a part of the time, from `from` to `to` of it: 0 is the beginning, 1 is now.
struct Chapter {
    service: &'static str,
    from: f64,
    to: f64,
    what: What,
}

enum What {
    /// These lines are missing from its metrics.
    Lacks(&'static str),
    /// It does not answer.
    Down,
}

const STORY: &[Chapter] = &[
    Chapter {
        service: "checkout",
        from: 0.0,
        to: 0.35,
        what: What::Lacks("_duration_seconds"),
    },
    Chapter {
        service: "ledger",
        from: 0.0,
        to: 0.5,
        what: What::Lacks("_requests_total"),
    },
    Chapter {
        service: "mailer",
        from: 0.55,
        to: 0.57,
        what: What::Down,
    },
    Chapter {
        service: "mailer",
        from: 0.0,
        to: 0.6,
        what: What::Lacks("_build_info"),
    },
    Chapter {
        service: "checkout",
        from: 0.78,
        to: 0.84,
        what: What::Lacks("_build_info"),
    },
];

/// A service that is there no more, from the beginning until then: it looks as the ledger does.
const LEFT: (&str, f64) = ("archive", 0.62);

/// Evidence is connected from here on, and the exporter is down in between.
const CONNECTED: f64 = 0.3;
const DOWN: (f64, f64) = (0.71, 0.73);

/// Judges two quarters into a history that is not there yet. `answers` are what sources say today.
pub(super) fn fill(
    file: &Path,
    ruleset: &Arc<Ruleset>,
    answers: &Arc<Answers>,
    services: &[(String, TargetUrl)],
    now: Timestamp,
) -> Result<(), HistoryError> {
    let calendar = &ruleset.records.calendar;
    let quarters = calendar
        .period("last", now)
        .ok()
        .and_then(|last| calendar.before(&last.quarter?));
    let Some(first) = quarters else {
        return Ok(());
    };
    let start = Period::of(first, calendar).span.from;
    let length = now.duration_since(start).as_secs_f64();
    let board = Board::new(Arc::clone(ruleset));
    let pace = Pace {
        heartbeat: Duration::ZERO,
        stall: Duration::from_secs(86_400),
    };
    let (mut recorder, _) = Recorder::open(file, start, Unclean::Crash, pace)?;
    let mut snapshot = Snapshot::empty(ruleset, start.into());
    let nobody = Arc::default();
    let last = now - SignedDuration::from_secs(1);
    let mut at = start;
    while at < now {
        let part = at.duration_since(start).as_secs_f64() / length;
        if !(DOWN.0..DOWN.1).contains(&part) {
            let targets = targets(services, part);
            board.replace_targets(&targets, at.into());
            for target in &targets {
                scrape(&board, target, part, at.into());
            }
            let answers = if part < CONNECTED { &nobody } else { answers };
            snapshot = Snapshot::after(&snapshot, at.into(), ruleset, answers, board.states());
            let moment = Moment {
                wall: at,
                monotonic: at.duration_since(start).unsigned_abs(),
            };
            recorder.record(&snapshot, &board.pasts(), moment)?;
        }
        // The last look is of now: the daemon goes on from there.
        at = match at + STEP < now || at == last {
            true => at + STEP,
            false => last,
        };
    }
    recorder.stop()
}

/// Who is there at a time.
fn targets(services: &[(String, TargetUrl)], part: f64) -> Vec<Arc<Target>> {
    let there = services
        .iter()
        .map(|(name, url)| (name.as_str(), url.clone()));
    let left = (part < LEFT.1).then(|| (LEFT.0, TargetUrl::http("archive.example", 8067)));
    there
        .chain(left)
        .map(|(name, url)| {
            let mut target = Target::direct(url, name, Duration::from_secs(5));
            "production".clone_into(&mut target.service.environment);
            if name == LEFT.0 {
                "books".clone_into(&mut target.team);
            }
            Arc::new(target)
        })
        .collect()
}

/// What a target answers, read as the engine would.
fn scrape(board: &Board, target: &Arc<Target>, part: f64, started: SystemTime) {
    let name = target.service.name.as_str();
    let lines = if name == LEFT.0 { "ledger" } else { name };
    let known = TARGETS.iter().find(|(known, _)| *known == lines);
    let mut body = known.map_or_else(String::new, |(_, body)| (*body).to_owned());
    let mut is_down = false;
    let now = STORY
        .iter()
        .filter(|chapter| chapter.service == name && (chapter.from..chapter.to).contains(&part));
    for chapter in now {
        match chapter.what {
            What::Down => is_down = true,
            What::Lacks(part) => {
                let left: Vec<&str> = body.lines().filter(|line| !line.contains(part)).collect();
                body = left.join("\n") + "\n";
            }
        }
    }
    let mut sink = board.sink(target);
    let outcome = match is_down {
        true => Err(ScrapeError::new(
            ScrapeErrorKind::Connect,
            "connection refused",
        )),
        false => sink
            .begin(Some("text/plain; version=0.0.4"))
            .and_then(|()| sink.chunk(body.as_bytes()))
            .and_then(|()| sink.end(true)),
    };
    let result = ScrapeResult {
        target: Arc::clone(target),
        started,
        duration: Duration::ZERO,
        body_bytes: body.len() as u64,
        wire_bytes: body.len() as u64,
        status: outcome.is_ok().then_some(200),
        reused_connection: false,
        retried: false,
        outcome,
    };
    board.done(sink, result);
}
