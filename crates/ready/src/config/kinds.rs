//! The kinds of packs: one table, from which reading, schema and opening come.

use schemars::{Schema, SchemaGenerator};

use super::node::Node;
use super::read::Reading;
use crate::packs;
use crate::{Pack, Result, Surroundings};

/// Makes the table. After the name: the keys that `WHAT` of an argument `KIND:WHAT` fills, with a
/// `/` between two of them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident => $variant:ident, [$($what:literal),*];)*) => {
        /// A kind of pack.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $($variant,)*
        }

        /// The options of a pack.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum Options {
            $($variant(packs::$name::Options),)*
        }

        impl Kind {
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// The keys that `WHAT` of an argument fills.
            pub(super) fn what(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($what),*],)*
                }
            }

            /// Reads the options of a pack of this kind.
            pub(super) fn read(self, node: &Node, reading: &mut Reading<'_>) -> Option<Options> {
                match self {
                    $(Self::$variant => reading
                        .read::<packs::$name::Options>(node)
                        .map(Options::$variant),)*
                }
            }

            /// The schema of the options.
            pub(super) fn schema(self, generator: &mut SchemaGenerator) -> Schema {
                match self {
                    $(Self::$variant => generator.root_schema_for::<packs::$name::Options>(),)*
                }
            }
        }

        impl Options {
            pub(super) fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$variant,)*
                }
            }

            /// Opens the pack.
            pub(super) async fn open(&self, at: &Surroundings) -> Result<Pack> {
                match self {
                    $(Self::$variant(options) => packs::$name::open(options, at).await,)*
                }
            }
        }
    };
}

kinds! {
    files => Files, ["path"];
    llm => Llm, ["provider", "model"];
    notes => Notes, ["path"];
    prompts => Prompts, ["path"];
    skills => Skills, ["path"];
    starter => Starter, [];
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
