//! The files that start a network with Prometheus, Alertmanager and Grafana beside it agree with each other and with the
//! program: names, ports, paths. Containers themselves are not run here.

mod yaml;

use actors::config::{ConfigFile, HTTP_PORT_OFFSET};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use yaml::{list, string, words};

const COMPOSE: &str = "compose.yml";
const VALIDATORS: [&str; 4] = ["node_1", "node_2", "node_3", "node_4"];
const JOB: &str = "pop";
const DATA_SOURCE: &str = "pop-prometheus";

fn config(name: &str) -> ConfigFile {
    serde_json::from_str(&yaml::text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every target of the job, after the files that name them.
fn targets(prometheus: &str) -> BTreeSet<String> {
    let content = yaml::read(prometheus);
    let [job] = list(&content["scrape_configs"]).collect::<Vec<_>>()[..] else { panic!("{prometheus}: one job") };
    assert_eq!(job["job_name"], JOB, "{prometheus}: the rules ask for this job");
    let folder = prometheus.rsplit_once('/').unwrap().0;
    let files = list(&job["file_sd_configs"]).flat_map(|one| words(&one["files"]));
    let mut targets = BTreeSet::new();
    for file in files {
        let groups: Value = serde_json::from_str(&yaml::text(&format!("{folder}/{file}"))).unwrap();
        for group in list(&groups) {
            assert!(group.get("labels").is_none(), "{file}: joins are by job and instance alone");
            targets.extend(words(&group["targets"]).into_iter().map(str::to_owned));
        }
    }
    targets
}

#[test]
fn prometheus_looks_at_the_four_validators_of_the_example() {
    let addresses = VALIDATORS.map(|name| {
        let config = config(&format!("config/{name}.json"));
        format!("localhost:{}", config.network.listen_port.unwrap() + HTTP_PORT_OFFSET)
    });
    assert_eq!(targets("config/prometheus.yml"), addresses.into());
}

#[test]
fn both_configurations_of_prometheus_say_the_same() {
    let without_places = |name: &str| {
        let mut content = yaml::read(name);
        content["rule_files"] = Value::Null;
        content["alerting"] = Value::Null;
        content
    };
    assert_eq!(without_places("config/prometheus.yml"), without_places("config/compose/prometheus.yml"));
}

#[test]
fn validators_in_containers_reach_each_other_by_the_names_of_their_services() {
    let compose = yaml::read(COMPOSE);
    let configs: BTreeMap<&str, ConfigFile> =
        VALIDATORS.into_iter().map(|name| (name, config(&format!("config/compose/{name}.json")))).collect();
    let services = compose["services"].as_object().unwrap();
    let validators: Vec<&str> = services.keys().map(String::as_str).filter(|name| name.starts_with("node_")).collect();
    assert_eq!(validators, VALIDATORS);

    let mut scraped = BTreeSet::new();
    for (name, config) in &configs {
        assert_eq!(config.node_id.as_str(), *name);
        let (http, service) = (config.http.port.unwrap(), &services[*name]);
        assert!(config.http.address.unwrap().is_unspecified(), "{name}: Prometheus comes from another container");
        // Peers are not on loopback, so each validator would take all processors.
        assert!(config.verifier.workers.is_some(), "{name}");
        let file = format!("config/compose/{name}.json");
        assert_eq!(words(&service["command"]), ["start-validator", "--node-id", name, "--config", &file]);
        assert_eq!(words(&service["ports"]), [format!("127.0.0.1:{http}:{http}")]);
        // It is found by the conventional configuration, which is in the image too.
        assert_eq!(words(&service["healthcheck"]["test"]), ["CMD", "pop", "status", "--node", name]);
        let conventional = self::config(&format!("config/{name}.json")).network.listen_port.unwrap();
        assert_eq!(http, conventional + HTTP_PORT_OFFSET, "{name}");
        scraped.insert(format!("{name}:{http}"));

        let peers: BTreeMap<String, String> = (config.network.bootstrap_peers.iter().flatten())
            .map(|peer| (peer.node_id.to_string(), peer.address.to_string()))
            .collect();
        let others = configs.iter().filter(|(other, _)| *other != name);
        let address = |(other, config): (&&str, &ConfigFile)| {
            (other.to_string(), format!("{other}:{}", config.network.listen_port.unwrap()))
        };
        assert_eq!(peers, others.map(address).collect(), "{name}");
    }
    assert_eq!(targets("config/compose/prometheus.yml"), scraped);
}

#[test]
fn the_servers_in_containers_find_each_other_and_their_files() {
    let compose = yaml::read(COMPOSE);
    let services = &compose["services"];
    let volumes: BTreeSet<&str> = compose["volumes"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut mounted = BTreeSet::new();
    for (name, service) in services.as_object().unwrap() {
        for volume in words(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            if source.starts_with("./") {
                assert!(yaml::path(source).exists(), "{name}: there is no {source}");
                assert!(volume.ends_with(":ro"), "{name}: the project's files are not changed by containers: {volume}");
            } else {
                mounted.insert(source);
            }
        }
    }
    assert_eq!(mounted, volumes, "every volume is declared and used");

    let inside = |service: &str, prefix: &str| {
        let arguments = words(&services[service]["command"]);
        arguments.iter().find_map(|one| one.strip_prefix(prefix)).map(str::to_owned).unwrap()
    };
    // Both see the project's folder config as /etc/pop/config.
    for (service, file) in
        [("prometheus", "config/compose/prometheus.yml"), ("alertmanager", "config/alertmanager.yml")]
    {
        assert!(words(&services[service]["volumes"]).contains(&"./config:/etc/pop/config:ro"), "{service}");
        assert_eq!(inside(service, "--config.file=/etc/pop/"), file);
        assert!(yaml::path(file).is_file());
    }
    let told = yaml::read("config/compose/prometheus.yml");
    let told = list(&told["alerting"]["alertmanagers"]).flat_map(|one| list(&one["static_configs"]));
    assert_eq!(told.flat_map(|one| words(&one["targets"])).collect::<Vec<_>>(), ["alertmanager:9093"]);
    assert_eq!(words(&services["alertmanager"]["ports"]), ["127.0.0.1:9093:9093"]);
    assert_eq!(words(&services["prometheus"]["ports"]), ["127.0.0.1:9090:9090"]);
}

/// Every provisioning file in a folder.
fn provisioned(kind: &str) -> Vec<Value> {
    let folder = format!("grafana/provisioning/{kind}");
    let entries = std::fs::read_dir(yaml::path(&folder)).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| yaml::read(&format!("{folder}/{}", name.to_str().unwrap()))).collect()
}

#[test]
fn grafana_in_a_container_finds_prometheus_and_the_dashboards() {
    let compose = yaml::read(COMPOSE);
    let grafana = &compose["services"]["grafana"];
    let files = provisioned("datasources");
    let sources: Vec<&Value> = files.iter().flat_map(|file| list(&file["datasources"])).collect();
    let [source] = sources[..] else { panic!("one data source: {sources:?}") };
    assert_eq!((&source["uid"], &source["type"]), (&DATA_SOURCE.into(), &"prometheus".into()));
    assert_eq!(address(grafana, string(&source["url"])), "http://prometheus:9090");
    let scrapes = &yaml::read("config/prometheus.yml")["global"]["scrape_interval"];
    assert_eq!(&source["jsonData"]["timeInterval"], scrapes, "Grafana's rates are over four scrapes");

    let files = provisioned("dashboards");
    let providers: Vec<&Value> = files.iter().flat_map(|file| list(&file["providers"])).collect();
    let [provider] = providers[..] else { panic!("one provider: {providers:?}") };
    let folder = address(grafana, string(&provider["options"]["path"]));
    let mounts = words(&grafana["volumes"]);
    assert!(mounts.contains(&format!("./grafana/dashboards:{folder}:ro").as_str()), "{folder} is not in {mounts:?}");
    assert!(mounts.contains(&"./grafana/provisioning:/etc/grafana/provisioning:ro"));
}

/// A value of a provisioning file, where `$NAME` is of the container's environment.
fn address<'text>(service: &'text Value, value: &'text str) -> &'text str {
    let name = value.strip_prefix('$').map(|name| name.trim_matches(['{', '}']));
    name.map_or(value, |name| string(&service["environment"][name]))
}

#[test]
fn the_image_has_the_programs_as_make_install_puts_them() {
    let text = yaml::text("Dockerfile");
    assert!(text.contains("make install DESTDIR=/installed") && text.contains("COPY --from=build /installed/ /"));
    let user = text.rfind("\nUSER ").expect("a container does not run as root");
    assert!(user > text.rfind("\nFROM ").unwrap() && !text[user..].starts_with("\nUSER root"));
    let toolchain = text.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let cargo = yaml::text("Cargo.toml");
    let version = cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(toolchain.starts_with(version), "the image builds with {toolchain}, the project needs {version}");
}
