//! The promises of a handler, one check each. [`handler_suite!`](crate::handler_suite) makes a
//! test of every one.
//!
//! A check is a function of a fixture, so that it can also be called by hand:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use choreo_core::RoleName;
//! use choreo_testkit::{from_fn, handler, reference_session};
//!
//! let roles = ["Alice", "Bob"].map(RoleName::from);
//! let fixture = from_fn(roles, 8, |roles| reference_session(roles, 8));
//! handler::messages_arrive_in_order(&fixture).await.unwrap();
//! # }
//! ```

// Each check's error is the violation that it finds.
#![allow(clippy::missing_errors_doc)]

mod closed;
mod kinds;
mod order;

pub use closed::a_closed_peer_is_an_error_after_what_it_sent;
pub use kinds::{
    a_label_where_a_message_is_due_is_an_error, a_message_where_a_label_is_due_is_an_error,
};
pub use order::messages_arrive_in_order;

/// Gives the names of all checks, and how many roles each needs, to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __handler_checks {
    ($each:ident, $argument:expr) => {
        $crate::$each! {
            $argument;
            messages_arrive_in_order: 2,
            a_label_where_a_message_is_due_is_an_error: 2,
            a_message_where_a_label_is_due_is_an_error: 2,
            a_closed_peer_is_an_error_after_what_it_sent: 2
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __check_names {
    ($argument:expr; $($check:ident: $roles:literal),*) => { &[$(::core::stringify!($check)),*] };
}

/// The names of all checks.
pub const CHECKS: &[&str] = crate::__handler_checks!(__check_names, ());
