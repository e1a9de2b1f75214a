//! Host names to addresses, with a bound on what a hung resolver can hold.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, watch};

/// Lookups at once. Each holds a thread of the blocking pool (512), which files need too.
const LOOKUPS_MAX: usize = 128;

type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;
type Answer = Option<Result<Arc<[IpAddr]>, String>>;

/// Resolves names with `lookup`, on the blocking pool, each name once at a time: a name whose
/// servers hang holds one thread however many targets and intervals ask for it.
#[derive(Clone)]
pub struct Resolver {
    lookup: Arc<Lookup>,
    permits: Arc<Semaphore>,
    pending: Arc<Mutex<HashMap<String, watch::Receiver<Answer>>>>,
}

impl Resolver {
    /// The system's resolver: `/etc/hosts`, search domains and all.
    pub fn system() -> Self {
        Self::new(|host| Ok((host, 0).to_socket_addrs()?.map(|a| a.ip()).collect()))
    }

    /// Resolves with a blocking function.
    pub fn new(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self {
            lookup: Arc::new(lookup),
            permits: Arc::new(Semaphore::new(LOOKUPS_MAX)),
            pending: Arc::default(),
        }
    }

    /// The addresses of `host`, never empty; else why there are none. The caller's deadline bounds
    /// the wait.
    pub(crate) async fn resolve(&self, host: &str) -> Result<Arc<[IpAddr]>, String> {
        if let Ok(address) = host.parse() {
            return Ok([address].into());
        }
        let mut answer = self.join_or_start(host);
        let answered = answer.wait_for(Option::is_some).await;
        match answered.as_deref() {
            Ok(Some(Ok(addresses))) => Ok(addresses.clone()),
            Ok(Some(Err(error))) => Err(format!("cannot resolve {host}: {error}")),
            // The sender went without an answer: the lookup panicked or the runtime is ending.
            Ok(None) | Err(_) => Err(format!("cannot resolve {host}: the lookup was abandoned")),
        }
    }

    fn join_or_start(&self, host: &str) -> watch::Receiver<Answer> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = pending.get(host) {
            return answer.clone();
        }
        let (sender, receiver) = watch::channel(None);
        pending.insert(host.to_owned(), receiver.clone());
        let entry = Pending {
            host: host.to_owned(),
            pending: self.pending.clone(),
        };
        let (lookup, permits) = (self.lookup.clone(), self.permits.clone());
        // Not awaited: a lookup cannot be cancelled, and its answer goes through the channel.
        // The task that waits for a permit is bounded by the number of distinct names.
        drop(tokio::spawn(async move {
            let Ok(permit) = permits.acquire_owned().await else {
                return;
            };
            // The permit goes along, so that it is free only once the thread is.
            drop(tokio::task::spawn_blocking(move || {
                let found = match lookup(&entry.host) {
                    Ok(addresses) if addresses.is_empty() => Err("no address".to_owned()),
                    Ok(addresses) => Ok(addresses.into()),
                    Err(error) => Err(error.to_string()),
                };
                drop(entry);
                sender.send_replace(Some(found));
                drop(permit);
            }));
        }));
        receiver
    }
}

/// Forgets a pending name when its lookup ends, in whatever way.
struct Pending {
    host: String,
    pending: Arc<Mutex<HashMap<String, watch::Receiver<Answer>>>>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.host);
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
