use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use choreo_core::runtime::VirtualTime;
use choreo_core::{Result, RoleId};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;

use super::executor::{Executor, Owner};
use super::faults::Faults;
use super::world::World;
use super::{SimHandler, Span};

/// The network of one simulated world, on which things go wrong as a
/// [`Simulation`](super::Simulation) says, and as its own methods are called.
///
/// Cheap to clone; clones are the same network. By itself, outside of a simulation, it makes no
/// mistakes and is a network in memory like others.
pub struct SimNetwork<R: RoleId> {
    world: Arc<World<R>>,
    stage: Option<Rc<Stage<R>>>,
}

/// Where roles are played that can crash and start again.
struct Stage<R> {
    executor: Rc<Executor>,
    seed: u64,
    parts: RefCell<Vec<Rc<Part<R>>>>,
}

struct Part<R> {
    role: R,
    /// Whose tasks play it now.
    owner: Cell<Owner>,
    begin: Box<dyn Fn() -> Result<LocalBoxFuture<'static, ()>>>,
}

/// The output of a role that is [played](SimNetwork::play): ready when the role's part has come to its
/// end, be it after crashes. A role that crashes and does not start again never gets there.
///
/// Dropped, the role plays on.
#[must_use = "what the role came to would go unnoticed"]
pub struct Played<T>(oneshot::Receiver<Result<T>>);

impl<R: RoleId> SimNetwork<R> {
    /// How many messages are under way or wait between two roles, per direction, unless told
    /// otherwise.
    pub const DEFAULT_CAPACITY: usize = 32;

