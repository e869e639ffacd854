//! What has a name: functions and constants.

/// A function, by how many numbers it takes.
#[derive(Clone, Copy)]
pub(super) enum Function {
    One(fn(f64) -> f64),
    Two(fn(f64, f64) -> f64),
    /// One or more, taken together two by two.
    Many(fn(f64, f64) -> f64),
}

/// The function of this name.
pub(super) fn function(name: &str) -> Option<Function> {
    use Function::{Many, One, Two};
    Some(match name {
        "sqrt" => One(f64::sqrt),
        "cbrt" => One(f64::cbrt),
        "abs" => One(f64::abs),
        "exp" => One(f64::exp),
        "ln" => One(f64::ln),
        "log" | "log10" => One(f64::log10),
        "log2" => One(f64::log2),
        "sin" => One(f64::sin),
        "cos" => One(f64::cos),
        "tan" => One(f64::tan),
        "asin" => One(f64::asin),
        "acos" => One(f64::acos),
        "atan" => One(f64::atan),
        "sinh" => One(f64::sinh),
        "cosh" => One(f64::cosh),
        "tanh" => One(f64::tanh),
        "floor" => One(f64::floor),
        "ceil" => One(f64::ceil),
        "round" => One(f64::round),
        "trunc" => One(f64::trunc),
        "sign" => One(|x| if x == 0.0 { 0.0 } else { x.signum() }),
        "atan2" => Two(f64::atan2),
        "hypot" => Two(f64::hypot),
        "pow" => Two(f64::powf),
        "min" => Many(f64::min),
        "max" => Many(f64::max),
        _ => return None,
    })
}

/// The constant of this name.
pub(super) fn constant(name: &str) -> Option<f64> {
    use std::f64::consts::{E, PI, TAU};
    Some(match name {
        "pi" | "PI" | "π" => PI,
        "tau" | "TAU" | "τ" => TAU,
        "e" | "E" => E,
        _ => return None,
    })
}
