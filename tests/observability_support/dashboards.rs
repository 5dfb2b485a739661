//! A dashboard as Grafana reads it: every query in it, with its variables replaced as Grafana replaces them.

use super::servers::Api;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

pub struct Dashboard {
    title: String,
    json: Value,
}

/// How Grafana asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Now,
    OverTime,
}

/// A query of a panel or an annotation.
#[derive(Debug, Clone)]
pub struct Query {
    /// `dashboard / panel / letter`.
    pub place: String,
    pub expr: String,
    pub asked: Asked,
}

/// What a variable is replaced by.
#[derive(Debug, Clone)]
enum Chosen {
    /// As it is: what a person has typed, or `allValue`.
    Raw(String),
    Values(Vec<String>),
}

/// What replaces each variable, Grafana's own included.
pub struct Variables(BTreeMap<String, Chosen>);

impl Variables {
    /// Grafana's own, for a span and a step of the picture and a scrape interval.
    pub fn of_time(span: Duration, step: Duration, scrape: Duration) -> Variables {
        let rate = (step + scrape).max(scrape * 4);
        let ms = |time: Duration| format!("{}ms", time.as_millis());
        let own = [
            ("__interval", ms(step)),
            ("__interval_ms", step.as_millis().to_string()),
            ("__rate_interval", ms(rate)),
            ("__range", ms(span)),
            ("__range_s", span.as_secs().to_string()),
            ("__range_ms", span.as_millis().to_string()),
        ];
        Variables(own.map(|(name, value)| (name.to_owned(), Chosen::Raw(value))).into())
    }

    /// As if a person had typed it.
    pub fn type_in(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), Chosen::Raw(text.to_owned()));
    }

    /// Replaces `$name`, `${name}`, `${name:format}` and `[[name]]`.
    ///
    /// # Panics
    /// At a variable that nobody declared.
    pub fn replace(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(at) = rest.find(['$', '[']) {
            out += &rest[..at];
            let from = &rest[at..];
            let (inside, behind) = if let Some(inside) = from.strip_prefix("${") {
                inside.split_once('}').expect("a brace is closed")
            } else if let Some(inside) = from.strip_prefix("[[") {
                inside.split_once("]]").expect("brackets are closed")
            } else {
                let name = from.strip_prefix('$').unwrap_or_default();
                let length = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                name.split_at(length.unwrap_or(name.len()))
            };
            let (name, format) = inside.split_once(':').unwrap_or((inside, ""));
            // `$1` of a replacement is no variable, nor is a lone `$` or `[`.
            if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
                (out, rest) = (out + &from[..1], &from[1..]);
                continue;
            }
            let chosen = self.0.get(name).unwrap_or_else(|| panic!("${name} is declared nowhere: {text}"));
            out += &written(chosen, format);
            rest = behind;
        }
        out + rest
    }
}

