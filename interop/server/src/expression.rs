//! Arithmetic: numbers, `+ - * /` and brackets.

/// Brackets and signs within each other.
const MAX_DEPTH: usize = 64;

/// The value of an expression, or what is wrong with it.
pub(crate) fn evaluate(text: &str) -> Result<f64, String> {
    let mut parser = Parser {
        rest: text,
        depth: 0,
    };
    let value = parser.sum()?;
    match parser.peek() {
        None if value.is_finite() => Ok(value),
        None => Err("the result is not a number".into()),
        Some(extra) => Err(format!("{extra:?} is not expected there")),
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: &[char]) -> Option<char> {
        let found = self.peek().filter(|found| wanted.contains(found))?;
        self.rest = &self.rest[found.len_utf8()..];
        Some(found)
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let next = self.product()?;
            value += if sign == '+' { next } else { -next };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.factor()?;
        while let Some(sign) = self.take(&['*', '/']) {
            let next = self.factor()?;
            value = if sign == '*' {
                value * next
            } else {
                value / next
            };
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<f64, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!(
                "more than {MAX_DEPTH} brackets or signs within each other"
            ));
        }
        let value = match self.take(&['-', '(']) {
            Some('-') => -self.factor()?,
            Some(_) => {
                let value = self.sum()?;
                self.take(&[')']).ok_or("a closing bracket is missing")?;
                value
            }
            None => self.number()?,
        };
        self.depth -= 1;
        Ok(value)
    }

    fn number(&mut self) -> Result<f64, String> {
        let Some(first) = self.peek() else {
            return Err("it ends where a number is expected".into());
        };
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        if number.is_empty() {
            return Err(format!("{first:?} is not a number"));
        }
        self.rest = rest;
        number
            .parse()
            .map_err(|_| format!("{number:?} is not a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::evaluate;

    #[test]
    fn values() {
        for (text, value) in [
            ("2 * (3 + 4)", 14.0),
            ("8 - 2 - 1", 5.0),
            ("8/2/2", 2.0),
            ("-(1.5 + -2)", 0.5),
        ] {
            assert_eq!(evaluate(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_expression() {
        let deep = "(".repeat(100_000);
        for text in [
            "", "2 * (3 +", "1 2", "2 * x", "1/0", "1.2.3", "((1)", &deep,
        ] {
            assert!(evaluate(text).is_err(), "{text}");
        }
    }
}
