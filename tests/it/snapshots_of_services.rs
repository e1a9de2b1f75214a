//! How instances make a service's verdicts, and verdicts a score.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use manifesto_exporter::catalogue::{Catalogue, Records, Waiver, WaiverScope};
use manifesto_exporter::checks::{Basis, Finding, Reason, SeriesFindings, Status, Verdict};
use manifesto_exporter::config::Config;
use manifesto_exporter::discovery::target::Target;
use manifesto_exporter::document::Origin;
use manifesto_exporter::manifesto::{Manifesto, RulesConfig, ids};
use manifesto_exporter::rule_id::RuleId;
use manifesto_exporter::scrape::ScrapeErrorKind;
use manifesto_exporter::snapshot::{
    RuleStatus, Ruleset, Snapshot, TargetState, count_not_configured,
};

use super::states::{scrape, target};

/// An instance of `shop` and its statuses for O-6, O-7, O-8, O-9: `p`, `f`, `u` or `-`.
struct Instance {
    url: &'static str,
    environment: &'static str,
    statuses: &'static str,
    version: Option<&'static str>,
}

fn instance(url: &'static str, statuses: &'static str) -> Instance {
    Instance {
        url,
        environment: "",
        statuses,
        version: None,
    }
}

fn state(manifesto: &Manifesto, instance: &Instance) -> TargetState {
    let (host, port) = instance.url.split_once(':').unwrap();
    let mut target = target(host, "shop", instance.environment);
    target.url.port = port.parse().unwrap();
    let down = instance.statuses.contains('u');
    let verdicts = manifesto
        .rules()
        .iter()
        .zip(instance.statuses.chars())
        .map(|(rule, status)| {
            let (status, reason) = match status {
                'p' => (Status::Pass, Reason::Proven),
                'f' if rule.id.to_string() == "O-7" => (Status::Fail, Reason::OtherPort),
                'f' => (Status::Fail, Reason::Missing),
                'u' => (Status::Unknown, Reason::TargetDown),
                _ => (Status::NotApplicable, Reason::NoPort),
            };
            let message = format!("at {}", instance.url);
            Verdict {
                rule: rule.id,
                finding: Arc::new(Finding {
                    basis: Basis::Scraped,
                    status,
                    reason,
                    message,
                    evidence: vec![],
                    needs: vec![],
                }),
            }
        });
    TargetState {
        scrape: Some(scrape(down.then_some(ScrapeErrorKind::Connect))),
        version: instance.version.map(Arc::from),
        ..TargetState::new(
            Arc::new(target),
            verdicts.collect::<Vec<_>>(),
            SeriesFindings::all(&Arc::new(Finding::unknown(
                Reason::NotScrapedYet,
                "not looked at",
            ))),
        )
    }
}

/// The rules that scrapes prove, alone.
fn scraped_rules() -> Ruleset {
    let scraped: Vec<RuleId> = ["O-6", "O-7", "O-8", "O-9"]
        .map(|id| id.parse().unwrap())
        .into();
    let others = ids().into_iter().filter(|id| !scraped.contains(id));
    let rules = RulesConfig {
        disabled: others.map(|id| (id, "not here".to_owned())).collect(),
        ..RulesConfig::default()
    };
    Ruleset {
        manifesto: Manifesto::load(&rules).unwrap(),
        ..Ruleset::default()
    }
}

/// Merges instances; one line a service: environment, statuses, score and coverage in per cent, version.
fn check(instances: &[Instance]) -> Vec<String> {
    let ruleset = Arc::new(scraped_rules());
    let states = instances.iter().map(|i| state(&ruleset.manifesto, i));
    let states = states.map(Arc::new).collect();
    let snapshot = Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, states);
    let services = snapshot.services.iter().map(|service| {
        let statuses: String = service
            .verdicts
            .iter()
            .map(|verdict| match verdict.status {
                RuleStatus::Pass => 'p',
                RuleStatus::Fail => 'f',
                RuleStatus::Unknown => 'u',
                RuleStatus::NotApplicable => '-',
                RuleStatus::Waived => 'w',
            })
            .collect();
        let score = service
            .score
            .ratio()
            .map_or("none".to_owned(), |r| format!("{:.0}", r * 100.0));
        let coverage = service.score.coverage() * 100.0;
        format!(
            "{}[{statuses}] {score} of {coverage:.0} {}",
            service.key.environment, service.version
        )
    });
    services.collect()
}

#[test]
fn a_service_is_as_good_as_its_worst_measured_instance() {
    assert_eq!(check(&[instance("a:8067", "pppp")]), ["[pppp] 100 of 100 "]);
    assert_eq!(
        check(&[instance("a:8067", "pppp"), instance("b:8067", "ppfp")]),
        ["[ppfp] 79 of 100 "]
    );
}

