//! Finding notes by words of them.

use std::fmt::Write as _;

use wharf::protocol::completion::MAX_COMPLETION_VALUES;
use wharf::{Error, Result};

use super::store::{Store, failure, from_row};

/// How long a query may be, in characters.
pub(super) const MAX_QUERY: usize = 1000;
/// How many words of it are looked for.
const MAX_WORDS: usize = 32;

/// What a search found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    /// How many notes have all the words.
    pub(super) total: i64,
}

#[derive(Debug)]
pub(super) struct Hit {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) snippet: String,
    pub(super) modified: i64,
}

from_row!(Hit {
    id,
    title,
    snippet,
    modified
});

/// Notes with all words of the query, best first.
pub(super) async fn find(store: &Store, query: &str, limit: u32) -> Result<Found> {
    let words = words(query)?;
    let mut read = store.database.readers.begin().await.map_err(failure)?;
    let total = sqlx::query_scalar("SELECT count(*) FROM words WHERE words MATCH ?1")
        .bind(&words)
        .fetch_one(&mut *read)
        .await
        .map_err(failure)?;
    // A word in the title says more than one in the content.
    let hits = sqlx::query_as(
        "SELECT notes.id, notes.title, notes.modified,
                snippet(words, 1, '**', '**', '…', 24) AS snippet
         FROM words JOIN notes ON notes.id = words.rowid
         WHERE words MATCH ?1
         ORDER BY bm25(words, 4.0, 1.0), notes.modified DESC LIMIT ?2",
    )
    .bind(&words)
    .bind(limit)
    .fetch_all(&mut *read)
    .await
    .map_err(failure)?;
    Ok(Found { hits, total })
}

/// Ids that begin with what was typed, or whose title has words that do; and how many there are.
pub(super) async fn ids(store: &Store, typed: &str) -> Result<(Vec<i64>, u64)> {
    let typed = typed.trim();
    // What could not be searched for completes nothing.
    let words = match typed.is_empty() {
        true => None,
        false => words(typed).ok(),
    };
    let by_id = match typed.bytes().all(|byte| byte.is_ascii_digit()) && typed.len() < 20 {
        true => format!("{typed}%"),
        false => String::new(),
    };
    let some =
        "id LIKE ?1 OR (?2 IS NOT NULL AND id IN (SELECT rowid FROM words WHERE title MATCH ?2))";
    // An empty expression would be an error, although nobody asks for it.
    let expression = words.unwrap_or_else(|| "\"\"".to_owned());
    let total: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM notes WHERE {some}"))
        .bind(&by_id)
        .bind(&expression)
        .fetch_one(&store.database.readers)
        .await
        .map_err(failure)?;
    let most = i64::try_from(MAX_COMPLETION_VALUES).unwrap_or(i64::MAX);
    let ids = sqlx::query_scalar(&format!(
        "SELECT id FROM notes WHERE {some} ORDER BY modified DESC, id DESC LIMIT ?3"
    ))
    .bind(&by_id)
    .bind(&expression)
    .bind(most)
    .fetch_all(&store.database.readers)
    .await
    .map_err(failure)?;
    Ok((ids, u64::try_from(total).unwrap_or(0)))
}

/// The query as an expression of FTS5 that has no operators in it: each word is a string in quotes,
/// and stands for all that begin with it. What FTS5 would read as syntax is a word as any other.
fn words(query: &str) -> Result<String> {
    if query.chars().nth(MAX_QUERY).is_some() {
        return Err(Error::new(format_args!(
            "the query is longer than {MAX_QUERY} characters: search for a few words"
        )));
    }
    let separated = query.split(|c: char| c.is_whitespace() || c.is_control());
    // What has no letter and no digit is in no index.
    let words = separated.filter(|word| word.contains(char::is_alphanumeric));
    let mut expression = String::new();
    for (count, word) in words.enumerate() {
        if count == MAX_WORDS {
            return Err(Error::new(format_args!(
                "the query has more than {MAX_WORDS} words: search for fewer"
            )));
        }
        // Writing to a string does not fail.
        let _ = write!(expression, "\"{}\"* ", word.replace('"', "\"\""));
    }
    if expression.is_empty() {
        return Err(Error::new(
            "there is no word in the query: search for words that are in a title or a note",
        ));
    }
    Ok(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_never_syntax() {
        for (query, expression) in [
            ("plain words", r#""plain"* "words"* "#),
            (r#"" OR 1=1"#, r#""OR"* "1=1"* "#),
            ("title:x", r#""title:x"* "#),
            ("a* -b ^c", r#""a*"* "-b"* "^c"* "#),
            ("NEAR(a b)", r#""NEAR(a"* "b)"* "#),
            ("a\0b", r#""a"* "b"* "#),
            (r#"say"so"#, r#""say""so"* "#),
        ] {
            assert_eq!(words(query).expect(query), expression);
        }
    }

    #[test]
    fn a_query_has_limits() {
        for (query, why) in [
            (String::new(), "no word"),
            ("* \" ( ) -".to_owned(), "no word"),
            ("x".repeat(MAX_QUERY + 1), "longer than 1000"),
            ("x ".repeat(MAX_WORDS + 1), "more than 32 words"),
        ] {
            let error = words(&query).expect_err(why);
            assert!(error.message().contains(why), "{error}");
        }
        words(&"x".repeat(MAX_QUERY)).expect("just short enough");
        words(&"x ".repeat(MAX_WORDS)).expect("just few enough");
    }
}
