//! Who we are to AWS, on a moto server that checks signatures and policies, beside the real Prometheus.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::compared::prometheus::{Prometheus, program, stable};
use crate::programs::{BINARY, Program, free_address, get, tell, until};

/// A moto server with a world of its own.
struct Moto {
    _program: Program,
    address: SocketAddr,
    world: Value,
}

impl Moto {
    /// `checks` who asks, or `believes`.
    async fn start(folder: &Path, checks: &str) -> Self {
        let python = program("MOTO_PYTHON");
        let address = free_address();
        let port = address.port().to_string();
        let server = ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port];
        let running = Program::start(&python, &server, folder);
        until(&format!("http://{address}/moto-api/data.json"), |_| true).await;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/moto/world.py");
        let made = Command::new(&python)
            .args([script, &format!("http://{address}"), checks])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        Self {
            _program: running,
            address,
            world: serde_json::from_slice(&made.stdout).unwrap(),
        }
    }

    fn text<'a>(&'a self, pointer: &str) -> &'a str {
        self.world.pointer(pointer).unwrap().as_str().unwrap()
    }
}

/// A way to say who asks: what the configuration says, what the environment does, and files in the home folder.
struct Identity {
    name: &'static str,
    entry: Value,
    environment: Vec<String>,
    /// What it has to fail with.
    error: Option<&'static str>,
}

fn identities(moto: &Moto) -> Vec<Identity> {
    let key = |user: &str| {
        let text = |part| moto.text(&format!("/{user}/{part}")).to_owned();
        (text("id"), text("secret"))
    };
    let (reader, assumer) = (key("reader"), key("assumer"));
    let (region, role) = (moto.text("/region"), moto.text("/role"));
    let profiles = format!(
        "[default]\nregion = {region}\n[profile base]\n[profile becomes]\nrole_arn = {role}\nsource_profile = base\nregion = {region}\n"
    );
    let secrets = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        reader.0, reader.1, assumer.0, assumer.1
    );
    let home = |identity: &mut Identity| {
        identity
            .environment
            .push(format!("WRITE_CONFIG={profiles}"));
        identity
            .environment
            .push(format!("WRITE_CREDENTIALS={secrets}"));
    };
    let plain = |name, entry, environment: &[String]| Identity {
        name,
        entry,
        environment: environment.to_vec(),
        error: None,
    };
    let of_environment = |(id, secret): &(String, String)| {
        [
            format!("AWS_ACCESS_KEY_ID={id}"),
            format!("AWS_SECRET_ACCESS_KEY={secret}"),
            format!("AWS_REGION={region}"),
        ]
    };
    let with_key = |(id, secret): &(String, String)| json!({"region": region, "access_key": id, "secret_key": secret});
    let mut as_role = with_key(&assumer);
    as_role["role_arn"] = role.into();
    let mut wrong = with_key(&reader);
    wrong["secret_key"] = "wrong".into();
    let mut files = plain("files", json!({}), &[]);
    home(&mut files);
    let mut profile = plain(
        "profile",
        json!({"profile": "becomes", "region": region}),
        &[],
    );
    home(&mut profile);
    vec![
        plain("key", with_key(&reader), &[]),
        plain("role", as_role, &[]),
        plain("environment", json!({}), &of_environment(&reader)),
        files,
        profile,
        Identity {
            error: Some("ec2:DescribeInstances: the server answered "),
            ..plain("wrong secret", wrong, &[])
        },
        Identity {
            error: Some("ec2:DescribeInstances: the server answered 403 "),
            ..plain("who may not", with_key(&assumer), &[])
        },
    ]
}

/// A program's environment: who it is and where AWS is, and nothing that this machine would add.
fn environment(identity: &Identity, place: SocketAddr, folder: &Path) -> Vec<String> {
    let aws = folder.join(".aws");
    std::fs::create_dir_all(&aws).unwrap();
    let mut variables = vec![
        "env".to_owned(),
        format!("HOME={}", folder.display()),
        format!("AWS_ENDPOINT_URL=http://{place}"),
        // AWS's tools for Go assume a profile's role at no other place.
        format!("AWS_ENDPOINT_URL_STS=http://{place}"),
        format!("AWS_EC2_METADATA_SERVICE_ENDPOINT=http://{place}"),
    ];
    for variable in &identity.environment {
        match variable.split_once('=').unwrap() {
            ("WRITE_CONFIG", text) => std::fs::write(aws.join("config"), text).unwrap(),
            ("WRITE_CREDENTIALS", text) => std::fs::write(aws.join("credentials"), text).unwrap(),
            _ => variables.push(variable.clone()),
        }
    }
    variables
}

