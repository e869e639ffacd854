//! What the attributes say about mistakes: each file in `compile/` fails to compile, with the
//! messages in the file of the same name that ends in `.stderr`. `TRYBUILD=overwrite` writes these
//! anew, to be read before they are committed.

use std::process::Command;

/// The compiler whose words are in `compile/types/*.stderr`.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/compile/*.rs");
}

/// What is wrong with a type is said by the compiler, through `#[diagnostic::on_unimplemented]`; that
/// it is said at the right place can be compared with one version of the compiler only.
#[test]
fn types_that_do_not_fit_are_explained() {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler)
        .arg("--version")
        .output()
        .expect("a compiler");
    if version.stdout.starts_with(COMPILER.as_bytes()) {
        trybuild::TestCases::new().compile_fail("tests/compile/types/*.rs");
    }
}
