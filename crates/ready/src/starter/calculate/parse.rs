//! Expressions, evaluated while they are read: no tree is built, so none has to be torn down.
//!
//! The order of operators is the Pratt parser's of `winnow`. Only nesting makes it recurse, and
//! nesting is counted.

use std::fmt;

use winnow::ascii::digit1;
use winnow::combinator::{Infix, Prefix, alt, expression, opt};
use winnow::error::{ContextError, ErrMode};
use winnow::stream::{LocatingSlice, Location, Stateful};
use winnow::token::{any, one_of, take_while};
use winnow::{ModalResult, Parser};

use super::functions::{Function, constant, function};

/// The longest expression, in bytes.
const MAX_BYTES: usize = 4096;
/// How deep parentheses and powers may stand in each other.
const MAX_DEPTH: usize = 64;

type Input<'i> = Stateful<LocatingSlice<&'i str>, State>;
type Error = ErrMode<ContextError>;

#[derive(Debug, Default)]
struct State {
    depth: usize,
    /// The depth at the beginning of the innermost parentheses.
    outer: usize,
    fault: Option<Fault>,
}

/// A number, and where in the text its operand begins.
#[derive(Debug, Clone, Copy)]
struct Value {
    number: f64,
    at: usize,
}

/// What is wrong with an expression.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    /// The byte at which it is wrong; nothing if it is wrong as a whole.
    at: Option<usize>,
    what: String,
}

impl Fault {
    fn new(at: usize, what: impl fmt::Display) -> Self {
        Self {
            at: Some(at),
            what: what.to_string(),
        }
    }

    /// Says it, with the position in characters, counted from 1.
    pub(super) fn in_words(&self, expression: &str) -> String {
        match self.at {
            Some(at) => {
                let before = expression.char_indices().take_while(|(byte, _)| *byte < at);
                format!("at character {}: {}", before.count() + 1, self.what)
            }
            None => self.what.clone(),
        }
    }
}

/// The value of an expression, which is always finite.
pub(super) fn evaluate(text: &str) -> Result<f64, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault {
            at: None,
            what: format!(
                "the expression has {} bytes, and may have {MAX_BYTES}",
                text.len()
            ),
        });
    }
    let mut input = Input {
        input: LocatingSlice::new(text),
        state: State::default(),
    };
    let value = sum(&mut input);
    let fault = input.state.fault.take();
    match value {
        Ok(value) => {
            space(&mut input);
            match input.input.chars().next() {
                None => Ok(value.number),
                Some(c) => Err(Fault::new(
                    input.current_token_start(),
                    format_args!("{c:?} is not expected here, but an operator or the end"),
                )),
            }
        }
        Err(_) => Err(fault.unwrap_or_else(|| Fault::new(0, "this is not an expression"))),
    }
}

/// Ends the parsing with a fault.
fn fail<T>(input: &mut Input<'_>, at: usize, what: impl fmt::Display) -> ModalResult<T> {
    input.state.fault = Some(Fault::new(at, what));
    Err(ErrMode::Cut(ContextError::new()))
}

/// What is there instead of what was expected.
fn found(input: &Input<'_>) -> String {
    match input.input.chars().next() {
        Some(c) => format!("{c:?}"),
        None => "the end".into(),
    }
}

fn space(input: &mut Input<'_>) {
    let blank: Result<&str, Error> = take_while(0.., char::is_whitespace).parse_next(input);
    debug_assert!(blank.is_ok(), "nothing is also blank");
}

/// A whole expression, up to what cannot belong to it.
fn sum(input: &mut Input<'_>) -> ModalResult<Value> {
    expression(operand)
        .prefix(sign)
        .infix(operator)
        .parse_next(input)
}

/// Signs before an operand. They bind weaker than a power: `-2^2` is -4.
fn sign<'i>(input: &mut Input<'i>) -> ModalResult<Prefix<Input<'i>, Value, Error>> {
    space(input);
    let mut negative = false;
    // A row of signs is one sign, however long it is.
    let mut any_sign = false;
    while let Some(sign) = opt(one_of::<_, _, Error>(['+', '-', '−'])).parse_next(input)? {
        any_sign = true;
        negative ^= sign != '+';
        space(input);
    }
    if !any_sign {
        return Err(ErrMode::Backtrack(ContextError::new()));
    }
    Ok(if negative {
        Prefix(6, |_, value| {
            Ok(Value {
                number: -value.number,
                ..value
            })
        })
    } else {
        Prefix(6, |_, value| Ok(value))
    })
}

