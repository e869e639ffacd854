//! URI and template to values.
//!
//! First, from the end of the template to its beginning: from which positions of the URI can the
//! rest of the template match? Each part answers with one scan over the URI, whatever the parts
//! after it are. Then, from the beginning: each value is taken as long as the rest still can
//! match. Nothing is tried twice, so no URI makes a template slow.

use std::ops::Range;

use super::parse::{is_reserved, normalise};
use super::{Expression, Literal, MAX_URI_BYTES, Operator, Part, Section, UriTemplate};

impl UriTemplate {
    /// The values with which this template gives the URI, in the order of the template; `None`
    /// if there are none. Where several readings are possible, earlier values are as long as they
    /// can be.
    ///
    /// - `{x}` is at least one character and ends before `/`, `?` or `#` (in a query: before `&`
    ///   or `#`). `{+x}` takes any characters, at least one. The values of `{x,y}` and `{+x,y}`
    ///   have no comma in them.
    /// - `{#x}`, `{.x}`, `{/x}`, `{;x}`, `{?x}`, `{&x}` may be absent as a whole, and so may the
    ///   last of several variables; those are left out of the answer.
    /// - `{?x,y}`, `{&x,y}` and `{;x,y}` match in any order. A name that the template does not
    ///   have, or one that comes twice, is no match.
    /// - A variable with `*` gives one entry for each value of its list.
    ///
    /// Values are percent-decoded and must then be UTF-8. After `+` and `#`, encoded reserved
    /// characters stay encoded, so that `%2F` and `/` remain different. A value is still the
    /// client's: `..` and NUL may be in it.
    ///
    /// URIs beyond [`MAX_URI_BYTES`], with control characters or with a `%` that encodes nothing,
    /// match no template. The time is linear in the URI, times the parts of the template.
    pub fn match_uri(&self, uri: &str) -> Option<Vec<(&str, String)>> {
        if uri.len() > MAX_URI_BYTES {
            return None;
        }
        self.match_any_length(uri).0
    }

    /// The values, and how many steps finding them took.
    fn match_any_length(&self, uri: &str) -> (Option<Vec<(&str, String)>>, usize) {
        let Ok(uri) = normalise(uri) else {
            return (None, 0);
        };
        if !self.ends_fit(&uri) {
            return (None, 0);
        }
        let mut table = Table::new(uri.as_bytes(), self);
        if !table.fill(self) {
            return (None, table.steps);
        }
        let values = Walk {
            table: &mut table,
            at: 0,
            values: Vec::new(),
        }
        .run(self);
        (values, table.steps)
    }

    /// Most URIs are told apart by the fixed text at either end.
    fn ends_fit(&self, uri: &str) -> bool {
        let literal = |part: Option<&Part>, fits: &dyn Fn(&str) -> bool| match part {
            Some(Part::Literal(literal)) => fits(&literal.text),
            _ => true,
        };
        literal(self.parts.first(), &|text| uri.starts_with(text))
            && literal(self.parts.last(), &|text| uri.ends_with(text))
    }
}

/// The characters of a value: all but a few at which it must end.
#[derive(Clone, Copy)]
struct Class {
    section: Section,
    keeps_reserved: bool,
    /// A separator that is excluded as well.
    without: Option<u8>,
    /// A separator that is included, because it separates the values of one list.
    with: Option<u8>,
}

impl Class {
    fn of(expression: &Expression, index: usize) -> Self {
        let operator = expression.operator;
        let several = expression.variables.len() > 1;
        let explode = expression.variables[index].explode && !operator.named();
        Self {
            section: match operator {
                Operator::Query | Operator::Continuation => Section::Query,
                Operator::Label | Operator::Path | Operator::Parameter => Section::Path,
                _ => expression.section,
            },
            keeps_reserved: operator.keeps_reserved(),
            without: (several || operator.named()).then_some(operator.separator()),
            with: explode.then_some(operator.separator()),
        }
    }

