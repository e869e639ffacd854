//! The server guide: transports, errors, tools, lists, security, logs. Over sockets and pipes, by
//! hand, against the binary wherever it can show the row.

mod lists;
mod messages;
mod others;
mod security;
mod transport;
mod wire;
mod written;
