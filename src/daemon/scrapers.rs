//! The threads that scrape, apart from those that serve.
//!
//! One, unless the operator asks for more: handing a scrape from thread to thread costs more than
//! scraping it (82 us a scrape of 60 kB gzipped on two threads, 65 on one), and one thread scrapes
//! thousands of targets a second.

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that scrape, unless the operator says otherwise.
const THREADS_DEFAULT: usize = 1;

/// A runtime of its own. Dropped, it ends without waiting.
pub(super) struct Scrapers(Option<Runtime>);

impl Scrapers {
    /// Starts the threads.
    pub(super) fn start(threads: Option<usize>) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.unwrap_or(THREADS_DEFAULT))
            .thread_name("scrape")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where to run what scrapes.
    pub(super) fn handle(&self) -> Handle {
        self.0
            .as_ref()
            .map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

/// Waiting for the end of a runtime is not allowed within another.
impl Drop for Scrapers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
