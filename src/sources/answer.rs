//! What servers said, at one moment. Plain data: checks read it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::incidents::{Incident, Run};
use super::index::{Streams, Vector};
use super::kubernetes::Estate;
use super::loki::LogRetention;
use super::prometheus::MetricRetention;
use super::query::{Query, SourceKind};
use crate::labels::Labels;

/// One element of a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, the name left out.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// What a page said.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The status, after redirects within its origin.
    pub status: u16,
    /// `Last-Modified`, where it says so.
    pub modified: Option<SystemTime>,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Numbers by labels: [`Query::Promql`] and [`Query::Logql`].
    Vector(Vector),
    /// Label sets: [`Query::LogStreams`].
    Streams(Streams),
    /// [`Query::MetricRetention`].
    MetricRetention(MetricRetention),
    /// [`Query::LogRetention`].
    LogRetention(LogRetention),
    /// [`Query::Cluster`].
    Cluster(Box<Estate>),
    /// [`Query::Runs`].
    Runs(Vec<Run>),
    /// [`Query::Incidents`].
    Incidents(Vec<Incident>),
    /// [`Query::Http`]: the body, as JSON where it is.
    Body {
        /// The status.
        status: u16,
        /// The body.
        text: String,
    },
    /// [`Query::Link`].
    Link(Link),
}

/// Why there is no answer: a bounded set, fit for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefusalReason {
    /// No connection, or no name.
    Connect,
    /// No answer in time.
    Timeout,
    /// A status other than was asked for.
    Http,
    /// An answer that does not read, or is none to the question.
    Answer,
    /// An answer larger than its limit.
    Limit,
    /// Credentials or certificates that cannot be read.
    Credentials,
    /// An address that may not be dialled.
    Denied,
}

impl RefusalReason {
    /// Every reason.
    pub const ALL: [RefusalReason; 7] = [
        RefusalReason::Connect,
        RefusalReason::Timeout,
        RefusalReason::Http,
        RefusalReason::Answer,
        RefusalReason::Limit,
        RefusalReason::Credentials,
        RefusalReason::Denied,
    ];

    /// As in labels.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalReason::Connect => "connect",
            RefusalReason::Timeout => "timeout",
            RefusalReason::Http => "http",
            RefusalReason::Answer => "answer",
            RefusalReason::Limit => "limit",
            RefusalReason::Credentials => "credentials",
            RefusalReason::Denied => "denied",
        }
    }
}

/// Why there is no answer, with a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of failure.
    pub reason: RefusalReason,
    /// The status, where there was one other than asked for.
    pub status: Option<u16>,
    /// What happened, for a person.
    pub message: String,
}

/// Characters of a refusal's sentence.
const MESSAGE_CHARS_MAX: usize = 500;

impl Refusal {
    /// A refusal, its sentence cut where it is too long to read.
    pub fn new(reason: RefusalReason, message: impl AsRef<str>) -> Self {
        Self {
            reason,
            status: None,
            message: message.as_ref().chars().take(MESSAGE_CHARS_MAX).collect(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.as_str(), self.message)
    }
}

/// A question's latest outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// When it was asked.
    pub at: SystemTime,
    /// What came of it.
    pub outcome: Result<Answer, Refusal>,
}

/// A configured server, as far as checks must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSource {
    /// Its name in the configuration.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Where it is, for who wants to follow evidence.
    pub url: Option<url::Url>,
    /// The environments that it knows of; every one if empty.
    pub environments: Vec<String>,
}

impl KnownSource {
    fn covers(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|e| e == environment)
    }
}

/// Everything that sources said last. Immutable, swapped whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// The configured servers, in order.
    pub sources: Vec<KnownSource>,
    /// By source's place and question.
    pub(super) answers: HashMap<(usize, Query), Arc<Answered>>,
}

/// What is known of a question.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a> {
    /// Nobody who could answer it is configured.
    NobodyToAsk(SourceKind),
    /// It was not asked yet.
    NotAskedYet(&'a KnownSource),
    /// There is no answer.
    Refused(&'a KnownSource, &'a Refusal),
    /// There is one.
    Answer(&'a KnownSource, &'a Answer, SystemTime),
}

impl Answers {
    /// Nothing was asked yet of these.
    pub fn of(sources: Vec<KnownSource>) -> Self {
        Self {
            sources,
            answers: HashMap::new(),
        }
    }

    /// What the source that knows an environment says of it; the first, where several do.
    pub fn get(&self, environment: &str, query: &Query) -> Said<'_> {
        let mut all = self.all(query).into_iter();
        all.find(|(source, _)| source.covers(environment))
            .map_or(Said::NobodyToAsk(query.kind()), |(_, said)| said)
    }

    /// What every source that could know says: for what concerns the whole estate.
    pub fn all<'a>(&'a self, query: &Query) -> Vec<(&'a KnownSource, Said<'a>)> {
        let sources = self.sources.iter().enumerate();
        let asked = sources.filter(|(_, source)| match query {
            Query::Http { source: name, .. } => {
                source.kind == SourceKind::Http && source.name == **name
            }
            _ => source.kind == query.kind(),
        });
        asked
            .map(|(place, source)| {
                let known = self.answers.get(&(place, query.clone()));
                let said = match known.map(AsRef::as_ref) {
                    None => Said::NotAskedYet(source),
                    Some(Answered { at, outcome }) => match outcome {
                        Ok(answer) => Said::Answer(source, answer, *at),
                        Err(refusal) => Said::Refused(source, refusal),
                    },
                };
                (source, said)
            })
            .collect()
    }

    /// Puts an outcome in the place of the last one.
    pub fn put(&mut self, place: usize, query: Query, answered: Answered) {
        self.answers.insert((place, query), Arc::new(answered));
    }
}
