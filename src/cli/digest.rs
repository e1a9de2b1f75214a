//! `digest`: tells a team what changed, what is about to end and what to fix next.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::console::{Exit, complain, deliver, runtime};
use super::kept::Kept;
use crate::calendar::{Period, Span};
use crate::document::duration;
use crate::document::inert::inert;
use crate::history::Reader;
use crate::http_client::settings::TlsConfig;
use crate::http_client::tls::client_config;
use crate::report::output::{self, Markup};
use crate::report::{Question, compute};

/// How long a webhook may take.
const POST_MAX: Duration = Duration::from_secs(15);

/// Bytes of the file that holds its URL.
const URL_BYTES_MAX: u64 = 8 * 1024;

/// Characters of an answer that are shown.
const SHOWN_CHARS_MAX: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The team
    #[arg(long)]
    team: String,

    /// How far back it looks
    #[arg(long, default_value = "7d", value_parser = parse_since)]
    since: SignedDuration,

    /// File with the URL of an incoming webhook (Mattermost, Slack): the digest is posted there instead of
    /// printed, and nothing where nothing changed
    #[arg(long, value_name = "FILE")]
    post_url_file: Option<PathBuf>,

    /// Markup of the chat; by default `slack` where the webhook is Slack's, else `markdown`
    #[arg(long, value_enum)]
    markup: Option<Markup>,

    /// Configuration file that says where history is kept
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
}

fn parse_since(text: &str) -> Result<SignedDuration, String> {
    let length = duration::parse(text).map_err(|error| format!("it is {error}, such as `7d`"))?;
    let length = SignedDuration::try_from(length).map_err(|error| error.to_string())?;
    match length < SignedDuration::from_hours(24) || length > SignedDuration::from_hours(24 * 366) {
        true => Err("it is not in 1d..=366d".to_owned()),
        false => Ok(length),
    }
}

pub(super) fn main(args: Args) -> Exit {
    let made = || {
        let url = args.post_url_file.as_deref().map(url).transpose()?;
        let text = made(
            &args,
            args.markup.unwrap_or_else(|| markup_of(url.as_ref())),
        )?;
        Ok::<_, String>((text, url))
    };
    let (text, url) = match made() {
        Ok(made) => made,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    match (text, url) {
        (None, _) => {
            complain(&format!("nothing changed for `{}`", args.team));
            Exit::Ok
        }
        (Some(text), None) => deliver(&text, Exit::Ok),
        (Some(text), Some(url)) => match runtime() {
            Ok(runtime) => runtime.block_on(post(&text, url)),
            Err(exit) => exit,
        },
    }
}

/// The markup that a webhook understands.
fn markup_of(webhook: Option<&url::Url>) -> Markup {
    match webhook.and_then(url::Url::host_str) {
        Some("hooks.slack.com" | "hooks.slack-gov.com") => Markup::Slack,
        Some(_) | None => Markup::Markdown,
    }
}

fn made(args: &Args, markup: Markup) -> Result<Option<String>, String> {
    let kept = Kept::find(args.config_file.as_deref())?;
    let now = Timestamp::now();
    let calendar = &kept.calendar;
    let (first, last) = (calendar.day_at(now - args.since), calendar.day_at(now));
    let period = Period {
        name: format!("{first}..{last}"),
        first,
        last,
        span: Span {
            from: now - args.since,
            to: now,
        },
        quarter: None,
    };
    let question = Question {
        period: &period,
        calendar,
        team: Some(&args.team),
        now,
    };
    let reader = Reader::open(&kept.file).map_err(|error| error.to_string())?;
    let found = compute(&reader, &question).map_err(|error| error.to_string())?;
    Ok(output::digest(&found.report, markup))
}

/// Posts the text; the URL is a secret, and is in no message.
async fn post(text: &str, url: url::Url) -> Exit {
    let sent = async {
        let client = client()?;
        let request = client.post(url).timeout(POST_MAX);
        let request = request.header("content-type", "application/json");
        let request = request.body(json!({ "text": text }).to_string());
        let mut response = request.send().await.map_err(|error| {
            format!(
                "the webhook does not answer: {}",
                causes(&error.without_url())
            )
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        // The first piece says enough, however much there is.
        let said = response.chunk().await.ok().flatten().unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let said: String = said.chars().take(SHOWN_CHARS_MAX).collect();
        Err(format!("the webhook answers {status}: {}", inert(&said)))
    };
    match sent.await {
        Ok(()) => Exit::Ok,
        Err(message) => {
            complain(&message);
            Exit::Unmeasured
        }
    }
}

/// What an error says, and what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// A secret URL is followed nowhere else.
fn client() -> Result<reqwest::Client, String> {
    let tls = client_config(&TlsConfig::default()).map_err(|error| error.to_string())?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(POST_MAX)
        .build()
        .map_err(|error| error.to_string())
}

fn url(file: &Path) -> Result<url::Url, String> {
    let shown = file.display();
    let failed = |error: std::io::Error| format!("{shown}: {error}");
    // A pipe would be waited for.
    if !std::fs::metadata(file).map_err(failed)?.is_file() {
        return Err(format!("{shown}: not a regular file"));
    }
    let mut text = String::new();
    let read = std::fs::File::open(file).map_err(failed)?;
    let read = read.take(URL_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(failed)?;
    if text.len() as u64 > URL_BYTES_MAX {
        return Err(format!(
            "{shown}: more than {URL_BYTES_MAX} bytes are no URL"
        ));
    }
    if text.trim().contains(char::is_whitespace) {
        return Err(format!("{shown}: it holds more than the URL of a webhook"));
    }
    let url = url::Url::parse(text.trim())
        .map_err(|error| format!("{shown}: it holds no URL of a webhook: {error}"))?;
    match url.scheme() {
        "https" | "http" => Ok(url),
        scheme => Err(format!(
            "{shown}: scheme `{scheme}` is neither `http` nor `https`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_is_told_by_its_webhook() {
        let of = |url: &str| markup_of(Some(&url::Url::parse(url).unwrap()));
        assert_eq!(of("https://hooks.slack.com/services/T/B/x"), Markup::Slack);
        assert_eq!(of("https://chat.example/hooks/x"), Markup::Markdown);
        assert_eq!(markup_of(None), Markup::Markdown);
    }
}
