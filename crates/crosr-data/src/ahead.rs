//! A thread that works ahead of whoever takes what it makes.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{DataError, Result};

/// Values made ahead by a thread. Dropping this stops it.
pub(crate) struct Ahead<T> {
    receiver: Option<Receiver<T>>,
    worker: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Ahead<T> {
    /// Starts a thread called `name` that sends what it makes; up to `depth` values wait to be
    /// taken, and one more in its hands.
    ///
    /// A failed send tells `work` that nobody wants more.
    pub(crate) fn start(
        name: &str,
        depth: usize,
        work: impl FnOnce(SyncSender<T>) + Send + 'static,
    ) -> Result<Self> {
        let (sender, receiver) = sync_channel(depth);
        let worker = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(sender))
            .map_err(|e| DataError::Worker {
                what: e.to_string(),
            })?;
        Ok(Self {
            receiver: Some(receiver),
            worker: Some(worker),
        })
    }

    /// The next value; none once the thread has ended.
    ///
    /// # Errors
    /// [`DataError::Worker`] if it panicked: a dataset of somebody else's may, and that must not
    /// look like the end.
    pub(crate) fn next(&mut self) -> Result<Option<T>> {
        if let Some(value) = self.receiver.as_ref().and_then(receive) {
            return Ok(Some(value));
        }
        match self.worker.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(DataError::Worker {
                what: "the thread that reads the data stopped; a dataset panicked".to_owned(),
            }),
            _ => Ok(None),
        }
    }
}

/// The next value; `None` when the sender is gone.
fn receive<T>(receiver: &Receiver<T>) -> Option<T> {
    // Outside rayon's threads it is safe to sleep. Inside, this may be the only thread that could
    // prepare what it waits for, so it lends a hand.
    if rayon::current_thread_index().is_none() {
        return receiver.recv().ok();
    }
    loop {
        match receiver.try_recv() {
            Ok(value) => return Some(value),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => lend_a_hand(),
        }
    }
}

/// Runs a waiting piece of rayon's work, or waits a moment where there is none.
fn lend_a_hand() {
    if rayon::yield_now() != Some(rayon::Yield::Executed) {
        std::thread::sleep(Duration::from_micros(50));
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        // Without a receiver the worker's next send fails, and it ends.
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            while rayon::current_thread_index().is_some() && !worker.is_finished() {
                lend_a_hand();
            }
            // A panic has been reported by `next`, or nobody asked.
            worker.join().ok();
        }
    }
}
