//! The store over a memcached in memory.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use kumo_files::{
    Condition, Error, Memory, Settings, Store,
    client::{ClientError, How, Memcached},
    keys,
};
use proptest::prelude::*;
use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

const CHUNK: u32 = 10;

fn store() -> Store<Memory> {
    store_with(|settings| settings)
}

fn store_with(change: fn(Settings) -> Settings) -> Store<Memory> {
    let chunk = NonZeroU32::new(CHUNK).expect("is not 0");
    Store::new(Memory::default(), change(Settings { chunk, ..Settings::default() }))
}

fn bytes(n: usize) -> Bytes {
    (0..n).map(|n| (n * 7 + n / 256) as u8).collect::<Vec<u8>>().into()
}

async fn read(store: &Store<Memory>, name: &str, from: u64, to: u64) -> Result<Bytes, Error> {
    let parts: Vec<Bytes> = store.find(name).await?.read(from..to).await?.try_collect().await?;
    Ok(parts.concat().into())
}

#[tokio::test]
async fn files_of_every_size_come_back() {
    let store = store();
    for size in [0, 1, 9, 10, 11, 20, 99, 100, 101, 5000] {
        let name = format!("file {size}");
        store.store(&name, bytes(size)).await.unwrap();
        assert_eq!(store.retrieve(&name).await.unwrap(), bytes(size), "{size}");
        let chunks = size.div_ceil(CHUNK as usize);
        assert_eq!(store.client().all_keys().len(), 1 + chunks);
        store.delete(&name, Condition::Any).await.unwrap();
        assert_eq!(store.client().all_keys(), [""; 0]);
        assert!(matches!(store.retrieve(&name).await, Err(Error::NotFound)));
        let gone = store.delete(&name, Condition::Any).await;
        assert!(matches!(gone, Err(Error::NotFound)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_range_of_what_was_written_in_any_parts(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20),
        from in 0..1200u64, length in 0..1200u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = store();
            let whole = parts.concat();
            let data = stream::iter(parts).map(|part| Ok::<_, Error>(Bytes::from(part)));
            store.write("file", None, Condition::New, data).await.unwrap();
            let end = |n: u64| whole.len().min(n as usize);
            let right = &whole[end(from)..end(from + length)];
            assert_eq!(read(&store, "file", from, from + length).await.unwrap(), right);
        });
    }
}

#[tokio::test]
async fn a_chunk_that_is_not_what_was_stored_is_an_error() {
    let store = store();
    store.store("a", bytes(95)).await.unwrap();
    store.store("b", bytes(95)).await.unwrap();
    let chunks: Vec<String> =
        store.client().all_keys().into_iter().filter(|key| !keys::is_metadata(key)).collect();
    let foreign = store.client().get(&chunks[15..16]).await.unwrap().remove(0).unwrap();
    for key in &chunks[..10] {
        let kept = store.client().remove(key).unwrap();
        let mut damaged = kept.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        let wrong = [None, Some(foreign.clone()), Some(damaged.into()), Some(Bytes::new())];
        for value in wrong {
            match value {
                Some(value) => store.client().insert(key, value),
                None => _ = store.client().remove(key),
            }
            let name = if key.starts_with(&keys::metadata("a")) { "a" } else { "b" };
            assert!(matches!(store.retrieve(name).await, Err(Error::Corrupted)));
        }
        store.client().insert(key, kept);
    }
    assert_eq!(store.retrieve("a").await.unwrap(), bytes(95));
}

