//! Answers that are not files: errors as JSON, and lists.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kumo_files::{Error, client::ClientError};
use serde::Serialize;

/// A request that was not done: a code, and the reason as `{"error": "..."}`.
#[derive(Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub reason: String,
    /// A header that belongs to it.
    pub header: Option<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), header: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Exists | Error::Collision => StatusCode::CONFLICT,
            Error::NotFound => StatusCode::NOT_FOUND,
            Error::TooLarge { .. } | Error::Name | Error::Source(_) => StatusCode::BAD_REQUEST,
            Error::Mismatch => StatusCode::PRECONDITION_FAILED,
            Error::Client(ClientError::Unlistable) => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!("{}", self.reason);
        }
        #[derive(Serialize)]
        struct Body {
            error: String,
        }
        let body = json(&Body { error: self.reason });
        let mut response = (self.status, body).into_response();
        response.headers_mut().extend(self.header);
        response
    }
}

/// JSON, indented by two spaces.
pub fn json(value: &impl Serialize) -> Response {
    // Strings and numbers can always be written.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
