//! Template and values to URI (RFC 6570, section 3).

use super::parse::{is_reserved, is_unreserved, push_encoded};
use super::{Expression, Operator, Part, UriTemplate};

impl UriTemplate {
    /// Writes the URI for these values.
    ///
    /// A name that is there more than once is a list; one that is not there is undefined, and is
    /// left out as the standard says. Names that the template does not have are ignored. What
    /// [`match_uri`](Self::match_uri) gives can be passed here as it is.
    pub fn expand<N: AsRef<str>, V: AsRef<str>>(&self, values: &[(N, V)]) -> String {
        let mut uri = String::with_capacity(self.source.len() + 16);
        for part in &self.parts {
            match part {
                Part::Literal(literal) => uri.push_str(&literal.text),
                Part::Expression(expression) => expression.expand(values, &mut uri),
            }
        }
        uri
    }
}

impl Expression {
    fn expand<N: AsRef<str>, V: AsRef<str>>(&self, values: &[(N, V)], uri: &mut String) {
        let operator = self.operator;
        let mut first = true;
        for variable in &self.variables {
            let list = values
                .iter()
                .filter(|(name, _)| name.as_ref() == variable.name);
            for (index, (_, value)) in list.enumerate() {
                let value = value.as_ref();
                let starts_item = index == 0 || variable.explode;
                if !starts_item {
                    uri.push(',');
                } else if first {
                    uri.extend(operator.prefix().map(char::from));
                    first = false;
                } else {
                    uri.push(operator.separator().into());
                }
                if starts_item && operator.named() {
                    uri.push_str(&variable.name);
                    if !value.is_empty() || operator != Operator::Parameter {
                        uri.push('=');
                    }
                }
                push_value(uri, value, operator.keeps_reserved());
            }
        }
    }
}

