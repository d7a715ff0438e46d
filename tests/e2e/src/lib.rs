//! The demo page in a real browser, driven as a person would.
//!
//! `cargo xtask test --browser chromium` builds and serves the page, finds the browser, and
//! runs these tests with what they need in the environment:
//!
//! | variable | holds |
//! |---|---|
//! | `CHOREO_E2E_PAGE` | the address of the page |
//! | `CHOREO_E2E_BROWSER` | the name of the browser, for the screenshots |
//! | `CHOREO_E2E_DRIVER` | the path of its WebDriver |
//! | `CHOREO_E2E_CAPABILITIES` | the path of a JSON file: how the driver starts the browser |
//! | `CHOREO_E2E_SCREENSHOTS` | the folder for screenshots |

#![deny(missing_docs)]

mod driver;
mod page;
mod visit;

pub use driver::Driver;
pub use page::{Layer, Page, State};
pub use visit::visit;