#[test]
fn unknown_only_where_no_instance_was_measured() {
    assert_eq!(
        check(&[instance("a:8067", "pppp"), instance("b:8067", "uuuu")]),
        ["[pppp] 100 of 100 "]
    );
    assert_eq!(check(&[instance("b:8067", "uuuu")]), ["[uuuu] none of 0 "]);
}

#[test]
fn unknown_lowers_the_coverage_and_never_raises_the_score() {
    // O-8 (30) fails, O-9 (40) is unknown: 70 of 100 measured of 140 applicable.
    assert_eq!(check(&[instance("a:8067", "ppfu")]), ["[ppfu] 70 of 71 "]);
}

#[test]
fn what_does_not_apply_weighs_nothing() {
    assert_eq!(check(&[instance("a:8067", "p-pf")]), ["[p-pf] 64 of 100 "]);
}

#[test]
fn a_second_port_of_a_host_that_serves_the_right_one_is_no_fault() {
    assert_eq!(
        check(&[instance("a:8067", "pppp"), instance("a:9090", "pfpp")]),
        ["[pppp] 100 of 100 "]
    );
    assert_eq!(
        check(&[instance("a:8067", "pppp"), instance("b:9090", "pfpp")]),
        ["[pfpp] 79 of 100 "]
    );
    // The right port is down: nothing shows that it serves metrics.
    assert_eq!(
        check(&[instance("a:8067", "uuuu"), instance("a:9090", "pfpp")]),
        ["[pfpp] 79 of 100 "]
    );
}

#[test]
fn environments_are_judged_apart() {
    let staging = Instance {
        environment: "staging",
        ..instance("a:9090", "ffff")
    };
    let production = Instance {
        environment: "production",
        ..instance("b:8067", "pppp")
    };
    assert_eq!(
        check(&[staging, production]),
        ["production[pppp] 100 of 100 ", "staging[ffff] 0 of 100 "]
    );
}

#[test]
fn the_version_is_what_most_instances_run() {
    let run = |url, version| Instance {
        version: Some(version),
        ..instance(url, "pppp")
    };
    let instances = [
        run("a:8067", "1.1"),
        run("b:8067", "1.0"),
        run("c:8067", "1.1"),
    ];
    assert_eq!(check(&instances), ["[pppp] 100 of 100 1.1"]);
}

/// A service is judged anew where anything changed that it is judged by, and shared where nothing did.
#[test]
fn a_service_is_shared_while_what_it_is_judged_by_stays() {
    let ruleset = Arc::new(scraped_rules());
    let answers = Arc::default();
    let targets = |instances: &[Instance]| -> Vec<Arc<TargetState>> {
        let states = instances.iter().map(|i| state(&ruleset.manifesto, i));
        states.map(Arc::new).collect()
    };
    let both = targets(&[instance("b:8067", "pppp"), instance("a:8067", "pppp")]);
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let before = Snapshot::of(at(0), &ruleset, &answers, both.clone());
    let urls = before
        .targets
        .iter()
        .map(|state| state.target.url.to_string());
    assert!(urls.is_sorted(), "by address, whatever the order");
    let is_shared = |seconds, ruleset: &_, answers: &_, targets: &[Arc<TargetState>]| {
        let now = Snapshot::after(&before, at(seconds), ruleset, answers, targets.to_vec());
        Arc::ptr_eq(&now.services[0], &before.services[0])
    };
    let (other_rules, other_answers) = (Arc::new(scraped_rules()), Arc::default());
    assert!(is_shared(1, &ruleset, &answers, &before.targets));
    assert!(is_shared(59, &ruleset, &answers, &before.targets));
    assert!(!is_shared(60, &ruleset, &answers, &before.targets));
    assert!(!is_shared(1, &other_rules, &answers, &before.targets));
    assert!(!is_shared(1, &ruleset, &other_answers, &before.targets));
    assert!(!is_shared(1, &ruleset, &answers, &both[..1]));
    // Of the same targets: the last scrape is another each time, and what it told may be the same.
    let first = (*before.targets[0]).clone();
    let with = |state: TargetState| {
        let targets = [Arc::new(state), Arc::clone(&before.targets[1])];
        is_shared(1, &ruleset, &answers, &targets)
    };
    assert!(with(first.clone()));
    let told_otherwise = [
        TargetState {
            verdicts: first.verdicts.to_vec().into(),
            ..first.clone()
        },
        TargetState {
            series: Arc::new((*first.series).clone()),
            ..first.clone()
        },
        TargetState {
            version: Some("1.2".into()),
            ..first.clone()
        },
        TargetState {
            resource: Some(Arc::default()),
            ..first.clone()
        },
        TargetState {
            scrape: None,
            ..first.clone()
        },
        TargetState {
            scrape: Some(scrape(Some(ScrapeErrorKind::NotFound))),
            ..first.clone()
        },
    ];
    for state in told_otherwise {
        assert!(!with(state.clone()), "{state:?}");
    }
}