    /// A network without faults and without delays, outside of any simulation.
    ///
    /// ```
    /// use choreo_core::ChoreoHandlerExt;
    /// use choreo_testkit::SimNetwork;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
    /// let network = SimNetwork::new();
    /// let (alice, bob) = (network.join("Alice")?, network.join("Bob")?);
    /// alice.send(&(), "Bob", &"hello").await?;
    /// assert_eq!(bob.recv::<String>(&(), "Alice").await?, "hello");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            world: Arc::new(World::new(Self::DEFAULT_CAPACITY, Faults::default(), 0)),
            stage: None,
        }
    }

    pub(super) fn staged(
        executor: &Rc<Executor>,
        seed: u64,
        capacity: usize,
        faults: Faults,
    ) -> Self {
        let of_network = executor.draw(|rng| rng.u64(..));
        Self {
            world: Arc::new(World::new(capacity, faults, of_network)),
            stage: Some(Rc::new(Stage {
                executor: Rc::clone(executor),
                seed,
                parts: RefCell::default(),
            })),
        }
    }

    pub(super) fn world(&self) -> &Arc<World<R>> {
        &self.world
    }

    /// The handler that plays `role`, for code that is not to crash or start again. The role leaves
    /// when the handler is dropped.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when the role has joined before, and has not crashed
    /// since.
    pub fn join(&self, role: R) -> Result<SimHandler<R>> {
        SimHandler::join(&self.world, role)
    }

    /// Lets a role play its part in the background. The part is begun anew, with a new handler, each
    /// time when the role [starts again](Self::restart) after a [crash](Self::crash); what is to
    /// outlive crashes it keeps outside of itself, as on a disk.
    ///
    /// What the part spawns by [`runtime::spawn`](choreo_core::runtime::spawn) crashes with it.
    ///
    /// # Panics
    /// Outside of a simulation, and when the role has joined before.
    #[track_caller]
    pub fn play<T, P, F>(&self, role: R, part: P) -> Played<T>
    where
        T: 'static,
        P: Fn(SimHandler<R>) -> F + 'static,
        F: Future<Output = Result<T>> + 'static,
    {
        let Some(stage) = &self.stage else {
            panic!("roles are played within a simulation; join the network instead");
        };
        let (done, played) = oneshot::channel();
        let done = Rc::new(Cell::new(Some(done)));
        let (world, name) = (Arc::clone(&self.world), role.clone());
        let begin = move || {
            let playing = part(SimHandler::join(&world, name.clone())?);
            let done = Rc::clone(&done);
            Ok(async move {
                let output = playing.await;
                if let Some(done) = done.take() {
                    // Nobody may wait for it.
                    let _ = done.send(output);
                }
            }
            .boxed_local())
        };
        let part = Rc::new(Part {
            role,
            owner: Cell::new(0),
            begin: Box::new(begin),
        });
        stage.parts.borrow_mut().push(Rc::clone(&part));
        if let Err(error) = stage.begin(&part) {
            panic!("{error}");
        }
        Played(played)
    }

    /// Stops a role where it is, as when its machine loses power: its part is dropped, with what it
    /// has spawned, and what was not received yet is lost, and what is sent to it until it starts again.
    /// What it has sent still arrives. Nobody is told: peers that must not wait for ever need a time
    /// limit.
    ///
    /// The handler of a role that has [joined](Self::join) by hand gives errors of kind
    /// [`Closed`](choreo_core::ErrorKind::Closed) from now on. Nothing happens where the role is not
    /// there, or has come to its end.
    pub fn crash(&self, role: &R) {
        // First, so that what is dropped cannot say goodbye.
        self.world.crash(role);
        if let Some((stage, part)) = self.part(role) {
            stage.executor.kill(part.owner.get());
        }
    }

    /// Begins the part of a role that has crashed from its beginning, with a new handler. Nothing
    /// happens where it has not crashed.
    pub fn restart(&self, role: &R) {
        if let Some((stage, part)) = self.part(role) {
            // An error says that the role has not crashed.
            let _ = stage.begin(&part);
        }
    }

    /// Crashes a role, and starts it again after some time.
    ///
    /// # Panics
    /// Outside of a simulation.
    #[track_caller]
    pub fn crash_for(&self, role: &R, time: impl Into<Span>) {
        let Some(stage) = &self.stage else {
            panic!("roles start again within a simulation only");
        };
        self.crash(role);
        let (network, role) = (self.clone(), role.clone());
        let pause = stage.executor.draw(|rng| time.into().draw(rng));
        let at = stage.executor.elapsed().saturating_add(pause);
        stage.executor.at(at, move || network.restart(&role));
    }

    /// Lets nothing pass between the one and the other roles, either way, until it is
    /// [healed](Self::heal). What is under way between them is lost, and what is sent meanwhile.
    pub fn partition(&self, ones: impl AsRef<[R]>, others: impl AsRef<[R]>) {
        self.world.partition(ones.as_ref(), others.as_ref());
    }

    /// Ends all partitions.
    pub fn heal(&self) {
        self.world.heal();
    }

    /// Ends all partitions, and from now on loses, repeats and reorders nothing: a protocol that has
    /// come through until here must come to its end now.
    pub fn calm(&self) {
        {
            let mut state = self.world.state();
            state.faults = state.faults.calm();
        }
        self.heal();
    }

    /// Writes something into the diagram.
    pub fn note(&self, text: impl fmt::Display) {
        let text = text.to_string();
        let mut state = self.world.state();
        let now = state.now();
        state.history.note(Vec::new(), now, text);
    }

    /// The seed of this world; 0 outside of a simulation.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.stage.as_ref().map_or(0, |stage| stage.seed)
    }

    /// How much time has passed in this world.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.world.state().now()
    }

    /// Lets all parts go, which may hold the network itself.
    pub(super) fn clear(&self) {
        if let Some(stage) = &self.stage {
            let parts = stage.parts.take();
            drop(parts);
        }
    }

    fn part(&self, role: &R) -> Option<(&Stage<R>, Rc<Part<R>>)> {
        let stage = self.stage.as_deref()?;
        let parts = stage.parts.borrow();
        let part = parts.iter().rev().find(|part| part.role == *role)?;
        Some((stage, Rc::clone(part)))
    }
}

impl<R: RoleId> Stage<R> {
    fn begin(&self, part: &Part<R>) -> Result<()> {
        let playing = (part.begin)()?;
        let owner = self.executor.new_owner();
        part.owner.set(owner);
        self.executor.spawn_for(Some(owner), playing);
        Ok(())
    }
}

impl<R: RoleId> Clone for SimNetwork<R> {
    fn clone(&self) -> Self {
        Self {
            world: Arc::clone(&self.world),
            stage: self.stage.clone(),
        }
    }
}

impl<R: RoleId> Default for SimNetwork<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: RoleId> fmt::Debug for SimNetwork<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimNetwork")
            .field("seed", &self.seed())
            .finish_non_exhaustive()
    }
}

impl<T> Future for Played<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match self.0.poll_unpin(context) {
            Poll::Ready(Ok(output)) => Poll::Ready(output),
            // The part is gone only when the simulation is over.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for Played<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played").finish_non_exhaustive()
    }
}
