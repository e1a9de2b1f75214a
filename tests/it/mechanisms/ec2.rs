//! EC2's API, of the tests' own: `DescribeInstances` with filters and pages, `DescribeAvailabilityZones`.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html>
//!
//! A world's instances are written as the API's XML names their parts; a list is a set of items.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::server::Served;

type Form = BTreeMap<String, String>;

pub(super) fn answer(
    served: Arc<Served>,
    request: Request,
) -> std::pin::Pin<Box<dyn Future<Output = Response> + Send>> {
    Box::pin(async move {
        let signed = request.headers().get(header::AUTHORIZATION);
        let signed = signed.is_some_and(|value| {
            let value = value.to_str().unwrap();
            value.starts_with("AWS4-HMAC-SHA256 ") && value.contains("/eu-test-1/ec2/aws4_request")
        });
        if !signed {
            return refused(StatusCode::UNAUTHORIZED, "AuthFailure", "not signed");
        }
        let body = axum::body::to_bytes(request.into_body(), 65536).await;
        let form: Form = url::form_urlencoded::parse(&body.unwrap())
            .into_owned()
            .collect();
        let action = form["Action"].clone();
        served.requests.lock().unwrap().push(action.clone());
        let faults = served.faults.lock().unwrap().clone();
        if let Some((_, status, body)) = faults.into_iter().find(|(part, ..)| *part == action) {
            return (StatusCode::from_u16(status).unwrap(), body).into_response();
        }
        let step = served.step.lock().unwrap().clone();
        let answer = match action.as_str() {
            "DescribeInstances" => instances(&step, &form),
            "DescribeAvailabilityZones" if step["zones"].is_null() => {
                return refused(StatusCode::FORBIDDEN, "UnauthorizedOperation", "no zones");
            }
            "DescribeAvailabilityZones" => json!({"availabilityZoneInfo": step["zones"]}),
            other => panic!("{other}"),
        };
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
        );
        text.push_str("  <requestId>1</requestId>\n");
        write(&answer, &mut text);
        text.push_str(&format!("</{action}Response>\n"));
        ([(header::CONTENT_TYPE, "text/xml;charset=UTF-8")], text).into_response()
    })
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>1</RequestID></Response>"
    );
    (status, body).into_response()
}

/// A page of those that the filters select, a reservation each; the next begins where its token says.
fn instances(step: &Value, form: &Form) -> Value {
    let all = step["instances"].as_array().cloned().unwrap_or_default();
    let selected: Vec<Value> = all
        .into_iter()
        .filter(|one| is_selected(one, form))
        .collect();
    let size = step["page"].as_u64().unwrap_or(1000) as usize;
    let begin: usize = form
        .get("NextToken")
        .map_or(0, |token| token.parse().unwrap());
    let end = (begin + size).min(selected.len());
    let reservations = selected[begin..end].iter().map(|one| {
        let mut one = one.clone();
        let owner = one.as_object_mut().unwrap().remove("ownerId");
        let mut reservation =
            json!({"reservationId": "r-1", "groupSet": [], "instancesSet": [one]});
        if let Some(owner) = owner {
            reservation["ownerId"] = owner;
        }
        reservation
    });
    let mut answer = json!({"reservationSet": reservations.collect::<Vec<_>>()});
    if end < selected.len() {
        answer["nextToken"] = end.to_string().into();
    }
    answer
}

/// Every filter has to hold, by one of its values.
fn is_selected(one: &Value, form: &Form) -> bool {
    let named = (1..).map_while(|nth| Some((nth, form.get(&format!("Filter.{nth}.Name"))?)));
    named.into_iter().all(|(nth, name)| {
        let mut values = (1..).map_while(|other| form.get(&format!("Filter.{nth}.Value.{other}")));
        let is = match name.strip_prefix("tag:") {
            Some(key) => {
                let tags = one["tagSet"].as_array().cloned().unwrap_or_default();
                let tag = tags.into_iter().find(|tag| tag["key"] == key);
                tag.map(|tag| tag["value"].clone())
            }
            None => match name.as_str() {
                "instance-state-name" => Some(one["instanceState"]["name"].clone()),
                other => panic!("{other}"),
            },
        };
        values.any(|value| is.as_ref().is_some_and(|is| is == value))
    })
}

/// A value as XML.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                text.push_str(&format!("<{name}>"));
                write(value, text);
                text.push_str(&format!("</{name}>\n"));
            }
        }
        Value::Array(items) => {
            for item in items {
                text.push_str("  <item>\n");
                write(item, text);
                text.push_str("  </item>\n");
            }
        }
        Value::String(string) => {
            let escaped = string.replace('&', "&amp;").replace('<', "&lt;");
            text.push_str(&escaped.replace('"', "&quot;"));
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}
