//! `consul_sd_configs`: services of a Consul agent, by blocking queries: of the catalogue, and of each service.

mod client;
mod settings;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use self::client::{Answer, Client, Index};
pub(crate) use self::settings::{ConsulSd, RawConsulSd};
use self::targets::{Instance, group};
use super::contract::{Mechanism, Surroundings};
use super::pulse::Pulse;
use crate::discovery::groups::{LIST_TARGETS_MAX, Listing, TargetGroup, check_bytes};
use crate::discovery::refresh::{Refresh, RunnerGone, summary};
use crate::document::DocumentError;
use crate::document::yaml::{At, Source};
use crate::http_client::settings::HttpConfig;
use crate::http_client::{NOT_IN_A_URL, is_segment};

/// Answers that may wait for us.
const ANSWERS_MAX: usize = 64;
/// Services that are asked for, a connection each.
const SERVICES_MAX: usize = 10_000;
/// The longest wait between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(15);

impl Mechanism for ConsulSd {
    type Raw = RawConsulSd;

    fn resolve(source: Source<'_>, raw: At<RawConsulSd>) -> Result<Self, DocumentError> {
        RawConsulSd::resolve(source, raw)
    }

    fn http(&self) -> Option<&HttpConfig> {
        Some(&self.http)
    }

    fn same_place(&self, other: &Self) -> bool {
        self.url == other.url && self.datacenter == other.datacenter
    }

    async fn run(self, surroundings: Surroundings) -> RunnerGone {
        run(self, surroundings).await
    }
}

