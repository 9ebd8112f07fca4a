//! A transaction pooler, as far as one needs one: every client is served in the one session that the
//! pooler has.

use std::sync::Arc;

use durable::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

/// Starts a pooler in front of a server that trusts everybody; gives its port.
pub(crate) async fn start(server: u16, user: &str, database: &str) -> Result<u16> {
    let mut session = TcpStream::connect(("127.0.0.1", server)).await?;
    let mut startup = Vec::from(196_608_u32.to_be_bytes());
    for word in ["user", user, "database", database, ""] {
        startup.extend_from_slice(word.as_bytes());
        startup.push(0);
    }
    send(&mut session, None, &startup).await?;
    until_ready(&mut session, None).await?;
    let session = Arc::new(Mutex::new(session));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let session = Arc::clone(&session);
            // The client's connection ends with its first error.
            tokio::spawn(async move { drop(serve(client, session).await) });
        }
    });
    Ok(port)
}

async fn serve(mut client: TcpStream, session: Arc<Mutex<TcpStream>>) -> Result<()> {
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length).await?;
        let mut startup = vec![0; u32::from_be_bytes(length) as usize - 4];
        client.read_exact(&mut startup).await?;
        // A client that wants encryption is told that there is none, and starts again.
        if startup == 80_877_103_u32.to_be_bytes() {
            client.write_all(b"N").await?;
            continue;
        }
        break;
    }
    send(&mut client, Some(b'R'), &0_u32.to_be_bytes()).await?;
    send(&mut client, Some(b'K'), &[0; 8]).await?;
    send(&mut client, Some(b'Z'), b"I").await?;
    loop {
        let (kind, body) = receive(&mut client).await?;
        let mut session = session.lock().await;
        send(&mut session, Some(kind), &body).await?;
        let mut last = kind;
        // A transaction of one statement: up to its end, the session is this client's.
        while !matches!(last, b'Q' | b'S') {
            let (kind, body) = receive(&mut client).await?;
            send(&mut session, Some(kind), &body).await?;
            last = kind;
        }
        until_ready(&mut session, Some(&mut client)).await?;
    }
}

/// Carries the server's messages up to the one that says that it is ready.
async fn until_ready(session: &mut TcpStream, mut client: Option<&mut TcpStream>) -> Result<()> {
    loop {
        let (kind, body) = receive(session).await?;
        if let Some(client) = &mut client {
            send(client, Some(kind), &body).await?;
        }
        if kind == b'Z' {
            return Ok(());
        }
    }
}

async fn receive(from: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await? as usize;
    let mut body = vec![0; length - 4];
    from.read_exact(&mut body).await?;
    Ok((kind, body))
}

async fn send(to: &mut TcpStream, kind: Option<u8>, body: &[u8]) -> Result<()> {
    let mut message = Vec::from_iter(kind);
    message.extend_from_slice(&(u32::try_from(body.len())? + 4).to_be_bytes());
    message.extend_from_slice(body);
    Ok(to.write_all(&message).await?)
}
