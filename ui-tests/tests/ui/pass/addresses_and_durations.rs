//! Data types of `std::net`, `std::io`, `std::path` and `std::time` are data.
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use durable::prelude::*;

#[durable::workflow]
async fn connect(ctx: &Ctx, address: String) -> durable::Result<PathBuf> {
    let ip: IpAddr = address.parse()?;
    let socket = SocketAddr::new(ip, 80);
    let local = std::net::Ipv4Addr::LOCALHOST == Ipv4Addr::new(127, 0, 0, 1);
    let path = Path::new("/var").join(socket.to_string());
    if path.extension().is_none() && !local {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no extension").into());
    }
    let day = tokio::time::Duration::from_secs(86_400);
    let epoch = SystemTime::UNIX_EPOCH + Duration::from_secs(5) + day;
    ctx.sleep_until("epoch", epoch).await?;
    Ok(path)
}

fn main() {}