    fn contains(self, byte: u8) -> bool {
        if self.with == Some(byte) {
            return true;
        }
        if self.without == Some(byte) {
            return false;
        }
        if self.keeps_reserved {
            return true;
        }
        !match self.section {
            Section::Path => matches!(byte, b'/' | b'?' | b'#'),
            Section::Query => matches!(byte, b'&' | b'#'),
            Section::Fragment => byte == b'#',
        }
    }
}

/// Sets of positions of one URI, as bits.
struct Table<'u> {
    uri: &'u [u8],
    words: usize,
    bits: Vec<u64>,
    steps: usize,
}

/// Which sets belong to part `n` of a template, in the order in which they lie in the table.
/// - `0`: where the template from this part on can match (one more, behind the last part, for the
///   end of the URI);
/// - values without names: for each variable, where its value can begin, and where it can end;
/// - values with names: where a `name=value` can begin, and where a value can go on or end.
fn sets_of(part: &Part) -> usize {
    match part {
        Part::Literal(_) => 1,
        Part::Expression(expression) if expression.operator.named() => 3,
        Part::Expression(expression) => 1 + 2 * expression.variables.len(),
    }
}

impl<'u> Table<'u> {
    fn new(uri: &'u [u8], template: &UriTemplate) -> Self {
        let sets = template.parts.iter().map(sets_of).sum::<usize>() + 1;
        let words = uri.len() / 64 + 1;
        Self {
            uri,
            words,
            bits: vec![0; sets * words],
            steps: 0,
        }
    }

    fn has(&self, set: usize, at: usize) -> bool {
        at <= self.uri.len() && self.bits[set * self.words + at / 64] >> (at % 64) & 1 == 1
    }

    fn put(&mut self, set: usize, at: usize, value: bool) {
        let word = &mut self.bits[set * self.words + at / 64];
        *word = *word & !(1 << (at % 64)) | u64::from(value) << (at % 64);
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.uri.get(at).copied()
    }

    /// The position after the character at `at`; percent-encoding is one character.
    fn next(&self, at: usize) -> usize {
        if self.uri[at] == b'%' { at + 3 } else { at + 1 }
    }

    fn takes(&self, class: Class, at: usize) -> bool {
        self.byte(at).is_some_and(|byte| class.contains(byte))
    }

    /// Whether the template can match the whole URI.
    fn fill(&mut self, template: &UriTemplate) -> bool {
        let mut set = self.bits.len() / self.words - 1;
        self.put(set, self.uri.len(), true);
        for part in template.parts.iter().rev() {
            let after = set;
            set -= sets_of(part);
            match part {
                Part::Literal(literal) => self.literal(literal, set, after),
                Part::Expression(expression) if expression.operator.named() => {
                    self.named(expression, set, after);
                }
                Part::Expression(expression) => self.positional(expression, set, after),
            }
        }
        self.has(0, 0)
    }

    fn literal(&mut self, literal: &Literal, set: usize, after: usize) {
        let text = literal.text.as_bytes();
        let mut matched = 0;
        for at in 0..self.uri.len() {
            while matched > 0 && (matched == text.len() || text[matched] != self.uri[at]) {
                self.steps += 1;
                matched = literal.borders[matched - 1];
            }
            self.steps += 1;
            if text[matched] == self.uri[at] {
                matched += 1;
            }
            if matched == text.len() && self.has(after, at + 1) {
                self.put(set, at + 1 - matched, true);
            }
        }
    }

