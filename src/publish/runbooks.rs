//! The runbooks of the alerts that ship with the exporter, served as they are written: an alert's
//! `runbook_url` leads here, to the text that belongs to the version that runs.

macro_rules! runbooks {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../docs/runbooks/", $name, ".md")))),*]
    };
}

/// Name and text by alert.
const RUNBOOKS: &[(&str, &str)] = runbooks! {
    "ManifestoAttestationExpiring"
    "ManifestoComplianceFalling"
    "ManifestoDiscoveryEmptied"
    "ManifestoDiscoveryFailing"
    "ManifestoDiscoveryJobsSkipped"
    "ManifestoDiscoveryShrunk"
    "ManifestoExporterDown"
    "ManifestoExporterFileDescriptorsLow"
    "ManifestoExporterNotReady"
    "ManifestoHistoryFailing"
    "ManifestoKeyResultOffTrack"
    "ManifestoManyServicesDown"
    "ManifestoReloadFailed"
    "ManifestoRuleNotKept"
    "ManifestoRuleNotKeptByMany"
    "ManifestoRulesUnknown"
    "ManifestoScrapePanics"
    "ManifestoScrapesLate"
    "ManifestoSeriesSummarised"
    "ManifestoServiceDown"
    "ManifestoServiceMissing"
    "ManifestoSnapshotStale"
    "ManifestoSourceDown"
    "ManifestoTargetsNotScraped"
    "ManifestoWaiverExpiring"
    "ManifestoWebConfigUnreadable"
};

/// The runbook of an alert.
pub(super) fn find(alert: &str) -> Option<&'static str> {
    let known = RUNBOOKS.iter().find(|(name, _)| *name == alert);
    known.map(|(_, text)| *text)
}

/// The names of all, a line each.
pub(super) fn names() -> String {
    RUNBOOKS
        .iter()
        .map(|(name, _)| format!("/runbooks/{name}\n"))
        .collect()
}
