//! The CAS unique: it changes with each store, and is compared.

use super::{
    super::{Outcome, ensure, store::text},
    Need, Test,
    client::told,
    context::{Context, Engine},
    served,
};
use crate::host::memcached::{Code, Operation};
use std::collections::BTreeSet;

const CAS: &[Need] = &[Need::Cas];

pub(super) const TESTS: &[Test] = &[
    served(
        "mc_cas_told",
        "what store sets as the CAS unique is what get_item_info says, before and after a get",
        CAS,
        is_told,
    ),
    served("mc_cas_changes", "each store gives another CAS unique, and none is 0", CAS, changes),
    served("mc_cas_match", "OPERATION_CAS stores where the CAS unique is the item's", CAS, matches),
    served("mc_cas_other", "OPERATION_CAS leaves an item that has another CAS unique", CAS, other),
    served("mc_cas_absent", "OPERATION_CAS does not make a key that is absent", CAS, absent),
    served(
        "mc_cas_set",
        "a CAS unique in the item is compared in OPERATION_SET and OPERATION_REPLACE too",
        CAS,
        in_others,
    ),
    served("mc_cas_remove", "remove compares the CAS unique that it is given", CAS, remove),
];

fn is_told(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    for round in 0..3 {
        for operation in [Operation::Set, Operation::Replace, Operation::Append, Operation::Prepend]
        {
            let cas = {
                let item = client.item(b"told", b"value", 0, 0)?;
                let (code, cas) = client.store_item(&item, operation)?;
                if round == 0 && code == Code::NOT_STORED {
                    continue;
                }
                ensure!(code == Code::SUCCESS, "store with {operation:?} returned {code}");
                let joins = matches!(operation, Operation::Append | Operation::Prepend);
                let told = told(&item)?.cas;
                ensure!(
                    joins || told == cas,
                    "after {operation:?} store says the CAS unique {cas}, and get_item_info of \
                     the same item {told}"
                );
                cas
            };
            let found = client.info(b"told")?.cas;
            ensure!(
                found == cas,
                "store with {operation:?} says the CAS unique {cas}, and get finds {found}"
            );
        }
    }
    Ok(())
}

fn changes(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let mut seen = BTreeSet::new();
    for number in 0..500u32 {
        let operation = match number % 4 {
            _ if number == 0 => Operation::Add,
            0 => Operation::Set,
            1 => Operation::Replace,
            2 => Operation::Append,
            _ => Operation::Prepend,
        };
        let cas = client.store_as(operation, b"changes", b"1", Code::SUCCESS)?;
        ensure!(cas != 0, "store with {operation:?} set the CAS unique 0");
        ensure!(seen.insert(cas), "the CAS unique {cas} was given twice to one key");
        if number % 100 == 50 {
            client.delete(b"changes")?;
            let cas = client.store_as(Operation::Add, b"changes", b"1", Code::SUCCESS)?;
            ensure!(seen.insert(cas), "the CAS unique {cas} was given twice to one key");
        }
    }
    Ok(())
}

fn matches(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let mut cas = client.put(b"key", b"0")?;
    for number in 1..20 {
        let value = number.to_string().into_bytes();
        let (code, new) = client.swap(b"key", &value, cas)?;
        ensure!(code == Code::SUCCESS, "store with the item's CAS unique returned {code}");
        ensure!(new != cas, "a store with OPERATION_CAS left the CAS unique {cas}");
        client.expect(b"key", Some(&value))?;
        cas = new;
    }
    Ok(())
}

fn other(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let first = client.put(b"key", b"first")?;
    let cas = client.put(b"key", b"second")?;
    for wrong in [first, cas + 1, cas ^ 1 << 32, u64::MAX] {
        let (code, _) = client.swap(b"key", b"never", wrong)?;
        ensure!(
            code == Code::KEY_EEXISTS,
            "store with the CAS unique {wrong}, where the item has {cas}, returned {code}; it \
             should return {}",
            Code::KEY_EEXISTS
        );
        client.expect(b"key", Some(b"second"))?;
        let now = client.info(b"key")?.cas;
        ensure!(now == cas, "a store that was refused changed the CAS unique to {now}");
    }
    Ok(())
}

fn absent(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let old = client.put(b"key", b"value")?;
    client.delete(b"key")?;
    for cas in [old, 1, u64::MAX] {
        let (code, _) = client.swap(b"key", b"never", cas)?;
        ensure!(
            code == Code::KEY_ENOENT,
            "store with OPERATION_CAS of {}, which is absent, returned {code}; it should return \
             {}",
            text(b"key"),
            Code::KEY_ENOENT
        );
        client.expect(b"key", None)?;
    }
    Ok(())
}

fn in_others(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let cas = client.put(b"key", b"value")?;
    for operation in [Operation::Set, Operation::Replace] {
        let item = client.item(b"key", b"never", 0, 0)?;
        item.set_cas(cas + 1000);
        let (code, _) = client.store_item(&item, operation)?;
        ensure!(
            code == Code::KEY_EEXISTS,
            "{operation:?} of an item with another CAS unique returned {code}; it should return \
             {}",
            Code::KEY_EEXISTS
        );
        client.expect(b"key", Some(b"value"))?;
    }
    let item = client.item(b"key", b"new", 0, 0)?;
    item.set_cas(cas);
    let (code, _) = client.store_item(&item, Operation::Set)?;
    ensure!(code == Code::SUCCESS, "a set with the item's CAS unique returned {code}");
    client.expect(b"key", Some(b"new"))
}

fn remove(_: &Context, engine: &Engine) -> Outcome {
    let client = engine.connect();
    let first = client.put(b"key", b"first")?;
    let cas = client.put(b"key", b"second")?;
    for wrong in [first, cas + 1] {
        let code = client.remove(b"key", wrong)?;
        ensure!(
            code == Code::KEY_EEXISTS,
            "remove with another CAS unique returned {code}; it should return {}",
            Code::KEY_EEXISTS
        );
        client.expect(b"key", Some(b"second"))?;
    }
    let code = client.remove(b"key", cas)?;
    ensure!(code == Code::SUCCESS, "remove with the item's CAS unique returned {code}");
    client.expect(b"key", None)?;
    let code = client.remove(b"key", cas)?;
    ensure!(code == Code::KEY_ENOENT, "remove of an absent key returned {code}");
    Ok(())
}
