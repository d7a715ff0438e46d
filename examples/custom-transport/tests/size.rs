//! A transport is written in at most 150 lines, on each platform.
#![cfg(not(target_arch = "wasm32"))]

/// Lines that are neither blank nor comments.
fn lines(source: &str) -> usize {
    let lines = source.lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    code.count()
}

#[test]
fn each_transport_has_at_most_150_lines() {
    for source in [
        include_str!("../src/unix.rs"),
        include_str!("../src/channel.rs"),
    ] {
        assert!(source.contains("impl Transport for LineEnd"));
        assert!(lines(source) <= 150, "{} lines:\n{source}", lines(source));
    }
}

#[test]
fn what_makes_a_connection_of_a_channel_has_at_most_150_lines() {
    let sources = [
        include_str!("../src/port.rs"),
        include_str!("../src/greeting.rs"),
    ];
    let count: usize = sources.into_iter().map(lines).sum();
    assert!(count <= 150, "{count} lines");
}