    fn positional(&mut self, expression: &Expression, set: usize, after: usize) {
        let operator = expression.operator;
        for index in (0..expression.variables.len()).rev() {
            let class = Class::of(expression, index);
            let (begins, ends) = (set + 1 + 2 * index, set + 2 + 2 * index);
            let more = index + 1 < expression.variables.len();
            for at in (0..=self.uri.len()).rev() {
                self.steps += 1;
                let ends_here = self.has(after, at)
                    || more
                        && self.byte(at) == Some(operator.separator())
                        && self.has(begins + 2, at + 1);
                self.put(ends, at, ends_here);
                let goes_on = self.takes(class, at) && self.has(begins, self.next(at));
                self.put(begins, at, ends_here || goes_on);
            }
            if index == 0 && operator.prefix().is_none() {
                // At least one character. A position looks only at later ones, not yet changed.
                for at in 0..=self.uri.len() {
                    self.steps += 1;
                    let value = self.takes(class, at) && self.has(begins, self.next(at));
                    self.put(begins, at, value);
                }
            }
        }
        for at in 0..=self.uri.len() {
            self.steps += 1;
            let can = match operator.prefix() {
                None => self.has(set + 1, at),
                Some(prefix) => {
                    self.has(after, at)
                        || self.byte(at) == Some(prefix) && self.has(set + 1, at + 1)
                }
            };
            self.put(set, at, can);
        }
    }

    fn named(&mut self, expression: &Expression, set: usize, after: usize) {
        let operator = expression.operator;
        let class = Class::of(expression, 0);
        let (pairs, run) = (set + 1, set + 2);
        let mut name_end = self.uri.len();
        for at in (0..=self.uri.len()).rev() {
            self.steps += 1;
            let ends_here = self.has(after, at)
                || self.byte(at) == Some(operator.separator()) && self.has(pairs, at + 1);
            let goes_on = self.takes(class, at) && self.has(run, self.next(at));
            self.put(run, at, ends_here || goes_on);

            if !self.takes(class, at) || self.uri[at] == b'=' {
                name_end = at;
            }
            let before = at.checked_sub(1).and_then(|before| self.byte(before));
            if before.is_some()
                && (before == operator.prefix() || before == Some(operator.separator()))
            {
                let value = if self.byte(name_end) == Some(b'=') {
                    name_end + 1
                } else {
                    name_end
                };
                let pair = self.has(run, value) && self.name_in(expression, at..name_end).is_some();
                self.put(pairs, at, pair);
            }
        }
        for at in 0..=self.uri.len() {
            self.steps += 1;
            let present = self.byte(at) == operator.prefix() && self.has(pairs, at + 1);
            let can = present || self.has(after, at);
            self.put(set, at, can);
        }
    }

    /// The variable of that name. Each part of a URI between separators is compared with each
    /// variable at most once, since their lengths must agree.
    fn name_in(&mut self, expression: &Expression, range: Range<usize>) -> Option<usize> {
        let name = &self.uri[range];
        if expression
            .variables
            .iter()
            .any(|variable| variable.name.len() == name.len())
        {
            self.steps += name.len();
        }
        expression
            .variables
            .iter()
            .position(|variable| variable.name.as_bytes() == name)
    }
}

/// The way through a filled table, from the beginning of the URI to its end.
struct Walk<'t, 'w, 'u> {
    table: &'w mut Table<'u>,
    at: usize,
    values: Vec<(&'t str, String)>,
}

impl<'t> Walk<'t, '_, '_> {
    fn run(mut self, template: &'t UriTemplate) -> Option<Vec<(&'t str, String)>> {
        let mut set = 0;
        for part in &template.parts {
            let after = set + sets_of(part);
            match part {
                Part::Literal(literal) => self.at += literal.text.len(),
                Part::Expression(expression) if expression.operator.named() => {
                    self.named(expression, set, after)?;
                }
                Part::Expression(expression) => self.positional(expression, set)?,
            }
            set = after;
        }
        Some(self.values)
    }

    fn positional(&mut self, expression: &'t Expression, set: usize) -> Option<()> {
        let operator = expression.operator;
        let mut before = operator.prefix();
        for index in 0..expression.variables.len() {
            let (begins, ends) = (set + 1 + 2 * index, set + 2 + 2 * index);
            if before.is_some() {
                if self.table.byte(self.at) != before || !self.table.has(begins, self.at + 1) {
                    break;
                }
                self.at += 1;
            }
            let least = usize::from(before.is_none());
            let value = self.longest(Class::of(expression, index), ends, least)?;
            self.take(expression, index, value)?;
            before = Some(operator.separator());
        }
        Some(())
    }

