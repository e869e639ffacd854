//! Reading the files of a skill from a directory, and nothing else.
//!
//! All paths are opened beneath a handle of the directory, so that neither a link nor a directory
//! that is exchanged meanwhile leads out of it.

use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, FileType};

use super::load::{MAX_BYTES, MAX_DEPTH, MAX_FILES};
use crate::handler::text::shown_up_to;

/// Reads all files beneath a directory: their paths with `/` in between, and their contents.
pub(super) fn read(root: &Path) -> Result<Vec<(String, Bytes)>, String> {
    let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(|why| why.to_string())?;
    let mut files = Vec::new();
    let mut bytes = 0;
    let mut directories = vec![(String::new(), 0)];
    while let Some((path, depth)) = directories.pop() {
        let here = if path.is_empty() { "." } else { &path };
        let entries = dir.read_dir(here).map_err(|why| at(here, why))?;
        for entry in entries {
            let entry = entry.map_err(|why| at(here, why))?;
            let name = entry.file_name();
            let name = name
                .to_str()
                .ok_or_else(|| at(here, format_args!("{name:?} is not UTF-8")))?;
            // What version control, editors and secrets leave behind.
            if name.starts_with('.') {
                continue;
            }
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}/{name}")
            };
            let kind = entry.file_type().map_err(|why| at(&path, why))?;
            if kind.is_dir() {
                if depth >= MAX_DEPTH {
                    return Err(at(
                        &path,
                        format_args!("nests more than {MAX_DEPTH} levels"),
                    ));
                }
                directories.push((path, depth + 1));
                continue;
            }
            if files.len() >= MAX_FILES {
                return Err(format!("it has more than {MAX_FILES} files"));
            }
            let contents = read_file(&dir, &path, kind, MAX_BYTES - bytes)?;
            bytes += contents.len();
            files.push((path, contents.into()));
        }
    }
    Ok(files)
}

fn read_file(dir: &Dir, path: &str, kind: FileType, left: usize) -> Result<Vec<u8>, String> {
    // A link is looked at where it leads to, which is beneath the directory or an error.
    let kind = if kind.is_symlink() {
        let target = dir.metadata(path);
        target.map_err(|why| at(path, why))?.file_type()
    } else {
        kind
    };
    // Looked at before it is opened: opening a pipe would wait for somebody who writes.
    if !kind.is_file() {
        return Err(at(path, "is neither a file nor a link to one"));
    }
    let file = dir.open(path).map_err(|why| at(path, why))?;
    let mut contents = Vec::new();
    let limit = u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit)
        .read_to_end(&mut contents)
        .map_err(|why| at(path, why))?;
    if contents.len() > left {
        return Err(format!("it has more than {} MiB", MAX_BYTES >> 20));
    }
    Ok(contents)
}

fn at(path: &str, why: impl std::fmt::Display) -> String {
    format!("`{}`: {why}", shown_up_to(path, 200))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("wharf-skill-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.join("skill/docs")).expect("a directory");
            fs::write(path.join("secret"), "outside").expect("a file");
            fs::write(path.join("skill/SKILL.md"), "---").expect("a file");
            fs::write(path.join("skill/docs/a.md"), "inside").expect("a file");
            Self(path)
        }

        fn skill(&self) -> PathBuf {
            self.0.join("skill")
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_are_read_without_what_is_hidden() {
        let temporary = Temporary::new("files");
        let skill = temporary.skill();
        fs::create_dir(skill.join(".git")).expect("a directory");
        fs::write(skill.join(".git/config"), "").expect("a file");
        fs::write(skill.join(".env"), "KEY=1").expect("a file");
        symlink("docs/a.md", skill.join("link.md")).expect("a link");
        symlink("../SKILL.md", skill.join("docs/up.md")).expect("a link");
        let mut files = read(&skill).expect("files");
        files.sort();
        let names: Vec<_> = files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["SKILL.md", "docs/a.md", "docs/up.md", "link.md"]);
        assert_eq!(files[3].1, "inside");
        assert_eq!(files[2].1, "---");
    }

    #[test]
    fn nothing_outside_is_read() {
        for (name, target) in [
            ("up", "../secret".to_owned()),
            ("root", "/etc/hostname".to_owned()),
            ("proc", "/proc/self/root/etc/hostname".to_owned()),
            ("dir", "docs".to_owned()),
            ("outdir", "..".to_owned()),
            ("lost", "nowhere".to_owned()),
            ("loop", "link".to_owned()),
        ] {
            let temporary = Temporary::new(name);
            symlink(&target, temporary.skill().join("link")).expect("a link");
            let error = read(&temporary.skill()).expect_err(name);
            assert!(error.starts_with("`link`: "), "{name}: {error}");
        }
    }

    #[test]
    fn only_files_are_read() {
        let temporary = Temporary::new("socket");
        let path = temporary.skill().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(path).expect("a socket");
        let error = read(&temporary.skill()).expect_err("no file");
        assert!(error.contains("neither a file"), "{error}");
    }

    #[test]
    fn a_skill_has_limits() {
        let temporary = Temporary::new("many");
        let skill = temporary.skill();
        for n in 0..MAX_FILES - 2 {
            fs::write(skill.join(format!("f{n}")), "").expect("a file");
        }
        assert_eq!(read(&skill).expect("just enough").len(), MAX_FILES);
        fs::write(skill.join("one-more"), "").expect("a file");
        assert!(read(&skill).expect_err("too many").contains("512 files"));

        let temporary = Temporary::new("large");
        let large = fs::File::create(temporary.skill().join("large")).expect("a file");
        large.set_len(MAX_BYTES as u64).expect("a sparse file");
        assert!(
            read(&temporary.skill())
                .expect_err("too large")
                .contains("16 MiB")
        );

        let temporary = Temporary::new("deep");
        let deep = temporary.skill().join("d/".repeat(MAX_DEPTH + 1));
        fs::create_dir_all(deep).expect("directories");
        assert!(
            read(&temporary.skill())
                .expect_err("too deep")
                .contains("nests more")
        );
    }
}
