//! A Nomad agent of the tests' own: `/v1/services` and `/v1/service/NAME`.
//! <https://developer.hashicorp.com/nomad/api-docs/services>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::server::{Served, parameters, segments};

pub(super) fn answer(
    served: Arc<Served>,
    request: Request,
) -> std::pin::Pin<Box<dyn Future<Output = Response> + Send>> {
    Box::pin(async move {
        let parameters: BTreeMap<String, String> = parameters(&request).into_iter().collect();
        let namespace = parameters
            .get("namespace")
            .map_or("default", String::as_str);
        let step = served.step.lock().unwrap().clone();
        let instances = step["instances"].as_array().cloned().unwrap_or_default();
        let mut selected = instances
            .into_iter()
            .filter(|instance| instance["Namespace"] == namespace);
        let segments = segments(&request);
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body = match path[..] {
            ["v1", "services"] => {
                let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
                for instance in selected {
                    let name = instance["ServiceName"].as_str().unwrap().to_owned();
                    let tags = instance["Tags"].as_array().cloned().unwrap_or_default();
                    let tags = tags.iter().map(|tag| tag.as_str().unwrap().to_owned());
                    services.entry(name).or_default().extend(tags);
                }
                let services = services.into_iter();
                let services: Vec<Value> = services
                    .map(|(name, tags)| json!({"ServiceName": name, "Tags": tags}))
                    .collect();
                match services.is_empty() {
                    true => json!([]),
                    false => json!([{"Namespace": namespace, "Services": services}]),
                }
            }
            ["v1", "service", name] => {
                let found = selected
                    .by_ref()
                    .filter(|instance| instance["ServiceName"] == name);
                Value::Array(found.collect())
            }
            _ => return StatusCode::NOT_FOUND.into_response(),
        };
        let headers = [
            ("X-Nomad-Index", "1"),
            ("X-Nomad-KnownLeader", "true"),
            ("X-Nomad-LastContact", "0"),
        ];
        (headers, Json(body)).into_response()
    })
}