/// What metrics and the page say of a rule: how many comply, and which instances do not.
#[test]
fn rules_are_counted_and_failing_instances_named() {
    let ruleset = Arc::new(scraped_rules());
    let instances = [instance("a:8067", "pppp"), instance("b:8067", "ppfp")];
    let states = instances.iter().map(|i| state(&ruleset.manifesto, i));
    let states = states.map(Arc::new).collect();
    let snapshot = Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, states);
    let service = &snapshot.services[0];
    let counts = snapshot.rule_counts();
    let scraped = service.verdicts.iter().filter(|v| v.target.is_some());
    let told: Vec<String> = scraped
        .map(|verdict| {
            let failing = snapshot.failing_instances(service, verdict);
            let urls = failing
                .iter()
                .map(|(state, _)| state.target.url.to_string());
            let rule = snapshot.rule(verdict).id;
            let counts = counts[verdict.rule];
            format!("{rule} {counts:?} {}", urls.collect::<String>())
        })
        .collect();
    assert_eq!(service.count(RuleStatus::Pass), 3);
    assert_eq!(service.count(RuleStatus::Fail), 1);
    assert_eq!(service.count(RuleStatus::Unknown), 0);
    assert_eq!(
        told,
        [
            "O-6 [1, 0, 0, 0, 0] ",
            "O-7 [1, 0, 0, 0, 0] ",
            "O-8 [0, 1, 0, 0, 0] http://b:8067/metrics",
            "O-9 [1, 0, 0, 0, 0] ",
        ]
    );
}

/// A service that leaves and comes back within a day has its past, and only that service has.
#[test]
fn a_service_that_comes_back_within_a_day_has_its_past() {
    let ruleset = Arc::new(scraped_rules());
    let at = |minutes| SystemTime::UNIX_EPOCH + Duration::from_secs(60 * minutes);
    let here = || {
        vec![Arc::new(state(
            &ruleset.manifesto,
            &instance("a:8067", "pppp"),
        ))]
    };
    let other = Instance {
        environment: "test",
        ..instance("b:8067", "pppp")
    };
    let others = vec![Arc::new(state(&ruleset.manifesto, &other))];
    let first_seen = |left: u64, back: u64| {
        let answers = Arc::default();
        let after = |before: &Snapshot, minutes, targets| {
            Snapshot::after(before, at(minutes), &ruleset, &answers, targets)
        };
        let there = Snapshot::of(at(0), &ruleset, &answers, here());
        // Others come and go each hour while it is gone.
        let mut gone = after(&there, left, vec![]);
        for hour in 1..(back - left).div_ceil(60) {
            let targets = if hour % 2 == 0 {
                others.clone()
            } else {
                vec![]
            };
            gone = after(&gone, left + 60 * hour, targets);
        }
        let again = after(&gone, back, here());
        let stays = after(&again, back + 1, vec![]);
        let once_more = after(&stays, back + 2, here());
        let seen = |snapshot: &Snapshot| snapshot.services[0].first_seen.as_second() / 60;
        assert_eq!(seen(&again), seen(&once_more), "it came back twice");
        seen(&again)
    };
    assert_eq!(first_seen(1, 2), 0);
    assert_eq!(first_seen(10, 10 + 23 * 60), 0);
    for back in [10 + 24 * 60, 10 + 48 * 60] {
        assert_eq!(first_seen(10, back), i64::try_from(back).unwrap());
    }
}