fn job(identity: &Identity) -> Value {
    let mut entry = identity.entry.clone();
    entry["refresh_interval"] = "1s".into();
    json!({"job_name": "instances", "ec2_sd_configs": [entry],
           "relabel_configs": [{"action": "labelmap", "regex": "__meta_ec2_(.+)"}]})
}

/// The daemon's answer on targets, once it has what is waited for.
async fn ours(
    command: &[String],
    job: &Value,
    folder: &Path,
    found: impl Fn(&Value) -> bool,
) -> Value {
    let config = json!({"scrape_configs": [job], "history": "off"});
    std::fs::write(folder.join("config.yaml"), config.to_string()).unwrap();
    let address = free_address().to_string();
    let flags = [
        "--config.file=config.yaml",
        "--web.listen-address",
        &address,
    ];
    let arguments: Vec<&str> = command[1..]
        .iter()
        .map(String::as_str)
        .chain([BINARY])
        .chain(flags)
        .collect();
    let daemon = Program::start(&command[0], &arguments, folder);
    let begun = Instant::now();
    loop {
        let answer = get(&format!("http://{address}/api/v1/targets")).await;
        let answer = answer
            .ok()
            .and_then(|(_, text)| serde_json::from_str(&text).ok());
        if let Some(answer) = answer
            && found(&answer)
        {
            return answer;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{}",
            daemon.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto and a current Prometheus: ./tests/run real"]
async fn real_moto_knows_us_as_it_knows_prometheus() {
    let folder = tempfile::tempdir().unwrap();
    let moto = Moto::start(folder.path(), "checks").await;
    let (mut known, mut targets) = (0, 0);
    for identity in identities(&moto) {
        let place = folder.path().join(identity.name);
        std::fs::create_dir(&place).unwrap();
        let command = environment(&identity, moto.address, &place);
        let job = job(&identity);
        if let Some(error) = identity.error {
            ours(&command, &job, &place, |answer| {
                let said = answer["sources"][0]["last_error"].as_str();
                said.is_some_and(|said| said.starts_with(error))
            })
            .await;
            known += 1;
            continue;
        }
        let by: Vec<&str> = command.iter().map(String::as_str).collect();
        let prometheus = Prometheus::start_by(&by, &place, std::slice::from_ref(&job));
        let wanted = stable(&prometheus).await;
        let mut wanted: Vec<Value> = wanted["instances"]
            .iter()
            .map(|found| json!(found.labels))
            .collect();
        let labels = |answer: &Value| {
            let targets = answer["targets"].as_array().unwrap().iter();
            let mut labels: Vec<Value> = targets.map(|target| target["labels"].clone()).collect();
            labels.sort_by_key(Value::to_string);
            labels
        };
        wanted.sort_by_key(Value::to_string);
        ours(&command, &job, &place, |answer| labels(answer) == wanted).await;
        (known, targets) = (known + 1, targets + wanted.len());
    }
    tell(format_args!(
        "{known} of {known} identities are to moto who they are, and find the {targets} targets that Prometheus finds"
    ));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto: ./tests/run real"]
async fn real_moto_tells_an_instance_where_and_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let moto = Moto::start(folder.path(), "believes").await;
    let identity = Identity {
        name: "instance",
        entry: json!({}),
        environment: Vec::new(),
        error: None,
    };
    let command = environment(&identity, moto.address, folder.path());
    // The metadata say another region, where nothing runs.
    let answer = ours(&command, &job(&identity), folder.path(), |answer| {
        !answer["sources"][0]["last_success"].is_null()
    })
    .await;
    assert_eq!(answer["targets"], json!([]));
}
