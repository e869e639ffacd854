use super::*;

/// The values as `name=value`, or `-` for no match.
fn matched(template: &str, uri: &str) -> String {
    let template = UriTemplate::parse(template).expect(template);
    match template.match_uri(uri) {
        None => "-".into(),
        Some(values) => {
            let values: Vec<_> = values
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            values.join("|")
        }
    }
}

#[test]
fn matches() {
    for (template, uri, expected) in [
        // Fixed text.
        ("", "", ""),
        ("", "a", "-"),
        ("a://b", "a://b", ""),
        ("a://b", "a://bc", "-"),
        ("a://b", "A://b", "-"),
        ("é b", "é b", ""),
        ("é b", "%c3%a9%20b", ""),
        // {x}
        ("greeting://{name}", "greeting://Ada", "name=Ada"),
        ("greeting://{name}", "greeting://José", "name=José"),
        (
            "greeting://{name}",
            "greeting://Jos%C3%A9%20%2f",
            "name=José /",
        ),
        (
            "greeting://{name}",
            "greeting://a:b@c&d=e,f",
            "name=a:b@c&d=e,f",
        ),
        ("greeting://{name}", "greeting://", "-"),
        ("greeting://{name}", "greeting://a/b", "-"),
        ("greeting://{name}", "greeting://a?b", "-"),
        ("greeting://{name}", "greeting://a#b", "-"),
        ("greeting://{name}", "greeting:/", "-"),
        (
            "test://template/{id}/data",
            "test://template/123/data",
            "id=123",
        ),
        ("test://template/{id}/data", "test://template//data", "-"),
        ("test://template/{id}/data", "test://template/1/2/data", "-"),
        ("{a}-{b}", "x-y-z", "a=x-y|b=z"),
        ("{a}.{b}", "a.tar.gz", "a=a.tar|b=gz"),
        ("{a}{b}", "xyz", "a=xy|b=z"),
        ("{a}{b}", "x%41z", "a=xA|b=z"),
        ("{a}{b}", "x%41", "a=x|b=A"),
        ("{a}{b}", "x", "-"),
        ("{a}aab", "aaaab", "a=aa"),
        ("{a}abab{b}", "xabab", "-"),
        ("{a}abab{b}", "xababab", "a=x|b=ab"),
        ("{a}abab{b}", "xabababy", "a=xab|b=y"),
        // The later reading is the only one.
        ("{+a}-{b}", "x-y/z-w", "a=x-y/z|b=w"),
        ("{x,y}", "1024,768", "x=1024|y=768"),
        ("{x,y}", "1024", "x=1024"),
        ("{x,y}", "1,2,3", "-"),
        ("{list*}", "red,green", "list=red|list=green"),
        ("{x,list*}", "1,red,green", "x=1|list=red|list=green"),
        ("{x,list*}/z", "1/z", "x=1"),
        ("q?a={a}&b={b}", "q?a=1/2?3&b=4", "a=1/2?3|b=4"),
        ("q?a={a}&b={b}", "q?a=1&a=2&b=4", "-"),
        ("q#{a}", "q#1/2?3&4", "a=1/2?3&4"),
        // {+x}
        (
            "file:///{+path}",
            "file:///a/b%20c.txt?x#y",
            "path=a/b c.txt?x#y",
        ),
        ("file:///{+path}", "file:///", "-"),
        ("file:///{+path}/end", "file:///a/end/end", "path=a/end"),
        ("{+path}", "a%2Fb%2fc", "path=a%2Fb%2Fc"),
        ("{+path}", "%41%25%252F%C3%A9", "path=A%%252Fé"),
        ("{+x,y}", "/1,2", "x=/1|y=2"),
        ("{+x,y}", "1,2,3", "-"),
        // {#x}
        ("a{#x}", "a#b/c,d", "x=b/c,d"),
        ("a{#x}", "a#", "x="),
        ("a{#x}", "a", ""),
        // {.x}
        ("f{.ext}", "f.tar.gz", "ext=tar.gz"),
        ("f{.a,b}", "f.tar.gz", "a=tar|b=gz"),
        ("f{.a,b}", "f.tar", "a=tar"),
        ("www{.dom*}", "www.example.com", "dom=example|dom=com"),
        ("f{.ext}", "f", ""),
        ("f{.ext}", "f.a/b", "-"),
        // {/x}
        ("a{/x,y}/here", "a/1/2/here", "x=1|y=2"),
        ("a{/x,y}/here", "a/1/here", "x=1"),
        ("a{/x,y}/here", "a/here", ""),
        ("a{/x,y}/here", "a/1/2/3/here", "-"),
        ("a{/x,y}", "a/1/", "x=1|y="),
        ("a{/path*}", "a/b/c%2Fd//", "path=b|path=c/d|path=|path="),
        ("a{/path*}", "a", ""),
        ("a{/path*}/z", "a/b/z/z", "path=b|path=z"),
        ("{/a*}{/b*}", "/1/2/3", "a=1|a=2|a=3"),
        // {;x}
        ("p{;x,y}/z", "p;y=2;x=1/z", "y=2|x=1"),
        ("p{;x,y}", "p;x", "x="),
        ("p{;x,y}", "p;z=1", "-"),
        // {?x} and {&x}
        ("s{?q,n}", "s?q=a%26b&n=3", "q=a&b|n=3"),
        ("s{?q,n}", "s?n=3&q=/?=+", "n=3|q=/?=+"),
        ("s{?q,n}", "s?n=3", "n=3"),
        ("s{?q,n}", "s?q=", "q="),
        ("s{?q,n}", "s?q", "q="),
        ("s{?q,n}", "s", ""),
        ("s{?q,n}", "s?", "-"),
        ("s{?q,n}", "s?q=1&", "-"),
        ("s{?q,n}", "s?q=1&q=2", "-"),
        ("s{?q,n}", "s?q=1&r=2", "-"),
        ("s{?q,n}", "s?qq=1", "-"),
        ("s{?q,n}", "s&q=1", "-"),
        ("s{?q,n}", "s?q=1#x", "-"),
        ("s{?q,n}{#f}", "s?q=1#x", "q=1|f=x"),
        ("s{?q*}", "s?q=1&q=2", "q=1|q=2"),
        ("s?a=b{&q}", "s?a=b&q=1", "q=1"),
        ("s?a=b{&q}", "s?a=b", ""),
        ("s?a={a}{&q}", "s?a=x&q=1", "a=x|q=1"),
        ("s{?q}&fixed", "s?q=1&fixed", "q=1"),
        ("s{?q}end", "s?q=xendend", "q=xend"),
        ("s{?q}&x={x}", "s?q=1&x=a/b", "q=1|x=a/b"),
        ("s{?q}{&r}", "s?q=1&r=2", "q=1|r=2"),
        // What matches no template.
        ("{+a}", "a%", "-"),
        ("{+a}", "a%zz", "-"),
        ("{+a}", "a\nb", "-"),
        ("{+a}", "a\0", "-"),
        ("{+a}", "%FF", "-"),
        ("{a}{b}", "%C3%A9", "-"),
        ("{a}", "%00", "a=\0"),
    ] {
        assert_eq!(matched(template, uri), expected, "{template} against {uri}");
    }
}

