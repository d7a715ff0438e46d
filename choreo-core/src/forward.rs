/// Methods of a layer that only pass the call on: the inner handler's future is returned as it is,
/// no second one is boxed.
///
/// Names the field that holds the inner handler, and the methods. Goes inside an
/// `impl ChoreoHandler`, beside `async fn`s under `#[async_trait]`.
///
/// ```
/// use choreo_core::*;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// struct CountSends<H> { inner: H, sends: AtomicUsize }
///
/// #[async_trait]
/// impl<H: ChoreoHandler> ChoreoHandler for CountSends<H> {
///     type Role = H::Role;
///     type Endpoint = H::Endpoint;
///
///     async fn send_payload(
///         &self,
///         endpoint: &Self::Endpoint,
///         to: &Self::Role,
///         payload: Outgoing<'_>,
///     ) -> Result<()> {
///         self.sends.fetch_add(1, Ordering::Relaxed);
///         self.inner.send_payload(endpoint, to, payload).await
///     }
///
///     // A broadcast does not come by `send_payload`: what the layer does there it does here too.
///     async fn send_to_all(
///         &self,
///         endpoint: &Self::Endpoint,
///         to: &[Self::Role],
///         payload: Outgoing<'_>,
///     ) -> Result<()> {
///         self.sends.fetch_add(to.len(), Ordering::Relaxed);
///         self.inner.send_to_all(endpoint, to, payload).await
///     }
///
///     forward!(inner: recv_payload, abandon);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! forward {
    ($field:ident: $($method:ident),+ $(,)?) => { $($crate::forward!(@ $field $method);)+ };
    (@ $field:ident send_payload) => {
        $crate::handler_fn! {
            fn send_payload(self, endpoint, to, payload) { self.$field.send_payload(endpoint, to, payload) }
        }
    };
    (@ $field:ident recv_payload) => {
        $crate::handler_fn! {
            fn recv_payload(self, endpoint, from) { self.$field.recv_payload(endpoint, from) }
        }
    };
    (@ $field:ident send_to_all) => {
        $crate::handler_fn! {
            fn send_to_all(self, endpoint, to, payload) { self.$field.send_to_all(endpoint, to, payload) }
        }
    };
    (@ $field:ident abandon) => {
        fn abandon(&self, endpoint: &Self::Endpoint, others: &[Self::Role]) {
            self.$field.abandon(endpoint, others);
        }
    };
}

/// Methods of [`ChoreoHandler`](crate::ChoreoHandler) that return a boxed future which they choose,
/// rather than `async fn`s whose body `#[async_trait]` boxes.
///
/// For a layer that in some calls has nothing to add, and then returns the inner future:
///
/// ```
/// use choreo_core::*;
/// use std::time::Duration;
///
/// struct Slow<H> { inner: H, by: Duration }
///
/// impl<H: ChoreoHandler> ChoreoHandler for Slow<H> {
///     type Role = H::Role;
///     type Endpoint = H::Endpoint;
///
///     handler_fn! {
///         fn send_payload(self, endpoint, to, payload) {
///             let sent = self.inner.send_payload(endpoint, to, payload);
///             if self.by.is_zero() {
///                 return sent;
///             }
///             Box::pin(async move {
///                 runtime::sleep(self.by).await;
///                 sent.await
///             })
///         }
///         fn send_to_all(self, endpoint, to, payload) {
///             Box::pin(async move {
///                 runtime::sleep(self.by).await;
///                 self.inner.send_to_all(endpoint, to, payload).await
///             })
///         }
///     }
///     forward!(inner: recv_payload, abandon);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! handler_fn {
    ($(#[$meta:meta])* fn send_payload($self:ident, $ep:pat, $to:pat, $payload:pat) $body:block $($rest:tt)*) => {
        $(#[$meta])*
        fn send_payload<'life0, 'life1, 'life2, 'life3, 'async_trait>(
            &'life0 $self,
            $ep: &'life1 Self::Endpoint,
            $to: &'life2 Self::Role,
            $payload: $crate::Outgoing<'life3>,
        ) -> $crate::__private::Pin<$crate::__private::Box<
            dyn $crate::__private::Future<Output = $crate::Result<()>>
                + $crate::__private::Send + 'async_trait,
        >>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            'life2: 'async_trait,
            'life3: 'async_trait,
            Self: 'async_trait,
        $body
        $crate::handler_fn! { $($rest)* }
    };
    ($(#[$meta:meta])* fn recv_payload($self:ident, $ep:pat, $from:pat) $body:block $($rest:tt)*) => {
        $(#[$meta])*
        fn recv_payload<'life0, 'life1, 'life2, 'async_trait>(
            &'life0 $self,
            $ep: &'life1 Self::Endpoint,
            $from: &'life2 Self::Role,
        ) -> $crate::__private::Pin<$crate::__private::Box<
            dyn $crate::__private::Future<Output = $crate::Result<$crate::Incoming>>
                + $crate::__private::Send + 'async_trait,
        >>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            'life2: 'async_trait,
            Self: 'async_trait,
        $body
        $crate::handler_fn! { $($rest)* }
    };
    ($(#[$meta:meta])* fn send_to_all($self:ident, $ep:pat, $to:pat, $payload:pat) $body:block $($rest:tt)*) => {
        $(#[$meta])*
        fn send_to_all<'life0, 'life1, 'life2, 'life3, 'async_trait>(
            &'life0 $self,
            $ep: &'life1 Self::Endpoint,
            $to: &'life2 [Self::Role],
            $payload: $crate::Outgoing<'life3>,
        ) -> $crate::__private::Pin<$crate::__private::Box<
            dyn $crate::__private::Future<Output = $crate::Result<()>>
                + $crate::__private::Send + 'async_trait,
        >>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            'life2: 'async_trait,
            'life3: 'async_trait,
            Self: 'async_trait,
        $body
        $crate::handler_fn! { $($rest)* }
    };
    () => {};
}
