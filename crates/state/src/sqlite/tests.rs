use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::contract;

const TABLE: Table = Table("t");

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wharf-state-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn put(store: &Sqlite, key: &str, expected: Expected, value: &str) -> u64 {
    let entry = Entry::new("ann", value.to_owned());
    match store.put(TABLE, key, expected, entry).await.unwrap() {
        Put::Done(version) => version,
        Put::Conflict(found) => panic!("{found:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let folder = Folder::new();
    let next = AtomicU32::new(0);
    contract::keep(async || {
        let name = format!("{}.db", next.fetch_add(1, Ordering::Relaxed));
        let store = Sqlite::open(folder.0.join(name)).await.unwrap();
        Arc::new(store) as Arc<dyn State>
    })
    .await;
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let folder = Folder::new();
    let store = Sqlite::open(folder.file()).await.unwrap();
    assert!(store.is_durable());
    let first = put(&store, "a", Expected::Absent, "one").await;
    put(&store, "b", Expected::Absent, "two").await;
    let event = store.append("log", "ann", 7, Bytes::from("seven"), 9, None);
    event.await.unwrap();
    assert!(store.delete(TABLE, Scope::All, "b").await.unwrap());
    let lease = store.lease(TABLE, "job", 1, Duration::from_secs(600));
    let fence = lease.await.unwrap().unwrap();
    drop(store);

    let url = format!("sqlite:{}", folder.file().display());
    let store = crate::open(&url).await.unwrap();
    let all = store.list(TABLE, Scope::All, 0, 9).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((&*all[0].0, &all[0].1.value[..]), ("a", &b"one"[..]));
    assert_eq!(all[0].1.version, first);
    let events = store.events("log", Scope::All, 0, 9).await.unwrap();
    assert_eq!(events, [(7, Bytes::from("seven"))]);
    let old = store.append("log", "ann", 7, Bytes::new(), 9, None);
    assert!(old.await.unwrap_err().is_refused());

    // The lease of the process before is void, and no number is given twice.
    let late = Entry::new("ann", "late").fence(fence);
    let late = store.put(TABLE, "job", Expected::Absent, late).await;
    assert_eq!(late.unwrap(), Put::Conflict(None));
    let lease = store.lease(TABLE, "job", 2, Duration::from_secs(600));
    assert!(lease.await.unwrap().unwrap() > fence);
    let Put::Done(second) = store
        .put(TABLE, "a", Expected::Version(first), Entry::new("ann", "2"))
        .await
        .unwrap()
    else {
        panic!()
    };
    assert!(second > fence.0);
}

#[tokio::test]
async fn a_second_opener_is_told() {
    let folder = Folder::new();
    let store = Sqlite::open(folder.file()).await.unwrap();
    let error = Sqlite::open(folder.file()).await.unwrap_err();
    assert!(error.is_unavailable());
    assert!(error.to_string().contains("in use"), "{error}");
    #[cfg(unix)]
    {
        let other_name = folder.0.join("link.db");
        std::os::unix::fs::symlink(folder.file(), &other_name).unwrap();
        let error = Sqlite::open(other_name).await.unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
    }
    drop(store);
    Sqlite::open(folder.file()).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let store = Sqlite::open(folder.file()).await.unwrap();
    put(&store, "a", Expected::Absent, "secret").await;
    let mut files = 0;
    for file in std::fs::read_dir(&folder.0).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
        files += 1;
    }
    assert_eq!(files, 4, "the database, its log, its index and the lock");
}

#[tokio::test]
async fn what_is_no_store_is_left_alone() {
    let folder = Folder::new();
    let text = "this is a letter to a friend, and no database at all.\n".repeat(40);
    std::fs::write(folder.file(), &text).unwrap();
    let error = Sqlite::open(folder.file()).await.unwrap_err();
    assert!(error.to_string().contains("no SQLite database"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), text);

    let other = folder.0.join("other.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let options = options.filename(&other).create_if_missing(true);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let create = sqlx::raw_sql("CREATE TABLE mine (x)");
    create.execute(&mut connection).await.unwrap();
    drop(connection);
    let error = Sqlite::open(&other).await.unwrap_err();
    assert!(error.is_refused());
    assert!(error.to_string().contains("something else"), "{error}");

    let nowhere = folder.0.join("no/such/folder.db");
    let error = Sqlite::open(nowhere).await.unwrap_err();
    assert!(error.to_string().contains("folder.db"), "{error}");
}

async fn change(file: &Path, sql: &str) {
    let mut connection = file::connect(file).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
}

#[tokio::test]
async fn the_file_of_a_newer_version_is_refused() {
    let folder = Folder::new();
    drop(Sqlite::open(folder.file()).await.unwrap());
    change(&folder.file(), "PRAGMA user_version = 99").await;
    let error = Sqlite::open(folder.file()).await.unwrap_err();
    assert!(error.is_refused());
    assert!(error.to_string().contains("newer"), "{error}");
}

#[tokio::test]
async fn a_write_that_fails_spoils_no_other() {
    let folder = Folder::new();
    let store = Sqlite::open(folder.file()).await.unwrap();
    put(&store, "a", Expected::Absent, "one").await;
    // Fails in the middle of a transaction that others share.
    let sql = "CREATE TRIGGER full BEFORE INSERT ON records WHEN length(NEW.value) > 1000
               BEGIN SELECT RAISE(ABORT, 'disk'); END";
    change(&folder.file(), sql).await;
    let large = "x".repeat(2_000);
    let (small, large, other) = tokio::join!(
        store.put(TABLE, "b", Expected::Absent, Entry::new("", "2")),
        store.put(TABLE, "c", Expected::Absent, Entry::new("", large)),
        store.put(TABLE, "d", Expected::Absent, Entry::new("", "4")),
    );
    assert!(large.unwrap_err().is_unavailable());
    for put in [small, other] {
        assert!(matches!(put.unwrap(), Put::Done(_)), "one failed, not all");
    }
    assert_eq!(store.count(TABLE, Scope::All).await.unwrap(), 3);
    put(&store, "e", Expected::Absent, "five").await;
}

#[tokio::test]
async fn a_full_disk_is_told_from_a_broken_one() {
    let folder = Folder::new();
    let mut connection = file::connect(&folder.file()).await;
    assert!(connection.is_err(), "only `open` makes files");
    drop(Sqlite::open(folder.file()).await.unwrap());
    connection = file::connect(&folder.file()).await;
    let mut connection = connection.unwrap();
    let fill = "PRAGMA max_page_count = 20;
                INSERT INTO epoch WITH RECURSIVE n(i) AS
                (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n";
    let error = sqlx::raw_sql(fill).execute(&mut connection).await;
    assert!(read::failure(error.unwrap_err()).is_full());
}

#[tokio::test]
async fn a_broken_file_is_an_error() {
    let folder = Folder::new();
    let store = Sqlite::open(folder.file()).await.unwrap();
    put(&store, "a", Expected::Absent, "one").await;
    change(&folder.file(), "DROP TABLE records").await;
    assert!(store.get(TABLE, Scope::All, "a").await.is_err());
    let entry = Entry::new("ann", "two");
    let put = store.put(TABLE, "a", Expected::Absent, entry).await;
    assert!(put.unwrap_err().is_unavailable());
    let large = "k".repeat(MAX_TEXT + 1);
    let put = store.put(TABLE, &large, Expected::Absent, Entry::new("", ""));
    assert!(put.await.unwrap_err().is_refused());
}

/// The part of the next test that is killed: it says on its standard output what was acknowledged.
#[test]
fn writes_until_it_is_killed() {
    let Ok(file) = std::env::var("WHARF_STATE_TEST_FILE") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Sqlite::open(file).await.unwrap());
        let writers = (0..8).map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in 1.. {
                    let key = format!("{writer}/{number}");
                    put(&store, &key, Expected::Absent, "kept").await;
                    let event = Bytes::from("kept");
                    let log = format!("log/{writer}");
                    let append = store.append(&log, "", number, event, usize::MAX, None);
                    append.await.unwrap();
                    writeln!(std::io::stdout(), "ack {writer} {number}").unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

/// Ends the process whatever happens to the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    use std::io::{BufRead as _, BufReader};

    let folder = Folder::new();
    let mut acknowledged = Vec::new();
    for turn in 0..3 {
        let file = folder.0.join(format!("{turn}.db"));
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "sqlite::tests::writes_until_it_is_killed",
            ])
            .env("WHARF_STATE_TEST_FILE", &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Killed(child);
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let mut acks = 0;
        acknowledged.clear();
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, ack)) = line.split_once("ack ") {
                let (writer, number) = ack.split_once(' ').unwrap();
                acknowledged.push((writer.to_owned(), number.parse::<u64>().unwrap()));
                acks += 1;
            }
            if acks == 200 + turn * 33 {
                child.0.kill().unwrap();
            }
        }
        child.0.wait().unwrap();
        assert!(acknowledged.len() >= 200);

        let store = Sqlite::open(&file).await.unwrap();
        for (writer, number) in &acknowledged {
            let key = format!("{writer}/{number}");
            let record = store.get(TABLE, Scope::All, &key).await.unwrap();
            assert_eq!(record.expect(&key).value, "kept");
            let log = format!("log/{writer}");
            let event = store.events(&log, Scope::All, number - 1, 1).await.unwrap();
            assert_eq!(event, [(*number, Bytes::from("kept"))]);
        }
    }
}
