//! The results, for people and for programs.

use super::{Done, Settings, Verdict};
use kumo_plugin::abi::{
    KUMO_CAP_BACKUP_BLOCKS, KUMO_CAP_DURABLE_SYNC, KUMO_CAP_ORDERED, KUMO_CAP_REENTRANT_SCAN,
    KUMO_CAP_VOLATILE,
};
use serde::Serialize;
use std::fmt::Write;

/// The capabilities and what they are called.
pub const CAPS: [(u64, &str); 5] = [
    (KUMO_CAP_VOLATILE, "volatile"),
    (KUMO_CAP_ORDERED, "ordered"),
    (KUMO_CAP_DURABLE_SYNC, "durable-sync"),
    (KUMO_CAP_BACKUP_BLOCKS, "backup-blocks"),
    (KUMO_CAP_REENTRANT_SCAN, "reentrant-scan"),
];

/// What stands among them for an engine of memcached's interface that heeds
/// neither expiries nor the time of a flush: it cannot say so.
pub const TIMELESS: &str = "no-expiry";

/// How many passed, failed and were skipped.
pub fn count(results: &[Done]) -> (usize, usize, usize) {
    let of =
        |wanted: fn(&Verdict) -> bool| results.iter().filter(|done| wanted(&done.verdict)).count();
    (
        of(|verdict| matches!(verdict, Verdict::Passed)),
        of(|verdict| matches!(verdict, Verdict::Failed(_))),
        of(|verdict| matches!(verdict, Verdict::Skipped(_))),
    )
}

/// One test, on a line; what else is to be said of a failure stands below, set
/// in.
pub fn line(done: &Done, colours: bool) -> String {
    let (word, colour, reason) = match &done.verdict {
        Verdict::Passed => ("ok", "32", ""),
        Verdict::Failed(reason) => ("FAILED", "31;1", &reason[..]),
        Verdict::Skipped(reason) => ("skipped", "33", &reason[..]),
    };
    let word = match colours {
        true => format!("\x1b[{colour}m{word:<7}\x1b[0m"),
        false => format!("{word:<7}"),
    };
    let mut line = format!("{word} {:>7.3} s  {}", done.time.as_secs_f64(), done.name);
    let mut lines = reason.lines();
    if let Some(first) = lines.next() {
        line.push_str(": ");
        line.push_str(first);
    }
    for more in lines {
        line.push_str("\n                     ");
        line.push_str(more);
    }
    line
}

/// The last line.
pub fn summary(results: &[Done]) -> String {
    let (passed, failed, skipped) = count(results);
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

#[derive(Serialize)]
struct Json<'a> {
    plugin: String,
    seed: u64,
    rounds: u32,
    passed: usize,
    failed: usize,
    skipped: usize,
    tests: Vec<JsonTest<'a>>,
}

#[derive(Serialize)]
struct JsonTest<'a> {
    name: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    seconds: f64,
}

/// Everything, as one JSON object.
pub fn json(settings: &Settings, results: &[Done]) -> String {
    let (passed, failed, skipped) = count(results);
    let tests = results.iter().map(|done| {
        let (result, reason) = match &done.verdict {
            Verdict::Passed => ("passed", None),
            Verdict::Failed(reason) => ("failed", Some(&reason[..])),
            Verdict::Skipped(reason) => ("skipped", Some(&reason[..])),
        };
        JsonTest { name: done.name, result, reason, seconds: done.time.as_secs_f64() }
    });
    let all = Json {
        plugin: settings.library.display().to_string(),
        seed: settings.seed,
        rounds: settings.rounds,
        passed,
        failed,
        skipped,
        tests: tests.collect(),
    };
    // Strings and numbers have a form always.
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

/// Everything, as JUnit's XML, which the tools of continuous integration read.
pub fn junit(settings: &Settings, results: &[Done]) -> String {
    let (_, failed, skipped) = count(results);
    let time: f64 = results.iter().map(|done| done.time.as_secs_f64()).sum();
    let plugin = escape(&settings.library.display().to_string());
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{plugin}\" \
         tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time:.3}\">\n",
        results.len()
    );
    for done in results {
        let inside = match &done.verdict {
            Verdict::Passed => String::new(),
            Verdict::Failed(reason) => {
                let first = escape(reason.lines().next().unwrap_or_default());
                format!("<failure message=\"{first}\">{}</failure>", escape(reason))
            }
            Verdict::Skipped(reason) => format!("<skipped message=\"{}\"/>", escape(reason)),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            xml,
            "    <testcase classname=\"kumo.kit\" name=\"{}\" time=\"{:.3}\">{inside}</testcase>",
            done.name,
            done.time.as_secs_f64()
        );
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Text as XML takes it; what XML cannot express becomes a question mark.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            control if control < ' ' => escaped.push('?'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn settings() -> Settings {
        Settings {
            library: "lib<x>.so".into(),
            family: crate::kit::Family::Plugin,
            options: vec![],
            seed: 1,
            rounds: 1,
            limit: Duration::from_secs(1),
            assumed: 0,
            timeless: false,
            command: vec![],
        }
    }

    fn results() -> Vec<Done> {
        let done = |name, verdict| Done { name, verdict, time: Duration::from_millis(1500) };
        vec![
            done("good", Verdict::Passed),
            done("bad", Verdict::Failed("a \"b\" < c\n\u{1}more".to_owned())),
            done("none", Verdict::Skipped("no sync".to_owned())),
        ]
    }

    #[test]
    fn the_forms_hold_the_same() {
        let results = results();
        assert_eq!(summary(&results), "1 passed, 1 failed, 1 skipped");
        assert_eq!(line(&results[0], false), "ok        1.500 s  good");
        assert!(line(&results[1], true).contains("\x1b[31;1mFAILED"));
        let json: serde_json::Value = serde_json::from_str(&json(&settings(), &results)).unwrap();
        assert_eq!(json["failed"], 1);
        assert_eq!(json["tests"][1]["reason"], "a \"b\" < c\n\u{1}more");
        let xml = junit(&settings(), &results);
        assert!(xml.contains("<failure message=\"a &quot;b&quot; &lt; c\">"), "{xml}");
        assert!(xml.contains("name=\"lib&lt;x&gt;.so\" tests=\"3\" failures=\"1\""), "{xml}");
        assert!(!xml.contains('\u{1}'));
    }
}
