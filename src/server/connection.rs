//! A connection with its socket: a task of its worker.

use super::{
    GRACE,
    output::Output,
    session::{Next, Session},
    stopping,
    worker::Worker,
};
use crate::protocol::text::Limits;
use socket2::SockRef;
use std::{
    io::{self, ErrorKind, Read},
    os::fd::AsFd,
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{io::Interest, net::TcpStream, select, task::yield_now, time::sleep};

/// The least memory that a part of a large value is read into, in bytes. It
/// doubles as the value arrives: a length that is announced takes none.
const LEAST_PARTIAL: usize = 128 << 10;

/// How often a connection that waits for its engine looks whether the client is
/// still there: what it sends meanwhile is not read, and hides its end.
const HANG_UP_CHECK: Duration = Duration::from_secs(1);

/// Serves a connection until the client is done with it, or until the server
/// stops: then it answers what has arrived, and the client has [`GRACE`] to
/// read it.
pub(super) async fn serve(stream: TcpStream, worker: Rc<Worker>) -> io::Result<()> {
    let mut stop = worker.stop.clone();
    let too_slow = async {
        stopping(&mut stop).await;
        sleep(GRACE).await;
    };
    select! {
        served = converse(stream, &worker) => served,
        () = too_slow => Err(ErrorKind::TimedOut.into()),
    }
}

async fn converse(stream: TcpStream, worker: &Worker) -> io::Result<()> {
    let engine = Arc::clone(&worker.context.engine);
    let client = engine.connect(stream.as_fd()).map_err(io::Error::other)?;
    let mut connection = Connection::new(Session::new(client), stream);
    let mut stop = worker.stop.clone();
    let mut stopped = pin!(stopping(&mut stop));
    loop {
        select! {
            biased;
            () = &mut stopped => connection.last = true,
            ready = connection.stream.readable() => ready?,
        }
        let mut next = connection.read(worker)?;
        loop {
            if connection.has_unsent() {
                connection.write_unsent().await?;
            }
            match next {
                Next::Input(_) => break,
                Next::Close => return Ok(()),
                Next::Again => {
                    worker.context.counters.conn_yields.one();
                    yield_now().await;
                    next = connection.go_on(worker)?;
                }
                Next::Engine => {
                    select! {
                        () = connection.session.answered() => {}
                        () = hang_up(&connection.stream) => {
                            return Err(ErrorKind::ConnectionAborted.into());
                        }
                    }
                    next = connection.go_on(worker)?;
                }
            }
        }
        if connection.last {
            return Ok(());
        }
        if connection.more_waits {
            // The others of this worker first.
            yield_now().await;
        }
    }
}

struct Connection {
    // Before the socket: the engine's client goes first.
    session: Session,
    stream: TcpStream,
    /// Input that is a part of a request.
    partial: Vec<u8>,
    /// How many bytes of `partial` have been read; it is longer while a large
    /// value is being read into it.
    filled: usize,
    /// How many bytes of input the session needs to go on.
    need: usize,
    /// The last read took all that it had room for.
    more_waits: bool,
    /// There is no memory for the value that comes: it is refused.
    refuses: bool,
    /// The server stops: what has arrived is read once more.
    last: bool,
    /// Output that the socket has refused.
    unsent: Vec<u8>,
    /// How many bytes of `unsent` have been written since.
    sent: usize,
}

impl Connection {
    fn new(session: Session, stream: TcpStream) -> Self {
        Self {
            session,
            stream,
            partial: Vec::new(),
            filled: 0,
            need: 1,
            more_waits: false,
            refuses: false,
            last: false,
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
            let Some(got) = receive(&self.stream, self.last, &mut shared[held..])? else {
                return Ok(Next::Input(self.need));
            };
            if got == 0 {
                return Ok(Next::Close);
            }
            self.more_waits = held + got == shared.len();
            worker.context.counters.bytes_read.add(got as u64);
            let (used, next) = self.pass(&shared[..held + got], worker.limits, worker)?;
            self.keep(&shared[used..held + got]);
            return Ok(next);
        }
        drop(shared);
        if self.partial.len() == self.filled && !self.make_room() {
            // There is no memory for the value: it is refused as one that is
            // too large, and its bytes are thrown away.
            self.refuses = true;
            return self.go_on(worker);
        }
        let Some(got) = receive(&self.stream, self.last, &mut self.partial[self.filled..])? else {
            return Ok(Next::Input(self.need));
        };
        if got == 0 {
            return Ok(Next::Close);
        }
        worker.context.counters.bytes_read.add(got as u64);
        self.filled += got;
        self.more_waits = self.filled == self.partial.len();
        if self.filled < self.need {
            return Ok(Next::Input(self.need));
        }
        self.go_on(worker)
    }

    /// Makes `partial` longer, for more of what is needed. False: there is no
    /// memory.
    fn make_room(&mut self) -> bool {
        let doubled = (2 * self.filled).max(LEAST_PARTIAL);
        // One byte more is what a line without an end asks for.
        let enough = if self.need == self.filled + 1 { doubled } else { self.need };
        let room = enough.min(doubled);
        if self.partial.try_reserve_exact(room - self.partial.len()).is_err() {
            return false;
        }
        self.partial.resize(room, 0);
        true
    }

    /// Goes on with what is in `partial`, without reading.
    fn go_on(&mut self, worker: &Worker) -> io::Result<Next> {
        let limits = match self.refuses {
            true => Limits { item_size: 0, ..worker.limits },
            false => worker.limits,
        };
        let next = self.answer(limits, worker)?;
        self.refuses &= next == Next::Engine;
        Ok(next)
    }

    fn answer(&mut self, limits: Limits, worker: &Worker) -> io::Result<Next> {
        let input = std::mem::take(&mut self.partial);
        let (used, next) = self.pass(&input[..self.filled], limits, worker)?;
        if used == 0 {
            self.partial = input;
        } else {
            self.keep(&input[used..self.filled]);
        }
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
    fn pass(&mut self, input: &[u8], limits: Limits, worker: &Worker) -> io::Result<(usize, Next)> {
        let mut pins = worker.pins.borrow_mut();
        let mut out = Output::new(worker.output.take());
        let (used, next) = self.session.drive(input, limits, &worker.context, &pins, &mut out);
        if let Next::Input(need) = next {
            self.need = need;
        }
        let result = self.write(&out, worker);
        worker.output.set(out.bytes);
        pins.clear();
        result.map(|()| (used, next))
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
    async fn write_unsent(&mut self) -> io::Result<()> {
        while self.has_unsent() {
            self.stream.writable().await?;
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

/// Waits until the client of an answer that comes later is gone. One that has
/// only closed its side may still read: it has [`GRACE`] to be answered in.
async fn hang_up(stream: &TcpStream) {
    let mut half_closed: Option<Instant> = None;
    loop {
        sleep(HANG_UP_CHECK).await;
        // It is writable, so this is what is known of it now.
        let Ok(ready) = stream.ready(Interest::READABLE | Interest::WRITABLE).await else {
            return;
        };
        if ready.is_write_closed() {
            return;
        }
        if !ready.is_read_closed() {
            half_closed = None;
        } else if half_closed.get_or_insert_with(Instant::now).elapsed() >= GRACE {
            return;
        }
    }
}

/// Reads once. None: nothing is there; 0: the client has closed its side.
///
/// After a short read the socket is known to be empty, and the runtime is told
/// so; otherwise every request would cost a second, futile system call. With
/// `unasked` the socket is read although the runtime has not heard yet that
/// something is there.
fn receive(stream: &TcpStream, unasked: bool, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    if unasked {
        return match (&*SockRef::from(stream)).read(buffer) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        };
    }
    let mut got = None;
    let room = buffer.len();
    let result = stream.try_io(Interest::READABLE, || {
        let count = (&*SockRef::from(stream)).read(buffer)?;
        got = Some(count);
        if count == 0 || count == room { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
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
