//! One request in the form that EC2, STS and IAM are asked: a form that is posted, answered in XML.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use url::Url;
use url::form_urlencoded::Serializer;

use super::credentials::Credentials;
use super::endpoint::Service;
use super::failure::Failure;
use super::signature::{self, Scope};
use crate::http_client::{Prepared, body};

/// Bytes of an answer: a page of a thousand instances takes six million.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Where a service is asked.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) service: Service,
    pub(super) region: String,
    pub(super) url: Url,
}

/// What is done, and with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action<'a> {
    pub(super) name: &'a str,
    pub(super) parameters: &'a [(String, String)],
}

impl Action<'_> {
    fn form(&self, service: Service) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", self.name)
            .append_pair("Version", service.version())
            .extend_pairs(self.parameters);
        form.finish()
    }
}

/// Asks, by whom is given: STS grants some credentials to whoever shows a token.
pub(super) async fn ask<T: DeserializeOwned>(
    http: &Prepared,
    place: &Place,
    action: Action<'_>,
    credentials: Option<&Credentials>,
) -> Result<T, Failure> {
    let form = action.form(place.service);
    let mut request = http.post(&place.url);
    request = match credentials {
        None => request.header(CONTENT_TYPE, signature::CONTENT_TYPE),
        Some(credentials) => {
            let scope = Scope {
                region: &place.region,
                service: place.service.id(),
            };
            let now = Timestamp::now();
            let headers = signature::headers(&place.url, &form, credentials, scope, now);
            headers.into_iter().fold(request, |request, (name, value)| {
                request.header(name, value)
            })
        }
    };
    let answer = async {
        let response = http.send(request.body(form)).await;
        let response = response.map_err(|error| error.to_string())?;
        let status = response.status();
        Ok::<_, String>((status, body(response, ANSWER_BYTES_MAX).await?))
    };
    let (status, body) = answer.await.map_err(Failure::Failed)?;
    if status != StatusCode::OK {
        return Err(Failure::refused(status, &body));
    }
    let unlike = |error: &dyn std::error::Error| {
        Failure::Failed(format!("the answer is not what was asked for: {error}"))
    };
    let text = std::str::from_utf8(&body).map_err(|error| unlike(&error))?;
    quick_xml::de::from_str(text).map_err(|error| unlike(&error))
}
