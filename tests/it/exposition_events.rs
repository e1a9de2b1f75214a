//! What a scanner hands out, and what its limits stop.

use std::borrow::Cow;

use manifesto_exporter::exposition::{Event, Format, Limits, MetricType, Scanner, Summary, scan};

fn events(format: Format, limits: Limits, body: &[u8]) -> (Vec<String>, Summary) {
    let mut events = Vec::new();
    let summary = scan(format, limits, body, &mut |event| {
        events.push(match event {
            Event::Type { name, kind } => format!("TYPE {name} {}", kind.as_str()),
            Event::Help { name, text } => format!("HELP {name} {text:?}"),
            Event::Unit { name, unit } => format!("UNIT {name} {unit:?}"),
            Event::Fault(fault) => fault.to_string(),
            Event::Sample(sample) => {
                let labels: Vec<_> = sample
                    .labels()
                    .map(|(name, value)| format!("{name}={value:?}"))
                    .collect();
                let exemplar = sample.exemplar().map(|exemplar| {
                    let labels: Vec<_> = exemplar
                        .labels()
                        .map(|(name, value)| format!("{name}={value:?}"))
                        .collect();
                    format!(" # {labels:?} {} {:?}", exemplar.value, exemplar.timestamp)
                });
                let kind = sample.kind.as_str();
                let time = sample.timestamp.map(|time| format!(" @{time}"));
                format!(
                    "{} {kind} {} [{}] {}{}{}",
                    sample.line,
                    sample.name(),
                    labels.join(" "),
                    sample.value,
                    time.unwrap_or_default(),
                    exemplar.unwrap_or_default()
                )
            }
        });
    });
    (events, summary)
}

fn check(format: Format, body: &str, expected: &[&str]) {
    let (found, summary) = events(format, Limits::default(), body.as_bytes());
    assert_eq!(found, expected);
    assert_eq!(summary.lines, body.lines().count() as u64);
}

#[test]
fn text_events() {
    check(
        Format::Text,
        concat!(
            "# HELP wait Time\\nin queue \\\"\n# TYPE wait histogram\n",
            "wait_bucket{ q = \"a\\\"\\\\b\\nc\" , le=\"+Inf\" } 5 1717171717171\n",
            "wait_sum{q=\"a\\\"\\\\b\\nc\"} 2.5\nplain 1\n# EOF\n{\"dot.ted\",\"a b\"=\"c\"} NaN\n",
        ),
        &[
            "HELP wait \"Time\\nin queue \\\\\\\"\"",
            "TYPE wait histogram",
            "3 histogram wait_bucket [q=\"a\\\"\\\\b\\nc\" le=\"+Inf\"] 5 @1717171717171",
            "4 histogram wait_sum [q=\"a\\\"\\\\b\\nc\"] 2.5",
            "5 unknown plain [] 1",
            "7 unknown dot.ted [a b=\"c\"] NaN",
        ],
    );
}

#[test]
fn openmetrics_events() {
    check(
        Format::OpenMetrics,
        concat!(
            "# TYPE sent_bytes counter\n# UNIT sent_bytes bytes\n# HELP sent_bytes Say \\\"x\\\"\n",
            "sent_bytes_total{to=\"a\"} 17 1717171717.0625 # {trace=\"0a\",n=\"\\\\\"} 3.5 -1.5\nsent_bytes_created{to=\"a\"} 5 1717171717.0625\nother 1\n# EOF\n",
        ),
        &[
            "TYPE sent_bytes counter",
            "UNIT sent_bytes \"bytes\"",
            "HELP sent_bytes \"Say \\\"x\\\"\"",
            "4 counter sent_bytes_total [to=\"a\"] 17 @1717171717062 # [\"trace=\\\"0a\\\"\", \"n=\\\"\\\\\\\\\\\"\"] 3.5 Some(-1500)",
            "5 counter sent_bytes_created [to=\"a\"] 5 @1717171717062",
            "6 unknown other [] 1",
        ],
    );
}

