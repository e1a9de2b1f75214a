//! The jobs of a configuration, and of the Prometheus configurations that it points at.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::global::{Global, RawGlobal, written};
use super::job_config::{JobConfig, job_config};
use super::kubernetes::{self, RawKubernetes};
use super::raw::RawScrape;
use crate::discovery::skipped::SkippedJob;
use crate::document::paths::pattern;
use crate::document::value::Ignored;
use crate::document::yaml::{self, At, Source};
use crate::document::{DocumentError, Origin, files as document_files, glob};

/// Files that `scrape_config_files` may name.
const SCRAPE_FILES_MAX: usize = 10_000;

/// Declares a Prometheus configuration: the sections that are read, and those that are passed over.
macro_rules! prometheus_sections {
    (read { $($read:ident: $type:ty,)* } passed_over { $($passed:ident,)* }) => {
        /// A file of `scrape_config_files`. A key that Prometheus does not know is an error, as there.
        #[derive(Debug, Deserialize, Default)]
        #[serde(default, deny_unknown_fields)]
        struct RawScrapeFile {
            $($read: Option<$type>,)*
            $($passed: Option<Ignored>,)*
        }

        impl RawScrapeFile {
            /// The sections that are written and not looked at.
            fn passed_over(&self) -> Vec<&'static str> {
                written(&[$((stringify!($passed), self.$passed.is_some()),)*])
            }
        }
    };
}

prometheus_sections! {
    read {
        scrape_config_files: Ignored,
        global: RawGlobal,
        scrape_configs: Vec<At<RawScrape>>,
    }
    passed_over {
        alerting,
        otlp,
        remote_read,
        remote_write,
        rule_files,
        runtime,
        storage,
        tracing,
    }
}

/// Jobs gathered from one or several files.
#[derive(Default)]
pub(crate) struct Jobs {
    /// In order; the first that names a target has it.
    pub(crate) ready: Vec<JobConfig>,
    /// What was accepted and means nothing here, a sentence each.
    pub(crate) warnings: Vec<String>,
    /// Jobs of referenced files that were passed over.
    pub(crate) skipped: Vec<SkippedJob>,
    /// The files that were pointed at, and patterns of files.
    pub(crate) files: Vec<PathBuf>,
    /// Where each name of the file being read was first used.
    names: HashMap<String, String>,
}

/// Where jobs are written.
pub(crate) struct Written {
    /// `scrape_configs`.
    pub(crate) own: Option<Vec<At<RawScrape>>>,
    /// `kubernetes`.
    pub(crate) kubernetes: Option<At<Option<RawKubernetes>>>,
    /// `scrape_config_files`.
    pub(crate) files: Option<Vec<At<PathBuf>>>,
}

/// Whose jobs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Our own: what is not supported is an error.
    Own,
    /// Somebody else's, who has Prometheus read them: what is not supported is skipped, and said.
    Referenced,
}

impl Jobs {
    /// Reads the jobs that the configuration holds, and those of the files that it points at.
    pub(crate) fn read(
        source: Source<'_>,
        defaults: &RawGlobal,
        written: Written,
    ) -> Result<Self, DocumentError> {
        defaults.check_passed(source)?;
        let global = defaults.resolve(source)?;
        let mut jobs = Self::default();
        jobs.warn(source, "`global`", &defaults.ignored_keys());
        jobs.add(source, global, defaults, written.own, Whose::Own)?;
        if let Some(raw) = written.kubernetes {
            jobs.add_kubernetes(source, global, defaults, raw)?;
        }
        for files in written.files.unwrap_or_default() {
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
        whose: Whose,
    ) -> Result<(), DocumentError> {
        // A name stands for one job in a file; two Prometheus servers may use it twice.
        self.names.clear();
        for raw in raw.unwrap_or_default() {
            let (at, named) = match &raw.value.job_name {
                Some(name) => (name.referenced, name.value.clone()),
                None => (raw.referenced, String::new()),
            };
            let place = format!("{}:{}", source.origin.name, at.line());
            let (job, ignored_keys) = match job_config(source, global, defaults, raw) {
                Ok(read) => read,
                Err(error) if error.is_unsupported() && whose == Whose::Referenced => {
                    self.warnings.push(format!(
                        "{place}: job `{named}` is skipped: {}",
                        error.message()
                    ));
                    self.skipped.push(SkippedJob {
                        job: named,
                        place,
                        why: error.message().to_owned(),
                    });
                    continue;
                }
                Err(error) => return Err(error),
            };
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

    /// The jobs that `kubernetes` stands for; none of them has a name that another has.
    fn add_kubernetes(
        &mut self,
        source: Source<'_>,
        global: Global,
        defaults: &RawGlobal,
        raw: At<Option<RawKubernetes>>,
    ) -> Result<(), DocumentError> {
        let at = raw.referenced;
        for job in kubernetes::jobs(source, global, defaults, raw)? {
            let name = &job.job.name;
            if let Some(first) = self.names.get(name) {
                let message =
                    format!("`kubernetes` makes a job `{name}`, which is defined at {first}");
                return Err(source.error(at, message));
            }
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
        self.files.push(path.clone());
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
            let source = source.beside(&origin, &text);
            let raw: RawScrapeFile = match has_content(&text) {
                true => yaml::parse_first(source)?,
                // Prometheus takes a file without anything in it.
                false => RawScrapeFile::default(),
            };
            let sections: Vec<String> = raw
                .passed_over()
                .iter()
                .map(|section| format!("`{section}`"))
                .collect();
            if !sections.is_empty() {
                self.warnings.push(format!(
                    "{}: passed over, and not checked: {}",
                    origin.name,
                    sections.join(", ")
                ));
            }
            if raw.scrape_config_files.is_some() {
                self.warnings.push(format!(
                    "{}: `scrape_config_files` is not followed: name its files where this one is named",
                    origin.name
                ));
            }
            // The file's own `global` holds for its jobs; ours where it has none.
            match &raw.global {
                None => self.add(
                    source,
                    ours,
                    our_defaults,
                    raw.scrape_configs,
                    Whose::Referenced,
                )?,
                Some(defaults) => {
                    defaults.check_passed(source)?;
                    self.warn(source, "`global`", &defaults.ignored_keys());
                    let said =
                        defaults.scrape_interval.is_some() || defaults.scrape_timeout.is_some();
                    let global = match said {
                        true => defaults.resolve(source)?,
                        false => ours,
                    };
                    self.add(
                        source,
                        global,
                        defaults,
                        raw.scrape_configs,
                        Whose::Referenced,
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn has_content(text: &str) -> bool {
    let is_blank = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
    !text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .all(is_blank)
}
