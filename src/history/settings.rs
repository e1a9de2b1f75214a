//! `history`: where it is kept, and for how long.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};

use super::error::HistoryError;
use crate::document::DocumentError;
use crate::document::paths::absolute;
use crate::document::quantity::Period;
use crate::document::yaml::{At, Source};

/// The file's name in the state directory.
const FILE: &str = "history.sqlite";

/// For how long history is kept where nobody says: three years, and a quarter to compare the last with.
const RETENTION_DEFAULT: SignedDuration = SignedDuration::from_hours(24 * 1_190);

/// A report compares a quarter with the one before, and reports are frozen a month after.
const RETENTION_MIN: SignedDuration = SignedDuration::from_hours(24 * 220);

/// Where history is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistorySettings {
    /// Where.
    pub location: Location,
    /// For how long.
    pub retention: SignedDuration,
}

/// Where history is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Nowhere.
    Off,
    /// In the state directory of the service or the user.
    StateFolder,
    /// In this file.
    File(PathBuf),
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self {
            location: Location::StateFolder,
            retention: RETENTION_DEFAULT,
        }
    }
}

impl HistorySettings {
    /// The file, `None` where none is kept. `variable` reads the environment.
    pub fn file(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<PathBuf>, HistoryError> {
        match &self.location {
            Location::Off => Ok(None),
            Location::File(path) => Ok(Some(path.clone())),
            Location::StateFolder => state_folder(variable)
                .map(|folder| Some(folder.join(FILE)))
                .ok_or(HistoryError::NoFolder),
        }
    }
}

/// `$STATE_DIRECTORY` of systemd (the first, where it names several), else a folder of our own in
/// `$XDG_STATE_HOME`, by default `~/.local/state` (XDG Base Directory Specification 0.8: relative paths are
/// to be ignored).
fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let value = variable(name)?;
        let first = std::env::split_paths(&value).next()?;
        first.is_absolute().then_some(first)
    };
    let own = |folder: PathBuf| folder.join("manifesto-exporter");
    absolute("STATE_DIRECTORY")
        .or_else(|| absolute("XDG_STATE_HOME").map(own))
        .or_else(|| absolute("HOME").map(|home| own(home.join(".local/state"))))
}

/// `history` as written: `off`, or a mapping.
#[derive(Debug)]
pub(crate) enum RawHistory {
    Off,
    Kept(RawKept),
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawKept {
    path: Option<At<PathBuf>>,
    retention: Option<At<Period>>,
}

impl<'de> Deserialize<'de> for RawHistory {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawHistory;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`off`, or a mapping of `path` and `retention`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawHistory, E> {
                match text {
                    "off" => Ok(RawHistory::Off),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_bool<E: de::Error>(self, is_on: bool) -> Result<RawHistory, E> {
                match is_on {
                    false => Ok(RawHistory::Off),
                    true => Ok(RawHistory::Kept(RawKept::default())),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawHistory, A::Error> {
                let map = de::value::MapAccessDeserializer::new(map);
                RawKept::deserialize(map).map(RawHistory::Kept)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl RawHistory {
    /// Makes it ready.
    pub(crate) fn resolve(self, source: Source<'_>) -> Result<HistorySettings, DocumentError> {
        let raw = match self {
            Self::Off => {
                return Ok(HistorySettings {
                    location: Location::Off,
                    retention: RETENTION_DEFAULT,
                });
            }
            Self::Kept(raw) => raw,
        };
        let retention = match raw.retention {
            None => RETENTION_DEFAULT,
            Some(written) => {
                let wanted =
                    SignedDuration::try_from(written.value.0).unwrap_or(SignedDuration::MAX);
                if wanted < RETENTION_MIN {
                    let days = RETENTION_MIN.as_hours() / 24;
                    let message = format!(
                        "`retention` of {} d is shorter than {days} d",
                        wanted.as_hours() / 24
                    );
                    return Err(source
                        .error(written.referenced, message)
                        .with_hint("a report compares a quarter with the one before"));
                }
                wanted
            }
        };
        let location = raw.path.map_or(Location::StateFolder, |path| {
            Location::File(absolute(source, &path.value))
        });
        Ok(HistorySettings {
            location,
            retention,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variable = |name: &str| {
            let mut all = variables.iter();
            let found = all.find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let settings = HistorySettings::default();
        settings.file(variable).ok().flatten()
    }

    #[test]
    fn the_state_folder_is_the_services_or_the_users() {
        let is = |variables: &[_], path: &str| assert_eq!(found(variables), Some(path.into()));
        let systemd = ("STATE_DIRECTORY", "/var/lib/manifesto:/var/lib/other");
        let xdg = ("XDG_STATE_HOME", "/home/ann/state");
        let home = ("HOME", "/home/ann");
        is(&[systemd, xdg, home], "/var/lib/manifesto/history.sqlite");
        is(
            &[xdg, home],
            "/home/ann/state/manifesto-exporter/history.sqlite",
        );
        let default = "/home/ann/.local/state/manifesto-exporter/history.sqlite";
        is(&[home], default);
        is(&[("XDG_STATE_HOME", "state"), home], default);
        assert_eq!(found(&[("HOME", "")]), None);
        assert_eq!(found(&[]), None);
    }
}
