//! A TCP proxy that behaves as a bad network does.

use std::{
    io,
    net::{Ipv4Addr, TcpListener as StdListener},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
};

/// How it treats its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As they are.
    Pass,
    /// What the server says arrives so much later.
    Slow(Duration),
    /// What the server says next is lost, and the connection with it: nobody knows what was done.
    LoseReplies,
    /// They are reset, and new ones as well.
    Reset,
    /// Nothing gets through, and nobody is told; what is held goes on when the mode changes.
    Stall,
}

/// A proxy on a port of its own. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: AtomicU16,
    mode: watch::Sender<Mode>,
    broken: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy in front of a port of this machine, on a thread of its own.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub fn start(target: u16) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            target: AtomicU16::new(target),
            mode: watch::Sender::new(Mode::Pass),
            broken: AtomicUsize::new(0),
        });
        let serving = Arc::downgrade(&shared);
        let mode = shared.mode.subscribe();
        thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else {
                    return;
                };
                let mut ended = mode.clone();
                let serve = async {
                    while let Ok((client, _)) = listener.accept().await {
                        let Some(shared) = serving.upgrade() else {
                            return;
                        };
                        let target = shared.target.load(Ordering::Acquire);
                        let mode = mode.clone();
                        let serving = serving.clone();
                        tokio::spawn(async move {
                            if connect(client, target, mode).await == End::Broken
                                && let Some(shared) = serving.upgrade()
                            {
                                shared.broken.fetch_add(1, Ordering::AcqRel);
                            }
                        });
                    }
                };
                tokio::select! {
                    () = serve => {}
                    // The sender is gone: the proxy was dropped.
                    () = async { while ended.changed().await.is_ok() {} } => {}
                }
            });
        });
        Ok(Self { port, shared })
    }

    /// Where it listens, on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes how all connections are treated.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Where new connections go.
    pub fn set_target(&self, port: u16) {
        self.shared.target.store(port, Ordering::Release);
    }

    /// How many connections it has broken, by losing a reply or a reset.
    pub fn broken(&self) -> usize {
        self.shared.broken.load(Ordering::Acquire)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// One side has closed it.
    Closed,
    Broken,
}

async fn connect(mut client: TcpStream, target: u16, mut mode: watch::Receiver<Mode>) -> End {
    if mode.wait_for(|mode| *mode != Mode::Stall).await.is_err() {
        return End::Closed;
    }
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await;
    let Ok(mut server) = server else {
        return End::Closed;
    };
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            end = pump(from_client, to_server, mode.clone(), false) => end,
            end = pump(from_server, to_client, mode, true) => end,
        }
    };
    if end == End::Broken {
        // Closes with a reset. If that fails, the connection is closed politely.
        let _ = client.set_zero_linger();
    }
    end
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut mode: watch::Receiver<Mode>,
    is_reply: bool,
) -> End {
    let mut buffer = vec![0; 16_384];
    let mut reset = mode.clone();
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = reset.wait_for(|mode| *mode == Mode::Reset) => return End::Broken,
        };
        let Ok(length @ 1..) = read else {
            return End::Closed;
        };
        let Ok(mode) = mode
            .wait_for(|mode| *mode != Mode::Stall)
            .await
            .map(|mode| *mode)
        else {
            return End::Closed;
        };
        match mode {
            Mode::Reset => return End::Broken,
            Mode::LoseReplies if is_reply => return End::Broken,
            Mode::Slow(delay) if is_reply => tokio::time::sleep(delay).await,
            _ => {}
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return End::Closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// A server that says back what it is told, and the proxy before it.
    fn echo() -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).is_ok() {
                        stream.write_all(&byte).unwrap();
                    }
                });
            }
        });
        Proxy::start(port).unwrap()
    }

    fn client(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    fn say(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(&[7])?;
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    #[test]
    fn it_passes_and_delays() {
        let proxy = echo();
        let mut stream = client(&proxy);
        assert_eq!(say(&mut stream).unwrap(), 7);
        proxy.set(Mode::Slow(Duration::from_millis(50)));
        let start = std::time::Instant::now();
        assert_eq!(say(&mut stream).unwrap(), 7);
        assert!(start.elapsed() >= Duration::from_millis(50));
        assert_eq!(proxy.broken(), 0);
    }

    #[test]
    fn it_loses_a_reply_with_its_connection() {
        let proxy = echo();
        let mut stream = client(&proxy);
        assert_eq!(say(&mut stream).unwrap(), 7);
        proxy.set(Mode::LoseReplies);
        assert!(say(&mut stream).is_err());
        proxy.set(Mode::Pass);
        assert_eq!(say(&mut client(&proxy)).unwrap(), 7);
    }

    #[test]
    fn it_resets_what_is_open() {
        let proxy = echo();
        let mut stream = client(&proxy);
        assert_eq!(say(&mut stream).unwrap(), 7);
        proxy.set(Mode::Reset);
        let mut byte = [0];
        assert!(stream.read_exact(&mut byte).is_err());
    }

    #[test]
    fn it_holds_what_is_sent_until_it_goes_on() {
        let proxy = echo();
        let mut stream = client(&proxy);
        assert_eq!(say(&mut stream).unwrap(), 7);
        proxy.set(Mode::Stall);
        stream.write_all(&[9]).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let mut byte = [0];
        assert!(stream.read_exact(&mut byte).is_err());
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        proxy.set(Mode::Pass);
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [9]);
    }
}
