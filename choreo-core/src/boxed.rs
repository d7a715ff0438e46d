use crate::{ChoreoHandler, RoleName};

/// The one type of run-time stacks: any handler, whatever its layers.
///
/// ```
/// use choreo_core::{BoxHandler, ChoreoHandler, ChoreoHandlerExt};
/// # use choreo_core::{forward, Layer};
/// # struct LoudLayer;
/// # struct Loud<H> { inner: H }
/// # impl<H> Layer<H> for LoudLayer { type Service = Loud<H>; fn layer(&self, inner: H) -> Loud<H> { Loud { inner } } }
/// # impl<H: ChoreoHandler> ChoreoHandler for Loud<H> {
/// #     type Role = H::Role; type Endpoint = H::Endpoint;
/// #     forward!(inner: send_payload, recv_payload, send_to_all, abandon);
/// # }
///
/// fn stack<H>(handler: H, loud: bool) -> BoxHandler<H::Role>
/// where
///     H: ChoreoHandler<Endpoint = ()> + 'static,
/// {
///     let mut stack = handler.boxed();
///     if loud {
///         stack = stack.layer(LoudLayer).boxed();
///     }
///     stack
/// }
/// ```
pub type BoxHandler<R> = Box<dyn ChoreoHandler<Role = R, Endpoint = ()>>;

/// A run-time stack whose roles are names: what can be built without knowing the user's types.
///
/// [`Typed`](crate::Typed) gives the view by the user's own roles.
pub type DynHandler = BoxHandler<RoleName>;
