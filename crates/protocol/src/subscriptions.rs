//! Subscriptions: one stream of the notifications a client asks for
//! (spec 2026-07-28, basic/patterns/subscriptions; `subscriptions/listen`).

use serde::Deserialize;

/// Which notifications are wanted, and in the acknowledgement, which of them are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFilter {
    /// `notifications/tools/list_changed`.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub tools_list_changed: bool,
    /// `notifications/prompts/list_changed`.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub prompts_list_changed: bool,
    /// `notifications/resources/list_changed`.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub resources_list_changed: bool,
    /// `notifications/resources/updated`, for these URIs.
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub resource_subscriptions: Vec<String>,
    /// `notifications/tasks`, for these tasks (tasks extension).
    #[serde(default, deserialize_with = "crate::lenient::or_default")]
    pub task_ids: Vec<String>,
}
