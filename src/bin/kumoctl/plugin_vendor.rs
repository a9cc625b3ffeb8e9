//! What a new plugin is made of: the templates, and what it carries along so
//! that nothing else is needed.

use clap::ValueEnum;

/// What a plugin is written in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, against the crate kumo-plugin
    Rust,
    /// C, against kumo_storage.h
    C,
}

/// What stands for the plugin's name, in texts and in the names of files.
pub const PLACEHOLDER: &str = "TEMPLATE";

type Files = &'static [(&'static str, &'static str)];

/// A file of the repository, by its path from the root.
macro_rules! file {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path))
    };
}

/// The author's own files.
pub fn template(language: Language) -> Files {
    match language {
        Language::C => &[
            ("TEMPLATE.c", file!("templates/c/TEMPLATE.c")),
            ("check.c", file!("templates/c/check.c")),
            ("Makefile", file!("templates/c/Makefile")),
            ("README.md", file!("templates/c/README.md")),
            (".gitignore", "*.so\n/check\n"),
        ],
        Language::Rust => &[
            ("Cargo.toml", file!("templates/rust/Cargo.toml")),
            ("src/lib.rs", file!("templates/rust/lib.rs")),
            ("src/tests.rs", file!("templates/rust/tests.rs")),
            ("README.md", file!("templates/rust/README.md")),
            (".gitignore", "/target\n"),
        ],
    }
}

/// What is kumo's, and goes into the directory of the second element.
pub fn vendored(language: Language) -> (Files, &'static str) {
    match language {
        Language::C => (
            &[
                ("kumo_storage.h", file!("include/kumo_storage.h")),
                ("compat/msgpack.h", file!("include/compat/msgpack.h")),
            ],
            "vendor/include",
        ),
        Language::Rust => (include!(concat!(env!("OUT_DIR"), "/sdk.rs")), "vendor/kumo-plugin"),
    }
}

/// The license of what is vendored.
pub const LICENSE: &str = file!("LICENSE");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_stands_alone() {
        let (files, _) = vendored(Language::Rust);
        let text = |name| files.iter().find(|(path, _)| *path == name).map(|(_, text)| *text);
        let manifest = text("Cargo.toml").unwrap();
        assert!(manifest.contains("kumo-plugin") && !manifest.contains("workspace"), "{manifest}");
        assert!(text("src/lib.rs").is_some_and(|text| text.contains("mod storage")));
    }
}
