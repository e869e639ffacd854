//! Steps that are done once, also over a restart.
