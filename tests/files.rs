//! kumo-fileserver over the real memcached and over kumo-server.

#![allow(missing_docs)]

#[path = "files/backend.rs"]
mod backend;
#[path = "files/broken.rs"]
mod broken;
mod common;
#[path = "files/docs.rs"]
mod docs;
#[path = "files/http.rs"]
mod http;
#[path = "files/kumoctl.rs"]
mod kumoctl;
#[path = "files/original.rs"]
mod original;
#[path = "files/page.rs"]
mod page;
#[path = "files/program.rs"]
mod program;
#[path = "files/streams.rs"]
mod streams;
