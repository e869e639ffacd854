//! What notifications carry, and roots.

use serde::ser::SerializeMap;

use super::{Each, Number, ProjectMembers, Put, nested_meta, since};
use crate::{
    logging::LoggingMessage,
    meta::Meta,
    progress::Progress,
    revision::Revision,
    roots::{ListRootsResult, Root},
    subscriptions::SubscriptionFilter,
};

impl ProjectMembers for LoggingMessage {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("level", &self.level)?;
        map.put_some("logger", self.logger.as_ref())?;
        map.put("data", &self.data)
    }
}

impl ProjectMembers for Progress {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("progressToken", &self.progress_token)?;
        // The member is required, and JSON has no word for what is not finite.
        map.put(
            "progress",
            &Number::finite(Some(self.progress)).unwrap_or(Number(0.0)),
        )?;
        map.put_some("total", Number::finite(self.total))?;
        map.put_some(
            "message",
            since(Revision::V2025_03_26, revision, self.message.as_ref()),
        )
    }
}

impl ProjectMembers for SubscriptionFilter {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_true("toolsListChanged", self.tools_list_changed)?;
        map.put_true("promptsListChanged", self.prompts_list_changed)?;
        map.put_true("resourcesListChanged", self.resources_list_changed)?;
        map.put_list("resourceSubscriptions", &self.resource_subscriptions)?;
        map.put_list("taskIds", &self.task_ids)
    }
}

impl ProjectMembers for Root {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("uri", &self.uri)?;
        map.put_some("name", self.name.as_ref())
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for ListRootsResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("roots", &Each(&self.roots, revision))
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        self.meta.as_ref().filter(|_| !revision.is_modern())
    }
}
