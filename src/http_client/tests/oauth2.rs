//! Tokens: when one is fetched, and from whom it is not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::server::{Server, hang, ok, post, request, send};
use super::support::{addresses, client, client_with, get, pass};
use crate::document::secret::{Secret, SecretSource};
use crate::http_client::oauth2::Tokens;
use crate::http_client::settings::{Auth, HttpConfig, OAuth2, Proxy, TlsConfig};
use crate::http_client::{DialPolicy, Reach, Resolver};

const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

fn settings(token_url: &str) -> OAuth2 {
    OAuth2 {
        client_id: "id".to_owned(),
        client_secret: SecretSource::Inline(Secret::new("se cret")),
        token_url: token_url.parse().unwrap(),
        scopes: vec!["read".to_owned()],
        endpoint_params: Vec::new(),
        tls: TlsConfig::default(),
        proxy: Proxy::None,
    }
}

fn with(oauth2: OAuth2) -> HttpConfig {
    HttpConfig {
        auth: Auth::OAuth2(Box::new(oauth2)),
        ..HttpConfig::default()
    }
}

/// Requests with the tokens of this server.
pub(crate) fn oauth2(token_url: &str) -> HttpConfig {
    with(settings(token_url))
}

/// Grants tokens `t0`, `t1`, ..., each for so many seconds.
pub(crate) async fn granting(seconds: &'static str) -> (Server, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let keep = heard.clone();
    let server = Server::start(move |mut stream, number| {
        let keep = keep.clone();
        async move {
            let (head, _) = post(&mut stream).await.unwrap();
            keep.lock().unwrap().push(head);
            // Long enough for others to come and wait.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let token = format!(r#"{{"access_token":"t{number}","expires_in":{seconds}}}"#);
            send(&mut stream, &ok("", token.as_bytes())).await;
        }
    })
    .await;
    (server, heard)
}

