//! When the exporter was measuring, and what a state's changes come to in that time.
//!
//! The clock may be wrong for a while. What was recorded is not rewritten: readers see the intervals in the
//! order in which they were written, and a moment that two of them claim belongs to the earlier one. So a
//! clock that ran ahead for a minute costs that minute, and one that was set back counts nothing twice.

use jiff::Timestamp;

use super::covered::Covered;
use crate::calendar::Span;

/// The covered time within a span, and the commits that were made in it.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// In the order of their commits, none without time.
    pub segments: Vec<Segment>,
    /// Their time.
    pub covered: Covered,
    /// Whether the commits are in the order of time: the clock was not set back in it.
    is_ascending: bool,
}

impl Timeline {
    pub(super) fn of(intervals: &[Interval], span: Span) -> Self {
        let segments = within(segments(intervals), span);
        let parts: Vec<Span> = segments.iter().flat_map(|s| s.owned.clone()).collect();
        let is_ascending = parts.windows(2).all(|pair| pair[0].to <= pair[1].from);
        Self {
            covered: Covered::of(parts),
            segments,
            is_ascending,
        }
    }

    /// What a state's changes come to, piece by piece, in order of time: the changes in the order of their
    /// commits, the last of those before the segments first. A piece begins and ends at covered moments; what
    /// lies between may have been interrupted.
    pub(super) fn lay<T: Clone + PartialEq>(&self, changes: &[Change<T>]) -> Vec<(Span, T)> {
        match self.is_ascending {
            true => self.lay_ascending(changes),
            false => lay(changes, &self.segments),
        }
    }

    /// The same in steps for each change, not for each segment: an exporter that dies every few minutes makes
    /// many.
    fn lay_ascending<T: Clone + PartialEq>(&self, changes: &[Change<T>]) -> Vec<(Span, T)> {
        let Some(last) = self.segments.last() else {
            return Vec::new();
        };
        let end = last.owned.last().map_or(Timestamp::MIN, |part| part.to);
        let mut pieces: Vec<(Span, T)> = Vec::new();
        let mut from = Timestamp::MIN;
        for change in changes.iter().take_while(|change| change.seq < last.seq_to) {
            from = from.max(self.counts_from(change));
            if let Some((before, state)) = pieces.last_mut() {
                if *state == change.state {
                    continue;
                }
                before.to = from;
            }
            pieces.push((Span { from, to: end }, change.state.clone()));
        }
        let clipped = pieces
            .into_iter()
            .filter_map(|(span, state)| Some((self.covered.clip(span)?, state)));
        clipped.collect()
    }

    /// From when a change counts: the clock may have been slewed a little within the segment.
    fn counts_from<T>(&self, change: &Change<T>) -> Timestamp {
        let place = self.segments.partition_point(|s| s.seq_from <= change.seq);
        let own = place
            .checked_sub(1)
            .and_then(|place| self.segments.get(place));
        let Some((segment, [first, .., last] | [first @ last])) =
            own.map(|segment| (segment, segment.owned.as_slice()))
        else {
            return Timestamp::MIN;
        };
        match change.seq < segment.seq_to {
            true => change.at.clamp(first.from, last.to),
            // Of a later one that has no time.
            false => last.to,
        }
    }
}

/// One interval of coverage, without what earlier ones claim already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The commits made in it: from this one on,
    pub(super) seq_from: i64,
    /// and before this one.
    pub(super) seq_to: i64,
    /// How it ended.
    pub ended: Ended,
    /// Its own time, in order.
    pub owned: Vec<Span>,
}

/// An interval as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The first commit made in it.
    pub(super) seq: i64,
    /// From its first look to its last.
    pub span: Span,
    /// How it ended.
    pub ended: Ended,
}

/// How an interval of coverage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[derive(strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Ended {
    /// It goes on, or its process died just now.
    Running,
    /// The exporter was stopped.
    Stop,
    /// Its process died.
    Crash,
    /// The clock was set.
    Clock,
    /// The disk was full, or failed.
    Disk,
    /// Nothing was judged for a while: the process was suspended, or starved.
    Stall,
}

impl Ended {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Why there is a gap after it, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Running => "still running",
            Self::Stop => "the exporter was stopped",
            Self::Crash => "the exporter died",
            Self::Clock => "the clock was set, or the machine slept",
            Self::Disk => "history could not be written",
            Self::Stall => "the exporter was suspended or starved",
        }
    }
}

