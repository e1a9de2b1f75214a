//! A simulated year: the report's figures are those that a slow count of what was seen comes to, hour by
//! hour, and a restart changes none of them.

mod compare;
mod ends;
mod life;
mod promised;
mod slow;

use std::path::Path;

use jiff::Timestamp;
use manifesto_exporter::calendar::FiscalCalendar;
use manifesto_exporter::config::Config;
use manifesto_exporter::document::Origin;
use manifesto_exporter::history::Reader;
use manifesto_exporter::report::{Question, Report, frozen, output, report};

use self::compare::{Asked, Figures};
use self::life::{CONFIGURATION, Care, Event, folder, live};
use crate::programs::tell;

fn calendar() -> FiscalCalendar {
    let origin = Origin::file(Path::new("config.yaml"));
    Config::parse(CONFIGURATION, &origin).unwrap().calendar
}

fn reported(folder: &Path, quarter: &str, team: Option<&str>) -> Report {
    let calendar = calendar();
    let now: Timestamp = "2027-12-01T00:00:00Z".parse().unwrap();
    let period = calendar.period(quarter, now).unwrap();
    let question = Question {
        period: &period,
        calendar: &calendar,
        team,
        now,
    };
    let reader = Reader::open(&folder.join("history.sqlite")).unwrap();
    report(&reader, &question).unwrap()
}

/// The edges of the fiscal quarters in Santiago: midnight is 03:00 UTC in summer, 04:00 in winter.
const EDGES: [&str; 6] = [
    "2025-11-01T03:00:00Z",
    "2026-02-01T03:00:00Z",
    "2026-05-01T04:00:00Z",
    "2026-08-01T04:00:00Z",
    "2026-11-01T03:00:00Z",
    "2027-02-01T03:00:00Z",
];

const QUARTERS: [&str; 4] = ["FY27-Q1", "FY27-Q2", "FY27-Q3", "FY27-Q4"];

/// Guarantee: every figure of a report is what a slow count of the hours comes to: means, weeks, teams, rules,
/// categories, levels, ends, changes, key results, initiatives, waivers; with downtime, across clock changes,
/// for one team alone.
#[test]
fn a_years_reports_are_what_a_slow_count_says() {
    let (mut figures, mut looks) = (Figures::default(), 0);
    for seed in [7, 11] {
        let folder = folder();
        let log = live(Care::Neglected, seed, folder.path(), 415);
        let is_look = |event: &&Event| matches!(event, Event::Look(_));
        looks += log.iter().filter(is_look).count();
        for (place, name) in QUARTERS.into_iter().enumerate() {
            let edge = |place: usize| EDGES[place].parse().unwrap();
            for team in [None, Some("growth"), Some("core")] {
                let report = reported(folder.path(), name, team);
                let asked = Asked {
                    log: &log,
                    period: (edge(place + 1), edge(place + 2)),
                    before: (edge(place), edge(place + 1)),
                    team,
                    zone: calendar().zone().clone(),
                };
                asked.holds(&report, &mut figures);
                asked.holds_promises(&report, &mut figures);
            }
        }
        let report = reported(folder.path(), "FY27-Q2", None);
        assert!(report.summary.mean.covered < 0.95 && !report.method.gaps.is_empty());
        let of_rule = report.rule_changes.iter();
        let of_rule = of_rule.filter(|change| change.what.contains("O-8"));
        assert_eq!(of_rule.count(), 1);
    }
    tell(format_args!(
        "history: {looks} looks in two simulated years, {} figures as counted by hand",
        figures.0
    ));
}

/// Guarantee: an exporter that is restarted or killed at any time, and started again at once, reports the
/// same to the byte; and so does the same history again.
#[test]
fn fault_103_restarts_and_repetition_change_no_byte() {
    let (one, other) = (folder(), folder());
    live(Care::Undisturbed, 3, one.path(), 250);
    live(Care::Restarted, 3, other.path(), 250);
    for name in ["FY26-Q4", "FY27-Q1", "FY27-Q2"] {
        let undisturbed = reported(one.path(), name, None);
        let json = output::json(&undisturbed);
        assert_eq!(
            json,
            output::json(&reported(other.path(), name, None)),
            "{name}"
        );
        assert_eq!(json, output::json(&reported(one.path(), name, None)));
        // Frozen, and shown again.
        let kept = frozen::of(&undisturbed, &calendar(), Timestamp::UNIX_EPOCH);
        assert_eq!(output::json(&frozen::read(&kept).unwrap()), json);
        let page = output::html(&undisturbed).unwrap();
        assert_eq!(
            page,
            output::html(&reported(other.path(), name, None)).unwrap()
        );
    }
}
