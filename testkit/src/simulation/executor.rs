use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use choreo_core::BoxFuture;
use choreo_core::runtime::{VirtualTime, in_virtual_time};
use fastrand::Rng;
use futures::future::LocalBoxFuture;

/// Runs tasks on one thread in virtual time: which one is next is drawn by lot, and when none can
/// go on, the clock jumps to the next alarm.
pub(super) struct Executor {
    state: RefCell<State>,
    /// Who was woken.
    ready: Arc<Ready>,
    limits: Limits,
}

/// Whose tasks they are: what a task spawns belongs to the same owner.
pub(super) type Owner = u64;

/// How far a simulation may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) time: Duration,
    pub(super) steps: u64,
}

/// Why a simulation stopped before its end.
pub(super) enum Stop {
    /// A task panicked.
    Panic(String),
    /// All tasks wait, and no alarm is left.
    Rest,
    /// The next alarm is after the end of the time.
    Time,
    /// So many steps were taken.
    Steps,
}

struct State {
    now: Duration,
    rng: Rng,
    tasks: BTreeMap<u64, Task>,
    /// By time, and then in the order in which they were set.
    alarms: BTreeMap<(Duration, u64), Alarm>,
    /// The next number of a task, an alarm or an owner.
    next: u64,
    steps: u64,
    /// Those whose tasks do not run any more.
    dead: BTreeSet<Owner>,
    over: bool,
}

struct Task {
    owner: Option<Owner>,
    /// Away while it is polled.
    future: Option<LocalBoxFuture<'static, ()>>,
    knock: Arc<Knock>,
}

enum Alarm {
    /// Of a sleep, which may be gone meanwhile.
    Bell(Weak<Bell>),
    /// Something to do.
    Run(Box<dyn FnOnce()>),
}

#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    sleeper: Mutex<Option<Waker>>,
}

type Ready = Mutex<Vec<u64>>;

struct Knock {
    task: u64,
    /// Whether it is on the list already.
    listed: AtomicBool,
    ready: Arc<Ready>,
}

thread_local! {
    /// Whose task runs on this thread.
    static OWNER: Cell<Option<Owner>> = const { Cell::new(None) };
}

impl Executor {
    pub(super) fn new(seed: u64, limits: Limits) -> Rc<Self> {
        let state = State {
            now: Duration::ZERO,
            rng: Rng::with_seed(seed),
            tasks: BTreeMap::new(),
            alarms: BTreeMap::new(),
            next: 0,
            steps: 0,
            dead: BTreeSet::new(),
            over: false,
        };
        Rc::new(Self {
            state: RefCell::new(state),
            ready: Arc::default(),
            limits,
        })
    }

