//! Runs of Mattermost's Playbooks, and incidents of a status page.

use jiff::Timestamp;
use serde::Deserialize;

use crate::sources::error::{SourceError, SourceErrorKind};
use crate::sources::server::Server;

/// Runs and incidents on a page of an answer, and pages that are read: years of incidents.
const PAGE: usize = 100;
const PAGES_MAX: usize = 50;

/// A playbook run: an incident, or a gameday.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its name, as people gave it.
    pub name: String,
    /// When it began.
    pub created: Timestamp,
    /// When it was finished.
    pub ended: Option<Timestamp>,
    /// When its retrospective was published.
    pub retrospective_published: Option<Timestamp>,
    /// Whether somebody decided that there would be none.
    pub retrospective_cancelled: bool,
    /// The retrospective's text, empty where nobody wrote any.
    pub retrospective: String,
    /// Items of its checklists.
    pub actions: usize,
    /// Where it is looked at.
    pub url: String,
}

#[derive(Debug, Deserialize)]
struct RawRuns {
    #[serde(default)]
    has_more: bool,
    items: Vec<RawRun>,
}

#[derive(Debug, Deserialize)]
struct RawRun {
    id: String,
    name: String,
    create_at: i64,
    #[serde(default)]
    end_at: i64,
    #[serde(default)]
    retrospective: String,
    #[serde(default)]
    retrospective_published_at: i64,
    #[serde(default)]
    retrospective_was_canceled: bool,
    #[serde(default)]
    checklists: Option<Vec<RawChecklist>>,
}

#[derive(Debug, Deserialize)]
struct RawChecklist {
    #[serde(default)]
    items: Option<Vec<serde::de::IgnoredAny>>,
}

/// Every run, the newest first.
pub(super) async fn runs(server: &Server) -> Result<Vec<Run>, SourceError> {
    let mut runs = Vec::new();
    for page in 0..PAGES_MAX {
        let (page, size) = (page.to_string(), PAGE.to_string());
        let parameters = [
            ("page", &*page),
            ("per_page", &*size),
            ("sort", "create_at"),
            ("direction", "desc"),
        ];
        let path = "/plugins/playbooks/api/v0/runs";
        let raw: RawRuns = server.json(path, &parameters).await?;
        for run in raw.items {
            let url = server.url(&format!("/playbooks/runs/{}", run.id), &[])?;
            runs.push(run.ready(url.to_string())?);
        }
        if !raw.has_more {
            return Ok(runs);
        }
    }
    Err(SourceError::new(
        SourceErrorKind::Limit,
        format!("more than {} runs", PAGE * PAGES_MAX),
    ))
}

impl RawRun {
    fn ready(self, url: String) -> Result<Run, SourceError> {
        let time = |milliseconds: i64| {
            Timestamp::from_millisecond(milliseconds).map_err(|_| {
                let message = format!("run `{}`: {milliseconds} is no time", self.name);
                SourceError::new(SourceErrorKind::Answer, message)
            })
        };
        // Playbooks writes 0 for what has not happened.
        let happened =
            |milliseconds: i64| (milliseconds > 0).then(|| time(milliseconds)).transpose();
        let checklists = self.checklists.iter().flatten();
        Ok(Run {
            created: time(self.create_at)?,
            ended: happened(self.end_at)?,
            retrospective_published: happened(self.retrospective_published_at)?,
            retrospective_cancelled: self.retrospective_was_canceled,
            actions: checklists
                .map(|list| list.items.as_ref().map_or(0, Vec::len))
                .sum(),
            retrospective: self.retrospective,
            name: self.name,
            url,
        })
    }
}

/// An incident on the status page.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its name.
    pub name: String,
    /// `none`, `minor`, `major`, `critical`.
    pub impact: String,
    /// When it was reported.
    pub created: Timestamp,
    /// How often it was updated, the first report included.
    pub updates: usize,
    /// Where it is looked at.
    pub url: String,
}

#[derive(Debug, Deserialize)]
struct RawIncident {
    name: String,
    #[serde(default)]
    impact: Option<String>,
    created_at: Timestamp,
    #[serde(default)]
    shortlink: Option<String>,
    #[serde(default)]
    incident_updates: Vec<serde::de::IgnoredAny>,
}

/// Every incident of the page, the newest first.
pub(super) async fn incidents(server: &Server) -> Result<Vec<Incident>, SourceError> {
    let mut incidents = Vec::new();
    for page in 1..=PAGES_MAX {
        let (page, size) = (page.to_string(), PAGE.to_string());
        let parameters = [("page", &*page), ("limit", &*size)];
        let raw: Vec<RawIncident> = server.json("/incidents", &parameters).await?;
        let is_last = raw.len() < PAGE;
        incidents.extend(raw.into_iter().map(|raw| Incident {
            name: raw.name,
            impact: raw.impact.unwrap_or_default(),
            created: raw.created_at,
            updates: raw.incident_updates.len(),
            url: raw.shortlink.unwrap_or_default(),
        }));
        if is_last {
            return Ok(incidents);
        }
    }
    Err(SourceError::new(
        SourceErrorKind::Limit,
        format!("more than {} incidents", PAGE * PAGES_MAX),
    ))
}
