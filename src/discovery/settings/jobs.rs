//! The jobs of a configuration, and of the Prometheus configurations that it points at.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::global::{Global, RawGlobal};
use super::job_config::{JobConfig, job_config};
use super::raw::RawScrape;
use crate::document::paths::pattern;
use crate::document::value::Ignored;
use crate::document::yaml::{self, At, Source};
use crate::document::{DocumentError, Origin, files as document_files, glob};

/// Files that `scrape_config_files` may name.
const SCRAPE_FILES_MAX: usize = 10_000;

/// A file of `scrape_config_files`: everything but `scrape_configs` and the defaults that
/// `global` gives them is passed over.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct RawScrapeFile {
    /// Prometheus's own includes are not followed.
    scrape_config_files: Option<Ignored>,
    global: Option<RawGlobal>,
    scrape_configs: Option<Vec<At<RawScrape>>>,
}

/// Jobs gathered from one or several files.
#[derive(Default)]
pub(crate) struct Jobs {
    /// In order; the first that names a target has it.
    pub(crate) ready: Vec<JobConfig>,
    /// What was accepted and means nothing here, a sentence each.
    pub(crate) warnings: Vec<String>,
    /// Where each name was first used.
    names: HashMap<String, String>,
}

impl Jobs {
    /// Reads the jobs that the configuration holds, and those of the files that it points at.
    pub(crate) fn read(
        source: Source<'_>,
        defaults: &RawGlobal,
        own: Option<Vec<At<RawScrape>>>,
        files: Option<Vec<At<PathBuf>>>,
    ) -> Result<Self, DocumentError> {
        let global = defaults.resolve(source)?;
        let mut jobs = Self::default();
        jobs.warn(source, "`global`", &defaults.ignored_keys());
        jobs.add(source, global, defaults, own)?;
        for files in files.unwrap_or_default() {
            jobs.add_files(source, global, defaults, &files)?;
        }
        Ok(jobs)
    }

    fn add(
        &mut self,
        source: Source<'_>,
        global: Global,
        defaults: &RawGlobal,
        raw: Option<Vec<At<RawScrape>>>,
    ) -> Result<(), DocumentError> {
        for raw in raw.unwrap_or_default() {
            let at = match &raw.value.job_name {
                Some(name) => name.referenced,
                None => raw.referenced,
            };
            let (job, ignored_keys) = job_config(source, global, defaults, raw)?;
            let place = format!("{}:{}", source.origin.name, at.line());
            let name = &job.job.name;
            if let Some(first) = self.names.insert(name.clone(), place) {
                let message = format!("job `{name}` is already defined at {first}");
                return Err(source.error(at, message));
            }
            self.warn(source, &format!("job `{name}`"), &ignored_keys);
            self.ready.push(job);
        }
        Ok(())
    }

    fn warn(&mut self, source: Source<'_>, whose: &str, keys: &[&str]) {
        if !keys.is_empty() {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            self.warnings.push(format!(
                "{}: {whose}: accepted without effect: {}",
                source.origin.name,
                keys.join(", ")
            ));
        }
    }

    /// Reads the jobs of existing Prometheus configurations.
    fn add_files(
        &mut self,
        source: Source<'_>,
        ours: Global,
        our_defaults: &RawGlobal,
        files: &At<PathBuf>,
    ) -> Result<(), DocumentError> {
        let at = files.referenced;
        let path = pattern(source, files)?;
        let found = glob::expand(&path)
            .map_err(|error| source.error(at, format!("`{}`: {error}", path.display())))?;
        if found.is_empty() {
            self.warnings.push(format!(
                "{}: `scrape_config_files`: no file matches `{}`",
                source.origin.name,
                path.display()
            ));
        }
        if found.len() > SCRAPE_FILES_MAX {
            let message = format!("{} files are more than {SCRAPE_FILES_MAX}", found.len());
            return Err(source.error(at, message));
        }
        for path in found {
            let origin = Origin::file(&path);
            // Where it is named helps more than that it cannot be read.
            let text = document_files::read(&origin, &path).map_err(|error| {
                source.error(at, format!("`{}`: {}", path.display(), error.message()))
            })?;
            let source = Source {
                origin: &origin,
                text: &text,
            };
            let raw: RawScrapeFile = yaml::parse(source)?;
            if raw.scrape_config_files.is_some() {
                self.warnings.push(format!(
                    "{}: `scrape_config_files` is not followed: name its files where this one is named",
                    origin.name
                ));
            }
            // The file's own `global` holds for its jobs; ours where it has none.
            match &raw.global {
                None => self.add(source, ours, our_defaults, raw.scrape_configs)?,
                Some(defaults) => {
                    self.warn(source, "`global`", &defaults.ignored_keys());
                    let said =
                        defaults.scrape_interval.is_some() || defaults.scrape_timeout.is_some();
                    let global = match said {
                        true => defaults.resolve(source)?,
                        false => ours,
                    };
                    self.add(source, global, defaults, raw.scrape_configs)?;
                }
            }
        }
        Ok(())
    }
}
