//! Tasks, in their two forms.

use serde::ser::{Error as _, SerializeMap};

use super::{Each, ProjectMembers, Put, Raw, at, input::Requests};
use crate::{
    meta::Meta,
    revision::Revision,
    tasks::{CreateTaskResult, ListTasksResult, Task, TaskDetail, TaskState},
};

impl ProjectMembers for Task {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision < Revision::V2025_11_25 {
            return Err(M::Error::custom(format_args!("{revision} has no tasks")));
        }
        let (ttl, poll) = if revision.is_modern() {
            ("ttlMs", "pollIntervalMs")
        } else {
            ("ttl", "pollInterval")
        };
        map.put("taskId", &self.task_id)?;
        map.put("status", &self.status)?;
        map.put_some("statusMessage", self.status_message.as_ref())?;
        map.put("createdAt", &self.created_at)?;
        map.put("lastUpdatedAt", &self.last_updated_at)?;
        map.put(ttl, &self.ttl_ms)?;
        map.put_some(poll, self.poll_interval_ms)
    }
}

impl ProjectMembers for CreateTaskResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision.is_modern() {
            self.task.members(revision, map)
        } else {
            map.put("task", &at(&self.task, revision))
        }
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for TaskState {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        self.task.members(revision, map)?;
        match &self.detail {
            _ if !revision.is_modern() => Ok(()),
            TaskDetail::None => Ok(()),
            TaskDetail::Input(requests) => map.put("inputRequests", &Requests(requests, revision)),
            TaskDetail::Result(result) => map.put("result", &Raw(result)),
            TaskDetail::Error(error) => map.put("error", error),
        }
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for ListTasksResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("tasks", &Each(&self.tasks, revision))?;
        map.put_some("nextCursor", self.next_cursor.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}
