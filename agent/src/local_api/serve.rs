//! Accepts connections and serves them, within bounds, until the agent stops.
//!
//! HTTP/1.1 over TCP, and over a Unix socket if one is configured. A slow sender is hung up on, a
//! request under way is finished. Does not know what is asked.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use super::{Parts, Peer, policy, router};

/// Serves the local API on a bound listener, and on the Unix socket that the configuration names,
/// until `shutdown` is done and the requests under way are answered.
///
/// # Errors
/// The Unix socket cannot be bound.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let socket = Socket::bind(parts.config.local_api.unix_socket.as_deref())?;
    let server = Server {
        router: router(parts),
        permits: Arc::new(Semaphore::new(policy::CONNECTIONS_MAX)),
        graceful: GracefulShutdown::new(),
    };
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = server.accept(&listener, &socket) => accepted,
            () = &mut shutdown => break,
        };
        if let Err(error) = accepted {
            tracing::warn!(%error, "a local connection could not be accepted");
            tokio::time::sleep(policy::ACCEPT_PAUSE).await;
        }
    }
    drop(listener);
    socket.close()?;
    if tokio::time::timeout(policy::DRAIN_TIMEOUT, server.graceful.shutdown()).await.is_err() {
        tracing::warn!("a local request was cut off because the agent stops");
    }
    Ok(())
}

/// What each connection is served with.
struct Server {
    router: Router,
    permits: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

impl Server {
    async fn accept(&self, listener: &TcpListener, socket: &Socket) -> io::Result<()> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.expect("nobody closes the semaphore");
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, address) = accepted?;
                // An answer is one small packet that must not wait for another.
                stream.set_nodelay(true)?;
                let peer = match address.ip().to_canonical().is_loopback() {
                    true => Peer::Local,
                    false => Peer::Beyond,
                };
                self.spawn(stream, peer, permit);
            }
            accepted = socket.accept() => self.spawn(accepted?, Peer::Local, permit),
        }
        Ok(())
    }

    fn spawn<S>(&self, stream: S, peer: Peer, permit: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let mut router = router.clone();
            async move { Service::<Request<Body>>::call(&mut router, request).await }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(policy::HEAD_TIMEOUT)
            .max_buf_size(policy::HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a local connection broke off");
            }
            drop(permit);
        });
    }
}

#[cfg(unix)]
use unix::Socket;
#[cfg(not(unix))]
use without::Socket;

#[cfg(unix)]
mod unix {
    //! The Unix socket.

    use std::io;
    use std::os::unix::fs::FileTypeExt;
    use std::path::{Path, PathBuf};

    use tokio::net::{UnixListener, UnixStream};

    /// A Unix socket to listen on, or none.
    pub(super) struct Socket(Option<(UnixListener, PathBuf)>);

    impl Socket {
        /// Binds. What a crash left under that name is taken away first, if it is a socket.
        pub(super) fn bind(path: Option<&Path>) -> io::Result<Self> {
            let Some(path) = path else { return Ok(Self(None)) };
            match std::fs::symlink_metadata(path) {
                Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
                Ok(_) => {
                    let reason = format!("`{}` exists and is no socket", path.display());
                    return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            Ok(Self(Some((UnixListener::bind(path)?, path.to_owned()))))
        }

        pub(super) async fn accept(&self) -> io::Result<UnixStream> {
            match &self.0 {
                Some((listener, _)) => listener.accept().await.map(|(stream, _)| stream),
                None => std::future::pending().await,
            }
        }

        pub(super) fn close(self) -> io::Result<()> {
            match self.0 {
                Some((_, path)) => std::fs::remove_file(path),
                None => Ok(()),
            }
        }
    }
}

#[cfg(not(unix))]
mod without {
    //! Where there are no Unix sockets.

    use std::io;
    use std::path::Path;

    use tokio::net::TcpStream;

    /// No socket.
    pub(super) struct Socket;

    impl Socket {
        pub(super) fn bind(path: Option<&Path>) -> io::Result<Self> {
            match path {
                None => Ok(Self),
                Some(_) => Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "local_api.unix_socket: this system has no Unix sockets",
                )),
            }
        }

        pub(super) async fn accept(&self) -> io::Result<TcpStream> {
            std::future::pending().await
        }

        pub(super) fn close(self) -> io::Result<()> {
            Ok(())
        }
    }
}
