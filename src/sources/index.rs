//! Rows found by the names of services in their labels: thousands of services look for theirs among
//! thousands of series, each of which is folded once.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::labels::{Labels, snake};

/// Rows by each value of their labels, in snake_case.
#[derive(Debug, Clone, Default)]
pub struct NameIndex(HashMap<Box<str>, Vec<u32>, RandomState>);

impl NameIndex {
    /// Of labels, row by row.
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a Labels>) -> Self {
        let mut index = Self::default();
        for (row, labels) in (0..).zip(rows) {
            for (_, value) in labels.iter() {
                index.add(row, value);
            }
        }
        index
    }

    /// A row is known by this name.
    pub(super) fn add(&mut self, row: u32, name: &str) {
        let rows = self.0.entry(snake(name).into()).or_default();
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }

    /// The rows that hold one of these names (in snake_case) in any label, in order.
    pub(crate) fn rows(&self, names: &[String]) -> Vec<usize> {
        let found = names.iter().filter_map(|name| self.0.get(name.as_str()));
        let mut rows: Vec<usize> = found.flatten().map(|row| *row as usize).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

/// One element of a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, the name left out.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// Series, with an index of what their labels hold.
#[derive(Debug, Clone, Default)]
pub struct Vector {
    samples: Vec<Sample>,
    index: NameIndex,
}

impl Vector {
    /// Of samples as they came.
    pub fn new(samples: Vec<Sample>) -> Self {
        Self {
            index: NameIndex::of(samples.iter().map(|sample| &sample.labels)),
            samples,
        }
    }

    /// Every sample.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The samples of which a label holds one of these names (in snake_case).
    pub(crate) fn naming(&self, names: &[String]) -> impl Iterator<Item = &Sample> {
        self.index
            .rows(names)
            .into_iter()
            .map(|row| &self.samples[row])
    }
}

impl PartialEq for Vector {
    fn eq(&self, other: &Self) -> bool {
        self.samples == other.samples
    }
}

/// Label sets, with an index of what they hold.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    streams: Vec<Labels>,
    index: NameIndex,
}

impl Streams {
    /// Of label sets as they came.
    pub fn new(streams: Vec<Labels>) -> Self {
        Self {
            index: NameIndex::of(streams.iter()),
            streams,
        }
    }

    /// Those of which a label holds one of these names (in snake_case).
    pub(crate) fn naming(&self, names: &[String]) -> impl Iterator<Item = &Labels> {
        self.index
            .rows(names)
            .into_iter()
            .map(|row| &self.streams[row])
    }
}

impl PartialEq for Streams {
    fn eq(&self, other: &Self) -> bool {
        self.streams == other.streams
    }
}