    fn named(&mut self, expression: &'t Expression, set: usize, after: usize) -> Option<()> {
        let operator = expression.operator;
        let class = Class::of(expression, 0);
        let (pairs, run) = (set + 1, set + 2);
        let mut seen = vec![false; expression.variables.len()];
        let mut before = operator.prefix();
        while self.table.byte(self.at) == before && self.table.has(pairs, self.at + 1) {
            let mut name_end = self.at + 1;
            while self.table.takes(class, name_end) && self.table.uri[name_end] != b'=' {
                self.table.steps += 1;
                name_end += 1;
            }
            let index = self.table.name_in(expression, self.at + 1..name_end)?;
            if seen[index] && !expression.variables[index].explode {
                return None;
            }
            seen[index] = true;
            self.at = name_end + usize::from(self.table.byte(name_end) == Some(b'='));
            // A value ends where something can follow; inside the class only the rest can.
            let mut end = None;
            let mut at = self.at;
            while self.table.takes(class, at) {
                self.table.steps += 1;
                if self.table.has(after, at) {
                    end = Some(at);
                }
                at = self.table.next(at);
            }
            let end = if self.table.has(run, at) { at } else { end? };
            self.take(expression, index, self.at..end)?;
            before = Some(operator.separator());
        }
        Some(())
    }

    /// The longest value from here that ends in the set `ends`.
    fn longest(&mut self, class: Class, ends: usize, least: usize) -> Option<Range<usize>> {
        let mut end = (least == 0 && self.table.has(ends, self.at)).then_some(self.at);
        let mut at = self.at;
        while self.table.takes(class, at) {
            self.table.steps += 1;
            at = self.table.next(at);
            if self.table.has(ends, at) {
                end = Some(at);
            }
        }
        end.map(|end| self.at..end)
    }

    fn take(
        &mut self,
        expression: &'t Expression,
        index: usize,
        range: Range<usize>,
    ) -> Option<()> {
        let variable = &expression.variables[index];
        let keep = expression.operator.keeps_reserved();
        self.at = range.end;
        let value = &self.table.uri[range];
        if variable.explode && !expression.operator.named() {
            for item in value.split(|byte| *byte == expression.operator.separator()) {
                self.values.push((&variable.name, decode(item, keep)?));
            }
        } else {
            self.values.push((&variable.name, decode(value, keep)?));
        }
        Some(())
    }
}

/// Decodes from the end to the beginning, to see what a decoded `%` would come to stand before.
fn decode(value: &[u8], keep_reserved: bool) -> Option<String> {
    let mut reversed: Vec<u8> = Vec::with_capacity(value.len());
    let mut end = value.len();
    while end > 0 {
        let encoding = end
            .checked_sub(3)
            .map(|begin| &value[begin..end])
            .filter(|three| three[0] == b'%');
        let Some(encoding) = encoding else {
            end -= 1;
            reversed.push(value[end]);
            continue;
        };
        end -= 3;
        let byte = u8::from_str_radix(std::str::from_utf8(&encoding[1..]).ok()?, 16).ok()?;
        // `%252F` must not become `%2F`.
        let would_encode = || {
            byte == b'%'
                && reversed.len() >= 2
                && reversed[reversed.len() - 2..]
                    .iter()
                    .all(u8::is_ascii_hexdigit)
        };
        if keep_reserved && (is_reserved(byte) || would_encode()) {
            reversed.extend(encoding.iter().rev());
        } else {
            reversed.push(byte);
        }
    }
    reversed.reverse();
    String::from_utf8(reversed).ok()
}

#[cfg(test)]
mod tests;
