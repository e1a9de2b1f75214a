//! Mechanisms that are asked for their whole list every so often.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::contract::Surroundings;
use crate::discovery::refresh::{Refresh, RunnerGone};
use crate::document::duration::display;

/// The longest wait for an answer.
const DEADLINE_MAX: Duration = Duration::from_secs(60);

/// The share of the deadline in which the parts of a list are waited for.
const PARTS_SHARE: f64 = 0.9;

/// What is asked.
pub(super) trait Polled: Send {
    /// Time between two requests, and the deadline of each.
    fn interval(&self) -> Duration;

    /// Asks once. Who asks many for parts of a list says what it has at `until`, when some have not answered.
    fn ask(&mut self, until: Instant) -> impl Future<Output = Refresh> + Send;
}

/// How long a whole answer may take.
pub(super) fn deadline(interval: Duration) -> Duration {
    interval.min(DEADLINE_MAX)
}

/// Asks until the runner goes. After a failure it asks again sooner, in growing steps.
pub(super) async fn poll(mut source: impl Polled, surroundings: Surroundings) -> RunnerGone {
    let (retry, reports) = (surroundings.timing.retry, surroundings.reports);
    let interval = source.interval();
    let deadline = deadline(interval);
    let mut wait = retry;
    loop {
        let asked = Instant::now();
        // This deadline covers all requests and file reads; those of each request are nets below it.
        let until = asked + deadline.mul_f64(PARTS_SHARE);
        let answer = match timeout(deadline, source.ask(until)).await {
            Ok(answer) => answer,
            Err(_) => Refresh::failed(format!("no complete answer within {}", display(deadline))),
        };
        let pause = match answer.error {
            None => {
                wait = retry;
                interval
            }
            Some(_) => {
                let pause = wait.min(interval);
                wait = pause * 2;
                pause
            }
        };
        if reports.send(answer).await.is_err() {
            return RunnerGone;
        }
        sleep_until(asked + pause).await;
    }
}
