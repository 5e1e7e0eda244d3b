//! The two budgets of a call: processor time that the plugin computes for, and time that it waits for the host.
//!
//! A busy machine lengthens the time until a plugin is let to run, and takes nothing of either.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::error::FaultKind;
use crate::limits::Deadline;

/// The budgets of one call, and what it has spent of them.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Mutex<Spent>>);

struct Spent {
    computing: Deadline,
    waiting: Deadline,
    /// Processor time of the slices that have ended.
    computed: Duration,
    /// Processor time of the thread when the slice under way began; `None` while the plugin does not compute.
    slice: Option<Duration>,
    waited: Duration,
    waiting_since: Option<Instant>,
    /// Whether it is in a call of the host, which other code answers.
    in_host: bool,
    /// Whether it has only made room for others, and could go on at once.
    has_yielded: bool,
}

impl Budget {
    pub(crate) fn new(computing: Deadline, waiting: Deadline) -> Self {
        Budget(Arc::new(Mutex::new(Spent {
            computing,
            waiting,
            computed: Duration::ZERO,
            slice: None,
            waited: Duration::ZERO,
            waiting_since: None,
            in_host: false,
            has_yielded: false,
        })))
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how long the call may wait for the host, all in all.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_millis(self.spent().waiting.ms)
    }

    /// Makes room for others in the middle of computing.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(crate) fn make_room(&self) -> Result<(), FaultKind> {
        self.check()?;
        self.spent().has_yielded = true;
        Ok(())
    }

    /// # Errors
    /// The fault when the call has computed for too long.
    pub(crate) fn check(&self) -> Result<(), FaultKind> {
        let spent = self.spent();
        let slice = spent.slice.map_or(Duration::ZERO, |begin| thread_time().saturating_sub(begin));
        match spent.computed + slice > Duration::from_millis(spent.computing.ms) {
            true => Err(FaultKind::Deadline(spent.computing)),
            false => Ok(()),
        }
    }

    /// Waits for an answer of the host; computing for it is not the plugin's.
    ///
    /// # Errors
    /// The fault when the call has waited for too long.
    pub(crate) async fn in_host<T>(&self, answer: impl Future<Output = T>) -> Result<T, FaultKind> {
        {
            let mut spent = self.spent();
            spent.end_slice();
            spent.in_host = true;
            spent.waiting_since = Some(Instant::now());
        }
        let answer = answer.await;
        let mut spent = self.spent();
        spent.in_host = false;
        spent.end_wait()?;
        spent.slice = Some(thread_time());
        Ok(answer)
    }

    /// Runs the call within its budgets. What computes is ended by the epoch, and what waits is ended here.
    ///
    /// # Errors
    /// The fault when the call has waited for too long.
    pub(crate) async fn keep<T>(&self, guest: impl Future<Output = T>) -> Result<T, FaultKind> {
        let (mut guest, mut timer) = (pin!(guest), pin!(None));
        poll_fn(|context| {
            self.spent().resume()?;
            if let Poll::Ready(output) = guest.as_mut().poll(context) {
                self.spent().end_slice();
                return Poll::Ready(Ok(output));
            }
            let Some(end) = self.spent().pause() else { return Poll::Pending };
            timer.set(Some(tokio::time::sleep_until(end.into())));
            match timer.as_mut().as_pin_mut().map(|timer| timer.poll(context)) {
                Some(Poll::Ready(())) => Poll::Ready(Err(FaultKind::HostTime(self.spent().waiting))),
                _ => Poll::Pending,
            }
        })
        .await
    }
}

impl Spent {
    /// The call goes on, on this thread.
    fn resume(&mut self) -> Result<(), FaultKind> {
        if self.in_host {
            return Ok(());
        }
        self.end_wait()?;
        self.slice = Some(thread_time());
        Ok(())
    }

    /// The call leaves its thread; when it will have waited for too long, if it waits.
    fn pause(&mut self) -> Option<Instant> {
        self.end_slice();
        if std::mem::take(&mut self.has_yielded) {
            return None;
        }
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        Some(since + Duration::from_millis(self.waiting.ms).saturating_sub(self.waited))
    }

    fn end_slice(&mut self) {
        if let Some(begin) = self.slice.take() {
            self.computed += thread_time().saturating_sub(begin);
        }
    }

    fn end_wait(&mut self) -> Result<(), FaultKind> {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
        match self.waited > Duration::from_millis(self.waiting.ms) {
            true => Err(FaultKind::HostTime(self.waiting)),
            false => Ok(()),
        }
    }
}

/// Returns the processor time that this thread has used.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().unwrap_or_default()
}

/// Returns the time since the program began, where the processor time of a thread cannot be had.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    static BEGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    BEGIN.elapsed()
}
