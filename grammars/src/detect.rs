//! Which language is a file? Decided by, in this order: its whole name, its extension, a `#!` line, an editor's mode
//! line, the first characters. The path alone decides almost always; the text is asked only where the path is silent,
//! and for the one extension that two languages share (`.h`).

use crate::language::Language;
use crate::table::LANGUAGES;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The language called `name`, which may be an alias ("golang", "sh", "yml") and in any case.
pub fn by_name(name: &str) -> Option<&'static Language> {
    let name = name.to_ascii_lowercase();
    let named = |language: &&Language| language.name == name || language.aliases.contains(&name.as_str());
    LANGUAGES.iter().find(named).or_else(|| by_extension(&name))
}

/// The language of the file at `path`, whose first line is `first_line` where it is known.
pub fn detect(path: &str, first_line: Option<&str>) -> Option<&'static Language> {
    by_path(path).or_else(|| by_first_line(first_line?))
}

/// As [`detect`], with the whole text at hand: tells C++ headers from C headers.
pub fn detect_text(path: &str, text: &str) -> Option<&'static Language> {
    let first_line = text.lines().next();
    let found = detect(path, first_line)?;
    if found.name == "c" && path.ends_with(".h") && looks_like_cpp(text) {
        return by_name("cpp").or(Some(found));
    }
    Some(found)
}

fn by_path(path: &str) -> Option<&'static Language> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    static NAMES: OnceLock<HashMap<&'static str, &'static Language>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        LANGUAGES.iter().flat_map(|l| l.file_names.iter().map(move |name| (*name, l))).collect()
    });
    if let Some(language) = names.get(lower.as_str()) {
        return Some(language);
    }
    let (stem, extension) = lower.rsplit_once('.')?;
    if let Some(language) = by_extension(extension) {
        return Some(language);
    }
    // "Dockerfile.dev": a known name with an extension that says nothing.
    let first = stem.split('.').next().unwrap_or(stem);
    names.get(format!("{first}.*").as_str()).copied()
}

fn by_extension(extension: &str) -> Option<&'static Language> {
    static EXTENSIONS: OnceLock<HashMap<&'static str, &'static Language>> = OnceLock::new();
    let extensions = EXTENSIONS.get_or_init(|| {
        LANGUAGES.iter().flat_map(|l| l.extensions.iter().map(move |extension| (*extension, l))).collect()
    });
    extensions.get(extension).copied()
}

fn by_first_line(line: &str) -> Option<&'static Language> {
    let line = line.trim_start_matches('\u{feff}');
    if let Some(command) = line.strip_prefix("#!") {
        return by_interpreter(command);
    }
    if let Some(mode) = mode_line(line) {
        return by_name(mode);
    }
    let start = line.trim_start().to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return by_name("html");
    }
    if start.starts_with("<?php") {
        return by_name("php");
    }
    None
}

/// `#!/usr/bin/env -S python3.12 -u` names `python`.
fn by_interpreter(command: &str) -> Option<&'static Language> {
    let mut words = command.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.find(|word| !word.starts_with('-') && !word.contains('='))?.rsplit('/').next()?;
    }
    let bare = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    LANGUAGES.iter().find(|l| l.interpreters.contains(&program) || l.interpreters.contains(&bare))
}

/// Emacs' `-*- mode: ruby -*-` or `-*- ruby -*-`, and Vim's `vim: ft=ruby`.
fn mode_line(line: &str) -> Option<&str> {
    let word = |text: &'_ str| -> usize {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '#').unwrap_or(text.len())
    };
    if let Some((_, rest)) = line.split_once("-*-") {
        let (inner, _) = rest.split_once("-*-")?;
        let mode =
            inner.split(';').find_map(|part| part.trim().strip_prefix("mode:")).unwrap_or(inner).trim();
        return Some(&mode[..word(mode)]).filter(|mode| !mode.is_empty());
    }
    let (_, settings) = line.split_once("vim:").or_else(|| line.split_once("vi:"))?;
    let (_, value) = settings.split_once("filetype=").or_else(|| settings.split_once("ft="))?;
    Some(&value[..word(value)]).filter(|mode| !mode.is_empty())
}

/// A header is C++ if it says something that C cannot. The first 64 KiB decide.
fn looks_like_cpp(text: &str) -> bool {
    let starts =
        ["class ", "namespace ", "template<", "template <", "public:", "private:", "protected:", "using "];
    text.lines().take(2_000).any(|line| {
        let line = line.trim_start();
        starts.iter().any(|start| line.starts_with(start))
            || line.starts_with("#include <") && is_cpp_include(line)
    })
}

/// The headers of C++'s library have no extension: `#include <vector>`.
fn is_cpp_include(line: &str) -> bool {
    let inner = line.trim_start_matches("#include <");
    inner.split_once('>').is_some_and(|(header, _)| !header.contains('.') && !header.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str, first_line: &str) -> &'static str {
        detect(path, Some(first_line)).map_or("-", |language| language.name)
    }

    #[test]
    fn by_name_extension_shebang_and_content() {
        assert_eq!(name("src/main.rs", ""), "rust");
        assert_eq!(name("a/b/Dockerfile", ""), "dockerfile");
        assert_eq!(name("Dockerfile.dev", ""), "dockerfile");
        assert_eq!(name("Cargo.lock", ""), "toml");
        assert_eq!(name("App.TSX", ""), "tsx");
        assert_eq!(name("types.d.ts", ""), "typescript");
        assert_eq!(name("run", "#!/usr/bin/env python3.12"), "python");
        assert_eq!(name("run", "#!/usr/bin/env -S FOO=1 bash -e"), "bash");
        assert_eq!(name("run", "#!/bin/sh"), "bash");
        assert_eq!(name("run", "# -*- mode: ruby; tab: 2 -*-"), "ruby");
        assert_eq!(name("run", "/* vim: set ft=cpp: */"), "cpp");
        assert_eq!(name("page", "<!DOCTYPE html>"), "html");
        assert_eq!(name("notes", "nothing special"), "-");
        assert_eq!(name("", ""), "-");
        assert_eq!(name("run", "#!"), "-");
    }

    #[test]
    fn headers_are_told_apart_by_their_text() {
        assert_eq!(detect_text("a.h", "int f(void);\n").map(|l| l.name), Some("c"));
        assert_eq!(detect_text("a.h", "#pragma once\nnamespace a {\n}\n").map(|l| l.name), Some("cpp"));
        assert_eq!(detect_text("a.h", "#include <vector>\n").map(|l| l.name), Some("cpp"));
        assert_eq!(detect_text("a.h", "#include <stdio.h>\n").map(|l| l.name), Some("c"));
    }

    #[test]
    fn names_of_fences_are_understood() {
        for (alias, language) in
            [("rs", "rust"), ("sh", "bash"), ("C++", "cpp"), ("yml", "yaml"), ("golang", "go")]
        {
            assert_eq!(by_name(alias).map(|l| l.name), Some(language), "{alias}");
        }
    }
}
