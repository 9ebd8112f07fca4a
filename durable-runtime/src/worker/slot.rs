//! How the outside reaches the task of a run: an inbox and a waker.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use crate::{
    journal::{Epoch, MailId, RunId, RunKey, Timestamp},
    replay::Identity,
    store::Mail,
};

/// What reaches a run's task.
#[derive(Debug)]
pub(crate) enum Input {
    /// Its commit of this many events is durable.
    Committed { events: usize },
    /// Mail has come.
    Mail(Mail),
    /// Somebody wants to know which steps have an attempt in flight, and which attempt.
    Tell(tokio::sync::oneshot::Sender<Vec<(crate::journal::StepId, u32)>>),
    /// Something of the run cannot be read: it is parked for this reason.
    Park(String),
    /// The database will never take its commit, for this reason.
    Refused(String),
    /// Look at the clock, and at what the worker may do.
    Look,
    /// The run belongs to somebody else now, or the worker ends: stop at once and write nothing.
    Drop,
}

/// The place of one run in memory.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) run: RunKey,
    pub(crate) id: RunId,
    pub(crate) created_at: Timestamp,
    pub(crate) epoch: Epoch,
    /// How many events of its journal are known to be durable.
    durable: AtomicUsize,
    inner: Mutex<Inner>,
    /// Whether the body was woken since it was polled last.
    woken: AtomicBool,
    /// Whether user code or a commit is in flight.
    busy: AtomicBool,
    /// The last mail that was known here when the run's mailbox was read last.
    read_at: AtomicI64,
    /// The last mail that was read from the mailbox: all before it was, too.
    read_to: AtomicI64,
}

#[derive(Debug, Default)]
struct Inner {
    inputs: Vec<Input>,
    task: Option<Waker>,
    activity: Activity,
}

/// Whether the task of a run has anything to do.
#[derive(Debug, Default, Clone, Copy)]
enum Activity {
    /// It was woken, and has not been polled since.
    #[default]
    Woken,
    /// It is being polled.
    Polled,
    /// It does nothing more until something reaches it.
    AtRest { at_work: bool },
}

impl Slot {
    /// The place of a run of whose journal so many events are durable, and whose mailbox was read when
    /// `read_at` was the last mail known here.
    pub(crate) fn new(run: &Identity, durable: usize, read_at: MailId) -> Arc<Self> {
        Arc::new(Self {
            run: run.run,
            id: run.id.clone(),
            created_at: run.created_at,
            epoch: run.epoch,
            durable: AtomicUsize::new(durable),
            inner: Mutex::default(),
            woken: AtomicBool::new(true),
            busy: AtomicBool::new(true),
            read_at: AtomicI64::new(read_at.get()),
            read_to: AtomicI64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, input: Input) {
        let task = {
            let mut inner = self.lock();
            inner.inputs.push(input);
            inner.activity = Activity::Woken;
            inner.task.clone()
        };
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Takes what has come, and arranges for `task` to be woken by what comes next.
    pub(crate) fn take(&self, task: &Waker) -> Vec<Input> {
        let mut inner = self.lock();
        match &mut inner.task {
            Some(known) => known.clone_from(task),
            unknown => *unknown = Some(task.clone()),
        }
        inner.activity = Activity::Polled;
        std::mem::take(&mut inner.inputs)
    }

    /// Tells that the task does nothing more by itself. `at_work`: user code is in flight that waits for
    /// something other than the clock. `false` when the body was woken meanwhile: then the task has to
    /// go on.
    pub(crate) fn rest(&self, at_work: bool) -> bool {
        let mut inner = self.lock();
        if !matches!(inner.activity, Activity::Polled) {
            return true;
        }
        let rests = !self.is_woken();
        inner.activity = if rests {
            Activity::AtRest { at_work }
        } else {
            Activity::Woken
        };
        rests
    }

    /// Whether user code is at work while the task rests; `None` when it does not rest.
    pub(crate) fn rests_at_work(&self) -> Option<bool> {
        match self.lock().activity {
            Activity::AtRest { at_work } => Some(at_work),
            Activity::Woken | Activity::Polled => None,
        }
    }

    pub(crate) fn note_durable(&self, events: usize) {
        self.durable.fetch_add(events, Ordering::AcqRel);
    }

    /// How many events of its journal are known to be durable.
    pub(crate) fn durable(&self) -> usize {
        self.durable.load(Ordering::Acquire)
    }

    /// Hands over mail that was read from the mailbox.
    pub(crate) fn push_read(&self, mail: Mail) {
        self.note_read_to(mail.id);
        self.push(Input::Mail(mail));
    }

    pub(crate) fn note_read_to(&self, mail: MailId) {
        self.read_to.store(mail.get(), Ordering::Release);
    }

    pub(crate) fn read_to(&self) -> MailId {
        MailId::new(self.read_to.load(Ordering::Acquire))
    }

    /// Has the mailbox be read from its beginning: mail that was handed over before is told by its number.
    pub(crate) fn read_again(&self) {
        self.note_read_to(MailId::new(0));
        self.note_read(MailId::new(0));
    }

    pub(crate) fn note_read(&self, last: MailId) {
        self.read_at.store(last.get(), Ordering::Release);
    }

    /// Whether the mailbox was read since this mail was written.
    pub(crate) fn has_read(&self, mail: MailId) -> bool {
        self.read_at.load(Ordering::Acquire) >= mail.get()
    }

    pub(crate) fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    /// Whether the user code that is there was woken since it was polled last.
    pub(super) fn woken(&self) -> &AtomicBool {
        &self.woken
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    pub(crate) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Release);
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }
}

/// The waker handed to a body: remembers that the body was woken, and wakes the task, unless it is being
/// polled: it looks again before it rests. (Most wakes are of this kind: the task itself hands the body
/// an event.)
impl Wake for Slot {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let task = {
            let mut inner = self.lock();
            if matches!(inner.activity, Activity::Polled) {
                return;
            }
            inner.activity = Activity::Woken;
            inner.task.clone()
        };
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[derive(Debug, Default)]
    struct Task(AtomicU32);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn polled() -> (Arc<Slot>, Arc<Task>) {
        let slot = Arc::new(Slot {
            run: RunKey::new(1),
            id: RunId::from_recorded("run"),
            created_at: Timestamp::MIN,
            epoch: Epoch::new(1),
            durable: AtomicUsize::new(0),
            inner: Mutex::default(),
            woken: AtomicBool::new(true),
            busy: AtomicBool::new(true),
            read_at: AtomicI64::new(0),
            read_to: AtomicI64::new(0),
        });
        let task: Arc<Task> = Arc::default();
        slot.take(&Waker::from(Arc::clone(&task)));
        slot.take_woken();
        (slot, task)
    }

    #[test]
    fn a_body_that_is_woken_while_it_is_polled_keeps_its_task_from_resting() {
        let (slot, task) = polled();
        slot.wake_by_ref();
        assert_eq!(task.0.load(Ordering::Relaxed), 0);
        assert!(!slot.rest(false) && slot.rests_at_work().is_none());
    }

    #[test]
    fn a_body_that_was_polled_again_may_rest() {
        let (slot, task) = polled();
        slot.wake_by_ref();
        assert!(slot.take_woken());
        assert!(slot.rest(true) && slot.rests_at_work() == Some(true));
        slot.wake_by_ref();
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        assert!(slot.rests_at_work().is_none());
    }

    #[test]
    fn what_comes_in_always_wakes_the_task() {
        let (slot, task) = polled();
        slot.push(Input::Look);
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        assert!(slot.rest(false) && slot.rests_at_work().is_none());
    }
}
