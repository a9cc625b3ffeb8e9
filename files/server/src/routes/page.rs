//! `GET /`: the page, which is in the program.

use super::App;
use axum::{Router, http::header, response::IntoResponse, routing::get};
use std::sync::Arc;

const INDEX: &str = include_str!("../page/index.html");
const STYLE: &str = include_str!("../page/page.css");
const SCRIPT: &str = include_str!("../page/page.js");

/// Nothing but what this program serves; and no site puts it in a frame, where
/// its buttons could be clicked unawares.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/", get(async || text("text/html; charset=utf-8", INDEX)))
        .route("/page.css", get(async || text("text/css; charset=utf-8", STYLE)))
        .route("/page.js", get(async || text("text/javascript; charset=utf-8", SCRIPT)))
}

fn text(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}
