//! The log, as an engine uses it.

use super::on;

#[test]
fn messages_levels_and_a_logger_of_its_own() {
    let server = on!("logs").start();
    let said = server.process.stderr();
    assert!(said.contains("logs: warning 3 of four, 0.5"), "{said}");
    assert!(!said.contains("logs: info"), "{said}");
    // How much is logged, told by the client and then by the engine.
    let mut client = server.client();
    assert_eq!(client.ask("verbosity 2\r\n"), "OK");
    assert_eq!(client.set("level", "2"), "STORED");
    let said = server.process.stderr();
    assert!(said.contains("logs: own logger: warning: the level is 1"), "{said}");
    assert!(said.contains("logs: own logger: warning: the level is 2"), "{said}");
    server.stop();
}

#[test]
fn with_v_more_is_shown() {
    let server = on!("logs").arguments(["-vv"]).start();
    let said = server.process.stderr();
    for line in ["logs: debug 1", "logs: info 2", "logs: warning 3"] {
        assert!(said.contains(line), "no {line} in {said}");
    }
    assert!(!said.contains("logs: detail 0"), "{said}");
    server.stop();
}

/// The engine may stop the server, which ends in order.
#[test]
fn an_engine_stops_the_server() {
    let mut server = on!("logs").start();
    assert_eq!(server.client().set("stop", "x"), "STORED");
    assert_eq!(server.process.wait().code(), Some(0));
}
