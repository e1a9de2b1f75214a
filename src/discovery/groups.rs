//! Targets in groups, as discovery finds them. Pure.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::labels::Labels;

/// Bytes of a list.
pub(super) const LIST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Targets of a list.
pub(super) const LIST_TARGETS_MAX: usize = 100_000;
/// Targets of one object, container or service: what more would come of it is no list that somebody wrote.
pub(super) const OBJECT_TARGETS_MAX: usize = 10_000;
/// Bytes of the labels of a list that is put together of many answers.
const LIST_LABEL_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 200;

/// Refuses a list whose labels have too many bytes.
pub(super) fn check_bytes(bytes: usize) -> Result<(), String> {
    match bytes > LIST_LABEL_BYTES_MAX {
        true => Err(format!(
            "the labels of the list have more than {LIST_LABEL_BYTES_MAX} bytes"
        )),
        false => Ok(()),
    }
}

/// Targets that share labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TargetGroup {
    /// What each target has of its own, `__address__` among it.
    pub targets: Vec<Layers>,
    /// What all of them have; a target's own wins.
    pub common: Layers,
}

/// Labels in layers: of two that name the same label, the first wins. A layer that many targets have, such as the
/// labels of a Kubernetes node, is in memory once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Layers {
    /// The first layer.
    pub own: Labels,
    /// The layers below it.
    pub shared: Vec<Arc<Labels>>,
}

impl From<Labels> for Layers {
    fn from(own: Labels) -> Self {
        Self {
            own,
            shared: Vec::new(),
        }
    }
}

impl Layers {
    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let shared = self.shared.iter().map(Arc::as_ref);
        std::iter::once(&self.own)
            .chain(shared)
            .flat_map(Labels::iter)
    }
}

impl TargetGroup {
    /// How many bytes its labels have; what is shared counts once.
    pub(super) fn bytes(&self) -> usize {
        let targets = self.targets.iter().map(|target| target.own.bytes());
        let common = &self.common;
        let shared = common.shared.iter().map(|shared| shared.bytes());
        targets.chain(shared).sum::<usize>() + common.own.bytes()
    }

    /// The labels of the target at an index: its own, and the group's.
    pub fn labels_of(&self, index: usize) -> Labels {
        let own = self.targets.get(index).into_iter().flat_map(Layers::iter);
        let mut all: Vec<(&str, &str)> = own.chain(self.common.iter()).collect();
        // Stable: of those with one name, the first stays first.
        all.sort_by_key(|(name, _)| *name);
        all.dedup_by_key(|(name, _)| *name);
        all.into_iter().collect()
    }
}

/// A list, and what in it was no group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Shared: a file's last good list is part of its source's.
    pub groups: Vec<Arc<TargetGroup>>,
    /// What was wrong with the entries that were skipped, bounded.
    pub skipped: Vec<String>,
    /// What the source sets that is not supported here, bounded.
    pub notes: Vec<String>,
}

impl Listing {
    /// Reasons kept for entries that were skipped.
    pub(super) const SKIPPED_MAX: usize = 100;

    /// How many targets it names.
    pub fn targets(&self) -> usize {
        self.groups.iter().map(|group| group.targets.len()).sum()
    }

    /// Adds `name` to the labels of every group.
    pub(super) fn label(&mut self, name: &str, value: &str) {
        for group in &mut self.groups {
            Arc::make_mut(group).common.own.set(name, value);
        }
    }

    /// Takes the groups of another list for those that are equal: what is the very same need not be looked at again.
    pub(super) fn reuse(&mut self, known: &Listing) {
        let known: HashSet<&Arc<TargetGroup>> = known.groups.iter().collect();
        for group in &mut self.groups {
            if let Some(same) = known.get(group) {
                *group = Arc::clone(same);
            }
        }
    }

    /// Appends another list.
    pub(super) fn append(&mut self, other: &Listing) {
        self.groups.extend(other.groups.iter().cloned());
        self.skipped.extend(other.skipped.iter().cloned());
        self.notes.extend(other.notes.iter().cloned());
    }

    pub(super) fn skip(&mut self, reason: impl fmt::Display) {
        if self.skipped.len() < Self::SKIPPED_MAX {
            let reason = reason.to_string();
            self.skipped
                .push(reason.chars().take(REASON_CHARS_MAX).collect());
        }
    }
}
