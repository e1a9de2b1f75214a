//! What two scrapes of one target have in common: all but the values, nearly always.
//!
//! An [`BodyShape`] is learnt from a body that was read in full and had no fault. A body that follows
//! it has the same lines but for numbers, and its numbers obey every rule on values: reading it in
//! full would yield the same series, the same metadata and no fault either. Whatever is in doubt
//! does not follow, so that being wrong costs a reading, never a verdict.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, LazyLock};

use foldhash::fast::RandomState;

use super::event::{MetricType, Sample};
use super::format::Format;
use super::number;

/// Lines that share a hash.
const BLOCK_LINES: usize = 16;

/// Bytes of a value; longer ones are read in full.
const VALUE_BYTES_MAX: usize = 32;

/// Lines of an shape.
const LINES_MAX: usize = 1 << 20;

/// One seed a process: nobody outside can make two lines that hash alike.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// What a line may differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nothing: a comment, or a sample whose value counts.
    Same,
    /// Its value, any number.
    Number,
    /// Its value, a number from 0.
    NotNegative,
    /// The first bucket of a histogram.
    FirstBucket,
    /// A bucket that holds what the one on the line before holds.
    Bucket,
    /// The count of a histogram, equal to its last bucket.
    Count,
}

impl Rule {
    const ALL: [Rule; 6] = [
        Rule::Same,
        Rule::Number,
        Rule::NotNegative,
        Rule::FirstBucket,
        Rule::Bucket,
        Rule::Count,
    ];
}

/// One line: how many of its bytes may not differ, up to where a value begins, and its rule, in
/// two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line(u16);

impl Line {
    const RULE_BITS: u32 = 3;

    /// `None` where the line is too long.
    fn new(kept: usize, rule: Rule) -> Option<Self> {
        let kept = u16::try_from(kept).ok()?;
        (kept < 1 << (u16::BITS - Self::RULE_BITS))
            .then_some(Self(kept << Self::RULE_BITS | rule as u16))
    }

    #[inline(always)]
    fn kept(self) -> usize {
        usize::from(self.0 >> Self::RULE_BITS)
    }

    #[inline(always)]
    fn rule(self) -> Rule {
        Rule::ALL[usize::from(self.0 & 0b111)]
    }
}

/// What must be found again.
#[derive(Debug)]
pub struct BodyShape {
    format: Format,
    lines: Box<[Line]>,
    /// For every [`BLOCK_LINES`] lines, of what may not differ in them.
    hashes: Box<[u64]>,
    bytes: usize,
}

impl BodyShape {
    /// The format of the body it was learnt from.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The bytes of the body it was learnt from: one that follows has about as many.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Adds a line to the hash of its block. Lines are hashed apart, which the processor does several
/// at a time, and turned so that their order counts.
#[inline(always)]
fn add(hash: u64, text: &[u8]) -> u64 {
    let mut line = SEED.build_hasher();
    line.write(text);
    hash.rotate_left(5) ^ line.finish()
}

/// What a line may not differ in, and its value: the text up to its last space, and what follows.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let window = line.len().saturating_sub(VALUE_BYTES_MAX + 1);
    let space = window + line[window..].iter().rposition(|&byte| byte == b' ')?;
    Some((&line[..=space], &line[space + 1..]))
}

/// Follows an shape as a body arrives.
#[derive(Debug)]
pub struct ShapeMatcher {
    shape: Arc<BodyShape>,
    line: usize,
    /// Bytes of the body that were followed.
    at: usize,
    hash: u64,
    /// The last bucket's value.
    bucket: f64,
}

impl ShapeMatcher {
    /// At the start of a body.
    pub fn new(shape: Arc<BodyShape>) -> Self {
        Self {
            shape,
            line: 0,
            at: 0,
            hash: 0,
            bucket: 0.0,
        }
    }

    /// Takes the body as far as it has come; false where it does not follow.
    ///
    /// Where lines end is taken from the shape, not looked for: the hash tells in the end whether
    /// that was right.
    pub fn follow(&mut self, body: &[u8]) -> bool {
        let shape = Arc::clone(&self.shape);
        let open = shape.format == Format::OpenMetrics;
        while let Some(line) = shape.lines.get(self.line) {
            let rest = &body[self.at..];
            let Some((kept, behind)) = rest.split_at_checked(line.kept()) else {
                return true;
            };
            let value = match line.rule() {
                Rule::Same => &behind[..0],
                _ => {
                    let window = &behind[..behind.len().min(VALUE_BYTES_MAX + 1)];
                    match window.iter().position(|&byte| byte == b'\n') {
                        Some(length) => &behind[..length],
                        // More is to come, or too much has.
                        None => return window.len() <= VALUE_BYTES_MAX,
                    }
                }
            };
            match behind.get(value.len()) {
                Some(b'\n') => {}
                Some(_) => return false,
                None => return true,
            }
            self.hash = add(self.hash, kept);
            self.at += kept.len() + value.len() + 1;
            self.line += 1;
            if line.rule() != Rule::Same && !self.obeys(line.rule(), value, open) {
                return false;
            }
            if self.line.is_multiple_of(BLOCK_LINES) || self.line == shape.lines.len() {
                if self.hash != shape.hashes[(self.line - 1) / BLOCK_LINES] {
                    return false;
                }
                self.hash = 0;
            }
        }
        self.at == body.len()
    }

    /// Whether this is all that the shape holds.
    pub fn is_complete(&self, body: &[u8]) -> bool {
        self.at == body.len() && self.line == self.shape.lines.len()
    }

