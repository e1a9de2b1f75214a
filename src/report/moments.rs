//! The moments that figures are of.

use jiff::{SignedDuration, Timestamp};

use crate::calendar::Span;
use crate::history::Timeline;

/// Where nothing was measured when the period began, the baseline is of so much later than the first look, which knows
/// little: targets warm up, sources were asked once.
const LATE_BASELINE: SignedDuration = SignedDuration::from_mins(10);

/// The moment of which key results have their baseline.
pub(super) fn baseline_moment(timeline: &Timeline, span: Span) -> Option<Timestamp> {
    let (first, _) = edges(timeline, span)?;
    let settling = Span {
        from: first,
        to: first
            .saturating_add(LATE_BASELINE)
            .unwrap_or(Timestamp::MAX),
    };
    match first == span.from {
        true => Some(first),
        false => edges(timeline, settling).map(|(_, last)| last),
    }
}

/// The first and the last covered moment of a span.
pub(super) fn edges(timeline: &Timeline, span: Span) -> Option<(Timestamp, Timestamp)> {
    timeline.covered.clip(span).map(|span| (span.from, span.to))
}

/// What is looked at just before a moment holds at it.
pub(super) fn just_after(moment: Timestamp) -> Timestamp {
    moment + SignedDuration::from_millis(1)
}

/// Whether a span holds just before a moment.
pub(super) fn holds_before(span: Span, moment: Timestamp) -> bool {
    span.from < moment && moment <= span.to
}
