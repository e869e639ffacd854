//! What the module promises, over a socket.
