//! A layer is written in at most 40 lines.
#![cfg(not(target_arch = "wasm32"))]

#[test]
fn the_layer_has_at_most_40_lines() {
    let lines = include_str!("../src/layer.rs").lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    let code: Vec<_> = code.collect();
    assert!(
        code.len() <= 40,
        "{} lines:\n{}",
        code.len(),
        code.join("\n")
    );
    assert!(
        code.iter()
            .any(|line| line.starts_with("impl<H: ChoreoHandler> ChoreoHandler"))
    );
}
