//! The report that is asked for: the frozen one, where there is one, else computed.

use jiff::civil::Date;

use super::compute::report;
use super::frozen;
use super::model::Report;
use super::question::Question;
use crate::history::{Frozen, HistoryError, Reader};

/// A report, and whether it is one that does not change any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The report.
    pub report: Report,
    /// How it was frozen.
    pub frozen: Option<Frozen>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// History cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The frozen one cannot be.
    #[error("{0}")]
    Frozen(String),
    /// It has not begun.
    #[error("{period} has not begun: its first day is {first}")]
    NotBegun {
        /// The period's name.
        period: String,
        /// Its first day.
        first: Date,
    },
    /// The team owned nothing in it, and promised nothing.
    #[error("team `{team}` has no services and no objectives in {period}")]
    NoSuchTeam {
        /// The team.
        team: String,
        /// The period's name.
        period: String,
    },
}

/// The report that answers a question.
pub fn find(reader: &Reader, question: &Question<'_>) -> Result<Found, ReportError> {
    if question.team.is_none()
        && let Some(known) = reader.frozen(question.period.span)?
    {
        return Ok(Found {
            report: frozen::read(&known).map_err(ReportError::Frozen)?,
            frozen: Some(known),
        });
    }
    compute(reader, question)
}

/// The same, computed anew.
pub fn compute(reader: &Reader, question: &Question<'_>) -> Result<Found, ReportError> {
    let period = question.period;
    if period.span.from > question.now {
        return Err(ReportError::NotBegun {
            period: period.name.clone(),
            first: period.first,
        });
    }
    let made = report(reader, question)?;
    let is_nobody = made.teams.is_empty() && made.objectives.is_empty();
    match question.team {
        Some(team) if is_nobody => Err(ReportError::NoSuchTeam {
            team: team.to_owned(),
            period: question.period.name.clone(),
        }),
        _ => Ok(Found {
            report: made,
            frozen: None,
        }),
    }
}