fn operator<'i>(input: &mut Input<'i>) -> ModalResult<Infix<Input<'i>, Value, Error>> {
    space(input);
    let at = input.current_token_start();
    if alt::<_, _, Error, _>(("^", "**")).parse_next(input).is_ok() {
        deeper(input, at)?;
        return Ok(Infix::Right(8, |input, a, b| {
            checked(input, a.at, a.number.powf(b.number))
        }));
    }
    let infix = match any(input)? {
        '+' => Infix::Left(2, |input, a: Value, b| {
            checked(input, a.at, a.number + b.number)
        }),
        '-' | '−' => Infix::Left(2, |input, a: Value, b| {
            checked(input, a.at, a.number - b.number)
        }),
        '*' | '×' | '·' => Infix::Left(4, |input, a: Value, b| {
            checked(input, a.at, a.number * b.number)
        }),
        '/' | '÷' => Infix::Left(4, |input, a: Value, b| {
            let divisor = divisor(input, b)?;
            checked(input, a.at, a.number / divisor)
        }),
        '%' => Infix::Left(4, |input, a: Value, b| {
            let divisor = divisor(input, b)?;
            checked(input, a.at, a.number % divisor)
        }),
        _ => return Err(ErrMode::Backtrack(ContextError::new())),
    };
    // These bind weaker than powers: those that were open have ended.
    input.state.depth = input.state.outer;
    Ok(infix)
}

fn divisor(input: &mut Input<'_>, value: Value) -> ModalResult<f64> {
    if value.number == 0.0 {
        return fail(input, value.at, "division by zero");
    }
    Ok(value.number)
}

fn checked(input: &mut Input<'_>, at: usize, number: f64) -> ModalResult<Value> {
    if number.is_nan() {
        return fail(input, at, "the result from here is not a real number");
    }
    if number.is_infinite() {
        return fail(
            input,
            at,
            "the result from here is too large for 64-bit numbers",
        );
    }
    Ok(Value { number, at })
}

fn deeper(input: &mut Input<'_>, at: usize) -> ModalResult<()> {
    input.state.depth += 1;
    if input.state.depth > MAX_DEPTH {
        return fail(
            input,
            at,
            format_args!("more than {MAX_DEPTH} parentheses and powers in each other"),
        );
    }
    Ok(())
}

/// A number, a constant, a call, or an expression in parentheses.
fn operand(input: &mut Input<'_>) -> ModalResult<Value> {
    space(input);
    let at = input.current_token_start();
    match input.input.chars().next() {
        Some('0'..='9' | '.') => literal(input, at),
        Some(c) if c.is_alphabetic() => named(input, at),
        Some('(') => {
            let value = within(input, at, |input, _| sum(input))?;
            Ok(Value { at, ..value })
        }
        // A sign is read by `sign`, which then comes back for its operand.
        Some('+' | '-' | '−') => Err(ErrMode::Backtrack(ContextError::new())),
        _ => {
            let found = found(input);
            fail(
                input,
                at,
                format_args!("a number, a name or '(' is expected here, not {found}"),
            )
        }
    }
}

fn literal(input: &mut Input<'_>, at: usize) -> ModalResult<Value> {
    let digits = take_while(1.., ('0'..='9', '.'));
    let exponent = (
        one_of(['e', 'E']),
        opt(one_of(['+', '-'])),
        digit1::<_, Error>,
    );
    let text: &str = (digits, opt(exponent)).take().parse_next(input)?;
    match text.parse() {
        Ok(number) => checked(input, at, number),
        Err(_) => fail(input, at, format_args!("{} is not a number", cut(text))),
    }
}

fn named(input: &mut Input<'_>, at: usize) -> ModalResult<Value> {
    let name: &str =
        take_while(1.., |c: char| c.is_alphanumeric() || c == '_').parse_next(input)?;
    if let Some(number) = constant(name) {
        return Ok(Value { number, at });
    }
    let Some(function) = function(name) else {
        return fail(
            input,
            at,
            format_args!("there is no function or constant {}", cut(name)),
        );
    };
    space(input);
    let open = input.current_token_start();
    if !input.input.starts_with('(') {
        let found = found(input);
        return fail(
            input,
            open,
            format_args!("'(' is expected after {name}, not {found}"),
        );
    }
    let number = within(input, open, |input, open| match function {
        Function::One(call) => Ok(call(sum(input)?.number)),
        Function::Two(call) => {
            let first = sum(input)?.number;
            if !comma(input) {
                return fail(input, open, format_args!("{name} takes two numbers"));
            }
            Ok(call(first, sum(input)?.number))
        }
        Function::Many(call) => {
            let mut all = sum(input)?.number;
            while comma(input) {
                // Each argument stands for itself.
                input.state.depth = input.state.outer;
                all = call(all, sum(input)?.number);
            }
            Ok(all)
        }
    })?;
    checked(input, at, number)
}

fn comma(input: &mut Input<'_>) -> bool {
    space(input);
    let comma: Result<char, Error> = one_of(',').parse_next(input);
    comma.is_ok()
}

/// What stands in the parentheses that open here.
fn within<'i, T>(
    input: &mut Input<'i>,
    open: usize,
    inner: impl FnOnce(&mut Input<'i>, usize) -> ModalResult<T>,
) -> ModalResult<T> {
    any(input)?;
    let (depth, outer) = (input.state.depth, input.state.outer);
    deeper(input, open)?;
    input.state.outer = input.state.depth;
    let value = inner(input, open)?;
    space(input);
    if !input.input.starts_with(')') {
        let (at, found) = (input.current_token_start(), found(input));
        return fail(
            input,
            at,
            format_args!("')' or an operator is expected here, not {found}"),
        );
    }
    any(input)?;
    (input.state.depth, input.state.outer) = (depth, outer);
    Ok(value)
}

/// A piece of the text, short and harmless enough for a message.
fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(32).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