/// The segments that intervals come to, in the order of their commits.
fn segments(intervals: &[Interval]) -> Vec<Segment> {
    let mut claimed: Vec<Span> = Vec::new();
    let mut segments = Vec::with_capacity(intervals.len());
    for (place, interval) in intervals.iter().enumerate() {
        let owned = without(interval.span, &claimed);
        for part in &owned {
            // At the end, nearly always.
            let place = claimed.partition_point(|claim| claim.from < part.from);
            claimed.insert(place, *part);
        }
        segments.push(Segment {
            seq_from: interval.seq,
            seq_to: intervals.get(place + 1).map_or(i64::MAX, |next| next.seq),
            ended: interval.ended,
            owned,
        });
    }
    segments
}

/// What of a span none of these claims; they are in order and do not overlap.
fn without(span: Span, claimed: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    let mut from = span.from;
    // Most intervals begin after all others.
    let first = claimed.partition_point(|claim| claim.to <= span.from);
    for claim in &claimed[first..] {
        if claim.from >= span.to {
            break;
        }
        if from < claim.from {
            left.push(Span {
                from,
                to: claim.from,
            });
        }
        from = from.max(claim.to);
    }
    if from < span.to {
        left.push(Span { from, to: span.to });
    }
    left
}

/// Only the time within a span, and only segments that have any.
fn within(segments: Vec<Segment>, span: Span) -> Vec<Segment> {
    let cut = segments.into_iter().filter_map(|segment| {
        let owned = segment.owned.into_iter();
        let owned = owned.filter_map(|part| intersection(part, span));
        let owned: Vec<Span> = owned.collect();
        (!owned.is_empty()).then_some(Segment { owned, ..segment })
    });
    cut.collect()
}

/// What two spans share.
pub fn intersection(a: Span, b: Span) -> Option<Span> {
    let shared = Span {
        from: a.from.max(b.from),
        to: a.to.min(b.to),
    };
    (shared.from < shared.to).then_some(shared)
}

/// A change of a state: the commit that holds it, when it was made, and the state from then on.
#[derive(Debug, Clone)]
pub(super) struct Change<T> {
    pub(super) seq: i64,
    pub(super) at: Timestamp,
    pub(super) state: T,
}

/// The covered time of a state, segment by segment. Pieces that touch and have the same state are one.
fn lay<T: Clone + PartialEq>(changes: &[Change<T>], segments: &[Segment]) -> Vec<(Span, T)> {
    let mut pieces: Vec<(Span, T)> = Vec::new();
    let mut next = 0;
    let mut state: Option<&T> = None;
    for segment in segments {
        while let Some(change) = changes.get(next).filter(|c| c.seq < segment.seq_from) {
            state = Some(&change.state);
            next += 1;
        }
        let mut here = next;
        for part in &segment.owned {
            let mut from = part.from;
            while let Some(change) = changes.get(here).filter(|c| c.seq < segment.seq_to) {
                if change.at >= part.to {
                    break;
                }
                // The clock may have been slewed back a little within the segment.
                let at = change.at.max(from);
                push(&mut pieces, Span { from, to: at }, state);
                from = at;
                state = Some(&change.state);
                here += 1;
            }
            push(&mut pieces, Span { from, to: part.to }, state);
        }
        next = here;
    }
    pieces.sort_by_key(|(span, _)| span.from);
    pieces
}

