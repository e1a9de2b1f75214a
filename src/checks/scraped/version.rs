//! O-8: the application's own version is exposed.

use super::family::{Family, Part, Pruned};
use super::words::Words;
use crate::checks::subject::Subject;
use crate::checks::verdict::{Finding, Reason, cite};
use crate::exposition::Sample;
use crate::labels::snake;

/// Families looked at in one scrape at the most; an application has one or two.
const CANDIDATES_MAX: usize = 64;

/// What a family's name promises about a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its labels may carry the application's version.
    Candidate,
    /// It carries a version, of something else.
    SomethingElse(&'static str),
    /// It carries the version of the exporter that speaks for the service.
    Exporter,
    /// The series that the configuration names as proof.
    Configured,
}

/// Label keys that carry a version under any version-like name, the best first: PostgreSQL has a
/// sentence in `version` beside `short_version`.
const KEYS: &[&str] = &[
    "short_version",
    "version",
    "service_version",
    "app_version",
    "software_version",
    "git_version",
    "server_version",
    "release",
];

/// Label keys of a build that stand in where no key above is there.
const REVISION_KEYS: Words = Words("revision commit git_commit sha git_sha tag");

/// Label keys that carry the version of something else.
const FOREIGN_KEYS: Words = Words(
    "go_version kernel_version os_version bios_version docker_version telemetry_sdk_version \
     otel_scope_version client_version protocol_version mqtt_version api_version schema_version \
     java_version python_version cluster_version goversion",
);

/// Values that stand where a version should, in lower case.
const PLACEHOLDERS: Words = Words(
    "unknown dev devel (devel) development _ - none null n/a undefined latest snapshot unset",
);

/// What may stand before `_info` for it to be about the application as a whole.
const WHOLE_INFO: Words =
    Words("build version instance server plugin app application service software release");

/// Libraries that expose their own version.
const LIBRARIES: Words = Words("hikaricp openssl jetty tomcat gunicorn uvicorn");

/// Bytes of a version: it becomes a label of ours.
const VERSION_BYTES_MAX: usize = 128;

/// Reads a name's role, once a name.
pub fn role(family: &Family, subject: &Subject) -> Option<Role> {
    if let Some(configured) = &subject.series.version {
        if *configured == family.name {
            return Some(Role::Configured);
        }
        // Only the configured series proves: a typo in it must show. The rest is the nearest thing.
        let usual = usual_role(family, subject)?;
        return Some(match usual {
            Role::Candidate => {
                Role::SomethingElse("is not the series that the configuration names")
            }
            other => other,
        });
    }
    usual_role(family, subject)
}

fn usual_role(family: &Family, subject: &Subject) -> Option<Role> {
    if matches!(
        family.part,
        Part::Bucket | Part::Sum | Part::Count | Part::Created
    ) {
        return None;
    }
    let mut from_end = family.words().rev();
    let (last, before) = (from_end.next()?, from_end.next().unwrap_or_default());
    let version_like = matches!(last, "info" | "build" | "buildinfo" | "version" | "static")
        || (before == "build" && last == "timestamp");
    if !version_like {
        return None;
    }
    if let Some(pruned) = family.pruned {
        return Some(Role::SomethingElse(match pruned {
            Pruned::Runtime => "is the runtime's version, not the service's",
            Pruned::Plumbing | Pruned::Inventory => pruned.describe(),
        }));
    }
    let stem = family.stem.as_str();
    let exporter = stem
        .strip_suffix("_build_info")
        .or_else(|| stem.strip_suffix("_info"));
    if let Some(exporter) = exporter
        && exporter.ends_with("_exporter")
        && subject.is_known()
        && !subject.is(exporter)
    {
        return Some(Role::Exporter);
    }
    Some(match (before, last) {
        ("go", "version") => Role::SomethingElse("is the runtime's version, not the service's"),
        ("cluster", "version") => {
            Role::SomethingElse("is the cluster's version, not the service's")
        }
        ("uname" | "node", "info") => Role::SomethingElse("is the machine's, not the service's"),
        _ if stem.ends_with("plugin_build_info") => {
            Role::SomethingElse("is a plugin's version, not the service's")
        }
        _ if stem.ends_with("jmx_exporter_build_info") => {
            Role::SomethingElse("is the JMX agent's version, not the service's")
        }
        (_, "info") if !is_about_the_whole(family, before) => {
            Role::SomethingElse("is about a part of the service, not about its version")
        }
        _ => Role::Candidate,
    })
}

/// `shop_info`, `target_info`, `redis_instance_info`; not `shop_openssl_info`.
fn is_about_the_whole(family: &Family, before: &str) -> bool {
    let bare = if family.own {
        family.rest().count() == 1
    } else {
        family.words().count() == 2
    };
    WHOLE_INFO.has(before) || (bare && !LIBRARIES.has(before))
}

/// What the version-like families of one scrape showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    candidates: Vec<Candidate>,
    near: Option<Near>,
}

