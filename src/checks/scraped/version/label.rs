//! Which label of a version-like series carries the version.

use std::borrow::Cow;

use super::value::looks_like_version;
use crate::checks::naming::family::Family;
use crate::checks::naming::namespace::{GENERIC_NAMES, Namespace};
use crate::checks::naming::products::{BACKENDS, LIBRARIES, PRODUCTS, RUNTIMES};
use crate::checks::naming::words::{Words, words};
use crate::checks::subject::Subject;
use crate::exposition::Sample;
use crate::labels::snake;

/// Label keys that carry a version under any version-like name, the best first: PostgreSQL has a
/// sentence in `version` beside `short_version`.
const KEYS: &[&str] = &[
    "short_version",
    "version",
    "vsn",
    "ver",
    "service_version",
    "app_version",
    "application_version",
    "build_version",
    "software_version",
    "git_version",
    "server_version",
    "release_version",
    "release",
    "image_tag",
    "git_describe",
];

/// Label keys of a build that stand in where no key above is there, as in `istio_build{tag="1.16.1"}`.
const REVISION_KEYS: Words = Words("hash sha tag");

/// Label keys of a revision under any version-like name.
const GIT_KEYS: Words = Words(
    "commit commit_hash commit_id commit_sha git_commit git_hash git_revision git_sha git_tag revision short_commit \
     vcs_revision",
);

/// Label keys that carry the version of something else.
const FOREIGN_KEYS: Words = Words(
    "go_version kernel_version os_version bios_version docker_version telemetry_sdk_version \
     otel_scope_version client_version protocol_version mqtt_version api_version schema_version \
     java_version python_version cluster_version goversion",
);

/// Label keys beside the release of an operating system.
const KERNEL_KEYS: Words = Words("kernel machine nodename sysname");

/// Words of a family that is about the machine, whose release is that of its operating system.
const MACHINES: Words = Words("host kernel machine os system uname");

/// Label keys whose value says of what a version is.
const ABOUT_KEYS: Words = Words(
    "artifact component dependency driver engine library module name package plugin product program server",
);

/// Label keys by which an info metric of nobody's name says whose it is.
const DECLARING_KEYS: Words =
    Words("app app_name application application_name service service_name");

/// The same of a name of which nothing is known: of what, beside whose.
const NAME_KEYS: Words =
    Words("app app_name application application_name name service service_name");

/// What OpenTelemetry calls a service that nobody named.
const UNNAMED: &str = "unknown_service";

/// Label keys whose value may name who a build is of.
const NAMING_KEYS: Words = Words(
    "app app_name application application_name artifact binary component module name product program project \
     service service_name",
);

/// Whether a label names the service.
pub(super) fn names(subject: &Subject, sample: &Sample<'_>) -> bool {
    let mut labels = sample.labels();
    labels.any(|(key, value)| NAMING_KEYS.has(&snake(&key)) && subject.is(&value))
}

/// What a label says that a version is of, where that is a known product or library and not the service.
pub(super) fn is_about<'a>(subject: &Subject, sample: &Sample<'a>) -> Option<Cow<'a, str>> {
    let is_known = |value: &str| {
        let lists = [BACKENDS, PRODUCTS, LIBRARIES, RUNTIMES];
        lists.iter().any(|words| words.has(value))
    };
    sample
        .labels()
        .find(|(key, value)| {
            ABOUT_KEYS.has(&snake(key)) && is_known(&snake(value)) && !subject.is(value)
        })
        .map(|(_, value)| value)
}

/// Who an info metric says that it is of, where that is not the service, nor called after it. `build_info` of a program
/// under an alias that nobody wrote down is told by what the two names share.
pub(super) fn names_another<'a>(
    namespace: Namespace,
    subject: &Subject,
    sample: &Sample<'a>,
) -> Option<Cow<'a, str>> {
    let keys = match namespace {
        Namespace::Own | Namespace::Related => return None,
        Namespace::Generic => DECLARING_KEYS,
        Namespace::Other | Namespace::Product => NAME_KEYS,
    };
    let shares = |value: &str| {
        let value = snake(value);
        let mut names = subject.names().iter();
        names.any(|name| {
            words(name).any(|word| !GENERIC_NAMES.has(word) && words(&value).any(|w| w == word))
        })
    };
    let mut declared = sample
        .labels()
        .filter(|(key, value)| {
            keys.has(&snake(key)) && !value.is_empty() && !value.starts_with(UNNAMED)
        })
        .map(|(_, value)| value)
        .peekable();
    let first = declared.peek().cloned()?;
    let is_another =
        subject.is_known() && !declared.any(|value| subject.is(&value) || shares(&value));
    is_another.then_some(first)
}

/// The label of a sample that carries the version: its key as written and its value.
pub(super) fn version_label(family: &Family, sample: &Sample<'_>) -> Option<(String, String)> {
    let is_build = family
        .words()
        .any(|word| matches!(word, "build" | "buildinfo"));
    // `release` of an operating system, as `uname` tells it.
    let is_kernel = MACHINES.any(family.words())
        || sample
            .labels()
            .any(|(key, _)| KERNEL_KEYS.has(&snake(&key)));
    let mut best: Option<(usize, String, String)> = None;
    for (key, value) in sample.labels() {
        let snaked = snake(&key);
        let rank = if FOREIGN_KEYS.has(&snaked) || (is_kernel && snaked == "release") {
            continue;
        } else if let Some(rank) = KEYS.iter().position(|known| *known == snaked) {
            // Of several, what reads as a version wins.
            rank + if looks_like_version(&value) { 0 } else { 100 }
        } else if names_its_family(&snaked, family) {
            50
        } else if GIT_KEYS.has(&snaked) || (is_build && REVISION_KEYS.has(&snaked)) {
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
