use std::time::Duration;

use super::*;
use crate::discovery::settings::Proof;
use crate::http_client::Resolver;
use crate::scrape::tests::support::target_at;
use crate::scrape::{Network, ScrapeSettings};

const NOW_MS: u64 = 1_800_000_000_000;

const ONE_PLACE: Capacity = Capacity {
    in_flight_max: 1,
    suspects_max: 1,
    kept_max: 1,
};

struct Bench {
    slots: Slots,
    client: Arc<Client>,
}

impl Bench {
    fn new() -> Self {
        let network = Network::new(ScrapeSettings::default(), Resolver::system());
        Self {
            slots: Slots::default(),
            client: Arc::new(Client::new(
                Arc::default(),
                &Proof::Scrape,
                Arc::new(network),
            )),
        }
    }

    fn replace(&mut self, hosts: &[&str]) -> Vec<String> {
        let targets: Vec<_> = hosts
            .iter()
            .map(|host| Arc::new(target_at(host, 8067)))
            .collect();
        let client = self.client.clone();
        let gone = self.slots.replace(&targets, NOW_MS, |_| client.clone());
        gone.iter().map(|target| target.url.host.clone()).collect()
    }

    /// Starts what is first due within the next seconds; its task runs until aborted.
    fn start_one(&mut self) -> Start {
        let later = NOW_MS + 6_000;
        assert_eq!(self.slots.queue_due(later), 0);
        let start = self.slots.next_start(later, ONE_PLACE, 0, 0).unwrap();
        let task = tokio::spawn(std::future::pending::<()>());
        self.slots.started(start.id, task.abort_handle());
        start
    }
}

#[tokio::test]
async fn a_target_in_flight_is_gone_when_its_task_has_ended() {
    let mut bench = Bench::new();
    bench.replace(&["a"]);
    let start = bench.start_one();
    assert_eq!(bench.replace(&[]), [""; 0]);
    assert!(bench.slots.awaits_an_end());
    let gone = bench.slots.ended(start.id).unwrap();
    assert_eq!(gone.url.host, "a");
    assert!(bench.slots.ended(start.id).is_none());
    assert!(!bench.slots.awaits_an_end());
}

#[tokio::test]
async fn a_target_named_again_before_its_task_has_ended_stays() {
    let mut bench = Bench::new();
    bench.replace(&["a"]);
    let start = bench.start_one();
    bench.replace(&[]);
    bench.replace(&["a"]);
    assert!(bench.slots.ended(start.id).is_none());
    assert_eq!(bench.slots.len(), 1);
    assert_eq!(bench.slots.queue_due(NOW_MS + 40_000), 0);
    let again = bench.slots.next_start(NOW_MS + 40_000, ONE_PLACE, 0, 0);
    assert_eq!(again.unwrap().id, start.id);
}

#[test]
fn fault_49_a_flapping_target_makes_nothing_grow() {
    let mut bench = Bench::new();
    for _ in 0..1000 {
        bench.replace(&["stays", "flaps"]);
        assert_eq!(bench.replace(&["stays"]), ["flaps"]);
    }
    assert!(
        bench.slots.schedule.len() <= 4,
        "{}",
        bench.slots.schedule.len()
    );
}

#[test]
fn fault_78_suspects_have_places_of_their_own() {
    let mut bench = Bench::new();
    bench.replace(&["well", "ill"]);
    let capacity = Capacity {
        in_flight_max: 8,
        suspects_max: 4,
        kept_max: 8,
    };
    let ill = bench.slots.by_url.values().max().copied().unwrap();
    bench.slots.get_mut(ill).unwrap().suspect = true;
    bench.slots.queue_due(NOW_MS + 1_000);
    let now = NOW_MS + 1_000;
    // Suspects fill their places: only the healthy one may start.
    let start = bench.slots.next_start(now, capacity, 4, 4).unwrap();
    assert!(!start.suspect);
    assert_eq!(bench.slots.next_start(now, capacity, 5, 4), None);
    // The healthy fill theirs: an eighth is left to suspects.
    let start = bench.slots.next_start(now, capacity, 7, 0).unwrap();
    assert!(start.suspect && start.id == ill);
    assert!((900..=1_000).contains(&start.late_ms), "{}", start.late_ms);
}

#[test]
fn moments_missed_while_asleep_are_counted_not_made_up_for() {
    let mut bench = Bench::new();
    bench.replace(&["a"]);
    assert_eq!(bench.slots.queue_due(NOW_MS + 1_000), 0);
    let interval = Duration::from_secs(30).as_millis() as u64;
    let skipped = bench.slots.queue_due(NOW_MS + 1_000 + 10 * interval);
    assert!((10..=11).contains(&skipped), "{skipped}");
    let next = bench.slots.next_tick().unwrap() * TICK_MS;
    assert!(next > NOW_MS + 1_000 + 10 * interval);
}
