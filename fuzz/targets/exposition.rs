//! Any body, in any chunks: no panic, and the same events as in one piece.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manifesto_exporter::exposition::{scan, Event, Format, Limits, Scanner, Summary};

/// What a reader would see of each event.
fn told(event: Event<'_>) -> String {
    match event {
        Event::Sample(sample) => {
            let labels: Vec<_> = sample.labels().collect();
            format!("{} {labels:?} {:?} {:?}", sample.name(), sample.value.to_bits(), sample.timestamp)
        }
        other => format!("{other:?}"),
    }
}

fn in_chunks(format: Format, body: &[u8], size: usize) -> (Vec<String>, Summary) {
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(told(event));
    let mut scanner = Scanner::new(format, Limits::default());
    for chunk in body.chunks(size) {
        scanner.feed(chunk, &mut sink);
    }
    let summary = scanner.finish(&mut sink);
    (events, summary)
}

fuzz_target!(|input: &[u8]| {
    let [first, body @ ..] = input else { return };
    let format = if first & 1 == 0 { Format::Text } else { Format::OpenMetrics };
    let mut whole = Vec::new();
    let summary = scan(format, Limits::default(), body, &mut |event: Event<'_>| whole.push(told(event)));
    let chunked = in_chunks(format, body, usize::from(first >> 1) + 1);
    assert_eq!((whole, summary), chunked);
});
