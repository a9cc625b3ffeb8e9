//! `DELETE /file/NAME`

use super::{App, Name, name};
use crate::{answer::Failure, conditional::condition};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use std::sync::Arc;

pub async fn delete(
    State(app): State<Arc<App>>,
    path: Name,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let (store, name) = (app.store.clone(), name(path)?);
    // On its own: the chunks go too if the client goes.
    let done = tokio::spawn(async move { store.delete(&name, condition(&headers)).await });
    match done.await {
        Ok(done) => done?,
        Err(error) => {
            return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()));
        }
    }
    Ok(StatusCode::OK)
}
