//! Judging an estate once, for commands that end: everybody whom discovery finds, by one scrape each,
//! and what sources say now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::daemon::Loaded;
use crate::discovery::target::Target;
use crate::discovery::{self, Discovered};
use crate::ingest::BodyReader;
use crate::scrape::{ScrapeSettings, scrape_once};
use crate::snapshot::{Ruleset, Snapshot, TargetState};
use crate::sources::ask_once;

/// How long discovery has to answer.
const DISCOVERY_MAX: Duration = Duration::from_secs(30);

/// Scrapes at the same time.
const SCRAPES_MAX: usize = 100;

/// Judges the estate of a configuration.
pub(super) async fn judge(loaded: Loaded) -> Result<Snapshot, String> {
    let Loaded {
        config, ruleset, ..
    } = loaded;
    let config = Arc::new(config);
    let targets = discover(&config).await?;
    let ruleset = Arc::new(ruleset);
    let settings = ScrapeSettings {
        dial: config.dial.clone(),
        ..ScrapeSettings::default()
    };
    let plan = config.evidence_plan(&ruleset, None);
    let (answers, states) = tokio::join!(ask_once(&plan), scrape(targets, &ruleset, &settings));
    Ok(Snapshot::of(
        SystemTime::now(),
        &ruleset,
        &Arc::new(answers),
        states,
    ))
}

/// Whatever discovery finds until every source has answered or failed.
async fn discover(config: &Arc<Config>) -> Result<Vec<Arc<Target>>, String> {
    let (_settings_sender, settings) = watch::channel(Arc::clone(&config.discovery));
    let (publish, mut discovered) = watch::channel(Arc::new(Discovered::default()));
    let shutdown = CancellationToken::new();
    let _stop = shutdown.clone().drop_guard();
    tokio::spawn(discovery::run(settings, shutdown, publish));
    let ready = discovered.wait_for(|found| found.ready);
    match tokio::time::timeout(DISCOVERY_MAX, ready).await {
        Ok(Ok(found)) => Ok(found.targets.clone()),
        Ok(Err(_)) => Err("discovery ended".to_owned()),
        Err(_) => Err(format!(
            "discovery has not answered within {DISCOVERY_MAX:?}"
        )),
    }
}

/// Scrapes each target once, judged by that scrape alone.
pub(super) async fn scrape(
    targets: Vec<Arc<Target>>,
    ruleset: &Arc<Ruleset>,
    settings: &ScrapeSettings,
) -> Vec<Arc<TargetState>> {
    let places = Arc::new(tokio::sync::Semaphore::new(SCRAPES_MAX));
    let mut scrapes = JoinSet::new();
    for target in targets {
        let (ruleset, settings) = (Arc::clone(ruleset), settings.clone());
        let places = Arc::clone(&places);
        scrapes.spawn(async move {
            let _place = places.acquire_owned().await;
            Arc::new(state(target, &ruleset, &settings).await)
        });
    }
    scrapes.join_all().await
}

async fn state(target: Arc<Target>, ruleset: &Ruleset, settings: &ScrapeSettings) -> TargetState {
    let subject = ruleset.subject(&target.service.name);
    let mut sink = BodyReader::new(subject, &target.job.limits, target.job.fallback_format, 1);
    let result = scrape_once(&target, settings, &mut sink).await;
    ruleset.state(&result, sink.into_observation().as_ref())
}