#[test]
fn a_uri_beyond_the_cap_matches_nothing() {
    let longest = "a".repeat(MAX_URI_BYTES);
    assert_ne!(matched("{+a}", &longest), "-");
    assert_eq!(matched("{+a}", &format!("{longest}a")), "-");
    assert_eq!(matched("{+a}", &"a".repeat(1 << 20)), "-");
}

/// Denial of service by a URI template's regular expression, as in CVE-2026-0621.
#[test]
fn steps_are_linear_in_the_uri() {
    let templates = [
        ("{/a*}{/b*}", "/"),
        ("{/a*}{/b*}", "/a"),
        ("{/a*}{/b*}{/c*}{/d*}x", "/a"),
        ("{?q*}", "?q=&q=&q=&q=&q"),
        ("{?q*}", "?q&"),
        ("s{?q*}{&r*}", "&q=1"),
        ("{?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa*}", "?a"),
        (
            "{?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa*}",
            "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        ("{?a,aa,aaa,aaaa,aaaaa,aaaaaa,aaaaaaa}", "?a"),
        ("{?a*}", "aaaaaaaaaaaa"),
        ("{;q*}", ";"),
        ("{+a}{+b}{+c}{+d}", "ab"),
        ("{+a}aaaaaaaaaaaaaaaab{+c}", "a"),
        ("{+a}ab{+b}ab{+c}ab", "ab"),
        ("{a*}{b*}!", ","),
        ("{.a*}{.b*}{.c*}!", ".x"),
        ("{#a,b,c,d}", ","),
        ("{+a}", "%41"),
    ];
    for (template, pattern) in templates {
        let parsed = UriTemplate::parse(template).expect(template);
        for prefix in ["", "s", "?", "/", "#"] {
            let steps = |bytes: usize| {
                let uri = prefix.to_owned() + &pattern.repeat(bytes / pattern.len());
                let steps = parsed.match_any_length(&uri).1;
                assert!(
                    steps <= 48 * uri.len() + 48,
                    "{template} took {steps} for {} bytes",
                    uri.len()
                );
                steps
            };
            if ["{/a*}{/b*}", "{?q*}"].contains(&template) && prefix.is_empty() {
                steps(1 << 20);
            }
            let (small, large) = (steps(1 << 12), steps(1 << 16));
            assert!(
                large <= 17 * small,
                "{template}: {small} steps for 4 KiB, {large} for 64 KiB"
            );
        }
    }
}

/// A small generator (SplitMix64), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) as usize % below
    }

    fn text(&mut self, alphabet: &[&str], least: usize) -> String {
        let length = least + self.next(6);
        (0..length)
            .map(|_| alphabet[self.next(alphabet.len())])
            .collect()
    }
}

