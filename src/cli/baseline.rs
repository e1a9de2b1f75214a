//! `--baseline`: findings that were known when a report was saved, so that a team that begins with many fails only
//! on what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use crate::checks::Series;

/// Bytes of a saved report; one with every rule and a thousand faults has some hundred thousand.
const BASELINE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// A rule that a service violated, and why: the same finding whatever its sentence says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KnownFinding {
    pub(super) rule: String,
    pub(super) reason: String,
}

/// What was known, of one service.
#[derive(Debug, Clone, Default)]
pub(super) struct Baseline {
    known: BTreeSet<KnownFinding>,
    /// Series that were exposed.
    exposed: BTreeSet<String>,
}

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BaselineError {
    #[error("--baseline: {0}: {1}")]
    Unreadable(String, std::io::Error),
    #[error("--baseline: {0}: more than {BASELINE_BYTES_MAX} bytes")]
    TooLarge(String),
    #[error(
        "--baseline: {0} is no report of this command: {1}\nhint: save one by `check ... --service=NAME --output=json > {0}`"
    )]
    NoReport(String, serde_json::Error),
    #[error(
        "--baseline: {path} says nothing of the series {series:?}, so that nobody could tell what is new\nhint: save it anew by `check ... --service=NAME --output=json > {path}`"
    )]
    NoSeries { path: String, series: &'static str },
    #[error("--baseline: {0} is UTF-16 that cannot be decoded")]
    Encoding(String),
    #[error("--baseline: {path} is of service {saved:?}, not of {asked:?}")]
    OtherService {
        path: String,
        saved: String,
        asked: String,
    },
}

/// As far as it is looked at; what else a report says may change from version to version.
#[derive(Deserialize)]
struct Saved {
    service: String,
    verdicts: Vec<SavedVerdict>,
    series: BTreeMap<String, SavedSeries>,
}

#[derive(Deserialize)]
struct SavedSeries {
    present: Option<bool>,
}

#[derive(Deserialize)]
struct SavedVerdict {
    rule: String,
    status: String,
    reason: String,
}

/// UTF-8 without a byte-order mark, of what may be UTF-16: older PowerShells redirect so. `None` where it is neither.
fn decoded(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let unit: fn([u8; 2]) -> u16 = match bytes.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => {
            let plain = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec);
            return Some(plain.unwrap_or(bytes));
        }
    };
    let (pairs, rest) = bytes[2..].as_chunks();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let text = String::from_utf16(&units).ok();
    text.filter(|_| rest.is_empty()).map(String::into_bytes)
}

impl Baseline {
    /// Reads a report that `--output json` saved, of the same service.
    pub(super) fn read(path: &Path, service: &str) -> Result<Self, BaselineError> {
        let shown = path.display().to_string();
        let unreadable = |error| BaselineError::Unreadable(shown.clone(), error);
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut text = Vec::new();
        let mut bounded = file.take(BASELINE_BYTES_MAX + 1);
        bounded.read_to_end(&mut text).map_err(unreadable)?;
        if text.len() as u64 > BASELINE_BYTES_MAX {
            return Err(BaselineError::TooLarge(shown));
        }
        let text = decoded(text).ok_or_else(|| BaselineError::Encoding(shown.clone()))?;
        let saved: Saved = match serde_json::from_slice(&text) {
            Ok(saved) => saved,
            Err(error) => return Err(BaselineError::NoReport(shown, error)),
        };
        let mut series = Series::ALL.iter().map(|series| series.as_str());
        if let Some(series) = series.find(|series| !saved.series.contains_key(*series)) {
            return Err(BaselineError::NoSeries {
                path: shown,
                series,
            });
        }
        if saved.service != service {
            return Err(BaselineError::OtherService {
                path: shown,
                saved: saved.service,
                asked: service.to_owned(),
            });
        }
        let failed = saved
            .verdicts
            .into_iter()
            .filter(|verdict| verdict.status == "fail");
        let known = failed.map(|verdict| KnownFinding {
            rule: verdict.rule,
            reason: verdict.reason,
        });
        let exposed = saved
            .series
            .into_iter()
            .filter(|(_, series)| series.present == Some(true));
        Ok(Self {
            known: known.collect(),
            exposed: exposed.map(|(name, _)| name).collect(),
        })
    }

    /// Whether a finding was known, of a rule that now misses these series: one that was exposed is news, whatever
    /// else was missing before.
    pub(super) fn knows(&self, finding: &KnownFinding, missing: &[&str]) -> bool {
        let is_news = |series: &&str| self.exposed.contains(*series);
        self.known.contains(finding) && !missing.iter().any(is_news)
    }

    /// What was known and is violated no more, of rules that were measured: what nobody could look at is not mended.
    pub(super) fn resolved(
        &self,
        violated: &BTreeSet<KnownFinding>,
        measured: &BTreeSet<String>,
    ) -> Vec<&KnownFinding> {
        let mended = |finding: &&KnownFinding| {
            measured.contains(&finding.rule) && !violated.contains(*finding)
        };
        self.known.iter().filter(mended).collect()
    }
}
