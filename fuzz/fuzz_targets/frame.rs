//! Bytes from anyone are frames or an error; what is decoded encodes to what decodes to the same.
#![no_main]

use bytes::Bytes;
use choreo_session::wire::Frame;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::copy_from_slice(data);
    while let Ok(Some(frame)) = Frame::decode(&mut bytes, LIMIT) {
        assert!(frame.payload.len() <= LIMIT);
        let again = Frame::decode(&mut frame.to_bytes(), LIMIT);
        assert_eq!(again, Ok(Some(frame)));
    }
});
