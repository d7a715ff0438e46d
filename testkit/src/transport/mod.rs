//! The promises of a transport and of a connector, one check each.
//! [`transport_suite!`](crate::transport_suite) makes a test of every one.
//!
//! A check is a function of a fixture, so that it can also be called by hand:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use choreo_testkit::{from_pairs, reference_pair, transport};
//!
//! let fixture = from_pairs(8, || reference_pair(8));
//! transport::frames_arrive_in_order(&fixture).await.unwrap();
//! # }
//! ```
//!
//! Nearly all checks go both ways: from the end that connected to the one that accepted, and back
//! on another connection.

// Each check's error is the violation that it finds.
#![allow(clippy::missing_errors_doc)]

mod cancel;
mod close;
mod connections;
mod content;
mod crowd;
mod duplex;
mod fixture;
mod line;
mod order;
mod pressure;
mod reference;

use line::End;

pub use cancel::{
    a_dropped_receive_loses_nothing, a_dropped_send_is_sent_wholly_or_not_at_all,
    a_receive_under_a_timeout_loses_nothing, a_send_dropped_when_full_is_sent_wholly_or_not_at_all,
};
pub use close::{
    a_dropped_end_is_noticed, a_receive_after_closing_gives_what_the_peer_sent,
    a_send_after_closing_is_an_error, a_send_to_a_closed_peer_is_an_error,
    a_waiting_receive_ends_after_closing, a_waiting_receive_ends_when_the_peer_is_dropped,
    a_waiting_receive_learns_of_the_close, a_waiting_send_ends_after_closing,
    a_waiting_send_ends_when_the_peer_is_dropped, closing_twice_is_no_error,
    the_end_comes_as_often_as_asked, what_was_sent_arrives_before_the_end,
};
pub use connections::{
    a_closed_connection_leaves_the_others_alone, a_connection_can_be_opened_again,
    a_dropped_connect_leaves_nothing_open, many_connections_at_once, two_connections_do_not_mix,
};
pub use content::{
    empty_frames_arrive, frames_of_all_sizes_arrive_whole, the_largest_frame_arrives,
};
pub use crowd::frames_of_many_senders_do_not_mix;
pub use duplex::{
    a_waiting_receive_does_not_block_a_send, a_waiting_send_does_not_block_a_receive,
    both_directions_carry_at_once,
};
pub use fixture::{TransportFixture, from_connect, from_pairs};
pub use order::{
    a_receive_before_the_send_waits, a_send_does_not_wait_for_the_reader, frames_arrive_in_order,
};
pub use pressure::{
    a_full_transport_makes_the_send_wait, a_waiting_send_goes_on_when_the_peer_reads,
    dropped_sends_do_not_pile_up,
};
pub use reference::{ReferenceTransport, reference_pair};

/// Gives the names of all checks to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __transport_checks {
    ($each:ident, $argument:expr) => {
        $crate::$each! {
            $argument;
            frames_arrive_in_order,
            frames_of_all_sizes_arrive_whole,
            empty_frames_arrive,
            the_largest_frame_arrives,
            a_receive_before_the_send_waits,
            a_send_does_not_wait_for_the_reader,
            a_waiting_receive_does_not_block_a_send,
            a_waiting_send_does_not_block_a_receive,
            both_directions_carry_at_once,
            frames_of_many_senders_do_not_mix,
            a_full_transport_makes_the_send_wait,
            a_waiting_send_goes_on_when_the_peer_reads,
            dropped_sends_do_not_pile_up,
            a_receive_under_a_timeout_loses_nothing,
            a_dropped_receive_loses_nothing,
            a_dropped_send_is_sent_wholly_or_not_at_all,
            a_send_dropped_when_full_is_sent_wholly_or_not_at_all,
            what_was_sent_arrives_before_the_end,
            the_end_comes_as_often_as_asked,
            a_waiting_receive_learns_of_the_close,
            closing_twice_is_no_error,
            a_send_after_closing_is_an_error,
            a_send_to_a_closed_peer_is_an_error,
            a_receive_after_closing_gives_what_the_peer_sent,
            a_waiting_receive_ends_after_closing,
            a_waiting_send_ends_after_closing,
            a_dropped_end_is_noticed,
            a_waiting_receive_ends_when_the_peer_is_dropped,
            a_waiting_send_ends_when_the_peer_is_dropped,
            two_connections_do_not_mix,
            a_closed_connection_leaves_the_others_alone,
            many_connections_at_once,
            a_connection_can_be_opened_again,
            a_dropped_connect_leaves_nothing_open
        }
    };
}

/// The names of all checks.
pub const CHECKS: &[&str] = crate::__transport_checks!(__layer_check_names, ());
