//! What does not compile, and how that reads.

#[test]
fn errors_say_what_to_change() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