    /// Runs a task, and all that it spawns, until the task has ended.
    pub(super) fn run<T: 'static>(
        self: &Rc<Self>,
        main: impl Future<Output = T> + 'static,
    ) -> Result<T, Stop> {
        let output = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&output);
        let time = Rc::clone(self);
        in_virtual_time(time, || {
            self.spawn_for(None, async move {
                let done = main.await;
                *slot.borrow_mut() = Some(done);
            });
            loop {
                if let Some(done) = output.borrow_mut().take() {
                    return Ok(done);
                }
                self.step()?;
            }
        })
    }

    /// Drops everything that has not ended. Nothing runs any more after that.
    pub(super) fn clear(self: &Rc<Self>) {
        let time = Rc::clone(self);
        in_virtual_time(time, || {
            self.state.borrow_mut().over = true;
            loop {
                // In turn, since what is dropped may look at the state.
                let task = self.state.borrow_mut().tasks.pop_first();
                let Some((_, task)) = task else { break };
                drop(task);
            }
            let alarms = std::mem::take(&mut self.state.borrow_mut().alarms);
            drop(alarms);
        });
    }

    /// Runs a task of somebody.
    pub(super) fn spawn_for(
        &self,
        owner: Option<Owner>,
        future: impl Future<Output = ()> + 'static,
    ) {
        let future: LocalBoxFuture<'static, ()> = Box::pin(future);
        let mut state = self.state.borrow_mut();
        let gone = state.over || owner.is_some_and(|owner| state.dead.contains(&owner));
        if gone {
            // What it drops may look at the state.
            drop(state);
            return;
        }
        let id = state.number();
        let knock = Arc::new(Knock {
            task: id,
            listed: AtomicBool::new(true),
            ready: Arc::clone(&self.ready),
        });
        let future = Some(future);
        let task = Task {
            owner,
            future,
            knock,
        };
        state.tasks.insert(id, task);
        lock(&self.ready).push(id);
    }

    pub(super) fn new_owner(&self) -> Owner {
        self.state.borrow_mut().number()
    }

    /// Drops all tasks of somebody, and what they would spawn.
    pub(super) fn kill(&self, owner: Owner) {
        let mut state = self.state.borrow_mut();
        state.dead.insert(owner);
        let of_owner = |task: &Task| task.owner == Some(owner);
        let ids: Vec<u64> = state
            .tasks
            .iter()
            .filter(|(_, task)| of_owner(task))
            .map(|(id, _)| *id)
            .collect();
        let killed: Vec<Option<Task>> = ids.iter().map(|id| state.tasks.remove(id)).collect();
        drop(state);
        as_owner(Some(owner), || drop(killed));
    }

    /// Does something at a time; what is past is done as soon as possible.
    pub(super) fn at(&self, time: Duration, run: impl FnOnce() + 'static) {
        let mut state = self.state.borrow_mut();
        let at = (time.max(state.now), state.number());
        state.alarms.insert(at, Alarm::Run(Box::new(run)));
    }

    /// Draws from a part of the seed's numbers.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.state.borrow_mut().rng)
    }

    fn step(&self) -> Result<(), Stop> {
        let mut state = self.state.borrow_mut();
        let next = {
            let mut ready = lock(&self.ready);
            match ready.len() {
                0 => None,
                many => Some(ready.swap_remove(state.rng.usize(..many))),
            }
        };
        let Some(id) = next else {
            drop(state);
            return self.advance();
        };
        // It may have ended meanwhile.
        let Some(task) = state.tasks.get_mut(&id) else {
            return Ok(());
        };
        let (owner, knock) = (task.owner, Arc::clone(&task.knock));
        let Some(mut future) = task.future.take() else {
            return Ok(());
        };
        state.steps += 1;
        let steps = state.steps;
        drop(state);
        if steps > self.limits.steps {
            return Err(Stop::Steps);
        }
        knock.listed.store(false, Ordering::Release);
        let waker = Waker::from(knock);
        let polled = as_owner(owner, || {
            let mut context = Context::from_waker(&waker);
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)))
        });
        match polled {
            Ok(Poll::Pending) => {
                let mut state = self.state.borrow_mut();
                if let Some(task) = state.tasks.get_mut(&id) {
                    task.future = Some(future);
                    return Ok(());
                }
                // Killed while it ran.
                drop(state);
                as_owner(owner, || drop(future));
                Ok(())
            }
            Ok(Poll::Ready(())) => {
                self.state.borrow_mut().tasks.remove(&id);
                as_owner(owner, || drop(future));
                Ok(())
            }
            Err(panic) => {
                // Nobody leaves before what has happened is looked at.
                if let Some(task) = self.state.borrow_mut().tasks.get_mut(&id) {
                    task.future = Some(future);
                }
                Err(Stop::Panic(words(&*panic)))
            }
        }
    }

    /// Lets the clock jump to the next alarm, and rings all of that time.
    fn advance(&self) -> Result<(), Stop> {
        let mut due = Vec::new();
        {
            let state = &mut *self.state.borrow_mut();
            while let Some(next) = state.alarms.first_entry() {
                let (at, _) = *next.key();
                if due.is_empty() {
                    if next.get().is_forgotten() {
                        next.remove();
                        continue;
                    }
                    if at > self.limits.time {
                        return Err(Stop::Time);
                    }
                } else if at > state.now {
                    break;
                }
                due.push(next.remove());
                state.now = at;
            }
        }
        if due.is_empty() {
            return Err(Stop::Rest);
        }
        for alarm in due {
            match alarm {
                Alarm::Bell(bell) => bell.upgrade().iter().for_each(|bell| bell.ring()),
                Alarm::Run(run) => run(),
            }
        }
        Ok(())
    }
}

impl VirtualTime for Executor {
    fn elapsed(&self) -> Duration {
        self.state.borrow().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let bell = Arc::new(Bell::default());
        let mut state = self.state.borrow_mut();
        let at = (state.now.saturating_add(duration), state.number());
        let alarm = Alarm::Bell(Arc::downgrade(&bell));
        state.alarms.insert(at, alarm);
        Box::pin(std::future::poll_fn(move |context| bell.poll(context)))
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.spawn_for(OWNER.get(), task);
    }

    fn random(&self) -> f64 {
        self.state.borrow_mut().rng.f64()
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Alarm {
    fn is_forgotten(&self) -> bool {
        matches!(self, Self::Bell(bell) if bell.strong_count() == 0)
    }
}

impl Bell {
    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.rung.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let replaced = lock(&self.sleeper).replace(context.waker().clone());
        drop(replaced);
        Poll::Pending
    }

    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        let sleeper = lock(&self.sleeper).take();
        sleeper.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Knock {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.listed.swap(true, Ordering::AcqRel) {
            lock(&self.ready).push(self.task);
        }
    }
}

/// Runs something as a task of somebody.
fn as_owner<T>(owner: Option<Owner>, run: impl FnOnce() -> T) -> T {
    let before = OWNER.replace(owner);
    let done = run();
    OWNER.set(before);
    done
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it does not say why").to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
