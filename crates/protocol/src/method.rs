//! The table of methods: name, who sends it, and the revisions that know it.

use crate::revision::Revision;

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The client, to the server.
    Client,
    /// The server, to the client.
    Server,
    /// Either side.
    Both,
}

/// Whether a message asks for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does.
    Request,
    /// It does not.
    Notification,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident $name:literal $kind:ident $sender:ident $since:ident $(..= $until:ident)?;)*) => {
        /// A method of the specification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $($(#[$doc])* $variant,)*
        }

        impl Method {
            /// Every method, in the order of the table.
            pub const ALL: &'static [Method] = &[$(Method::$variant),*];

            /// The method of this name, in any revision. Names are compared exactly.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Request or notification.
            pub fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)*
                }
            }

            /// Who sends it.
            pub fn sender(self) -> Sender {
                match self {
                    $(Self::$variant => Sender::$sender,)*
                }
            }

            /// Whether a revision knows the method.
            pub fn is_in(self, revision: Revision) -> bool {
                match self {
                    $(Self::$variant => {
                        let until = [$(Revision::$until,)? Revision::LATEST][0];
                        (Revision::$since..=until).contains(&revision)
                    })*
                }
            }
        }
    };
}

methods! {
    /// Opens a session; legacy.
    Initialize "initialize" Request Client V2024_11_05 ..= V2025_11_25;
    /// Says that the client is ready; legacy.
    Initialized "notifications/initialized" Notification Client V2024_11_05 ..= V2025_11_25;
    /// Asks for a sign of life; legacy.
    Ping "ping" Request Both V2024_11_05 ..= V2025_11_25;
    /// Asks what the server is; modern.
    Discover "server/discover" Request Client V2026_07_28;
    /// Opens a stream of notices; modern.
    SubscriptionsListen "subscriptions/listen" Request Client V2026_07_28;
    /// Says what a stream of notices will carry; modern.
    SubscriptionsAcknowledged "notifications/subscriptions/acknowledged" Notification Server V2026_07_28;
    /// Lists tools.
    ToolsList "tools/list" Request Client V2024_11_05;
    /// Calls a tool.
    ToolsCall "tools/call" Request Client V2024_11_05;
    /// The list of tools changed.
    ToolsListChanged "notifications/tools/list_changed" Notification Server V2024_11_05;
    /// Lists resources.
    ResourcesList "resources/list" Request Client V2024_11_05;
    /// Lists resource templates.
    ResourcesTemplatesList "resources/templates/list" Request Client V2024_11_05;
    /// Reads a resource.
    ResourcesRead "resources/read" Request Client V2024_11_05;
    /// Asks to be told of updates of a resource; legacy.
    ResourcesSubscribe "resources/subscribe" Request Client V2024_11_05 ..= V2025_11_25;
    /// Ends that; legacy.
    ResourcesUnsubscribe "resources/unsubscribe" Request Client V2024_11_05 ..= V2025_11_25;
    /// The list of resources changed.
    ResourcesListChanged "notifications/resources/list_changed" Notification Server V2024_11_05;
    /// A resource changed.
    ResourcesUpdated "notifications/resources/updated" Notification Server V2024_11_05;
    /// Lists prompts.
    PromptsList "prompts/list" Request Client V2024_11_05;
    /// Fills in a prompt.
    PromptsGet "prompts/get" Request Client V2024_11_05;
    /// The list of prompts changed.
    PromptsListChanged "notifications/prompts/list_changed" Notification Server V2024_11_05;
    /// Completes an argument.
    Complete "completion/complete" Request Client V2024_11_05;
    /// Sets the level of a session's log; legacy.
    SetLevel "logging/setLevel" Request Client V2024_11_05 ..= V2025_11_25;
    /// A line of the log.
    LogMessage "notifications/message" Notification Server V2024_11_05;
    /// How far a request has come.
    Progress "notifications/progress" Notification Both V2024_11_05;
    /// A request is no longer wanted.
    Cancelled "notifications/cancelled" Notification Both V2024_11_05;
    /// Asks the client for a completion of its model.
    CreateMessage "sampling/createMessage" Request Server V2024_11_05;
    /// Asks the client for its roots.
    RootsList "roots/list" Request Server V2024_11_05;
    /// The client's roots changed; legacy.
    RootsListChanged "notifications/roots/list_changed" Notification Client V2024_11_05 ..= V2025_11_25;
    /// Asks the user.
    Elicit "elicitation/create" Request Server V2025_06_18;
    /// A URL that the user was sent to is done with; 2025-11-25 only.
    ElicitationComplete "notifications/elicitation/complete" Notification Server V2025_11_25 ..= V2025_11_25;
    /// Asks where a task stands; since 2026-07-28 a part of the tasks extension.
    TasksGet "tasks/get" Request Both V2025_11_25;
    /// Waits for the result of a task; 2025-11-25 only.
    TasksResult "tasks/result" Request Both V2025_11_25 ..= V2025_11_25;
    /// Lists tasks; 2025-11-25 only.
    TasksList "tasks/list" Request Both V2025_11_25 ..= V2025_11_25;
    /// Answers what a task waits for; tasks extension.
    TasksUpdate "tasks/update" Request Client V2026_07_28;
    /// Says that a task is no longer wanted; since 2026-07-28 a part of the tasks extension.
    TasksCancel "tasks/cancel" Request Both V2025_11_25;
    /// A task's status changed; 2025-11-25 only.
    TasksStatus "notifications/tasks/status" Notification Both V2025_11_25 ..= V2025_11_25;
    /// A task's status changed; tasks extension.
    TasksChanged "notifications/tasks" Notification Server V2026_07_28;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variants_agree() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.as_str()), Some(*method));
            let is_notification = method.as_str().starts_with("notifications/");
            assert_eq!(
                is_notification,
                method.kind() == Kind::Notification,
                "{method:?}"
            );
        }
        assert_eq!(Method::parse("Tools/list"), None);
    }

    #[test]
    fn revisions_know_their_methods() {
        let known = |name, revision| Method::parse(name).is_some_and(|m| m.is_in(revision));
        assert!(known("initialize", Revision::V2025_11_25));
        assert!(!known("initialize", Revision::V2026_07_28));
        assert!(!known("server/discover", Revision::V2025_11_25));
        assert!(!known("elicitation/create", Revision::V2025_03_26));
        assert!(!known("ping", Revision::V2026_07_28));
    }
}
