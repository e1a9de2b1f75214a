//! `demo`: a fleet of small services on loopback, judged for real.

mod estate;
mod fleet;
mod matrix;
mod quarter;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::net::TcpListener;

use self::estate::Estate;
use self::fleet::{Fleet, Service};
use super::console::{Exit, complain, print, runtime};
use super::wrap::wrap;
use super::{once, run};
use crate::catalogue::{Catalogue, Records};
use crate::checks::{Reason, Status};
use crate::config::Config;
use crate::daemon::{self, ConfigSource, Loaded, Options};
use crate::discovery::target::{Target, TargetUrl};
use crate::document::Origin;
use crate::history::Reader;
use crate::manifesto::Rule;
use crate::publish::percent;
use crate::report::{Question, compute, output};
use crate::scrape::ScrapeSettings;
use crate::snapshot::{RuleStatus, Ruleset, ServiceState, ServiceVerdict, Snapshot};

/// Deadline of the demo's scrapes: one service never answers.
const TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the verdicts and end (exit 1, as not everyone complies with the manifesto)
    #[arg(long)]
    once: bool,

    /// Judge the example estate instead: three services, catalogue, attestations, waivers, sources, and every rule
    #[arg(long)]
    estate: bool,

    /// Give the estate a past: two quarters of history, for the report, the page and the dashboards
    #[arg(long, requires = "estate")]
    quarter: bool,

    /// Address to serve the page and the metrics on; 127.0.0.1:8067, or a free port where that is taken
    #[arg(long = "web.listen-address", value_name = "ADDRESS")]
    listen_address: Option<String>,

    #[command(flatten)]
    log: run::LogArgs,
}

pub(super) fn main(args: Args) -> Exit {
    args.log.init();
    let address = args.listen_address.as_deref().map(run::parse_address);
    let address = match address.transpose() {
        Ok(address) => address,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    match runtime() {
        Ok(runtime) if args.estate => {
            runtime.block_on(whole_estate(args.once, args.quarter, address))
        }
        Ok(runtime) => runtime.block_on(demo(args.once, address)),
        Err(exit) => exit,
    }
}

/// Where the page is served, where nobody says.
const ADDRESS_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8067);

/// Whether the page can be served shows before anything is judged. The default port is given up where it is taken,
/// as by an exporter that runs already; an address that somebody wants is not.
async fn listen(once: bool, address: Option<SocketAddr>) -> Result<Option<TcpListener>, Exit> {
    if once {
        return Ok(None);
    }
    let Some(address) = address else {
        return match TcpListener::bind(ADDRESS_DEFAULT).await {
            Ok(listener) => Ok(Some(listener)),
            Err(error) => {
                complain(&format!(
                    "{ADDRESS_DEFAULT}: {error}; the demo takes a free port"
                ));
                run::bind(SocketAddr::new(ADDRESS_DEFAULT.ip(), 0))
                    .await
                    .map(Some)
            }
        };
    };
    run::bind(address).await.map(Some)
}

