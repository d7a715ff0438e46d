//! The transport keeps every promise of a transport where `fetch` is, by answers that go on. A program of its
//! own: it waits more than it works, beside others.
#![cfg(target_arch = "wasm32")]

mod there;

use choreo_testkit::transport_suite;
use there::Joined;

transport_suite!(streamed, Joined::new(false));
