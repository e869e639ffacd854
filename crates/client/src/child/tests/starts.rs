//! What a child is given, and what is said when there is no child.

use std::collections::HashMap;

use super::*;
use crate::child::Stderr;

#[test]
fn a_program_that_is_not_there_is_named_and_so_is_path() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _guard = runtime.enter();
    let cases = [
        (
            Command::new("no-such-\u{1b}program"),
            "`no-such-\\u{1b}program` in any of the",
        ),
        (
            Command::new("x").env("PATH", "/a:/b"),
            "`x` in any of the 2 directories of PATH",
        ),
        (
            Command::new("/no/such/program"),
            "there is no program at `/no/such/program`",
        ),
        (Command::new("/etc/passwd"), "may not be executed"),
        (
            Command::new("sh").current_dir("/no/such/dir"),
            "no such directory",
        ),
    ];
    for (command, words) in cases {
        let Err(error) = command.spawn() else {
            panic!("{command:?} was started");
        };
        assert!(error.is_unreachable(), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(std::error::Error::source(&error).is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn a_script_without_its_interpreter_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = std::env::temp_dir().join(format!("wharf-child-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("server"), "#!/no/such/interpreter\n").unwrap();
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.join("server"), all).unwrap();
    let by_path = Command::new(dir.join("server")).spawn().err().unwrap();
    let by_name = Command::new("server")
        .env("PATH", &dir)
        .spawn()
        .err()
        .unwrap();
    let relative = Command::new("./server")
        .current_dir(&dir)
        .spawn()
        .err()
        .unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    for error in [by_path, by_name, relative] {
        assert!(error.to_string().contains("interpreter"), "{error}");
    }
}

#[tokio::test]
async fn the_environment_is_an_allow_list_and_what_was_given() {
    let command = Command::new("env")
        .env("GIVEN", "1")
        .env("GIVEN", "2")
        .env("HOME", "/other");
    let seen = Started::of(&command).rest().await;
    let seen: HashMap<_, _> = seen
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    assert_eq!(seen.get("GIVEN"), Some(&"2"));
    assert_eq!(seen.get("HOME"), Some(&"/other"));
    let path = std::env::var("PATH").unwrap();
    assert_eq!(seen.get("PATH"), Some(&&*path));
    // Cargo sets this one for every test.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    assert_eq!(seen.get("CARGO_PKG_NAME"), None);
    let allowed = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TMPDIR", "GIVEN",
    ];
    for name in seen.keys() {
        assert!(allowed.contains(name) || name.starts_with("LC_"), "{name}");
    }

    let let_through = Command::new("env")
        .inherit_env("CARGO_PKG_NAME")
        .inherit_env("NO_SUCH");
    let seen = Started::of(&let_through).rest().await;
    assert!(seen.contains("CARGO_PKG_NAME=wharf-client\n"), "{seen}");
    assert!(!seen.contains("NO_SUCH"), "{seen}");
}

#[tokio::test]
async fn it_starts_where_it_should() {
    assert_eq!(Started::of(&sh("pwd").current_dir("/")).rest().await, "/\n");
}

/// Above all not the pipe that the watchdog listens to: it would never see its end.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_has_its_three_streams_and_no_other_file_of_ours() {
    let script = "import os\nfor n in os.listdir('/proc/self/fd'):\n try: print(n, os.readlink('/proc/self/fd/' + n))\n except OSError: pass";
    let foreign = foreign_files();
    let many = (0..24).map(|_| {
        tokio::spawn(async move {
            let mut started = Started::of(&python(script).stderr(Stderr::Discard));
            let seen = started.rest().await;
            started.close().await;
            seen
        })
    });
    for seen in futures_util::future::join_all(many).await {
        let seen = seen.unwrap();
        for line in seen.lines() {
            let (number, file) = line.split_once(' ').unwrap();
            let is_stream = ["0", "1", "2"].contains(&number);
            assert!(is_stream || foreign.iter().any(|it| it == file), "{seen}");
        }
    }
}

/// Files that who started the tests left open for everybody.
#[cfg(target_os = "linux")]
fn foreign_files() -> Vec<String> {
    const CLOEXEC: u32 = 0o2_000_000;
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let for_everybody = open.filter(|entry| {
        let info = entry.path().to_string_lossy().replace("/fd/", "/fdinfo/");
        let info = std::fs::read_to_string(info).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        flags.is_some_and(|flags| u32::from_str_radix(flags.trim(), 8).unwrap() & CLOEXEC == 0)
    });
    let names = for_everybody.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}