#[test]
fn samples_borrow_from_the_body() {
    let body = b" wait {a=\"b\", c=\"d\\\\\"}  1\n";
    let mut samples = 0;
    scan(Format::Text, Limits::default(), body, &mut |event| {
        let Event::Sample(sample) = event else {
            panic!("{event:?}")
        };
        samples += 1;
        assert_eq!(sample.series(), "wait {a=\"b\", c=\"d\\\\\"}");
        assert!(matches!(sample.name(), Cow::Borrowed("wait")));
        assert_eq!(sample.kind, MetricType::Unknown);
        assert!(matches!(sample.label("a"), Some(Cow::Borrowed("b"))));
        assert_eq!(sample.label("c").as_deref(), Some("d\\"));
        assert_eq!(sample.label("e"), None);
    });
    assert_eq!(samples, 1);
}

#[test]
fn limits_are_errors_that_name_themselves() {
    let limits = Limits {
        line_bytes_max: 40,
        labels_max: 2,
        label_name_bytes_max: 5,
        label_value_bytes_max: 6,
        ..Limits::default()
    };
    let body = "ok{a=\"1\",b=\"2\"} 1\na{a=\"1\",b=\"2\",c=\"3\"} 1\na{abcdef=\"1\"} 1\na{a=\"1234567\"} 1\na{a=\"1\"} 1               too long, by very far\nlast 1\n";
    let (found, summary) = events(Format::Text, limits, body.as_bytes());
    assert_eq!(
        found,
        [
            "1 unknown ok [a=\"1\" b=\"2\"] 1",
            "error 2:15 expected at most 2 labels (label_limit)",
            "error 3:3 expected at most 5 bytes in a label name (label_name_length_limit), saw 6",
            "error 4:6 expected at most 6 bytes in the value of `a` (label_value_length_limit), saw 7",
            "error 5:1 expected at most 40 bytes in a line, saw more",
            "6 unknown last [] 1",
        ]
    );
    assert_eq!((summary.samples, summary.errors, summary.lines), (2, 4, 6));
}

#[test]
fn samples_past_their_limit_end_the_scan() {
    let limits = Limits {
        samples_max: 2,
        ..Limits::default()
    };
    let mut scanner = Scanner::new(Format::OpenMetrics, limits);
    let mut faults = Vec::new();
    let mut sink = |event: Event<'_>| {
        if let Event::Fault(fault) = event {
            faults.push(fault.to_string());
        }
    };
    scanner.feed(b"a 1\nb 1\nc", &mut sink);
    assert!(!scanner.exhausted());
    scanner.feed(b" 1\nd 1\nnonsense\n", &mut sink);
    assert!(scanner.exhausted());
    let summary = scanner.finish(&mut sink);
    assert_eq!((summary.samples, summary.errors), (2, 1));
    assert_eq!(
        faults,
        ["error 3:1 expected at most 2 samples (sample_limit), saw more"]
    );
}

#[test]
fn faults_past_their_limit_are_counted_only() {
    let limits = Limits {
        faults_max: 3,
        ..Limits::default()
    };
    let (found, summary) = events(Format::Text, limits, "1\n".repeat(10).as_bytes());
    assert_eq!(found.len(), 3);
    assert_eq!(summary.errors, 10);
}

#[test]
fn hostile_bodies_take_time_in_proportion() {
    let megabyte = 1 << 20;
    let bodies: [(&str, Vec<u8>); 5] = [
        ("one endless line", vec![b'a'; 8 * megabyte]),
        (
            "a value of newlines",
            [b"a{b=\"".to_vec(), vec![b'\n'; 4 * megabyte]].concat(),
        ),
        (
            "many values of newlines",
            [
                b"a{".to_vec(),
                b"b=\"\n\",".repeat(megabyte / 6),
                b"} 1\n".to_vec(),
            ]
            .concat(),
        ),
        ("open quotes", b"a{b=\"x\n".repeat(megabyte / 8)),
        (
            "many labels",
            [
                b"a{".to_vec(),
                (0..20_000)
                    .flat_map(|n| format!("l{n}=\"\",").into_bytes())
                    .collect(),
                b"} 1\n".to_vec(),
            ]
            .concat(),
        ),
    ];
    for (name, body) in bodies {
        let start = std::time::Instant::now();
        let mut scanner = Scanner::new(Format::Text, Limits::default());
        for chunk in body.chunks(1_000) {
            scanner.feed(chunk, &mut |_| {});
        }
        assert!(scanner.finish(&mut |_| {}).errors > 0, "{name}");
        // Far above what it takes, far below what a square of the length would.
        assert!(
            start.elapsed().as_secs() < 60,
            "{name} took {:?}",
            start.elapsed()
        );
    }
}
