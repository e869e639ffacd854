//! Resources, prompts and completion.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Each, ProjectMembers, Put, at, content::put_annotations, nested_meta, since};
use crate::{
    completion::{
        CompleteParams, CompleteResult, Completion, CompletionReference, MAX_COMPLETION_VALUES,
    },
    meta::Meta,
    prompts::{GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage},
    resources::{
        ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
        ResourceTemplate,
    },
    revision::Revision,
};

fn title(title: &Option<String>, revision: Revision) -> Option<&String> {
    since(Revision::V2025_06_18, revision, title.as_ref())
}

impl ProjectMembers for Resource {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("uri", &self.uri)?;
        map.put("name", &self.name)?;
        map.put_some("title", title(&self.title, revision))?;
        map.put_some("description", self.description.as_ref())?;
        map.put_some("mimeType", self.mime_type.as_ref())?;
        put_annotations(map, self.annotations.as_ref(), revision)?;
        map.put_some("size", self.size)?;
        map.put_icons(&self.icons, revision)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for ResourceTemplate {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("uriTemplate", &self.uri_template)?;
        map.put("name", &self.name)?;
        map.put_some("title", title(&self.title, revision))?;
        map.put_some("description", self.description.as_ref())?;
        map.put_some("mimeType", self.mime_type.as_ref())?;
        put_annotations(map, self.annotations.as_ref(), revision)?;
        map.put_icons(&self.icons, revision)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for ListResourcesResult {
    const CACHEABLE: bool = true;

    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("resources", &Each(&self.resources, revision))?;
        map.put_some("nextCursor", self.next_cursor.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for ListResourceTemplatesResult {
    const CACHEABLE: bool = true;

    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put(
            "resourceTemplates",
            &Each(&self.resource_templates, revision),
        )?;
        map.put_some("nextCursor", self.next_cursor.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for ReadResourceResult {
    const CACHEABLE: bool = true;

    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("contents", &Each(&self.contents, revision))
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for Prompt {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("name", &self.name)?;
        map.put_some("title", title(&self.title, revision))?;
        map.put_some("description", self.description.as_ref())?;
        if !self.arguments.is_empty() {
            map.put("arguments", &Each(&self.arguments, revision))?;
        }
        map.put_icons(&self.icons, revision)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for PromptArgument {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("name", &self.name)?;
        map.put_some("title", title(&self.title, revision))?;
        map.put_some("description", self.description.as_ref())?;
        map.put_some("required", self.required)
    }
}

impl ProjectMembers for PromptMessage {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("role", &self.role)?;
        map.put("content", &at(&self.content, revision))
    }
}

impl ProjectMembers for ListPromptsResult {
    const CACHEABLE: bool = true;

    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("prompts", &Each(&self.prompts, revision))?;
        map.put_some("nextCursor", self.next_cursor.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for GetPromptResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_some("description", self.description.as_ref())?;
        map.put("messages", &Each(&self.messages, revision))
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for CompletionReference {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Prompt { name, title: label } => {
                map.put("type", "ref/prompt")?;
                map.put("name", name)?;
                map.put_some("title", title(label, revision))
            }
            Self::Resource { uri } => {
                map.put("type", "ref/resource")?;
                map.put("uri", uri)
            }
        }
    }
}

impl ProjectMembers for CompleteParams {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        #[derive(Serialize)]
        struct Argument<'a> {
            name: &'a str,
            value: &'a str,
        }
        #[derive(Serialize)]
        struct Context<A> {
            arguments: A,
        }
        map.put("ref", &at(&self.reference, revision))?;
        map.put(
            "argument",
            &Argument {
                name: &self.argument.name,
                value: &self.argument.value,
            },
        )?;
        let context = since(Revision::V2025_06_18, revision, self.context.as_ref());
        map.put_some(
            "context",
            context.map(|context| Context {
                arguments: &context.arguments,
            }),
        )
    }
}

impl ProjectMembers for CompleteResult {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("completion", &at(&self.completion, revision))
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for Completion {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        let many = self.values.len() > MAX_COMPLETION_VALUES;
        let first = self.values.iter().take(MAX_COMPLETION_VALUES);
        map.put("values", &Strings(first))?;
        map.put_some("total", self.total)?;
        map.put_some("hasMore", if many { Some(true) } else { self.has_more })
    }
}

struct Strings<I>(I);

impl<'a, I: Iterator<Item = &'a String> + Clone> Serialize for Strings<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}
