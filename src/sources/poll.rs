//! Asks every source at its interval, and keeps what it says.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answers::{Answered, Answers, KnownSource};
use super::error::{SourceError, SourceErrorKind};
use super::protocol::{Query, SourceKind, ask};
use super::server::{Asked, Server};
use super::settings::SourceConfig;
use super::stats::SourceStats;
use crate::http_client::{DialPolicy, HttpClient, Reach};
use crate::kubernetes::Cluster;

/// Questions that one source is asked at the same time.
const AT_ONCE_MAX: usize = 4;

/// Questions to one source: a rule wants one or two, the catalogue a few a service.
const QUESTIONS_MAX: usize = 50_000;

/// A source that answered nothing is asked again after this, or its interval if shorter.
const RETRY: Duration = Duration::from_secs(15);

/// What is asked, and of whom: made anew at each reload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EvidencePlan {
    /// The configured sources.
    pub sources: Vec<Arc<SourceConfig>>,
    /// What the rules in force want to know.
    pub queries: BTreeSet<Query>,
    /// Which addresses pages may have.
    pub dial: DialPolicy,
}

impl EvidencePlan {
    /// Nothing was asked yet.
    fn answers(&self) -> Answers {
        let known = |source: &Arc<SourceConfig>| KnownSource {
            name: source.name.clone(),
            kind: source.kind,
            url: source.url.clone(),
            environments: source.environments.clone(),
        };
        Answers::of(self.sources.iter().map(known).collect())
    }

    /// The questions for one source.
    fn questions(&self, source: &SourceConfig) -> Vec<Query> {
        let concerns = |query: &&Query| match query {
            Query::Http { source: name, .. } => *source.name == **name,
            _ => query.kind() == source.kind,
        };
        let of_source = self.queries.iter().filter(concerns);
        of_source.take(QUESTIONS_MAX).cloned().collect()
    }
}

