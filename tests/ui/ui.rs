//! What the macros refuse, in words; and what the compiler says where a query does not fit its model.

#[test]
fn refusals() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

#[test]
fn what_is_allowed() {
    trybuild::TestCases::new().pass("pass/*.rs");
}
