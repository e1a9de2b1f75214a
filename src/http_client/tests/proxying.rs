//! HTTP proxies of lists and evidence: chosen as scrapes choose them.

use super::server::{Server, ok};
use super::support::{client, get, through};

#[tokio::test]
async fn no_proxy_means_what_it_means_for_scrapes() {
    let (server, heard) = Server::listening(ok("", b"[]")).await;
    let direct = Server::answering(ok("", b"[]")).await;
    let port = direct.address.port();
    for (no_proxy, host, goes_direct) in [
        ("", "a.example", false),
        ("*", "a.example", true),
        ("example", "a.example", true),
        // reqwest's own reading takes a domain with a dot for the domain itself, and no ports.
        (".a.example", "a.example", false),
        (".a.example", "b.a.example", true),
        (&format!("a.example:{port}"), "a.example", true),
        ("a.example:1", "a.example", false),
        ("127.0.0.0/8", "127.0.0.1", true),
        ("10.0.0.0/8", "127.0.0.1", false),
    ] {
        let before = heard.lock().unwrap().len();
        let client = client(through(&format!("http://{}", server.address), no_proxy));
        let status = get(&client, &format!("http://{host}:{port}/")).await;
        assert_eq!(status.unwrap(), 200);
        let asked = heard.lock().unwrap().len() - before;
        assert_eq!(asked == 0, goes_direct, "{no_proxy:?} {host}");
    }
}

#[tokio::test]
async fn credentials_of_the_proxy_go_to_it_and_connect_headers_with_connect_only() {
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let (server, heard) = Server::listening(refusal).await;
    let client = client(through(
        &format!("http://us%65r:p%40ss@{}", server.address),
        "",
    ));
    get(&client, "http://list.example/here").await.unwrap();
    get(&client, "https://list.example/").await.unwrap_err();
    let heard = heard.lock().unwrap();
    // "user:p@ss"
    let credentials = "proxy-authorization: Basic dXNlcjpwQHNz\r\n";
    for (head, line, gate) in [
        (
            &heard[0],
            "GET http://list.example/here HTTP/1.1\r\n",
            false,
        ),
        (&heard[1], "CONNECT list.example:443 HTTP/1.1\r\n", true),
    ] {
        let head = head.replace("Proxy-Authorization", "proxy-authorization");
        assert!(head.starts_with(line), "{head}");
        assert!(head.contains(credentials), "{head}");
        assert_eq!(head.contains("x-gate: east\r\n"), gate, "{head}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_spoken_to_is_not_passed_by() {
    let client = client(through("socks5://127.0.0.1:1080", ""));
    let error = get(&client, "http://list.example/").await.unwrap_err();
    assert_eq!(error, "proxy scheme \"socks5\" is not supported");
}
