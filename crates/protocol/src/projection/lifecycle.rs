//! Capabilities, and how a connection begins.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::{Empty, ProjectMembers, Put, at, since};
use crate::{
    capabilities::{
        ClientCapabilities, ElicitationCapability, PromptsCapability, ResourcesCapability,
        RootsCapability, SamplingCapability, ServerCapabilities, ToolsCapability,
    },
    lifecycle::{DiscoverResult, InitializeParams, InitializeResult},
    meta::Meta,
    revision::Revision,
};

impl ProjectMembers for InitializeParams {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("protocolVersion", &self.protocol_version)?;
        map.put("capabilities", &at(&self.capabilities, revision))?;
        map.put("clientInfo", &at(&self.client_info, revision))
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for InitializeResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("protocolVersion", &self.protocol_version)?;
        map.put("capabilities", &at(&self.capabilities, revision))?;
        map.put("serverInfo", &at(&self.server_info, revision))?;
        map.put_some("instructions", self.instructions.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for DiscoverResult {
    const CACHEABLE: bool = true;

    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("supportedVersions", &self.supported_versions)?;
        map.put("capabilities", &at(&self.capabilities, revision))?;
        map.put_some("instructions", self.instructions.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for ClientCapabilities {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_at("roots", self.roots.as_ref(), revision)?;
        map.put_at("sampling", self.sampling.as_ref(), revision)?;
        // Before 2025-11-25 elicitation is forms: who has only pages has none.
        let elicitation = self
            .elicitation
            .as_ref()
            .filter(|it| it.form || !it.url || revision >= Revision::V2025_11_25);
        map.put_at(
            "elicitation",
            since(Revision::V2025_06_18, revision, elicitation),
            revision,
        )?;
        put_open(
            map,
            self.tasks.as_ref(),
            &self.experimental,
            &self.extensions,
            revision,
        )
    }
}

impl ProjectMembers for RootsCapability {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_true("listChanged", self.list_changed && !revision.is_modern())
    }
}

impl ProjectMembers for SamplingCapability {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision < Revision::V2025_11_25 {
            return Ok(());
        }
        map.put_some("context", self.context.then_some(Empty))?;
        map.put_some("tools", self.tools.then_some(Empty))
    }
}

impl ProjectMembers for ElicitationCapability {
    /// Forms alone are written as `{}`, which every revision and every older server understands.
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if !self.url || revision < Revision::V2025_11_25 {
            return Ok(());
        }
        map.put_some("form", self.form.then_some(Empty))?;
        map.put("url", &Empty)
    }
}

impl ProjectMembers for ServerCapabilities {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_at("tools", self.tools.as_ref(), revision)?;
        map.put_at("resources", self.resources.as_ref(), revision)?;
        map.put_at("prompts", self.prompts.as_ref(), revision)?;
        map.put_some("logging", self.logging.then_some(Empty))?;
        map.put_some(
            "completions",
            since(
                Revision::V2025_03_26,
                revision,
                self.completions.then_some(Empty),
            ),
        )?;
        put_open(
            map,
            self.tasks.as_ref(),
            &self.experimental,
            &self.extensions,
            revision,
        )
    }
}

impl ProjectMembers for ToolsCapability {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_true("listChanged", self.list_changed)
    }
}

impl ProjectMembers for ResourcesCapability {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_true("subscribe", self.subscribe)?;
        map.put_true("listChanged", self.list_changed)
    }
}

impl ProjectMembers for PromptsCapability {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_true("listChanged", self.list_changed)
    }
}

/// The capabilities whose contents are not ours.
fn put_open<M: SerializeMap>(
    map: &mut M,
    tasks: Option<&Value>,
    experimental: &Map<String, Value>,
    extensions: &Map<String, Value>,
    revision: Revision,
) -> Result<(), M::Error> {
    if revision == Revision::V2025_11_25 {
        map.put_some("tasks", tasks.filter(|it| it.is_object()))?;
    }
    map.put_some("experimental", Objects::of(experimental))?;
    // The one member that older schemas do not name: SEP-2133 adds it to their `initialize`, as
    // capabilities are no closed set, and extensions are in use there.
    map.put_some("extensions", Objects::of(extensions))
}

/// The members of a map that are objects.
struct Objects<'a>(&'a Map<String, Value>);

impl<'a> Objects<'a> {
    fn of(map: &'a Map<String, Value>) -> Option<Self> {
        map.values().any(Value::is_object).then_some(Self(map))
    }
}

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(_, value)| value.is_object()))
    }
}
