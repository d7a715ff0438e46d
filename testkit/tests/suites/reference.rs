//! The reference handler, the reference transport and the codec that is built in keep every promise.

use choreo_core::{Codec, RoleName};
use choreo_testkit::{
    codec_suite, from_fn, from_pairs, handler_suite, reference_pair, reference_session,
    transport_suite,
};

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
transport_suite!(one_frame, from_pairs(1, || reference_pair(1)));
transport_suite!(many_frames, from_pairs(16, || reference_pair(16)));
codec_suite!(postcard, Codec::Postcard);
