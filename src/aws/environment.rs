//! The environment variables that AWS's tools read.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Those of them that are set.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// What this process was started with.
    pub(super) fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            let known = name == "HOME" || name.starts_with("AWS_");
            known.then_some((name, value))
        });
        Self(variables.collect())
    }

    /// One that is empty says nothing.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// The first that is set.
    pub(super) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// A switch.
    pub(super) fn on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A file of AWS's tools: where a variable says, or in the home folder.
    pub(super) fn file(&self, variable: &str, name: &str) -> Option<PathBuf> {
        match self.get(variable) {
            Some(path) => Some(PathBuf::from(path)),
            None => self
                .get("HOME")
                .map(|home| PathBuf::from(home).join(".aws").join(name)),
        }
    }
}

#[cfg(test)]
impl From<&[(&str, &str)]> for Environment {
    fn from(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(variables.collect())
    }
}
