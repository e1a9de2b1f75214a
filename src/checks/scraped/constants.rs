//! The labels that nearly all of a service's own series share: they say whose the series are, and of which version.

use crate::checks::naming::family::Family;
use crate::checks::verdict::cite;
use crate::exposition::Sample;
use crate::labels::snake;

/// Label keys whose constant value names the service.
const NAMING_KEYS: [&str; 7] = [
    "service",
    "service_name",
    "app",
    "app_name",
    "application",
    "application_name",
    "component",
];

/// Label keys whose constant value is the version of what exposes it.
const VERSION_KEYS: [&str; 9] = [
    "version",
    "service_version",
    "app_version",
    "application_version",
    "build_version",
    "release",
    "git_commit",
    "git_sha",
    "revision",
];

/// Distinct values followed for each key; a constant label has one.
const VALUES_MAX: usize = 4;

/// Bytes of a value that may be constant.
const VALUE_BYTES_MAX: usize = 256;

/// Share of the service's own series that must carry a label for it to be constant.
const CONSTANT_SHARE: f64 = 0.9;

/// Families that a label must be on to be the version of the program: the requests of one server may all carry that of
/// their protocol.
const VERSION_FAMILIES_MIN: u32 = 3;

/// What one scrape says of such labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constants {
    /// Series that are not the runtime's.
    series: u64,
    /// Families of them; the parts of one (`x_bucket`, `x_sum`) follow each other.
    families: u32,
    last_stem: String,
    naming: [Vec<Constant>; NAMING_KEYS.len()],
    version: [Vec<Constant>; VERSION_KEYS.len()],
}

/// One value of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Constant {
    /// The value.
    pub(super) value: String,
    /// The first series that carries it.
    pub(super) series: String,
    count: u64,
}

impl Constants {
    /// Looks at one series of the service's own; `new_name` where its name was not seen before in this scrape, since
    /// families may take turns.
    pub(super) fn sample(&mut self, family: &Family, sample: &Sample<'_>, new_name: bool) {
        self.series += 1;
        if new_name && self.last_stem != family.stem {
            self.last_stem.clone_from(&family.stem);
            self.families = self.families.saturating_add(1);
        }
        for (key, value) in sample.labels() {
            let key = snake(&key);
            if let Some(at) = place(&NAMING_KEYS, &key) {
                note(&mut self.naming[at], &value, sample);
            } else if let Some(at) = place(&VERSION_KEYS, &key) {
                note(&mut self.version[at], &value, sample);
            }
        }
    }

    /// Whether the service has any series of its own.
    pub(super) fn is_empty(&self) -> bool {
        self.series == 0
    }

    /// What names whose the series are.
    pub(super) fn naming(&self) -> impl Iterator<Item = (&'static str, &Constant)> {
        self.constant(&NAMING_KEYS, &self.naming)
    }

    /// What may be the version of what exposes them.
    pub(super) fn version(&self) -> impl Iterator<Item = (&'static str, &Constant)> {
        let enough = self.families >= VERSION_FAMILIES_MIN;
        self.constant(&VERSION_KEYS, &self.version)
            .filter(move |_| enough)
    }

    /// The first naming label that is there, constant or not.
    pub(super) fn any_naming(&self) -> Option<(&'static str, &Constant)> {
        let mut all = NAMING_KEYS.into_iter().zip(&self.naming);
        all.find_map(|(key, values)| values.first().map(|constant| (key, constant)))
    }

    fn constant<'a>(
        &'a self,
        keys: &'static [&'static str],
        values: &'a [Vec<Constant>],
    ) -> impl Iterator<Item = (&'static str, &'a Constant)> {
        let enough = CONSTANT_SHARE * self.series as f64;
        keys.iter().zip(values).flat_map(move |(key, values)| {
            values
                .iter()
                .filter(move |value| value.count as f64 >= enough)
                .map(move |value| (*key, value))
        })
    }
}

fn place(keys: &[&str], key: &str) -> Option<usize> {
    keys.iter().position(|known| *known == key)
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
