//! Content blocks, annotations, icons and names.

use std::fmt;

use serde::ser::SerializeMap;

use super::{Number, ProjectMembers, Put, at, nested_meta, since};
use crate::{
    content::{
        Annotations, AudioContent, ContentBlock, EmbeddedResource, Icon, ImageContent,
        Implementation, ResourceLink, TextContent,
    },
    meta::Meta,
    resources::ResourceContents,
    revision::Revision,
};

impl ProjectMembers for ContentBlock {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Text(content) => content.members(revision, map),
            Self::Image(content) => content.members(revision, map),
            Self::Audio(content) => content.members(revision, map),
            Self::ResourceLink(content) => content.members(revision, map),
            Self::Resource(content) => content.members(revision, map),
        }
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        match self {
            Self::Text(content) => content.meta(revision),
            Self::Image(content) => content.meta(revision),
            Self::Audio(content) => content.meta(revision),
            Self::ResourceLink(content) => content.meta(revision),
            Self::Resource(content) => content.meta(revision),
        }
    }
}

impl ProjectMembers for TextContent {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("type", "text")?;
        map.put("text", &self.text)?;
        put_annotations(map, self.annotations.as_ref(), revision)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for ImageContent {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("type", "image")?;
        map.put("data", &self.data)?;
        map.put("mimeType", &self.mime_type)?;
        put_annotations(map, self.annotations.as_ref(), revision)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for AudioContent {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision < Revision::V2025_03_26 {
            map.put("type", "text")?;
            map.put("text", &format_args!("{}", Note(self)))?;
        } else {
            map.put("type", "audio")?;
            map.put("data", &self.data)?;
            map.put("mimeType", &self.mime_type)?;
        }
        put_annotations(map, self.annotations.as_ref(), revision)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for ResourceLink {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        if revision < Revision::V2025_06_18 {
            map.put("type", "text")?;
            map.put("text", &format_args!("{}", Note(self)))?;
            put_annotations(map, self.resource.annotations.as_ref(), revision)
        } else {
            map.put("type", "resource_link")?;
            self.resource.members(revision, map)
        }
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        self.resource.meta(revision)
    }
}

impl ProjectMembers for EmbeddedResource {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("type", "resource")?;
        map.put("resource", &at(&self.resource, revision))?;
        put_annotations(map, self.annotations.as_ref(), revision)
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        nested_meta(&self.meta, revision)
    }
}

impl ProjectMembers for ResourceContents {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Text(contents) => {
                map.put("uri", &contents.uri)?;
                map.put_some("mimeType", contents.mime_type.as_ref())?;
                map.put("text", &contents.text)
            }
            Self::Blob(contents) => {
                map.put("uri", &contents.uri)?;
                map.put_some("mimeType", contents.mime_type.as_ref())?;
                map.put("blob", &contents.blob)
            }
        }
    }

    fn meta(&self, revision: Revision) -> Option<&Meta> {
        match self {
            Self::Text(contents) => nested_meta(&contents.meta, revision),
            Self::Blob(contents) => nested_meta(&contents.meta, revision),
        }
    }
}

impl ProjectMembers for Annotations {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put_some("audience", self.audience.as_ref())?;
        map.put_some("priority", Number::priority(self.priority))?;
        map.put_some("lastModified", last_modified(self, revision))
    }
}

fn last_modified(annotations: &Annotations, revision: Revision) -> Option<&String> {
    since(
        Revision::V2025_06_18,
        revision,
        annotations.last_modified.as_ref(),
    )
}

/// Annotations of which `revision` knows nothing are left out, rather than written as `{}`.
pub(super) fn put_annotations<M: SerializeMap>(
    map: &mut M,
    annotations: Option<&Annotations>,
    revision: Revision,
) -> Result<(), M::Error> {
    let says_something = |it: &&Annotations| {
        it.audience.is_some() || it.priority.is_some() || last_modified(it, revision).is_some()
    };
    map.put_at("annotations", annotations.filter(says_something), revision)
}

impl ProjectMembers for Icon {
    fn members<M: SerializeMap>(&self, _: Revision, map: &mut M) -> Result<(), M::Error> {
        map.put("src", &self.src)?;
        map.put_some("mimeType", self.mime_type.as_ref())?;
        map.put_some("sizes", self.sizes.as_ref())?;
        map.put_some("theme", self.theme)
    }
}

impl ProjectMembers for Implementation {
    fn members<M: SerializeMap>(&self, revision: Revision, map: &mut M) -> Result<(), M::Error> {
        let recent = |text| since(Revision::V2025_11_25, revision, text);
        map.put("name", &self.name)?;
        map.put_some(
            "title",
            since(Revision::V2025_06_18, revision, self.title.as_ref()),
        )?;
        map.put("version", &self.version)?;
        map.put_some("description", recent(self.description.as_ref()))?;
        map.put_some("websiteUrl", recent(self.website_url.as_ref()))?;
        map.put_icons(&self.icons, revision)
    }
}

/// Content in words, for a revision that has no such kind of content.
pub(super) struct Note<'a, T>(pub(super) &'a T);

impl fmt::Display for Note<'_, AudioContent> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four characters of base64 are three bytes.
        let bytes = self.0.data.trim_end_matches('=').len() * 3 / 4;
        write!(f, "[audio: {}, {bytes} bytes]", self.0.mime_type)
    }
}

impl fmt::Display for Note<'_, ResourceLink> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = &self.0.resource;
        let name = resource.title.as_ref().unwrap_or(&resource.name);
        if name.is_empty() || *name == resource.uri {
            f.write_str(&resource.uri)
        } else {
            write!(f, "{name}: {}", resource.uri)
        }
    }
}

impl fmt::Display for Note<'_, ContentBlock> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ContentBlock::Text(content) => f.write_str(&content.text),
            ContentBlock::Image(content) => write!(f, "[image: {}]", content.mime_type),
            ContentBlock::Audio(content) => Note(content).fmt(f),
            ContentBlock::ResourceLink(link) => Note(link).fmt(f),
            ContentBlock::Resource(embedded) => match &embedded.resource {
                ResourceContents::Text(contents) => f.write_str(&contents.text),
                ResourceContents::Blob(contents) => write!(f, "[resource: {}]", contents.uri),
            },
        }
    }
}
