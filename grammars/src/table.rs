//! The table of languages: one row each. Adding a language is a row here and a folder of the same name.

use crate::language::{Compiled, Language};

macro_rules! languages {
    ($($(#[$gate:meta])* $name:literal => $grammar:expr, {
        $(extensions: $extensions:expr,)? $(file_names: $file_names:expr,)? $(interpreters: $interpreters:expr,)?
        $(aliases: $aliases:expr,)? $(name_kinds: $name_kinds:expr,)? $(injections: $injections:expr,)?
        $(ascii_only: $ascii_only:expr,)?
    })+) => {
        /// Every language that was compiled in.
        pub static LANGUAGES: &[Language] = &[$($(#[$gate])* Language {
            $(extensions: &$extensions,)?
            $(file_names: &$file_names,)?
            $(interpreters: &$interpreters,)?
            $(aliases: &$aliases,)?
            $(name_kinds: &$name_kinds,)?
            $(injections_source: Some($injections),)?
            $(ascii_only: $ascii_only,)?
            name: $name,
            tags_source: include_str!(concat!("../", $name, "/tags.scm")),
            grammar: || $grammar.into(),
            compiled: { static COMPILED: Compiled = Compiled::new(); &COMPILED },
            ..EMPTY
        }),+];
    };
}

/// What a row leaves out.
const EMPTY: Language = Language {
    name: "",
    extensions: &[],
    file_names: &[],
    interpreters: &[],
    aliases: &[],
    name_kinds: &[],
    tags_source: "",
    injections_source: None,
    ascii_only: false,
    grammar: || tree_sitter_json::LANGUAGE.into(),
    compiled: {
        static COMPILED: Compiled = Compiled::new();
        &COMPILED
    },
};

