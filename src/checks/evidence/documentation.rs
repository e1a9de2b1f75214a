//! What the catalogue shows: `owners`, `pages`, `openness`.

use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use super::facts::{Facts, day, period, unexpected_answer};
use crate::catalogue::{Entry, Openness};
use crate::checks::setup::Setup;
use crate::checks::verdict::{Basis, Finding, Reason, worst};
use crate::document::value::Interval;
use crate::sources::{Answer, Query};

/// How long nobody is blamed for what the catalogue does not say.
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Enough people answer for the service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owners {
    /// How many different ones.
    pub at_least: usize,
}

/// Pages that the catalogue links to answer, and are kept up to date.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// Which.
    pub of: Vec<Page>,
    /// How long ago they may have changed, where they say so.
    pub changed_within: Interval,
}

/// A kind of page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// Documentation.
    Docs,
    /// The architecture, drawn.
    Diagram,
}

impl Page {
    fn url(self, entry: &Entry) -> Option<&Url> {
        match self {
            Page::Docs => entry.links.docs.as_ref(),
            Page::Diagram => entry.links.diagram.as_ref(),
        }
    }

    fn key(self) -> &'static str {
        match self {
            Page::Docs => "docs_url",
            Page::Diagram => "diagram_url",
        }
    }
}

/// The entry, or why nothing is known of it.
fn entry<'a>(facts: &Facts<'a>) -> Result<&'a Entry, Finding> {
    if !facts.catalogue.is_configured {
        let message = "no catalogue is configured (`catalogue` names no files)";
        return Err(Finding::not_configured(Setup::Catalogue, message).on(Basis::Declared));
    }
    facts.entry().ok_or_else(|| {
        let message = "the service is not in the catalogue";
        facts
            .missing(Reason::Missing, GRACE, message)
            .on(Basis::Declared)
    })
}

impl Owners {
    /// Judges who is written down.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let entry = match entry(facts) {
            Ok(entry) => entry,
            Err(finding) => return finding,
        };
        let mut owners = entry.owners.clone();
        owners.sort();
        owners.dedup();
        let cited = [format!("{}: owners {}", entry.place, owners.join(", "))];
        match owners.len() {
            0 => {
                let what = "the catalogue names no people who own it (`owners`)";
                facts.missing(Reason::Missing, GRACE, what)
            }
            count if count < self.at_least => {
                let message = format!("owners written down: {count}, asked are {}", self.at_least);
                Finding::fail(Reason::TooFew, message, Vec::new())
            }
            count => Finding::pass(format!("{count} people own it"), ""),
        }
        .on(Basis::Declared)
        .citing(cited)
    }
}

impl Pages {
    /// Every page that the catalogue names.
    pub(super) fn queries<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = Query> + 'a {
        let urls = self.of.iter().filter_map(|page| page.url(entry));
        urls.map(|url| Query::Link(url.clone()))
    }

    /// Judges each page.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Finding {
        let entry = match entry(facts) {
            Ok(entry) => entry,
            Err(finding) => return finding,
        };
        let judged = self.of.iter().map(|page| match page.url(entry) {
            None => {
                let what = format!("the catalogue names no `{}`", page.key());
                let cited = [entry.place.clone()];
                facts
                    .missing(Reason::Missing, GRACE, &what)
                    .on(Basis::Declared)
                    .citing(cited)
            }
            Some(url) => self.judge_page(facts, *page, url),
        });
        judged.reduce(worst).unwrap_or_else(|| {
            Finding::not_applicable(Reason::NotConcerned, "no page is asked for")
        })
    }

    fn judge_page(&self, facts: &Facts<'_>, page: Page, url: &Url) -> Finding {
        let link = match link(facts, url) {
            Ok(link) => link,
            Err(finding) => return finding,
        };
        let key = page.key();
        let modified = link
            .modified
            .and_then(|at| jiff::Timestamp::try_from(at).ok());
        let oldest = facts.now - period(self.changed_within);
        match (link.status, modified) {
            (200, Some(modified)) if modified < oldest => {
                let message = format!("`{key}` was last changed on {}", day(modified));
                Finding::fail(Reason::Overdue, message, Vec::new())
            }
            (200, Some(modified)) => {
                Finding::pass(format!("`{key}` answers, changed on {}", day(modified)), "")
            }
            (200, None) => Finding::weak(
                format!("`{key}` answers and does not say when it changed"),
                "",
            ),
            (status, _) => {
                let message = format!("`{key}` answers {status}, asked is 200");
                Finding::fail(Reason::Unreachable, message, Vec::new())
            }
        }
        .on(Basis::Measured)
        .citing([url.to_string()])
    }
}

fn link<'a>(facts: &Facts<'a>, url: &Url) -> Result<&'a crate::sources::Link, Finding> {
    match facts.ask_one(&Query::Link(url.clone()))? {
        (_, Answer::Link(link)) => Ok(link),
        (source, _) => Err(unexpected_answer(source)),
    }
}

/// The repository that must be public, where the entry says that it is.
pub(super) fn repository(entry: &Entry) -> Option<Query> {
    match entry.openness {
        Some(Openness::OpenSource) => entry.links.repository.clone().map(Query::Link),
        Some(Openness::Private(_)) | None => None,
    }
}

/// Judges whether the source is open, or why not.
pub(super) fn judge_openness(facts: &Facts<'_>) -> Finding {
    let entry = match entry(facts) {
        Ok(entry) => entry,
        Err(finding) => return finding,
    };
    match (&entry.openness, &entry.links.repository) {
        (None, _) => {
            let what = "the catalogue says neither `open_source` nor a `private_reason`";
            facts
                .missing(Reason::Missing, GRACE, what)
                .on(Basis::Declared)
        }
        (Some(Openness::Private(reason)), _) => {
            let cited = [format!("{}: private_reason", entry.place)];
            Finding::pass(format!("private, because: {reason}"), "")
                .on(Basis::Declared)
                .citing(cited)
        }
        (Some(Openness::OpenSource), None) => {
            let what = "open source, and the catalogue names no `repository`";
            Finding::fail(Reason::Missing, what, Vec::new()).on(Basis::Declared)
        }
        (Some(Openness::OpenSource), Some(url)) => match link(facts, url) {
            Err(finding) => finding,
            Ok(link) if link.status == 200 => {
                Finding::pass("open source, and its repository answers", "")
            }
            Ok(link) => {
                let message = format!("open source, and its repository answers {}", link.status);
                Finding::fail(Reason::Unreachable, message, Vec::new())
            }
        }
        .on(Basis::Measured)
        .citing([url.to_string()]),
    }
}
