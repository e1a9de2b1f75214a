//! What HELP says of a family, where its name says nothing: whether it is about time, and which side of a call it is.

use super::words::Words;

/// What a family's HELP says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Help {
    /// It speaks of a duration.
    pub means_time: bool,
    /// It speaks of calls that the service makes.
    pub is_outbound: bool,
}

/// Words that speak of a duration.
const TIME: Words = Words("duration durations latency latencies elapsed");

/// Units of time. Behind a number or `every` they say how often, or of how long ago: `sampled every 30 seconds`.
const UNITS: Words = Words("seconds milliseconds microseconds");

/// Words before a unit with which it measures nothing.
const BEFORE_NO_MEASURE: Words = Words("every few last of per several");

/// What stands before `time` where it is a duration, and what behind: `response time`, `time spent`; at the time of
/// something, or since a start time, something else happens.
const BEFORE_TIME: Words =
    Words("execution handling processing request response round running serving trip wall");
const BEHIND_TIME: Words = Words("in it spent taken to took");

/// Words of calls that are made, whoever wrote the sentence. `made`, `sent` and `client` are none: requests are made to
/// a server, and sent by its clients.
const OUTBOUND: Words = Words("egress outbound outgoing");

impl Help {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let mut help = Self::default();
        let mut before = String::new();
        let words = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        for word in words.map(str::to_ascii_lowercase) {
            let is_number = before.bytes().all(|b| b.is_ascii_digit()) && !before.is_empty();
            let measures = !is_number && !BEFORE_NO_MEASURE.has(&before);
            help.means_time |= TIME.has(&word)
                || (UNITS.has(&word) && measures)
                || (word == "time" && BEFORE_TIME.has(&before))
                || (before == "time" && BEHIND_TIME.has(&word));
            help.is_outbound |= OUTBOUND.has(&word);
            before = word;
        }
        help
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_tells_time_and_side() {
        for (text, means_time, is_outbound) in [
            ("Time spent serving, in seconds", true, false),
            ("Latency of requests", true, false),
            ("Seconds it took to answer", true, false),
            ("Response time (milliseconds)", true, false),
            ("Response time", true, false),
            ("Time since start time", false, false),
            ("Sampled every 30 seconds", false, false),
            ("Requests over the last seconds", false, false),
            ("Requests seen in the last 30 seconds", false, false),
            ("Outgoing HTTP requests", false, true),
            ("Latency of outbound calls", true, true),
            ("Total number of HTTP requests made", false, false),
            ("Requests sent by clients", false, false),
            ("", false, false),
        ] {
            let expected = Help {
                means_time,
                is_outbound,
            };
            assert_eq!(Help::of(text), expected, "{text}");
        }
    }
}
