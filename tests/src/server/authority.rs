//! Certificates of the tests' own, made with OpenSSL's program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use durable::Result;

use super::programs::run;

/// Signs certificates. Its files are in a directory of the caller's.
#[derive(Debug)]
pub struct Authority {
    certificate: PathBuf,
    key: PathBuf,
}

const NEW_KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
];

impl Authority {
    /// Whether OpenSSL's program is installed.
    pub(crate) fn available() -> Result<()> {
        let version = openssl("version").output();
        version.map_err(|_| "needs OpenSSL's program: `apt-get install -y openssl`")?;
        Ok(())
    }

    /// A new one.
    ///
    /// # Errors
    ///
    /// When OpenSSL's program is missing (`apt-get install -y openssl`) or fails.
    pub fn new(directory: &Path, name: &str) -> Result<Self> {
        let authority = Self {
            certificate: directory.join(format!("{name}.crt")),
            key: directory.join(format!("{name}.key")),
        };
        let mut request = openssl("req");
        request
            .args(["-x509", "-days", "2", "-subj"])
            .arg(format!("/CN={name}"));
        request.args(NEW_KEY).arg("-keyout").arg(&authority.key);
        run(request.arg("-out").arg(&authority.certificate))?;
        Ok(authority)
    }

    /// Its own certificate, which others trust.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Makes a key and a certificate for a name: `DNS:host`, `IP:address`.
    pub(super) fn sign(&self, name: &str, certificate: &Path, key: &Path) -> Result<()> {
        let request = certificate.with_extension("request");
        let names = certificate.with_extension("names");
        let mut ask = openssl("req");
        ask.args(NEW_KEY).args(["-subj", "/CN=server"]);
        run(ask.arg("-keyout").arg(key).arg("-out").arg(&request))?;
        fs::write(&names, format!("subjectAltName = {name}\n"))?;
        let mut sign = openssl("x509");
        sign.args(["-req", "-days", "2", "-CAcreateserial", "-in"])
            .arg(request);
        sign.arg("-CA")
            .arg(&self.certificate)
            .arg("-CAkey")
            .arg(&self.key);
        sign.arg("-extfile").arg(names).arg("-out").arg(certificate);
        run(&mut sign).map(drop)
    }
}

fn openssl(command: &str) -> Command {
    let mut openssl = Command::new("openssl");
    openssl.arg(command);
    openssl
}
