//! The capture names that every `tags.scm` and `injections.scm` may use, and what they mean.
//!
//! One vocabulary for all languages is what lets the index stay free of per-language code: it never asks which
//! language a fact came from.
//!
//! | capture | on | means |
//! | --- | --- | --- |
//! | `@definition.KIND` | the whole item | something is defined here; the pattern also has `@name` |
//! | `@container` | the whole item | names what lies in it without defining it (Rust's `impl`); has `@name` |
//! | `@reference.call`, `.type`, `.implementation` | the use | the pattern also has `@name` |
//! | `@import` | the module path or imported name | this file uses what the text names |
//! | `@test` | the whole item | the item is a test; it has a definition of the same range, or `@name` gives a title |
//! | `@name` | the identifier | the name belonging to the capture above |
//! | `@injection.content`, `@injection.language` | the embedded text; the word naming its language | see `injections.scm` |
//!
//! Captures whose name starts with `_` serve predicates only and mean nothing.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in capture names, in answers and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The inverse of [`Self::as_str`].
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

kinds! {
    /// What a definition defines: the `KIND` of `@definition.KIND`.
    SymbolKind {
        /// A free function, procedure or shell function.
        Function = "function",
        /// A function that belongs to a type.
        Method = "method",
        /// A function that makes a value of its type.
        Constructor = "constructor",
        /// A class, object or record with behaviour.
        Class = "class",
        /// A struct, union or record.
        Struct = "struct",
        /// An enumeration.
        Enum = "enum",
        /// One case of an enumeration.
        Variant = "variant",
        /// An interface, protocol or type class.
        Interface = "interface",
        /// A trait or mixin.
        Trait = "trait",
        /// A type alias or another named type.
        Type = "type",
        /// A module, package or namespace.
        Module = "module",
        /// A named value that does not change.
        Constant = "constant",
        /// A named value at file or type level.
        Variable = "variable",
        /// A member of a struct, class or message.
        Field = "field",
        /// A macro.
        Macro = "macro",
        /// A heading of a document.
        Section = "section",
        /// A key of a configuration file.
        Key = "key",
        /// A table, view or other object of a database.
        Table = "table",
        /// An element, selector, target or block that can be referred to by name.
        Element = "element",
    }
}

kinds! {
    /// How a name is used: the last word of `@reference.…`.
    ReferenceKind {
        /// Called, or sent as a message.
        Call = "call",
        /// Used as a type.
        Type = "type",
        /// Implemented, extended or included.
        Implementation = "implementation",
    }
}

/// A capture name, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capture {
    /// `@definition.KIND`
    Definition(SymbolKind),
    /// `@container`
    Container,
    /// `@reference.KIND`
    Reference(ReferenceKind),
    /// `@import`
    Import,
    /// `@test`
    Test,
    /// `@name`
    Name,
    /// `@injection.content`
    InjectionContent,
    /// `@injection.language`
    InjectionLanguage,
    /// `@_…`: serves a predicate
    Silent,
}

impl Capture {
    /// Understands a capture name without its `@`; `None` means the name is not part of the vocabulary.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "container" => Self::Container,
            "import" => Self::Import,
            "test" => Self::Test,
            "name" => Self::Name,
            "injection.content" => Self::InjectionContent,
            "injection.language" => Self::InjectionLanguage,
            _ if name.starts_with('_') => Self::Silent,
            _ => match name.split_once('.')? {
                ("definition", kind) => Self::Definition(SymbolKind::parse(kind)?),
                ("reference", kind) => Self::Reference(ReferenceKind::parse(kind)?),
                _ => return None,
            },
        })
    }
}
