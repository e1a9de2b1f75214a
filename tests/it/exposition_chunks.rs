//! However a body is cut into chunks, its events are the same.

use manifesto_exporter::exposition::{Event, Format, Limits, Scanner, Summary, scan};
use proptest::prelude::*;

/// Pieces that lines are made of, malformed ones among them.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "a", "wait_bucket", "wait_sum", "{le=\"1\"}", "{le=\"+Inf\"}", "{a=\"b\",c=\"d\"}", "{a=\"b\",c=\"e\"}", "{\"q n\"}", " ", " 1", " 2.5",
            " NaN", " 1e3", " 17", "\n", "\n", "\n", "\n# TYPE wait histogram\n", "\n# TYPE a counter\n", "\n# HELP a x\n", "\n# EOF\n",
            "# EOF", " # {a=\"b\"} 1", "\nwait_bucket{r=\"1\",le=\"1\"} 1\nwait_bucket{r=\"1\",le=\"+Inf\"} 2\nwait_sum{r=\"1\"} 3\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(vec![
            "\"", "\\", "{", "}", ",", "=", "#", "\t", "\r", "\0", "\u{e9}", "{a=\"x\ny\"} 1\n", "{a=\"\n\n\"", "\\\"", "# HELP \"a\nb\" c \"d\n",
            "{a=\"0123456789012345678901234567890123456789\"} 1\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// What is said of a body that comes in these chunks.
fn events<'a>(
    format: Format,
    limits: Limits,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> (Vec<String>, Summary) {
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| {
        events.push(match &event {
            Event::Sample(sample) => format!(
                "{} {} {} {:?} {} {:?} {:?} {:?}",
                sample.line,
                sample.series(),
                sample.name(),
                sample.labels().collect::<Vec<_>>(),
                sample.value,
                sample.timestamp,
                sample.kind,
                sample.exemplar().map(|exemplar| (
                    exemplar.value,
                    exemplar.timestamp,
                    exemplar.labels().count()
                )),
            ),
            event => format!("{event:?}"),
        });
    };
    let mut scanner = Scanner::new(format, limits);
    for chunk in chunks {
        scanner.feed(chunk, &mut sink);
    }
    let summary = scanner.finish(&mut sink);
    (events, summary)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn chunks_do_not_matter(
        body in body(),
        open in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        line_bytes_max in prop_oneof![Just(1_000_000_usize), 0..60_usize],
        samples_max in prop_oneof![Just(1_000_u64), 0..5_u64],
    ) {
        let format = if open { Format::OpenMetrics } else { Format::Text };
        let limits = Limits { line_bytes_max, samples_max, ..Limits::default() };
        let whole = events(format, limits, std::iter::once(&body[..]));
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &body[cut[0]..cut[1]]);
        prop_assert_eq!(&events(format, limits, chunks), &whole);
        prop_assert_eq!(&events(format, limits, body.chunks(1)), &whole);
    }

    /// What the scanner keeps from line to line must not show: each line alone, after a comment, says the same.
    #[test]
    fn neighbours_do_not_matter(lines in prop::collection::vec(" {0,2}(a|ab|abc)(_sum)?(\\{(a=\"x{0,3}\",?){0,2}(b{1,2}=\"[xy]{0,9}\")?\\})? [0-9]{1,3}", 1..12)) {
        let samples = |body: &str| {
            let mut samples = Vec::new();
            scan(Format::Text, Limits::default(), body.as_bytes(), &mut |event| {
                if let Event::Sample(sample) = event {
                    let labels: Vec<_> = sample.labels().map(|(name, value)| format!("{name}={value}")).collect();
                    samples.push(format!("{} {} {labels:?} {}", sample.series(), sample.name(), sample.value));
                }
            });
            samples
        };
        let alone: Vec<_> = lines.iter().flat_map(|line| samples(&format!("{line}\n"))).collect();
        prop_assert_eq!(samples(&format!("{}\n", lines.join("\n"))), alone);
    }

    /// The subset that `prometheus-parse` reads right: plain names and labels, finite values.
    #[test]
    fn prometheus_parse_agrees(
        samples in prop::collection::btree_map(("[a-z][a-z_]{0,8}", prop::collection::btree_map("[a-z]{1,5}", "[ a-zA-Z0-9/._-]{1,12}", 0..4)), -1e6..1e6_f64, 1..20)
    ) {
        let mut body = String::new();
        for ((name, labels), value) in &samples {
            let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let braces = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            body.push_str(&format!("{name}{braces} {value}\n"));
        }
        let theirs = prometheus_parse::Scrape::parse(body.lines().map(|line| Ok(line.to_owned()))).unwrap();
        let theirs: Vec<_> = theirs.samples.iter().map(|sample| {
            let prometheus_parse::Value::Untyped(value) = sample.value else { panic!("{sample:?}") };
            let mut labels: Vec<_> = sample.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            labels.sort();
            (sample.metric.clone(), labels, value)
        }).collect();
        let mut ours = Vec::new();
        scan(Format::Text, Limits::default(), body.as_bytes(), &mut |event| {
            if let Event::Sample(sample) = event {
                let labels: Vec<_> = sample.labels().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
                ours.push((sample.name().into_owned(), labels, sample.value));
            }
        });
        prop_assert_eq!(ours, theirs);
    }
}
