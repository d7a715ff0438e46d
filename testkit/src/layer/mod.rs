//! The promises of a layer, one check each. [`layer_suite!`](crate::layer_suite) makes a test of
//! every one.
//!
//! # The contract of a layer
//! - A layer over a handler is a handler, and keeps all that a handler promises. So the suite runs
//!   all of [`handler`](mod@crate::handler) over the layer, too.
//! - One call of the layer is one call of the inner handler, with the same endpoint, roles and
//!   payload, made before the layer's call returns.
//! - `send_to_all` goes through as one call, since the inner handler may have a better way.
//! - What the inner handler answers comes through: payloads unchanged, errors with their kind,
//!   role, peer, detail, source, and whether they are transient.
//! - Only a send may be repeated, and only when its error is transient.
//! - It works in every stack: through `layer`, through tower, over a box, and over itself.
//!
//! A layer that changes what goes through it, to change it back at the peer, keeps them together with
//! the peer's: [`per_role`].
//!
//! A layer that is made to do otherwise now and then (to inject faults, say) is tested in a
//! configuration in which it does not.
//!
//! A check is a function of a layer, so that it can also be called by hand:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use choreo_testkit::layer;
//! # #[derive(Default)]
//! # struct MyLayer;
//! # struct My<H>(H);
//! # impl<H> choreo_core::Layer<H> for MyLayer { type Service = H; fn layer(&self, inner: H) -> H { inner } }
//!
//! layer::messages_go_through_unchanged(&MyLayer::default()).await.unwrap();
//! # }
//! ```

// Each check's error is the violation that it finds.
#![allow(clippy::missing_errors_doc)]

mod bench;
mod cancel;
mod errors;
mod forwards;
mod per_role;
mod repeats;
mod stacks;
mod subject;

pub use cancel::{
    a_dropped_receive_loses_nothing_in_the_layer, a_receive_that_waits_is_not_started_again,
};
pub use errors::{
    an_error_leaves_the_layer_usable, errors_of_receives_come_through,
    errors_of_send_to_all_come_through, errors_of_sends_come_through,
};
pub use forwards::{
    a_receive_is_one_receive, a_send_is_handed_on_before_it_returns, labels_go_through_unchanged,
    messages_go_through_unchanged, send_to_all_goes_through_as_one, the_endpoint_is_passed_on,
    the_roles_are_passed_on, what_is_received_comes_through_unchanged,
};
pub use per_role::{PerRole, per_role};
pub use repeats::{
    a_permanent_error_of_a_send_is_not_repeated, a_permanent_error_of_send_to_all_is_not_repeated,
    a_receive_is_never_repeated,
};
pub use stacks::works_in_every_stack;
pub use subject::{LayerUnderTest, Layered};

/// Gives the names of all checks to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __layer_checks {
    ($each:ident, $argument:expr) => {
        $crate::$each! {
            $argument;
            messages_go_through_unchanged,
            labels_go_through_unchanged,
            send_to_all_goes_through_as_one,
            what_is_received_comes_through_unchanged,
            the_endpoint_is_passed_on,
            the_roles_are_passed_on,
            a_send_is_handed_on_before_it_returns,
            a_receive_is_one_receive,
            errors_of_sends_come_through,
            errors_of_receives_come_through,
            errors_of_send_to_all_come_through,
            an_error_leaves_the_layer_usable,
            a_permanent_error_of_a_send_is_not_repeated,
            a_permanent_error_of_send_to_all_is_not_repeated,
            a_receive_is_never_repeated,
            a_receive_that_waits_is_not_started_again,
            a_dropped_receive_loses_nothing_in_the_layer,
            works_in_every_stack
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __layer_check_names {
    ($argument:expr; $($check:ident),*) => { &[$(::core::stringify!($check)),*] };
}

/// The names of all checks.
pub const CHECKS: &[&str] = crate::__layer_checks!(__layer_check_names, ());
