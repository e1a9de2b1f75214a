//! The kinds of servers, what they are asked, and what they answer. To add a kind: a file that speaks its
//! protocol, and variants here; the compiler points at the rest.

mod incidents;
mod inventory;
mod kubernetes;
mod kubernetes_raw;
mod links;
mod loki;
mod prometheus;

pub use self::incidents::{Incident, Run};
pub use self::inventory::{
    Account, ClusterInventory, Exposure, ExposureKind, LabelSelector, NetworkPolicy, Pod,
    Requirement,
};
pub use self::links::Link;
pub use self::loki::LogRetention;
pub use self::prometheus::MetricRetention;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use url::Url;

use super::error::{SourceError, SourceErrorKind};
use super::index::{Streams, Vector};
use super::server::Asked;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[derive(strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SourceKind {
    /// Anything that speaks Prometheus's query API: Prometheus, Thanos, Mimir, VictoriaMetrics.
    Prometheus,
    /// Loki.
    Loki,
    /// A Kubernetes API server.
    Kubernetes,
    /// Mattermost with the Playbooks plugin.
    Playbooks,
    /// A status page that speaks Statuspage's API.
    StatusPage,
    /// A server whose answer is JSON or text.
    Http,
    /// The web at large: pages that the catalogue links to. Needs no configuration.
    Links,
}

impl SourceKind {
    /// As in the configuration and in labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One question. Equal questions of several rules are asked once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Query {
    /// An instant query of PromQL.
    Promql(Arc<str>),
    /// A range query of PromQL, up to now: the least and the largest value of each series.
    PromqlRange {
        /// The expression.
        expression: Arc<str>,
        /// How far back, in seconds.
        range_seconds: u64,
        /// Between two values, in seconds.
        step_seconds: u64,
    },
    /// How long a Prometheus-compatible server keeps samples.
    MetricRetention,
    /// An instant query of LogQL that yields numbers.
    Logql(Arc<str>),
    /// The labels of the log streams that a selector picks, of the last hour.
    LogStreams(Arc<str>),
    /// How long Loki keeps lines.
    LogRetention,
    /// What the rules look at of a Kubernetes cluster.
    Cluster,
    /// Runs of incident and gameday playbooks.
    Runs,
    /// Incidents on the status page.
    Incidents,
    /// A path of the HTTP source of this name.
    Http {
        /// The source's name.
        source: Arc<str>,
        /// Path and query, from the source's URL on.
        path: Arc<str>,
    },
    /// Whether a page answers.
    Link(Url),
}

impl Query {
    /// Who can answer it.
    pub fn kind(&self) -> SourceKind {
        match self {
            Query::Promql(_) | Query::PromqlRange { .. } | Query::MetricRetention => {
                SourceKind::Prometheus
            }
            Query::Logql(_) | Query::LogStreams(_) | Query::LogRetention => SourceKind::Loki,
            Query::Cluster => SourceKind::Kubernetes,
            Query::Runs => SourceKind::Playbooks,
            Query::Incidents => SourceKind::StatusPage,
            Query::Http { .. } => SourceKind::Http,
            Query::Link(_) => SourceKind::Links,
        }
    }
}

/// For messages: what was asked, in the words of who answers.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Query::Promql(text) | Query::Logql(text) => write!(f, "query {text}"),
            Query::PromqlRange {
                expression,
                range_seconds,
                step_seconds,
            } => write!(
                f,
                "query_range {expression} over {range_seconds}s by {step_seconds}s"
            ),
            Query::LogStreams(selector) => write!(f, "series {selector}"),
            Query::MetricRetention => f.write_str("GET /api/v1/status/flags"),
            Query::LogRetention => f.write_str("GET /config"),
            Query::Cluster => f.write_str("list services, ingresses, network policies, pods"),
            Query::Runs => f.write_str("GET /plugins/playbooks/api/v0/runs"),
            Query::Incidents => f.write_str("GET /incidents"),
            Query::Http { path, .. } => write!(f, "GET {path}"),
            Query::Link(url) => write!(f, "GET {url}"),
        }
    }
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
    Cluster(Box<ClusterInventory>),
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

/// Asks whoever a source is.
pub(super) async fn ask(asked: &Asked, query: &Query) -> Result<Answer, SourceError> {
    let server = match asked {
        Asked::Server(server) => server,
        // There is one thing to ask of it.
        Asked::Cluster { cluster, .. } => {
            let inventory = kubernetes::cluster(cluster).await;
            return inventory.map(Box::new).map(Answer::Cluster);
        }
    };
    match query {
        Query::Promql(text) => {
            let vector = prometheus::query(server, "/api/v1/query", text).await;
            vector.map(Answer::Vector)
        }
        Query::PromqlRange {
            expression,
            range_seconds,
            step_seconds,
        } => {
            let range = prometheus::range(server, expression, *range_seconds, *step_seconds).await;
            range.map(Answer::Vector)
        }
        Query::MetricRetention => prometheus::retention(server)
            .await
            .map(Answer::MetricRetention),
        Query::Logql(text) => {
            let vector = prometheus::query(server, "/loki/api/v1/query", text).await;
            vector.map(Answer::Vector)
        }
        Query::LogStreams(selector) => loki::streams(server, selector).await.map(Answer::Streams),
        Query::LogRetention => loki::retention(server).await.map(Answer::LogRetention),
        Query::Cluster => Err(SourceError::new(
            SourceErrorKind::Answer,
            "the source is no Kubernetes cluster",
        )),
        Query::Runs => incidents::runs(server).await.map(Answer::Runs),
        Query::Incidents => incidents::incidents(server).await.map(Answer::Incidents),
        Query::Http { path, .. } => {
            let (status, text) = server.whatever(path).await?;
            Ok(Answer::Body { status, text })
        }
        Query::Link(url) => links::answers(server, url).await.map(Answer::Link),
    }
}
