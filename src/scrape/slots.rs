//! The targets of the engine: who is due, who waits, who is in flight. No I/O, time an argument.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use tokio::task::AbortHandle;

use super::client::{Client, IdleConnection};
use super::schedule::{Schedule, TICK_MS, tick_of, url_hash};
use super::settings::Capacity;
use crate::discovery::target::{ByUrl, Target};

/// A place in the schedule. Never used twice, so that a late answer finds nobody else's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotId(u64);

/// What the engine knows of one target.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) target: Arc<Target>,
    pub(super) client: Arc<Client>,
    pub(super) kept: Option<IdleConnection>,
    /// Its last scrape timed out.
    pub(super) suspect: bool,
    state: State,
    hash: u64,
    schedule: Schedule,
    /// Not scraped yet: after the first scrape it settles on its schedule.
    new: bool,
    /// Entries of the heap with another number are void.
    plan: u64,
    /// The target set that last named it.
    named_in: u64,
}

#[derive(Debug)]
enum State {
    Idle,
    /// Due since this moment, without a place in flight yet.
    Waiting(u64),
    InFlight(AbortHandle),
    /// Removed while in flight; gone once the task has ended.
    Dying,
}

/// A scrape to be started, and how late that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) id: SlotId,
    pub(super) suspect: bool,
    pub(super) late_ms: u64,
}

/// All slots, their schedule and their queues.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: HashMap<SlotId, Slot, RandomState>,
    by_url: HashMap<ByUrl, SlotId, RandomState>,
    /// Tick, place, plan.
    schedule: BinaryHeap<Reverse<(u64, u64, SlotId, u64)>>,
    healthy: VecDeque<SlotId>,
    suspects: VecDeque<SlotId>,
    last_id: u64,
    sets: u64,
    dying: usize,
}

impl Slots {
    /// Takes over a target set. Targets are known by URL: a known one is updated in place, the
    /// first wins where a URL is named twice. Returns the targets that are gone already; those in
    /// flight follow at [`Slots::ended`].
    pub(super) fn replace(
        &mut self,
        targets: &[Arc<Target>],
        now_ms: u64,
        mut client_of: impl FnMut(&Arc<Target>) -> Arc<Client>,
    ) -> Vec<Arc<Target>> {
        self.sets += 1;
        let mut new = Vec::new();
        for target in targets {
            let client = client_of(target);
            match self.by_url.get(&target.url) {
                Some(&id) => self.update(id, target, client, now_ms),
                None => new.push(self.insert(target, client)),
            }
        }
        for id in &new {
            let slot = &self.slots[id];
            let due = slot.schedule.first(slot.hash, now_ms, new.len());
            self.plan(*id, due);
        }
        let gone = self.remove_unnamed();
        self.compact();
        gone
    }

    /// Drops what removed targets left behind, once it outnumbers the rest: a target that comes
    /// and goes must not make anything grow.
    fn compact(&mut self) {
        let slots = &self.slots;
        if self.schedule.len() > 2 * slots.len() {
            self.schedule
                .retain(|Reverse((_, _, id, plan))| slots.get(id).is_some_and(|s| s.plan == *plan));
        }
        for queue in [&mut self.healthy, &mut self.suspects] {
            if queue.len() > slots.len() {
                queue.retain(|id| slots.contains_key(id));
            }
        }
    }

    fn insert(&mut self, target: &Arc<Target>, client: Arc<Client>) -> SlotId {
        self.last_id += 1;
        let id = SlotId(self.last_id);
        let hash = url_hash(&target.url);
        let slot = Slot {
            target: target.clone(),
            suspect: client.asks_another(),
            client,
            kept: None,
            state: State::Idle,
            hash,
            schedule: Schedule::new(hash, target.interval),
            new: true,
            plan: 0,
            named_in: self.sets,
        };
        self.by_url.insert(ByUrl(Arc::clone(target)), id);
        self.slots.insert(id, slot);
        id
    }

    fn update(&mut self, id: SlotId, target: &Arc<Target>, client: Arc<Client>, now_ms: u64) {
        let Some(slot) = self.slots.get_mut(&id) else {
            return;
        };
        if slot.named_in == self.sets {
            return;
        }
        slot.named_in = self.sets;
        if !Arc::ptr_eq(&slot.client, &client) {
            // Made with other credentials or certificates.
            slot.kept = None;
            slot.client = client;
        }
        if !Arc::ptr_eq(&slot.target, target) {
            slot.target = target.clone();
            // The key holds the target it was made of.
            self.by_url.remove(&target.url);
            self.by_url.insert(ByUrl(target.clone()), id);
        }
        let revived = matches!(slot.state, State::Dying);
        let schedule = Schedule::new(slot.hash, target.interval);
        if schedule != slot.schedule || revived {
            slot.schedule = schedule;
            let due = schedule.after(now_ms);
            self.plan(id, due);
        }
        // A revived slot stays dying until its aborted task has ended; being named saves it then.
    }

