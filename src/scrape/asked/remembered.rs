//! What a server says of all targets together, remembered for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long a failure holds, before the server is asked again.
const FAILURE_AGE_MAX: Duration = Duration::from_secs(5);
/// How long an answer serves while the server does not give a newer one.
const STALE_MAX: Duration = Duration::from_secs(600);

/// An answer that is asked for by itself: a scrape that gives up waiting for it ends nothing, and while a newer one is
/// under way the last one serves.
pub(super) struct Remembered<T> {
    said: Arc<watch::Sender<Option<Said<T>>>>,
    is_asking: Arc<AtomicBool>,
}

struct Said<T> {
    at: Instant,
    /// The last answer, and when it came.
    good: Option<(Instant, Arc<T>)>,
    /// Why there is no newer one.
    error: Option<String>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            said: Arc::new(watch::Sender::new(None)),
            is_asking: Arc::default(),
        }
    }
}

impl<T: Send + Sync + 'static> Remembered<T> {
    /// What the server says, or said that time ago. `ask` has a deadline of its own.
    pub(super) async fn get<F>(
        &self,
        age_max: Duration,
        ask: impl FnOnce() -> F,
    ) -> Result<Arc<T>, String>
    where
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let mut said = self.said.subscribe();
        let is_due = said.borrow().as_ref().is_none_or(|said| {
            let holds = said.error.as_ref().map_or(age_max, |_| FAILURE_AGE_MAX);
            said.at.elapsed() >= holds
        });
        if is_due && !self.is_asking.swap(true, Ordering::AcqRel) {
            let (said, is_asking) = (Arc::clone(&self.said), Arc::clone(&self.is_asking));
            let asked = ask();
            tokio::spawn(async move {
                let answer = asked.await;
                said.send_modify(|said| *said = Some(Said::after(said.take(), answer)));
                is_asking.store(false, Ordering::Release);
            });
        }
        let said = said.wait_for(Option::is_some).await;
        let said = said.map_err(|_| "nobody asks any more".to_owned())?;
        match said.as_ref() {
            Some(Said {
                good: Some((at, good)),
                ..
            }) if at.elapsed() < STALE_MAX => Ok(Arc::clone(good)),
            Some(said) => Err(said.error.clone().unwrap_or_default()),
            None => Err(String::new()),
        }
    }
}

impl<T> Said<T> {
    fn after(before: Option<Self>, answer: Result<T, String>) -> Self {
        let at = Instant::now();
        match answer {
            Ok(good) => Self {
                at,
                good: Some((at, Arc::new(good))),
                error: None,
            },
            Err(error) => Self {
                at,
                good: before.and_then(|before| before.good),
                error: Some(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_ends_nothing_and_the_last_answer_serves() {
        let remembered: Remembered<u32> = Remembered::default();
        let minute = Duration::from_secs(60);
        let slow = |answer: Result<u32, String>| {
            move || async move {
                tokio::time::sleep(Duration::from_secs(12)).await;
                answer
            }
        };
        let impatient = Duration::from_secs(10);
        let first = tokio::time::timeout(impatient, remembered.get(minute, slow(Ok(7)))).await;
        assert!(first.is_err());
        // It came all the same: the second asks for nothing.
        tokio::time::sleep(impatient).await;
        let never = || async { panic!("asked again") };
        assert_eq!(remembered.get(minute, never).await, Ok(Arc::new(7)));
        // What is old serves while a newer one is under way, and when that fails.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let late = tokio::time::timeout(
            impatient,
            remembered.get(minute, slow(Err("no".to_owned()))),
        );
        assert_eq!(late.await.unwrap(), Ok(Arc::new(7)));
        tokio::time::sleep(Duration::from_secs(13)).await;
        assert_eq!(remembered.get(minute, never).await, Ok(Arc::new(7)));
        tokio::time::sleep(STALE_MAX).await;
        let failing = remembered.get(minute, slow(Err("no".to_owned())));
        assert_eq!(failing.await, Err("no".to_owned()));
    }
}
