//! O-6: key metrics under /metrics, and they name their service.

use super::constants::Constants;
use crate::checks::naming::family::{Family, Part};
use crate::checks::naming::namespace::Namespace;
use crate::checks::naming::role::Role;
use crate::checks::naming::words::{Words, words};
use crate::checks::subject::Subject;
use crate::checks::verdict::{Finding, Reason, cite};
use crate::exposition::Sample;
use crate::labels::snake;

/// Label keys by which an info metric of nobody's namespace declares whose the metrics are; `app_id` and the like
/// do where they name the service.
const DECLARING_KEYS: Words =
    Words("name service service_name app app_name application application_name component program");

/// Words of such an info metric: `app_info`, `service_build_info`, `target_info`.
const DECLARING: Words = Words(
    "app application assembly build component info information instance main microservice program server service system \
     target",
);

/// Names declared that are followed.
const DECLARED_MAX: usize = 4;

/// Share of the service's own families that its name must begin.
const PREFIX_SHARE: f64 = 0.5;

/// What one scrape says about whose metrics they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `target_info{service_name}` and `app_info{name}`: value and series.
    declared: Vec<(String, String)>,
    /// Families that are neither the runtime's nor plumbing.
    own_families: u64,
    /// Of those, families that the service's name begins.
    prefixed_families: u64,
    /// A series of a prefixed family.
    prefixed_series: Option<String>,
    /// A runtime family, where nothing else is there.
    runtime_series: Option<String>,
    last_stem: String,
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
        if is_declaration(family) {
            self.declare(family, sample, subject);
        }
    }

    /// Takes who an info metric says that the metrics are of: what names the service, else the first.
    fn declare(&mut self, family: &Family, sample: &Sample<'_>, subject: &Subject) {
        if self.declared.len() >= DECLARED_MAX {
            return;
        }
        let is_resource = family.stem == "target_info";
        let declares = |key: &str, value: &str| match is_resource {
            true => key == "service_name",
            // Of an unknown framework, what it says of others is no other name of the service.
            false if family.namespace == Namespace::Other => {
                DECLARING_KEYS.has(key) && subject.is(value)
            }
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
    pub fn judge(&self, subject: &Subject, constants: &Constants, path: Option<&str>) -> Finding {
        if let Some(path) = path
            && !(path == "/metrics" || path.ends_with("/metrics"))
        {
            let message = format!("metrics are served under `{path}`, not under `/metrics`");
            return Finding::fail(Reason::OtherPath, message, vec![]);
        }
        if constants.is_empty() {
            let why = match self.runtime_series {
                Some(_) => "no metrics of its own: nothing but the runtime's and the process's",
                None => "no metrics at all: nothing but comments",
            };
            let evidence = self.runtime_series.iter().cloned().collect();
            return Finding::fail(Reason::RuntimeOnly, why, evidence);
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
            self.judge_known(subject, constants)
        } else {
            judge_unknown(constants)
        }
    }

    fn judge_known(&self, subject: &Subject, constants: &Constants) -> Finding {
        let named = constants
            .naming()
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
        if let Some((_, constant)) = constants.naming().next() {
            return other_name(&constant.value, subject, &constant.series);
        }
        let looked_for = format!(
            "looked for target_info{{service_name}}, a constant label service={:?}, or metric names that begin \
             with the service's name",
            subject.display()
        );
        match constants.any_naming() {
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
}

/// Nobody said whose metrics these are: what names any service passes.
fn judge_unknown(constants: &Constants) -> Finding {
    match constants.naming().next() {
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

/// `target_info`, `app_info`, `service_info`, `build_info`: an info metric that begins with nobody's name; or the build
/// of what an unknown framework runs.
fn is_declaration(family: &Family) -> bool {
    let is_info = family
        .words()
        .next_back()
        .is_some_and(|last| matches!(last, "info" | "information"));
    let is_build = family.namespace == Namespace::Other && family.stem.ends_with("_build_info");
    is_info && (is_build || family.words().all(|word| DECLARING.has(word)))
}

fn other_name(name: &str, subject: &Subject, series: &str) -> Finding {
    let message = format!(
        "the metrics name {name:?}, discovery says {:?}",
        subject.display()
    );
    Finding::fail(Reason::OtherName, message, vec![series.to_owned()])
}
