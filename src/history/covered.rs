//! Covered time, measured in a few steps however often it was interrupted.

use jiff::Timestamp;

use crate::calendar::Span;

/// Spans of covered time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Covered {
    /// In order, without overlaps.
    parts: Vec<Span>,
    /// Milliseconds of all parts before each.
    before: Vec<u64>,
}

impl Covered {
    /// Of spans that do not overlap, in any order.
    pub(super) fn of(mut parts: Vec<Span>) -> Self {
        parts.sort_by_key(|part| part.from);
        let mut sum = 0;
        let before = parts.iter().map(|part| {
            let before = sum;
            sum += milliseconds(*part);
            before
        });
        let before = before.collect();
        Self { parts, before }
    }

    /// The covered milliseconds of a span.
    pub fn milliseconds(&self, span: Span) -> u64 {
        match span.from < span.to {
            true => self.until(span.to) - self.until(span.from),
            false => 0,
        }
    }

    /// The covered milliseconds before a moment.
    fn until(&self, moment: Timestamp) -> u64 {
        let Some(last) = self.begun(moment).checked_sub(1) else {
            return 0;
        };
        let part = self.parts[last];
        self.before[last]
            + milliseconds(Span {
                from: part.from,
                to: part.to.min(moment),
            })
    }

    /// How many parts begin before a moment.
    fn begun(&self, moment: Timestamp) -> usize {
        self.parts.partition_point(|part| part.from < moment)
    }

    /// A span from its first to its last covered moment; `None` where none of it is covered.
    pub fn clip(&self, span: Span) -> Option<Span> {
        let first = self.parts.partition_point(|part| part.to <= span.from);
        let from = span.from.max(self.parts.get(first)?.from);
        let last = self.begun(span.to).checked_sub(1)?;
        let to = span.to.min(self.parts[last].to);
        (from < to).then_some(Span { from, to })
    }
}

fn milliseconds(span: Span) -> u64 {
    let length = span.to.duration_since(span.from).as_millis();
    u64::try_from(length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, to: i64) -> Span {
        let at = |second| Timestamp::from_second(second).unwrap();
        Span {
            from: at(from),
            to: at(to),
        }
    }

    #[test]
    fn gaps_are_not_measured() {
        let covered = Covered::of(vec![span(0, 100), span(300, 400), span(150, 200)]);
        let seconds = |from, to| covered.milliseconds(span(from, to)) / 1_000;
        assert_eq!(seconds(0, 400), 250);
        assert_eq!(seconds(50, 160), 60);
        assert_eq!(seconds(100, 150), 0);
        assert_eq!(seconds(350, 350), 0);
        assert_eq!(seconds(-50, 1000), 250);
        assert_eq!(covered.clip(span(100, 350)), Some(span(150, 350)));
        assert_eq!(covered.clip(span(120, 250)), Some(span(150, 200)));
        assert_eq!(covered.clip(span(200, 300)), None);
        assert_eq!(covered.clip(span(400, 500)), None);
        assert_eq!(Covered::default().clip(span(0, 1)), None);
        assert_eq!(Covered::default().milliseconds(span(0, 1)), 0);
    }
}
