use std::any::Any;
use std::fmt;

use futures::future::BoxFuture;

use crate::error::list;
use crate::{Error, ErrorKind, Result, TypeTag};

/// How a program goes on after an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// With the next step.
    Continue,
    /// Behind the innermost loop.
    ExitLoop,
}

/// What programs may call by name: [`Program::extension`](crate::Program::extension).
///
/// An extension gets its argument and what the program has received so far, and may end a loop:
///
/// ```
/// use choreo_core::{Extensions, Flow};
///
/// let extensions = Extensions::<u32>::new()
///     .with("stop at", |limit: &u32, received: &[u32]| {
///         let done = received.iter().sum::<u32>() >= *limit;
///         Box::pin(async move { Ok(if done { Flow::ExitLoop } else { Flow::Continue }) })
///     });
/// assert_eq!(extensions.names().collect::<Vec<_>>(), ["stop at"]);
/// ```
pub struct Extensions<M> {
    by_name: Vec<(String, Box<dyn Run<M>>)>,
}

impl<M: Sync + 'static> Extensions<M> {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self {
            by_name: Vec::new(),
        }
    }

    /// Registers an extension, in place of an earlier one of that name.
    ///
    /// Inside of [`parallel`](crate::Program::parallel), "received so far" is what that one
    /// program has received.
    #[must_use]
    pub fn with<T, F>(mut self, name: impl Into<String>, run: F) -> Self
    where
        T: Send + Sync + 'static,
        F: for<'a> Fn(&'a T, &'a [M]) -> BoxFuture<'a, Result<Flow>> + Send + Sync + 'static,
    {
        let name = name.into();
        self.by_name.retain(|(earlier, _)| *earlier != name);
        let argument = std::marker::PhantomData;
        self.by_name.push((name, Box::new(Typed { run, argument })));
        self
    }

    /// The names, in the order in which they were registered.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.iter().map(|(name, _)| name.as_str())
    }

    /// Runs the extension of that name.
    pub(crate) fn run<'a>(
        &'a self,
        name: &str,
        argument: &'a (dyn Any + Send + Sync),
        received: &'a [M],
    ) -> Result<BoxFuture<'a, Result<Flow>>> {
        let Some((_, extension)) = self.by_name.iter().find(|(known, _)| known == name) else {
            return Err(unregistered(name, &self.names().collect::<Vec<_>>()));
        };
        extension.run(argument, received).map_err(|expected| {
            Error::new(
                ErrorKind::Extension,
                format!("extension `{name}` takes a {expected}, the program gives it another type"),
            )
        })
    }
}

pub(crate) fn unregistered(name: &str, registered: &[&str]) -> Error {
    let there_are = match registered {
        [] => "none is; give them with `Interpreter::extensions`".into(),
        _ => format!("there are: {}", list(registered)),
    };
    Error::new(
        ErrorKind::Extension,
        format!("extension `{name}` is not registered; {there_are}"),
    )
}

impl<M: Sync + 'static> Default for Extensions<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> fmt::Debug for Extensions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.by_name.iter().map(|(name, _)| name))
            .finish()
    }
}

/// An extension whose argument's type is forgotten.
trait Run<M>: Send + Sync {
    /// The running extension, or the type of argument that it takes.
    fn run<'a>(
        &'a self,
        argument: &'a (dyn Any + Send + Sync),
        received: &'a [M],
    ) -> Result<BoxFuture<'a, Result<Flow>>, TypeTag>;
}

struct Typed<T, F> {
    run: F,
    argument: std::marker::PhantomData<fn(&T)>,
}

impl<M, T, F> Run<M> for Typed<T, F>
where
    T: 'static,
    F: for<'a> Fn(&'a T, &'a [M]) -> BoxFuture<'a, Result<Flow>> + Send + Sync,
{
    fn run<'a>(
        &'a self,
        argument: &'a (dyn Any + Send + Sync),
        received: &'a [M],
    ) -> Result<BoxFuture<'a, Result<Flow>>, TypeTag> {
        let argument = argument.downcast_ref::<T>().ok_or_else(TypeTag::of::<T>)?;
        Ok((self.run)(argument, received))
    }
}
