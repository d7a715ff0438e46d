//! A transport is written in at most 150 lines, on each platform.
#![cfg(not(target_arch = "wasm32"))]

#[test]
fn each_half_has_at_most_150_lines() {
    for (half, source) in [("unix.rs", include_str!("../src/unix.rs"))] {
        let lines = source.lines().map(str::trim);
        let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
        let count = code.count();
        assert!((50..=150).contains(&count), "{half} has {count} lines");
        assert!(source.contains("impl Transport for LineEnd"));
    }
}
