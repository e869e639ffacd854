//! Tools and their results.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::value::RawValue;

use super::{
    Each, ProjectMembers, Put, Raw, ResultFrame, at, fast::write_text_result, nested_meta, schema,
    since,
};
use crate::{
    content::ContentBlock,
    meta::Meta,
    revision::Revision,
    tools::{CallToolResult, ListToolsResult, Tool, ToolAnnotations, ToolExecution},
};

impl ProjectMembers for Tool {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("name", &self.name)?;
        map.put_some(
            "title",
            since(Revision::V2025_06_18, revision, self.title.as_ref()),
        )?;
        map.put_some("description", self.description.as_ref())?;
        map.put("inputSchema", &schema::Input(&self.input_schema, revision))?;
        map.put_some(
            "outputSchema",
            self.output_schema
                .as_ref()
                .and_then(|output| schema::output(output, revision)),
        )?;
        self.put_annotations(map, revision)?;
        map.put_icons(&self.icons, revision)?;
        if revision == Revision::V2025_11_25 {
            map.put_at("execution", self.execution.as_ref(), revision)?;
        }
        Ok(())
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl Tool {
    fn put_annotations<M: SerializeMap>(
        &self,
        map: &mut M,
        revision: Revision,
    ) -> Result<(), M::Error> {
        if revision < Revision::V2025_03_26 {
            return Ok(());
        }
        let annotations = self.annotations.as_ref();
        // 2025-03-26 has annotations but no title beside the name, so the title goes in there.
        let untitled = annotations.is_none_or(|annotations| annotations.title.is_none());
        if revision == Revision::V2025_03_26 && untitled && self.title.is_some() {
            let titled = ToolAnnotations {
                title: self.title.clone(),
                ..annotations.cloned().unwrap_or_default()
            };
            return map.put("annotations", &at(&titled, revision));
        }
        let says_something = |it: &&ToolAnnotations| **it != ToolAnnotations::default();
        map.put_at("annotations", annotations.filter(says_something), revision)
    }
}

impl ProjectMembers for ToolAnnotations {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_some("title", self.title.as_ref())?;
        map.put_some("readOnlyHint", self.read_only_hint)?;
        map.put_some("destructiveHint", self.destructive_hint)?;
        map.put_some("idempotentHint", self.idempotent_hint)?;
        map.put_some("openWorldHint", self.open_world_hint)
    }
}

impl ProjectMembers for ToolExecution {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_some("taskSupport", self.task_support)
    }
}

impl ProjectMembers for ListToolsResult {
    const CACHEABLE: bool = true;

    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("tools", &Each(&self.tools, revision))?;
        map.put_some("nextCursor", self.next_cursor.as_ref())
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

impl ProjectMembers for CallToolResult {
    fn write_fast(&self, out: &mut Vec<u8>, frame: &ResultFrame<'_>) -> bool {
        write_text_result(out, self, frame)
    }

    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        put_outcome(
            map,
            &self.content,
            self.structured_content.as_deref(),
            self.is_error,
            revision,
        )
    }

    fn meta(&self, _: Revision) -> Option<&Meta> {
        self.meta.as_ref()
    }
}

/// What a tool answered: as the result of a call, and as content of a sampled message.
pub(super) fn put_outcome<M: SerializeMap>(
    map: &mut M,
    content: &[ContentBlock],
    structured: Option<&RawValue>,
    is_error: Option<bool>,
    revision: Revision,
) -> Result<(), M::Error> {
    let kept = structured.filter(|json| {
        revision >= Revision::V2026_07_28
            || (revision >= Revision::V2025_06_18 && json.get().trim_start().starts_with('{'))
    });
    match structured {
        Some(json) if kept.is_none() && content.is_empty() => {
            map.put("content", &JsonAsText(json))?;
        }
        _ => map.put("content", &Each(content, revision))?,
    }
    map.put_some("structuredContent", kept.map(Raw))?;
    map.put_some("isError", is_error)
}

/// Data as content: one text block with its JSON.
struct JsonAsText<'a>(&'a RawValue);

impl Serialize for JsonAsText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Text<'a> {
            r#type: &'static str,
            text: &'a str,
        }
        let mut seq = serializer.serialize_seq(Some(1))?;
        seq.serialize_element(&Text {
            r#type: "text",
            text: self.0.get(),
        })?;
        seq.end()
    }
}
