//! The calculator.

mod functions;
mod parse;

use wharf::tool;

use super::icons;
use parse::evaluate;

/// Calculate an arithmetic expression, such as `2 * (3 + 4)`.
///
/// Operators: + - * / % (remainder) and ^ (power), with parentheses. Functions: sqrt, cbrt, abs,
/// exp, ln, log (base 10), log2, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, floor, ceil,
/// round, trunc, sign; atan2, hypot and pow take two numbers, min and max any number of them.
/// Angles are in radians. Constants: pi, tau, e. Numbers are 64-bit floating point.
#[tool(title = "Calculator", read_only, idempotent, closed_world, icon = icons::SUMS)]
pub(super) fn calculate(
    /// The expression, of at most 4096 bytes
    #[schemars(length(min = 1, max = 4096))]
    expression: String,
) -> Result<String, String> {
    match evaluate(&expression) {
        Ok(result) => Ok(shown(result)),
        Err(fault) => Err(fault.in_words(&expression)),
    }
}

/// A number as people write it: exact while it is short, with an exponent when it is not.
fn shown(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-7..1e21).contains(&size) {
        format!("{number:e}")
    } else {
        // The sum turns -0 into 0.
        (number + 0.0).to_string()
    }
}

#[cfg(test)]
mod tests;
