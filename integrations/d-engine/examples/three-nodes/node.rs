//! One node. It takes commands, a line each, on its standard input, and answers on
//! its standard output; at the end of the input it stops.
//!
//! ```text
//! leader    who leads, as far as this node knows: a number, 0 for nobody
//! state     the number of keys in the state machine, and a hash of them
//! snapshot  the last entry that the last snapshot has, 0 for none
//! ```

use crate::digest;
use anyhow::{Context, Result, bail};
use d_engine::{EmbeddedEngine, LeaderInfo, NodeBuilder, StateMachine};
use kumo_d_engine::{Health, KumoStateMachine, KumoStorageEngine, Options, Plugin};
use std::{path::Path, sync::Arc};
use tokio::sync::{mpsc, watch};

type Leader = watch::Receiver<Option<LeaderInfo>>;

pub async fn run(config: &str, directory: &str, plugin: Option<&str>) -> Result<()> {
    let level = tracing_subscriber::filter::LevelFilter::WARN;
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level).init();

    let plugin = match plugin {
        Some(name) => Plugin::load(name)?,
        None => Plugin::built_in()?,
    };
    let options = Options::default();
    let directory = Path::new(directory);
    let storage = Arc::new(KumoStorageEngine::open(&plugin, directory, &options)?);
    let state = Arc::new(KumoStateMachine::open(&plugin, directory.join("state"), &options)?);

    // Both ways to start a node, so that both are seen to work.
    if config.ends_with("3.toml") {
        built(config, storage, state, &options.health).await
    } else {
        embedded(config, storage, state, &options.health).await
    }
}

async fn embedded(
    config: &str,
    storage: Arc<KumoStorageEngine>,
    state: Arc<KumoStateMachine>,
    health: &Health,
) -> Result<()> {
    let engine = EmbeddedEngine::start_custom(storage, Arc::clone(&state), Some(config)).await?;
    let outcome = tokio::select! {
        outcome = serve(engine.leader_change_notifier(), state) => outcome,
        reason = health.failed() => bail!("a store has failed: {reason}"),
    };
    engine.stop().await?;
    outcome
}

async fn built(
    config: &str,
    storage: Arc<KumoStorageEngine>,
    state: Arc<KumoStateMachine>,
    health: &Health,
) -> Result<()> {
    let (shutdown, stopped) = watch::channel(());
    let node = NodeBuilder::new(Some(config), stopped)
        .storage_engine(storage)
        .state_machine(Arc::clone(&state))
        .start()
        .await?;
    let leader = node.leader_change_notifier();
    let running = tokio::spawn(async move { node.run().await });
    let outcome = tokio::select! {
        outcome = serve(leader, state) => outcome,
        reason = health.failed() => bail!("a store has failed: {reason}"),
    };
    shutdown.send(()).context("the node has gone before it was told")?;
    running.await??;
    outcome
}

async fn serve(leader: Leader, state: Arc<KumoStateMachine>) -> Result<()> {
    let mut commands = commands();
    while let Some(command) = commands.recv().await {
        match command.as_str() {
            "leader" => {
                println!("{}", leader.borrow().as_ref().map_or(0, |info| info.leader_id));
            }
            "state" => {
                let all = state.scan_prefix(b"")?;
                let records = all.entries.iter().map(|(key, value)| (&key[..], &value[..]));
                println!("{}", digest::of(records));
            }
            "snapshot" => {
                let last = state.snapshot_metadata().and_then(|snapshot| snapshot.last_included);
                println!("{}", last.map_or(0, |last| last.index));
            }
            other => bail!("no such command: {other}"),
        }
    }
    Ok(())
}

/// The lines of the standard input, read by a thread that nobody waits for.
fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
