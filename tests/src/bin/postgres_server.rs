//! A private PostgreSQL server to try things on: prints its address, and lives until its standard
//! input closes.

use std::io::Write;

fn main() -> durable::Result<()> {
    let server = durable_tests::server::Server::start()?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
