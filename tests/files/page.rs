//! The page, in a browser.

use crate::{
    backend::Backend,
    common::{Browser, FileServer, eventually, skip::skip, temp_dir},
};
use serde_json::json;
use std::{env, fs, path::Path};

const NO_BROWSER: &str = "no Chromium: apt-get install chromium";

/// A picture with something to see, and no larger than a browser likes.
fn picture() -> String {
    let colours = ["#2f6f5e", "#d9a441", "#b3261e"];
    let circles = colours.iter().enumerate().map(|(n, colour)| {
        format!("<circle cx='{}' cy='60' r='34' fill='{colour}'/>", 45 + n * 40)
    });
    let circles: String = circles.collect();
    format!("<svg xmlns='http://www.w3.org/2000/svg' width='170' height='120'>{circles}</svg>")
}

#[test]
fn files_are_stored_looked_at_and_deleted() {
    let Some(backend) = Backend::memcached() else {
        skip!("no memcached: apt-get install memcached");
    };
    let Some(mut browser) = Browser::start() else { skip!("{NO_BROWSER}") };
    let files = FileServer::start(backend.port(), &["--chunk", "64k"]);
    let dir = temp_dir();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("circles.svg"), picture()).expect("a file");
    fs::write(path("a letter.txt"), "<b>hello</b>").expect("a file");
    fs::write(path("large.bin"), vec![7; 30 << 20]).expect("a file");

    browser.open(&format!("http://127.0.0.1:{}/", files.port));
    browser.until("!document.getElementById('empty').hidden");
    // How far an upload is shows while it goes on.
    browser.value(
        "window.seen = []; new MutationObserver(() => document.querySelectorAll('progress')
           .forEach(bar => seen.push(bar.value)))
           .observe(document.getElementById('uploads'), {subtree: true, childList: true,
             attributes: true, characterData: true}); 0",
    );
    let all = [path("circles.svg"), path("a letter.txt"), path("large.bin")];
    browser.choose("#choose", &all.each_ref().map(|path| path.as_path()));
    browser.until("document.querySelectorAll('#files tr').length === 3");
    assert_eq!(browser.value("document.querySelectorAll('#uploads li').length"), 0);
    let steps = browser.value("seen.some(value => value > 0 && value <= 1)");
    assert_eq!(steps, true, "no progress was shown");
    let names = "[...document.querySelectorAll('#files a')].map(link => link.textContent)";
    assert_eq!(browser.value(names), json!(["a letter.txt", "circles.svg", "large.bin"]));
    assert_eq!(files.ask("GET", "/file/large.bin", &[], b"").body, vec![7; 30 << 20]);

    // A link loads the file; nothing in it became part of the page.
    let link = "fetch(document.querySelector('#files a').href).then(answer => answer.text())";
    assert_eq!(browser.value(link), "<b>hello</b>");
    let downloads = dir.path().join("downloads");
    let allow = json!({"behavior": "allow", "downloadPath": downloads});
    browser.command("Browser.setDownloadBehavior", allow);
    browser.value("document.querySelector('#files a').click(), 0");
    eventually("a download", || {
        let text = fs::read_to_string(downloads.join("a letter.txt")).ok()?;
        (text == "<b>hello</b>").then_some(())
    });

    // The picture shows, small and then large.
    browser.until("document.querySelector('.thumb').complete !== false");
    if env::var_os("KUMO_UPDATE_SCREENSHOT").is_some() {
        save(&browser.screenshot());
    }
    assert!(browser.screenshot().len() > 1000);
    browser.value("document.querySelector('.thumb').click(), 0");
    browser.until("document.querySelector('dialog[open] img').naturalWidth === 170");
    browser.value("document.querySelector('dialog button').click(), 0");
    browser.until("!document.querySelector('dialog').open");

    // Names that begin with.
    browser.value(
        "const input = document.getElementById('prefix'); input.value = 'c';
         input.dispatchEvent(new Event('input')), 0",
    );
    browser.until("document.querySelectorAll('#files tr').length === 1");

    browser
        .value("window.confirm = () => true; document.querySelector('#files button').click(), 0");
    browser.until("document.querySelectorAll('#files tr').length === 0");
    files.ask("GET", "/file/circles.svg", &[], b"").is_error(404, "File not found");
    assert_eq!(browser.complaints(), [""; 0]);
    files.stop();
}

#[test]
fn without_a_list_the_page_knows_its_own_files() {
    let Some(mut browser) = Browser::start() else { skip!("{NO_BROWSER}") };
    let backend = Backend::kumo();
    let files = FileServer::start(backend.port(), &["--max-size", "1m"]);
    let dir = temp_dir();
    let (small, large) = (dir.path().join("small"), dir.path().join("large"));
    fs::write(&small, "small").expect("a file");
    fs::write(&large, vec![0; 2 << 20]).expect("a file");
    browser.open(&format!("http://127.0.0.1:{}/", files.port));
    browser.choose("#choose", &[&small, &large]);
    browser.until("document.querySelectorAll('#files tr').length === 1");
    let note = browser.value("document.getElementById('note').textContent");
    assert!(note.as_str().is_some_and(|note| note.contains("cannot list its keys")), "{note}");
    // One that another browser stored is there for who knows its name.
    files.ask("PUT", "/file/known%20name", &[], b"x").is_empty(201);
    browser.value(
        "const input = document.getElementById('prefix'); input.value = 'known name';
         input.dispatchEvent(new Event('input')), 0",
    );
    let found = "document.querySelector('#files a')?.textContent === 'known name'";
    browser.until(found);
    let failed = browser.value("document.querySelector('#uploads .failed').textContent");
    assert!(failed.as_str().is_some_and(|text| text.contains("File is too large")), "{failed}");
    files.stop();
}

/// docs/files.png, made anew.
fn save(base64: &str) {
    let to = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/files.png");
    let mut command = std::process::Command::new("base64");
    command.arg("-d").stdin(std::process::Stdio::piped());
    command.stdout(fs::File::create(to).expect("docs/files.png"));
    let mut child = command.spawn().expect("base64");
    let mut pipe = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut pipe, base64.as_bytes()).expect("it reads");
    drop(pipe);
    assert!(child.wait().expect("it ends").success());
}
