//! What an engine keeps for a connection.

use super::{on, stat};
use crate::common::{Client, eventually};
use socket2::SockRef;
use std::{io::Write, net::TcpStream, time::Duration};

#[test]
fn each_connection_has_its_own() {
    let server = on!("percookie").start();
    let mut clients: Vec<Client> = (0..10).map(|_| server.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        for _ in 0..=number {
            assert_eq!(client.get("nothing"), None);
        }
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(stat(client, "requests"), number as u64 + 1);
        assert_eq!(stat(client, "has_socket"), 1);
        assert_eq!(stat(client, "has_user"), 0);
    }
    assert_eq!(stat(&mut clients[0], "connected"), 10);
    clients.truncate(1);
    eventually("the others are gone", || (stat(&mut clients[0], "disconnects") == 9).then_some(()));
    server.stop();
}

/// A client that is gone is noticed although its answer never comes, and the
/// cookie that the engine has reserved outlives it.
#[test]
fn a_reserved_cookie_outlives_its_client() {
    let server = on!("percookie").start();
    let mut other = server.client();
    // One closes, one resets the connection.
    for linger in [None, Some(Duration::ZERO)] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
        SockRef::from(&stream).set_linger(linger).expect("an option");
        let before = stat(&mut other, "released");
        stream.write_all(b"get stuck\r\nget behind it\r\n").expect("sent");
        eventually("it waits", || (stat(&mut other, "stuck") == before + 1).then_some(()));
        drop(stream);
        eventually("the engine has released it", || {
            (stat(&mut other, "released") == before + 1).then_some(())
        });
    }
    server.stop();
}
