//! Log lines on their way to standard error: whoever logs never waits for whoever reads. A full
//! disk behind a redirection, or a pipe that nobody empties, must not stop the daemon.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Lines that wait; one more is dropped and counted.
const LINES_MAX: usize = 1_024;

/// How often a full queue is tried again while it is flushed.
const FLUSH_RETRY: Duration = Duration::from_millis(5);

/// The way in; a clone is the same queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    sender: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    /// Answered once every line before it was written.
    Flush(SyncSender<()>),
}

impl Queue {
    /// Writes what is queued to `out`, on a thread of its own.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_out(&receiver, &lost, out))?;
        Ok(Self { sender, dropped })
    }

    /// Waits until everything queued so far is written, but no longer than this.
    pub(super) fn flush(&self, wait_max: Duration) {
        let deadline = Instant::now() + wait_max;
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        while let Err(TrySendError::Full(back)) = self.sender.try_send(entry) {
            if Instant::now() >= deadline {
                return;
            }
            entry = back;
            std::thread::sleep(FLUSH_RETRY);
        }
        // Late or never: there is nobody to tell.
        let _in_time = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

/// Each call is a whole line.
impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.sender.try_send(Entry::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_out(receiver: &Receiver<Entry>, dropped: &AtomicU64, mut out: impl Write) {
    loop {
        let entry = match receiver.try_recv() {
            Ok(entry) => entry,
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {
                // There is room again: the line about it is a line like any other.
                let lines = dropped.swap(0, Ordering::Relaxed);
                if lines > 0 {
                    tracing::warn!(lines, "log lines were dropped: standard error took none");
                }
                match receiver.recv() {
                    Ok(entry) => entry,
                    Err(_) => return,
                }
            }
        };
        match entry {
            // A log that cannot be written has nowhere to be complained about.
            Entry::Line(line) => drop(out.write_all(&line)),
            // Whoever asked may have given up.
            Entry::Flush(done) => drop(done.try_send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes nothing while it is locked.
    #[derive(Clone, Default)]
    struct Gate(Arc<Mutex<Vec<u8>>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn fault_77_a_log_that_takes_nothing_costs_lines_and_no_time() {
        let gate = Gate::default();
        let mut queue = Queue::start(gate.clone()).unwrap();
        let closed = gate.0.lock().unwrap();
        let start = Instant::now();
        for _ in 0..2 * LINES_MAX {
            queue.write_all(b"a line\n").unwrap();
        }
        queue.flush(Duration::from_millis(20));
        assert!(start.elapsed() < Duration::from_secs(2));
        let dropped = queue.dropped.load(Ordering::Relaxed);
        drop(closed);
        queue.flush(Duration::from_secs(20));
        let written = gate.0.lock().unwrap().len() / b"a line\n".len();
        assert_eq!(written + usize::try_from(dropped).unwrap(), 2 * LINES_MAX);
        // One may be on its way already.
        assert!((LINES_MAX..=LINES_MAX + 1).contains(&written), "{written}");
    }
}
