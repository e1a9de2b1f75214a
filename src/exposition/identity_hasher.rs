//! Maps whose keys are hashes.

use std::hash::{BuildHasherDefault, Hasher};

/// For keys that are hashes already.
pub(super) type BuildIdentityHasher = BuildHasherDefault<IdentityHasher>;

/// A hash that is its own hash.
#[derive(Debug, Default, Clone)]
pub(super) struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
