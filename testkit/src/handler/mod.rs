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
//!
//! Two promises are kept by whatever compiles: futures are `Send`, and a handler can be boxed and
//! bound. The checks use every handler bound to its endpoint and boxed, and from several tasks.

// Each check's error is the violation that it finds.
#![allow(clippy::missing_errors_doc)]

mod cancel;
mod closed;
mod content;
mod crowd;
mod errors;
mod kinds;
mod order;
mod peers;
mod pressure;
mod session;
mod to_all;

pub use cancel::{
    a_dropped_receive_loses_nothing, a_dropped_send_is_sent_wholly_or_not_at_all,
    a_receive_that_loses_a_select_loses_nothing, a_receive_under_a_timeout_loses_nothing,
    a_send_dropped_at_a_full_queue_is_sent_wholly_or_not_at_all,
};
pub use closed::{
    a_closed_peer_does_not_disturb_the_others, a_closed_peer_is_an_error_after_what_it_sent,
    a_send_to_a_closed_peer_is_an_error, a_waiting_receive_learns_that_the_peer_left,
    a_waiting_send_ends_when_the_peer_leaves,
};
pub use content::{
    a_large_message_arrives_whole, empty_messages_arrive, labels_arrive_as_they_are,
};
pub use crowd::{
    many_messages_between_all_roles_arrive, many_tasks_share_a_handler,
    many_waiting_sends_all_go_on,
};
pub use errors::{
    a_message_that_does_not_encode_is_one_error, an_undecodable_message_is_one_error,
    errors_name_the_role_and_the_peer, receive_errors_are_never_transient,
};
pub use kinds::{
    a_label_where_a_message_is_due_is_an_error, a_message_of_another_type_is_an_error,
    a_message_where_a_label_is_due_is_an_error,
};
pub use order::{
    a_receive_before_the_send_waits, messages_and_labels_arrive_in_one_order,
    messages_arrive_in_order, nothing_is_lost_behind_the_first_receive,
};
pub use peers::{
    a_stranger_gets_nothing_and_breaks_nothing, receives_from_different_peers_overlap,
    sends_to_different_peers_overlap, waiting_for_one_peer_does_not_block_another,
};
pub use pressure::{
    a_full_queue_makes_the_send_wait, a_send_does_not_wait_for_the_reader,
    a_waiting_send_goes_on_when_the_peer_reads,
};
pub use session::{a_closed_session_leaves_the_other_alone, two_sessions_do_not_mix};
pub use to_all::{a_failure_in_send_to_all_is_an_error, send_to_all_reaches_all_in_order};

/// Gives the names of all checks, and how many roles each needs, to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __handler_checks {
    ($each:ident, $argument:expr) => {
        $crate::$each! {
            $argument;
            messages_arrive_in_order: 2,
            messages_and_labels_arrive_in_one_order: 2,
            nothing_is_lost_behind_the_first_receive: 2,
            a_receive_before_the_send_waits: 2,
            a_send_does_not_wait_for_the_reader: 2,
            a_full_queue_makes_the_send_wait: 2,
            a_waiting_send_goes_on_when_the_peer_reads: 2,
            many_waiting_sends_all_go_on: 2,
            a_receive_under_a_timeout_loses_nothing: 2,
            a_dropped_receive_loses_nothing: 2,
            a_receive_that_loses_a_select_loses_nothing: 3,
            a_dropped_send_is_sent_wholly_or_not_at_all: 2,
            a_send_dropped_at_a_full_queue_is_sent_wholly_or_not_at_all: 2,
            a_label_where_a_message_is_due_is_an_error: 2,
            a_message_where_a_label_is_due_is_an_error: 2,
            a_message_of_another_type_is_an_error: 2,
            an_undecodable_message_is_one_error: 2,
            a_message_that_does_not_encode_is_one_error: 2,
            errors_name_the_role_and_the_peer: 2,
            receive_errors_are_never_transient: 2,
            a_closed_peer_is_an_error_after_what_it_sent: 2,
            a_waiting_receive_learns_that_the_peer_left: 2,
            a_send_to_a_closed_peer_is_an_error: 2,
            a_waiting_send_ends_when_the_peer_leaves: 2,
            a_closed_peer_does_not_disturb_the_others: 3,
            waiting_for_one_peer_does_not_block_another: 3,
            receives_from_different_peers_overlap: 3,
            sends_to_different_peers_overlap: 3,
            a_stranger_gets_nothing_and_breaks_nothing: 3,
            send_to_all_reaches_all_in_order: 3,
            a_failure_in_send_to_all_is_an_error: 3,
            empty_messages_arrive: 2,
            a_large_message_arrives_whole: 2,
            labels_arrive_as_they_are: 2,
            many_messages_between_all_roles_arrive: 3,
            many_tasks_share_a_handler: 3,
            two_sessions_do_not_mix: 2,
            a_closed_session_leaves_the_other_alone: 2
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
