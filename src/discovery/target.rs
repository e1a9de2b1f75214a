//! A target: one URL of one instance of a service.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::found::Found;
use super::settings::job::{Scheme, ScrapeJob, ScrapeLimits};
use super::settings::proof::Proof;
use crate::http_client::settings::HttpConfig;
use crate::labels::Labels;

/// Who is judged: a service in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    /// The service's name, never empty.
    pub name: String,
    /// The environment, `""` where discovery names none.
    pub environment: String,
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.environment.as_str() {
            "" => f.write_str(&self.name),
            environment => write!(f, "{} ({environment})", self.name),
        }
    }
}

/// Where a target is scraped. It identifies the target: the same URL from two sources is one target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetUrl {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Host name or address literal; IPv6 without brackets.
    pub host: String,
    /// Port, filled in from the scheme where the address has none.
    pub port: u16,
    /// Path and query, starting with `/`.
    pub path_and_query: String,
}

impl TargetUrl {
    /// Plain HTTP at `/metrics`.
    pub fn http(host: &str, port: u16) -> Self {
        Self {
            scheme: Scheme::Http,
            host: host.to_owned(),
            port,
            path_and_query: "/metrics".to_owned(),
        }
    }

    /// `host:port`, with brackets around an IPv6 address: the `Host` header and `instance` label.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The path alone, without the query.
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or("/")
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            self.scheme.as_str(),
            self.authority(),
            self.path_and_query
        )
    }
}

/// A target that discovery found and relabelling kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Where it is scraped.
    pub url: TargetUrl,
    /// Whom its verdicts concern.
    pub service: ServiceKey,
    /// The owning team, `""` where discovery names none.
    pub team: String,
    /// How it is scraped.
    pub job: Arc<ScrapeJob>,
    /// The job's interval, or what relabelling made of `__scrape_interval__`.
    pub interval: Duration,
    /// The job's timeout, or what relabelling made of `__scrape_timeout__`.
    pub timeout: Duration,
    /// Labels after relabelling, without those that start with `__`.
    pub labels: Labels,
    /// What discovery said of it, before relabelling.
    pub found: Found,
    /// Every source that named it, the one whose labels it carries first: `job/mechanism/index`.
    pub sources: Vec<String>,
}

impl Target {
    /// A target that nobody discovered, of a service in no environment: scraped once within `timeout`,
    /// and else with a job's defaults.
    pub fn direct(url: TargetUrl, service: &str, timeout: Duration) -> Self {
        let job = Arc::new(ScrapeJob {
            name: "check".to_owned(),
            scheme: url.scheme,
            metrics_path: url.path().to_owned(),
            params: Vec::new(),
            interval: timeout,
            timeout,
            http: Arc::new(HttpConfig::default()),
            enable_compression: true,
            fallback_format: None,
            limits: ScrapeLimits::default(),
            proof: Proof::Scrape,
        });
        Self {
            service: ServiceKey {
                name: service.to_owned(),
                environment: String::new(),
            },
            team: String::new(),
            interval: timeout,
            timeout,
            labels: Labels::from_iter([("instance", url.authority())]),
            found: Found::nowhere(&job),
            job,
            sources: vec!["command line".to_owned()],
            url,
        }
    }
}

/// A target as the key of a map: by its URL, which it shares with the map instead of a copy.
#[derive(Debug, Clone)]
pub struct ByUrl(pub Arc<Target>);

impl Borrow<TargetUrl> for ByUrl {
    fn borrow(&self) -> &TargetUrl {
        &self.0.url
    }
}

impl PartialEq for ByUrl {
    fn eq(&self, other: &Self) -> bool {
        self.0.url == other.0.url
    }
}

impl Eq for ByUrl {}

impl Hash for ByUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.url.hash(state);
    }
}
