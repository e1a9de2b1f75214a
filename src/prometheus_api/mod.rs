//! A client of Prometheus's HTTP API, which vmagent, VictoriaMetrics, Thanos and Mimir speak too, in part.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/>

mod answer;
mod client;
mod server;
mod targets;

pub(crate) use self::client::{PrometheusClient, read};
pub use self::server::PrometheusServer;
pub(crate) use self::targets::{Active, Targets};
