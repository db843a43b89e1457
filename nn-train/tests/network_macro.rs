//! `network!` in programs: what compiles and what it then does, and what does not compile and what is then said.
//!
//! `TRYBUILD=overwrite cargo test -p nn-train --test network_macro` writes the expected messages anew; read the
//! difference before you commit it.

#[test]
fn calls_that_compile_do_what_they_say() {
    trybuild::TestCases::new().pass("tests/network_macro/pass/*.rs");
}
