//! A page of another site, or of another port here, must not store or delete
//! files with its visitor's browser, which may reach what its author cannot.

use crate::answer::Failure;
use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Browsers say where a request comes from; other clients do not, and are let
/// through.
pub async fn refuse(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    let foreign = site.is_some_and(|site| site == "cross-site" || site == "same-site");
    if foreign && !request.method().is_safe() {
        let reason = "A page of another origin may not change files";
        return Failure::new(StatusCode::FORBIDDEN, reason).into_response();
    }
    next.run(request).await
}
