//! `demo`: a fleet of small services on loopback, judged for real.

mod fleet;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::fleet::{Fleet, Service};
use super::input::one_target;
use super::{Exit, complain, print, run, runtime};
use crate::catalogue::Catalogue;
use crate::checks::{Reason, Status};
use crate::config::job::Scheme;
use crate::config::{Config, Origin};
use crate::daemon::rulebook::Rulebook;
use crate::daemon::{ConfigSource, Loaded, Options};
use crate::discovery::target::{Target, TargetUrl};
use crate::manifesto::Manifesto;
use crate::measure::Measure;
use crate::publish::percent;
use crate::scrape::{ScrapeSettings, scrape_once};
use crate::snapshot::{RuleStatus, ServiceState, Snapshot, TargetState};

/// Deadline of the demo's scrapes: one service never answers.
const TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the verdicts and end (exit 1, as not everyone keeps the manifesto)
    #[arg(long)]
    once: bool,

    /// Address to serve the page and the metrics on
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8067"
    )]
    listen_address: String,

    #[command(flatten)]
    log: run::LogArgs,
}

pub(super) fn main(args: Args) -> Exit {
    args.log.init();
    let address = match run::parse_address(&args.listen_address) {
        Ok(address) => address,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    match runtime() {
        Ok(runtime) => runtime.block_on(demo(args.once, address)),
        Err(exit) => exit,
    }
}

async fn demo(once: bool, address: SocketAddr) -> Exit {
    // Whether the page can be served shows before anything is judged.
    let listener = match once {
        true => None,
        false => match run::bind(address).await {
            Ok(listener) => Some(listener),
            Err(exit) => return exit,
        },
    };
    let (config, fleet) = match (crate::config::embedded(), Fleet::start().await) {
        (Ok(config), Ok(fleet)) => (config, fleet),
        (Err(error), _) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
        (_, Err(error)) => {
            complain(&error);
            return Exit::Unmeasured;
        }
    };
    let rulebook = match rulebook(&config, fleet.port) {
        Ok(rulebook) => Arc::new(rulebook),
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    if fleet.port != 8067 {
        complain(&format!(
            "port 8067 is taken on loopback: here the fleet uses, and O-7 asks for, {}",
            fleet.port
        ));
    }
    let snapshot = judge(&fleet, &rulebook).await;
    print(&table(&snapshot, &fleet.services));
    let surprises = surprises(&snapshot, &fleet.services);
    if !surprises.is_empty() {
        complain(&format!("not judged as built:\n{}", surprises.join("\n")));
        return Exit::Unmeasured;
    }
    match listener {
        None => Exit::NonCompliant,
        Some(listener) => watch(fleet, listener).await,
    }
}

fn rulebook(config: &Config, port: u16) -> Result<Rulebook, String> {
    let rulebook =
        Rulebook::new(config, Catalogue::default()).map_err(|error| error.to_string())?;
    let manifesto: Manifesto = (*rulebook.manifesto).clone().with_port(port);
    Ok(rulebook.with_manifesto(manifesto))
}

/// Scrapes every instance once, all at the same time, and judges each by that scrape alone.
async fn judge(fleet: &Fleet, rulebook: &Arc<Rulebook>) -> Snapshot {
    let mut scrapes = JoinSet::new();
    for (place, address) in &fleet.instances {
        let service = &fleet.services[*place];
        let url = TargetUrl {
            scheme: Scheme::Http,
            host: address.ip().to_string(),
            port: address.port(),
            path_and_query: "/metrics".to_owned(),
        };
        let mut target = one_target(url, &service.service, None, TIMEOUT);
        target.team.clone_from(&service.team);
        let rulebook = Arc::clone(rulebook);
        scrapes.spawn(async move { state(Arc::new(target), &rulebook).await });
    }
    let states = scrapes.join_all().await.into_iter().map(Arc::new).collect();
    Snapshot::build(SystemTime::now(), &rulebook.law(), states)
}

async fn state(target: Arc<Target>, rulebook: &Rulebook) -> TargetState {
    let subject = rulebook.subject(&target.service.name);
    let mut sink = Measure::new(subject, &target.job.limits, None, 1);
    let result = scrape_once(&target, &ScrapeSettings::default(), &mut sink).await;
    rulebook.state(&result, sink.into_observation().as_ref())
}

/// One line a service, in the order of the description.
fn table(snapshot: &Snapshot, services: &[Service]) -> String {
    let mut out = format!("{:14}", "SERVICE");
    for rule in snapshot.manifesto().rules() {
        out += &format!(" {:9}", rule.id);
    }
    out += &format!(" {:>5} {:>8}  {}\n", "SCORE", "COVERAGE", "WHY");
    for service in in_order(snapshot, services) {
        out += &format!("{:14}", service.key.name);
        for verdict in &service.verdicts {
            let status = match verdict.status {
                RuleStatus::Pass if verdict.finding.reason == Reason::ProvenWeakly => "pass*",
                status => status.as_str(),
            };
            out += &format!(" {status:9}");
        }
        let score = service
            .score
            .ratio()
            .map_or_else(|| "–".to_owned(), percent);
        out += &format!(
            " {score:>5} {:>8}  {}\n",
            percent(service.score.coverage()),
            why(service)
        );
    }
    out + "* proven weakly: see the page, or `manifesto-exporter check URL`\n"
}

/// The first thing that is wrong.
fn why(service: &ServiceState) -> &str {
    service
        .verdicts
        .iter()
        .find(|verdict| verdict.finding.status != Status::Pass)
        .or_else(|| {
            service
                .verdicts
                .iter()
                .find(|v| v.finding.reason == Reason::ProvenWeakly)
        })
        .map_or("", |verdict| &verdict.finding.message)
}

fn in_order<'a>(
    snapshot: &'a Snapshot,
    services: &'a [Service],
) -> impl Iterator<Item = &'a ServiceState> {
    services.iter().filter_map(|wanted| {
        snapshot
            .services
            .iter()
            .map(AsRef::as_ref)
            .find(|s: &&ServiceState| s.key.name == wanted.service)
    })
}

