//! Lists that servers give as JSON of their own.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde::de::DeserializeOwned;
use url::Url;

use crate::discovery::groups::LIST_BYTES_MAX;
use crate::http_client::{Prepared, body};

/// Characters shown of what a server complains.
const COMPLAINT_CHARS_MAX: usize = 200;

/// Asks for an answer.
pub(super) async fn json<T: DeserializeOwned>(
    client: &Prepared,
    url: &Url,
    deadline: Duration,
) -> Result<T, String> {
    let request = client
        .get(url)
        .header(ACCEPT, "application/json")
        .timeout(deadline);
    let response = client.send(request).await;
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = body(response, LIST_BYTES_MAX).await?;
    if status != StatusCode::OK {
        return Err(refused(status, &body));
    }
    serde_json::from_slice(&body)
        .map_err(|error| format!("the answer is not what was asked for: {error}"))
}

/// What a server says of a request that it does not grant.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> String {
    let said = String::from_utf8_lossy(body);
    let said = said.trim();
    // A page is no message.
    let said = if said.starts_with('<') { "" } else { said };
    let said: String = said.chars().take(COMPLAINT_CHARS_MAX).collect();
    match said.as_str() {
        "" => format!("the server answered {status}"),
        said => format!("the server answered {status}: {said}"),
    }
}
