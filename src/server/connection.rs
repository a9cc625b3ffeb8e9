//! A connection with its socket: a task of its worker.

use super::{
    output::Output,
    session::{Next, Session},
    stopping,
    worker::Worker,
};
use socket2::SockRef;
use std::{
    io::{self, ErrorKind, Read},
    pin::pin,
    rc::Rc,
    time::Duration,
};
use tokio::{io::Interest, net::TcpStream, select, task::yield_now, time::sleep};

/// How long a client may take, when the server stops, to read what it has been
/// answered.
const GRACE: Duration = Duration::from_secs(5);

/// Serves a connection until the client is done with it, or until the server
/// stops and everything that has arrived is answered.
pub(super) async fn serve(stream: TcpStream, worker: Rc<Worker>) -> io::Result<()> {
    let mut connection = Connection::new(stream);
    let mut stop = worker.stop.clone();
    let mut stopped = pin!(stopping(&mut stop));
    loop {
        select! {
            biased;
            ready = connection.stream.readable() => ready?,
            () = &mut stopped => return Ok(()),
        }
        let mut next = connection.read(&worker)?;
        loop {
            if connection.has_unsent() {
                connection.write_unsent(&worker).await?;
            }
            match next {
                Next::Input(_) => break,
                Next::Close => return Ok(()),
                Next::Again => {
                    worker.context.counters.conn_yields.one();
                    yield_now().await;
                    next = connection.go_on(&worker)?;
                }
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    session: Session,
    /// Input that is a part of a request.
    partial: Vec<u8>,
    /// How many bytes of `partial` have been read; it is longer while a large
    /// value is being read into it.
    filled: usize,
    /// How many bytes of input the session needs to go on.
    need: usize,
    /// Output that the socket has refused.
    unsent: Vec<u8>,
    /// How many bytes of `unsent` have been written since.
    sent: usize,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            session: Session::default(),
            partial: Vec::new(),
            filled: 0,
            need: 1,
            unsent: Vec::new(),
            sent: 0,
        }
    }

    /// Reads once and answers what there is.
    fn read(&mut self, worker: &Worker) -> io::Result<Next> {
        let mut shared = worker.input.borrow_mut();
        if self.need <= shared.len() {
            // The part that is here and what comes are put together in the
            // worker's buffer: a connection owns no more than the part.
            let held = self.filled;
            shared[..held].copy_from_slice(&self.partial[..held]);
            let Some(got) = receive(&self.stream, &mut shared[held..])? else {
                return Ok(Next::Input(self.need));
            };
            if got == 0 {
                return Ok(Next::Close);
            }
            worker.context.counters.bytes_read.add(got as u64);
            let (used, next) = self.pass(&shared[..held + got], worker)?;
            self.keep(&shared[used..held + got]);
            return Ok(next);
        }
        drop(shared);
        if self.partial.len() < self.need {
            let mut larger = vec![0; self.need];
            larger[..self.filled].copy_from_slice(&self.partial[..self.filled]);
            self.partial = larger;
        }
        let Some(got) = receive(&self.stream, &mut self.partial[self.filled..])? else {
            return Ok(Next::Input(self.need));
        };
        if got == 0 {
            return Ok(Next::Close);
        }
        worker.context.counters.bytes_read.add(got as u64);
        self.filled += got;
        if self.filled < self.need {
            return Ok(Next::Input(self.need));
        }
        self.go_on(worker)
    }

    /// Answers what is in `partial`, without reading.
    fn go_on(&mut self, worker: &Worker) -> io::Result<Next> {
        let input = std::mem::take(&mut self.partial);
        let (used, next) = self.pass(&input[..self.filled], worker)?;
        self.keep(&input[used..self.filled]);
        Ok(next)
    }

    /// Keeps the input that a pass has left.
    fn keep(&mut self, rest: &[u8]) {
        self.filled = rest.len();
        if rest.is_empty() {
            // An idle connection owns nothing.
            self.partial = Vec::new();
        } else {
            self.partial.clear();
            self.partial.extend_from_slice(rest);
        }
    }

    /// Answers input, writes once, and keeps what the socket refuses. No value
    /// stays pinned when it returns.
    fn pass(&mut self, input: &[u8], worker: &Worker) -> io::Result<(usize, Next)> {
        let mut pins = worker.pins.borrow_mut();
        let mut out = Output::new(worker.output.take());
        let (used, next) =
            self.session.drive(input, worker.limits, &worker.context, &pins, &mut out);
        if let Next::Input(need) = next {
            self.need = self.need_more(need, input.len() - used, worker);
        }
        let result = self.write(&out, worker);
        worker.output.set(out.bytes);
        pins.clear();
        result.map(|()| (used, next))
    }

    /// How much input to wait for when a line has no end yet and does not say
    /// how long it is: it doubles, so that it is not copied too often.
    fn need_more(&self, need: usize, held: usize, worker: &Worker) -> usize {
        if need == held + 1 && need > worker.input_size { 2 * held } else { need }
    }

    fn write(&mut self, out: &Output<'_>, worker: &Worker) -> io::Result<()> {
        let total = out.len();
        let mut written = 0;
        while written < total {
            match self.stream.try_write_vectored(&out.slices(written)) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        worker.context.counters.bytes_written.add(total as u64);
        if written < total {
            self.unsent = out.copy(written);
            self.sent = 0;
        }
        Ok(())
    }

    fn has_unsent(&self) -> bool {
        self.sent < self.unsent.len()
    }

    /// Waits until the socket has taken everything.
    async fn write_unsent(&mut self, worker: &Worker) -> io::Result<()> {
        let mut stop = worker.stop.clone();
        let mut too_slow = pin!(async {
            stopping(&mut stop).await;
            sleep(GRACE).await;
        });
        while self.has_unsent() {
            select! {
                ready = self.stream.writable() => ready?,
                () = &mut too_slow => return Err(ErrorKind::TimedOut.into()),
            }
            match self.stream.try_write(&self.unsent[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent = Vec::new();
        self.sent = 0;
        Ok(())
    }
}

/// Reads once. None: nothing is there; 0: the client has closed its side.
///
/// After a short read the socket is known to be empty, and the runtime is told
/// so; otherwise every request would cost a second, futile system call.
fn receive(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    let mut got = None;
    let result = stream.try_io(Interest::READABLE, || {
        let count = (&*SockRef::from(stream)).read(buffer)?;
        got = Some(count);
        if count == 0 || count == buffer.len() { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
    });
    match (got, result) {
        (Some(count), _) => Ok(Some(count)),
        (None, Err(error))
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
        {
            Ok(None)
        }
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(None),
    }
}
