//! Whether a page answers. Who may edit the catalogue chooses the address, so the dial policy holds:
//! the address that was checked is the one dialled, and redirects never leave their origin.

use std::time::SystemTime;

use jiff::fmt::rfc2822;
use reqwest::header::LAST_MODIFIED;
use url::Url;

use crate::sources::error::SourceError;
use crate::sources::server::Server;

/// What a page said.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The status, after redirects within its origin.
    pub status: u16,
    /// `Last-Modified`, where it says so.
    pub modified: Option<SystemTime>,
}

/// Looks at a page.
pub(super) async fn answers(server: &Server, url: &Url) -> Result<Link, SourceError> {
    // The body is not read: the connection is closed with it.
    let response = server.send(server.get(url).await?).await?;
    let modified = response.headers().get(LAST_MODIFIED);
    let modified = modified
        .and_then(|value| value.to_str().ok())
        .and_then(|text| rfc2822::parse(text).ok())
        .map(|time| SystemTime::from(time.timestamp()));
    Ok(Link {
        status: response.status().as_u16(),
        modified,
    })
}
