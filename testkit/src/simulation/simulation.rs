use std::env;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use choreo_core::runtime::{VirtualTime, in_virtual_time};
use choreo_core::{Result, RoleId};

use super::diagram;
use super::executor::{Executor, Limits, Stop};
use super::faults::{Faults, probability};
use super::{Cause, Counts, Report, SimFailure, SimNetwork, Span};

/// Runs a protocol in many worlds, in each of which other things go wrong: messages are late, lost,
/// repeated or overtake each other, roles cannot reach each other, or crash and start again.
///
/// A world is made of its seed. All time in it is virtual: hours pass in no time, and
/// [`runtime`](choreo_core::runtime)'s `sleep`, `timeout`, `Instant`, `spawn` and `random` go by it, so
/// layers such as `Retry` and `Timeout` do. Which of the tasks that can go on goes on is drawn by lot,
/// too. The same seed gives the same world, in each process and on each platform, as long as the code
/// is the same and uses nothing else that changes from run to run: no other clock or random numbers, no
/// order of a `HashMap`, no other threads.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_core::runtime::timeout;
/// use choreo_testkit::{SimNetwork, Simulation};
/// use std::time::Duration;
///
/// const MS: Duration = Duration::from_millis(1);
///
/// let report = Simulation::new()
///     .delay(MS..50 * MS)
///     .loss(0.2)
///     .seeds(0..50)
///     .run(async |net: SimNetwork<&str>| {
///         let bob = net.play("Bob", async |bob| loop {
///             // An answer may be lost, so he answers as long as he is asked.
///             match bob.recv::<u32>(&(), "Alice").await {
///                 Ok(ping) => bob.send(&(), "Alice", &(ping + 1)).await?,
///                 Err(_left) => return Ok(()),
///             }
///         });
///         let alice = net.join("Alice")?;
///         let pong = loop {
///             alice.send(&(), "Bob", &1_u32).await?;
///             let answer = alice.recv::<u32>(&(), "Bob");
///             if let Ok(answer) = timeout(200 * MS, answer).await {
///                 break answer?;
///             }
///         };
///         assert_eq!(pong, 2);
///         drop(alice);
///         bob.await
///     });
/// assert!(report.counts.lost > 0);
/// ```
///
/// A test that captures is written `move |net: SimNetwork<Role>| async move { .. }` (what is no `Copy` is
/// cloned before `async move`): of an `async |net| ..` that captures Rust says "async closure does not
/// implement `Fn` because it captures state from its environment".
///
/// The part of a `choreography!` sends each message once: it survives delays. Where messages are lost,
/// roles are cut off, or crash and start again, it ends by an error if a `Timeout` layer is around its
/// handler, and what can be asserted is that everybody ends.
///
/// A world fails when the test's future gives an error or something panics, when all tasks wait and
/// nothing will ever happen, or when it goes on for too long. The failure names the seed and draws what
/// happened; with `SIM_SEED=17` in the environment, or [`seed`](Self::seed), it is seen again.
pub struct Simulation<R: RoleId> {
    faults: Faults,
    capacity: usize,
    seeds: Range<u64>,
    limits: Limits,
    plan: Vec<(Span, Rc<Incident<R>>)>,
}

type Incident<R> = dyn Fn(&SimNetwork<R>);