/// What was told of what.
enum Told {
    Datacenter(Result<String, String>),
    /// Services with their tags; `None` where nothing changed.
    Catalogue(Result<Option<BTreeMap<String, Vec<String>>>, String>),
    Service(String, Result<Option<TargetGroup>, String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Agent {
    config: AgentConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AgentConfig {
    datacenter: String,
}

async fn run(config: ConsulSd, surroundings: Surroundings) -> RunnerGone {
    let (sender, mut answers) = mpsc::channel(ANSWERS_MAX);
    let asker = Arc::new(Asker {
        client: Client::new(config.clone()),
        retry: surroundings.timing.retry,
        config,
        answers: sender,
    });
    let mut follower = Follower::new(Arc::clone(&asker));
    follower.begin();
    loop {
        let due = follower.due();
        tokio::select! {
            // We hold a sender: this never ends.
            Some(told) = answers.recv() => follower.take(told, Instant::now()),
            Some(ended) = follower.tasks.join_next() => {
                // The runner sees the panic of this task and starts it again.
                if let Err(error) = ended && error.is_panic() {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
            () = sleep_until(due) => {
                let refresh = follower.report(Instant::now());
                if surroundings.reports.send(refresh).await.is_err() {
                    return RunnerGone;
                }
            }
        }
    }
}

/// What the tasks have in common.
struct Asker {
    config: ConsulSd,
    client: Client,
    retry: Duration,
    answers: mpsc::Sender<Told>,
}

impl Asker {
    /// Asks again and again, after failures at growing distances, until nobody listens.
    async fn follow<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        tags: &[String],
        filter: &str,
        tell: impl Fn(Result<Option<T>, String>) -> Told,
    ) {
        let (mut index, mut wait) = (Index::default(), self.retry);
        loop {
            let asked = Instant::now();
            let answer = self.client.query(path, tags, filter, index).await;
            let (told, pause) = match answer {
                Ok(Answer::Changed(answer, now)) => {
                    index = now;
                    (Ok(Some(answer)), None)
                }
                Ok(Answer::Unchanged) => (Ok(None), None),
                Err(error) => (Err(error), Some(wait)),
            };
            if self.answers.send(tell(told)).await.is_err() {
                return;
            }
            match pause {
                // At this distance at least, as in Prometheus.
                None => {
                    wait = self.retry;
                    sleep_until(asked + self.config.refresh_interval).await;
                }
                Some(pause) => {
                    wait = (pause * 2).min(RETRY_MAX);
                    sleep(pause).await;
                }
            }
        }
    }

    async fn datacenter(&self) {
        let mut wait = self.retry;
        loop {
            let agent: Result<Agent, String> = self.client.once(&["agent", "self"]).await;
            let found = agent.map(|agent| agent.config.datacenter);
            let is_found = found.is_ok();
            if self.answers.send(Told::Datacenter(found)).await.is_err() || is_found {
                return;
            }
            sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    async fn catalogue(&self) {
        let path = ["catalog", "services"];
        self.follow(&path, &[], &self.config.filter, Told::Catalogue)
            .await;
    }

    async fn service(&self, name: String, datacenter: String) {
        let config = &self.config;
        let tell = |answer: Result<Option<Vec<Instance>>, String>| {
            let groups = answer.map(|instances| {
                instances.map(|instances| group(config, &datacenter, &name, &instances))
            });
            Told::Service(name.clone(), groups)
        };
        if !is_segment(&name) {
            // Nobody listens any more where that cannot be told.
            let _told = self.answers.send(tell(Err(NOT_IN_A_URL.to_owned()))).await;
            return;
        }
        let path = ["health", "service", &name];
        self.follow(&path, &config.tags, &config.health_filter, tell)
            .await;
    }
}

/// A service, and what is known of it.
struct Known {
    task: AbortHandle,
    group: Option<Arc<TargetGroup>>,
    error: Option<String>,
    /// Bytes of the group's labels.
    bytes: usize,
}

struct Follower {
    asker: Arc<Asker>,
    tasks: JoinSet<()>,
    pulse: Pulse,
    datacenter: Option<String>,
    /// Whether the services that there are are known.
    is_catalogued: bool,
    /// Why they are not, or not any more.
    error: Option<String>,
    services: BTreeMap<String, Known>,
    limit: Option<String>,
}

impl Follower {
    fn new(asker: Arc<Asker>) -> Self {
        Self {
            asker,
            tasks: JoinSet::new(),
            pulse: Pulse::new(),
            datacenter: None,
            is_catalogued: false,
            error: None,
            services: BTreeMap::new(),
            limit: None,
        }
    }

    fn begin(&mut self) {
        match self.asker.config.datacenter.as_str() {
            "" => {
                let asker = Arc::clone(&self.asker);
                self.tasks.spawn(async move { asker.datacenter().await });
            }
            known => self.begin_in(known.to_owned()),
        }
    }

    fn begin_in(&mut self, datacenter: String) {
        self.datacenter = Some(datacenter);
        let config = &self.asker.config;
        if config.needs_catalogue() {
            let asker = Arc::clone(&self.asker);
            self.tasks.spawn(async move { asker.catalogue().await });
        } else {
            self.is_catalogued = true;
            let services: BTreeSet<String> = config.services.iter().cloned().collect();
            self.follow(services);
        }
    }

    /// Follows these services, and no others.
    fn follow(&mut self, wanted: BTreeSet<String>) {
        self.services.retain(|name, known| {
            let stays = wanted.contains(name);
            if !stays {
                known.task.abort();
            }
            stays
        });
        let count = wanted.len();
        self.limit = (count > SERVICES_MAX).then(|| {
            format!("{count} services are more than {SERVICES_MAX}: narrow it with `services`, `tags` or `filter`")
        });
        let datacenter = self.datacenter.clone().unwrap_or_default();
        for name in wanted.into_iter().take(SERVICES_MAX) {
            if self.services.contains_key(&name) {
                continue;
            }
            let (asker, datacenter) = (Arc::clone(&self.asker), datacenter.clone());
            let of_task = name.clone();
            let task = self
                .tasks
                .spawn(async move { asker.service(of_task, datacenter).await });
            let known = Known {
                task,
                group: None,
                error: None,
                bytes: 0,
            };
            self.services.insert(name, known);
        }
    }

    fn take(&mut self, told: Told, now: Instant) {
        match told {
            Told::Datacenter(Ok(name)) => {
                self.error = None;
                self.begin_in(name);
            }
            Told::Catalogue(Ok(None)) => {
                self.pulse.effort.lists += 1;
                self.error = None;
            }
            Told::Catalogue(Ok(Some(services))) => {
                self.pulse.effort.lists += 1;
                (self.error, self.is_catalogued) = (None, true);
                let config = &self.asker.config;
                let names = services.into_iter().filter(|(name, tags)| {
                    let is_named = config.services.is_empty() || config.services.contains(name);
                    is_named && config.tags.iter().all(|tag| tags.contains(tag))
                });
                let names = names.map(|(name, _)| name).collect();
                self.follow(names);
            }
            Told::Datacenter(Err(error)) | Told::Catalogue(Err(error)) => {
                self.pulse.effort.failures += 1;
                self.error = Some(error);
            }
            Told::Service(name, answer) => {
                let bytes: usize = self.services.values().map(|known| known.bytes).sum();
                // One that was removed may have had an answer under way.
                let Some(known) = self.services.get_mut(&name) else {
                    return;
                };
                match answer {
                    Ok(group) => {
                        // Where there is a catalogue, what one service says confirms nothing of the others.
                        match self.asker.config.needs_catalogue() {
                            true => self.pulse.effort.events += u64::from(group.is_some()),
                            false => self.pulse.effort.lists += 1,
                        }
                        known.error = None;
                        // An index may move although nothing changed.
                        if let Some(group) = group
                            && known.group.as_deref() != Some(&group)
                        {
                            let size = group.bytes();
                            match check_bytes(bytes - known.bytes + size) {
                                Ok(()) => {
                                    (known.group, known.bytes) = (Some(Arc::new(group)), size);
                                }
                                Err(error) => {
                                    known.error = Some(format!("service `{name}`: {error}"));
                                }
                            }
                        }
                    }
                    Err(error) => {
                        self.pulse.effort.failures += 1;
                        known.error = Some(format!("service `{name}`: {error}"));
                    }
                }
            }
        }
        self.pulse.touch(now);
    }

    fn due(&self) -> Instant {
        let mut services = self.services.values();
        let is_heard = services.all(|known| known.group.is_some() || known.error.is_some());
        let is_settled = (self.is_catalogued && is_heard) || self.error.is_some();
        self.pulse.due(is_settled, Instant::now())
    }

    fn report(&mut self, now: Instant) -> Refresh {
        let effort = self.pulse.report(now);
        let of_services = self
            .services
            .values()
            .filter_map(|known| known.error.clone());
        let errors = self.limit.iter().chain(&self.error).cloned();
        let errors: Vec<String> = errors.chain(of_services).collect();
        let groups = self
            .services
            .values()
            .filter_map(|known| known.group.clone());
        let listing = Listing {
            groups: groups.collect(),
            ..Listing::default()
        };
        let count = listing.targets();
        let mut refresh = Refresh {
            error: summary(&errors),
            effort,
            ..Refresh::default()
        };
        let is_any_known = self.services.is_empty() || !listing.groups.is_empty();
        if count > LIST_TARGETS_MAX {
            refresh.error = Some(format!("{count} targets are more than {LIST_TARGETS_MAX}"));
        } else if self.is_catalogued && is_any_known {
            refresh.listing = Some(listing);
        }
        refresh
    }
}
