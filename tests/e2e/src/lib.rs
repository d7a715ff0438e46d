//! The pages in a real browser, driven as a person would.
//!
//! `cargo xtask test --browser chromium` builds and serves the pages, finds the browser, and
//! runs these tests with what they need in the environment:
//!
//! | variable | holds |
//! |---|---|
//! | `CHOREO_E2E_PAGE` | the address of the page of ping-pong |
//! | `CHOREO_E2E_TWO_BROWSERS` | the address of the page of two browsers, with a relay in its query |
//! | `CHOREO_E2E_NATIVE_SERVER` | the address of the server in which Bob is a native program |
//! | `CHOREO_E2E_BROWSER` | the name of the browser, for the screenshots |
//! | `CHOREO_E2E_DRIVER` | the path of its WebDriver |
//! | `CHOREO_E2E_CAPABILITIES` | the path of a JSON file: how the driver starts the browser |
//! | `CHOREO_E2E_SCREENSHOTS` | the folder for screenshots |

#![deny(missing_docs)]

mod driver;
mod page;
mod visit;
mod window;

pub use driver::Driver;
pub use page::{Layer, Page, State};
pub use visit::{browse, visit};
pub use window::{Server, Window};
