//! Reloading: on demand, and by itself once a file changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::files::Files;
use super::load::{ConfigSource, Loaded, StartError, load, scrape_settings};
use crate::config::Config;
use crate::discovery::settings::DiscoverySettings;
use crate::publish::{Reload, Telemetry};
use crate::scrape::Network;
use crate::sources::EvidencePlan;

/// After a reload that failed, the same files are tried again so much later: what they name may be there then.
const RETRY: Duration = Duration::from_secs(60);

/// Looks at files that change from one to the next, after which they are read nevertheless.
const UNSETTLED_MAX: u32 = 6;

/// Whatever fails leaves everything as it was.
pub(super) struct Reloading {
    pub(super) source: ConfigSource,
    /// Time between two looks at the files; never, where there is none.
    pub(super) every: Option<Duration>,
    pub(super) config: watch::Sender<Arc<Config>>,
    pub(super) discovery: watch::Sender<Arc<DiscoverySettings>>,
    pub(super) plan: watch::Sender<Arc<EvidencePlan>>,
    pub(super) board: Arc<Board>,
    pub(super) network: Arc<Network>,
    pub(super) telemetry: Arc<Telemetry>,
}

/// What is known of the files between two looks.
struct Looks {
    /// As they were when they were read.
    known: Files,
    /// Other than that at the last look: they may still be being written.
    seen: Option<Files>,
    /// Looks in a row at which they were other than the time before.
    unsettled: u32,
    /// What failed, and when to try it again.
    failed: Option<(String, Instant)>,
}

impl Reloading {
    /// `begun` is when the configuration in force began to be read.
    pub(super) async fn run(
        self,
        mut requests: mpsc::Receiver<Reload>,
        begun: SystemTime,
        shutdown: CancellationToken,
    ) {
        let mut looks = self.every.map(interval);
        if let Some(looks) = &mut looks {
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut files = self.after(begun, &Files::default(), &Ok(())).await;
        loop {
            let request = tokio::select! {
                () = shutdown.cancelled() => return,
                request = requests.recv() => match request {
                    Some(request) => Some(request),
                    None => return,
                },
                () = next(&mut looks) => None,
            };
            let Some(request) = request else {
                self.look(&mut files).await;
                continue;
            };
            // A storm of requests is one reload: all that wait are answered by it.
            let mut waiting = vec![request];
            while let Ok(another) = requests.try_recv() {
                waiting.push(another);
            }
            let (begun, before) = (SystemTime::now(), self.files().await);
            let outcome = self.reload(None).await;
            files = self.after(begun, &before, &outcome).await;
            for request in waiting {
                // Whoever asked may have gone.
                drop(request.answer.send(outcome.clone()));
            }
        }
    }

    /// Reloads where files are other than they were, and the same as a look before.
    async fn look(&self, looks: &mut Looks) {
        let now = self.files().await;
        let failed = looks.failed.as_ref();
        let due = failed.is_some_and(|(_, retry)| *retry <= Instant::now());
        if now == looks.known && !due {
            looks.seen = None;
            looks.unsettled = 0;
            return;
        }
        // What never rests is read all the same.
        let rests = looks.seen.as_ref() == Some(&now) || looks.unsettled >= UNSETTLED_MAX;
        if now != looks.known && !rests {
            looks.seen = Some(now);
            looks.unsettled += 1;
            return;
        }
        if now != looks.known {
            tracing::info!(
                files = now.differing_from(&looks.known),
                "files of the configuration changed"
            );
        }
        let begun = SystemTime::now();
        // What is said already is not said each minute.
        let said = failed.map(|(error, _)| error.as_str());
        let outcome = self.reload(said).await;
        *looks = self.after(begun, &now, &outcome).await;
    }

    /// What to compare the next look with.
    async fn after(
        &self,
        begun: SystemTime,
        before: &Files,
        outcome: &Result<(), String>,
    ) -> Looks {
        Looks {
            known: self.files().await.untouched(before, begun),
            seen: None,
            unsettled: 0,
            failed: outcome
                .clone()
                .err()
                .map(|error| (error, Instant::now() + RETRY)),
        }
    }

    /// The files that the configuration in force is read from, as they are now.
    async fn files(&self) -> Files {
        let ConfigSource::File(path) = &self.source else {
            return Files::default();
        };
        if self.every.is_none() {
            return Files::default();
        }
        let mut patterns: Vec<PathBuf> = vec![path.clone()];
        patterns.extend(self.config.borrow().files());
        let looked = tokio::task::spawn_blocking(move || Files::look(&patterns)).await;
        looked.unwrap_or_default()
    }

    async fn reload(&self, said: Option<&str>) -> Result<(), String> {
        // Files may be slow: not on a thread that serves others.
        let source = self.source.clone();
        let outcome = tokio::task::spawn_blocking(move || match source {
            ConfigSource::File(path) => load(Some(&path)),
            ConfigSource::Embedded => load(None),
            ConfigSource::Fixed => Err(StartError::Fixed),
        });
        let outcome = match outcome.await {
            Ok(outcome) => outcome,
            Err(error) => Err(StartError::TaskEnded {
                task: "reload",
                why: error.to_string(),
            }),
        };
        self.telemetry.reloaded(outcome.is_ok(), SystemTime::now());
        match outcome {
            Ok(Loaded {
                config, ruleset, ..
            }) => {
                for warning in config.warnings.iter().chain(ruleset.warnings()) {
                    tracing::warn!("{warning}");
                }
                self.network.reload(scrape_settings(&config));
                // Sources that are asked the same go on undisturbed.
                let plan = config.evidence_plan(&ruleset, None);
                self.plan.send_if_modified(|known| {
                    let other = **known != plan;
                    if other {
                        *known = Arc::new(plan);
                    }
                    other
                });
                self.board.set_ruleset(Arc::new(ruleset));
                self.discovery.send_if_modified(|known| {
                    let other = *known != config.discovery;
                    known.clone_from(&config.discovery);
                    other
                });
                self.config.send_replace(Arc::new(config));
                tracing::info!("configuration reloaded");
                Ok(())
            }
            Err(error) => {
                let error = error.to_string();
                match said == Some(&error) {
                    true => tracing::debug!("configuration still not reloaded: {error}"),
                    false => tracing::error!(
                        "configuration not reloaded, the old one stays in force: {error}"
                    ),
                }
                Err(error)
            }
        }
    }
}

/// The next look; never where there is none.
async fn next(looks: &mut Option<tokio::time::Interval>) {
    match looks {
        Some(looks) => {
            looks.tick().await;
        }
        None => std::future::pending().await,
    }
}