fn push<T: Clone + PartialEq>(pieces: &mut Vec<(Span, T)>, span: Span, state: Option<&T>) {
    let Some(state) = state.filter(|_| span.from < span.to) else {
        return;
    };
    match pieces.last_mut() {
        Some((last, same)) if last.to == span.from && same == state => last.to = span.to,
        _ => pieces.push((span, state.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn span(from: i64, to: i64) -> Span {
        Span {
            from: at(from),
            to: at(to),
        }
    }

    fn interval(seq: i64, from: i64, to: i64) -> Interval {
        Interval {
            seq,
            span: span(from, to),
            ended: Ended::Stop,
        }
    }

    fn change(seq: i64, second: i64, state: char) -> Change<char> {
        Change {
            seq,
            at: at(second),
            state,
        }
    }

    fn owned(intervals: &[Interval]) -> Vec<Vec<Span>> {
        let segments = segments(intervals).into_iter();
        segments.map(|segment| segment.owned).collect()
    }

    #[test]
    fn a_moment_belongs_to_the_interval_that_recorded_it_first() {
        // Downtime, then a clock set back into what was recorded, then forth again.
        let intervals = [
            interval(1, 0, 100),
            interval(5, 200, 300),
            interval(9, 50, 250),
        ];
        assert_eq!(
            owned(&intervals),
            [
                vec![span(0, 100)],
                vec![span(200, 300)],
                vec![span(100, 200)]
            ]
        );
        // An hour far ahead costs nothing but itself.
        let intervals = [
            interval(1, 0, 100),
            interval(2, 9000, 9010),
            interval(3, 101, 9500),
        ];
        assert_eq!(owned(&intervals)[2], [span(101, 9000), span(9010, 9500)]);
        assert_eq!(owned(&[interval(1, 5, 5)]), [vec![]]);
    }

    #[test]
    fn states_hold_inside_coverage_alone() {
        let segments = segments(&[interval(1, 0, 100), interval(5, 200, 300)]);
        let changes = [change(1, 0, 'a'), change(3, 40, 'b'), change(6, 250, 'a')];
        assert_eq!(
            lay(&changes, &segments),
            [
                (span(0, 40), 'a'),
                (span(40, 100), 'b'),
                (span(200, 250), 'b'),
                (span(250, 300), 'a')
            ]
        );
        // Before its first change nothing is known of it.
        assert_eq!(
            lay(&[change(6, 250, 'a')], &segments),
            [(span(250, 300), 'a')]
        );
        let part = within(segments, span(30, 210));
        assert_eq!(
            lay(&changes, &part),
            [
                (span(30, 40), 'a'),
                (span(40, 100), 'b'),
                (span(200, 210), 'b')
            ]
        );
    }

    #[test]
    fn a_restart_that_changes_nothing_leaves_one_piece() {
        let segments = segments(&[interval(1, 0, 100), interval(5, 100, 300)]);
        let changes = [change(1, 0, 'a'), change(7, 150, 'b')];
        assert_eq!(
            lay(&changes, &segments),
            [(span(0, 150), 'a'), (span(150, 300), 'b')]
        );
    }

    /// Numbers that look random, the same each time.
    fn roll(state: &mut u64, sides: u64) -> i64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from((*state >> 33) % sides).unwrap()
    }

    #[test]
    fn both_ways_of_laying_states_out_cover_the_same_time() {
        let (mut random, mut compared) = (7, 0);
        for _ in 0..2_000 {
            let (mut now, mut seq) = (0, 0);
            let (mut intervals, mut changes) = (Vec::new(), Vec::new());
            for _ in 0..roll(&mut random, 8) {
                // Sometimes at once, sometimes after a gap, sometimes by a clock that was set back.
                now += roll(&mut random, 3) * 10;
                if roll(&mut random, 4) == 0 {
                    now -= roll(&mut random, 30);
                }
                let (from, first) = (now, seq + 1);
                for _ in 0..roll(&mut random, 6) {
                    seq += 1;
                    now += roll(&mut random, 4);
                    let state = ['a', 'b', 'c'][usize::try_from(roll(&mut random, 3)).unwrap()];
                    if roll(&mut random, 2) == 0 {
                        // Slewed a little, now and then.
                        changes.push(change(seq, now - roll(&mut random, 2), state));
                    }
                }
                intervals.push(interval(first, from, now));
                seq += 1;
            }
            let (from, to) = (roll(&mut random, 60), roll(&mut random, 120));
            let timeline = Timeline::of(&intervals, span(from, from + to));
            if !timeline.is_ascending {
                continue;
            }
            compared += 1;
            let seconds = |pieces: Vec<(Span, char)>| {
                let all = pieces.iter().flat_map(|(piece, state)| {
                    let seconds = piece.from.as_second()..piece.to.as_second();
                    seconds.map(|second| (second, *state))
                });
                let mut all: Vec<_> = all.collect();
                all.retain(|(second, _)| {
                    timeline.covered.milliseconds(span(*second, second + 1)) > 0
                });
                all
            };
            assert_eq!(
                seconds(timeline.lay_ascending(&changes)),
                seconds(lay(&changes, &timeline.segments)),
                "{intervals:?} {changes:?} {timeline:?}"
            );
        }
        assert!(compared > 1_000, "{compared}");
    }

    #[test]
    fn what_was_recorded_under_a_clock_set_back_counts_from_where_it_is_new() {
        let segments = segments(&[interval(1, 0, 100), interval(5, 50, 160)]);
        // At second 60 of the clock that was set back: by the first clock's time that was later than 100.
        let changes = [change(1, 0, 'a'), change(6, 60, 'b'), change(7, 120, 'c')];
        assert_eq!(
            lay(&changes, &segments),
            [
                (span(0, 100), 'a'),
                (span(100, 120), 'b'),
                (span(120, 160), 'c')
            ]
        );
    }
}
