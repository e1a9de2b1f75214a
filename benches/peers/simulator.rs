//! The simulated estate: one listener for every address of 127.0.0.0/8, so that each target is a
//! host of its own and costs a connection. Runs as a process of its own, so that what is measured
//! is the scraper.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::exposition;

/// Services that expose under their own names; a target's address says which it is.
const SERVICES: usize = 5;

/// Scrapes that differ in their values; then they recur.
const SCRAPES: usize = 3;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// What the simulator serves.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    port: u16,
    #[arg(long)]
    bytes: usize,
    #[arg(long)]
    gzip: bool,
}

/// The name of a target's service, as discovery is told it.
pub(crate) fn service(target: usize) -> String {
    format!("shop-{}", target % SERVICES)
}

/// The address of a target: 127.1.0.1 and up.
pub(crate) fn address(target: usize) -> Ipv4Addr {
    let bits = u32::from(Ipv4Addr::new(127, 1, 0, 1)) + target as u32;
    Ipv4Addr::from(bits)
}

fn target_at(address: Ipv4Addr) -> usize {
    u32::from(address).saturating_sub(u32::from(Ipv4Addr::new(127, 1, 0, 1))) as usize
}

/// Serves until standard input ends; answers each line of it with the responses so far.
pub(crate) fn main(args: Args) -> anyhow::Result<()> {
    let served = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&served);
    std::thread::spawn(move || {
        for _ask in std::io::stdin().lines() {
            let mut out = std::io::stdout().lock();
            let _gone = writeln!(out, "{}", counter.load(Relaxed)).and_then(|()| out.flush());
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(args, served))
}

async fn serve(args: Args, served: Arc<AtomicU64>) -> anyhow::Result<()> {
    let responses = Arc::new(Responses::new(args));
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::UNSPECIFIED, args.port).into())?;
    let listener: TcpListener = socket.listen(4096)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (responses, served) = (Arc::clone(&responses), Arc::clone(&served));
        tokio::spawn(async move {
            // A scraper that goes away is no matter of ours.
            let _gone = answer(stream, &responses, &served).await;
        });
    }
}

/// Whole responses, made beforehand.
struct Responses {
    plain: Vec<Vec<u8>>,
    gzip: Vec<Vec<u8>>,
}

impl Responses {
    fn new(args: Args) -> Self {
        let bodies: Vec<String> = (0..SERVICES * SCRAPES)
            .map(|at| exposition::body(&service(at), args.bytes, (at / SERVICES) as u64))
            .collect();
        let respond = |encoding: &str, body: &[u8]| {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n{encoding}Content-Length: {}\r\n\r\n",
                body.len()
            );
            [head.as_bytes(), body].concat()
        };
        let gzip = |body: &String| {
            respond(
                "Content-Encoding: gzip\r\n",
                &exposition::gzip(body.as_bytes()),
            )
        };
        Self {
            plain: bodies
                .iter()
                .map(|body| respond("", body.as_bytes()))
                .collect(),
            gzip: match args.gzip {
                true => bodies.iter().map(gzip).collect(),
                false => Vec::new(),
            },
        }
    }

    fn to(&self, head: &[u8], target: usize, scrape: usize) -> &[u8] {
        let wants_gzip = memchr::memmem::find(head, b"gzip").is_some();
        let set = match wants_gzip && !self.gzip.is_empty() {
            true => &self.gzip,
            false => &self.plain,
        };
        &set[target % SERVICES + scrape % SCRAPES * SERVICES]
    }
}

async fn answer(
    mut stream: TcpStream,
    responses: &Responses,
    served: &AtomicU64,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let target = match stream.local_addr()?.ip() {
        std::net::IpAddr::V4(address) => target_at(address),
        std::net::IpAddr::V6(_) => 0,
    };
    let mut head = Vec::new();
    for scrape in target.. {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 || head.len() > HEAD_BYTES_MAX {
                return Ok(());
            }
        }
        stream
            .write_all(responses.to(&head, target, scrape))
            .await?;
        served.fetch_add(1, Relaxed);
    }
    Ok(())
}

/// A running simulator; ends with its harness, whose end closes its standard input.
pub(crate) struct Simulator {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Simulator {
    pub(crate) fn start(port: u16, bytes: usize, gzip: bool) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["simulate", "--port", &port.to_string()])
            .args(["--bytes", &bytes.to_string()]);
        if gzip {
            command.arg("--gzip");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulator does not start")?;
        let (Some(ask), Some(told)) = (child.stdin.take(), child.stdout.take()) else {
            anyhow::bail!("the simulator has no pipes");
        };
        let told = BufReader::new(told);
        Ok(Self { child, ask, told })
    }

    /// Responses sent so far.
    pub(crate) fn served(&mut self) -> anyhow::Result<u64> {
        writeln!(self.ask).context("the simulator has gone")?;
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        line.trim()
            .parse()
            .with_context(|| format!("the simulator says {line:?}"))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