impl<R: RoleId> Simulation<R> {
    /// How long a world may last, in virtual time, unless told otherwise: a day.
    pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);
    /// How many steps a world may take, unless told otherwise.
    pub const DEFAULT_STEP_LIMIT: u64 = 1_000_000;

    /// A hundred worlds, in which nothing goes wrong and messages take no time, but who is next is
    /// drawn by lot.
    #[must_use]
    pub fn new() -> Self {
        Self {
            faults: Faults::default(),
            capacity: SimNetwork::<R>::DEFAULT_CAPACITY,
            seeds: 0..100,
            limits: Limits {
                time: Self::DEFAULT_TIME_LIMIT,
                steps: Self::DEFAULT_STEP_LIMIT,
            },
            plan: Vec::new(),
        }
    }

    /// How long messages are under way. They keep their order nevertheless, unless told
    /// [otherwise](Self::reorder).
    #[must_use]
    pub fn delay(mut self, delay: impl Into<Span>) -> Self {
        self.faults.delay = delay.into();
        self
    }

    /// How probable it is that a message is lost. Its sender does not learn of it.
    ///
    /// # Panics
    /// When it is not from 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn loss(mut self, of_each: f64) -> Self {
        self.faults.loss = probability("loss", of_each);
        self
    }

    /// How probable it is that a message arrives once more, after another [delay](Self::delay).
    ///
    /// # Panics
    /// When it is not from 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn repeat(mut self, of_each: f64) -> Self {
        self.faults.repeat = probability("repetition", of_each);
        self
    }

    /// How probable it is that a message does not keep its order: it takes up to twice the
    /// [delay](Self::delay), and those before and behind it do not care. Without delays nothing
    /// overtakes.
    ///
    /// # Panics
    /// When it is not from 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn reorder(mut self, of_each: f64) -> Self {
        self.faults.reorder = probability("reordering", of_each);
        self
    }

    /// How many messages are under way or wait between two roles, per direction, before a send waits;
    /// 0 counts as 1.
    #[must_use]
    pub fn capacity(mut self, messages: usize) -> Self {
        self.capacity = messages;
        self
    }

    /// Does something to the network at a time, or at some time in a range.
    ///
    /// ```
    /// use choreo_testkit::{SimNetwork, Simulation};
    /// use std::time::Duration;
    ///
    /// const SECOND: Duration = Duration::from_secs(1);
    ///
    /// let simulation: Simulation<&str> = Simulation::new()
    ///     .at(SECOND, |net| net.partition(["Alice"], ["Bob", "Carol"]))
    ///     .at(5 * SECOND, SimNetwork::heal)
    ///     .at(SECOND..9 * SECOND, |net| net.crash_for(&"Bob", SECOND));
    /// ```
    #[must_use]
    pub fn at(
        mut self,
        time: impl Into<Span>,
        incident: impl Fn(&SimNetwork<R>) + 'static,
    ) -> Self {
        self.plan.push((time.into(), Rc::new(incident)));
        self
    }

    /// The seeds, of which each makes a world. `SIM_SEED` in the environment overrules it.
    #[must_use]
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// One seed alone, to see its world again.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.seeds(seed..seed.saturating_add(1))
    }

    /// How long a world may last, in virtual time.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limits.time = limit;
        self
    }

    /// How many steps a world may take: so often a task is polled.
    #[must_use]
    pub fn step_limit(mut self, limit: u64) -> Self {
        self.limits.steps = limit;
        self
    }

    /// Runs the test in all worlds. A world is over when the test's future is ready; what still runs
    /// then is dropped.
    ///
    /// # Panics
    /// At the first world that fails, with the [`SimFailure`], the line that shows it again, and where
    /// its picture is. Where panics end the program, as on wasm, so does one in the test, without
    /// saying in which world; errors are told everywhere.
    #[track_caller]
    pub fn run<F>(&self, test: impl Fn(SimNetwork<R>) -> F) -> Report
    where
        F: Future<Output = Result<()>> + 'static,
    {
        match self.try_run(test) {
            Ok(report) => report,
            Err(failure) => panic!("{}", failure.printed()),
        }
    }

    /// As [`run`](Self::run), for who wants to look at the failure.
    ///
    /// # Errors
    /// The failure of the first world that fails.
    ///
    /// # Panics
    /// When `SIM_SEED` is no number.
    pub fn try_run<F>(&self, test: impl Fn(SimNetwork<R>) -> F) -> Result<Report, Box<SimFailure>>
    where
        F: Future<Output = Result<()>> + 'static,
    {
        let seeds = match env::var("SIM_SEED") {
            Ok(seed) => {
                let number = seed.parse();
                let seed = number.unwrap_or_else(|_| panic!("SIM_SEED={seed} is no number"));
                seed..seed + 1
            }
            Err(_) => self.seeds.clone(),
        };
        let mut report = Report::default();
        for seed in seeds {
            self.world(seed, &test, &mut report)?;
        }
        Ok(report)
    }

    fn world<F>(
        &self,
        seed: u64,
        test: impl Fn(SimNetwork<R>) -> F,
        report: &mut Report,
    ) -> Result<(), Box<SimFailure>>
    where
        F: Future<Output = Result<()>> + 'static,
    {
        let executor = Executor::new(seed, self.limits);
        let network = in_virtual_time(executor.clone(), || {
            SimNetwork::staged(&executor, seed, self.capacity, self.faults)
        });
        for (span, incident) in &self.plan {
            let at = executor.draw(|rng| span.draw(rng));
            let (network, incident) = (network.clone(), Rc::clone(incident));
            executor.at(at, move || incident(&network));
        }
        let ended = executor.run(in_virtual_time(executor.clone(), || test(network.clone())));
        let outcome = self.outcome(seed, &executor, &network, ended);
        // In this order: what is dropped may speak of the network, which may hold what is dropped.
        executor.clear();
        network.clear();
        let (counts, time, digest) = outcome?;
        report.add(counts, time, digest);
        Ok(())
    }

    fn outcome(
        &self,
        seed: u64,
        executor: &Executor,
        network: &SimNetwork<R>,
        ended: Result<Result<()>, Stop>,
    ) -> Result<(Counts, Duration, u64), Box<SimFailure>> {
        let at = executor.elapsed();
        let state = network.world().state();
        let cause = match ended {
            Ok(Ok(())) => return Ok((state.history.counts, at, state.history.digest())),
            Ok(Err(error)) => Cause::Error(error.report()),
            Err(Stop::Panic(panic)) => Cause::Panic(panic),
            Err(Stop::Rest) => Cause::Deadlock,
            Err(Stop::Time) => Cause::TimeLimit(self.limits.time),
            Err(Stop::Steps) => Cause::StepLimit(self.limits.steps),
        };
        Err(Box::new(SimFailure {
            seed,
            at,
            cause,
            waits: state.waits(),
            mermaid: diagram::mermaid(&state),
            svg: diagram::svg(&state),
        }))
    }
}

impl<R: RoleId> Default for Simulation<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: RoleId> fmt::Debug for Simulation<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("faults", &self.faults)
            .field("seeds", &self.seeds)
            .finish_non_exhaustive()
    }
}
