//! A configuration ready to use: the settings of every stage.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::calendar::FiscalCalendar;
use crate::catalogue::{Catalogue, RecordFiles, Records, ServiceOverride};
use crate::discovery::settings::DiscoverySettings;
use crate::history::HistorySettings;
use crate::http_client::DialPolicy;
use crate::manifesto::{self, Level, Manifesto, ManifestoError, RulesConfig};
use crate::snapshot::Ruleset;
use crate::sources::{EvidencePlan, SourceConfig, SourceKind};

/// Everything that the configuration says, with every default filled in and every value checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What to scrape, and what discovery makes of it.
    pub discovery: Arc<DiscoverySettings>,
    /// What is special about a service, by its name.
    pub services: BTreeMap<String, ServiceOverride>,
    /// Files of jobs that others keep, and patterns of files.
    pub scrape_files: Vec<PathBuf>,
    /// Files of the service catalogue, and patterns of files.
    pub catalogue: Vec<PathBuf>,
    /// Files of records beside it.
    pub records: RecordFiles,
    /// Servers that are asked for evidence.
    pub sources: Vec<Arc<SourceConfig>>,
    /// What is said about the manifesto's rules.
    pub rules: RulesConfig,
    /// `levels`: the lowest first.
    pub levels: Vec<Level>,
    /// Which addresses may be dialled.
    pub dial: DialPolicy,
    /// Whether credentials may travel over plain HTTP to another machine.
    pub plaintext_credentials: bool,
    /// How many scrapes may be in flight at once; the scraper's default where not said.
    pub scrape_concurrency: Option<usize>,
    /// How many threads scrape; the daemon's default where not said. Taken at the start.
    pub scrape_threads: Option<usize>,
    /// `series_budget`: compliance series published at the most before targets are summarised.
    pub series_max: usize,
    /// `score.carry_over`: how long the last measured outcome of a rule counts once it cannot be measured.
    pub carried_for: SignedDuration,
    /// `fiscal_year`: how quarters are cut and named.
    pub calendar: FiscalCalendar,
    /// `history`: where it is kept.
    pub history: HistorySettings,
    /// What was accepted and means nothing here, a sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// The files that it names and that are read with it, and patterns of files.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        let records = &self.records;
        let all = [
            &self.scrape_files,
            &self.rules.files,
            &self.catalogue,
            &records.attestations,
            &records.waivers,
            &records.objectives,
            &records.initiatives,
            &records.slos,
        ];
        all.into_iter().flatten().cloned()
    }

    /// Whether anything beside targets is configured that could prove a rule.
    pub fn has_evidence(&self) -> bool {
        let asks = |source: &Arc<SourceConfig>| source.kind != SourceKind::Links;
        !self.catalogue.is_empty()
            || self.records != RecordFiles::default()
            || self.sources.iter().any(asks)
    }

    /// The rules that it makes, with what is written down.
    pub fn ruleset(
        &self,
        catalogue: Catalogue,
        records: Records,
    ) -> Result<Ruleset, ManifestoError> {
        let manifesto = Manifesto::load(&self.rules)?;
        manifesto.judges_what_levels_ask(&self.levels)?;
        let mut ruleset = Ruleset::new(manifesto, catalogue, records, &self.services);
        let mut sources = self.sources.iter();
        if !sources.any(|source| source.kind == SourceKind::Prometheus) {
            let unasked = ruleset.records.queries().into_iter();
            let unasked = unasked.map(|what| {
                format!("{what} asks a query, and no source of kind `prometheus` is configured")
            });
            ruleset.records.warnings.extend(unasked);
        }
        Ok(Ruleset {
            carried_for: self.carried_for,
            levels: self.levels.clone(),
            ..ruleset
        })
    }

    /// What the rules want to know of its sources; of one service alone, nobody else's pages are
    /// looked at.
    pub fn evidence_plan(&self, ruleset: &Ruleset, service: Option<&str>) -> EvidencePlan {
        let alone = service.map(|service| ruleset.catalogue.only(service));
        let catalogue = alone.as_ref().unwrap_or(&ruleset.catalogue);
        EvidencePlan {
            sources: self.sources.clone(),
            queries: manifesto::queries(&ruleset.manifesto, catalogue, &ruleset.records),
            dial: self.dial.clone(),
        }
    }
}
