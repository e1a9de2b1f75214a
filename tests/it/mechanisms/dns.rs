//! A real name server (`named`, of Debian's bind9) with the zones of a step.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::Value;
use tempfile::TempDir;

use crate::programs::Program;

/// A running name server.
pub(super) struct Zones {
    folder: TempDir,
    program: Program,
    serial: u32,
    pub(super) address: SocketAddr,
}

impl Zones {
    pub(super) async fn start(address: SocketAddr, step: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // It would change its user, which may not read our folder.
        let path = folder.path().display().to_string();
        let config = format!(
            "options {{ directory \"{path}\"; pid-file none; session-keyfile none; managed-keys-directory \"{path}\";\n\
             listen-on port {} {{ {}; }}; listen-on-v6 {{ none; }};\n\
             recursion no; dnssec-validation no; allow-transfer {{ none; }}; minimal-responses yes; max-records-per-type 0; }};\n\
             controls {{ }};\n\
             zone \"shop.test\" {{ type master; file \"shop.zone\"; }};\n\
             zone \"broken.test\" {{ type master; file \"no-such.zone\"; }};\n",
            address.port(),
            address.ip()
        );
        std::fs::write(folder.path().join("named.conf"), config).unwrap();
        write_zone(&folder, step, 1);
        let program = Program::start("named", &["-g", "-c", "named.conf"], folder.path());
        program.until_log("all zones loaded").await;
        Self {
            folder,
            program,
            serial: 1,
            address,
        }
    }

    /// Loads the zones of another step.
    pub(super) async fn set(&mut self, step: &Value) {
        self.serial += 1;
        write_zone(&self.folder, step, self.serial);
        self.program.signal("HUP");
        let loaded = match step["broken"].as_bool() {
            Some(true) => format!(
                "zone shop.test/IN: not loaded due to errors. #{}",
                self.serial
            ),
            _ => format!("zone shop.test/IN: loaded serial {}", self.serial),
        };
        let loaded = loaded.split(" #").next().unwrap();
        self.program.until_log(loaded).await;
    }

    /// Goes away, and is there again with nothing that it can answer for.
    pub(super) async fn restart_broken(mut self) -> Self {
        let (address, folder) = (self.address, self.folder);
        std::fs::write(folder.path().join("shop.zone"), "nonsense\n").unwrap();
        self.program.signal("TERM");
        self.program.wait();
        self.program = Program::start("named", &["-g", "-c", "named.conf"], folder.path());
        self.program.until_log("all zones loaded").await;
        Self {
            folder,
            program: self.program,
            serial: self.serial,
            address,
        }
    }
}

fn write_zone(folder: &TempDir, step: &Value, serial: u32) {
    let mut zone = format!(
        "$TTL 1\n@ IN SOA ns1.shop.test. admin.shop.test. ({serial} 1 1 1 1)\n@ IN NS ns1.shop.test.\n@ IN NS ns2.example.com.\nns1 IN A 127.0.0.1\n"
    );
    for record in step["records"].as_str().unwrap().lines() {
        let (name, rest) = record.split_once(' ').unwrap();
        writeln!(zone, "{name} IN {rest}").unwrap();
    }
    // Together larger than what one datagram carries.
    for index in 0..step["many"].as_u64().unwrap_or(0) {
        writeln!(
            zone,
            "_many._tcp IN SRV 1 1 {} instance-{index}.many.shop.test.",
            10_000 + index
        )
        .unwrap();
    }
    std::fs::write(folder.path().join("shop.zone"), zone).unwrap();
}
