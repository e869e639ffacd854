//! Input a server requires before it can complete a request.

use indexmap::IndexMap;
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap},
};

use super::{ProjectMembers, Put, at};
use crate::{
    input::{InputRequest, InputRequiredResult, InputResponse},
    meta::Meta,
    revision::Revision,
};

impl ProjectMembers for InputRequest {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("method", self.method())?;
        match self {
            Self::Elicit(params) => map.put("params", &at(params, revision)),
            Self::Sample(params) => map.put("params", &at(&**params, revision)),
            Self::Roots => Ok(()),
        }
    }
}

impl ProjectMembers for InputResponse {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Elicit(result) => result.members(revision, map),
            Self::Sample(result) => result.members(revision, map),
            Self::Roots(result) => result.members(revision, map),
        }
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        match self {
            Self::Elicit(result) => result.meta(revision),
            Self::Sample(result) => result.meta(revision),
            Self::Roots(result) => result.meta(revision),
        }
    }
}

impl ProjectMembers for InputRequiredResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if !revision.is_modern() {
            return Err(M::Error::custom(format_args!(
                "input cannot be required by a result in {revision}"
            )));
        }
        if !self.input_requests.is_empty() {
            map.put("inputRequests", &Requests(&self.input_requests, revision))?;
        }
        map.put_some("requestState", self.request_state.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

/// Requests by name.
pub(super) struct Requests<'a>(
    pub(super) &'a IndexMap<String, InputRequest>,
    pub(super) Revision,
);

impl Serialize for Requests<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(requests, revision) = *self;
        serializer.collect_map(requests.iter().map(|(name, it)| (name, at(it, revision))))
    }
}
