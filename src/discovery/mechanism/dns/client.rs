//! Asking name servers, one after the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::resolv_conf::ResolvConf;
use super::settings::RecordKind;

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Bytes of it.
const RESOLV_CONF_BYTES_MAX: u64 = 1024 * 1024;
/// How long a server may take.
const DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of an answer over UDP.
const UDP_BYTES_MAX: u16 = 4096;
const PORT: u16 = 53;

/// Whom to ask now, and how names are completed.
pub(super) struct Servers {
    conf: ResolvConf,
    addresses: Vec<SocketAddr>,
}

/// What a name stands for; nothing of one that does not exist.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    pub(super) records: Vec<Record>,
}

impl Servers {
    /// Reads what the system says: it changes.
    pub(super) async fn read(configured: &[SocketAddr]) -> Result<Self, String> {
        let read = tokio::task::spawn_blocking(|| {
            use std::io::Read;
            let mut text = String::new();
            let file = std::fs::File::open(RESOLV_CONF)?;
            file.take(RESOLV_CONF_BYTES_MAX).read_to_string(&mut text)?;
            Ok::<_, std::io::Error>(text)
        });
        let text = match read.await {
            Ok(Ok(text)) => text,
            // Nothing needs to be known of it where the servers are configured.
            Ok(Err(_)) if !configured.is_empty() => String::new(),
            Ok(Err(error)) => return Err(format!("`{RESOLV_CONF}`: {error}")),
            Err(error) => return Err(error.to_string()),
        };
        let conf = ResolvConf::parse(&text);
        let addresses = match configured.is_empty() {
            true => conf
                .servers
                .iter()
                .filter_map(|server| address(server))
                .collect(),
            false => configured.to_vec(),
        };
        Ok(Self { conf, addresses })
    }

    /// Tries the whole names that a name may be short for. The first that exists counts, whatever it stands for; a
    /// name does not exist where every server says so of all of them; else nothing is known of it.
    pub(super) async fn lookup(&self, name: &str, kind: RecordKind) -> Result<Lookup, String> {
        let mut failed = None;
        for name in self.conf.names(name) {
            match self.ask(&name, kind).await {
                Ok(Some(lookup)) => return Ok(lookup),
                Ok(None) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Lookup::default()), Err)
    }

    /// Asks one server after the other, until one says what a name stands for, or that it does not exist.
    async fn ask(&self, name: &str, kind: RecordKind) -> Result<Option<Lookup>, String> {
        let whole = Name::from_ascii(name).map_err(|error| format!("not a name: {error}"))?;
        let query = Query::query(whole, kind.record_type());
        let mut failed = "no server is known".to_owned();
        for server in &self.addresses {
            match exchange(*server, &query).await {
                Ok(answer) => match answer.metadata.response_code {
                    ResponseCode::NoError => {
                        return Ok(Some(Lookup {
                            records: answer.answers,
                        }));
                    }
                    ResponseCode::NXDomain => return Ok(None),
                    other => failed = format!("{name} at {server}: {other}"),
                },
                Err(error) => failed = format!("{name} at {server}: {error}"),
            }
        }
        Err(failed)
    }
}

fn address(server: &str) -> Option<SocketAddr> {
    // A link-local address may name its interface, which a socket cannot be told by name.
    let server: IpAddr = server.parse().ok()?;
    Some(SocketAddr::new(server, PORT))
}

/// Over UDP, and over TCP where the answer does not fit.
async fn exchange(server: SocketAddr, query: &Query) -> Result<Message, String> {
    let mut question = Message::query();
    question.metadata.op_code = OpCode::Query;
    question.metadata.recursion_desired = true;
    question.add_query(query.clone());
    let plain = question.clone();
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_BYTES_MAX);
    question.set_edns(edns);
    let answer = within(over_udp(server, &question)).await?;
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    let answer = within(over_tcp(server, &plain)).await?;
    match answer.metadata.truncation {
        true => Err("the answer does not fit into 64 KiB".to_owned()),
        false => Ok(answer),
    }
}

async fn within<T>(asking: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match timeout(DEADLINE, asking).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {DEADLINE:?}")),
    }
}

async fn over_udp(server: SocketAddr, question: &Message) -> std::io::Result<Message> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Connected: nobody else is heard.
    socket.connect(server).await?;
    socket.send(&bytes(question)?).await?;
    let mut buffer = vec![0; usize::from(UDP_BYTES_MAX)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        // An answer to an earlier question may come late, and something that is none was not asked for.
        if let Ok(answer) = Message::from_vec(&buffer[..length])
            && is_answer(&answer, question)
        {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &Message) -> std::io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    let bytes = bytes(question)?;
    let length = u16::try_from(bytes.len()).map_err(std::io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&bytes).await?;
    let length = stream.read_u16().await?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await?;
    let answer = Message::from_vec(&buffer).map_err(std::io::Error::other)?;
    match is_answer(&answer, question) {
        true => Ok(answer),
        false => Err(std::io::Error::other("the answer is to another question")),
    }
}

fn bytes(question: &Message) -> std::io::Result<Vec<u8>> {
    question.to_vec().map_err(std::io::Error::other)
}

fn is_answer(answer: &Message, question: &Message) -> bool {
    answer.metadata.id == question.metadata.id && answer.queries == question.queries
}
