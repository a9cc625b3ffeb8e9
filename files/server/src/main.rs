//! `kumo-fileserver`: files over HTTP, kept in a memcached server.

mod answer;
mod arguments;
mod conditional;
mod log;
mod range;
mod routes;
mod stopping;

use anyhow::{Context, Result};
use arguments::Arguments;
use axum::serve::ListenerExt;
use clap::Parser;
use kumo_files::{Store, Tcp, client::Memcached};
use routes::App;
use std::process::ExitCode;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match log::start() {
        Ok(()) => run(&arguments).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kumo-fileserver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let server = &arguments.server;
    let client = Tcp::new(server, arguments.timeout());
    // Better now than with the first file.
    client.exist(&["filestore:".to_owned()]).await.context(
        "is it running? A server of files that stay is started with: kumo-server -s kumo.db",
    )?;
    let listen = &arguments.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; name another one with --listen"))?;
    let address = listener.local_addr()?;
    // Answers are written whole: nothing is won by waiting.
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));

    let store = Store::new(client, arguments.settings());
    let stopping = stopping::Stopping::start(arguments.timeout())?;
    let app = App::new(store.clone(), server.clone(), stopping.cut_off());
    // One line at any level: who types the first command sees that it works.
    eprintln!("kumo-fileserver: files in {server}, on http://{address}/; Ctrl-C stops it");
    let serving =
        axum::serve(listener, routes::router(app)).with_graceful_shutdown(stopping.asked());
    tokio::select! {
        done = serving => done.context("cannot serve")?,
        // Somebody who never ended his request.
        () = stopping.given_up() => {}
    }
    store.finish().await;
    tracing::info!("stopped");
    Ok(())
}
