//! The promises of a codec, one check each. [`codec_suite!`](crate::codec_suite) makes a test of
//! every one.
//!
//! A check is a function of a codec, so that it can also be called by hand:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use choreo_core::Codec;
//! use choreo_testkit::codec;
//!
//! codec::messages_of_all_kinds_come_out_as_they_went_in(&Codec::Postcard).await.unwrap();
//! # }
//! ```

// Each check's error is the violation that it finds.
#![allow(clippy::missing_errors_doc)]

mod content;
mod errors;
mod samples;

pub use content::{
    a_message_is_written_behind_what_is_there, equal_messages_are_equal_bytes,
    messages_of_all_kinds_come_out_as_they_went_in,
};
pub use errors::{
    a_message_that_does_not_serialise_is_an_error, an_error_deep_inside_is_short,
    bytes_behind_a_message_are_an_error, bytes_that_end_early_are_an_error,
};

/// Gives the names of all checks to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __codec_checks {
    ($each:ident, $argument:expr) => {
        $crate::$each! {
            $argument;
            messages_of_all_kinds_come_out_as_they_went_in,
            a_message_is_written_behind_what_is_there,
            equal_messages_are_equal_bytes,
            a_message_that_does_not_serialise_is_an_error,
            bytes_that_end_early_are_an_error,
            bytes_behind_a_message_are_an_error,
            an_error_deep_inside_is_short
        }
    };
}

/// The names of all checks.
pub const CHECKS: &[&str] = crate::__codec_checks!(__layer_check_names, ());
