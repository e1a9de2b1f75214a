//! Equal values kept once: thousands of replicas earn the same findings.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Values known before the first look at which of them are still used.
const KNOWN_MIN: usize = 64;

/// Values that are shared while anybody uses them.
#[derive(Debug)]
pub(crate) struct Interner<T: ?Sized>(Mutex<Known<T>>);

#[derive(Debug)]
struct Known<T: ?Sized> {
    values: HashSet<Arc<T>>,
    /// How many values there may be before unused ones are dropped.
    room: usize,
}

impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self(Mutex::new(Known {
            values: HashSet::new(),
            room: KNOWN_MIN,
        }))
    }
}

impl<T: ?Sized + Eq + Hash> Interner<T> {
    /// The value equal to this one, or this one from now on.
    pub(crate) fn of<V: Borrow<T> + Into<Arc<T>>>(&self, value: V) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = known.values.get(value.borrow()) {
            return Arc::clone(shared);
        }
        if known.values.len() >= known.room {
            known.values.retain(|value| Arc::strong_count(value) > 1);
            known.room = (2 * known.values.len()).max(KNOWN_MIN);
        }
        let shared = value.into();
        known.values.insert(Arc::clone(&shared));
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one() {
        let shared: Interner<str> = Interner::default();
        let (a, b) = (shared.of("a"), shared.of("a".to_owned()));
        assert!(Arc::ptr_eq(&a, &b));
        assert!(!Arc::ptr_eq(&a, &shared.of("b")));
    }

    #[test]
    fn what_nobody_uses_is_dropped() {
        let shared: Interner<str> = Interner::default();
        let kept = shared.of("kept");
        for n in 0..10 * KNOWN_MIN {
            shared.of(n.to_string());
        }
        assert!(shared.0.lock().unwrap().values.len() <= 2 * KNOWN_MIN);
        assert!(Arc::ptr_eq(&kept, &shared.of("kept")));
    }
}
