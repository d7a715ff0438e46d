//! Any text is a stack or an error that says what is wrong, whatever variables stand above it: the data is the
//! text, and behind a zero lines of `NAME=value`.
#![no_main]

use std::sync::LazyLock;

use choreo::plugin::{Registry, StackSpec};
use choreo::{ErrorKind, Result, plugins};
use libfuzzer_sys::fuzz_target;

static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| plugins::registry().expect("names are told apart"));

fuzz_target!(|data: &str| {
    let (text, variables) = data.split_once('\0').unwrap_or((data, ""));
    let variables: Vec<_> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    for spec in [StackSpec::from_toml(text), StackSpec::from_json(text)] {
        let spec = spec.and_then(|spec| spec.with_overrides(variables.iter().copied()));
        said(spec.and_then(|spec| spec.check(&REGISTRY)));
    }
});

fn said(checked: Result<()>) {
    if let Err(error) = checked {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.detail().is_empty());
    }
}