fn push_value(uri: &mut String, value: &str, keep_reserved: bool) {
    let bytes = value.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let is_encoding = || {
            byte == b'%'
                && bytes
                    .get(at + 1..at + 3)
                    .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
        };
        if is_unreserved(byte) || (keep_reserved && (is_reserved(byte) || is_encoding())) {
            uri.push(byte.into());
        } else {
            push_encoded(uri, byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variables of RFC 6570, section 3.2; those that are associative arrays are left out.
    const VALUES: [(&str, &str); 21] = [
        ("count", "one"),
        ("count", "two"),
        ("count", "three"),
        ("dom", "example"),
        ("dom", "com"),
        ("dub", "me/too"),
        ("hello", "Hello World!"),
        ("half", "50%"),
        ("var", "value"),
        ("who", "fred"),
        ("base", "http://example.com/home/"),
        ("path", "/foo/bar"),
        ("list", "red"),
        ("list", "green"),
        ("list", "blue"),
        ("v", "6"),
        ("x", "1024"),
        ("y", "768"),
        ("empty", ""),
        ("year", "1965"),
        ("year", "2000"),
    ];

    #[test]
    fn the_examples_of_the_standard() {
        for (template, uri) in [
            // 3.2.1
            ("{count}", "one,two,three"),
            ("{count*}", "one,two,three"),
            ("{/count}", "/one,two,three"),
            ("{/count*}", "/one/two/three"),
            ("{;count}", ";count=one,two,three"),
            ("{;count*}", ";count=one;count=two;count=three"),
            ("{?count}", "?count=one,two,three"),
            ("{?count*}", "?count=one&count=two&count=three"),
            ("{&count*}", "&count=one&count=two&count=three"),
            // 3.2.2
            ("{var}", "value"),
            ("{hello}", "Hello%20World%21"),
            ("{half}", "50%25"),
            ("O{empty}X", "OX"),
            ("O{undef}X", "OX"),
            ("{x,y}", "1024,768"),
            ("{x,hello,y}", "1024,Hello%20World%21,768"),
            ("?{x,empty}", "?1024,"),
            ("?{x,undef}", "?1024"),
            ("?{undef,y}", "?768"),
            ("{list}", "red,green,blue"),
            ("{list*}", "red,green,blue"),
            // 3.2.3
            ("{+var}", "value"),
            ("{+hello}", "Hello%20World!"),
            ("{+half}", "50%25"),
            ("{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"),
            ("{+base}index", "http://example.com/home/index"),
            ("O{+empty}X", "OX"),
            ("O{+undef}X", "OX"),
            ("{+path}/here", "/foo/bar/here"),
            ("here?ref={+path}", "here?ref=/foo/bar"),
            ("up{+path}{var}/here", "up/foo/barvalue/here"),
            ("{+x,hello,y}", "1024,Hello%20World!,768"),
            ("{+path,x}/here", "/foo/bar,1024/here"),
            ("{+list}", "red,green,blue"),
            ("{+list*}", "red,green,blue"),
            // 3.2.4
            ("{#var}", "#value"),
            ("{#hello}", "#Hello%20World!"),
            ("{#half}", "#50%25"),
            ("foo{#empty}", "foo#"),
            ("foo{#undef}", "foo"),
            ("{#x,hello,y}", "#1024,Hello%20World!,768"),
            ("{#path,x}/here", "#/foo/bar,1024/here"),
            ("{#list}", "#red,green,blue"),
            ("{#list*}", "#red,green,blue"),
            // 3.2.5
            ("{.who}", ".fred"),
            ("{.half,who}", ".50%25.fred"),
            ("www{.dom*}", "www.example.com"),
            ("X{.var}", "X.value"),
            ("X{.empty}", "X."),
            ("X{.undef}", "X"),
            ("X{.list}", "X.red,green,blue"),
            ("X{.list*}", "X.red.green.blue"),
            // 3.2.6
            ("{/who}", "/fred"),
            ("{/half,who}", "/50%25/fred"),
            ("{/who,dub}", "/fred/me%2Ftoo"),
            ("{/var}", "/value"),
            ("{/var,empty}", "/value/"),
            ("{/var,undef}", "/value"),
            ("{/var,x}/here", "/value/1024/here"),
            ("{/list}", "/red,green,blue"),
            ("{/list*}", "/red/green/blue"),
            // 3.2.7
            ("{;who}", ";who=fred"),
            ("{;half}", ";half=50%25"),
            ("{;empty}", ";empty"),
            ("{;v,empty,who}", ";v=6;empty;who=fred"),
            ("{;v,bar,who}", ";v=6;who=fred"),
            ("{;x,y}", ";x=1024;y=768"),
            ("{;x,y,empty}", ";x=1024;y=768;empty"),
            ("{;x,y,undef}", ";x=1024;y=768"),
            ("{;list}", ";list=red,green,blue"),
            ("{;list*}", ";list=red;list=green;list=blue"),
            // 3.2.8
            ("{?who}", "?who=fred"),
            ("{?half}", "?half=50%25"),
            ("{?x,y}", "?x=1024&y=768"),
            ("{?x,y,empty}", "?x=1024&y=768&empty="),
            ("{?x,y,undef}", "?x=1024&y=768"),
            ("{?list}", "?list=red,green,blue"),
            ("{?list*}", "?list=red&list=green&list=blue"),
            // 3.2.9
            ("{&who}", "&who=fred"),
            ("{&half}", "&half=50%25"),
            ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
            ("{&x,y,empty}", "&x=1024&y=768&empty="),
            ("{&x,y,undef}", "&x=1024&y=768"),
            ("{&list}", "&list=red,green,blue"),
            ("{&list*}", "&list=red&list=green&list=blue"),
            // 2.4.2
            ("find{?year*}", "find?year=1965&year=2000"),
        ] {
            let parsed = UriTemplate::parse(template).expect(template);
            assert_eq!(parsed.expand(&VALUES), uri, "{template}");
        }
    }

    #[test]
    fn characters_outside_ascii() {
        let parsed = UriTemplate::parse("é/{a}{+b}").expect("valid");
        assert_eq!(
            parsed.expand(&[("a", "世"), ("b", "%41%4 %/ü")]),
            "%C3%A9/%E4%B8%96%41%254%20%25/%C3%BC"
        );
    }
}
