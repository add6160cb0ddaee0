//! `rctscope fixture replay`: a device, or a client, out of a fixture, on a real socket.

use super::fixture::load;
use super::fixture_args::{AfterLastArg, DelaysArg, FixtureReplayArgs, UnknownArg};
use super::message::{Kind, Problem, Stop, tell};
use super::{Outcome, destination};
use crate::analyzer::Options;
use crate::rct::registry::Registry;
use crate::tools::fixture::records::{self, Reading};
use crate::tools::fixture::replay::{Act, AfterLast, Asked, Device, Key, Listener, Unknown, requests};
use std::io::{self, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients served at a time: more than any bridge takes.
const MOST_CLIENTS: usize = 64;
const READ_BYTES: usize = 4_096;

pub(super) fn run(args: &FixtureReplayArgs) -> Result<Outcome, Stop> {
    let folders = super::fixture::fixtures(std::slice::from_ref(&args.folder))?;
    let [folder] = &folders[..] else {
        let problem = Problem::new(format_args!("{}: {} fixtures", args.folder.display(), folders.len()));
        return Err(problem.hint("name one of them").into());
    };
    let files = load(folder)?;
    let reading = records::read(&files.capture, &Options::default())
        .map_err(|error| Problem::new(format_args!("{}: {error}", folder.display())))?;
    match (&args.listen, &args.connect) {
        (Some(address), _) => listen(args, address, &reading),
        (None, Some(address)) => connect(args, address, &reading),
        (None, None) => Err(Problem::new("--listen or --connect?").into()),
    }
}

fn listen(args: &FixtureReplayArgs, address: &str, reading: &Reading) -> Result<Outcome, Stop> {
    let after_last = match args.after_last {
        AfterLastArg::Repeat => AfterLast::Repeat,
        AfterLastArg::Silence => AfterLast::Silence,
        AfterLastArg::Close => AfterLast::Close,
    };
    let unknown = match args.unknown {
        UnknownArg::Silence => Unknown::Silence,
        UnknownArg::Close => Unknown::Close,
    };
    let device = Device::new(reading, after_last, unknown);
    let listener = TcpListener::bind(address).map_err(|error| {
        Problem::new(format_args!("--listen {address}: {error}"))
            .hint("write 127.0.0.1:8899; port 0 takes any that is free")
    })?;
    let (local, objects) = (listener.local_addr()?, device.object_count());
    tell(Kind::Note, format_args!("listening on {local}, with answers for {objects} kinds of requests"), None);
    let bridge =
        Arc::new(Bridge { device: Mutex::new(device), clients: Mutex::default(), hub: args.hub, delays: args.delays });
    let mut served = Vec::new();
    for stream in listener.incoming() {
        // A client that went away before it was taken is no reason to stop.
        let Ok(stream) = stream else { continue };
        served.retain(|worker: &thread::JoinHandle<()>| !worker.is_finished() || args.connections.is_some());
        if args.connections.is_none() && served.len() >= MOST_CLIENTS {
            continue;
        }
        if let (true, Ok(copy)) = (args.hub, stream.try_clone()) {
            bridge.clients.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
        }
        let bridge = Arc::clone(&bridge);
        served.push(thread::spawn(move || bridge.serve(stream)));
        let count = u64::try_from(served.len()).unwrap_or(u64::MAX);
        if args.connections.is_some_and(|most| count >= most) {
            break;
        }
    }
    for worker in served {
        let _ = worker.join();
    }
    Ok(Outcome::Done)
}

/// The bridge before the device: one line for all clients.
struct Bridge {
    device: Mutex<Device>,
    clients: Mutex<Vec<TcpStream>>,
    hub: bool,
    delays: DelaysArg,
}

impl Bridge {
    /// Serves one client until one of the two has enough.
    fn serve(&self, mut stream: TcpStream) {
        let peer = stream.peer_addr().ok();
        let _ = stream.set_nodelay(true);
        let (mut listener, mut buffer) = (Listener::default(), vec![0; READ_BYTES]);
        'open: while let Ok(count) = stream.read(&mut buffer) {
            if count == 0 {
                break;
            }
            let asked = Instant::now();
            for came in listener.hear(&buffer[..count]) {
                if !came.crc_ok || came.command.is_response() {
                    continue;
                }
                let act = self.device.lock().unwrap_or_else(PoisonError::into_inner).act(came.key);
                match act {
                    Act::Silence => {}
                    Act::Close => break 'open,
                    Act::Answer(answer) => {
                        if self.delays == DelaysArg::Recorded {
                            thread::sleep(answer.delay.saturating_sub(asked.elapsed()));
                        }
                        if self.send(&mut stream, &answer.bytes).is_err() {
                            break 'open;
                        }
                    }
                }
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Both);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|client| client.peer_addr().ok() != peer && client.peer_addr().is_ok());
    }

    fn send(&self, stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        if !self.hub {
            return stream.write_all(bytes);
        }
        for client in &mut *self.clients.lock().unwrap_or_else(PoisonError::into_inner) {
            // One that has gone is found out by its own thread.
            let _ = client.write_all(bytes);
        }
        Ok(())
    }
}

