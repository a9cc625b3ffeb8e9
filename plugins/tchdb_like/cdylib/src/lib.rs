//! `libtchdb_like.so`: the engine of the crate beside it, as a plugin.
kumo_plugin::export!(engine::TchdbLike);
