//! The authorization server, installed and started.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running authorization server, and the MCP server beside it. Ends when dropped.
pub(crate) struct Server {
    pub(crate) issuer: String,
    pub(crate) resource: String,
    /// A private key of RSA, of the clients `robot-RS256` and `robot-PS256`.
    pub(crate) rsa: String,
    origin: String,
    _child: Child,
}

impl Server {
    /// Starts it; `None`, with the reason printed, where it cannot be installed.
    pub(crate) async fn start(options: Value) -> Option<Self> {
        let folder = installed()?;
        let mut child = Command::new(folder.join("node_modules/node/bin/node"))
            .arg(folder.join("server.mjs"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // What comes before it are the provider's own warnings.
        let ready: Value = loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("the server started");
            if let Ok(ready) = serde_json::from_str(&line) {
                break ready;
            }
        };
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Some(Self {
            issuer: text("issuer"),
            resource: text("resource"),
            rsa: text("rsaPem"),
            origin: text("origin"),
            _child: child,
        })
    }

    /// What it was asked so far.
    pub(crate) async fn log(&self) -> Value {
        let text = crate::client::http().get(format!("{}/log", self.origin));
        let text = text.send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn installed() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(install).clone()
}

/// Installs it once for each content of its files.
fn install() -> Option<PathBuf> {
    let has_npm = std::process::Command::new("npm").arg("--version").output();
    if !has_npm.is_ok_and(|done| done.status.success()) {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        eprintln!("skipped: npm is not on this machine, so oidc-provider cannot be installed");
        return None;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/server");
    let files = ["package.json", "package-lock.json", "server.mjs"];
    let read = |name: &&str| std::fs::read(here.join(name)).unwrap();
    let all: Vec<u8> = files.iter().flat_map(read).collect();
    let digest = ring::digest::digest(&ring::digest::SHA256, &all);
    let name: String = digest.as_ref()[..8]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let cache = match std::env::var_os("WHARF_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/wharf-ci"),
    };
    let cache = cache.join("oidc");
    std::fs::create_dir_all(&cache).unwrap();
    // Two test runs at once install it once.
    let lock = std::fs::File::create(cache.join(".lock")).unwrap();
    lock.lock().unwrap();
    let folder = cache.join(name);
    if !folder.join("complete").exists() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        for file in files {
            std::fs::copy(here.join(file), folder.join(file)).unwrap();
        }
        let done = std::process::Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .arg("--omit-lockfile-registry-resolved=true")
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "npm could not install oidc-provider: {said}"
        );
        std::fs::write(folder.join("complete"), "").unwrap();
    }
    Some(folder)
}
