//! Names and addresses: what is dialled, and what a resolver can do to us.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use super::server::{Server, ok};
use super::support::{addresses, client_with, get};
use crate::http_client::settings::{HttpConfig, Proxy};
use crate::http_client::{DialPolicy, HttpClient, Reach, Resolver};

#[tokio::test]
async fn fault_79_a_name_that_hangs_holds_one_lookup_however_often_it_is_asked() {
    let (release, hung) = std::sync::mpsc::channel::<()>();
    let hung = std::sync::Mutex::new(hung);
    let lookups = Arc::new(AtomicUsize::new(0));
    let counter = lookups.clone();
    let resolver = Resolver::new(move |_| {
        counter.fetch_add(1, SeqCst);
        // Ends with the test, when the sender is dropped.
        hung.lock().unwrap().recv().unwrap_err();
        addresses(&["127.0.0.1"])
    });
    let client = client_with(HttpConfig::default(), resolver);
    for _ in 0..3 {
        let asked = get(&client, "http://hung.example/");
        let waited = tokio::time::timeout(Duration::from_millis(50), asked).await;
        assert!(waited.is_err(), "{waited:?}");
    }
    assert_eq!(lookups.load(SeqCst), 1);
    drop(release);
}

#[tokio::test]
async fn denied_addresses_of_a_name_are_passed_over_and_a_name_of_no_other_is_denied() {
    let server = Server::answering(ok("", b"[]")).await;
    let resolver = Resolver::new(|name| match name {
        "mixed.example" => addresses(&["169.254.169.254", "127.0.0.1"]),
        _ => addresses(&["169.254.169.254"]),
    });
    let reach = Reach {
        resolver,
        dial: Some(DialPolicy::default()),
        ..Reach::unlimited()
    };
    let http = Arc::new(HttpConfig::default());
    let client = HttpClient::new(http, reach, DialPolicy::default());
    let port = server.address.port();
    let status = get(&client, &format!("http://mixed.example:{port}/")).await;
    assert_eq!(status.unwrap(), 200);
    let error = get(&client, "http://denied.example/").await.unwrap_err();
    assert_eq!(
        error,
        "dial policy: 169.254.169.254 is a link-local address"
    );
}

/// Behind a proxy it is the proxy that looks a name up, and it may take any of its addresses.
#[tokio::test]
async fn behind_a_proxy_every_address_of_a_name_is_checked() {
    let resolver = Resolver::new(|name| match name {
        "allowed.example" => addresses(&["127.0.0.1"]),
        "mixed.example" => addresses(&["127.0.0.1", "169.254.169.254"]),
        _ => Err(std::io::Error::other("no such name")),
    });
    let reach = Reach {
        resolver,
        dial: Some(DialPolicy::default()),
        ..Reach::unlimited()
    };
    let http = HttpConfig {
        proxy: Proxy::Url {
            url: "http://127.0.0.1:3128".parse().unwrap(),
            no_proxy: vec!["mixed.example:81".to_owned()],
            connect_headers: Vec::new(),
        },
        ..HttpConfig::default()
    };
    let client = HttpClient::new(Arc::new(http), reach, DialPolicy::default());
    let prepared = client.prepare(Duration::from_secs(5)).await.unwrap();
    for (url, denied) in [
        ("http://allowed.example/", None),
        ("http://127.0.0.1/", None),
        (
            "http://mixed.example/",
            Some("dial policy: 169.254.169.254 is a link-local address"),
        ),
        // What is dialled here is checked when it is.
        ("http://mixed.example:81/", None),
        (
            "http://169.254.169.254/",
            Some("dial policy: 169.254.169.254 is a link-local address"),
        ),
        (
            "http://missing.example/",
            Some("cannot resolve missing.example: no such name"),
        ),
    ] {
        let checked = prepared.check(&url.parse().unwrap()).await;
        let why = checked.err().map(|why| why.to_string());
        assert_eq!(why.as_deref(), denied, "{url}");
    }
}
