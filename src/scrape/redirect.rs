//! Redirects: within the origin only, so that credentials and the dial policy hold.

use http::StatusCode;
use url::Url;

use super::error::{ScrapeError, ScrapeErrorKind};
use crate::discovery::target::TargetUrl;
use crate::http_client::DialPolicy;

/// Redirects followed in one scrape, as browsers and Go do.
const REDIRECTS_MAX: usize = 10;

/// Characters of a location shown in a message.
const LOCATION_SHOWN_MAX: usize = 200;

/// Whether a response with this status names another place to ask.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The paths of one scrape, first to last.
#[derive(Debug)]
pub(super) struct RedirectChain<'a> {
    origin: &'a TargetUrl,
    visited: Vec<String>,
}

impl<'a> RedirectChain<'a> {
    pub(super) fn new(origin: &'a TargetUrl) -> Self {
        Self {
            origin,
            visited: vec![origin.path_and_query.clone()],
        }
    }

    /// Path and query to ask now.
    pub(super) fn here(&self) -> &str {
        self.visited.last().map_or("/", String::as_str)
    }

    /// Where a response that redirects leads, if it may be followed.
    pub(super) fn follow(
        &mut self,
        status: StatusCode,
        location: Option<&[u8]>,
        policy: &DialPolicy,
    ) -> Result<(), ScrapeError> {
        let refused = |why: String| ScrapeError::new(ScrapeErrorKind::Redirect, why);
        let origin = self.origin;
        let status = status.as_u16();
        let Some(location) = location else {
            return Err(refused(format!("status {status} without a location")));
        };
        let location = String::from_utf8_lossy(location);
        let shown: String = location.chars().take(LOCATION_SHOWN_MAX).collect();
        let here = format!(
            "{}://{}{}",
            origin.scheme.as_str(),
            origin.authority(),
            self.here()
        );
        let next = Url::parse(&here)
            .and_then(|base| base.join(&location))
            .map_err(|error| refused(format!("redirected to {shown:?}: {error}")))?;
        if origin.scheme.as_str() == "https" && next.scheme() == "http" {
            return Err(refused(format!("redirected from https to http: {shown:?}")));
        }
        if let Some(host) = next.host_str() {
            policy
                .check_host(host.trim_start_matches('[').trim_end_matches(']'))
                .map_err(|why| {
                    ScrapeError::new(
                        ScrapeErrorKind::Blocked,
                        format!("redirected to {shown:?}, which the dial policy forbids: {why}"),
                    )
                })?;
        }
        if !same_origin(origin, &next) {
            return Err(refused(format!("redirected to another origin: {shown:?}")));
        }
        let path = match next.query() {
            Some(query) => format!("{}?{query}", next.path()),
            None => next.path().to_owned(),
        };
        if self.visited.contains(&path) {
            return Err(refused(format!("redirect loop: {path:?} was asked before")));
        }
        if self.visited.len() > REDIRECTS_MAX {
            return Err(refused(format!("more than {REDIRECTS_MAX} redirects")));
        }
        self.visited.push(path);
        Ok(())
    }
}

fn same_origin(origin: &TargetUrl, next: &Url) -> bool {
    let base = format!("{}://{}/", origin.scheme.as_str(), origin.authority());
    Url::parse(&base).is_ok_and(|base| base.origin() == next.origin())
}
