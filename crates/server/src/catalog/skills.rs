//! Skills in the catalog: added and removed as a whole, with the resources of their files.

use std::sync::Arc;

use super::edit::CatalogEdit;
use crate::skills::{LoadedSkill, Skills};

/// The skills of a catalog while it is edited.
#[derive(Default)]
pub(super) struct SkillsEdit {
    before: Option<Arc<Skills>>,
    /// What there will be, once something was changed.
    draft: Option<Vec<LoadedSkill>>,
}

impl SkillsEdit {
    pub(super) fn of(before: Option<Arc<Skills>>) -> Self {
        Self {
            before,
            draft: None,
        }
    }

    fn draft(&mut self) -> &mut Vec<LoadedSkill> {
        let before = &self.before;
        self.draft.get_or_insert_with(|| {
            let before = before.as_ref().map(|before| before.skills().to_vec());
            before.unwrap_or_default()
        })
    }
}

impl CatalogEdit {
    /// Adds a skill at the end, or replaces the one of the same URI in its place. Its files become
    /// resources, in place of those that have their URIs.
    pub fn add_skill(&mut self, skill: LoadedSkill) {
        let replaces = self.replaces;
        let (draft, uri) = (self.skills.draft(), skill.uri());
        match draft.iter_mut().find(|known| known.uri() == uri) {
            Some(known) if replaces => *known = skill,
            // One that is given twice is refused when all are put together.
            _ => draft.push(skill),
        }
    }

    /// Removes the skill with this URI of its `SKILL.md`; whether there was one.
    pub fn remove_skill(&mut self, uri: &str) -> bool {
        let draft = self.skills.draft();
        let before = draft.len();
        draft.retain(|known| known.uri() != uri);
        draft.len() < before
    }

    /// The skills, as they are at this point of the edit.
    pub fn skills(&self) -> &[LoadedSkill] {
        let before = || self.skills.before.as_ref().map(|before| before.skills());
        let draft = self.skills.draft.as_deref();
        draft.or_else(before).unwrap_or_default()
    }

    /// Declares the extension for skills even while there are none, for those that come later.
    pub fn offer_skills(&mut self) {
        self.skills.draft();
    }

    /// Puts the skills together, and their files among the resources.
    pub(super) fn settle_skills(&mut self) -> Option<Arc<Skills>> {
        let edit = std::mem::take(&mut self.skills);
        let Some(draft) = edit.draft else {
            return edit.before;
        };
        let (after, resources) = self.keep(Skills::of(draft))?;
        let before = edit.before.unwrap_or_default();
        for uri in before.uris().filter(|uri| !after.has_file(uri)) {
            self.remove_resource(uri);
        }
        let replaces = self.replaces;
        for resource in resources {
            self.replaces = replaces || before.has_file(resource.uri());
            self.add_resource(resource);
        }
        self.replaces = replaces;
        Some(Arc::new(after))
    }
}
