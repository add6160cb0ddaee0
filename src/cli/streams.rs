//! `rctscope streams`: what every TCP connection of a capture carried.

use super::args::StreamsArgs;
use super::input::{self, Unit};
use super::live::SharedOutput;
use super::message::{Kind, Problem, Stop, tell};
use super::outcome::Outcome;
use super::reading::conclude;
use super::tally::Tally;
use super::watch::{OnTerminal, Watch as _};
use super::{destination, settings};
use crate::capture::Session;
use crate::endpoint::{ConnectionId, Direction};
use crate::net::{Decoded, Decoder};
use crate::tcp::{Assembler, Connection, Drain, Options};
use crate::tools::streams::{Dump, Ends, Format, Streams};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

pub(super) fn run(args: &StreamsArgs) -> Result<Outcome, Stop> {
    let mut output = SharedOutput::new(destination::stdout());
    let format = if args.json { Format::Json } else { Format::Text };
    if let Some(folder) = &args.dump {
        prepare(folder)?;
    }
    let found = input::find(&args.input);
    let mut tally = Tally { failed: found.failed, ..Tally::default() };
    for (index, unit) in found.units.iter().enumerate() {
        // Connections are numbered anew in every session.
        let prefix = if found.units.len() > 1 { format!("{}-", index + 1) } else { String::new() };
        let mut keep = |connection: ConnectionId, direction: Direction, bytes: &[u8]| match &args.dump {
            Some(folder) => append(folder, &prefix, connection, direction, bytes),
            None => Ok(()),
        };
        let dump: Option<&mut Dump<'_>> = if args.dump.is_some() { Some(&mut keep) } else { None };
        let options = Options { overlap: settings::overlap(args.overlap), ..Options::default() };
        reassemble(unit, &output, format, dump, &mut tally, options)?;
    }
    output.flush()?;
    tally.tell_rest();
    Ok(tally.outcome())
}

fn reassemble<'a>(
    unit: &Unit,
    output: &SharedOutput,
    format: Format,
    dump: Option<&'a mut Dump<'a>>,
    tally: &mut Tally,
    options: Options,
) -> io::Result<()> {
    let mut session = Session::new(unit.sources(Some(output)));
    let mut watch = OnTerminal::new(unit);
    let (mut net, mut assembler) = (Decoder::new(), Assembler::new(options));
    let mut streams = Streams::new(output.clone(), format, dump);
    while let Some(packet) = session.next_packet() {
        let number = packet.number;
        streams.packet_at(packet.ts);
        let decoded = net.decode(&packet);
        let events = match &decoded {
            Decoded::Segment(segment) => assembler.push(segment),
            _ => assembler.tick(packet.number, packet.ts),
        };
        drain(&mut streams, events)?;
        watch.packet(number, || session.bytes_read());
        tell_notices(&mut session);
    }
    drain(&mut streams, assembler.finish())?;
    tell_notices(&mut session);
    conclude(&mut session, unit, tally, &mut watch);
    Ok(())
}

fn tell_notices(session: &mut Session) {
    for notice in session.take_notices() {
        let name = session.name(notice.source).unwrap_or_default();
        tell(Kind::Warning, format_args!("{name}: {}", notice.message), None);
    }
}

fn drain(streams: &mut Streams<'_, SharedOutput>, mut events: Drain<'_>) -> io::Result<()> {
    while let Some(event) = events.next() {
        let Some(closed) = streams.event(&event)? else { continue };
        if let Some(connection) = events.connection(closed) {
            streams.report(closed, &ends(connection))?;
        }
    }
    Ok(())
}

fn ends(connection: &Connection) -> Ends {
    Ends {
        client: connection.client(),
        server: connection.server(),
        decided_by: connection.decided_by().name(),
        midstream: connection.midstream(),
        first: connection.first(),
    }
}

/// Makes the folder for the streams. One that holds something already is left alone: nothing is overwritten.
fn prepare(folder: &Path) -> Result<(), Problem> {
    let name = folder.display();
    let prepared = fs::create_dir_all(folder).and_then(|()| Ok(fs::read_dir(folder)?.next().is_none()));
    match prepared {
        Ok(true) => Ok(()),
        Ok(false) => Err(Problem::new(format_args!("{name}: is not empty")).hint("name a new folder")),
        Err(error) => Err(Problem::new(format_args!("{name}: {}", input::reason(&error)))),
    }
}

fn append(folder: &Path, prefix: &str, connection: ConnectionId, direction: Direction, bytes: &[u8]) -> io::Result<()> {
    let end = match direction {
        Direction::ToServer => "to_server",
        Direction::ToClient => "to_client",
    };
    // Opened anew for every piece: a capture may have more connections than a process may have open files.
    let path = folder.join(format!("{prefix}{connection}.{end}.bin"));
    OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)
}