    #[inline(always)]
    fn obeys(&mut self, rule: Rule, value: &[u8], open: bool) -> bool {
        let Ok(value) = number::parse(value) else {
            return false;
        };
        match rule {
            Rule::Same | Rule::Number => true,
            Rule::NotNegative => value >= 0.0,
            Rule::FirstBucket | Rule::Bucket => {
                let before = std::mem::replace(&mut self.bucket, value);
                (rule == Rule::FirstBucket || value >= before) && (!open || is_count(value))
            }
            Rule::Count => value == self.bucket && (!open || is_count(value)),
        }
    }
}

fn is_count(value: f64) -> bool {
    value >= 0.0 && value.is_finite() && value.trunc() == value
}

/// Gathers an shape beside the reading of a body.
#[derive(Debug)]
pub struct ShapeBuilder {
    format: Format,
    /// Lines whose value may differ, with the bytes of their series.
    samples: Vec<(u64, usize, Rule)>,
    /// The histogram whose buckets came last, its last bucket being `+Inf`.
    histogram: Option<(u64, bool)>,
    histograms: HashSet<u64, super::identity_hasher::BuildIdentityHasher>,
    fit: bool,
}

impl ShapeBuilder {
    /// At the start of a body.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            samples: Vec::new(),
            histogram: None,
            histograms: HashSet::default(),
            fit: true,
        }
    }

    /// Takes a sample; `heeded` where its reader looks at its value.
    pub fn sample(&mut self, sample: &Sample<'_>, heeded: bool) {
        let rule = if heeded || sample.timestamp.is_some() || sample.exemplar().is_some() {
            // A histogram's values must stay comparable.
            match sample.kind {
                MetricType::Histogram => None,
                _ => Some(Rule::Same),
            }
        } else {
            self.rule(sample)
        };
        match rule {
            None => self.fit = false,
            Some(Rule::Same) => {}
            Some(rule) => self
                .samples
                .push((sample.line, sample.series().len(), rule)),
        }
    }

    /// Which values obey the rules; `None` where that cannot be told line by line.
    fn rule(&mut self, sample: &Sample<'_>) -> Option<Rule> {
        let open = self.format == Format::OpenMetrics;
        let number = match open {
            true => Rule::NotNegative,
            false => Rule::Number,
        };
        let name = sample.name();
        match sample.kind {
            MetricType::Gauge | MetricType::Unknown => Some(Rule::Number),
            MetricType::Counter => Some(number),
            // Whole counts are asked for: not remembered.
            MetricType::Summary if open && name.ends_with("_count") => Some(Rule::Same),
            MetricType::Summary => Some(number),
            MetricType::Info | MetricType::StateSet => Some(Rule::Same),
            MetricType::GaugeHistogram => None,
            MetricType::Histogram => self.histogram(sample, &name, number),
        }
    }

    /// Buckets of one histogram on consecutive lines up to `+Inf`, then its sum and count.
    fn histogram(&mut self, sample: &Sample<'_>, name: &str, number: Rule) -> Option<Rule> {
        if let Some(stem) = name.strip_suffix("_bucket") {
            let (metric, bound) = Self::metric(stem, sample);
            let infinite = number::parse(bound?.as_bytes()) == Ok(f64::INFINITY);
            let rule = match self.histogram {
                Some((current, false)) if current == metric => Rule::Bucket,
                // The one before goes without its last bucket, or this one came before.
                Some((_, false)) => return None,
                _ if !self.histograms.insert(metric) => return None,
                _ => Rule::FirstBucket,
            };
            self.histogram = Some((metric, infinite));
            return Some(rule);
        }
        if let Some(stem) = name.strip_suffix("_count") {
            let (metric, _) = Self::metric(stem, sample);
            return (self.histogram == Some((metric, true))).then_some(Rule::Count);
        }
        (name.ends_with("_sum") || name.ends_with("_created")).then_some(number)
    }

    /// Which histogram a sample belongs to, and its `le`.
    fn metric(stem: &str, sample: &Sample<'_>) -> (u64, Option<String>) {
        let mut hash = add(0, stem.as_bytes());
        let mut bound = None;
        for (name, value) in sample.labels() {
            if name == "le" {
                bound = Some(value.into_owned());
            } else {
                hash = add(hash, name.as_bytes());
                hash = add(hash, value.as_bytes());
            }
        }
        (hash, bound)
    }

    /// The shape of the body, which was read to its end without a fault.
    pub fn finish(self, body: &[u8]) -> Option<BodyShape> {
        if !self.fit || !body.ends_with(b"\n") {
            return None;
        }
        let mut samples = self.samples.into_iter().peekable();
        let (mut lines, mut hashes) = (Vec::new(), Vec::new());
        for line in body[..body.len() - 1].split(|&byte| byte == b'\n') {
            if lines.len() == LINES_MAX {
                return None;
            }
            let sample = samples.next_if(|(number, ..)| *number == lines.len() as u64 + 1);
            let (kept, rule) = match (sample, split(line)) {
                (None, _) => (line, Rule::Same),
                // Nothing but its series and a space before the value, nothing behind.
                (Some((_, length, rule)), Some((series, _))) if series.len() == length + 1 => {
                    (series, rule)
                }
                (Some((.., Rule::Number | Rule::NotNegative)), _) => (line, Rule::Same),
                (Some(_), _) => return None,
            };
            if lines.len().is_multiple_of(BLOCK_LINES) {
                hashes.push(0);
            }
            if let Some(hash) = hashes.last_mut() {
                *hash = add(*hash, kept);
            }
            lines.push(Line::new(kept.len(), rule)?);
        }
        Some(BodyShape {
            format: self.format,
            lines: lines.into(),
            hashes: hashes.into(),
            bytes: body.len(),
        })
    }
}
