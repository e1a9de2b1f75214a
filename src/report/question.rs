//! What is asked of history.

use jiff::Timestamp;

use crate::calendar::{FiscalCalendar, Period};

/// What is asked of history.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Which days.
    pub period: &'a Period,
    /// How quarters are cut.
    pub calendar: &'a FiscalCalendar,
    /// Of one team alone.
    pub team: Option<&'a str>,
    /// The moment of asking: whether the period is over. Nothing else depends on it.
    pub now: Timestamp,
}
