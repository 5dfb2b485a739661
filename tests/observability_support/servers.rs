//! The real Prometheus and Alertmanager, as processes that end with the test, and their HTTP APIs.

use crate::network_support::Stranger;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const REQUEST: Duration = Duration::from_secs(30);
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A program that the set-up step fetches, or that is installed.
#[derive(Debug, Clone, Copy)]
pub enum Program {
    Prometheus,
    Alertmanager,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Program::Prometheus => "prometheus",
            Program::Alertmanager => "alertmanager",
        }
    }

    /// The project's own, else the first on the path. `Err` says that there is none.
    pub fn find(self) -> Result<PathBuf, String> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".prometheus/bin");
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        // Debian calls it so, since other packages have an `alertmanager`, too.
        let names = [self.name().to_owned(), format!("prometheus-{}", self.name())];
        std::iter::once(own)
            .chain(std::env::split_paths(&on_path))
            .flat_map(|folder| names.clone().map(|name| folder.join(name)))
            .find(|path| path.is_file())
            .ok_or_else(|| format!("there is no {} in .prometheus/bin and none on the PATH", self.name()))
    }
}

/// Free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that answers.
pub struct Server {
    process: Stranger,
    pub api: Api,
    log: PathBuf,
}

impl Server {
    /// Starts it with these arguments, and with a free port behind the last of them; waits until it is ready.
    fn start(program: Program, folder: &Path, arguments: &[String]) -> Server {
        let port = free_port();
        let log = folder.join(format!("{}.log", program.name()));
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(program.find().unwrap());
        command.args(arguments).arg(format!("--web.listen-address=127.0.0.1:{port}")).current_dir(folder);
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        let mut process = Stranger(command.spawn().unwrap());
        let api = Api::at(&format!("http://127.0.0.1:{port}"));
        let deadline = Instant::now() + START_DEADLINE;
        while !api.is_ready() {
            let ended = process.0.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{} does not start ({ended:?}):\n{}",
                program.name(),
                std::fs::read_to_string(&log).unwrap()
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Server { process, api, log }
    }

    /// In a folder that holds `prometheus.yml`.
    pub fn prometheus(folder: &Path) -> Server {
        let arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=prometheus"];
        Server::start(Program::Prometheus, folder, &arguments.map(str::to_owned))
    }

    /// In a folder that holds `alertmanager.yml`; alone, without a cluster.
    pub fn alertmanager(folder: &Path) -> Server {
        let arguments = ["--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address="];
        Server::start(Program::Alertmanager, folder, &arguments.map(str::to_owned))
    }

    pub fn address(&self) -> &str {
        self.api.base.trim_start_matches("http://")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().filter(|line| !line.contains("level=info")).collect();
            eprintln!("--- {} says:\n{}", self.log.display(), lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }
}

pub type Labels = BTreeMap<String, String>;

/// One series at one time, or the last value of one over a span.
#[derive(Debug, Clone)]
pub struct Sample {
    pub labels: Labels,
    pub value: f64,
}

/// A rule as Prometheus read it.
#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    pub expr: String,
    pub alert: bool,
    /// Why its last evaluation failed; empty otherwise.
    pub error: String,
    pub labels: Labels,
    pub annotations: Labels,
    pub seconds: f64,
}

/// An alert that waits or fires.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alert {
    pub name: String,
    pub fires: bool,
    pub labels: Labels,
}

/// The HTTP API of either.
#[derive(Clone)]
pub struct Api {
    agent: ureq::Agent,
    base: String,
}

