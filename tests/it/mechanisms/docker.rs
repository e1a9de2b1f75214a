//! A Docker engine of the tests' own: `/containers/json` and `/networks`.
//! <https://docs.docker.com/reference/api/engine/>

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
        let step = served.step.lock().unwrap().clone();
        let segments = segments(&request);
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        // Clients that know the version of the API put it in front.
        let path = match path[..] {
            [version, ref rest @ ..] if version.starts_with("v1.") => rest,
            ref path => path,
        };
        match path {
            ["_ping"] => ([("Api-Version", "1.48"), ("Ostype", "linux")], "OK").into_response(),
            ["containers", "json"] => {
                let filters = parameters(&request)
                    .into_iter()
                    .find(|(name, _)| name == "filters");
                let filters = filters.map_or("{}".to_owned(), |(_, filters)| filters);
                let filters: Value = serde_json::from_str(&filters).unwrap();
                let containers = step["containers"].as_array().cloned().unwrap_or_default();
                let selected = containers
                    .into_iter()
                    .filter(|one| by_labels(&filters, one));
                Json(Value::Array(selected.collect())).into_response()
            }
            ["networks"] => Json(json!(step["networks"])).into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    })
}

/// The filter `label`, as a list or as the keys of a map; every other passes.
fn by_labels(filters: &Value, container: &Value) -> bool {
    let wanted: Vec<String> = match &filters["label"] {
        Value::Array(values) => values
            .iter()
            .map(|v| v.as_str().unwrap().to_owned())
            .collect(),
        Value::Object(values) => values.keys().cloned().collect(),
        _ => Vec::new(),
    };
    wanted.iter().all(|wanted| {
        let (key, value) = wanted.split_once('=').unwrap();
        container["Labels"][key] == value
    })
}
