//! What must not compile, and with which words; and what must. The `README.md` beside this folder says
//! how to read and update the expectations.

#[test]
fn mistakes_are_reported_in_our_words() {
    trybuild::TestCases::new().compile_fail("tests/ui/[!p]*/*.rs");
}

#[test]
fn permitted_forms_compile() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
