//! The OpenAPI document, the reference for people and the router name the same routes.

use super::*;
use crate::api::routes::ROUTES;
use std::collections::BTreeSet;

#[actix::test]
async fn every_route_is_in_the_document_and_in_the_reference_and_nothing_else_is() {
    let bench = bench().await;
    let (status, document) = bench.get("/v1/openapi.json").await;
    assert_eq!(status, 200);
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    assert_eq!(methods.collect::<BTreeSet<_>>(), routes);
    let reference = include_str!("../../../docs/API_REFERENCE.md");
    let named = reference.lines().filter_map(|line| line.strip_prefix("## `")?.split_once('`')).map(|(route, _)| {
        let (method, path) = route.split_once(' ').unwrap();
        (method.to_owned(), path.split_once('?').map_or(path, |(path, _)| path).to_owned())
    });
    assert_eq!(named.collect::<BTreeSet<_>>(), routes);
}
