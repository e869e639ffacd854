use super::*;

fn value(expression: &str) -> String {
    calculate(expression.to_owned()).unwrap_or_else(|error| panic!("{expression}: {error}"))
}

fn error(expression: &str) -> String {
    calculate(expression.to_owned()).expect_err(expression)
}

#[test]
fn values() {
    for (expression, expected) in [
        ("2 * (3 + 4)", "14"),
        ("2+3*4", "14"),
        ("10 - 4 - 3", "3"),
        ("2^3^2", "512"),
        ("2 ** 3", "8"),
        ("-2^2", "-4"),
        ("(-2)^2", "4"),
        ("2^-1", "0.5"),
        ("2^-1*4", "2"),
        ("--3", "3"),
        ("- + - 3 - -1", "4"),
        ("7 % 4", "3"),
        ("7 × 2 ÷ 4 − 1", "2.5"),
        ("1e3 + .5", "1000.5"),
        ("1.5E-2", "0.015"),
        ("0 * -1", "0"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("sqrt(16) + abs(-2)", "6"),
        ("round(sin(pi / 6) * 100)", "50"),
        ("max(1, 2^3, 5) - min(4)", "4"),
        ("hypot (3 , 4)", "5"),
        ("log(1000) + log2(8) + ln(e)", "7"),
        ("1e300 * 10", "1e301"),
        ("1 / 3e9", "3.333333333333333e-10"),
        (" 42\n", "42"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn errors_say_where() {
    for (expression, at, what) in [
        ("", 1, "not the end"),
        ("2 *", 4, "not the end"),
        ("2 * * 3", 5, "not '*'"),
        ("1 2", 3, "'2' is not expected"),
        ("(1 + 2", 7, "')' or an operator"),
        ("1 + 2)", 6, "')' is not expected"),
        ("1.2.3", 1, "\"1.2.3\" is not a number"),
        ("π + é", 5, "no function or constant \"é\""),
        ("x = 3", 1, "no function or constant \"x\""),
        ("3 = 3", 3, "'=' is not expected"),
        ("sqrt 4", 6, "'(' is expected after sqrt"),
        ("pow(2)", 4, "takes two numbers"),
        ("sqrt(1, 2)", 7, "')' or an operator"),
        ("4 / (2 - 2)", 5, "division by zero"),
        ("5 % 0", 5, "division by zero"),
        ("1 + sqrt(-1)", 5, "not a real number"),
        ("1 + (-8)^0.5", 5, "not a real number"),
        ("1e400", 1, "too large"),
        ("2 + 10^400", 5, "too large"),
        ("1 \u{1b}[2J", 3, "'\\u{1b}' is not expected"),
    ] {
        let error = error(expression);
        assert!(
            error.starts_with(&format!("at character {at}: ")) && error.contains(what),
            "{expression:?}: {error}"
        );
    }
}

#[test]
fn nothing_blows_the_stack() {
    // The smallest stack that a thread of ours may have, in an unoptimised build.
    let run = || {
        let deep = "more than 64";
        assert!(error(&"(".repeat(4096)).contains(deep));
        assert!(error(&"sin(".repeat(1024)).contains(deep));
        assert!(error(&"2^".repeat(2048)).contains(deep));
        assert!(error(&"2^-(".repeat(1024)).contains(deep));
        assert!(error(&"-(-".repeat(1365)).contains(deep));
        assert!(error(&"max(1,2^".repeat(512)).contains(deep));
        assert_eq!(value(&format!("{}1", "-".repeat(4094))), "1");
        assert_eq!(
            value(&format!("{}1{}", "(".repeat(64), ")".repeat(64))),
            "1"
        );
        assert_eq!(value(&format!("{}1", "1^".repeat(64))), "1");
        assert_eq!(value(&format!("{}1", "1+".repeat(2047))), "2048");
        assert_eq!(value(&format!("0{}", "+1^1*(2^1)".repeat(400))), "800");
        let many = format!("max({}1)", "1^1,".repeat(1000));
        assert_eq!(value(&many), "1");
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    thread
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no overflow");
}

#[test]
fn long_expressions_are_refused() {
    assert_eq!(value(&" ".repeat(4095).replacen(' ', "7", 1)), "7");
    let error = error(&"1".repeat(4097));
    assert_eq!(error, "the expression has 4097 bytes, and may have 4096");
    // A long number is a number all the same.
    assert_eq!(value(&"9".repeat(300)), "1e300");
    assert!(self::error(&"a".repeat(4096)).len() < 120);
}