#[tokio::test]
async fn a_token_serves_every_refresh_until_shortly_before_it_expires() {
    let (tokens, _) = granting("2").await;
    let (server, heard) = Server::listening(ok("", b"[]")).await;
    let client = Arc::new(client(oauth2(&format!("http://{}/token", tokens.address))));
    let url = format!("http://{}/", server.address);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (client, url) = (client.clone(), url.clone());
        waiting.spawn(async move { get(&client, &url).await });
    }
    for status in waiting.join_all().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(tokens.connections(), 1);
    pass(Duration::from_millis(1050)).await;
    get(&client, &url).await.unwrap();
    assert_eq!(tokens.connections(), 2);
    let heard = heard.lock().unwrap();
    assert!(
        heard[7].contains("authorization: Bearer t0\r\n"),
        "{}",
        heard[7]
    );
    assert!(
        heard[8].contains("authorization: Bearer t1\r\n"),
        "{}",
        heard[8]
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_amid_a_round() {
    let (tokens, _) = granting("3600").await;
    let server = Server::start(async |mut stream, _| {
        while let Some(head) = request(&mut stream).await {
            let accepted = head.starts_with("GET /first") || head.contains("Bearer t1\r\n");
            let answer = match accepted {
                true => ok("", b"[]"),
                false => UNAUTHORIZED.into(),
            };
            send(&mut stream, &answer).await;
        }
    })
    .await;
    let client = client(oauth2(&format!("http://{}/token", tokens.address)));
    let round = client.prepare(Duration::from_secs(10)).await.unwrap();
    let ask = async |path: &str| {
        let url = format!("http://{}{path}", server.address).parse().unwrap();
        round.send(round.get(&url)).await.unwrap().status().as_u16()
    };
    assert_eq!(ask("/first").await, 200);
    // One so young is not renewed: a server that refuses every token would have us fetch for ever.
    assert_eq!(ask("/second").await, 401);
    pass(Duration::from_millis(550)).await;
    assert_eq!(ask("/second").await, 200);
    assert_eq!(ask("/second").await, 200);
    assert_eq!(tokens.connections(), 2);
}

#[tokio::test]
async fn a_secret_is_read_anew_for_each_token() {
    let (tokens, asked) = granting("1").await;
    let server = Server::answering(ok("", b"[]")).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let client = client(with(OAuth2 {
        client_secret: SecretSource::File(path.clone()),
        ..settings(&format!("http://{}/token", tokens.address))
    }));
    let url = format!("http://{}/", server.address);
    let why = get(&client, &url).await.unwrap_err();
    assert!(why.contains(": cannot read secret file `/"), "{why}");
    assert_eq!((tokens.connections(), server.connections()), (0, 0));
    for secret in ["one", "two"] {
        std::fs::write(&path, secret).unwrap();
        get(&client, &url).await.unwrap();
        pass(Duration::from_millis(550)).await;
    }
    let asked = asked.lock().unwrap();
    assert!(asked[0].contains("Basic aWQ6b25l\r\n"), "{}", asked[0]);
    assert!(asked[1].contains("Basic aWQ6dHdv\r\n"), "{}", asked[1]);
}

#[tokio::test]
async fn a_server_that_wants_the_secret_in_the_form_gets_it_there() {
    for refusal in ["400 Bad Request", "401 Unauthorized", "403 Forbidden"] {
        let tokens = Server::start(move |mut stream, _| async move {
            while let Some((_, body)) = post(&mut stream).await {
                let answer = match body.ends_with("&client_id=id&client_secret=se+cret") {
                    true => ok("", br#"{"access_token": "t", "token_type": "MAC"}"#),
                    false => format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n").into(),
                };
                send(&mut stream, &answer).await;
            }
        })
        .await;
        let (server, heard) = Server::listening(ok("", b"[]")).await;
        let client = client(oauth2(&format!("http://{}/token", tokens.address)));
        get(&client, &format!("http://{}/", server.address))
            .await
            .unwrap();
        let heard = heard.lock().unwrap();
        assert!(
            heard[0].contains("authorization: MAC t\r\n"),
            "{}",
            heard[0]
        );
    }
}

#[tokio::test]
async fn a_server_that_limits_requests_is_not_sent_the_secret_twice() {
    let limited = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
    let (tokens, asked) = Server::listening(limited).await;
    let client = client(oauth2(&format!("http://{}/token", tokens.address)));
    get(&client, "http://127.0.0.1:1/").await.unwrap_err();
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_token_server_does_wrong_is_said_without_its_words() {
    let large = [b"{\"hush\": \"".as_slice(), &[b'x'; 300_000]].concat();
    for (answer, why) in [
        (
            ok("", br#"{"hush": 1}"#),
            "it answered without a token: line 1 column 11",
        ),
        (ok("", &large), "the body is larger than 262144 bytes"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /hush\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "it answered with status 302 Found",
        ),
    ] {
        let tokens = Server::start(move |mut stream, _| {
            let answer = answer.clone();
            async move {
                while post(&mut stream).await.is_some() {
                    send(&mut stream, &answer).await;
                }
            }
        })
        .await;
        let server = format!("http://{}/token", tokens.address);
        let client = client(oauth2(&format!("{server}?key=hush")));
        let said = get(&client, "http://list.example/").await.unwrap_err();
        assert_eq!(said, format!("oauth2 token server {server}: {why}"));
    }
}

#[tokio::test]
async fn a_denied_token_server_is_not_dialled_directly_or_through_a_proxy() {
    let proxy = Server::start(async |_, _| panic!("asked")).await;
    let behind = |proxy: &str| Proxy::Url {
        url: proxy.parse().unwrap(),
        no_proxy: Vec::new(),
        connect_headers: Vec::new(),
    };
    let listening = format!("http://{}", proxy.address);
    for (url, proxy, denied) in [
        (
            "http://169.254.169.254/token",
            Proxy::None,
            "169.254.169.254",
        ),
        ("http://2852039166/token", Proxy::None, "169.254.169.254"),
        (
            "https://denied.example/token",
            Proxy::None,
            "169.254.169.254",
        ),
        (
            "https://169.254.169.254/token",
            behind(&listening),
            "169.254.169.254",
        ),
        (
            "http://metadata.google.internal/token",
            behind(&listening),
            "metadata.google.internal",
        ),
        (
            "http://idp.example/token",
            behind("http://169.254.169.254:3128"),
            "169.254.169.254",
        ),
        (
            "http://idp.example/token",
            behind("http://denied.example:3128"),
            "169.254.169.254",
        ),
    ] {
        let resolver = Resolver::new(|_| addresses(&["169.254.169.254"]));
        let oauth2 = OAuth2 {
            proxy,
            ..settings(url)
        };
        let said = get(&client_with(with(oauth2), resolver), "http://127.0.0.1:1/").await;
        let said = said.unwrap_err();
        let denied = format!(": dial policy: {denied} is a ");
        assert!(said.contains(&denied), "{url}: {said}");
    }
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn fault_91_a_secret_for_a_token_crosses_no_network_in_the_clear() {
    let (tokens, _) = granting("3600").await;
    let port = tokens.address.port();
    let reach = |allow_plaintext| Reach {
        resolver: Resolver::new(|name| match name {
            "near.example" => addresses(&["192.0.2.1", "127.0.0.1"]),
            _ => addresses(&["192.0.2.1"]),
        }),
        dial: Some(DialPolicy::default()),
        allow_plaintext,
    };
    let proxied = OAuth2 {
        proxy: Proxy::Url {
            url: format!("http://127.0.0.1:{port}").parse().unwrap(),
            no_proxy: Vec::new(),
            connect_headers: Vec::new(),
        },
        ..settings("http://idp.example/token")
    };
    for (oauth2, peer) in [
        (settings("http://192.0.2.1/token"), "192.0.2.1"),
        (settings("http://far.example/token"), "192.0.2.1"),
        (proxied.clone(), "idp.example"),
    ] {
        let why = Tokens::new(&oauth2).authorization(&reach(false)).await;
        let why = why.unwrap_err();
        let said = format!(
            ": credentials are not sent to {peer} over plain http: use https, or allow plaintext credentials"
        );
        assert!(why.ends_with(&said), "{why}");
    }
    let near = Tokens::new(&settings(&format!("http://near.example:{port}/token")));
    near.authorization(&reach(false)).await.unwrap();
    let allowed = Tokens::new(&proxied).authorization(&reach(true)).await;
    assert_eq!(allowed.unwrap().expose(), "Bearer t1");
}

#[tokio::test]
async fn whoever_gives_up_leaves_the_fetch_to_the_next() {
    let tokens = Server::start(async |mut stream, number| {
        post(&mut stream).await;
        match number {
            0 => hang().await,
            _ => _ = send(&mut stream, &ok("", br#"{"access_token": "t"}"#)).await,
        }
    })
    .await;
    let tokens = Tokens::new(&settings(&format!("http://{}/token", tokens.address)));
    let reach = Reach::unlimited();
    let hung = tokens.authorization(&reach);
    let hung = tokio::time::timeout(Duration::from_millis(100), hung).await;
    assert!(hung.is_err());
    let granted = tokens.authorization(&reach).await.unwrap();
    assert_eq!(granted.expose(), "Bearer t");
}
