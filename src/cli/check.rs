//! `check`: judges one exposition, for a service team's own CI.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;

use super::console::{Exit, complain, print, runtime};
use super::input::{Input, InputError, Measured};
use super::output::Format;
use super::output::report::{Report, ReportedVerdict};
use crate::checks::Reason;
use crate::config::Config;
use crate::daemon::{self, Loaded};
use crate::discovery::target::{Target, TargetUrl};
use crate::scrape::ScrapeError;
use crate::snapshot::{JudgedScrape, RuleStatus, Ruleset, Snapshot, TargetState};
use crate::sources::ask_once;

/// Examples come first.
const EXAMPLES: &str = "\
Examples:
  manifesto-exporter check http://localhost:8067/metrics --service=shop
  curl -s localhost:8067/metrics | manifesto-exporter check - --service=shop --strict
  manifesto-exporter check metrics.txt --service=shop --output=junit > report.xml";

#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct Args {
    /// A URL, a file, or - for standard input
    #[arg(value_name = "URL|FILE|-")]
    input: String,

    /// The service whose metrics these should be; without it any name passes O-6
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,

    /// The environment that it runs in, for evidence other than its metrics
    #[arg(long, value_name = "NAME", default_value = "")]
    environment: String,

    /// How to show the verdicts
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,

    /// Format of a file or standard input; told from the text where not given
    #[arg(long = "content-type", value_name = "TYPE")]
    content_type: Option<String>,

    /// Fail (exit 3) on what the format forbids and Prometheus tolerates
    #[arg(long)]
    strict: bool,

    /// Deadline of the scrape of a URL
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_timeout)]
    timeout: Duration,

    /// Configuration whose rules, aliases and overrides count; what it configures beside targets (sources, attestations,
    /// waivers, the catalogue) is judged too
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,

    /// When to use colour in tables
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    color: Colour,
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

impl Colour {
    fn wanted(self) -> bool {
        use std::io::IsTerminal as _;
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                std::io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// The deadline of `--timeout`, at most an hour.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = crate::document::duration::parse(text).map_err(|error| error.to_string())?;
    if timeout.is_zero() || timeout > Duration::from_secs(3600) {
        return Err("must be above 0 and at most 1h".to_owned());
    }
    Ok(timeout)
}

pub(super) fn main(args: Args) -> Exit {
    let Loaded { config, ruleset } = match daemon::load(args.config_file.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let ruleset = Arc::new(ruleset);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let judging = async {
        let input = Input::parse(&args.input)?;
        let (name, subject) = (input.name(), ruleset.subject(&args.service));
        let content_type = args.content_type.as_deref();
        let measured = input.measure(subject, content_type, args.timeout).await?;
        // One scrape has no history: it is judged as it stands.
        let judged = ruleset.judge(
            &args.service,
            measured.url.as_ref(),
            measured.down.as_ref(),
            measured.observation.as_ref(),
        );
        let verdicts = match config.has_evidence() && !args.service.is_empty() {
            false => judged
                .verdicts
                .into_iter()
                .map(ReportedVerdict::from)
                .collect(),
            true => with_evidence(&args, &config, &ruleset, judged).await,
        };
        Ok((name, measured, verdicts))
    };
    let judged = runtime.block_on(judging);
    // A name lookup that hangs cannot be cancelled: leave it.
    runtime.shutdown_background();
    let (name, measured, verdicts) = match judged {
        Ok(judged) => judged,
        Err(error) => {
            complain(&InputError::to_string(&error));
            return match error {
                InputError::TooLarge { .. } => Exit::Unmeasured,
                _ => Exit::Usage,
            };
        }
    };
    let exit = exit(&verdicts, &measured, args.strict);
    let report = Report {
        input: &name,
        service: &args.service,
        strict: args.strict,
        manifesto: &ruleset.manifesto,
        verdicts: &verdicts,
        measured: &measured,
    };
    print(&args.output.render(&report, args.color.wanted()));
    exit
}

/// Judges the service by what the configuration's sources and records say too. What nobody
/// configured is not judged here.
async fn with_evidence(
    args: &Args,
    config: &Config,
    ruleset: &Arc<Ruleset>,
    judged: JudgedScrape,
) -> Vec<ReportedVerdict> {
    let answers = ask_once(&config.evidence_plan(ruleset, Some(&args.service))).await;
    let url = TargetUrl::http(&args.input, 0);
    let mut target = Target::direct(url, &args.service, args.timeout);
    target.service.environment.clone_from(&args.environment);
    let state = TargetState::new(Arc::new(target), judged.verdicts, judged.series);
    let at = SystemTime::now();
    let snapshot = Snapshot::of(at, ruleset, &Arc::new(answers), vec![Arc::new(state)]);
    let verdicts = snapshot
        .services
        .iter()
        .flat_map(|service| &service.verdicts);
    verdicts
        .filter(|verdict| verdict.finding.reason != Reason::NotConfigured)
        .map(|verdict| ReportedVerdict {
            rule: snapshot.rule(verdict).id,
            status: verdict.status,
            finding: Arc::clone(&verdict.finding),
            waiver: verdict.waiver.clone(),
        })
        .collect()
}

/// Nothing measured outweighs everything; then a rule that is violated.
fn exit(verdicts: &[ReportedVerdict], measured: &Measured, strict: bool) -> Exit {
    let has = |status| verdicts.iter().any(|verdict| verdict.status == status);
    let violations = measured
        .observation
        .as_ref()
        .map_or(0, |o| o.summary.violations);
    let is_down = |down: &ScrapeError| !down.reason.says_no_metrics();
    if measured.down.as_ref().is_some_and(is_down) || (strict && violations > 0) {
        Exit::Unmeasured
    } else if has(RuleStatus::Fail) {
        Exit::NonCompliant
    } else if has(RuleStatus::Unknown) {
        Exit::Unmeasured
    } else {
        Exit::Ok
    }
}