const ANY: &[&str] = &[
    "a", "Z", "9", "-", ".", "_", "~", "/", "?", "#", "&", "=", ";", ",", "%", "+", " ", "é", "世",
    "{", "\"", "\n", "\0", "%2F",
];
const NO_PERCENT: &[&str] = &[
    "a", "9", "-", ".", "/", "?", "#", "&", "=", ";", ",", "+", " ", "é", "世", "{",
];

#[test]
fn what_was_expanded_comes_back() {
    let mut random = Random(1);
    // Template; the characters of its values; how many characters they have at least.
    let templates: [(&str, &[&str], usize); 14] = [
        ("a://{x}", ANY, 1),
        ("a://{x}/{y}", ANY, 1),
        ("a://{x,y}", ANY, 1),
        ("a://h{/x}/z", ANY, 0),
        ("a://h{/x,y}", ANY, 0),
        ("a://h{/list*}", ANY, 0),
        ("a://h{;x,y}", ANY, 0),
        ("a://h{?x,y}", ANY, 0),
        ("a://h{?list*,x}", ANY, 0),
        ("a://h?x={x}{&y}", ANY, 1),
        ("a://{x}{/list*}{?y}", ANY, 1),
        ("a://{+x}", NO_PERCENT, 1),
        ("a://h{#x}", NO_PERCENT, 0),
        ("é {x}é {/y}", ANY, 1),
    ];
    for (template, alphabet, least) in templates {
        let parsed = UriTemplate::parse(template).expect(template);
        for _ in 0..500 {
            let mut values = Vec::new();
            for name in parsed.variables() {
                let count = if parsed.is_list(name) {
                    1 + random.next(3)
                } else {
                    1
                };
                for _ in 0..count {
                    values.push((name, random.text(alphabet, least)));
                }
            }
            let uri = parsed.expand(&values);
            assert_eq!(parsed.match_uri(&uri), Some(values), "{template}: {uri}");
        }
    }
}

/// Whatever is matched, the values give the same URI again (its normal form).
#[test]
fn what_matched_expands_to_the_same() {
    let mut random = Random(2);
    let pieces = [
        "a", "/", "?", "#", ";", ",", ".", "&", "=", "x", "y", "x=", "%2F", "%41", "%25", "-",
    ];
    let templates = [
        "{x}",
        "{+x}-{y}",
        "a{/x*}{/y*}",
        "{x}{?y*}{#z}",
        "a{;x,y}{.z}",
        "{x,y}",
        "{+x,y}",
        "{.x*}{/y}",
    ];
    let mut matches = 0;
    for template in templates {
        let parsed = UriTemplate::parse(template).expect(template);
        for _ in 0..5_000 {
            let uri = random.text(&pieces, 1);
            let Some(values) = parsed.match_uri(&uri) else {
                continue;
            };
            matches += 1;
            let again = parsed.expand(&values);
            assert_eq!(
                parsed.match_uri(&again).as_ref(),
                Some(&values),
                "{template}: {uri} gave {values:?}, {again}"
            );
        }
    }
    assert!(matches > 2_000, "{matches} matches say little");
}

/// The same answer as a search that tries everything.
#[test]
fn agrees_with_trying_everything() {
    fn naive(parts: &[Part], uri: &str) -> bool {
        let Some((part, rest)) = parts.split_first() else {
            return uri.is_empty();
        };
        match part {
            Part::Literal(literal) => uri
                .strip_prefix(&literal.text)
                .is_some_and(|uri| naive(rest, uri)),
            Part::Expression(expression) => {
                let any = expression.operator == Operator::Reserved;
                (1..=uri.len()).any(|end| {
                    (any || !uri[..end].contains(['/', '?', '#'])) && naive(rest, &uri[end..])
                })
            }
        }
    }
    let mut random = Random(3);
    let pieces = ["{v}", "{+v}", "a", "b", "/", "ab", "aa"];
    let mut matches = 0;
    for _ in 0..20_000 {
        let mut template = String::new();
        for index in 0..1 + random.next(5) {
            template += &pieces[random.next(pieces.len())].replace('v', &format!("v{index}"));
        }
        let parsed = UriTemplate::parse(&template).expect("valid");
        let uri = random.text(&["a", "b", "/", "ab"], 1);
        let expected = naive(&parsed.parts, &uri);
        matches += usize::from(expected);
        assert_eq!(
            parsed.match_uri(&uri).is_some(),
            expected,
            "{template} against {uri}"
        );
    }
    assert!(matches > 1_000, "{matches} matches say little");
}