/// Grafana's data source for Prometheus makes a regular expression of what was chosen from a list.
fn written(chosen: &Chosen, format: &str) -> String {
    let values = match chosen {
        Chosen::Raw(text) => return text.clone(),
        Chosen::Values(values) => values,
    };
    match (format, values.as_slice()) {
        ("raw" | "text", values) => values.join(","),
        ("pipe", values) => values.join("|"),
        ("regex", [one]) => escaped(one, r"\"),
        ("regex", values) => format!("({})", values.iter().map(|one| escaped(one, r"\")).collect::<Vec<_>>().join("|")),
        ("", [one]) => escaped(one, r"\\"),
        ("", values) => format!("({})", values.iter().map(|one| escaped(one, r"\\")).collect::<Vec<_>>().join("|")),
        (other, _) => panic!("the format {other:?} is not known here"),
    }
}

/// Within a string of PromQL a backslash is written twice.
fn escaped(text: &str, backslash: &str) -> String {
    let is_special = |letter: char| r"\^$*+?.()|[]{}".contains(letter);
    text.chars().map(|letter| if is_special(letter) { format!("{backslash}{letter}") } else { letter.into() }).collect()
}

impl Dashboard {
    pub fn read(text: &str) -> Dashboard {
        let json: Value = serde_json::from_str(text).unwrap();
        Dashboard { title: json["title"].as_str().unwrap().to_owned(), json }
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    /// Asks Prometheus for the values of each variable in turn, as Grafana does when the dashboard is opened, and chooses all
    /// of them where that is offered, else the first.
    ///
    /// # Errors
    /// Where the query of a variable fails or finds nothing.
    pub fn choose(&self, api: &Api, mut variables: Variables) -> Result<Variables, String> {
        for variable in list(&self.json["templating"]["list"]) {
            let name = variable["name"].as_str().unwrap();
            let query = variable["query"].as_str().or(variable["query"]["query"].as_str()).unwrap_or_default();
            let chosen = match variable["type"].as_str().unwrap() {
                "datasource" => Chosen::Raw("prometheus".into()),
                "textbox" | "constant" => Chosen::Raw(query.to_owned()),
                "interval" | "custom" => Chosen::Raw(query.split(',').next().unwrap().trim().to_owned()),
                "query" => {
                    let regex = variable["regex"].as_str().unwrap_or_default();
                    let values = values(api, &variables.replace(query), regex);
                    let values = values.map_err(|why| format!("{} / ${name}: {query}: {why}", self.title))?;
                    match (variable["includeAll"] == true, variable["allValue"].as_str()) {
                        (true, Some(all)) if !all.is_empty() => Chosen::Raw(all.to_owned()),
                        (true, _) => Chosen::Values(values),
                        (false, _) => Chosen::Values(values[..1].to_vec()),
                    }
                }
                other => panic!("{}: variables of type {other} are not known here", self.title),
            };
            variables.0.insert(name.to_owned(), chosen);
        }
        Ok(variables)
    }

    /// Every query of every panel and annotation, as it is written.
    pub fn queries(&self) -> Vec<Query> {
        let mut found = Vec::new();
        self.collect(&self.json["panels"], &mut found);
        for annotation in list(&self.json["annotations"]["list"]).iter().filter(|one| one["builtIn"] != 1) {
            let expr = annotation["expr"].as_str().or(annotation["target"]["expr"].as_str());
            let name = annotation["name"].as_str().unwrap();
            let place = format!("{} / annotation {name}", self.title);
            let expr = expr.unwrap_or_else(|| panic!("{place}: it asks for nothing")).to_owned();
            found.push(Query { place, expr, asked: Asked::OverTime });
        }
        found
    }

    fn collect(&self, panels: &Value, found: &mut Vec<Query>) {
        for panel in list(panels) {
            self.collect(&panel["panels"], found);
            let title = panel["title"].as_str().unwrap_or_default();
            for target in list(&panel["targets"]) {
                let place = format!("{} / {title} / {}", self.title, target["refId"].as_str().unwrap_or("?"));
                let expr = target["expr"].as_str();
                let expr = expr.unwrap_or_else(|| panic!("{place}: a target without expression")).to_owned();
                let is_instant = target["instant"] == true && target["range"] != true;
                let asked = if is_instant { Asked::Now } else { Asked::OverTime };
                found.push(Query { place, expr, asked });
            }
        }
    }

    /// What its variables ask for, as expressions that may be looked at for names.
    pub fn variable_expressions(&self) -> Vec<(String, String)> {
        let place = |variable: &Value| format!("{} / ${}", self.title, variable["name"].as_str().unwrap());
        let text = |variable: &Value| {
            let text = variable["query"].as_str().or(variable["query"]["query"].as_str()).unwrap_or_default();
            let inside = text.strip_prefix("label_values(").or(text.strip_prefix("query_result("));
            inside.map_or(String::new(), |inside| inside.trim_end_matches(')').to_owned())
        };
        let list = list(&self.json["templating"]["list"]);
        let queries = list.iter().filter(|variable| variable["type"] == "query");
        queries.map(|variable| (place(variable), text(variable))).collect()
    }
}

/// `label_values(selector, label)`, `label_values(label)` or `query_result(expression)`, as the data source understands them.
/// Of a result the `regex` takes one label: `label="(?<value>…)"`.
fn values(api: &Api, query: &str, regex: &str) -> Result<Vec<String>, String> {
    let values = if let Some(inside) = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')) {
        match inside.rsplit_once(',') {
            Some((selector, label)) => api.label_values(label.trim(), Some(selector.trim()))?,
            None => api.label_values(inside.trim(), None)?,
        }
    } else if let Some(inside) = query.strip_prefix("query_result(").and_then(|rest| rest.strip_suffix(')')) {
        let label = regex.split_once(r#"="(?<value>"#).map(|(before, _)| before.rsplit(['/', '|']).next().unwrap());
        let label = label.ok_or_else(|| format!("{regex:?} takes no value of the label of a result"))?;
        api.query(inside)?.iter().filter_map(|sample| sample.labels.get(label).cloned()).collect()
    } else {
        return Err("no query that is known here".into());
    };
    if values.is_empty() { Err("it finds nothing".into()) } else { Ok(values) }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_grafana_replaces_them() {
        let second = Duration::from_secs(1);
        let mut variables = Variables::of_time(second * 60, second * 5, second);
        let values = |values: &[&str]| Chosen::Values(values.iter().map(|value| (*value).to_owned()).collect());
        variables.0.insert("job".into(), Chosen::Raw("pop.*".into()));
        variables.0.insert("instance".into(), values(&["127.0.0.1:80"]));
        variables.0.insert("who".into(), values(&["a.b", "c"]));
        let text = r#"rate(x{job=~"$job", instance=~"$instance", who=~"${who}", y=~"[[who]]", z=~"${who:pipe}"}[$__rate_interval])"#;
        let expected = r#"rate(x{job=~"pop.*", instance=~"127\\.0\\.0\\.1:80", who=~"(a\\.b|c)", y=~"(a\\.b|c)", z=~"a.b|c"}[6000ms])"#;
        assert_eq!(variables.replace(text), expected);
        let text = r#"label_replace(x[5m], "a", "$1", "b", "[a-z]+") + ${__range_s}"#;
        assert_eq!(variables.replace(text), text.replace("${__range_s}", "60"));
    }
}
