//! A terminal: a pseudo-terminal with the binary on the other side.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command in a terminal.
pub struct Terminal {
    child: Child,
    master: File,
    bytes: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Terminal {
    /// Starts a command in a terminal of that many columns.
    pub fn start(mut command: Command, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let size = Winsize {
            ws_row: 40,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).expect("a size");
        let slave = || -> OwnedFd {
            open(
                name.as_c_str(),
                OFlags::RDWR | OFlags::NOCTTY,
                Mode::empty(),
            )
            .expect("the other side")
        };
        let child = command
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(slave()))
            .stdout(Stdio::from(slave()))
            .stderr(Stdio::from(slave()))
            .spawn()
            .expect("a process");
        // Our copies of the other side go, so that reading ends with the child.
        drop(command);
        let master = File::from(master);
        let mut reader = master.try_clone().expect("a copy");
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose other side is gone gives an error.
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            master,
            bytes,
            seen: Vec::new(),
        }
    }

    /// What the screen was told so far, without colours and with plain line ends.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.seen).replace("\r\n", "\n");
        plain(&text)
    }

    /// Waits until the screen says this.
    pub fn wait_for(&mut self, expected: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text().contains(expected) {
            let left = end.saturating_duration_since(Instant::now());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(_) => panic!("the screen never says {expected:?}:\n{}", self.text()),
            }
        }
    }

    /// Types a line, or a control character.
    pub fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("typed");
    }

    pub fn interrupt(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &id]).status();
        assert!(status.expect("kill").success());
    }

    /// Waits for the end: exit code, and all that the screen was told.
    pub fn end(mut self) -> (i32, String) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            while let Ok(bytes) = self.bytes.try_recv() {
                self.seen.extend(bytes);
            }
            match self.child.try_wait().expect("a status") {
                Some(status) => break status,
                None if Instant::now() > end => panic!("it does not end:\n{}", self.text()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(200)) {
            self.seen.extend(bytes);
        }
        (status.code().expect("no signal"), self.text())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Already gone, or gone now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Text without colours and other sequences that move no text.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' && rest.peek() == Some(&'[') {
            rest.next();
            for c in rest.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}