async fn demo(once: bool, address: Option<SocketAddr>) -> Exit {
    let listener = match listen(once, address).await {
        Ok(listener) => listener,
        Err(exit) => return exit,
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
    let ruleset = match ruleset(&config, fleet.port) {
        Ok(ruleset) => Arc::new(ruleset),
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
    let snapshot = judge(&fleet, &ruleset).await;
    if !print(&table(&snapshot, &fleet.services)) {
        return Exit::Unmeasured;
    }
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

/// Judges the example estate, by everything that proves a rule.
async fn whole_estate(once: bool, quarter: bool, address: Option<SocketAddr>) -> Exit {
    let listener = match listen(once, address).await {
        Ok(listener) => listener,
        Err(exit) => return exit,
    };
    let (estate, port) = match Estate::start(&fleet::PORTS).await {
        Ok(started) => started,
        Err(error) => {
            complain(&error);
            return Exit::Unmeasured;
        }
    };
    // O-7 asks for the port that the targets found free.
    let load = || {
        let mut loaded = daemon::load(Some(&estate.config()))?;
        loaded.ruleset = loaded.ruleset.with_port(port);
        Ok::<_, daemon::StartError>(loaded)
    };
    let loaded = match (load(), load()) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let snapshot = match once::judge(loaded.0).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            complain(&error);
            return Exit::Unmeasured;
        }
    };
    if !print(&matrix::table(&snapshot)) {
        return Exit::Unmeasured;
    }
    if quarter {
        match with_a_past(&estate, &snapshot, Arc::new(loaded.1.ruleset.clone())).await {
            Ok(report) if once => drop(print(&report)),
            Ok(_) => {}
            Err(error) => {
                complain(&error);
                return Exit::Unmeasured;
            }
        }
    }
    match listener {
        None => Exit::NonCompliant,
        Some(listener) => {
            print(&watching(&listener));
            let options = Options {
                source: ConfigSource::Fixed,
                ..Options::default()
            };
            run::serve_on(options, loaded.1, listener).await
        }
    }
}

/// Gives the estate a past; returns the report of the last quarter.
async fn with_a_past(
    estate: &Estate,
    snapshot: &Snapshot,
    ruleset: Arc<Ruleset>,
) -> Result<String, String> {
    let file = estate.config().with_file_name("history.sqlite");
    let answers = Arc::clone(&snapshot.answers);
    let targets = snapshot.targets.iter().map(|state| &state.target);
    let services = targets.map(|target| (target.service.name.clone(), target.url.clone()));
    let services: Vec<(String, TargetUrl)> = services.collect();
    let work = move || {
        let now = Timestamp::now();
        quarter::fill(&file, &ruleset, &answers, &services, now)
            .map_err(|error| error.to_string())?;
        let calendar = &ruleset.records.calendar;
        let period = calendar
            .period("last", now)
            .map_err(|error| error.to_string())?;
        let question = Question {
            period: &period,
            calendar,
            team: None,
            now,
        };
        let reader = Reader::open(&file).map_err(|error| error.to_string())?;
        let found = compute(&reader, &question).map_err(|error| error.to_string())?;
        Ok(format!("\n{}", output::markdown(&found.report)))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(panic.to_string()))
}

fn watching(listener: &TcpListener) -> String {
    let address = listener
        .local_addr()
        .map_or_else(|_| "?".to_owned(), |address| address.to_string());
    format!(
        "\nWatching: open http://{address}/ (verdicts settle after three scrapes). Ctrl-C ends.\n"
    )
}

fn ruleset(config: &Config, port: u16) -> Result<Ruleset, String> {
    let ruleset = config.ruleset(Catalogue::default(), Records::default());
    let ruleset = ruleset.map_err(|error| error.to_string())?;
    Ok(ruleset.with_port(port))
}

/// Scrapes every instance once, and judges each by that scrape alone.
async fn judge(fleet: &Fleet, ruleset: &Arc<Ruleset>) -> Snapshot {
    let targets = fleet.instances.iter().map(|(place, address)| {
        let service = &fleet.services[*place];
        let url = TargetUrl::http(&address.ip().to_string(), address.port());
        let mut target = Target::direct(url, &service.service, TIMEOUT);
        target.team.clone_from(&service.team);
        Arc::new(target)
    });
    let settings = ScrapeSettings::default();
    let states = once::scrape(targets.collect(), ruleset, &settings).await;
    Snapshot::build(SystemTime::now(), ruleset, states)
}

/// One line a service, in the order of the description.
fn table(snapshot: &Snapshot, services: &[Service]) -> String {
    let mut out = format!("{:14}", "SERVICE");
    for rule in scraped(snapshot) {
        out += &format!(" {:9}", rule.id);
    }
    out += &format!(" {:>5} {:>8}\n", "SCORE", "COVERAGE");
    for service in in_order(snapshot, services) {
        out += &format!("{:14}", service.key.name);
        for verdict in service
            .verdicts
            .iter()
            .filter(|v| snapshot.rule(v).is_scraped())
        {
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
        out += &format!(" {score:>5} {:>8}\n", percent(service.score.coverage()));
        let why = why(snapshot, service);
        if !why.is_empty() {
            out += &format!("  {}\n", wrap(why, 2));
        }
    }
    let others = snapshot.manifesto().rules().len() - scraped(snapshot).count();
    out + &format!(
        "* proven weakly: see the page, or `manifesto-exporter check URL`\n{}\n",
        wrap(
            &format!(
                "The coverage is low because {others} more rules need other evidence than scrapes: see `demo --estate`."
            ),
            0
        )
    )
}

/// The rules that this fleet is built for.
fn scraped(snapshot: &Snapshot) -> impl Iterator<Item = &Rule> {
    snapshot
        .manifesto()
        .rules()
        .iter()
        .filter(|rule| rule.is_scraped())
}

/// The first thing that is wrong.
fn why<'a>(snapshot: &Snapshot, service: &'a ServiceState) -> &'a str {
    let shown = |verdict: &&ServiceVerdict| {
        verdict.finding.status != Status::Pass && snapshot.rule(verdict).is_scraped()
    };
    service
        .verdicts
        .iter()
        .find(shown)
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
        for verdict in service
            .verdicts
            .iter()
            .filter(|v| snapshot.rule(v).is_scraped())
        {
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

/// Runs the daemon over the fleet until it is shown to stop.
async fn watch(fleet: Fleet, listener: TcpListener) -> Exit {
    let loaded = Config::parse(&configuration(&fleet), &Origin::embedded())
        .map_err(|error| error.to_string())
        .and_then(|config| {
            let ruleset = ruleset(&config, fleet.port)?;
            Ok(Loaded {
                config,
                ruleset,
                begun: SystemTime::now(),
            })
        });
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    print(&watching(&listener));
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
         history: off\n\
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
