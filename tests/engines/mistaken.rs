//! What an author gets wrong does no more harm than it must.

use super::on;

#[test]
fn a_sum_that_is_always_too_late_ends() {
    let mut server = on!("mistaken").arguments(["-t", "1"]).start();
    let mut client = server.client();
    assert_eq!(client.set("number", "1"), "STORED");
    assert_eq!(client.ask("incr number 1\r\n"), "SERVER_ERROR temporary failure");
    server.assert_well();
    server.stop();
}

#[test]
fn a_piece_that_is_nowhere_is_not_sent() {
    let mut server = on!("mistaken").start();
    let mut client = server.client();
    assert_eq!(client.set("nowhere", "x"), "STORED");
    let answer = client.ask("get nowhere\r\n");
    assert!(answer.starts_with("SERVER_ERROR") && answer.contains("get_item_info"), "{answer}");
    server.assert_well();
    server.stop();
}

/// Asked to stop before it serves, from a thread that takes no signals, the
/// server stops in order.
#[test]
fn a_stop_from_within_initialize() {
    let setup = on!("mistaken").arguments(["-e", "stop"]);
    let (mut process, _) = setup.spawn();
    let status = process.wait();
    let said = process.stderr();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("mistaken: destroy"), "{said}");
}
