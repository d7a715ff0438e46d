//! The reference handler keeps every promise.

use choreo_core::RoleName;
use choreo_testkit::{from_fn, handler_suite, reference_session};

fn roles() -> [RoleName; 3] {
    ["Alice", "Bob", "Carol"].map(RoleName::from)
}

handler_suite!(
    one,
    from_fn(roles(), 1, |roles| reference_session(roles, 1))
);
handler_suite!(
    many,
    from_fn(roles(), 16, |roles| reference_session(roles, 16))
);