#[tokio::test]
async fn what_the_original_stored_is_read_and_deleted() {
    let store = store();
    let key = keys::metadata("old");
    store.client().insert(&key, "3");
    for (n, part) in ["first", "secon", "d"].into_iter().enumerate() {
        store.client().insert(&format!("{key}::{n}"), part);
    }
    assert_eq!(store.retrieve("old").await.unwrap(), "firstsecond");
    assert_eq!(read(&store, "old", 3, 7).await.unwrap(), "stse");
    assert!(matches!(store.store("old", "x").await, Err(Error::Exists)));
    store.client().remove(&format!("{key}::1"));
    assert!(matches!(store.retrieve("old").await, Err(Error::Corrupted)));
    store.delete("old", Condition::Any).await.unwrap();
    assert_eq!(store.client().all_keys(), [""; 0]);

    store.client().insert(&key, "0");
    assert_eq!(store.retrieve("old").await.unwrap(), "");
    store.client().insert(&key, "what is this?");
    assert!(matches!(store.retrieve("old").await, Err(Error::Corrupted)));
    store.delete("old", Condition::Any).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_one_name_do_not_mix() {
    let store = store();
    let writers = (0..20u8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let data = stream::iter((0..30).map(|_| Ok::<_, Error>(Bytes::from(vec![n; 7]))));
            store.write("file", None, Condition::Any, data).await
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let data = store.retrieve("file").await.unwrap();
    assert_eq!(data, vec![data[0]; 210]);
    assert_eq!(store.client().all_keys().len(), 1 + 21, "the others' chunks are gone");
}

#[tokio::test]
async fn a_reader_sees_one_version() {
    let memory = Arc::new(Memory::default());
    let chunk = NonZeroU32::new(CHUNK).expect("is not 0");
    let store = || Store::new(memory.clone(), Settings { chunk, ..Settings::default() });
    let (store, other) = (store(), store());
    store.store("file", bytes(5000)).await.unwrap();
    let replace = async |n| {
        let data = stream::iter([Ok::<_, Error>(bytes(n))]);
        store.write("file", None, Condition::Present, data).await.unwrap()
    };
    // A reader of the same store has his version to its end, others have not.
    let before = store.find("file").await.unwrap();
    let elsewhere = other.find("file").await.unwrap();
    assert!(replace(300).await.replaced);
    let parts: Vec<Bytes> = before.read(0..5000).await.unwrap().try_collect().await.unwrap();
    assert_eq!(parts.concat(), bytes(5000));
    drop(before);
    store.finish().await;
    assert!(matches!(elsewhere.read(0..5000).await.err(), Some(Error::Replaced)));
    assert_eq!(memory.all_keys().len(), 1 + 30);
    assert_eq!(store.retrieve("file").await.unwrap(), bytes(300));

    // Behind a reader who never ends, they expire.
    let read = store.find("file").await.unwrap().read(0..5).await.unwrap();
    store.delete("file", Condition::Any).await.unwrap();
    assert_eq!(memory.all_keys().len(), 30);
    assert!(memory.all_expire());
    drop(read);
    store.finish().await;
    assert_eq!(memory.all_keys(), [""; 0]);
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let store = store_with(|settings| Settings { max_size: 200, ..settings });
    let mut upload = store.upload("cut off", None, Condition::New).await.unwrap();
    upload.write(bytes(95)).await.unwrap();
    drop(upload);

    let large = store.store("large", bytes(201)).await;
    assert!(matches!(large, Err(Error::TooLarge { max: 200 })));
    let broken = stream::iter([Ok(bytes(50)), Err("the cable")]);
    let broken = store.write("broken", None, Condition::New, broken).await;
    assert!(matches!(broken, Err(Error::Source(_))), "{broken:?}");

    store.store("kept", bytes(5)).await.unwrap();
    let mut late = store.upload("late", None, Condition::New).await.unwrap();
    late.write(bytes(30)).await.unwrap();
    store.store("late", "first").await.unwrap();
    assert!(matches!(late.commit().await, Err(Error::Exists)));

    store.finish().await;
    assert_eq!(store.client().all_keys().len(), 4);
    assert_eq!(store.retrieve("late").await.unwrap(), "first");
}

#[tokio::test(start_paused = true)]
async fn chunks_of_nobody_expire_and_those_of_files_do_not() {
    let store =
        store_with(|settings| Settings { upload_limit: Duration::from_secs(60), ..settings });
    store.store("kept", bytes(30)).await.unwrap();
    let mut upload = store.upload("killed", None, Condition::New).await.unwrap();
    upload.write(bytes(100)).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    // As a process that is killed: nothing is tidied up.
    std::mem::forget(upload);
    let mut slow = store.upload("slow", None, Condition::New).await.unwrap();
    slow.write(bytes(100)).await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(matches!(slow.commit().await, Err(Error::Lost)));
    store.finish().await;
    assert_eq!(store.client().all_keys().len(), 4);
    assert_eq!(store.retrieve("kept").await.unwrap(), bytes(30));
}

#[tokio::test]
async fn a_server_with_small_items_says_what_to_do() {
    let memory = Memory::default().with_limit(100).without_listing();
    let store = Store::new(memory, Settings::default());
    let text = store.store("file", bytes(101)).await.unwrap_err().to_string();
    assert!(
        text.contains("117 bytes") && text.contains("--chunk") && text.contains("-I"),
        "{text}"
    );
    let unlistable = store.list("").await;
    assert!(matches!(unlistable, Err(Error::Client(ClientError::Unlistable))));
}

#[tokio::test]
async fn conditions() {
    let store = store();
    let put = async |condition| {
        let data = stream::iter([Ok::<_, Error>(bytes(15))]);
        store.write("file", Some("a/b"), condition, data).await
    };
    assert!(matches!(put(Condition::Present).await, Err(Error::Mismatch)));
    let first = put(Condition::New).await.unwrap();
    assert!(matches!(put(Condition::New).await, Err(Error::Exists)));
    let tags = |tag: &str| Condition::OneOf(vec!["x".to_owned(), tag.to_owned()]);
    let second = put(tags(&first.tag)).await.unwrap();
    assert!(second.replaced && second.tag != first.tag);
    assert!(matches!(put(tags(&first.tag)).await, Err(Error::Mismatch)));
    let old = store.delete("file", tags(&first.tag)).await;
    assert!(matches!(old, Err(Error::Mismatch)));
    let file = store.find("file").await.unwrap();
    assert_eq!((file.tag.as_str(), file.media_type.as_deref()), (&*second.tag, Some("a/b")));
    store.delete("file", tags(&second.tag)).await.unwrap();
}

#[tokio::test]
async fn names() {
    let store = store();
    for bad in [String::new(), "x".repeat(4097)] {
        assert!(matches!(store.store(&bad, "x").await, Err(Error::Name)));
    }
    for name in ["a/b", "../..", "ä\r\n\0 ", &"x".repeat(4096)] {
        store.store(name, "x").await.unwrap();
        assert_eq!(store.retrieve(name).await.unwrap(), "x");
    }
    store.client().insert(&keys::metadata("old"), "1");
    let listing = store.list("").await.unwrap();
    assert_eq!((listing.files.len(), listing.unnamed), (4, 1));
    let listing = store.list("a/").await.unwrap();
    assert_eq!(listing.files[0].name, "a/b");
}

#[tokio::test]
async fn another_name_with_the_same_md5_is_not_overwritten() {
    let store = store();
    store.store("one", "1").await.unwrap();
    let value = store.client().remove(&keys::metadata("one")).unwrap();
    store.client().insert(&keys::metadata("two"), value);
    assert!(matches!(store.retrieve("two").await, Err(Error::NotFound)));
    assert!(matches!(store.delete("two", Condition::Any).await, Err(Error::NotFound)));
    assert!(matches!(store.store("two", "2").await, Err(Error::Collision)));
}

/// A server that is late: it does what it was asked, when the client has long
/// given up.
#[derive(Debug, Default)]
struct Late {
    memory: Memory,
    late: Mutex<Option<Pending>>,
    waits: AtomicBool,
}

/// A store of metadata that is yet to be done.
type Pending = (How, String, Vec<Bytes>, i64);

impl Late {
    /// It gets to what is yet to be done; whether that is done then.
    async fn catch_up(&self) -> bool {
        let late = self.late.lock().expect("no panic").take();
        let (how, key, parts, expiry) = late.expect("a store");
        self.memory.store(how, &key, &parts, expiry).await.expect("room")
    }
}

impl Memcached for Late {
    async fn get(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, ClientError> {
        self.memory.get(keys).await
    }

    async fn gets(&self, key: &str) -> Result<Option<(Bytes, u64)>, ClientError> {
        self.memory.gets(key).await
    }

    async fn store(
        &self,
        how: How,
        key: &str,
        parts: &[Bytes],
        expiry: i64,
    ) -> Result<bool, ClientError> {
        if keys::is_metadata(key) && self.waits.swap(false, Relaxed) {
            *self.late.lock().expect("no panic") =
                Some((how, key.to_owned(), parts.to_vec(), expiry));
            let (address, silence) = ("here".to_owned(), Duration::from_secs(5));
            return Err(ClientError::Silent { address, silence });
        }
        self.memory.store(how, key, parts, expiry).await
    }

    async fn touch(&self, keys: &[String], expiry: i64) -> Result<bool, ClientError> {
        self.memory.touch(keys, expiry).await
    }

    async fn exist(&self, keys: &[String]) -> Result<bool, ClientError> {
        self.memory.exist(keys).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), ClientError> {
        self.memory.delete(keys).await
    }

    async fn keys(&self, keep: fn(&str) -> bool) -> Result<Vec<String>, ClientError> {
        self.memory.keys(keep).await
    }
}

#[tokio::test]
async fn a_switch_that_comes_late_does_not_come() {
    let client = Arc::new(Late::default());
    let chunk = NonZeroU32::new(CHUNK).expect("is not 0");
    let store = Store::new(client.clone(), Settings { chunk, ..Settings::default() });

    // Of a new name, twice: what is left of the first is no file.
    for _ in 0..2 {
        client.waits.store(true, Relaxed);
        let stored = store.store("new", bytes(50)).await;
        assert!(matches!(stored, Err(Error::Client(ClientError::Silent { .. }))), "{stored:?}");
        assert!(!client.catch_up().await);
        assert!(matches!(store.retrieve("new").await, Err(Error::NotFound)));
        let gone = store.delete("new", Condition::Any).await;
        assert!(matches!(gone, Err(Error::NotFound)));
    }
    store.store("new", bytes(20)).await.unwrap();

    // Of a name that has a file, which stays.
    client.waits.store(true, Relaxed);
    let data = stream::iter([Ok::<_, ClientError>(bytes(70))]);
    let stored = store.write("new", None, Condition::Any, data).await;
    assert!(matches!(stored, Err(Error::Client(ClientError::Silent { .. }))), "{stored:?}");
    assert!(!client.catch_up().await);
    assert_eq!(store.retrieve("new").await.unwrap(), bytes(20));
    store.finish().await;
    assert_eq!(client.memory.all_keys().len(), 3);
}
