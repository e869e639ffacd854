//! What stands around or in front of the catalog of a server.

use crate::low_level::Handlers;
use crate::middleware::{Layers, Next, PromptCall, ReadCall, RequestCall, ToolCall};

/// Layers and handlers as they are added.
#[derive(Default)]
pub(crate) struct Added {
    pub(crate) tools: Layers<ToolCall>,
    pub(crate) reads: Layers<ReadCall>,
    pub(crate) prompts: Layers<PromptCall>,
    pub(crate) requests: Layers<RequestCall>,
    pub(crate) handlers: Handlers,
}

/// Layers and handlers of a running server.
pub(crate) struct Hooks {
    pub(crate) tools: Option<Next<ToolCall>>,
    pub(crate) reads: Option<Next<ReadCall>>,
    pub(crate) prompts: Option<Next<PromptCall>>,
    pub(crate) requests: Option<Next<RequestCall>>,
    pub(crate) handlers: Handlers,
}

impl From<Box<Added>> for Box<Hooks> {
    fn from(added: Box<Added>) -> Self {
        let Added {
            tools,
            reads,
            prompts,
            requests,
            handlers,
        } = *added;
        Self::new(Hooks {
            tools: tools.build(),
            reads: reads.build(),
            prompts: prompts.build(),
            requests: requests.build(),
            handlers,
        })
    }
}