/// Where a verdict is not the one that the service was built to get.
fn surprises(snapshot: &Snapshot, services: &[Service]) -> Vec<String> {
    let mut surprises = Vec::new();
    for wanted in services {
        let Some(service) = snapshot
            .services
            .iter()
            .find(|s| s.key.name == wanted.service)
        else {
            surprises.push(format!("{}: not judged at all", wanted.service));
            continue;
        };
        for verdict in &service.verdicts {
            let rule = snapshot.rule(verdict).id;
            let finding = &verdict.finding;
            let got = format!("{} {}", finding.status, finding.reason.as_str());
            let expected = wanted.expect.get(&rule).map_or("nothing", String::as_str);
            if got != expected {
                surprises.push(format!(
                    "{} ({}): {rule} is {got}, was built for {expected}",
                    wanted.service, wanted.about
                ));
            }
        }
    }
    surprises
}

/// Runs the daemon over the fleet until it is told to stop.
async fn watch(fleet: Fleet, listener: TcpListener) -> Exit {
    let loaded = Config::parse(&configuration(&fleet), &Origin::embedded())
        .map_err(|error| error.to_string())
        .and_then(|config| {
            let rulebook = rulebook(&config, fleet.port)?;
            Ok(Loaded { config, rulebook })
        });
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let address = listener
        .local_addr()
        .map_or_else(|_| "?".to_owned(), |a| a.to_string());
    print(&format!(
        "\nWatching: open http://{address}/ (verdicts settle after three scrapes, some 15 s). Ctrl-C ends.\n"
    ));
    let options = Options {
        source: ConfigSource::Fixed,
        ..Options::default()
    };
    run::serve_on(options, loaded, listener).await
}

/// The fleet as a configuration: what a user would write.
fn configuration(fleet: &Fleet) -> String {
    let mut yaml = String::from(
        "global: {scrape_interval: 5s, scrape_timeout: 1s}\n\
         scrape_configs:\n  - job_name: demo\n    static_configs:\n",
    );
    for (place, address) in &fleet.instances {
        let service = &fleet.services[*place];
        yaml += &format!(
            "      - targets: [\"{address}\"]\n        labels: {{service: {}, team: {}, environment: demo}}\n",
            service.service, service.team
        );
    }
    yaml
}
