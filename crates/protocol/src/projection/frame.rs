//! What a result carries besides its own members, and writing it into a buffer.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use super::{ProjectMembers, Put, Raw};
use crate::{
    meta::{self, EmptyResult, Meta},
    revision::Revision,
};

/// What every result carries besides its own members. Revisions up to 2025-11-25 carry nothing.
#[derive(Debug, Clone, Copy)]
pub struct ResultFrame<'a> {
    /// The revision the result is written for.
    pub revision: Revision,
    /// The server's `Implementation`, serialised; put into `_meta`. `None` where it is configured
    /// not to be sent.
    pub server_info: Option<&'a RawValue>,
    /// How long the result may be cached. A result that must say it says "not at all" where this
    /// is `None`; one that has no room for it never says it.
    pub cache: Option<CacheHint>,
    /// What kind of result it is.
    pub result_type: ResultType,
}

impl<'a> ResultFrame<'a> {
    /// A complete result that says nothing about the server and about caching.
    #[must_use]
    pub const fn new(revision: Revision) -> Self {
        Self {
            revision,
            server_info: None,
            cache: None,
            result_type: ResultType::Complete,
        }
    }

    /// The same, naming the server.
    #[must_use]
    pub const fn server_info(mut self, server_info: Option<&'a RawValue>) -> Self {
        self.server_info = server_info;
        self
    }

    /// The same, with a hint about caching.
    #[must_use]
    pub const fn cache(mut self, cache: Option<CacheHint>) -> Self {
        self.cache = cache;
        self
    }

    /// The same, of another kind.
    #[must_use]
    pub const fn result_type(mut self, result_type: ResultType) -> Self {
        self.result_type = result_type;
        self
    }
}

/// What kind of result it is (spec 2026-07-28, basic/index, "Result type").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ResultType {
    /// The request is done.
    #[default]
    Complete,
    /// The client is asked for more before it is.
    InputRequired,
    /// It goes on as a task (extension `io.modelcontextprotocol/tasks`).
    Task,
}

impl ResultType {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::InputRequired => "input_required",
            Self::Task => "task",
        }
    }
}

/// How long and for whom a result may be cached (spec 2026-07-28, server/utilities/caching).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheHint {
    /// For how many milliseconds; 0 means not at all.
    pub ttl_ms: u64,
    /// For whom.
    pub scope: CacheScope,
}

impl CacheHint {
    /// Not to be cached.
    pub const NONE: Self = Self {
        ttl_ms: 0,
        scope: CacheScope::Private,
    };
}

/// For whom a result may be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// For everyone.
    Public,
    /// For the one who asked.
    Private,
}

/// Appends `value` as one JSON object to `out`: for a modern revision `resultType`, the value's
/// own members, `ttlMs` and `cacheScope` where the type has them, and `_meta` with the server's
/// name; for a legacy one the value's own members only. Nothing is allocated besides `out`.
///
/// # Errors
/// Where the value cannot be said in the revision. `out` is then as it was before.
pub fn write_result<T: ProjectMembers + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
    frame: &ResultFrame<'_>,
) -> Result<(), serde_json::Error> {
    if value.write_fast(out, frame) {
        return Ok(());
    }
    write_framed(out, value, frame)
}

/// The general way to write a result.
pub(super) fn write_framed<T: ProjectMembers + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
    frame: &ResultFrame<'_>,
) -> Result<(), serde_json::Error> {
    let start = out.len();
    serde_json::to_writer(&mut *out, &Framed { value, frame }).inspect_err(|_| out.truncate(start))
}

struct Framed<'a, T: ?Sized> {
    value: &'a T,
    frame: &'a ResultFrame<'a>,
}

impl<T: ProjectMembers + ?Sized> Serialize for Framed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, frame } = *self;
        let mut map = serializer.serialize_map(None)?;
        let own = value.meta(frame.revision);
        if frame.revision.is_modern() {
            map.put("resultType", frame.result_type.as_str())?;
            value.members(frame.revision, &mut map)?;
            if T::CACHEABLE && frame.result_type == ResultType::Complete {
                let hint = frame.cache.unwrap_or(CacheHint::NONE);
                map.put("ttlMs", &hint.ttl_ms)?;
                map.put("cacheScope", &hint.scope)?;
            }
            match frame.server_info {
                Some(server_info) => map.put("_meta", &NamedMeta { own, server_info })?,
                None => map.put_some("_meta", own)?,
            }
        } else {
            value.members(frame.revision, &mut map)?;
            map.put_some("_meta", own)?;
        }
        map.end()
    }
}

/// A result's own `_meta`, with the server's name in it.
struct NamedMeta<'a> {
    own: Option<&'a Meta>,
    server_info: &'a RawValue,
}

impl Serialize for NamedMeta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.own.into_iter().flatten() {
            if key != meta::SERVER_INFO {
                map.serialize_entry(key, value)?;
            }
        }
        map.put(meta::SERVER_INFO, &Raw(self.server_info))?;
        map.end()
    }
}

impl ProjectMembers for EmptyResult {
    fn members<M: SerializeMap>(&self, _: Revision, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}
