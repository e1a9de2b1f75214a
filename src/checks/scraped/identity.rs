//! O-6: key metrics under /metrics, and they name their service.

use crate::checks::naming::family::{Family, Part};
use crate::checks::naming::role::Role;
use crate::checks::naming::words::{Words, words};
use crate::checks::subject::Subject;
use crate::checks::verdict::{Finding, Reason, cite};
use crate::exposition::Sample;
use crate::labels::snake;

/// Label keys whose constant value names the service.
const KEYS: [&str; 7] = [
    "service",
    "service_name",
    "app",
    "app_name",
    "application",
    "application_name",
    "component",
];

/// Label keys by which an info metric of nobody's namespace declares whose the metrics are; `app_id` and the like
/// do where they name the service.
const DECLARING_KEYS: Words =
    Words("name service service_name app app_name application application_name component program");

/// Words of such an info metric: `app_info`, `service_build_info`, `target_info`.
const DECLARING: Words = Words(
    "app application build component info information instance main microservice program server service system target",
);

/// Distinct values followed for each key; a constant label has one.
const VALUES_MAX: usize = 4;

/// Bytes of a value that may be a service's name.
const VALUE_BYTES_MAX: usize = 256;

/// Share of the service's own series that must carry a label for it to name the service.
const CONSTANT_SHARE: f64 = 0.9;

/// Share of the service's own families that its name must begin.
const PREFIX_SHARE: f64 = 0.5;

/// What one scrape says about whose metrics they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `target_info{service_name}` and `app_info{name}`: value and series.
    declared: Vec<(String, String)>,
    /// Series that are not the runtime's.
    own_series: u64,
    /// Families that are neither the runtime's nor plumbing.
    own_families: u64,
    /// Of those, families that the service's name begins.
    prefixed_families: u64,
    /// A series of a prefixed family.
    prefixed_series: Option<String>,
    constants: [Vec<Constant>; KEYS.len()],
    /// A runtime family, where nothing else is there.
    runtime_series: Option<String>,
    last_stem: String,
}

/// One value of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Constant {
    value: String,
    count: u64,
    series: String,
}

impl Evidence {
    /// Looks at one sample; `new_name` where its name was not seen before in this scrape.
    pub fn sample(
        &mut self,
        family: &Family,
        sample: &Sample<'_>,
        subject: &Subject,
        new_name: bool,
    ) {
        if family.role == Role::Runtime {
            if self.runtime_series.is_none() {
                self.runtime_series = Some(cite(sample.series()));
            }
            return;
        }
        if new_name {
            self.family(family, sample);
        }
        if is_declaration(&family.stem) {
            self.declare(family, sample, subject);
        }
        self.own_series += 1;
        for (key, value) in sample.labels() {
            // None is shorter than `app`: most labels are told apart by their length.
            let key = snake(&key);
            if let Some(at) = KEYS.iter().position(|known| *known == key) {
                note(&mut self.constants[at], &value, sample);
            }
        }
    }

    /// Takes who an info metric says that the metrics are of: what names the service, else the first.
    fn declare(&mut self, family: &Family, sample: &Sample<'_>, subject: &Subject) {
        if self.declared.len() >= VALUES_MAX {
            return;
        }
        let is_resource = family.stem == "target_info";
        let declares = |key: &str, value: &str| match is_resource {
            true => key == "service_name",
            false => {
                let is_id = words(key).next().is_some_and(|word| DECLARING.has(word));
                DECLARING_KEYS.has(key) || (is_id && subject.is(value))
            }
        };
        let mut names = sample
            .labels()
            .filter(|(key, value)| !value.is_empty() && declares(&snake(key), value))
            .map(|(_, value)| value);
        let Some(first) = names.next() else {
            return;
        };
        let name = match subject.is(&first) {
            true => first,
            false => names.find(|name| subject.is(name)).unwrap_or(first),
        };
        self.declared.push((cite(&name), cite(sample.series())));
    }

    fn family(&mut self, family: &Family, sample: &Sample<'_>) {
        // `x_bucket`, `x_sum` and `x_count` are one family.
        if !family.role.is_of_application()
            || family.part == Part::Created
            || family.stem == self.last_stem
        {
            return;
        }
        self.last_stem.clone_from(&family.stem);
        self.own_families += 1;
        if family.is_own() {
            self.prefixed_families += 1;
            self.prefixed_series
                .get_or_insert_with(|| cite(sample.series()));
        }
    }

