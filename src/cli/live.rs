//! Output that keeps up with a live capture: before the program waits for more input, everything it has to say so far
//! is written.

use std::io::{self, BufWriter, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Buffered output that the input can flush too.
#[derive(Clone)]
pub(super) struct SharedOutput(Arc<Mutex<BufWriter<Box<dyn Write + Send>>>>);

impl SharedOutput {
    pub(super) fn new(inner: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(BufWriter::with_capacity(64 << 10, inner))))
    }

    fn lock(&self) -> MutexGuard<'_, BufWriter<Box<dyn Write + Send>>> {
        // A panic elsewhere leaves the buffer whole: bytes are appended in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for SharedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.lock().write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

/// An input that may have to be waited for.
pub(super) struct LiveInput<R> {
    inner: R,
    output: SharedOutput,
}

impl<R> LiveInput<R> {
    pub(super) fn new(inner: R, output: SharedOutput) -> Self {
        Self { inner, output }
    }
}

impl<R: Read> Read for LiveInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What cannot be written stays in the buffer, and the next attempt to write tells why: this is not the input's
        // error.
        let _ = self.output.flush();
        self.inner.read(buffer)
    }
}
