//! The budgets of a call: processor time that the plugin computes for, time that it waits for itself, and time that it waits
//! for the host. And its turns: of the calls of one plugin only so many compute at once.
//!
//! A busy machine lengthens the time until a plugin is let to run, and takes nothing of what it computes for.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::FaultKind;
use crate::limits::{Deadline, Limits};

/// The budgets of one call, and what it has spent of them.
#[derive(Clone)]
pub(crate) struct Budget {
    spent: Arc<Mutex<Spent>>,
    /// How many calls of the plugin compute at once.
    turns: Arc<Semaphore>,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The application: its database, its services. Or a core.
    Host,
    /// What it has chosen to wait for: a clock, HTTP, a cache.
    Own,
}

struct Spent {
    computing: Deadline,
    /// Processor time of the slices that have ended.
    computed: Duration,
    /// Processor time of the thread when the slice under way began; `None` while the plugin does not compute.
    slice: Option<Duration>,
    host: Waited,
    own: Waited,
    /// What it waits for, and since when.
    waiting: Option<(Wait, Instant)>,
    /// What other code answers, while it is in a call of the host.
    in_host: Option<Wait>,
    /// Whether it has only made room for others, and could go on at once.
    has_yielded: bool,
    /// What lets it compute.
    turn: Option<OwnedSemaphorePermit>,
}

/// Time that was spent on waiting.
struct Waited {
    limit: Deadline,
    time: Duration,
}

impl Waited {
    fn left(&self) -> Duration {
        Duration::from_millis(self.limit.ms).saturating_sub(self.time)
    }
}

impl Budget {
    /// Those of a call for this signal.
    pub(crate) fn new(limits: &Limits, signal: &str, turns: Arc<Semaphore>) -> Self {
        let waited = |limit| Waited { limit, time: Duration::ZERO };
        let spent = Spent {
            computing: limits.deadline(signal),
            computed: Duration::ZERO,
            slice: None,
            host: waited(limits.wait()),
            own: waited(limits.own_wait(signal)),
            waiting: None,
            in_host: None,
            has_yielded: false,
            turn: None,
        };
        Budget { spent: Arc::new(Mutex::new(spent)), turns }
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how long the call may wait for the host, all in all.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_millis(self.spent().host.limit.ms)
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

    /// Waits for an answer of the host; computing for it is not the plugin's. Its turn is free for others meanwhile, such as
    /// for a call that comes of it.
    ///
    /// # Errors
    /// The fault when the call has waited for too long.
    pub(crate) async fn in_host<T>(
        &self,
        wait: Wait,
        answer: impl Future<Output = T>,
    ) -> Result<T, FaultKind> {
        {
            let mut spent = self.spent();
            spent.end_slice();
            spent.turn = None;
            spent.in_host = Some(wait);
            spent.waiting = Some((wait, Instant::now()));
        }
        let answer = answer.await;
        self.spent().end_wait()?;
        let mut turn = Turn::default();
        poll_fn(|context| self.poll_turn(&mut turn, context)).await?;
        let mut spent = self.spent();
        spent.in_host = None;
        // Of the turn, which is counted there.
        spent.waiting = None;
        spent.slice = Some(thread_time());
        Ok(answer)
    }

    /// Runs the call within its budgets. What computes is ended by the epoch, and what waits is ended here.
    ///
    /// # Errors
    /// The fault when the call has waited for too long.
    pub(crate) async fn keep<T>(&self, guest: impl Future<Output = T>) -> Result<T, FaultKind> {
        let (mut guest, mut timer, mut turn) = (pin!(guest), pin!(None), Turn::default());
        poll_fn(|context| {
            let in_host = self.spent().in_host.is_some();
            if !in_host {
                self.spent().end_wait()?;
                if ready!(self.poll_turn(&mut turn, context)).is_err() {
                    return Poll::Ready(Err(FaultKind::Busy));
                }
                self.spent().slice = Some(thread_time());
            }
            if let Poll::Ready(output) = guest.as_mut().poll(context) {
                self.spent().leave();
                return Poll::Ready(Ok(output));
            }
            let Some((end, fault)) = self.spent().pause() else { return Poll::Pending };
            timer.set(Some(tokio::time::sleep_until(end.into())));
            match timer.as_mut().as_pin_mut().map(|timer| timer.poll(context)) {
                Some(Poll::Ready(())) => Poll::Ready(Err(fault)),
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Waits until the call may compute.
    fn poll_turn(&self, turn: &mut Turn, context: &mut Context<'_>) -> Poll<Result<(), FaultKind>> {
        if self.spent().turn.is_some() {
            return Poll::Ready(Ok(()));
        }
        if turn.0.is_none()
            && let Ok(permit) = self.turns.clone().try_acquire_owned()
        {
            self.spent().turn = Some(permit);
            return Poll::Ready(Ok(()));
        }
        let waiting = turn.0.get_or_insert_with(|| {
            let (turns, left) = (self.turns.clone(), self.spent().host.left());
            let since = Instant::now();
            Box::pin(async move {
                let acquired = tokio::time::timeout(left, turns.acquire_owned()).await;
                (acquired.ok().and_then(Result::ok), since.elapsed())
            })
        });
        let (permit, waited) = ready!(waiting.as_mut().poll(context));
        turn.0 = None;
        let mut spent = self.spent();
        spent.host.time += waited;
        spent.turn = permit;
        Poll::Ready(if spent.turn.is_some() { Ok(()) } else { Err(FaultKind::Busy) })
    }
}

/// A turn that is waited for.
#[derive(Default)]
struct Turn(Option<Waiting>);

type Waiting = Pin<Box<dyn Future<Output = (Option<OwnedSemaphorePermit>, Duration)> + Send>>;

impl Spent {
    /// The call leaves its thread before its end; when it will have waited for too long, if it waits, and the fault that this is.
    fn pause(&mut self) -> Option<(Instant, FaultKind)> {
        self.leave();
        if std::mem::take(&mut self.has_yielded) {
            return None;
        }
        let begin = (self.in_host.unwrap_or(Wait::Own), Instant::now());
        let (wait, since) = *self.waiting.get_or_insert(begin);
        Some((since + self.waited(wait).left(), self.fault(wait)))
    }

    /// The call leaves its thread.
    fn leave(&mut self) {
        self.end_slice();
        self.turn = None;
    }

    fn end_slice(&mut self) {
        if let Some(begin) = self.slice.take() {
            self.computed += thread_time().saturating_sub(begin);
        }
    }

    fn end_wait(&mut self) -> Result<(), FaultKind> {
        let Some((wait, since)) = self.waiting.take() else { return Ok(()) };
        let fault = self.fault(wait);
        let waited = self.waited(wait);
        waited.time += since.elapsed();
        match waited.time > Duration::from_millis(waited.limit.ms) {
            true => Err(fault),
            false => Ok(()),
        }
    }

    fn waited(&mut self, wait: Wait) -> &mut Waited {
        match wait {
            Wait::Host => &mut self.host,
            Wait::Own => &mut self.own,
        }
    }

    fn fault(&self, wait: Wait) -> FaultKind {
        match wait {
            Wait::Host => FaultKind::HostTime(self.host.limit),
            Wait::Own => FaultKind::OwnTime(self.own.limit),
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