    /// The finding. `path` is the path scraped, `None` for a file.
    pub fn judge(&self, subject: &Subject, path: Option<&str>) -> Finding {
        if let Some(path) = path
            && !(path == "/metrics" || path.ends_with("/metrics"))
        {
            let message = format!("metrics are served under `{path}`, not under `/metrics`");
            return Finding::fail(Reason::OtherPath, message, vec![]);
        }
        if self.own_series == 0 {
            return Finding::fail(
                Reason::RuntimeOnly,
                "no metrics of its own: nothing but the runtime's and the process's",
                self.runtime_series.iter().cloned().collect(),
            );
        }
        // OpenTelemetry's default where nobody named the service: `unknown_service:java`.
        let unnamed = self
            .declared
            .iter()
            .find(|(name, _)| name.starts_with("unknown_service"));
        if let Some((name, series)) = unnamed {
            let message = format!(
                "calls itself {name:?}: OpenTelemetry's default where nobody named the service"
            );
            return Finding::fail(Reason::Unnamed, message, vec![series.clone()]);
        }
        let declared = self
            .declared
            .iter()
            .find(|(name, _)| !subject.is_known() || subject.is(name));
        if let Some((name, series)) = declared {
            return Finding::pass(format!("names itself {name:?}"), series);
        }
        if subject.is_known() {
            self.judge_known(subject)
        } else {
            self.judge_unknown()
        }
    }

    fn judge_known(&self, subject: &Subject) -> Finding {
        let named = self
            .constant_labels()
            .find(|(_, constant)| subject.is(&constant.value));
        if let Some((key, constant)) = named {
            let message = format!("its series carry {key}={:?}", constant.value);
            return Finding::pass(message, &constant.series);
        }
        if let Some(series) = &self.prefixed_series
            && self.prefixed_families as f64 >= PREFIX_SHARE * self.own_families as f64
        {
            let message = format!(
                "{} of its {} metric families are named after it",
                self.prefixed_families, self.own_families
            );
            return Finding::pass(message, series);
        }
        if let Some((name, series)) = self.declared.first() {
            return other_name(name, subject, series);
        }
        if let Some((_, constant)) = self.constant_labels().next() {
            return other_name(&constant.value, subject, &constant.series);
        }
        let nearest = self
            .constants
            .iter()
            .zip(KEYS)
            .find_map(|(values, key)| values.first().map(|constant| (key, constant)));
        let looked_for = format!(
            "looked for target_info{{service_name}}, a constant label service={:?}, or metric names that begin \
             with the service's name",
            subject.display()
        );
        match nearest {
            Some((key, constant)) => Finding::fail(
                Reason::Unnamed,
                format!(
                    "the metrics do not name the service: {key}={:?} is what a series is about, not constant; {looked_for}",
                    constant.value
                ),
                vec![constant.series.clone()],
            ),
            None => Finding::fail(
                Reason::Unnamed,
                format!("the metrics do not name the service; {looked_for}"),
                vec![],
            ),
        }
    }

    /// Nobody said whose metrics these are: what names any service passes.
    fn judge_unknown(&self) -> Finding {
        match self.constant_labels().next() {
            Some((key, constant)) => Finding::pass(
                format!("its series carry {key}={:?}", constant.value),
                &constant.series,
            ),
            None => Finding::fail(
                Reason::Unnamed,
                "the metrics do not name a service: looked for target_info{service_name} or a constant \
                 service label; `--service` says which name to look for in metric names",
                vec![],
            ),
        }
    }

    /// The labels that at least 90 % of the service's own series share.
    fn constant_labels(&self) -> impl Iterator<Item = (&'static str, &Constant)> {
        let enough = CONSTANT_SHARE * self.own_series as f64;
        KEYS.into_iter()
            .zip(&self.constants)
            .flat_map(move |(key, values)| {
                values
                    .iter()
                    .filter(move |value| value.count as f64 >= enough)
                    .map(move |value| (key, value))
            })
    }
}

/// `target_info`, `app_info`, `service_info`, `build_info`: an info metric that begins with nobody's name.
fn is_declaration(stem: &str) -> bool {
    let is_info = words(stem)
        .next_back()
        .is_some_and(|last| matches!(last, "info" | "information"));
    is_info && words(stem).all(|word| DECLARING.has(word))
}

fn other_name(name: &str, subject: &Subject, series: &str) -> Finding {
    let message = format!(
        "the metrics name {name:?}, discovery says {:?}",
        subject.display()
    );
    Finding::fail(Reason::OtherName, message, vec![series.to_owned()])
}

/// Counts a value. Where there are too many, the rarest makes room: a constant one is never it.
fn note(values: &mut Vec<Constant>, value: &str, sample: &Sample<'_>) {
    if let Some(known) = values.iter_mut().find(|known| known.value == value) {
        known.count += 1;
        return;
    }
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        return;
    }
    if values.len() == VALUES_MAX {
        let rarest = (0..values.len())
            .min_by_key(|at| values[*at].count)
            .unwrap_or(0);
        values.remove(rarest);
    }
    values.push(Constant {
        value: value.to_owned(),
        count: 1,
        series: cite(sample.series()),
    });
}
