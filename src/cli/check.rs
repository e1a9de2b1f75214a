//! `check`: judges one exposition, for a service team's own CI.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;

use super::baseline::{Baseline, KnownFinding};
use super::console::{Exit, complain, deliver, runtime};
use super::input::{Input, InputError, Measured};
use super::output::Format;
use super::output::report::{Report, ReportedVerdict};
use crate::checks::warmup::PROCESS_AGE_MIN;
use crate::checks::{Place, Series, SeriesFindings, Status};
use crate::config::Config;
use crate::daemon::{self, Loaded};
use crate::discovery::target::{Target, TargetUrl};
use crate::manifesto::Manifesto;
use crate::rule_id::RuleId;
use crate::scrape::ScrapeError;
use crate::snapshot::{JudgedScrape, RuleStatus, Ruleset, Snapshot, TargetState};
use crate::sources::ask_once;

/// Examples come first.
const EXAMPLES: &str = "\
Examples:
  manifesto-exporter check http://localhost:8067/metrics --service=shop
  curl -s localhost:8067/metrics | manifesto-exporter check - --service=shop --strict
  manifesto-exporter check metrics.txt --service=shop --output=junit > report.xml
  manifesto-exporter check metrics.txt --service=shop --output=json > baseline.json      Save what is known
  manifesto-exporter check metrics.txt --service=shop --baseline=baseline.json           Fail on what is new";

#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(super) struct Args {
    /// A URL, a file, or - for standard input
    #[arg(value_name = "URL|FILE|-")]
    input: String,

    /// The service whose metrics these should be; without it any name passes O-6
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,

    /// Another name of the service, as its metrics may spell it; may be given several times
    #[arg(long = "alias", value_name = "NAME", requires = "service")]
    aliases: Vec<String>,

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

    /// A saved `--output json` of the same service: what is violated there already is shown and does not fail (the same
    /// finding is the same rule and reason); what cannot be measured still exits 3
    #[arg(long, value_name = "FILE", requires = "service")]
    baseline: Option<PathBuf>,

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
    let Loaded {
        config, ruleset, ..
    } = match daemon::load(args.config_file.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let baseline = args
        .baseline
        .as_deref()
        .map(|path| Baseline::read(path, &args.service));
    let baseline = match baseline.transpose() {
        Ok(baseline) => baseline,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let ruleset = Arc::new(ruleset.also_called(&args.service, &args.aliases));
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let judged = runtime.block_on(judge(&args, &config, &ruleset));
    // A name lookup that hangs cannot be cancelled: leave it.
    runtime.shutdown_background();
    let mut judged = match judged {
        Ok(judged) => judged,
        Err(error) => {
            complain(&error.to_string());
            return match error {
                InputError::TooLarge { .. } => Exit::Unmeasured,
                InputError::Unreadable(..)
                | InputError::BadUrl(..)
                | InputError::ContentType(_) => Exit::Usage,
            };
        }
    };
    let resolved = baseline
        .as_ref()
        .map(|baseline| compare(baseline, &ruleset.manifesto, &mut judged));
    let notes: Vec<String> = warming_up(&judged).into_iter().collect();
    let exit = exit(&judged.verdicts, &judged.measured, args.strict);
    let report = Report {
        input: &judged.input,
        service: &args.service,
        strict: args.strict,
        manifesto: &ruleset.manifesto,
        verdicts: &judged.verdicts,
        not_configured: &judged.not_configured,
        series: &judged.series,
        measured: &judged.measured,
        notes: &notes,
        resolved: resolved.as_deref(),
    };
    deliver(&args.output.render(&report, args.color.wanted()), exit)
}

/// Marks what the baseline knows, and tells what it knew and is mended.
fn compare<'a>(
    baseline: &'a Baseline,
    manifesto: &Manifesto,
    judged: &mut Judged,
) -> Vec<&'a KnownFinding> {
    let (mut violated, mut measured) = (BTreeSet::new(), BTreeSet::new());
    for verdict in &mut judged.verdicts {
        if verdict.status != RuleStatus::Unknown {
            measured.insert(verdict.rule.to_string());
        }
        let Some(key) = verdict.finding_key() else {
            continue;
        };
        let rule = manifesto.rule(verdict.rule);
        let kinds = rule.map_or_else(Vec::new, |rule| rule.checks.kinds());
        let missing: Vec<&str> = Series::ALL
            .iter()
            .filter(|series| judged.series.get(**series).status == Status::Fail)
            .map(|series| series.as_str())
            .filter(|series| kinds.contains(series))
            .collect();
        verdict.is_known = verdict.status == RuleStatus::Fail && baseline.knows(&key, &missing);
        violated.insert(key);
    }
    baseline.resolved(&violated, &measured)
}

