//! A Consul agent of the tests' own: `/v1/agent/self`, `/v1/catalog/services`, `/v1/health/service/NAME`, with blocking
//! queries. <https://developer.hashicorp.com/consul/api-docs>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

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
        let parameters = parameters(&request);
        let parameter = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let segments = segments(&request);
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        if path == ["v1", "agent", "self"] {
            return Json(json!({"Config": {"Datacenter": "dc1", "NodeName": "n1"}}))
                .into_response();
        }
        if !matches!(parameter("dc").as_str(), "" | "dc1") {
            let message = "No path to datacenter";
            return (StatusCode::INTERNAL_SERVER_ERROR, message).into_response();
        }
        wait(&served, &parameter("index"), &parameter("wait")).await;
        // Read together: what is told belongs to the index.
        let (step, index) = {
            let step = served.step.lock().unwrap();
            (step.clone(), *served.index.borrow())
        };
        let instances = step["instances"].as_array().cloned().unwrap_or_default();
        let selected = instances.into_iter().filter(|instance| {
            let namespace = parameter("ns");
            let meta = parameters.iter().filter(|(name, _)| name == "node-meta");
            let mut meta = meta.map(|(_, pair)| pair.split_once(':').unwrap());
            (namespace.is_empty() || instance["Service"]["Namespace"] == namespace)
                && meta.all(|(key, value)| instance["Node"]["Meta"][key] == value)
                && filtered(&parameter("filter"), instance)
        });
        let body = match path[..] {
            ["v1", "catalog", "services"] => {
                let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
                for instance in selected {
                    let name = instance["Service"]["Service"].as_str().unwrap().to_owned();
                    let tags = services.entry(name).or_default();
                    let own = instance["Service"]["Tags"].as_array().cloned();
                    let own = own.unwrap_or_default();
                    tags.extend(own.iter().map(|tag| tag.as_str().unwrap().to_owned()));
                }
                json!(services)
            }
            ["v1", "health", "service", name] => {
                let tags = parameters.iter().filter(|(name, _)| name == "tag");
                let tags: Vec<Value> = tags.map(|(_, tag)| json!(tag)).collect();
                let of_service = selected.filter(|instance| {
                    let own = instance["Service"]["Tags"].as_array().cloned();
                    let own = own.unwrap_or_default();
                    instance["Service"]["Service"] == name
                        && tags.iter().all(|tag| own.contains(tag))
                });
                Value::Array(of_service.collect())
            }
            _ => return StatusCode::NOT_FOUND.into_response(),
        };
        let headers = [
            ("X-Consul-Index", index.to_string()),
            ("X-Consul-KnownLeader", "true".to_owned()),
            ("X-Consul-LastContact", "0".to_owned()),
        ];
        (headers, Json(body)).into_response()
    })
}

/// Until something changed, or the time that was asked for is over.
async fn wait(served: &Served, index: &str, wait: &str) {
    let Ok(known) = index.parse::<u64>() else {
        return;
    };
    let wait = wait.trim_end_matches("ms").parse().unwrap_or(300_000);
    let wait = Duration::from_millis(wait);
    let mut index = served.index.subscribe();
    let changed = index.wait_for(|index| *index != known);
    let _in_time = tokio::time::timeout(wait + wait / 16, changed).await;
}

/// `Selector == value`, of all that Consul's filters can say.
fn filtered(filter: &str, instance: &Value) -> bool {
    let Some((selector, value)) = filter.split_once(" == ") else {
        return true;
    };
    let found = match selector {
        "ServiceName" => &instance["Service"]["Service"],
        "Service.Port" => &instance["Service"]["Port"],
        other => panic!("{other} is not known"),
    };
    found.to_string().trim_matches('"') == value
}
