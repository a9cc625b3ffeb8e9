//! `GET /files?prefix=TEXT`

use super::App;
use crate::answer::{Failure, json};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use kumo_files::{Error, client::ClientError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    prefix: String,
}

#[derive(Serialize)]
struct Listed {
    files: Vec<File>,
    /// Files of the original's, whose names nobody knows.
    unnamed: u64,
}

#[derive(Serialize)]
struct File {
    name: String,
    size: u64,
    #[serde(rename = "type")]
    media_type: String,
    etag: String,
    stored: u64,
}

pub async fn list(
    State(app): State<Arc<App>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) =
        asked.map_err(|error| Failure::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let listing = app.store.list(&asked.prefix).await.map_err(|error| match error {
        Error::Client(ClientError::Unlistable) => Failure::new(
            StatusCode::NOT_IMPLEMENTED,
            format!(
                "{} cannot list its keys, which takes lru_crawler metadump (memcached 1.6 has \
                 it); ask for files by their names",
                app.server
            ),
        ),
        error => error.into(),
    })?;
    let files = listing.files.into_iter().map(|entry| File {
        name: entry.name,
        size: entry.size,
        media_type: entry.media_type.unwrap_or_else(|| super::read::UNKNOWN_TYPE.to_owned()),
        etag: format!("\"{}\"", entry.tag),
        stored: entry.stored,
    });
    Ok(json(&Listed { files: files.collect(), unnamed: listing.unnamed }))
}
