//! Watches of a server that goes silent.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::reflect::{Change, Pace, Watch, reflect};
use super::{Access, Cluster, List};
use crate::http_client::settings::HttpConfig;

/// A server that answers each request with the lines that go with its query, and then says nothing.
async fn silent_after(lines: fn(&str) -> String) -> Cluster {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let length = connection.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
                let answer = format!("{head}{}", lines(&request));
                connection.write_all(answer.as_bytes()).await.unwrap();
                if request.contains("watch=1") {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    Cluster::new(Access::Server {
        url: url.parse().unwrap(),
        http: Arc::new(HttpConfig::default()),
    })
}

fn bookmark(version: u32, ends: bool) -> String {
    let annotations = match ends {
        true => r#"{"k8s.io/initial-events-end": "true"}"#,
        false => "{}",
    };
    format!(
        r#"{{"type": "BOOKMARK", "object": {{"metadata": {{"resourceVersion": "{version}", "annotations": {annotations}}}}}}}"#
    ) + "\n"
}

/// What is told until something fails, and that.
async fn told_until_failure(cluster: &Cluster) -> (Vec<String>, String) {
    let watch = Watch {
        list: List::all("/api/v1", "pods"),
        read: |_: &str| Ok(()),
    };
    let pace = Pace {
        silence_max: Duration::from_millis(200),
        stream_silence_max: Duration::from_millis(200),
        ..Pace::new(Duration::from_millis(100))
    };
    let (sender, mut changes) = mpsc::channel(16);
    let following = reflect(cluster, &watch, pace, 0, &sender);
    let listening = async {
        let mut told = Vec::new();
        loop {
            match changes.recv().await.unwrap().1 {
                Change::Failed(failure) => return (told, failure.to_string()),
                other => told.push(format!("{other:?}")),
            }
        }
    };
    tokio::select! {
        () = following => panic!("it ended"),
        told = listening => told,
    }
}

#[tokio::test]
async fn fault_41_a_watch_that_goes_silent_is_noticed() {
    let cluster = silent_after(|_| bookmark(1, true) + &bookmark(2, false)).await;
    let (told, failure) = told_until_failure(&cluster).await;
    assert_eq!(told, ["Begin", "Complete", "Alive", "Alive"]);
    assert_eq!(failure, "watch pods: nothing was said for 200ms");
}

#[tokio::test]
async fn fault_41_who_streams_no_list_is_asked_for_pages() {
    let cluster = silent_after(|request| match request.contains("watch=1") {
        true => String::new(),
        false => r#"{"kind": "Status", "code": 503, "message": "soon"}"#.to_owned(),
    });
    let (told, failure) = told_until_failure(&cluster.await).await;
    assert_eq!(told, ["Begin", "Begin"]);
    assert_eq!(failure, "list pods: the server answered 503: soon");
}