languages! {
    "rust" => tree_sitter_rust::LANGUAGE, {
        extensions: ["rs"],
        interpreters: ["rust-script"],
    }
    "python" => tree_sitter_python::LANGUAGE, {
        extensions: ["py", "pyi", "pyw"],
        file_names: ["sconstruct", "sconscript", "wscript"],
        interpreters: ["python", "pypy"],
        aliases: ["py"],
    }
    "javascript" => tree_sitter_javascript::LANGUAGE, {
        extensions: ["js", "mjs", "cjs", "jsx"],
        interpreters: ["node", "bun"],
        aliases: ["js", "ecmascript", "node"],
    }
    "typescript" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT, {
        extensions: ["ts", "mts", "cts"],
        interpreters: ["deno", "ts-node", "tsx"],
    }
    "tsx" => tree_sitter_typescript::LANGUAGE_TSX, {
        extensions: ["tsx"],
        aliases: ["typescriptreact"],
    }
    "go" => tree_sitter_go::LANGUAGE, {
        extensions: ["go"],
        aliases: ["golang"],
    }
    "java" => tree_sitter_java::LANGUAGE, {
        extensions: ["java"],
    }
    "c" => tree_sitter_c::LANGUAGE, {
        extensions: ["c", "h"],
    }
    "cpp" => tree_sitter_cpp::LANGUAGE, {
        extensions: ["cc", "cpp", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "inl", "cu", "cuh"],
        aliases: ["c++"],
    }
    #[cfg(feature = "c-sharp")]
    "csharp" => tree_sitter_c_sharp::LANGUAGE, {
        extensions: ["cs", "csx"],
        aliases: ["c#", "c-sharp"],
    }
    "ruby" => tree_sitter_ruby::LANGUAGE, {
        extensions: ["rb", "rake", "gemspec", "ru"],
        file_names: ["rakefile", "gemfile", "podfile", "vagrantfile", "brewfile"],
        interpreters: ["ruby", "jruby"],
        name_kinds: ["constant", "instance_variable", "class_variable", "global_variable"],
    }
    "php" => tree_sitter_php::LANGUAGE_PHP, {
        extensions: ["php", "phtml", "php5", "inc"],
        interpreters: ["php"],
        name_kinds: ["name"],
    }
    #[cfg(feature = "swift")]
    "swift" => tree_sitter_swift::LANGUAGE, {
        extensions: ["swift"],
        interpreters: ["swift"],
    }
    #[cfg(feature = "kotlin")]
    "kotlin" => tree_sitter_kotlin_sg::LANGUAGE, {
        extensions: ["kt", "kts"],
        aliases: ["kotlin-script"],
    }
    #[cfg(feature = "scala")]
    "scala" => tree_sitter_scala::LANGUAGE, {
        extensions: ["scala", "sc", "sbt"],
        interpreters: ["scala"],
    }
    "lua" => tree_sitter_lua::LANGUAGE, {
        extensions: ["lua"],
        interpreters: ["lua", "luajit", "nvim"],
    }
    "bash" => tree_sitter_bash::LANGUAGE, {
        extensions: ["sh", "bash", "zsh", "ksh", "bats", "ebuild"],
        file_names: [".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", "pkgbuild", "apkbuild"],
        interpreters: ["sh", "bash", "dash", "ksh", "zsh", "ash"],
        aliases: ["shell", "console", "shellscript"],
        name_kinds: ["word", "variable_name"],
        ascii_only: true, // isdigit() of a code point above 255 reads past libc's table (tree-sitter-bash 0.25.1)
    }
    "html" => tree_sitter_html::LANGUAGE, {
        extensions: ["html", "htm", "xhtml"],
        name_kinds: ["tag_name", "attribute_name", "attribute_value"],
        injections: include_str!("../html/injections.scm"),
    }
    "css" => tree_sitter_css::LANGUAGE, {
        extensions: ["css"],
        name_kinds: ["class_name", "id_name", "tag_name", "property_name", "keyframes_name", "function_name"],
    }
    "json" => tree_sitter_json::LANGUAGE, {
        extensions: ["json", "jsonc", "json5", "webmanifest", "geojson", "ipynb"],
        file_names: [".babelrc", ".eslintrc", ".prettierrc", "composer.lock", "flake.lock"],
        name_kinds: ["string_content"],
    }
    "yaml" => tree_sitter_yaml::LANGUAGE, {
        extensions: ["yaml", "yml"],
        file_names: [".clang-format", ".clang-tidy", ".clangd"],
        name_kinds: ["string_scalar", "anchor_name", "alias_name"],
    }
    "toml" => tree_sitter_toml_ng::LANGUAGE, {
        extensions: ["toml"],
        file_names: ["cargo.lock", "poetry.lock", "uv.lock", "pipfile"],
        name_kinds: ["bare_key"],
    }
    "markdown" => tree_sitter_md::LANGUAGE, {
        extensions: ["md", "markdown", "mdx", "mkd"],
        aliases: ["md"],
        injections: include_str!("../markdown/injections.scm"),
    }
    #[cfg(feature = "sql")]
    "sql" => tree_sitter_sequel::LANGUAGE, {
        extensions: ["sql", "ddl", "dml", "psql", "pgsql"],
        aliases: ["postgres", "mysql", "sqlite"],
    }
    "elixir" => tree_sitter_elixir::LANGUAGE, {
        extensions: ["ex", "exs"],
        file_names: ["mix.lock"],
        interpreters: ["elixir"],
        name_kinds: ["alias", "atom"],
    }
    #[cfg(feature = "haskell")]
    "haskell" => tree_sitter_haskell::LANGUAGE, {
        extensions: ["hs"],
        interpreters: ["runhaskell", "runghc", "stack"],
        aliases: ["hs"],
        name_kinds: ["variable", "constructor", "name", "field_name", "module_id"],
    }
    #[cfg(feature = "ocaml")]
    "ocaml" => tree_sitter_ocaml::LANGUAGE_OCAML, {
        extensions: ["ml"],
        interpreters: ["ocaml"],
        name_kinds: [
            "value_name", "module_name", "type_constructor", "constructor_name", "field_name", "method_name",
            "class_name", "label_name", "module_type_name", "instance_variable_name",
        ],
    }
    #[cfg(feature = "ocaml")]
    "ocaml_interface" => tree_sitter_ocaml::LANGUAGE_OCAML_INTERFACE, {
        extensions: ["mli"],
        aliases: ["mli"],
        name_kinds: [
            "value_name", "module_name", "type_constructor", "constructor_name", "field_name", "method_name",
            "class_name", "label_name", "module_type_name",
        ],
    }
    "zig" => tree_sitter_zig::LANGUAGE, {
        extensions: ["zig", "zon"],
    }
    #[cfg(feature = "dart")]
    "dart" => tree_sitter_dart::LANGUAGE, {
        extensions: ["dart"],
        interpreters: ["dart"],
    }
    "r" => tree_sitter_r::LANGUAGE, {
        extensions: ["r"],
        file_names: [".rprofile"],
        interpreters: ["rscript", "Rscript"],
    }
    #[cfg(feature = "julia")]
    "julia" => tree_sitter_julia::LANGUAGE, {
        extensions: ["jl"],
        interpreters: ["julia"],
    }
    "elm" => tree_sitter_elm::LANGUAGE, {
        extensions: ["elm"],
    }
    "dockerfile" => tree_sitter_containerfile::LANGUAGE, {
        extensions: ["dockerfile", "containerfile"],
        file_names: ["dockerfile", "containerfile", "dockerfile.*", "containerfile.*"],
        aliases: ["docker", "containerfile"],
        name_kinds: ["image_name", "image_alias", "unquoted_string", "variable"],
    }
    "hcl" => tree_sitter_hcl::LANGUAGE, {
        extensions: ["hcl", "tf", "tfvars", "nomad"],
        aliases: ["terraform"],
        name_kinds: ["template_literal"],
    }
    "protobuf" => tree_sitter_proto::LANGUAGE, {
        extensions: ["proto"],
        aliases: ["proto", "proto3"],
    }
    "svelte" => tree_sitter_svelte_ng::LANGUAGE, {
        extensions: ["svelte"],
        name_kinds: ["tag_name", "attribute_name"],
        injections: include_str!("../svelte/injections.scm"),
    }
    "vue" => tree_sitter_html::LANGUAGE, {
        extensions: ["vue"],
        name_kinds: ["tag_name", "attribute_name"],
        injections: include_str!("../vue/injections.scm"),
    }
}