/// Asks until shutdown. The plan may change; what is known of questions still asked stays.
pub async fn run(
    mut plan: watch::Receiver<Arc<EvidencePlan>>,
    stats: Arc<SourceStats>,
    publish: watch::Sender<Arc<Answers>>,
    shutdown: CancellationToken,
) {
    loop {
        let now = plan.borrow_and_update().clone();
        let names: Vec<&str> = now
            .sources
            .iter()
            .map(|source| source.name.as_str())
            .collect();
        stats.keep(&names);
        let before = Arc::clone(&publish.borrow());
        publish.send_replace(Arc::new(carried_over(&now, &before)));
        let mut rounds = JoinSet::new();
        for (place, source) in now.sources.iter().enumerate() {
            let questions = now.questions(source);
            if questions.is_empty() {
                continue;
            }
            let (source, dial) = (Arc::clone(source), now.dial.clone());
            let (publish, stats) = (publish.clone(), Arc::clone(&stats));
            rounds.spawn(async move {
                poll_loop(place, source, questions, dial, &publish, &stats).await;
            });
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            changed = plan.changed() => {
                if changed.is_err() {
                    return;
                }
                // None may write any more where places mean other sources.
                rounds.shutdown().await;
            }
            // A round that ends does so by a defect: everything is begun anew.
            Some(ended) = rounds.join_next() => {
                tracing::error!(?ended, "asking a source ended, asking all anew");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// What is known already of what is asked now of the same source.
fn carried_over(plan: &EvidencePlan, before: &Answers) -> Answers {
    let mut answers = plan.answers();
    for ((place, query), answered) in &before.answers {
        let Some(source) = before.sources.get(*place) else {
            continue;
        };
        let still = answers.sources.iter().position(|now| now == source);
        if let Some(place) = still
            && plan.queries.contains(query)
        {
            answers
                .answers
                .insert((place, query.clone()), Arc::clone(answered));
        }
    }
    answers
}

async fn poll_loop(
    place: usize,
    source: Arc<SourceConfig>,
    questions: Vec<Query>,
    dial: DialPolicy,
    publish: &watch::Sender<Arc<Answers>>,
    stats: &SourceStats,
) {
    let client = client(&source, dial);
    let mut was_up = true;
    loop {
        let start = Instant::now();
        let outcomes = round(&source, &client, &questions).await;
        stats.round(&source.name, &outcomes, start.elapsed());
        let failed = outcomes
            .iter()
            .find_map(|answered| answered.outcome.as_ref().err());
        if let Some(error) = failed
            && was_up
        {
            tracing::warn!(source = source.name, %error, "a source does not answer: its rules are unknown");
        } else if failed.is_none() && !was_up {
            tracing::info!(source = source.name, "a source answers again");
        }
        was_up = failed.is_none();
        let is_gone = outcomes.iter().all(|answered| answered.outcome.is_err());
        publish.send_modify(|answers| {
            let mut now = Answers::clone(answers);
            for (query, answered) in questions.iter().zip(outcomes) {
                now.put(place, query.clone(), answered);
            }
            *answers = Arc::new(now);
        });
        // A server that refuses one question, or one page of many, is not asked everything sooner.
        let pause = match is_gone && source.kind != SourceKind::Links {
            true => source.interval.min(RETRY),
            false => source.interval,
        };
        tokio::time::sleep_until(start + pause).await;
    }
}

/// Every question once, a few at the same time, in their order. Where a server cannot be reached or a
/// token not be renewed, or where nothing was answered when the first question times out, the rest is
/// not tried: a hung server would be waited for once a question. One that answers others is only slow
/// with this one.
async fn round(source: &SourceConfig, client: &Client, questions: &[Query]) -> Vec<Answered> {
    if questions.is_empty() {
        return Vec::new();
    }
    let asked = match client.open(source).await {
        Ok(asked) => Arc::new(asked),
        Err(error) => {
            let refused = || Answered {
                at: SystemTime::now(),
                outcome: Err(error.clone()),
            };
            return questions.iter().map(|_| refused()).collect();
        }
    };
    let places = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let gone: Arc<OnceLock<SourceError>> = Arc::default();
    let has_answered: Arc<AtomicBool> = Arc::default();
    let mut asking = JoinSet::new();
    for (index, query) in questions.iter().cloned().enumerate() {
        let (asked, kind) = (Arc::clone(&asked), source.kind);
        let (places, gone) = (Arc::clone(&places), Arc::clone(&gone));
        let has_answered = Arc::clone(&has_answered);
        asking.spawn(async move {
            let _place = places.acquire_owned().await;
            let at = SystemTime::now();
            let outcome = match gone.get() {
                Some(error) => Err(error.clone()),
                None => asked.within(ask(&asked, &query)).await,
            };
            let is_gone = match &outcome {
                Ok(_) => {
                    has_answered.store(true, Relaxed);
                    None
                }
                // Each page is another server's.
                Err(_) if kind == SourceKind::Links => None,
                Err(error) => match error.reason {
                    SourceErrorKind::Connect | SourceErrorKind::Credentials => Some(error),
                    SourceErrorKind::Timeout if !has_answered.load(Relaxed) => Some(error),
                    SourceErrorKind::Http | SourceErrorKind::Answer | SourceErrorKind::Limit => {
                        has_answered.store(true, Relaxed);
                        None
                    }
                    SourceErrorKind::Timeout | SourceErrorKind::Denied => None,
                },
            };
            if let Some(error) = is_gone {
                // Another question may have said so first.
                gone.get_or_init(|| error.clone());
            }
            (index, Answered { at, outcome })
        });
    }
    let mut outcomes = asking.join_all().await;
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, answered)| answered).collect()
}

/// What asks a source, round after round.
enum Client {
    Http(Box<HttpClient>),
    Kubernetes(Arc<Cluster>),
}

impl Client {
    /// Makes ready for a round.
    async fn open(&self, source: &SourceConfig) -> Result<Asked, SourceError> {
        match self {
            Client::Http(client) => {
                let server = Server::open(client, source.url.clone(), source.timeout).await;
                server.map(Box::new).map(Asked::Server)
            }
            Client::Kubernetes(cluster) => Ok(Asked::Cluster {
                cluster: Arc::clone(cluster),
                timeout: source.timeout,
            }),
        }
    }
}

/// What the operator names may be anywhere; pages have the addresses that the catalogue gives them.
fn client(source: &SourceConfig, dial: DialPolicy) -> Client {
    if let Some(access) = &source.access {
        return Client::Kubernetes(Arc::new(Cluster::new(access.clone())));
    }
    let reach = Reach {
        dial: (source.kind == SourceKind::Links).then(|| dial.clone()),
        ..Reach::unlimited()
    };
    let client = HttpClient::new(Arc::clone(&source.http), reach, dial);
    Client::Http(Box::new(client))
}

/// Every source once: for commands that judge and end.
pub async fn ask_once(plan: &EvidencePlan) -> Answers {
    let mut answers = plan.answers();
    let mut rounds = JoinSet::new();
    for (place, source) in plan.sources.iter().enumerate() {
        let (source, questions) = (Arc::clone(source), plan.questions(source));
        let dial = plan.dial.clone();
        rounds.spawn(async move {
            let outcomes = round(&source, &client(&source, dial), &questions).await;
            (place, questions, outcomes)
        });
    }
    for (place, questions, outcomes) in rounds.join_all().await {
        for (query, answered) in questions.into_iter().zip(outcomes) {
            answers.put(place, query, answered);
        }
    }
    answers
}
