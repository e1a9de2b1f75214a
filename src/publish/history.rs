//! The families of history: whether what is judged is kept.

use super::writer::{Kind, Writer};
use crate::history::HistoryTotals;

/// Writes them, where history is kept.
pub(super) fn write(totals: Option<&HistoryTotals>, out: &mut Writer) {
    let Some(totals) = totals else { return };
    out.family(
        "manifesto_exporter_history_up",
        Kind::Gauge,
        "1 while history is written, 0 while it cannot be: the exporter judges all the same. Absent where it is off.",
    )
    .sample(&[], f64::from(u8::from(totals.is_up)));
    if let Some(at) = totals.committed_at {
        out.family(
            "manifesto_exporter_history_last_commit_timestamp_seconds",
            Kind::Gauge,
            "When history was written last.",
        )
        .sample(&[], at.as_millisecond() as f64 / 1_000.0);
    }
    out.family(
        "manifesto_exporter_history_size_bytes",
        Kind::Gauge,
        "Size of the history file in bytes, without its write-ahead log.",
    )
    .sample(&[], totals.bytes as f64);
    let counters = [
        (
            "manifesto_exporter_history_commits_total",
            "Transactions written to history.",
            totals.commits,
        ),
        (
            "manifesto_exporter_history_rows_total",
            "Transitions of verdicts and changes of ownership written to history.",
            totals.rows,
        ),
        (
            "manifesto_exporter_history_set_aside_total",
            "Damaged history files that were set aside for a new one.",
            totals.set_aside,
        ),
    ];
    for (name, help, value) in counters {
        out.family(name, Kind::Counter, help)
            .sample(&[], value as f64);
    }
    let mut family = out.family(
        "manifesto_exporter_history_failures_total",
        Kind::Counter,
        "Times that history could not be opened or written, by reason.",
    );
    for (failure, count) in &totals.failures {
        family.sample(&[("reason", failure.as_str())], *count as f64);
    }
}
