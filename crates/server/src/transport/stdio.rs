//! The connection that a host opens when it starts us as a child process.

mod detached;

use std::io;
use std::sync::Arc;

use super::line;
use crate::core::Core;

/// Serves standard input and output until the input ends.
///
/// Pipes and sockets, which is what hosts use, are read and written without a detour over
/// another thread; files and terminals are read on a thread of their own.
pub(crate) async fn serve(core: Arc<Core>) -> io::Result<()> {
    #[cfg(unix)]
    {
        use self::unix::{Input, Output};
        match (Input::open()?, Output::open()?) {
            (Some(Input::Pipe(input)), Some(Output::Pipe(output))) => {
                return line::serve(core, input, output).await;
            }
            (Some(Input::Socket(input)), Some(Output::Socket(output))) => {
                return line::serve(core, input, output).await;
            }
            _ => {}
        }
    }
    line::serve(
        core,
        detached::Detached::new(io::stdin())?,
        tokio::io::stdout(),
    )
    .await
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    use tokio::net::UnixStream;
    use tokio::net::unix::pipe;

    pub(super) enum Input {
        Pipe(pipe::Receiver),
        Socket(UnixStream),
    }

    pub(super) enum Output {
        Pipe(pipe::Sender),
        Socket(UnixStream),
    }

    enum Stream {
        Pipe(OwnedFd),
        Socket(OwnedFd),
        Other,
    }

    fn stream(fd: impl AsFd) -> io::Result<Stream> {
        let file = File::from(fd.as_fd().try_clone_to_owned()?);
        let kind = file.metadata()?.file_type();
        Ok(if kind.is_fifo() {
            Stream::Pipe(file.into())
        } else if kind.is_socket() {
            Stream::Socket(file.into())
        } else {
            Stream::Other
        })
    }

    fn socket(fd: OwnedFd) -> io::Result<UnixStream> {
        let socket = std::os::unix::net::UnixStream::from(fd);
        socket.set_nonblocking(true)?;
        UnixStream::from_std(socket)
    }

    /// Whether two streams are one open file: making one non-blocking would do it to the other.
    fn same(a: impl AsFd, b: impl AsFd) -> io::Result<bool> {
        let id = |fd: &dyn Fn() -> io::Result<OwnedFd>| -> io::Result<(u64, u64)> {
            let metadata = File::from(fd()?).metadata()?;
            Ok((metadata.dev(), metadata.ino()))
        };
        Ok(id(&|| a.as_fd().try_clone_to_owned())? == id(&|| b.as_fd().try_clone_to_owned())?)
    }

    impl Input {
        pub(super) fn open() -> io::Result<Option<Self>> {
            Ok(match stream(io::stdin())? {
                Stream::Pipe(fd) => Some(Self::Pipe(pipe::Receiver::from_owned_fd(fd)?)),
                Stream::Socket(fd) => Some(Self::Socket(socket(fd)?)),
                Stream::Other => None,
            })
        }
    }

    impl Output {
        pub(super) fn open() -> io::Result<Option<Self>> {
            if same(io::stdout(), io::stderr())? {
                return Ok(None);
            }
            Ok(match stream(io::stdout())? {
                Stream::Pipe(fd) => Some(Self::Pipe(pipe::Sender::from_owned_fd(fd)?)),
                Stream::Socket(fd) => Some(Self::Socket(socket(fd)?)),
                Stream::Other => None,
            })
        }
    }
}
