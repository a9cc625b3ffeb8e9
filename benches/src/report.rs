//! A page of results: Markdown, and its charts beside it.

use crate::{Settings, chart, peers};
use anyhow::{Context, Result};
use kumo::bench::Spread;
use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub struct Page {
    text: String,
    /// Their names behind the page's, and what they are.
    charts: Vec<(String, String)>,
}

impl Page {
    pub fn new(title: &str, settings: &Settings) -> Self {
        let mut page = Self { text: format!("# {title}\n"), charts: Vec::new() };
        page.text(&format!(
            "Measured with `cargo bench --manifest-path benches/Cargo.toml -- {}` on {}. \
             Medians of {} rounds in turns, after one that warms up.",
            env::args().skip(1).filter(|arg| arg != "--bench").collect::<Vec<_>>().join(" "),
            machine(settings),
            settings.rounds
        ));
        page
    }

    pub fn text(&mut self, text: &str) {
        self.text += &format!("\n{text}\n");
    }

    pub fn heading(&mut self, text: &str) {
        self.text += &format!("\n## {text}\n");
    }

    pub fn table(&mut self, table: &Table) {
        self.text += "\n";
        for (n, row) in table.rows.iter().enumerate() {
            self.text += &format!("| {} |\n", row.join(" | "));
            if n == 0 {
                self.text += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
    }

    /// What the databases are.
    pub fn versions(&mut self, names: &[&str]) {
        let mut table = Table::new(["database", "version", "as"]);
        for entry in peers::all().iter().filter(|entry| names.contains(&entry.name)) {
            table.row(entry.name, [(entry.version)(), entry.text.to_owned()]);
        }
        self.table(&table);
    }

    pub fn chart(&mut self, name: &str, title: &str, groups: &[&str], bars: &[(&str, Vec<f64>)]) {
        // The page's own name comes before it when it is written.
        self.text += &format!("\n![{title}](PAGE-{name}.svg)\n");
        self.charts.push((name.to_owned(), chart::bars(title, groups, bars)));
    }

    /// Writes it where the results are, and shows it.
    pub fn write(&self, settings: &Settings, name: &str) -> Result<()> {
        let out = settings.out.clone().unwrap_or_else(|| root().join("docs/bench"));
        let at = |file: String| out.join(file);
        let context = || format!("cannot write to {}", out.display());
        fs::create_dir_all(&out).with_context(context)?;
        let text = self.text.replace("(PAGE-", &format!("({name}-"));
        fs::write(at(format!("{name}.md")), &text).with_context(context)?;
        for (chart, svg) in &self.charts {
            fs::write(at(format!("{name}-{chart}.svg")), svg).with_context(context)?;
        }
        println!("{text}");
        Ok(())
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        Self { rows: vec![header.into_iter().map(str::to_owned).collect()] }
    }

    pub fn row(&mut self, name: &str, cells: impl IntoIterator<Item = String>) {
        self.rows.push([name.to_owned()].into_iter().chain(cells).collect());
    }
}

/// A median with the least and the most.
pub fn spread(numbers: impl IntoIterator<Item = f64>, digits: usize) -> String {
    match Spread::of(numbers.into_iter().collect()) {
        Some(Spread { median, min, max }) if min < max => {
            format!("{median:.digits$} ({min:.digits$}..{max:.digits$})")
        }
        Some(Spread { median, .. }) => format!("{median:.digits$}"),
        None => "-".to_owned(),
    }
}

/// The machine, as far as the results depend on it.
fn machine(settings: &Settings) -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| -> Option<String> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = field(&read("/proc/cpuinfo"), "model name").unwrap_or("a processor".to_owned());
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let memory = memory.and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
    let dir = settings.dir();
    let file_system = run("stat", &["-f", "-c", "%T", &dir.to_string_lossy()]);
    let mut text = format!("{cpus} cores of {cpu}");
    // Writing to a String does not fail.
    let _ = write!(
        text,
        ", {} GiB of memory, Linux {}, {}; databases on {}; on {}, with a load of {} before",
        memory.unwrap_or_default() >> 20,
        read("/proc/sys/kernel/osrelease").trim(),
        run("rustc", &["--version"]).unwrap_or_default(),
        file_system.unwrap_or_default(),
        run("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default(),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    );
    text
}
