//! A body that is not read again teaches what reading it would.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::catalogue::SeriesNames;

const OPEN: &str = "application/openmetrics-text; version=1.0.0";
const TEXT: &str = "text/plain; version=0.0.4";

fn measure(attempt: Option<CacheLookup>) -> BodyReader {
    let subject = Subject::new("shop", &[], SeriesNames::default());
    let limits = ScrapeLimits::default();
    BodyReader::new(Arc::new(subject), &limits, None, 3).with_cache(attempt)
}

/// What was learnt and whether from memory, in words that can be compared.
fn learn(
    attempt: Option<CacheLookup>,
    content_type: &str,
    body: &str,
    piece: usize,
) -> (String, CacheOutcome) {
    let mut measure = measure(attempt);
    let outcome = (|| {
        measure.begin(Some(content_type))?;
        for bytes in body.as_bytes().chunks(piece) {
            measure.chunk(bytes)?;
        }
        measure.end(true)
    })();
    let (observation, cache_outcome) = measure.into_parts();
    let observation = observation.map(|mut observation| {
        observation.summary.bytes = 0;
        observation
    });
    (format!("{outcome:?} {observation:?}"), cache_outcome)
}

/// Lines whose values count, rise, repeat, or break a rule, and lines that are broken already.
fn line(open: bool, kind: usize, value: &str) -> String {
    // OpenMetrics names the family, the text format the sample.
    let counter = if open {
        "shop_requests"
    } else {
        "shop_requests_total"
    };
    match kind {
        0 => format!("# TYPE {counter} counter\nshop_requests_total{{code=\"200\"}} {value}\n"),
        1 => format!("# TYPE shop_up gauge\nshop_up {value}\n"),
        2 => {
            format!("# TYPE shop_build_info gauge\nshop_build_info{{version=\"1.2.3\"}} {value}\n")
        }
        3 => {
            format!("# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {value}\n")
        }
        4 => format!(
            "# TYPE shop_seconds histogram\nshop_seconds_bucket{{le=\"1\"}} 2\nshop_seconds_bucket{{le=\"+Inf\"}} {value}\n\
             shop_seconds_sum 3\nshop_seconds_count 4\n"
        ),
        5 => format!(
            "# TYPE b_seconds histogram\nb_seconds_bucket{{x=\"1\",le=\"1\"}} 1\nb_seconds_bucket{{x=\"2\",le=\"1\"}} {value}\n\
             b_seconds_bucket{{x=\"1\",le=\"+Inf\"}} 4\nb_seconds_bucket{{x=\"2\",le=\"+Inf\"}} 4\n"
        ),
        6 => format!("a{{x=\"one {value}\n\"}} 1\n"),
        7 => format!("a{{x=\"one two\"}} {value}\n"),
        8 => format!("spaced  {value}\nlater {value} 17\n"),
        9 => format!(
            "# TYPE s summary\ns{{quantile=\"0.5\"}} {value}\ns_sum {value}\ns_count {value}\n"
        ),
        10 => format!("# TYPE shop_info info\nshop_info{{version=\"1.0.0\"}} {value}\n"),
        11 => format!("# HELP shop_help about {value}\n"),
        12 => format!("late_count {value}\nlate_bucket{{le=\"+Inf\"}} 4\n"),
        13 => format!(
            "# TYPE c_seconds histogram\nc_seconds_bucket{{le=\"+Inf\"}} {value}\nc_seconds_count {value}\nc_seconds_sum 1\n"
        ),
        14 => format!("# TYPE t counter\nt_total 5 # {{id=\"x\"}} {value}\n"),
        15 => format!("\n a {value}\n"),
        16 => format!("# TYPE shop_last_request_time gauge\nshop_last_request_time {value}\n"),
        _ => format!("a{{x=\"y\"}} {value}\na{{x=\"y\"}} {value}\n"),
    }
}

fn body(open: bool, lines: &[(usize, &str)]) -> String {
    let mut body = String::new();
    for (kind, value) in lines {
        let _ = write!(body, "{}", line(open, *kind, value));
    }
    if open {
        body.push_str("# EOF\n");
    }
    body
}

const VALUES: &[&str] = &[
    "4", "2", "1", "0", "4.5", "-1", "NaN", "+Inf", "1e3", "1.7e9", "x", "", "17 3", "4 ", "4\r",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn memory_changes_no_observation(
        open: bool,
        kinds in prop::collection::vec((0usize..18, 0..VALUES.len()), 1..8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..VALUES.len()), 0..3),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
        piece in 1usize..200,
    ) {
        let content_type = if open { OPEN } else { TEXT };
        let mut lines: Vec<_> = kinds.iter().map(|(kind, value)| (*kind, VALUES[*value])).collect();
        let (held, mut cache) = (Arc::default(), BodyCache::default());
        let (first, learnt) = learn(cache.attempt(&held), content_type, &body(open, &lines), piece);
        cache.ended(learnt);
        for (at, value) in changes {
            let at = at.index(lines.len());
            lines[at].1 = VALUES[value];
        }
        let mut after = body(open, &lines);
        if let Some(cut) = cut {
            after.truncate(cut.index(after.len()));
        }
        let (plain, _) = learn(None, content_type, &after, piece);
        cache.rest_no_more();
        let judged = match learn(cache.attempt(&held), content_type, &after, piece) {
            (_, CacheOutcome::Again) => first,
            (judged, _) => judged,
        };
        prop_assert_eq!(judged, plain, "{:?}", after);
    }
}

#[test]
fn values_that_nobody_heeds_are_not_read_again() {
    for (content_type, open) in [(TEXT, false), (OPEN, true)] {
        let (held, mut cache) = (Arc::default(), BodyCache::default());
        for (value, again) in [("4", false), ("5", true), ("0", true), ("1e3", true)] {
            let body = body(
                open,
                &[(0, value), (1, "1"), (7, value), (9, "3"), (13, value)],
            );
            let (_, cache_outcome) = learn(cache.attempt(&held), content_type, &body, 50);
            assert_eq!(
                matches!(cache_outcome, CacheOutcome::Again),
                again,
                "{value} {cache_outcome:?}"
            );
            cache.ended(cache_outcome);
        }
        // ScrapeError: the value of a state counts.
        let body = body(open, &[(0, "4"), (1, "0"), (7, "4"), (9, "3"), (13, "4")]);
        let (_, cache_outcome) = learn(cache.attempt(&held), content_type, &body, 50);
        assert!(
            matches!(cache_outcome, CacheOutcome::Anew(Some(_))),
            "{cache_outcome:?}"
        );
    }
}

#[test]
fn bodies_that_keep_changing_are_tried_less_often() {
    let (held, mut cache) = (Arc::default(), BodyCache::default());
    let mut tries = 0;
    for scrape in 0..200 {
        let attempt = cache.attempt(&held);
        tries += usize::from(attempt.is_some());
        let (_, cache_outcome) = learn(attempt, TEXT, &format!("a 1 {scrape}\n"), 50);
        cache.ended(cache_outcome);
    }
    assert!((4..15).contains(&tries), "{tries}");
}
