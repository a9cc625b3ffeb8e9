//! A million bytes of requests, random ones and good ones gone bad.

use super::Watched;
use crate::common::{Engine, PATIENCE, Random, Setup, client::Progress, engines::on_every_engine};

const BYTES: usize = 1_000_000;

/// What is mutated. shutdown is not among them.
const GOOD: [&[u8]; 28] = [
    b"get a\r\n",
    b"get a b c d e f g\r\n",
    b"gets a b\r\n",
    b"gat 0 a b\r\n",
    b"gats 100 a\r\n",
    b"set a 0 0 5\r\nhello\r\n",
    b"set b 4294967295 100 1 noreply\r\nx\r\n",
    b"set c 0 -1 0\r\n\r\n",
    b"add a 1 2 3\r\nabc\r\n",
    b"replace a 1 2 3\r\nabc\r\n",
    b"append a 0 0 2\r\nxy\r\n",
    b"prepend a 0 0 2\r\nxy\r\n",
    b"cas a 0 0 1 18446744073709551615\r\nx\r\n",
    b"delete a\r\n",
    b"delete a noreply\r\n",
    b"set n 0 0 2\r\n10\r\n",
    b"incr n 18446744073709551615\r\n",
    b"decr n 1 noreply\r\n",
    b"touch a 2147483647\r\n",
    b"flush_all\r\n",
    b"flush_all 10 noreply\r\n",
    b"stats\r\n",
    b"stats settings\r\n",
    b"stats reset\r\n",
    b"version\r\n",
    b"verbosity 1\r\n",
    b"quit\r\n",
    b"mg a v t f\r\n",
];

fn nonsense(engine: Engine) {
    let mut random = Random::new("nonsense");
    let watched = Watched::start(&Setup::new(engine));
    let mut sent = 0;
    while sent < BYTES {
        let request = request(&mut random);
        sent += request.len();
        let mut client = watched.client();
        // Whether the server closes in the midst of it is its own affair.
        let _ = client.try_send(&request);
        client.finish();
        // What it answers too; but the answer comes to an end.
        let end = client.read_until(PATIENCE, |_| Progress::More).expect_err("no such answer");
        assert!(end.closed(), "it neither answers nor closes: {}", request.escape_ascii());
    }
    // One that it asked for may still be due.
    assert_eq!(watched.client().ask("flush_all\r\n"), "OK");
    watched.end();
}

on_every_engine!(nonsense);

/// A few kilobytes.
fn request(random: &mut Random) -> Vec<u8> {
    if random.one_in(8) {
        let length = random.below(3000);
        return random.bytes(length);
    }
    let mut request = Vec::new();
    for _ in 0..1 + random.below(60) {
        request.extend_from_slice(random.pick::<&[u8]>(&GOOD));
    }
    for _ in 0..random.below(20) {
        mutate(&mut request, random);
    }
    request
}

fn mutate(request: &mut Vec<u8>, random: &mut Random) {
    if request.is_empty() {
        return;
    }
    let at = random.below(request.len());
    match random.below(7) {
        0 => request[at] ^= 1 << random.below(8),
        1 => request[at] = random.next() as u8,
        2 => drop(request.remove(at)),
        3 => request.insert(at, *random.pick(b" \r\n\0-0919\xff")),
        4 => request.truncate(at),
        5 => {
            let end = at + random.below(request.len() - at);
            let copy = request[at..end].to_vec();
            let to = random.below(request.len());
            request.splice(to..to, copy);
        }
        _ => {
            let numbers =
                ["2147483648", "18446744073709551616", "-1", "1048576", "0000000000000000"];
            request.splice(at..at, random.pick(&numbers).bytes());
        }
    }
    // Mutations that double it must not run away.
    request.truncate(8000);
}
