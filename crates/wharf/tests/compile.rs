//! What the attributes say about mistakes: each file in `compile/` fails to compile, with the
//! messages in the file of the same name that ends in `.stderr`.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/compile/*.rs");
}
