//! What of targets outlives the process.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::SystemTime;

use super::Board;
use crate::checks::warmup::{History, TargetPast};
use crate::discovery::target::Target;

impl Board {
    /// Takes what an earlier process knew of targets; of those that are known already, whatever it saw too.
    pub fn recall(&self, targets: Vec<TargetPast>) {
        let mut past: HashMap<String, TargetPast> = targets
            .into_iter()
            .map(|target| (target.url.clone(), target))
            .collect();
        let mut entries = self.lock();
        for entry in &mut entries.list {
            if let Some(known) = past.remove(&entry.url().to_string())
                && known.service == entry.state.target.service
            {
                entry.history.complete(&known);
            }
        }
        drop(entries);
        *self.past.lock().unwrap_or_else(PoisonError::into_inner) = past;
    }

    /// What of each target should outlive this process, in the order of their URLs.
    pub fn pasts(&self) -> Vec<TargetPast> {
        let entries = self.lock();
        let pasts = entries.list.iter().map(|entry| {
            let target = &entry.state.target;
            entry
                .history
                .past(target.url.to_string(), target.service.clone())
        });
        pasts.collect()
    }

    /// What is known of a target that discovery names for the first time in this process.
    pub(super) fn first_history(&self, target: &Target, now: SystemTime) -> History {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        if past.is_empty() {
            return History::new(now);
        }
        let known = past.remove(&target.url.to_string());
        match known.filter(|known| known.service == target.service) {
            Some(known) => History::recalled(&known),
            None => History::new(now),
        }
    }
}
