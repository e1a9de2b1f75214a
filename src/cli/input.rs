//! What `check` judges: a URL, a file, or standard input, measured once.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::checks::{Observation, Subject};
use crate::discovery::settings::{Scheme, ScrapeLimits};
use crate::discovery::target::{Target, TargetUrl};
use crate::exposition::Format;
use crate::ingest::{BodyReader, read_body};
use crate::scrape::{ScrapeError, ScrapeSettings, scrape_once};

/// Faults shown at the most; the rest are counted.
pub(super) const FAULTS_SHOWN_MAX: usize = 1_000;

/// Where the exposition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// Scraped as the daemon would.
    Url(TargetUrl),
    /// Read whole.
    File(String),
    /// `-`.
    Stdin,
}

/// What came of measuring once.
#[derive(Debug)]
pub(super) struct Measured {
    /// Where it was scraped; `None` for a file.
    pub(super) url: Option<TargetUrl>,
    /// What was learnt, where a body was read to its end.
    pub(super) observation: Option<Observation>,
    /// Why the scrape failed.
    pub(super) down: Option<ScrapeError>,
}

/// Input that cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("{0}: {1}{hint}", hint = url_hint(.0, .1))]
    Unreadable(String, std::io::Error),
    #[error("{input}: more than {limit} bytes")]
    TooLarge { input: String, limit: u64 },
    #[error("{0}: {1}")]
    BadUrl(String, String),
    #[error(
        "--content-type: {0}\nhint: text/plain; version=0.0.4, or application/openmetrics-text; version=1.0.0"
    )]
    ContentType(crate::exposition::ContentTypeError),
}

/// Who leaves out the scheme means a URL: `localhost:8067/metrics`, `shop.example/metrics`, `//shop/metrics`.
fn url_hint(input: &str, error: &std::io::Error) -> String {
    let stripped = ["http:", "https:"]
        .iter()
        .find_map(|scheme| input.strip_prefix(scheme));
    let rest = stripped.unwrap_or(input).trim_start_matches('/');
    let host = rest.split('/').next().unwrap_or_default();
    let is_path = stripped.is_none() && !input.starts_with("//") && input.starts_with(['/', '.']);
    let is_host = stripped.is_some()
        || input.starts_with("//")
        || host == "localhost"
        || host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        || (host.contains('.') && rest.contains('/'));
    match error.kind() == std::io::ErrorKind::NotFound && is_host && !is_path {
        true => format!("\nhint: for a URL, write http://{rest}"),
        false => String::new(),
    }
}

impl Input {
    /// Tells a URL from a file.
    pub(super) fn parse(text: &str) -> Result<Self, InputError> {
        if text == "-" {
            return Ok(Input::Stdin);
        }
        if !text.contains("://") {
            return Ok(Input::File(text.to_owned()));
        }
        let bad = |why: &str| InputError::BadUrl(text.to_owned(), why.to_owned());
        let url = url::Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("its scheme is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(
                "credentials do not belong into a URL, where they would be shown",
            ));
        }
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
        let scheme = if url.scheme() == "https" {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let path = match url.path() {
            "" | "/" => "/metrics",
            path => path,
        };
        Ok(Input::Url(TargetUrl {
            scheme,
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: url.port().unwrap_or(scheme.default_port()),
            path_and_query: match url.query() {
                Some(query) => format!("{path}?{query}"),
                None => path.to_owned(),
            },
        }))
    }

    /// How outputs name it.
    pub(super) fn name(&self) -> String {
        match self {
            Input::Url(url) => url.to_string(),
            Input::File(path) => path.clone(),
            Input::Stdin => "stdin".to_owned(),
        }
    }

    /// Measures once. `content_type` stands in for the header of a file and overrides none of a URL.
    pub(super) async fn measure(
        self,
        subject: Arc<Subject>,
        content_type: Option<&str>,
        timeout: Duration,
    ) -> Result<Measured, InputError> {
        let given = content_type
            .map(|header| Format::from_content_type(Some(header), None))
            .transpose()
            .map_err(InputError::ContentType)?;
        let limits = ScrapeLimits::default();
        let body = match &self {
            Input::Url(url) => return Ok(scrape(url, subject, given, timeout).await),
            Input::File(path) => read(&self.name(), open(path)?, limits.body_bytes_max)?,
            Input::Stdin => read(&self.name(), std::io::stdin().lock(), limits.body_bytes_max)?,
        };
        let format = given.unwrap_or_else(|| Format::detect(&body));
        let observation = read_body(subject, format, &limits, FAULTS_SHOWN_MAX, &body);
        let down = BodyReader::verdict_on_body(&observation).err();
        Ok(Measured {
            url: None,
            observation: Some(observation),
            down,
        })
    }
}

fn open(path: &str) -> Result<std::fs::File, InputError> {
    let unreadable = |error| InputError::Unreadable(path.to_owned(), error);
    let file = std::fs::File::open(Path::new(path)).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(std::io::Error::from(
            std::io::ErrorKind::IsADirectory,
        )));
    }
    Ok(file)
}

/// Reads to the end, or to the limit.
fn read(input: &str, from: impl std::io::Read, limit: u64) -> Result<Vec<u8>, InputError> {
    let mut body = Vec::new();
    from.take(limit + 1)
        .read_to_end(&mut body)
        .map_err(|error| InputError::Unreadable(input.to_owned(), error))?;
    if body.len() as u64 > limit {
        return Err(InputError::TooLarge {
            input: input.to_owned(),
            limit,
        });
    }
    Ok(body)
}

/// Scrapes as the daemon does, with a job's defaults.
async fn scrape(
    url: &TargetUrl,
    subject: Arc<Subject>,
    fallback: Option<Format>,
    timeout: Duration,
) -> Measured {
    let target = Arc::new(Target::direct(url.clone(), subject.display(), timeout));
    let mut sink = BodyReader::new(subject, &target.job.limits, fallback, FAULTS_SHOWN_MAX);
    let result = scrape_once(&target, &ScrapeSettings::default(), &mut sink).await;
    Measured {
        url: Some(url.clone()),
        observation: sink.into_observation(),
        down: result.outcome.err(),
    }
}
