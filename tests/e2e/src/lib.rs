//! The pages in a real browser, driven as a person would, and a page that is for tests alone.
//!
//! `cargo xtask test --browser chromium` builds and serves the pages, finds the browser, and
//! runs these tests with what they need in the environment:
//!
//! | variable | holds |
//! |---|---|
//! | `CHOREO_E2E_PAGE` | the address of the page of ping-pong |
//! | `CHOREO_E2E_PLAIN_PAGE` | the address of the same page, built without its editor of specs |
//! | `CHOREO_E2E_TWO_BROWSERS` | the address of the page of two browsers, with a relay in its query |
//! | `CHOREO_E2E_NATIVE_SERVER` | the address of the server in which Bob is a native program |
//! | `CHOREO_E2E_TEST_PAGE` | the address of the page that the tests drive by its script |
//! | `CHOREO_E2E_RELAY` | the path of the relay's program |
//! | `CHOREO_E2E_BROWSER` | the name of the browser, for the screenshots |
//! | `CHOREO_E2E_DRIVER` | the path of its WebDriver |
//! | `CHOREO_E2E_CAPABILITIES` | the path of a JSON file: how the driver starts the browser |
//! | `CHOREO_E2E_SCREENSHOTS` | the folder for screenshots |

#![deny(missing_docs)]

mod driver;
mod echo;
mod page;
mod round_trip;
mod test_page;
mod visit;
mod window;

pub use driver::Driver;
pub use echo::{Echo, Over};
pub use page::{Layer, Page, State};
pub use round_trip::{RoundTrips, Sample};
pub use test_page::{Place, TestPage};
pub use visit::{browse, variable, visit, visit_plain};
pub use window::{Server, Window};
