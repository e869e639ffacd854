//! How does a server let a model look into a SQLite database, and only look?
//!
//! `cargo run -p wharf-examples --bin sqlite_explorer [FILE]`, by default a small one in memory

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteRow,
};
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};
use wharf::{Context, Error, Json, Result, Server, State, resource, tool};

/// How many rows a query gives at most.
const MAX_ROWS: usize = 100;
/// How many characters of a value are given at most.
const MAX_TEXT: usize = 1_000;
/// How long a query runs at most.
const MAX_TIME: Duration = Duration::from_secs(5);

/// The database: one connection, which cannot be written to.
struct Database(SqlitePool);

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    /// What a limit cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<String>,
}

/// Run one SELECT. Values go into `params`, in the order of the `?` in it.
#[tool(read_only, idempotent, closed_world)]
async fn query(
    database: State<Database>,
    /// One statement that begins with SELECT, WITH, VALUES or EXPLAIN
    sql: String,
    /// Values for `?`: texts, numbers, booleans and null
    params: Option<Vec<Value>>,
) -> Result<Json<Answer>> {
    one_query(&sql)?;
    let mut statement = sqlx::query(&sql);
    for value in params.unwrap_or_default() {
        statement = match value {
            Value::Null => statement.bind(None::<i64>),
            Value::Bool(value) => statement.bind(value),
            Value::String(text) => statement.bind(text),
            Value::Number(number) => match number.as_i64() {
                Some(number) => statement.bind(number),
                None => statement.bind(number.as_f64()),
            },
            other => return Err(Error::new(format!("{other} cannot be a value of a query"))),
        };
    }
    let mut connection = database.0.0.acquire().await.map_err(explained)?;
    let _running = Running::start(&mut connection).await?;
    let mut rows = statement.fetch(&mut *connection);
    let mut answer = Answer {
        columns: Vec::new(),
        rows: Vec::new(),
        cut: None,
    };
    let mut cut = false;
    while let Some(row) = rows.try_next().await.map_err(explained)? {
        if answer.rows.len() == MAX_ROWS {
            answer.cut = Some(format!("only the first {MAX_ROWS} rows are given"));
            break;
        }
        let names = row.columns().iter().map(|column| column.name().to_owned());
        answer.columns = names.collect();
        answer.rows.push(values(&row, &mut cut)?);
    }
    if cut {
        let note = format!("texts are given up to {MAX_TEXT} characters");
        answer.cut = Some(
            answer
                .cut
                .map_or(note.clone(), |rows| format!("{rows}; {note}")),
        );
    }
    Ok(Json(answer))
}

/// The tables, views and indexes, as they were created.
#[resource("schema://main", mime_type = "application/sql")]
async fn tables(database: State<Database>) -> Result<String> {
    let mut connection = database.0.0.acquire().await.map_err(explained)?;
    let _running = Running::start(&mut connection).await?;
    let sql = "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name LIMIT 1000";
    let statements: Vec<String> = sqlx::query_scalar(sql)
        .fetch_all(&mut *connection)
        .await
        .map_err(explained)?;
    Ok(statements.join("\n"))
}

/// A query that SQLite stops when its time is over, or when nobody waits for it any more.
struct Running(Arc<AtomicBool>);

impl Running {
    async fn start(connection: &mut SqliteConnection) -> Result<Self> {
        let wanted = Arc::new(AtomicBool::new(true));
        let end = Instant::now() + MAX_TIME;
        let still = Arc::clone(&wanted);
        let mut handle = connection.lock_handle().await.map_err(explained)?;
        handle.set_progress_handler(1_000, move || {
            still.load(Ordering::Relaxed) && Instant::now() < end
        });
        Ok(Self(wanted))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Lets one statement through that asks for rows. That it changes nothing is for SQLite to see
/// to: the file is open for reading, and `query_only` is on. What is refused here is what neither
/// of the two stops: a second statement, `ATTACH` of another file, and `PRAGMA`.
fn one_query(sql: &str) -> Result<()> {
    let mut words = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '\'' | '"' | '`' => closing(rest, c),
            '[' => closing(rest, ']'),
            '-' if rest.starts_with("--") => {
                words.push(' ');
                rest.find('\n')
            }
            '/' if rest.starts_with("/*") => {
                words.push(' ');
                rest[2..].find("*/").map(|at| at + 3)
            }
            _ => {
                words.push(c);
                Some(c.len_utf8() - 1)
            }
        };
        rest = end.map_or("", |end| &rest[end + 1..]);
    }
    let words = words
        .trim()
        .trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    if words.contains(';') {
        return Err(Error::new("only one statement at a time"));
    }
    let first = words.split(|c: char| !c.is_ascii_alphabetic()).next();
    let first = first.unwrap_or_default().to_ascii_uppercase();
    if !["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(&first.as_str()) {
        return Err(Error::new(
            "only queries that begin with SELECT, WITH, VALUES or EXPLAIN",
        ));
    }
    Ok(())
}

