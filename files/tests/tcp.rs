//! The client over TCP, against servers that misbehave.

use kumo_files::{
    Tcp,
    client::{ClientError, How, Memcached},
};
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// A server under the test's own control.
struct Fake(TcpListener);

/// One of its connections.
struct Accepted {
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
}

impl Fake {
    async fn new(patience: Duration) -> (Self, Tcp) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback works");
        let address = listener.local_addr().expect("loopback works").to_string();
        (Self(listener), Tcp::new(&address, patience))
    }

    async fn accept(&self) -> Accepted {
        let (from, to) = self.0.accept().await.expect("loopback works").0.into_split();
        Accepted { from: BufReader::new(from), to }
    }
}

impl Accepted {
    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).await.expect("loopback works");
        line.trim_end().to_owned()
    }

    /// Waits for a request and answers it.
    async fn answer(&mut self, request: &str, answer: &str) {
        assert_eq!(self.line().await, request);
        self.to.write_all(answer.as_bytes()).await.expect("loopback works");
    }
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_call_that_was_dropped_does_not_disturb_the_next_one() {
    let (fake, client) = Fake::new(LONG).await;
    let asks = client.gets("slow");
    let late = async {
        let mut connection = fake.accept().await;
        assert_eq!(connection.line().await, "gets slow");
        connection
    };
    // The call is dropped when its request has arrived.
    let mut late = tokio::select! {
        _ = asks => panic!("nobody answered"),
        connection = late => connection,
    };
    let _ = late.to.write_all(b"VALUE slow 0 1 1\r\nx\r\nEND\r\n").await;

    let serve = async {
        let mut connection = fake.accept().await;
        connection.answer("gets quick", "VALUE quick 0 1 2\r\ny\r\nEND\r\n").await;
        // The same connection serves again.
        connection.answer("gets quick", "END\r\n").await;
    };
    let ask = async {
        let (value, unique) = client.gets("quick").await.unwrap().unwrap();
        assert_eq!((&value[..], unique), (&b"y"[..], 2));
        assert_eq!(client.gets("quick").await.unwrap(), None);
    };
    timeout(LONG, async { tokio::join!(serve, ask) }).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    let (fake, client) = Fake::new(LONG).await;
    let serve = async {
        let mut connection = fake.accept().await;
        connection.answer("delete a", "DELETED\r\n").await;
        drop(connection);
        // And one that says what nobody asked for.
        let mut connection = fake.accept().await;
        connection.answer("delete b", "NOT_FOUND\r\nERROR\r\n").await;
        fake.accept().await.answer("delete c", "DELETED\r\n").await;
        connection
    };
    let ask = async {
        for key in ["a", "b", "c"] {
            // On this one thread the server has closed when its answer is read.
            client.delete(&[key.to_owned()]).await.unwrap();
        }
    };
    timeout(LONG, async { tokio::join!(serve, ask) }).await.unwrap();
}

#[tokio::test]
async fn failures_are_told_apart() {
    let (fake, client) = Fake::new(LONG).await;
    let serve = async {
        let mut broken = fake.accept().await;
        broken.answer("get a", "VALUE a 0 10\r\nhalf").await;
        drop(broken);
        fake.accept().await.answer("get a", "<html>\r\n").await;
        fake.accept().await.answer("get a", "SERVER_ERROR \x1b[2J\r\n").await;
        let mut refuses = fake.accept().await;
        assert_eq!(refuses.line().await, "set a 0 0 3");
        refuses.answer("abc", "SERVER_ERROR object too large for cache\r\n").await;
        let mut old = fake.accept().await;
        old.answer("lru_crawler metadump hash", "CLIENT_ERROR bad class id\r\n").await;
        old.answer("lru_crawler metadump all", "key=a%3Ab exp=-1\nkey=c exp=-1\nEND\r\n").await;
    };
    let ask = async {
        let get = async || client.get(&["a".to_owned()]).await.unwrap_err();
        assert!(matches!(get().await, ClientError::Broken { .. }));
        assert!(matches!(get().await, ClientError::Nonsense { .. }));
        let refused = get().await.to_string();
        assert_eq!(refused, "memcached refused: SERVER_ERROR \\u{1b}[2J");
        let stored = client.store(How::Set, "a", &["abc".into()], 0).await;
        assert!(matches!(stored, Err(ClientError::ValueTooLarge { size: 3 })));
        assert_eq!(client.keys(|key| key != "c").await.unwrap(), ["a:b"]);
    };
    timeout(LONG, async { tokio::join!(serve, ask) }).await.unwrap();
}

#[tokio::test]
async fn a_silent_server_is_named() {
    let (fake, client) = Fake::new(Duration::from_millis(200)).await;
    let address = fake.0.local_addr().unwrap().to_string();
    let error = timeout(LONG, client.gets("a")).await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Silent { .. }), "{error}");
    assert!(error.to_string().contains(&address), "{error}");

    drop(fake);
    let error = timeout(LONG, client.gets("a")).await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
}
