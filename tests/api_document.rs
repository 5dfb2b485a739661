//! What validators answer is what their OpenAPI document says, field by field.

mod network_support;

use network_support::proofs::Submitter;
use network_support::{Network, Validator, say, until};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The schema that a reference leads to, itself otherwise.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolve(document, document.pointer(reference.trim_start_matches('#')).expect(reference)),
        None => schema,
    }
}

/// Properties and required names, those of all parts together.
fn parts<'a>(
    document: &'a Value,
    schema: &'a Value,
    properties: &mut Map<String, Value>,
    required: &mut BTreeSet<&'a str>,
) {
    let schema = resolve(document, schema);
    schema["allOf"].as_array().into_iter().flatten().for_each(|part| parts(document, part, properties, required));
    properties.extend(
        schema["properties"].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())),
    );
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
}

fn has_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("a type {other} in the document"),
    }
}

/// What of a value is not as the schema says. An object has the properties that are named, and no others.
fn differs(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = resolve(document, schema);
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let all: Vec<_> = choices.iter().map(|one| differs(document, one, value, at)).collect();
            return all.iter().all(Option::is_some).then(|| format!("{at} is none of: {all:?}"));
        }
    }
    let types: Vec<_> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if !types.is_empty() && !types.iter().any(|name| has_type(name, value)) {
        return Some(format!("{at} is {value}, not {types:?}"));
    }
    if let Some(known) = schema["enum"].as_array().filter(|known| !known.contains(value)) {
        return Some(format!("{at} is {value}, none of {known:?}"));
    }
    let (mut properties, mut required) = (Map::new(), BTreeSet::new());
    parts(document, schema, &mut properties, &mut required);
    match value {
        Value::Object(fields) if !properties.is_empty() => {
            let missing = required.iter().find(|name| !fields.contains_key(**name));
            let missing = missing.map(|name| format!("{at} lacks {name}"));
            missing.or_else(|| {
                fields.iter().find_map(|(name, field)| match properties.get(name) {
                    Some(property) => differs(document, property, field, &format!("{at}.{name}")),
                    None => Some(format!("{at}.{name} is not in the document")),
                })
            })
        }
        Value::Array(items) => {
            let item = |(index, item)| differs(document, &schema["items"], item, &format!("{at}[{index}]"));
            items.iter().enumerate().find_map(item)
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Holds an answer against what the document says of it.
#[track_caller]
fn is_documented(document: &Value, method: &str, path: &str, status: u16, answer: &Value) {
    let responses = &document["paths"][path][method]["responses"];
    let response = responses.get(status.to_string()).unwrap_or(&responses["default"]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path} says nothing of {status}: {responses}");
    let difference = differs(document, schema, answer, "answer");
    assert_eq!(difference, None, "{method} {path} {status}: {answer}");
}

#[test]
fn what_validators_answer_is_what_the_document_says() {
    let mut network = Network::running(2, json!({}));
    let document = network.nodes[0].get("/v1/openapi.json");
    let submitter = Submitter::new(network.chain());
    let (body, proof) = submitter.make();
    let schema = &document["paths"]["/v1/proofs"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(differs(&document, schema, &body, "submission"), None);
    for expected in [202, 200] {
        let (status, answer) = network.nodes[0].post("/v1/proofs", &body).unwrap();
        assert_eq!(status, expected);
        is_documented(&document, "post", "/v1/proofs", status, &answer);
    }
    let mut states = BTreeSet::new();
    until("it is final", || {
        let view = network.nodes[0].get(&format!("/v1/proofs/{proof}"));
        is_documented(&document, "get", "/v1/proofs/{id}", 200, &view);
        states.insert(view["state"].as_str().unwrap().to_owned());
        (view["state"] == "final").then_some(())
    });
    network.nodes.iter_mut().for_each(|node| _ = node.await_final(&proof));
    say(format_args!("documented answers on one proof in the states {states:?}"));
    let refused = |node: &Validator, body: &Value, expected| {
        let (status, answer) = node.post("/v1/proofs", body).unwrap();
        assert_eq!(status, expected, "{answer}");
        is_documented(&document, "post", "/v1/proofs", status, &answer);
    };
    refused(&network.nodes[0], &json!({"script": 1}), 400);
    let malformed = submitter.sign("(assert true)\n(echo \"x\")\n");
    refused(&network.nodes[0], &malformed.0, 422);
    let view = network.nodes[0].get(&format!("/v1/proofs/{}", malformed.1));
    is_documented(&document, "get", "/v1/proofs/{id}", 200, &view);
    let names = json!({"proofs": [proof, malformed.1, json!("00".repeat(32))], "statements": ["00".repeat(32)]});
    let (status, answer) = network.nodes[0].post("/v1/proofs/lookup", &names).unwrap();
    is_documented(&document, "post", "/v1/proofs/lookup", status, &answer);
    let states: Vec<_> = answer["proofs"].as_array().unwrap().iter().map(|found| &found["state"]).collect();
    assert_eq!(states, ["final", "refused", "unknown"], "{answer}");
    let batch = json!({"submissions": [submitter.make().0, malformed.0, body]});
    let (status, answer) = network.nodes[0].post("/v1/proofs/batch", &batch).unwrap();
    is_documented(&document, "post", "/v1/proofs/batch", status, &answer);
    for (path, bodies) in [("/v1/proofs/lookup", &names), ("/v1/proofs/batch", &batch)] {
        let schema = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(differs(&document, schema, bodies, path), None);
        let (status, answer) = network.nodes[0].post(path, &json!({"names": []})).unwrap();
        assert_eq!(status, 400, "{answer}");
        is_documented(&document, "post", path, status, &answer);
    }
    for path in ["/v1/overview", "/v1/proofs", "/v1/actors"] {
        is_documented(&document, "get", path, 200, &network.nodes[1].get(path));
    }
    for text in [&proof.to_string()[..6], "0", &malformed.1.to_string()] {
        let found = network.nodes[0].get(&format!("/v1/search?q={text}"));
        is_documented(&document, "get", "/v1/search", 200, &found);
        assert_eq!(found["found"].as_array().map(Vec::len), Some(1), "{found}");
    }
    let latest = network.nodes[1].get("/v1/blocks/latest");
    is_documented(&document, "get", "/v1/blocks/{sequence}", 200, &latest);
    is_documented(&document, "get", "/v1/blocks", 200, &network.nodes[1].get("/v1/blocks?from=1"));
    for number in 0..=network.settle() {
        let block = network.nodes[1].get(&format!("/v1/blocks/{number}"));
        is_documented(&document, "get", "/v1/blocks/{sequence}", 200, &block);
    }
    for node in &mut network.nodes {
        is_documented(&document, "get", "/v1/status", 200, &node.status());
        for path in ["/v1/ledger", "/v1/why", "/health", "/ready"] {
            is_documented(&document, "get", path, 200, &node.get(path));
        }
    }
}

#[test]
fn the_check_itself_finds_what_differs() {
    let document = json!({"part": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}});
    let schema = json!({"allOf": [{"$ref": "#/part"}, {"properties": {"b": {"type": ["string", "null"]}}}]});
    let differs = |value| differs(&document, &schema, &value, "x");
    assert_eq!(differs(json!({"a": 1, "b": null})), None);
    assert_eq!(differs(json!({"b": "c"})), Some("x lacks a".into()));
    assert_eq!(differs(json!({"a": 1, "c": 1})), Some("x.c is not in the document".into()));
    assert_eq!(differs(json!({"a": "1"})), Some("x.a is \"1\", not [\"integer\"]".into()));
}