impl Api {
    pub fn at(base: &str) -> Api {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(REQUEST)).build();
        Api { agent: config.into(), base: base.to_owned() }
    }

    pub fn url(&self) -> &str {
        &self.base
    }

    fn is_ready(&self) -> bool {
        let answer = self.agent.get(format!("{}/-/ready", self.base)).call();
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let request = self.agent.get(format!("{}{path}", self.base)).query_pairs(query.iter().copied());
        let mut answer = request.call().map_err(|error| error.to_string())?;
        answer.body_mut().read_json().map_err(|error| error.to_string())
    }

    /// The `data` of an answer of Prometheus.
    fn data(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let mut answer = self.get(path, query)?;
        if answer["status"] == "success" { Ok(answer["data"].take()) } else { Err(answer["error"].to_string()) }
    }

    /// The value of every series now.
    ///
    /// # Errors
    /// What Prometheus says of the expression.
    pub fn query(&self, expr: &str) -> Result<Vec<Sample>, String> {
        let data = self.data("/api/v1/query", &[("query", expr)])?;
        if data["resultType"] == "scalar" {
            return Ok(vec![Sample { labels: Labels::new(), value: number(&data["result"][1]) }]);
        }
        Ok(array(&data["result"]).iter().map(|one| sample(one, &one["value"])).collect())
    }

    /// The last value that is a number, of every series that had one within the span until now.
    ///
    /// # Errors
    /// What Prometheus says of the expression.
    pub fn query_range(&self, expr: &str, span: Duration, step: Duration) -> Result<Vec<Sample>, String> {
        let end = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let [start, end, step] = [end - span, end, step].map(|time| time.as_secs_f64().to_string());
        let query = [("query", expr), ("start", start.as_str()), ("end", end.as_str()), ("step", step.as_str())];
        let data = self.data("/api/v1/query_range", &query)?;
        let last = |one: &Value| {
            let values = array(&one["values"]);
            let found = values.iter().rev().find(|value| !number(&value[1]).is_nan());
            found.or(values.last()).map(|value| sample(one, value))
        };
        Ok(array(&data["result"]).iter().filter_map(last).collect())
    }

    /// The values of a label, of the series that a selector names if one is given.
    ///
    /// # Errors
    /// What Prometheus says of the selector.
    pub fn label_values(&self, label: &str, selector: Option<&str>) -> Result<Vec<String>, String> {
        let query: Vec<(&str, &str)> = selector.iter().map(|selector| ("match[]", *selector)).collect();
        let data = self.data(&format!("/api/v1/label/{label}/values"), &query)?;
        Ok(array(&data).iter().map(text).collect())
    }

    /// Every rule that Prometheus has read.
    pub fn rules(&self) -> Vec<Rule> {
        let data = self.data("/api/v1/rules", &[]).unwrap();
        let groups = array(&data["groups"]);
        let read = |rule: Value| Rule {
            name: text(&rule["name"]),
            expr: text(&rule["query"]),
            alert: rule["type"] == "alerting",
            error: rule["lastError"].as_str().unwrap_or_default().to_owned(),
            labels: labels(&rule["labels"]),
            annotations: labels(&rule["annotations"]),
            seconds: rule["evaluationTime"].as_f64().unwrap_or_default(),
        };
        groups.iter().flat_map(|group| array(&group["rules"])).map(read).collect()
    }

    /// Alerts that wait or fire, as Prometheus sees it.
    pub fn alerts(&self) -> Vec<Alert> {
        let data = self.data("/api/v1/alerts", &[]).unwrap();
        array(&data["alerts"]).iter().map(|one| alert(one, one["state"] == "firing")).collect()
    }

    /// Alerts that fire, as Alertmanager was told.
    pub fn delivered(&self) -> Vec<Alert> {
        let alerts = self.get("/api/v2/alerts", &[("active", "true")]).unwrap();
        array(&alerts).iter().map(|one| alert(one, true)).collect()
    }
}

fn alert(one: &Value, fires: bool) -> Alert {
    let labels = labels(&one["labels"]);
    Alert { name: labels["alertname"].clone(), fires, labels }
}

fn sample(one: &Value, value: &Value) -> Sample {
    Sample { labels: labels(&one["metric"]), value: number(&value[1]) }
}

fn labels(value: &Value) -> Labels {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), text(value))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn array(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}
