//! Query parameters of the API: one that is not known is an error, since whoever writes it expects an effect.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::snapshot::ServiceState;

/// A parameter that cannot be obeyed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::publish) enum ParameterError {
    #[error("no parameter `{name}` is known here; {}", listed(.known))]
    Unknown {
        name: String,
        known: &'static [&'static str],
    },
    #[error("parameter `{0}` is given twice")]
    Twice(String),
    #[error("parameter `{0}` is missing")]
    Missing(&'static str),
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => "there are none".to_owned(),
        names => format!("those that are: {}", names.join(", ")),
    }
}

impl IntoResponse for ParameterError {
    fn into_response(self) -> Response {
        let error = json!({"error": self.to_string()});
        (StatusCode::BAD_REQUEST, Json(error)).into_response()
    }
}

/// Which services are asked for; everything that is given must hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::publish) struct ServiceFilter {
    service_name: Option<String>,
    environment: Option<String>,
    team: Option<String>,
}

impl ServiceFilter {
    const KNOWN: &'static [&'static str] = &["service_name", "environment", "team"];

    /// Reads what is asked for.
    pub(in crate::publish) fn read(
        parameters: &[(String, String)],
    ) -> Result<Self, ParameterError> {
        let mut filter = Self::default();
        for (name, value) in parameters {
            let field = match name.as_str() {
                "service_name" => &mut filter.service_name,
                "environment" => &mut filter.environment,
                "team" => &mut filter.team,
                _ => {
                    return Err(ParameterError::Unknown {
                        name: name.clone(),
                        known: Self::KNOWN,
                    });
                }
            };
            if field.replace(value.clone()).is_some() {
                return Err(ParameterError::Twice(name.clone()));
            }
        }
        Ok(filter)
    }

    /// Whether a service is asked for.
    pub(super) fn admits(&self, service: &ServiceState) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == value)
        };
        is(&self.service_name, &service.key.name)
            && is(&self.environment, &service.key.environment)
            && is(&self.team, &service.team)
    }
}

/// Where no parameter is known.
pub(in crate::publish) fn none(parameters: &[(String, String)]) -> Result<(), ParameterError> {
    match parameters.first() {
        None => Ok(()),
        Some((name, _)) => Err(ParameterError::Unknown {
            name: name.clone(),
            known: &[],
        }),
    }
}

/// The URL or address of `/api/v1/targets/relabelling`.
pub(in crate::publish) fn target(parameters: &[(String, String)]) -> Result<&str, ParameterError> {
    match parameters {
        [] => Err(ParameterError::Missing("target")),
        [(name, target)] if name == "target" => Ok(target),
        [(name, _), (again, _), ..] if name == "target" && again == name => {
            Err(ParameterError::Twice(name.clone()))
        }
        [first @ .., last] => {
            let mut others = first.iter().chain([last]);
            let other = others.find(|(name, _)| name != "target").unwrap_or(last);
            Err(ParameterError::Unknown {
                name: other.0.clone(),
                known: &["target"],
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_an_error_that_says_what_is() {
        let pair = |name: &str| (name.to_owned(), "x".to_owned());
        let message = |parameters: &[(String, String)]| {
            ServiceFilter::read(parameters).map_err(|error| error.to_string())
        };
        assert_eq!(
            message(&[pair("teams")]).unwrap_err(),
            "no parameter `teams` is known here; those that are: service_name, environment, team"
        );
        assert_eq!(
            message(&[pair("team"), pair("team")]).unwrap_err(),
            "parameter `team` is given twice"
        );
        assert_eq!(message(&[pair("team")]).unwrap().team.as_deref(), Some("x"));
        assert_eq!(
            none(&[pair("team")]).unwrap_err().to_string(),
            "no parameter `team` is known here; there are none"
        );
    }
}
