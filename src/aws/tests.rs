//! Credentials that are granted near by and by STS, over sockets. What signatures are worth is asked of moto in
//! `tests/it/mechanisms/aws.rs`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::client::Aws;
use super::environment::Environment;
use super::{Access, Role, Service};

/// What was asked for: method, path, and who asked or the form.
type Asked = Arc<Mutex<Vec<String>>>;

/// All that is asked, in one place: each grants a key named after itself.
async fn everything() -> (String, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    let answer = move |request: Request| {
        let log = Arc::clone(&log);
        async move { answer(request, &log).await }
    };
    let router = axum::Router::new().fallback(answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://{address}"), asked)
}

async fn answer(request: Request, log: &Asked) -> Response {
    let (request, body) = request.into_parts();
    let header = |name: &str| {
        let value = request.headers.get(name);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    };
    let (path, who) = (request.uri.path().to_owned(), header("authorization"));
    let with_token = header("x-aws-ec2-metadata-token") == "visit";
    let key = |name: &str| {
        format!(
            r#"{{"Code": "Success", "AccessKeyId": "{name}", "SecretAccessKey": "s", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}}"#
        )
    };
    let method = request.method.to_string();
    match path.as_str() {
        "/latest/api/token" if method == "PUT" => "visit".into_response(),
        _ if path.starts_with("/latest/") && !with_token => {
            StatusCode::UNAUTHORIZED.into_response()
        }
        "/latest/meta-data/placement/region" => "eu-central-1".into_response(),
        "/latest/meta-data/iam/security-credentials/" => "a role".into_response(),
        "/latest/meta-data/iam/security-credentials/a%20role" => key("INSTANCE").into_response(),
        "/container" if who == "grant" => key("CONTAINER").into_response(),
        "/elsewhere" => {
            let to = [("location", "http://127.0.0.1:1/")];
            (StatusCode::TEMPORARY_REDIRECT, to).into_response()
        }
        "/" => {
            let body = axum::body::to_bytes(body, 65536).await.unwrap();
            let form = String::from_utf8(body.to_vec()).unwrap();
            let who = who.split(['=', '/']).nth(1).unwrap_or_default().to_owned();
            log.lock().unwrap().push(format!("{who}: {form}"));
            by_form(&form)
        }
        _ => StatusCode::FORBIDDEN.into_response(),
    }
}

fn by_form(form: &str) -> Response {
    let granted = |action: &str| {
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></{action}Result></{action}Response>",
            action.to_uppercase()
        )
    };
    for action in ["AssumeRoleWithWebIdentity", "AssumeRole"] {
        if form.starts_with(&format!("Action={action}&")) {
            return granted(action).into_response();
        }
    }
    "<Answer><requestId>1</requestId></Answer>".into_response()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    request_id: String,
}

/// Asks once; what EC2 was told, and by whom, of all that was asked for at the end.
async fn asked<const N: usize>(
    access: Access,
    variables: [(&str, &str); N],
) -> Result<Vec<String>, String> {
    let (place, log) = everything().await;
    let variables = variables.map(|(name, value)| (name, value.replace("PLACE", &place)));
    let mut all = vec![("AWS_ENDPOINT_URL", place.as_str())];
    all.extend(
        variables
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    let aws = Aws::in_environment(
        access,
        Duration::from_secs(5),
        Environment::from(all.as_slice()),
    );
    for _ in 0..2 {
        let visit = aws.visit(Service::Ec2).await?;
        assert_eq!(visit.region(), "eu-central-1");
        let answer: Answer = visit.ask("Describe", &[]).await?;
        assert_eq!(answer.request_id, "1");
    }
    let log = log.lock().unwrap().clone();
    Ok(log)
}

const REGION: (&str, &str) = ("AWS_REGION", "eu-central-1");
const DESCRIBED: &str = "Action=Describe&Version=2016-11-15";

/// Granted once, used twice.
fn twice(who: &str) -> [String; 2] {
    [format!("{who}: {DESCRIBED}"), format!("{who}: {DESCRIBED}")]
}

#[tokio::test]
async fn an_instance_is_asked_for_its_region_and_its_role() {
    let metadata = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "PLACE");
    let log = asked(Access::default(), [metadata]).await.unwrap();
    assert_eq!(log, twice("INSTANCE"));
}

#[tokio::test]
async fn a_container_shows_its_token_to_its_agent() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "grant\n").unwrap();
    let agent = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "PLACE/container");
    for variable in [
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "grant"),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            token.to_str().unwrap(),
        ),
    ] {
        let log = asked(Access::default(), [REGION, agent, variable]).await;
        assert_eq!(log.unwrap(), twice("CONTAINER"));
    }
    let error = asked(Access::default(), [REGION, agent]).await.unwrap_err();
    assert!(
        error.starts_with("container credentials of 127.0.0.1: ")
            && error.ends_with("the server answered 403 Forbidden"),
        "{error}"
    );
    // Whoever answers for the agent sends us nowhere else.
    let agent = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "PLACE/elsewhere");
    let error = asked(Access::default(), [REGION, agent]).await.unwrap_err();
    assert!(error.ends_with("307 Temporary Redirect"), "{error}");
}

#[tokio::test]
async fn a_pod_shows_its_token_to_sts() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "eyJ.x.y\n").unwrap();
    let variables = [
        REGION,
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
        ("AWS_ROLE_SESSION_NAME", "here"),
    ];
    let log = asked(Access::default(), variables).await.unwrap();
    // Nobody signs it.
    assert_eq!(
        log[0],
        ": Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=here&WebIdentityToken=eyJ.x.y"
    );
    assert_eq!(log[1..], twice("ASSUMEROLEWITHWEBIDENTITY"));
}

#[tokio::test]
async fn a_role_is_assumed_by_who_we_are_otherwise() {
    let access = Access {
        role: Some(Role {
            arn: "arn:aws:iam::1:role/r".to_owned(),
            external_id: Some("shown".to_owned()),
        }),
        ..Access::default()
    };
    let variables = [
        REGION,
        ("AWS_ACCESS_KEY_ID", "OWN"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    let log = asked(access, variables).await.unwrap();
    assert!(
        log[0].starts_with("OWN: Action=AssumeRole&") && log[0].ends_with("&ExternalId=shown"),
        "{log:?}"
    );
    assert_eq!(log[1..], twice("ASSUMEROLE"));
}

#[tokio::test]
async fn who_has_nothing_is_told_where_it_was_looked_for() {
    let disabled = ("AWS_EC2_METADATA_DISABLED", "true");
    let error = asked(Access::default(), [REGION, disabled]).await;
    assert_eq!(
        error.unwrap_err(),
        "no credentials: neither the configuration, nor the environment, nor a profile holds any, and AWS_EC2_METADATA_DISABLED is set"
    );
    let key = [
        disabled,
        ("AWS_ACCESS_KEY_ID", "OWN"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    let error = asked(Access::default(), key).await;
    assert_eq!(
        error.unwrap_err(),
        "no region: neither the configuration, nor AWS_REGION, nor a profile names one, and AWS_EC2_METADATA_DISABLED is set"
    );
    let access = Access {
        region: Some("eu-central-1.example.com/".to_owned()),
        ..Access::default()
    };
    let error = asked(access, key).await.unwrap_err();
    assert!(error.contains("is no region"), "{error}");
}