    fn remove_unnamed(&mut self) -> Vec<Arc<Target>> {
        let unnamed: Vec<SlotId> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.named_in != self.sets)
            .map(|(id, _)| *id)
            .collect();
        let mut gone = Vec::new();
        for id in unnamed {
            let Some(slot) = self.slots.get_mut(&id) else {
                continue;
            };
            match &slot.state {
                State::Idle | State::Waiting(_) => gone.extend(self.forget(id)),
                State::InFlight(task) => {
                    task.abort();
                    slot.state = State::Dying;
                    self.dying += 1;
                }
                State::Dying => {}
            }
        }
        gone
    }

    fn forget(&mut self, id: SlotId) -> Option<Arc<Target>> {
        let slot = self.slots.remove(&id)?;
        self.by_url.remove(&slot.target.url);
        Some(slot.target)
    }

    fn plan(&mut self, id: SlotId, due_ms: u64) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.plan += 1;
            self.schedule
                .push(Reverse((tick_of(due_ms), due_ms, id, slot.plan)));
        }
    }

    /// The tick on which something is due next.
    pub(super) fn next_tick(&self) -> Option<u64> {
        self.schedule.peek().map(|Reverse((tick, ..))| *tick)
    }

    /// Puts whatever is due at `now_ms` in its queue. Returns how many due moments passed without
    /// a scrape.
    pub(super) fn queue_due(&mut self, now_ms: u64) -> u64 {
        let mut skipped = 0;
        while let Some(&Reverse((tick, due, id, plan))) = self.schedule.peek() {
            if tick * TICK_MS > now_ms {
                break;
            }
            self.schedule.pop();
            let Some(slot) = self.slots.get_mut(&id).filter(|slot| slot.plan == plan) else {
                continue;
            };
            let next = if slot.new {
                slot.schedule.settle(due)
            } else {
                slot.schedule.after(due)
            };
            slot.new = false;
            let next = if next > now_ms {
                next
            } else {
                skipped += slot.schedule.missed(next, now_ms) + 1;
                slot.schedule.after(now_ms)
            };
            match slot.state {
                State::Idle => {
                    slot.state = State::Waiting(tick * TICK_MS);
                    match slot.suspect {
                        true => self.suspects.push_back(id),
                        false => self.healthy.push_back(id),
                    }
                }
                State::Waiting(_) | State::InFlight(_) | State::Dying => skipped += 1,
            }
            self.plan(id, next);
        }
        skipped
    }

    /// The next scrape that may start beside `in_flight` scrapes, `suspects` of them suspect.
    pub(super) fn next_start(
        &mut self,
        now_ms: u64,
        capacity: Capacity,
        in_flight: usize,
        suspects: usize,
    ) -> Option<Start> {
        if in_flight >= capacity.in_flight_max {
            return None;
        }
        // An eighth is left to suspects, so that overload does not make them suspect for ever.
        let healthy_max = capacity.in_flight_max - capacity.in_flight_max / 8;
        if in_flight - suspects < healthy_max
            && let Some(start) = Self::pop(&mut self.healthy, &self.slots, now_ms)
        {
            return Some(start);
        }
        if suspects < capacity.suspects_max {
            return Self::pop(&mut self.suspects, &self.slots, now_ms);
        }
        None
    }

    fn pop(
        queue: &mut VecDeque<SlotId>,
        slots: &HashMap<SlotId, Slot, RandomState>,
        now_ms: u64,
    ) -> Option<Start> {
        while let Some(id) = queue.pop_front() {
            // Removed targets leave their place in the queue behind.
            if let Some(slot) = slots.get(&id)
                && let State::Waiting(since) = slot.state
            {
                return Some(Start {
                    id,
                    suspect: slot.suspect,
                    late_ms: now_ms.saturating_sub(since),
                });
            }
        }
        None
    }

    pub(super) fn get_mut(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.get_mut(&id)
    }

    pub(super) fn started(&mut self, id: SlotId, task: AbortHandle) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.state = State::InFlight(task);
        }
    }

    /// The task of a scrape has ended, in whatever way. Returns the target if it is gone.
    pub(super) fn ended(&mut self, id: SlotId) -> Option<Arc<Target>> {
        let slot = self.slots.get_mut(&id)?;
        if matches!(slot.state, State::Dying) {
            self.dying -= 1;
            if slot.named_in != self.sets {
                return self.forget(id);
            }
        }
        slot.state = State::Idle;
        None
    }

    /// Whether the end of a scrape is awaited: by targets without a place, or by removed ones.
    pub(super) fn awaits_an_end(&self) -> bool {
        self.dying > 0 || self.waiting() > 0
    }

    /// Due targets without a place in flight.
    pub(super) fn waiting(&self) -> usize {
        self.healthy.len() + self.suspects.len()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.dying
    }
}

#[cfg(test)]
mod tests;