/// What came of judging once.
struct Judged {
    /// How outputs name what was judged.
    input: String,
    measured: Measured,
    series: Arc<SeriesFindings>,
    verdicts: Vec<ReportedVerdict>,
    not_configured: Vec<RuleId>,
}

async fn judge(args: &Args, config: &Config, ruleset: &Arc<Ruleset>) -> Result<Judged, InputError> {
    let input = Input::parse(&args.input)?;
    let (name, subject) = (input.name(), ruleset.subject(&args.service));
    let content_type = args.content_type.as_deref();
    let measured = input.measure(subject, content_type, args.timeout).await?;
    // One scrape has no history: it is judged as it stands.
    let judged = ruleset.judge(
        &args.service,
        measured.url.as_ref().map_or(Place::File, Place::Scraped),
        measured.down.as_ref(),
        measured.observation.as_ref(),
    );
    let series = Arc::clone(&judged.series);
    let (verdicts, not_configured) = match config.has_evidence() && !args.service.is_empty() {
        false => {
            let verdicts = judged.verdicts.into_iter().map(ReportedVerdict::from);
            (verdicts.collect(), Vec::new())
        }
        true => with_evidence(args, config, ruleset, judged).await,
    };
    Ok(Judged {
        input: name,
        measured,
        series,
        verdicts,
        not_configured,
    })
}

/// Where a series is missing that a young process may not expose yet: the daemon waits before it fails a rule
/// for that, one look cannot.
fn warming_up(judged: &Judged) -> Option<String> {
    let may_appear = |verdict: &ReportedVerdict| {
        verdict.status == RuleStatus::Fail && verdict.finding.reason.may_still_appear()
    };
    let observation = judged.measured.observation.as_ref()?;
    if !judged.verdicts.iter().any(may_appear) {
        return None;
    }
    let minutes = PROCESS_AGE_MIN.as_secs() / 60;
    let why = "client libraries expose nothing before the first event";
    let age = observation.process_start_seconds.and_then(process_age);
    match age {
        Some(age) if age >= PROCESS_AGE_MIN => None,
        Some(age) => Some(format!(
            "the process is {} s old, and {why}: what is missing may still appear; send it a request first, or check again \
             after {minutes} minutes, as the daemon does",
            age.as_secs()
        )),
        None => Some(format!(
            "nothing tells how old the process is, and {why}: if it has just begun, send it a request first, or check again \
             after {minutes} minutes, as the daemon does"
        )),
    }
}

/// How long ago a process began; `None` for a time that is no such time.
fn process_age(start_seconds: f64) -> Option<Duration> {
    let since_epoch = Duration::try_from_secs_f64(start_seconds).ok()?;
    let start = SystemTime::UNIX_EPOCH.checked_add(since_epoch)?;
    SystemTime::now().duration_since(start).ok()
}

/// Judges the service by what the configuration's sources and records say too; beside it the rules that nobody
/// configured evidence for, which are not judged here.
async fn with_evidence(
    args: &Args,
    config: &Config,
    ruleset: &Arc<Ruleset>,
    judged: JudgedScrape,
) -> (Vec<ReportedVerdict>, Vec<RuleId>) {
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
    let (not_configured, verdicts): (Vec<_>, Vec<_>) =
        verdicts.partition(|verdict| verdict.is_not_configured());
    let reported = verdicts.into_iter().map(|verdict| ReportedVerdict {
        rule: snapshot.rule(verdict).id,
        status: verdict.status,
        finding: Arc::clone(&verdict.finding),
        waiver: verdict.waiver.clone(),
        is_known: false,
    });
    let not_configured = not_configured
        .into_iter()
        .map(|verdict| snapshot.rule(verdict).id);
    (reported.collect(), not_configured.collect())
}

/// Nothing measured outweighs everything; then a rule that is violated, unless that was known.
fn exit(verdicts: &[ReportedVerdict], measured: &Measured, strict: bool) -> Exit {
    let violations = measured
        .observation
        .as_ref()
        .map_or(0, |o| o.summary.violations);
    let is_down = |down: &ScrapeError| !down.reason.says_no_metrics();
    if measured.down.as_ref().is_some_and(is_down) || (strict && violations > 0) {
        Exit::Unmeasured
    } else if verdicts.iter().any(ReportedVerdict::is_new_failure) {
        Exit::NonCompliant
    } else if verdicts
        .iter()
        .any(|verdict| verdict.status == RuleStatus::Unknown)
    {
        Exit::Unmeasured
    } else {
        Exit::Ok
    }
}