fn connect(args: &FixtureReplayArgs, address: &str, reading: &Reading) -> Result<Outcome, Stop> {
    let asked = requests(reading);
    if asked.is_empty() {
        return Err(Problem::new(format_args!("{}: asks nothing", args.folder.display())).into());
    }
    let mut stream = TcpStream::connect(address)
        .map_err(|error| Problem::new(format_args!("--connect {address}: {error}")).hint("write 192.0.2.20:8899"))?;
    stream.set_nodelay(true)?;
    let mut out = io::BufWriter::new(destination::stdout());
    let (mut listener, start, mut wrong) = (Listener::default(), Instant::now(), 0);
    for request in &asked {
        if args.delays == DelaysArg::Recorded {
            thread::sleep(request.at.saturating_sub(start.elapsed()));
        }
        stream.write_all(&request.bytes)?;
        let patience = if request.answer.is_some() { PATIENCE } else { Duration::from_millis(500) };
        let answer = wait(&mut stream, &mut listener, request.key, patience)?;
        wrong += u64::from(!tell_answer(&mut out, request, answer.as_deref())?);
        out.flush()?;
    }
    writeln!(out, "{} requests, {wrong} answered otherwise than recorded", asked.len())?;
    out.flush()?;
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::CheckFailed })
}

/// The next answer for an object; those for others are passed over, as they are meant for other clients.
fn wait(stream: &mut TcpStream, listener: &mut Listener, key: Key, patience: Duration) -> io::Result<Option<Vec<u8>>> {
    let (end, mut buffer) = (Instant::now() + patience, vec![0; READ_BYTES]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        let count = match stream.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let came = listener.hear(&buffer[..count]);
        if let Some(answer) =
            came.into_iter().find(|came| came.command.is_response() && came.key.object() == key.object())
        {
            return Ok(Some(answer.raw));
        }
    }
}

/// A line for an answer. False where it is not the recorded one.
fn tell_answer(out: &mut dyn Write, request: &Asked, answer: Option<&[u8]>) -> io::Result<bool> {
    let object = request.key.object();
    let name = Registry::builtin().get(object).map_or_else(|| object.to_string(), |object| object.name.clone());
    let (word, right) = match (answer, &request.answer) {
        (None, None) => ("silence, as recorded", true),
        (None, Some(_)) => ("no answer", false),
        (Some(_), None) => ("an answer, where none was recorded", false),
        (Some(found), Some(recorded)) if found == recorded => ("as recorded", true),
        (Some(_), Some(_)) => ("another answer", false),
    };
    writeln!(out, "{} {name:<40} {word}", if right { "ok  " } else { "FAIL" })?;
    Ok(right)
}
