//! `healthcheck`: asks a running exporter whether it is ready, for containers without curl.

use std::time::Duration;

use super::console::{Exit, complain, deliver, runtime};
use crate::document::inert::inert;
use crate::http_client::settings::TlsConfig;
use crate::http_client::tls::client_config;
use crate::publish::READY;

/// How long the answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read; ours has some hundred.
const ANSWER_BYTES_MAX: usize = 4096;

/// Characters of an answer that are shown.
const SHOWN_CHARS_MAX: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Base URL of the exporter
    #[arg(default_value = "http://127.0.0.1:8067")]
    url: url::Url,
}

pub(super) fn main(args: Args) -> Exit {
    let url = match args.url.join("/-/ready") {
        Ok(url) => url,
        Err(error) => {
            complain(&format!("{}: {error}", args.url));
            return Exit::Usage;
        }
    };
    match runtime() {
        Ok(runtime) => runtime.block_on(ask(url)),
        Err(exit) => exit,
    }
}

async fn ask(url: url::Url) -> Exit {
    let client = match client() {
        Ok(client) => client,
        Err(message) => {
            complain(&format!("the HTTP client could not be made: {message}"));
            return Exit::Unmeasured;
        }
    };
    let answer = async {
        let mut response = client.get(url.clone()).send().await?;
        let status = response.status();
        let mut text = Vec::new();
        // Whoever else listens there may send without end.
        while let Some(chunk) = response.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok::<_, reqwest::Error>((status, String::from_utf8_lossy(&text).into_owned()))
    };
    match answer.await {
        Ok((status, text)) if status.is_success() && text == READY => deliver(&text, Exit::Ok),
        Ok((status, _)) if status.is_success() => {
            complain(&format!(
                "{url} answered {status}, but is no manifesto-exporter\nhint: another program may listen there; give the exporter's own URL"
            ));
            Exit::NonCompliant
        }
        Ok((status, text)) => {
            let first: String = text.trim().chars().take(SHOWN_CHARS_MAX).collect();
            complain(&format!("{url} answered {status}: {}", inert(&first)));
            Exit::NonCompliant
        }
        Err(error) => {
            complain(&format!("{url} did not answer: {}", chain(&error)));
            Exit::Unmeasured
        }
    }
}

/// Proxies of the environment are not for asking a neighbour.
fn client() -> Result<reqwest::Client, String> {
    let tls = client_config(&TlsConfig::default()).map_err(|error| error.to_string())?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(ANSWER_MAX)
        .build()
        .map_err(|error| error.to_string())
}

/// An error with what caused it: "connection refused" is at the end of the chain.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
