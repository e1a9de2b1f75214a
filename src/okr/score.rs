//! The arithmetic of key results.
//!
//! Scores run from 0 to 1 and an objective's is the mean of its key results' (Google re:Work, *Set goals
//! with OKRs*). The bands are those of Google's OKR playbook, 0.0 to 0.3 red, 0.4 to 0.6 yellow, 0.7 to 1.0
//! green; it leaves gaps, which belong to the worse band here.

use jiff::Timestamp;

use crate::calendar::Span;
use crate::catalogue::{Better, Commitment};

/// Below this a score is red.
const YELLOW_MIN: f64 = 0.4;
/// From this on it is green, where it is aspirational.
const GREEN_MIN: f64 = 0.7;

/// 0.7 is a hair below itself in some fractions: (0.24 - 0.03) / (0.33 - 0.03).
const HAIR: f64 = 1e-9;

/// How far a score may lag behind what is expected by now: on track, and at risk.
const ON_TRACK_LAG: f64 = 0.1;
const AT_RISK_LAG: f64 = 0.2;

/// How much of the way from baseline to target was made, 0 to 1. Where it began at its target or beyond, there is
/// no way to make: 1 while the target holds, else 0.
pub fn score(baseline: f64, target: f64, better: Better, actual: f64) -> f64 {
    let sign = match better {
        Better::Higher => 1.0,
        Better::Lower => -1.0,
    };
    let (way, made) = (sign * (target - baseline), sign * (actual - baseline));
    match way > 0.0 {
        true => (made / way).clamp(0.0, 1.0),
        false => f64::from(u8::from(sign * (actual - target) >= 0.0)),
    }
}

/// How much of a span has passed, 0 to 1.
pub fn elapsed(span: Span, now: Timestamp) -> f64 {
    let whole = span.to.duration_since(span.from).as_millis();
    let passed = now.duration_since(span.from).as_millis();
    if whole <= 0 {
        return 1.0;
    }
    (passed as f64 / whole as f64).clamp(0.0, 1.0)
}

/// The score that is expected by now.
pub fn expected(commitment: Commitment, elapsed: f64) -> f64 {
    match commitment {
        Commitment::Committed => elapsed,
        Commitment::Aspirational => GREEN_MIN * elapsed,
    }
}

/// The colour of a score, when the quarter is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Grade {
    /// As good as it was meant to be.
    Green,
    /// Good in part.
    Yellow,
    /// Missed.
    Red,
}

/// The colour of a score: what is committed is green only where it is reached in full.
pub fn grade(commitment: Commitment, score: f64) -> Grade {
    let green = match commitment {
        Commitment::Committed => 1.0,
        Commitment::Aspirational => GREEN_MIN,
    };
    if score + HAIR >= green {
        Grade::Green
    } else if score + HAIR >= YELLOW_MIN {
        Grade::Yellow
    } else {
        Grade::Red
    }
}

/// How a key result is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Outlook {
    /// The target holds.
    Reached,
    /// As far as expected by now.
    OnTrack,
    /// A little behind.
    AtRisk,
    /// Behind by more than a fifth of the way.
    OffTrack,
    /// What is not known would decide.
    Unsure,
    /// Nothing was measured.
    NotMeasured,
}

impl Outlook {
    /// As in labels and JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::OnTrack => "on track",
            Self::AtRisk => "at risk",
            Self::OffTrack => "off track",
            Self::Unsure => "not certain",
            Self::NotMeasured => "not measured",
        }
    }
}

/// How a key result is doing that has one of these scores for certain: the same for both, or not certain.
pub fn outlook(commitment: Commitment, scores: Option<(f64, f64)>, elapsed: f64) -> Outlook {
    let Some((one, other)) = scores else {
        return Outlook::NotMeasured;
    };
    let of = |score: f64| {
        let lag = expected(commitment, elapsed) - score - HAIR;
        if score + HAIR >= 1.0 {
            Outlook::Reached
        } else if lag <= ON_TRACK_LAG {
            Outlook::OnTrack
        } else if lag <= AT_RISK_LAG {
            Outlook::AtRisk
        } else {
            Outlook::OffTrack
        }
    };
    match of(one) == of(other) {
        true => of(one),
        false => Outlook::Unsure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_rise_from_baseline_to_target_either_way() {
        use Better::{Higher, Lower};
        assert_eq!(score(0.5, 1.0, Higher, 0.75), 0.5);
        assert_eq!(score(0.5, 1.0, Higher, 0.4), 0.0);
        assert_eq!(score(0.5, 1.0, Higher, 1.2), 1.0);
        assert_eq!(score(200.0, 100.0, Lower, 125.0), 0.75);
        // It began beyond its target.
        assert_eq!(score(0.9, 0.6, Higher, 0.7), 1.0);
        assert_eq!(score(0.9, 0.6, Higher, 0.5), 0.0);
        assert_eq!(score(80.0, 100.0, Lower, 95.0), 1.0);
        assert_eq!(score(80.0, 100.0, Lower, 101.0), 0.0);
        assert_eq!(score(1.0, 1.0, Higher, 1.0), 1.0);
    }

    #[test]
    fn what_is_committed_is_green_in_full_alone() {
        use Commitment::{Aspirational, Committed};
        assert_eq!(grade(Committed, 0.99), Grade::Yellow);
        assert_eq!(grade(Committed, 1.0), Grade::Green);
        assert_eq!(grade(Aspirational, 0.7), Grade::Green);
        assert_eq!(grade(Aspirational, 0.65), Grade::Yellow);
        assert_eq!(grade(Committed, 0.35), Grade::Red);
        let score = score(0.03, 0.33, Better::Higher, 0.24);
        assert!(score < 0.7);
        assert_eq!(grade(Aspirational, score), Grade::Green);
    }

    #[test]
    fn the_outlook_compares_with_what_is_expected_by_now() {
        let committed =
            |score, elapsed| outlook(Commitment::Committed, Some((score, score)), elapsed);
        assert_eq!(committed(0.0, 0.0), Outlook::OnTrack);
        assert_eq!(committed(0.35, 0.5), Outlook::AtRisk);
        assert_eq!(committed(0.2, 0.5), Outlook::OffTrack);
        assert_eq!(committed(1.0, 0.1), Outlook::Reached);
        let aspirational = outlook(Commitment::Aspirational, Some((0.3, 0.3)), 0.5);
        assert_eq!(aspirational, Outlook::OnTrack);
        // Half of it is not known.
        let unsure = outlook(Commitment::Committed, Some((0.0, 1.0)), 0.5);
        assert_eq!(unsure, Outlook::Unsure);
        assert_eq!(
            outlook(Commitment::Committed, None, 0.5),
            Outlook::NotMeasured
        );
    }
}
