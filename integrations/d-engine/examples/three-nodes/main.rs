//! Three nodes on loopback: writes through the leader, kills it with -9, goes on,
//! starts it again, and compares the replicas. `README.md` says what that shows.
//!
//! `three-nodes [PLUGIN]`: the path of a plugin, or its name; the built-in engine
//! unless given. The program starts itself for each node, as `three-nodes node ...`.

mod cluster;
mod digest;
mod node;

use anyhow::{Context, Result, bail, ensure};
use cluster::{Cluster, within};
use d_engine::{Client, ClientApi};
use std::{collections::BTreeMap, env, time::Duration};

/// How many keys are written before the leader is killed, and how many after.
const KEYS: usize = 500;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["node", config, directory, ref plugin @ ..] => {
            node::run(config, directory, plugin.first().copied()).await
        }
        [] => play(None).await,
        [plugin] if !plugin.starts_with('-') => play(Some(plugin)).await,
        _ => bail!("usage: three-nodes [PLUGIN]"),
    }
}

async fn play(plugin: Option<&str>) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut cluster = Cluster::start(directory.path(), plugin).await?;
    let mut written = BTreeMap::new();

    let leader = cluster.leader().await?;
    println!("node {leader} leads");
    let client = connect(cluster.endpoints(None)).await?;
    for number in 0..KEYS {
        write(&client, &mut written, number, "before").await?;
    }
    println!("{KEYS} keys written through it");

    cluster.kill(leader).await?;
    println!("node {leader} killed");
    let next = cluster.leader().await?;
    ensure!(next != leader, "node {leader} leads although it is dead");
    println!("node {next} leads");
    let client = connect(cluster.endpoints(Some(leader))).await?;
    // The half of the old keys is overwritten, and as many are new.
    for number in KEYS / 2..KEYS + KEYS / 2 {
        write(&client, &mut written, number, "after").await?;
    }
    println!("{KEYS} keys written through it");

    cluster.restart(leader).await?;
    println!("node {leader} started again");
    let expected = digest::of(written.iter().map(|(key, value)| (&key[..], &value[..])));
    cluster.agree(&expected).await?;
    println!("all nodes have {expected}");
    println!("their last snapshots: {:?}", cluster.snapshots().await?);
    cluster.stop().await?;
    println!("the replicas are the same, with everything that was acknowledged");
    Ok(())
}

/// A client of the nodes that are up.
async fn connect(endpoints: Vec<String>) -> Result<Client> {
    within("a client's connection", || async {
        let client = Client::builder(endpoints.clone())
            .connect_timeout(Duration::from_secs(2))
            .request_timeout(Duration::from_secs(5))
            .build()
            .await;
        client.map_err(|error| error.to_string())
    })
    .await
}

/// Writes a key until that is acknowledged: to write it twice changes nothing.
async fn write(
    client: &Client,
    written: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    number: usize,
    value: &str,
) -> Result<()> {
    let key = format!("key {number}").into_bytes();
    let value = format!("{value} {number}").into_bytes();
    within("a write", || async {
        match client.put(&key, &value).await {
            Ok(()) => Ok(()),
            Err(error) => {
                // The leader may have changed.
                let _ = client.refresh(None).await;
                Err(error.to_string())
            }
        }
    })
    .await
    .with_context(|| format!("key {number}"))?;
    written.insert(key, value);
    Ok(())
}
