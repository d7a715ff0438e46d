//! Any text gives a stack or an error, and any override does.
#![cfg(all(feature = "toml", feature = "json", not(target_arch = "wasm32")))]

use choreo_core::ErrorKind;
use choreo_plugin::{Registry, StackSpec};
use proptest::prelude::*;

fn looked_at(spec: choreo_core::Result<StackSpec>, variable: String, value: String) {
    let checked = spec
        .and_then(|spec| spec.with_overrides([(variable, value)]))
        .and_then(|spec| spec.check(&Registry::new()));
    // There are no plug-ins, so there is always something wrong.
    assert_eq!(
        checked.expect_err("no handler is there").kind(),
        ErrorKind::Config
    );
}

/// Texts that are nearly right, which get further than any others.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("role = \"A\"\n"),
        Just("[handler]\n"),
        Just("[transport]\n"),
        Just("[[layers]]\n"),
        Just("use = \"x\"\n"),
        Just("n = 3\n"),
        Just("t = { env = \"é\" }\n"),
        Just("\"\"\"\n"),
        Just("l = [1, [2.5, true]]\n"),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just("\"role\":"),
        Just("\"layers\":"),
        Just("\"use\":"),
        Just("\"A\""),
        Just("1e9"),
        Just("null"),
        Just(" "),
        Just("\u{1F980}"),
        Just("\0"),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text(
        text in prop_oneof![any::<String>(), nearly()],
        variable in "CHOREO_[A-Z_0-9]{0,24}",
        value in any::<String>(),
    ) {
        looked_at(StackSpec::from_toml(&text), variable.clone(), value.clone());
        looked_at(StackSpec::from_json(&text), variable, value);
    }
}
