//! `POST /file/NAME`, `PUT /file/NAME`

use super::{App, Name, name};
use crate::{answer::Failure, conditional::condition};
use axum::{
    body::{Body, BodyDataStream},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use kumo_files::{Condition, Error, Stored};
use std::{future::ready, io, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// What curl says of any data; it says nothing about a file.
const FORM: &str = "application/x-www-form-urlencoded";

/// The longest media type that is kept.
const TYPE_SIZE: usize = 255;

/// How much of a body that is refused is read all the same, and how long. A
/// client that is still sending would not see the answer.
const UNWANTED: u64 = 1 << 30;
const UNWANTED_TIME: Duration = Duration::from_secs(10);

pub async fn post(
    State(app): State<Arc<App>>,
    path: Name,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let stored = store(&app, &name(path)?, &headers, Condition::New, body).await?;
    Ok((StatusCode::OK, tag(&stored)).into_response())
}

pub async fn put(
    State(app): State<Arc<App>>,
    path: Name,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let stored = store(&app, &name(path)?, &headers, condition(&headers), body).await;
    let stored = stored.map_err(|error| match error {
        // The condition was the request's own.
        Error::Exists => Error::Mismatch,
        error => error,
    })?;
    let status = if stored.replaced { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, tag(&stored)).into_response())
}

fn tag(stored: &Stored) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{}\"", stored.tag))]
}

async fn store(
    app: &App,
    name: &str,
    headers: &HeaderMap,
    condition: Condition,
    body: Body,
) -> Result<Stored, Error> {
    let mut data = body.into_data_stream();
    let mut begun = false;
    let stored = if announced(headers).is_some_and(|size| size > app.store.settings().max_size) {
        Err(Error::TooLarge { max: app.store.settings().max_size })
    } else {
        let parts =
            (&mut data).inspect(|_| begun = true).map(|part| part.map_err(io::Error::other));
        let parts = until(parts, &app.cut_off);
        app.store.write(name, media_type(headers), condition, parts).await
    };
    // Who waits for a go-ahead has sent nothing, and is not to begin.
    let waits = headers.contains_key(header::EXPECT) && !begun;
    if !waits && matches!(&stored, Err(error) if !matches!(error, Error::Source(_))) {
        swallow(data).await;
    }
    stored
}

/// A stream that fails once the token is cancelled: what has come by then is not
/// the whole file.
fn until<S>(data: S, cut_off: &CancellationToken) -> impl stream::Stream<Item = S::Item> + Send
where
    S: stream::Stream<Item = io::Result<bytes::Bytes>> + Send,
{
    let cut = cut_off.clone();
    let stopped = stream::once(async move { cut.is_cancelled() })
        .filter_map(|cut| ready(cut.then(|| Err(io::Error::other("the file server stops")))));
    data.take_until(cut_off.clone().cancelled_owned()).chain(stopped)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let media_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kept = !media_type.is_empty() && media_type != FORM && media_type.len() <= TYPE_SIZE;
    kept.then_some(media_type)
}

async fn swallow(mut data: BodyDataStream) {
    let read = async {
        let mut left = UNWANTED;
        while let Some(Ok(part)) = data.next().await {
            match left.checked_sub(part.len() as u64) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Either way the answer comes now.
    let _ = timeout(UNWANTED_TIME, read).await;
}
