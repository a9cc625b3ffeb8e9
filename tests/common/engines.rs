//! The engines that everything is to work with.

use super::plugins;
use std::path::{Path, PathBuf};

/// An engine, and the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// No `--storage`.
    BuiltIn,
    /// The C plugin, by its path. In memory: nothing survives the server.
    Memhash,
    /// `--storage /path/to/libtchdb_like.so`
    TchdbLike,
    /// `--storage libtchdb_like.so`, found along `KUMO_PLUGIN_PATH`.
    TchdbLikeByName,
    /// plugins/fs_engine, of memcached's interface: what works with every engine
    /// need not work with this one.
    Files,
}

impl Engine {
    /// How to choose it. None: it cannot be built here.
    pub fn choice(self) -> Option<Choice> {
        let storage = |library: PathBuf| Choice { storage: Some(library), plugin_path: None };
        Some(match self {
            Self::BuiltIn => Choice { storage: None, plugin_path: None },
            Self::Memhash => storage(plugins::memhash()?),
            Self::TchdbLike => storage(plugins::tchdb_like()),
            Self::TchdbLikeByName => Choice {
                storage: Some("libtchdb_like.so".into()),
                plugin_path: plugins::tchdb_like().parent().map(Path::to_owned),
            },
            Self::Files => storage(plugins::fs_engine()?),
        })
    }

    /// Whether the data is still there after a restart.
    pub fn persists(self) -> bool {
        self != Self::Memhash
    }
}

/// What kumo-server is to be told.
pub struct Choice {
    /// After `--storage`.
    pub storage: Option<PathBuf>,
    /// In `KUMO_PLUGIN_PATH`.
    pub plugin_path: Option<PathBuf>,
}

/// A test for each engine out of `fn test(engine: Engine)`.
macro_rules! on_every_engine {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::common::{Engine, skip::skip};

            fn run(engine: Engine) {
                if engine.choice().is_none() {
                    skip!("{engine:?}: there is no C compiler");
                }
                super::$test(engine);
            }

            #[test]
            fn built_in() {
                run(Engine::BuiltIn);
            }

            #[test]
            fn memhash() {
                run(Engine::Memhash);
            }

            #[test]
            fn tchdb_like() {
                run(Engine::TchdbLike);
            }

            #[test]
            fn tchdb_like_by_name() {
                run(Engine::TchdbLikeByName);
            }
        }
    )+};
}
pub(crate) use on_every_engine;