/// Where a quoted piece of text ends. A doubled quote ends one and begins the next.
fn closing(text: &str, quote: char) -> Option<usize> {
    text[1..].find(quote).map(|at| at + 1)
}

fn values(row: &SqliteRow, cut: &mut bool) -> Result<Vec<Value>> {
    let of = |index: usize| -> Result<Value, sqlx::Error> {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        Ok(match raw.type_info().name() {
            "INTEGER" => row.try_get_unchecked::<i64, _>(index)?.into(),
            "REAL" => row.try_get_unchecked::<f64, _>(index)?.into(),
            "BLOB" => {
                let bytes: Vec<u8> = row.try_get_unchecked(index)?;
                format!("({} bytes)", bytes.len()).into()
            }
            _ => {
                let text: String = row.try_get_unchecked(index)?;
                match text.char_indices().nth(MAX_TEXT) {
                    Some((end, _)) => {
                        *cut = true;
                        text[..end].into()
                    }
                    None => text.into(),
                }
            }
        })
    };
    (0..row.len())
        .map(of)
        .collect::<Result<_, _>>()
        .map_err(explained)
}

fn explained(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(error) if error.message() == "interrupted" => Error::new(format!(
            "the query took longer than {} s",
            MAX_TIME.as_secs()
        )),
        sqlx::Error::Database(error) => Error::new(error.message().to_owned()),
        other => Error::new(other.to_string()),
    }
}

static FILE: LazyLock<Option<String>> = LazyLock::new(|| std::env::args().nth(1));

async fn open() -> Result<Database> {
    let options = match &*FILE {
        Some(file) => SqliteConnectOptions::new().filename(file).read_only(true),
        None => SqliteConnectOptions::new().in_memory(true),
    };
    let options = options.pragma("trusted_schema", "OFF");
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    let pool = pool.connect_with(options).await.map_err(explained)?;
    if FILE.is_none() {
        let demo = "CREATE TABLE city (name TEXT PRIMARY KEY, country TEXT, people INTEGER);
            INSERT INTO city VALUES ('Oslo', 'Norway', 717710), ('Bergen', 'Norway', 291940),
                ('Turku', 'Finland', 206035);";
        sqlx::raw_sql(demo)
            .execute(&pool)
            .await
            .map_err(explained)?;
    }
    let only = sqlx::query("PRAGMA query_only = ON");
    only.execute(&pool).await.map_err(explained)?;
    Ok(Database(pool))
}

/// Ask about the database, with its schema at hand.
#[wharf::prompt]
async fn explore(ctx: &Context, question: String) -> Result<String> {
    let schema = ctx.read_resource("schema://main").await?;
    let schema = schema
        .contents
        .iter()
        .filter_map(|contents| match contents {
            wharf::protocol::resources::ResourceContents::Text(contents) => {
                Some(contents.text.as_str())
            }
            _ => None,
        });
    let schema = schema.collect::<Vec<_>>().join("\n");
    Ok(format!(
        "Answer with the tool `query`: {question}\n\nThe schema:\n{schema}"
    ))
}

#[tokio::main]
async fn main() -> Result<()> {
    Server::new("SQLite explorer")
        .lifespan(open, |database: Arc<Database>| async move {
            database.0.close().await
        })
        .tool(query)
        .resource(tables)
        .prompt(explore)
        .run()
        .await
}
