//! The routes, one file for each kind.

mod list;
mod other_sites;
mod page;
mod read;
mod remove;
mod write;

use crate::answer::Failure;
use axum::{
    Router,
    extract::{Path, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header},
    middleware,
    routing::get,
};
use kumo_files::{Store, Tcp};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What every route has at hand.
pub struct App {
    pub store: Store<Tcp>,
    /// The memcached server, as it was named.
    pub server: String,
    /// Transfers end when this does.
    pub cut_off: CancellationToken,
}

impl App {
    pub fn new(store: Store<Tcp>, server: String, cut_off: CancellationToken) -> Arc<Self> {
        Arc::new(Self { store, server, cut_off })
    }
}

/// A file's name out of the path, decoded; it may have slashes as `%2F`.
type Name = Result<Path<String>, PathRejection>;

fn name(path: Name) -> Result<String, Failure> {
    path.map(|Path(name)| name)
        .map_err(|error| Failure::new(StatusCode::BAD_REQUEST, error.body_text()))
}

pub fn router(app: Arc<App>) -> Router {
    let file =
        get(read::get).head(read::head).post(write::post).put(write::put).delete(remove::delete);
    let router = Router::new()
        .route("/file/{name}", file.fallback(no_method))
        .route("/files", get(list::list))
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "There is nothing here, see /"));
    page::routes(router).layer(middleware::from_fn(other_sites::refuse)).with_state(app)
}

async fn no_method() -> Failure {
    let reason = "A file takes GET, HEAD, POST, PUT and DELETE";
    let mut failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, reason);
    let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
    failure.header = Some((header::ALLOW, allowed));
    failure
}
