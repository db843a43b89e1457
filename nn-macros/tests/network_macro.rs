//! `network!` in programs: what compiles and what it then does, and what does not compile and what is then said.
//!
//! `TRYBUILD=overwrite cargo test -p nn-macros --test network_macro` writes the expected messages anew; read the
//! difference before you commit it.

#[test]
fn calls() {
    // One set of both: trybuild builds the crates under test once a set.
    let cases = trybuild::TestCases::new();
    cases.pass("tests/network_macro/pass/*.rs");
    cases.compile_fail("tests/network_macro/fail/*.rs");
}
