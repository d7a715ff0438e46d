//! The README's examples are tests that run.

#[test]
fn shows_the_tests_that_run() {
    let readme = include_str!("../../README.md");
    for example in [
        include_str!("own_handler.rs"),
        include_str!("own_layer.rs"),
        include_str!("own_transport.rs"),
        include_str!("own_codec.rs"),
    ] {
        assert!(
            readme.contains(example),
            "the README does not show:\n{example}"
        );
    }
}
