//! A headless Chromium, led over its DevTools protocol.

use super::{Http, PATIENCE, Process, eventually, temp_dir};
use serde_json::{Value, json};
use std::{
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tungstenite::{Message, WebSocket, stream::MaybeTlsStream};

/// A browser with one page.
pub struct Browser {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    asked: u64,
    /// What has happened and is not an answer.
    events: Vec<Value>,
    process: Process,
    _dir: tempfile::TempDir,
}

impl Browser {
    /// None where there is no Chromium. `KUMO_TEST_CHROMIUM` names another than
    /// those on the PATH.
    pub fn start() -> Option<Self> {
        let named = std::env::var("KUMO_TEST_CHROMIUM").ok();
        let usual = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
        let program = named.into_iter().chain(usual).find(|name| {
            Command::new(name).arg("--version").output().is_ok_and(|run| run.status.success())
        })?;
        let dir = temp_dir();
        let mut command = Command::new(program);
        command
            // Its sandbox does not work for root, nor in every container.
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-extensions", "--disable-background-networking"])
            .args(["--window-size=900,640", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
            .arg("about:blank")
            .env("HOME", dir.path());
        let mut process = Process::start(&mut command, &dir.path().join("stderr"));
        let file = dir.path().join("profile/DevToolsActivePort");
        let port: u16 = eventually("the browser's port", || {
            assert!(process.is_running(), "the browser ended:\n{}", process.stderr());
            std::fs::read_to_string(&file).ok()?.lines().next()?.parse().ok()
        });
        let url = eventually("a page", || {
            let pages = Http::connect(port).ask("GET", "/json/list", &[], b"").body;
            let pages: Value = serde_json::from_slice(&pages).ok()?;
            let page = pages.as_array()?.iter().find(|page| page["type"] == "page")?;
            Some(format!("ws://127.0.0.1:{port}/devtools/page/{}", page["id"].as_str()?))
        });
        let (socket, _) = tungstenite::connect(url).expect("the browser's web socket");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        }
        let events = Vec::new();
        let mut browser = Self { socket, asked: 0, events, process, _dir: dir };
        for domain in ["Page", "Runtime", "DOM", "Log"] {
            browser.command(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// A command of the protocol; its result.
    pub fn command(&mut self, method: &str, parameters: Value) -> Value {
        self.asked += 1;
        let command = json!({"id": self.asked, "method": method, "params": parameters});
        self.socket.send(Message::text(command.to_string())).expect("the browser listens");
        loop {
            let message = self.socket.read().unwrap_or_else(|error| panic!("{method}: {error}"));
            let Message::Text(text) = message else { continue };
            let mut answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] != self.asked {
                self.events.push(answer);
                continue;
            }
            assert!(answer.get("error").is_none(), "{method}: {answer}");
            return answer["result"].take();
        }
    }

    /// The value of an expression in the page; a promise is waited for.
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut result = self.command("Runtime.evaluate", parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        eventually(expression, || (self.value(expression) == true).then_some(()));
    }

    pub fn open(&mut self, url: &str) {
        self.command("Page.navigate", json!({"url": url}));
        let there = format!("location.href === {url:?} && document.readyState === 'complete'");
        self.until(&there);
    }

    /// Chooses files in an `input`, as its dialog does.
    pub fn choose(&mut self, selector: &str, files: &[&Path]) {
        let document = self.command("DOM.getDocument", json!({}));
        let root = &document["root"]["nodeId"];
        let found =
            self.command("DOM.querySelector", json!({"nodeId": root, "selector": selector}));
        let files = json!({"files": files, "nodeId": found["nodeId"]});
        self.command("DOM.setFileInputFiles", files);
    }

    /// A picture of the page, as PNG in base64.
    pub fn screenshot(&mut self) -> String {
        let picture = self.command("Page.captureScreenshot", json!({"format": "png"}));
        picture["data"].as_str().expect("a picture").to_owned()
    }

    /// Errors that the page has had: exceptions, and what the console says.
    pub fn complaints(&self) -> Vec<String> {
        let bad = |event: &&Value| {
            event["method"] == "Runtime.exceptionThrown"
                || event["params"]["entry"]["level"] == "error"
        };
        self.events.iter().filter(bad).map(ToString::to_string).collect()
    }
}

impl Drop for Browser {
    /// So that its processes are gone before their directory goes.
    fn drop(&mut self) {
        let close = Message::text(r#"{"id": 0, "method": "Browser.close"}"#);
        let end = Instant::now() + Duration::from_secs(5);
        let asked = self.socket.send(close).is_ok();
        while asked && self.process.is_running() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