/// One family with a version in its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    rank: u8,
    family: String,
    version: String,
    series: String,
    /// A second, different value was seen: an inventory of other things.
    several: bool,
}

/// The best of what does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Near {
    reason: Reason,
    rank: u8,
    name: String,
    series: String,
    why: String,
}

impl Evidence {
    /// Looks at one sample of a family with a role.
    pub fn sample(&mut self, role: Role, family: &Family, sample: &Sample<'_>) {
        match role {
            Role::SomethingElse(why) => self.near(Reason::NotTheService, 2, sample, why),
            Role::Exporter => self.near(
                Reason::NotTheService,
                1,
                sample,
                "is the exporter's version, not the service's; if this service is the exporter, add its name as an alias",
            ),
            Role::Configured if !holds(sample) => {
                self.near(Reason::Placeholder, 0, sample, "is not above 0");
            }
            Role::Configured => {
                let labelled = version_label(family, sample).map(|(_, value)| value);
                let version = labelled.unwrap_or_else(|| sample.value.to_string());
                self.candidate(family, version, sample);
            }
            Role::Candidate => self.labels(family, sample),
        }
    }

    fn labels(&mut self, family: &Family, sample: &Sample<'_>) {
        if sample.labels().any(|(key, _)| key == "plugin_id") {
            let why = "is a plugin's version, not the service's";
            return self.near(Reason::NotTheService, 2, sample, why);
        }
        let Some((key, value)) = version_label(family, sample) else {
            return self.near(
                Reason::Missing,
                3,
                sample,
                "has no label that carries a version",
            );
        };
        let quoted: String = value.chars().take(40).collect();
        if is_placeholder(&value) {
            let why = format!("has the placeholder {key}={quoted:?}");
            self.near(Reason::Placeholder, 0, sample, &why);
        } else if value.len() > VERSION_BYTES_MAX {
            let why = format!(
                "has {key} of {} bytes, a version has at most {VERSION_BYTES_MAX}",
                value.len()
            );
            self.near(Reason::Placeholder, 0, sample, &why);
        } else if !looks_like_version(&value) {
            let why = format!("has {key}={quoted:?}, which is no version, date or revision");
            self.near(Reason::Placeholder, 0, sample, &why);
        } else if !holds(sample) {
            self.near(
                Reason::Missing,
                3,
                sample,
                "is not above 0, so it does not hold now",
            );
        } else {
            self.candidate(family, value, sample);
        }
    }

    fn candidate(&mut self, family: &Family, version: String, sample: &Sample<'_>) {
        let known = self.candidates.iter_mut().find(|c| c.family == family.name);
        if let Some(known) = known {
            known.several |= known.version != version;
        } else if self.candidates.len() < CANDIDATES_MAX {
            self.candidates.push(Candidate {
                rank: rank(family),
                family: family.name.clone(),
                version,
                series: cite(sample.series()),
                several: false,
            });
        }
    }

    /// Keeps the most telling near miss, the one of the lowest rank: a placeholder says more than a
    /// runtime's version.
    fn near(&mut self, reason: Reason, rank: u8, sample: &Sample<'_>, why: &str) {
        if self.near.as_ref().is_none_or(|near| rank < near.rank) {
            self.near = Some(Near {
                reason,
                rank,
                name: cite(&sample.name()),
                series: cite(sample.series()),
                why: why.to_owned(),
            });
        }
    }

    /// The version that a pass rests on.
    pub fn version(&self) -> Option<&str> {
        self.proof().map(|candidate| candidate.version.as_str())
    }

    fn proof(&self) -> Option<&Candidate> {
        self.candidates
            .iter()
            .filter(|candidate| !candidate.several)
            .min_by_key(|c| c.rank)
    }

    /// The finding.
    pub fn judge(&self, subject: &Subject) -> Finding {
        if let Some(proof) = self.proof() {
            let message = format!("exposes its version {:?}", proof.version);
            return Finding::pass(message, &proof.series);
        }
        if let Some(inventory) = self.candidates.first() {
            let message = format!(
                "`{}` has several versions: an inventory of other things, not the service's version",
                inventory.family
            );
            return Finding::fail(Reason::Ambiguous, message, vec![inventory.series.clone()]);
        }
        let wanted = match &subject.series.version {
            Some(wanted) => format!("`{wanted}`, which the configuration names, is not there"),
            None => "no version of its own".to_owned(),
        };
        match &self.near {
            Some(near) => Finding::fail(
                near.reason,
                format!("{wanted}: `{}` {}", near.name, near.why),
                vec![near.series.clone()],
            ),
            None if subject.series.version.is_some() => {
                Finding::fail(Reason::Missing, wanted, vec![])
            }
            None => Finding::fail(
                Reason::Missing,
                "no series carries a version: looked for a name ending in _build_info, _info or \
                 _version with a version label",
                vec![],
            ),
        }
    }
}