/// What was measured last stands in while nobody can measure, not where nobody configures it any more, nor where the
/// rule asks for something else now.
#[test]
fn only_an_outage_is_bridged() {
    let carried_for = jiff::SignedDuration::from_hours(1);
    let ruleset = Arc::new(Ruleset {
        carried_for,
        ..scraped_rules()
    });
    let other_port = RulesConfig {
        checks: Config::parse(
            "rules: {checks: {O-7: [{kind: endpoint, port: 9000}]}}",
            &Origin::embedded(),
        )
        .unwrap()
        .rules
        .checks,
        ..RulesConfig::default()
    };
    let changed = Arc::new(Ruleset {
        manifesto: Manifesto::load(&other_port).unwrap(),
        carried_for,
        ..Ruleset::default()
    });
    let down = |reason: Reason| {
        let mut state = state(&ruleset.manifesto, &instance("a:8067", "uuuu"));
        let verdicts = state.verdicts.iter().map(|verdict| {
            let finding = Finding {
                reason,
                ..Finding::clone(&verdict.finding)
            };
            Verdict {
                rule: verdict.rule,
                finding: Arc::new(finding),
            }
        });
        state.verdicts = verdicts.collect::<Vec<_>>().into();
        vec![Arc::new(state)]
    };
    let up = state(&ruleset.manifesto, &instance("a:8067", "pppp"));
    let answers = Arc::default();
    let before = Snapshot::of(
        SystemTime::UNIX_EPOCH,
        &ruleset,
        &answers,
        vec![Arc::new(up)],
    );
    let after = |before: &Snapshot, seconds, rules: &Arc<Ruleset>, reason: Reason| {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Snapshot::after(before, at, rules, &answers, down(reason))
    };
    let told = |snapshot: &Snapshot| {
        let verdicts = snapshot.services[0].verdicts.iter();
        let carried = verdicts.filter(|verdict| verdict.carried.is_some());
        let rules = carried.map(|verdict| snapshot.rule(verdict).id.to_string());
        rules.collect::<Vec<_>>().join(" ")
    };
    let carried = |rules: &Arc<Ruleset>, reason: Reason| told(&after(&before, 60, rules, reason));
    assert_eq!(carried(&ruleset, Reason::TargetDown), "O-6 O-7 O-8 O-9");
    assert_eq!(carried(&ruleset, Reason::NotConfigured), "");
    assert_eq!(carried(&changed, Reason::TargetDown), "O-6 O-8 O-9");
    // A week, where nobody says.
    let default = Config::parse("scrape_configs: []", &Origin::embedded()).unwrap();
    assert_eq!(
        default.carried_for,
        jiff::SignedDuration::from_hours(7 * 24)
    );
    // It counts for an hour from when nobody could measure, and not a second longer.
    let outage = after(&before, 60, &ruleset, Reason::TargetDown);
    for (seconds, expected) in [(3_659, "O-6 O-7 O-8 O-9"), (3_660, "")] {
        let later = after(&outage, seconds, &ruleset, Reason::TargetDown);
        assert_eq!(told(&later), expected, "{seconds} s");
    }
}

/// A violation that is carried over is waived from when a waiver comes.
#[test]
fn a_waiver_reaches_what_is_carried_over() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let rules = |waivers| {
        let records = Records {
            waivers,
            ..Records::default()
        };
        Arc::new(Ruleset {
            carried_for: jiff::SignedDuration::from_hours(1),
            records,
            ..scraped_rules()
        })
    };
    let without = rules(vec![]);
    let waiver = Waiver {
        rule: "O-8".parse().unwrap(),
        selector: WaiverScope::default(),
        reason: "the build is being mended".to_owned(),
        discussion: "https://example.org/1".parse().unwrap(),
        owner: "a".to_owned(),
        approver: "b".to_owned(),
        granted_at: jiff::Timestamp::UNIX_EPOCH,
        expires_at: jiff::Timestamp::MAX,
        place: "waivers.yaml:1".to_owned(),
    };
    let with = rules(vec![Arc::new(waiver)]);
    let targets = |statuses| {
        let instance = instance("a:8067", statuses);
        vec![Arc::new(state(&without.manifesto, &instance))]
    };
    let answers = Arc::default();
    let measured = Snapshot::of(at(0), &without, &answers, targets("ppff"));
    let outage = Snapshot::after(&measured, at(60), &with, &answers, targets("uuuu"));
    let carried: Vec<String> = outage.services[0]
        .verdicts
        .iter()
        .filter_map(|verdict| {
            let rule = outage.rule(verdict).id;
            Some(format!("{rule} {}", verdict.carried?.status.as_str()))
        })
        .collect();
    assert_eq!(carried, ["O-6 pass", "O-7 pass", "O-8 waived", "O-9 fail"]);
}

/// The team is the first that anybody names, of several instances.
#[test]
fn a_service_is_of_the_team_that_an_instance_names() {
    let ruleset = Arc::new(scraped_rules());
    let of = |url, team: &str| {
        let mut state = state(&ruleset.manifesto, &instance(url, "pppp"));
        let mut target = Target::clone(&state.target);
        team.clone_into(&mut target.team);
        state.target = Arc::new(target);
        Arc::new(state)
    };
    let targets = vec![of("a:8067", ""), of("b:8067", "payments")];
    let snapshot = Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, targets);
    assert_eq!(snapshot.services[0].team, "payments");
}

