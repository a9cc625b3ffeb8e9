//! `GET /file/NAME`, `HEAD /file/NAME`

use super::{App, Name, name};
use crate::{
    answer::Failure,
    conditional::Tags,
    range::{Asked, asked},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, TryStreamExt};
use kumo_files::{Error, File, Tcp};
use std::sync::Arc;

/// The type of a file that came without one.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

/// How often a file may be replaced while it is being opened.
const TRIES: u32 = 10;

pub async fn head(
    State(app): State<Arc<App>>,
    path: Name,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let file = app.store.find(&name(path)?).await?;
    if let Some(other) = unless_wanted(&file, &headers) {
        return other;
    }
    let mut response = described(&file);
    response.headers_mut().insert(header::CONTENT_LENGTH, file.size.into());
    Ok(response)
}

pub async fn get(
    State(app): State<Arc<App>>,
    path: Name,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let name = name(path)?;
    for _ in 0..TRIES {
        let file = app.store.find(&name).await?;
        if let Some(other) = unless_wanted(&file, &headers) {
            return other;
        }
        let mut response = described(&file);
        let range = match asked(wanted_range(&file, &headers), file.size) {
            Asked::Whole => 0..file.size,
            Asked::Part(range) => {
                let (last, size) = (range.end - 1, file.size);
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let text = format!("bytes {}-{last}/{size}", range.start);
                insert(&mut response, header::CONTENT_RANGE, &text);
                range
            }
            Asked::Unsatisfiable => return Err(unsatisfiable(file.size)),
        };
        let length = range.end - range.start;
        let data = match file.read(range).await {
            Err(Error::Replaced) => continue,
            data => data?,
        };
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        // The head is on its way: what fails now can only cut the answer off.
        let data = data
            .inspect_err(move |error| tracing::error!("{name:?} is cut off: {error}"))
            .take_until(app.cut_off.clone().cancelled_owned());
        *response.body_mut() = Body::from_stream(data);
        return Ok(response);
    }
    Err(Error::Replaced.into())
}

/// The answer where conditions of the request say that it is not the file.
fn unless_wanted(file: &File<Tcp>, headers: &HeaderMap) -> Option<Result<Response, Failure>> {
    if let Some(tags) = Tags::of(headers, header::IF_MATCH)
        && !tags.strongly(&file.tag)
    {
        return Some(Err(Error::Mismatch.into()));
    }
    let known = Tags::of(headers, header::IF_NONE_MATCH)?.weakly(&file.tag);
    known.then(|| {
        let mut response = described(file);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        Ok(response)
    })
}

/// The Range header, unless If-Range names another version.
fn wanted_range<'a>(file: &File<Tcp>, headers: &'a HeaderMap) -> Option<&'a str> {
    let same = Tags::of(headers, header::IF_RANGE).is_none_or(|tags| tags.strongly(&file.tag));
    headers.get(header::RANGE).filter(|_| same)?.to_str().ok()
}

/// An answer with a file's headers, and no body yet.
fn described(file: &File<Tcp>) -> Response {
    let mut response = StatusCode::OK.into_response();
    let media_type = file.media_type.as_deref().unwrap_or(UNKNOWN_TYPE);
    insert(&mut response, header::CONTENT_TYPE, media_type);
    insert(&mut response, header::ETAG, &format!("\"{}\"", file.tag));
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    if let Some(stored) = file.stored {
        insert(&mut response, header::LAST_MODIFIED, &httpdate::fmt_http_date(stored));
    }
    // Whoever may store a file could store a page with a script: it gets no
    // rights here.
    insert(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(&mut response, header::CONTENT_SECURITY_POLICY, "sandbox");
    response
}

fn unsatisfiable(size: u64) -> Failure {
    let reason = format!("The file has {size} bytes, and not the range that was asked for");
    let mut failure = Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, reason);
    let value = HeaderValue::try_from(format!("bytes */{size}")).ok();
    failure.header = value.map(|value| (header::CONTENT_RANGE, value));
    failure
}

/// A header. What cannot be one, a damaged media type for example, is left out.
fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