/// An info metric holds while its value is above 0: 0 and NaN say that it does not.
fn holds(sample: &Sample<'_>) -> bool {
    sample.value > 0.0 && sample.value.is_finite()
}

fn is_placeholder(value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let plain = value.strip_prefix('v').unwrap_or(&value);
    value.is_empty() || PLACEHOLDERS.has(&value) || plain.starts_with("0.0.0")
}

/// A build or a version says it of the program; any other `_info` may be about one of its parts.
fn rank(family: &Family) -> u8 {
    match family.words().next_back() {
        Some("info") if family.stem.ends_with("build_info") => 0,
        Some("info") if family.stem == "target_info" || family.stem == "app_info" => 1,
        Some("info") => 2,
        _ => 0,
    }
}

/// The label of a sample that carries the version: its key as written and its value.
fn version_label(family: &Family, sample: &Sample<'_>) -> Option<(String, String)> {
    let is_build_info = family.stem.ends_with("build_info") || family.stem.ends_with("buildinfo");
    let mut best: Option<(usize, String, String)> = None;
    for (key, value) in sample.labels() {
        let snaked = snake(&key);
        let rank = if FOREIGN_KEYS.has(&snaked) {
            continue;
        } else if let Some(rank) = KEYS.iter().position(|known| *known == snaked) {
            // Of several, what reads as a version wins.
            rank + if looks_like_version(&value) { 0 } else { 100 }
        } else if names_its_family(&snaked, family) || (snaked == "tag" && is_build(family)) {
            50
        } else if is_build_info && REVISION_KEYS.has(&snaked) {
            200
        } else {
            continue;
        };
        if best.as_ref().is_none_or(|(known, ..)| rank < *known) {
            best = Some((rank, key.into_owned(), value.into_owned()));
        }
    }
    best.map(|(_, key, value)| (key, value))
}

/// `redis_version` on `redis_instance_info`: the key's namespace begins the metric's name.
fn names_its_family(key: &str, family: &Family) -> bool {
    key.strip_suffix("_version").is_some_and(|namespace| {
        !namespace.is_empty()
            && family
                .stem
                .strip_prefix(namespace)
                .is_some_and(|rest| rest.starts_with('_'))
    })
}

/// `istio_build{tag="1.16.1"}`.
fn is_build(family: &Family) -> bool {
    family.stem.ends_with("_build") || family.stem.ends_with("build_timestamp")
}

/// Whether a value reads as a version: `v1.2`, `1.2.3-rc1+x`, a date, `RELEASE.<date>`, a revision.
pub fn looks_like_version(value: &str) -> bool {
    let value = value.trim();
    if is_revision(value) {
        return true;
    }
    value
        .split([' ', '-', '_', '/', '@', '+', '(', ')'])
        .any(is_dotted)
        || is_date(value)
}

/// 7 to 40 hex digits, as git abbreviates and prints them.
fn is_revision(value: &str) -> bool {
    (7..=40).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `v1.2`, `1.2.3rc1`, `RELEASE.2024-01-02...` is left to [`is_date`].
fn is_dotted(token: &str) -> bool {
    let token = token.strip_prefix(['v', 'V']).unwrap_or(token);
    let Some((major, rest)) = token.split_once('.') else {
        return false;
    };
    !major.is_empty()
        && major.bytes().all(|b| b.is_ascii_digit())
        && rest.bytes().next().is_some_and(|b| b.is_ascii_digit())
}

/// Holds `YYYY-MM-DD` or `YYYYMMDD`, as in `RELEASE.2023-05-04T21-44-30Z`.
fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    let digits = |from: usize, count: usize| {
        bytes
            .get(from..from + count)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    (0..bytes.len()).any(|at| {
        let century = bytes[at..].starts_with(b"19") || bytes[at..].starts_with(b"20");
        let dashed = digits(at, 4)
            && bytes.get(at + 4) == Some(&b'-')
            && digits(at + 5, 2)
            && bytes.get(at + 7) == Some(&b'-')
            && digits(at + 8, 2);
        century && (dashed || digits(at, 8))
    })
}

#[cfg(test)]
mod tests {
    use super::looks_like_version;

    #[test]
    fn versions_are_told_from_words() {
        for version in [
            "v1.2",
            "1.2.3-rc1+x",
            "1.9.0",
            "release-1.4.0",
            "2024-01-02",
            "20240102",
            "RELEASE.2023-05-04T21-44-30Z",
            "ef176e5",
            "0123456789abcdef0123456789abcdef01234567",
            "15.3 (Debian 15.3-1)",
            "v0.16.0rc1",
            "nightly-20240102-ef176e5",
        ] {
            assert!(looks_like_version(version), "{version}");
        }
        for word in ["v1", "go1.19.1", "main", "", "stable", "172", "beta", "x.y"] {
            assert!(!looks_like_version(word), "{word}");
        }
    }
}
