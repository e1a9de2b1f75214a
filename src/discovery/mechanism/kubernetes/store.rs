//! What is known of the objects of one kind. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::kubernetes::Key;

/// The number of a list: an object that the latest list of its watch did not tell is gone.
pub(super) type Round = u64;

/// Objects, and which of them changed since somebody looked.
#[derive(Debug)]
pub(super) struct Store<T> {
    objects: BTreeMap<Key, Known<T>>,
    changed: BTreeSet<Key>,
    /// Of those that changed, what a list did not tell any more: it was not said to be deleted.
    swept: BTreeSet<Key>,
}

#[derive(Debug)]
struct Known<T> {
    object: T,
    round: Round,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            changed: BTreeSet::new(),
            swept: BTreeSet::new(),
        }
    }
}

impl<T: PartialEq> Store<T> {
    /// Takes an object as it is now. One that is as before changes nothing.
    pub(super) fn put(&mut self, key: Key, object: T, round: Round) {
        match self.objects.get_mut(&key) {
            Some(known) if known.object == object => known.round = round,
            _ => {
                self.changed.insert(key.clone());
                self.swept.remove(&key);
                self.objects.insert(key, Known { object, round });
            }
        }
    }
}

impl<T> Store<T> {
    pub(super) fn get(&self, key: &Key) -> Option<&T> {
        self.objects.get(key).map(|known| &known.object)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.objects.iter().map(|(key, known)| (key, &known.object))
    }

    /// The keys of those that changed; of some there is no object any more.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Key> {
        self.changed.iter()
    }

    pub(super) fn has_changed(&self, key: &Key) -> bool {
        self.changed.contains(key)
    }

    /// Whether any is gone that nobody said to be deleted.
    pub(super) fn is_any_swept(&self) -> bool {
        !self.swept.is_empty()
    }

    /// Whether an object is gone that nobody said to be deleted.
    pub(super) fn is_swept(&self, key: &Key) -> bool {
        self.swept.contains(key)
    }
}

/// What a store does whatever it holds.
pub(super) trait Objects {
    /// Forgets an object.
    fn remove(&mut self, key: &Key);
    /// Forgets what the latest list of a namespace, or of all, did not tell.
    fn sweep(&mut self, namespace: Option<&str>, round: Round);
    /// Whether anything changed.
    fn is_changed(&self) -> bool;
    /// Somebody has looked.
    fn settle(&mut self);
    /// How many there are.
    fn count(&self) -> usize;
    fn contains(&self, key: &Key) -> bool;
}

impl<T> Objects for Store<T> {
    fn remove(&mut self, key: &Key) {
        if self.objects.remove(key).is_some() {
            self.changed.insert(key.clone());
            self.swept.remove(key);
        }
    }

    fn sweep(&mut self, namespace: Option<&str>, round: Round) {
        let is_left = |key: &Key, known: &Known<T>| {
            known.round == round || namespace.is_some_and(|namespace| *key.namespace != *namespace)
        };
        let objects = self.objects.iter();
        let gone: Vec<Key> = objects
            .filter(|(key, known)| !is_left(key, known))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.objects.remove(&key);
            self.swept.insert(key.clone());
            self.changed.insert(key);
        }
    }

    fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    fn settle(&mut self) {
        self.changed.clear();
        self.swept.clear();
    }

    fn count(&self) -> usize {
        self.objects.len()
    }

    fn contains(&self, key: &Key) -> bool {
        self.objects.contains_key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::meta::key;
    use super::*;

    #[test]
    fn fault_46_what_a_new_list_does_not_tell_is_gone_and_what_it_tells_again_was_never_away() {
        let mut store = Store::default();
        let (a, b) = (key("shop", "a"), key("shop", "b"));
        store.put(a.clone(), 1, 1);
        store.put(b.clone(), 1, 1);
        store.put(key("other", "c"), 1, 9);
        store.settle();
        store.put(a.clone(), 1, 2);
        assert!(!store.is_changed() && store.count() == 3);
        store.sweep(Some("shop"), 2);
        assert_eq!(store.changed().collect::<Vec<_>>(), [&b]);
        assert!(store.is_swept(&b) && store.get(&a).is_some());
        store.put(b.clone(), 1, 2);
        assert!(!store.is_swept(&b));
        store.settle();
        store.remove(&b);
        assert!(store.has_changed(&b) && !store.is_swept(&b));
    }
}