/// Each series is as good as at the worst measured instance.
#[test]
fn a_series_is_as_good_as_at_its_worst_measured_instance() {
    let ruleset = Arc::new(scraped_rules());
    let with = |url, finding: Finding| {
        let series = SeriesFindings::all(&Arc::new(finding));
        Arc::new(TargetState {
            series: Arc::new(series),
            ..state(&ruleset.manifesto, &instance(url, "pppp"))
        })
    };
    let targets = vec![
        with("a:8067", Finding::pass("there", "up 1")),
        with(
            "b:8067",
            Finding::fail(Reason::Missing, "not there", vec![]),
        ),
        with("c:8067", Finding::unknown(Reason::TargetDown, "down")),
    ];
    let snapshot = Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, targets);
    let told: Vec<String> = snapshot.services[0]
        .series
        .iter()
        .map(|found| {
            let series = found.series.as_str();
            format!("{series} {:?} {}", found.is_present(), found.target.url)
        })
        .collect();
    let expected = ["version", "availability", "latency", "identity"]
        .map(|series| format!("{series} Some(false) http://b:8067/metrics"));
    assert_eq!(told, expected);
}

fn catalogue(text: &str) -> Catalogue {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("services.yaml");
    std::fs::write(&path, text).unwrap();
    Catalogue::load(&[path]).unwrap()
}

/// What is catalogued is missing from each environment where it should run and is not found; from anywhere where the
/// catalogue names none.
#[test]
fn what_is_catalogued_and_not_found_is_missing() {
    let text = "services:
  - {name: shop, environments: [production, staging]}
  - {name: cart}
  - {name: till}
";
    let ruleset = Arc::new(Ruleset {
        catalogue: catalogue(text),
        ..scraped_rules()
    });
    let of = |service: &str, environment: &'static str| {
        let shop = Instance {
            environment,
            ..instance("a:8067", "pppp")
        };
        let mut state = state(&ruleset.manifesto, &shop);
        let mut target = Target::clone(&state.target);
        service.clone_into(&mut target.service.name);
        state.target = Arc::new(target);
        Arc::new(state)
    };
    let targets = vec![of("shop", "production"), of("till", "anywhere")];
    let snapshot = Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, targets);
    let missing = snapshot.missing.iter();
    let missing: Vec<String> = missing
        .map(|missing| format!("{}[{}]", missing.entry.name, missing.environment))
        .collect();
    assert_eq!(missing, ["cart[]", "shop[staging]"]);
}

/// A team is who owns a service, by the catalogue or by what a target says.
#[test]
fn the_teams_are_those_that_own_something() {
    let records = Records {
        objectives: Some(vec![]),
        ..Records::default()
    };
    let ruleset = Arc::new(Ruleset {
        catalogue: catalogue("services: [{name: cart, team: carts}, {name: till, team: ''}]\n"),
        records,
        manifesto: Manifesto::load(&RulesConfig::default()).unwrap(),
        ..Ruleset::default()
    });
    let mut state = state(&ruleset.manifesto, &instance("a:8067", "pppp"));
    let mut target = Target::clone(&state.target);
    "payments".clone_into(&mut target.team);
    state.target = Arc::new(target);
    let targets = vec![Arc::new(state)];
    let snapshot = Snapshot::build(SystemTime::UNIX_EPOCH, &ruleset, targets);
    let mut verdicts = snapshot.estate.verdicts.iter();
    let objectives = verdicts.find(|verdict| snapshot.rule(verdict).id.to_string() == "F-2");
    let message = &objectives.unwrap().finding.message;
    assert_eq!(message, "no objectives for 1970-Q1 of carts, payments");

    let verdicts = &snapshot.services[0].verdicts;
    let waiting = verdicts
        .iter()
        .filter(|verdict| verdict.finding.reason == Reason::NotConfigured);
    let waiting = waiting.count();
    assert!(waiting > 1);
    assert_eq!(count_not_configured(verdicts), waiting);
}

/// Up is who was scraped; who answers that there are no metrics is up too.
#[test]
fn a_target_is_up_once_it_answers() {
    let ruleset = scraped_rules();
    let of = |outcome: Option<ScrapeErrorKind>| TargetState {
        scrape: Some(scrape(outcome)),
        ..state(&ruleset.manifesto, &instance("a:8067", "pppp"))
    };
    assert!(of(None).is_up());
    assert!(of(Some(ScrapeErrorKind::NotFound)).is_up());
    assert!(!of(Some(ScrapeErrorKind::Connect)).is_up());
    let never = TargetState {
        scrape: None,
        ..of(None)
    };
    assert!(!never.is_up());
}
