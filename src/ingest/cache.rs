//! What is remembered of a target's last body, so that one which differs in nothing but values
//! that no check heeds need not be judged anew.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::checks::Subject;
use crate::exposition::{BodyShape, Limits};

/// Bytes of bodies that all scrapes in flight hold at once; past it bodies are read as they come.
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Scrapes that pass without another try, at the most, where bodies keep changing.
const REST_MAX: u32 = 62;

/// Bytes of the buffers that wait for the next body, and how many they are at the most.
const FREE_BYTES_MAX: usize = 3 * 512 * 1024;
const FREE_MAX: usize = 8;

/// What a body may be larger than the one before without growing its buffer.
const SLACK_BYTES: usize = 1024;

/// A body that was read, for whom and how. What it judged is its reader's to keep.
#[derive(Debug)]
pub struct CachedBody {
    pub(super) shape: Arc<BodyShape>,
    pub(super) subject: Arc<Subject>,
    pub(super) limits: Limits,
}

/// What a scrape came to, as far as memory is concerned.
#[derive(Debug)]
pub enum CacheOutcome {
    /// The body was as remembered: it teaches what the one before judged.
    Again,
    /// It was read, and this remains.
    Anew(Option<CachedBody>),
    /// No body was read to its end, or nothing was tried.
    Nothing,
}

/// A target's memory from scrape to scrape.
#[derive(Debug, Default)]
pub struct BodyCache {
    memory: Option<Arc<CachedBody>>,
    misses: u32,
    rest: u32,
}

impl BodyCache {
    /// Remembers nothing: what bodies judged is out of date.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// What to try at this scrape; `None` where trying did not pay lately.
    pub fn attempt(&mut self, held: &Arc<BufferPool>) -> Option<CacheLookup> {
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        let like_the_last = |memory: &Arc<CachedBody>| memory.shape.bytes() + SLACK_BYTES;
        Some(CacheLookup {
            memory: self.memory.clone(),
            body: BufferedBody {
                bytes: Vec::new(),
                expected: self.memory.as_ref().map_or(0, like_the_last),
                held: Arc::clone(held),
                counted: 0,
            },
        })
    }

    #[cfg(test)]
    pub(super) fn rest_no_more(&mut self) {
        self.rest = 0;
    }

    /// Takes what a scrape came to. Bodies that are never as they were (times, exemplars) are
    /// tried ever less often.
    pub fn ended(&mut self, cache_outcome: CacheOutcome) {
        match cache_outcome {
            CacheOutcome::Again => self.misses = 0,
            CacheOutcome::Anew(memory) => {
                let missed = self.memory.is_some() || memory.is_none();
                if missed {
                    self.misses = (self.misses + 1).min(6);
                    self.rest = ((1 << self.misses) - 2).min(REST_MAX);
                }
                self.memory = memory.map(Arc::new);
            }
            CacheOutcome::Nothing => {}
        }
    }
}

/// Bytes of bodies held by all scrapes, and buffers for the next.
#[derive(Debug, Default)]
pub struct BufferPool {
    bytes: AtomicUsize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl BufferPool {
    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One scrape's try.
#[derive(Debug)]
pub struct CacheLookup {
    pub(super) memory: Option<Arc<CachedBody>>,
    pub(super) body: BufferedBody,
}

/// A body as far as it has come, should it have to be read after all.
#[derive(Debug)]
pub(super) struct BufferedBody {
    pub(super) bytes: Vec<u8>,
    /// Room for so many is made once the first has come: targets that keep us waiting take none.
    expected: usize,
    held: Arc<BufferPool>,
    counted: usize,
}

impl BufferedBody {
    /// Takes more; false where there is no room for it, and then it is not taken.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let held = self.held.bytes.fetch_add(bytes.len(), Relaxed);
        self.counted += bytes.len();
        if held + bytes.len() > HELD_BYTES_MAX {
            return false;
        }
        if self.bytes.capacity() == 0 {
            self.bytes = self.held.free().pop().unwrap_or_default();
            self.bytes.reserve_exact(self.expected.max(bytes.len()));
        }
        self.bytes.extend_from_slice(bytes);
        true
    }
}

impl Drop for BufferedBody {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.counted, Relaxed);
        if self.bytes.capacity() == 0 {
            return;
        }
        let mut free = self.held.free();
        let waiting: usize = free.iter().map(Vec::capacity).sum();
        if free.len() < FREE_MAX && waiting + self.bytes.capacity() <= FREE_BYTES_MAX {
            self.bytes.clear();
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}
