//! The three parts of the work on one unit: packets are read, events are told, and the sink shows them. One thread does
//! all of it, or one reads and one does the rest. What comes out is the same.
//!
//! Knows which part hands what to which. What each of them does is known elsewhere.

use super::input::Unit;
use super::live::SharedOutput;
use super::reading::{Delivery, read};
use super::tally::Tally;
use super::watch::Watch;
use crate::analyzer::{self, Step, Teller, Told};
use crate::event::Sink;
use crate::time::Timestamp;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::{io, mem, thread};

/// Steps that are told before what they come to is shown: so few that it still stands in the nearest cache then, and that
/// what comes next is made where this was. As many are gathered before they leave where they were made, see [`Bridge`].
const AT_ONCE: usize = 64;

/// Steps gathered before they are handed on: so many that handing on costs nothing, so few that they stay in the cache.
const BATCH: usize = 1024;

/// Batches on their way from one thread to the next.
const BATCHES_UNDER_WAY: usize = 4;

/// What one thread hands to the other.
enum Message {
    /// The time of the first packet; `None` where there is none.
    Start(Option<Timestamp>),
    /// The next steps, in order.
    Steps(Vec<Step>),
}

/// The last part: a sink, made when the time of the first packet is known.
pub(super) struct Show<B, S> {
    begin: Option<B>,
    sink: Option<S>,
    /// What was told last; empty but for that.
    told: Vec<Told>,
}

impl<S: Sink<Error = io::Error>, B: FnOnce(Option<Timestamp>) -> io::Result<S>> Show<B, S> {
    pub(super) const fn new(begin: B) -> Self {
        Self { begin: Some(begin), sink: None, told: Vec::new() }
    }

    /// The sink, if it has been made.
    pub(super) fn into_sink(self) -> Option<S> {
        self.sink
    }

    fn start(&mut self, first: Option<Timestamp>) -> io::Result<()> {
        if let Some(begin) = self.begin.take() {
            self.sink = Some(begin(first)?);
        }
        Ok(())
    }

    /// Tells the steps, and shows what that comes to.
    fn tell(&mut self, teller: &mut Teller, list: &mut Vec<Step>) -> io::Result<()> {
        for steps in list.chunks_mut(AT_ONCE) {
            teller.take(steps, &mut self.told);
            if let Some(sink) = &mut self.sink {
                self.told.iter().try_for_each(|told| told.tell(sink))?;
            }
            teller.reuse(&mut self.told);
        }
        Step::clear(list);
        Ok(())
    }

    /// Does all three parts in this thread.
    pub(super) fn alone(
        &mut self,
        unit: &Unit,
        output: Option<&SharedOutput>,
        options: &analyzer::Options,
        watch: (&mut impl Watch, &mut Tally),
    ) -> io::Result<()> {
        // Of a live capture everything is to be seen at once.
        let batch = if unit.is_live() { 1 } else { BATCH };
        let mut teller = Teller::new(options);
        read(unit, output, options, batch, watch, &mut |delivery| match delivery {
            Delivery::Start(first) => self.start(first),
            Delivery::Steps(steps) => self.tell(&mut teller, steps),
        })
    }

    /// Does the last two parts in this thread, and the first in one of its own.
    pub(super) fn side_by_side(
        &mut self,
        unit: &Unit,
        options: &analyzer::Options,
        watch: (&mut impl Watch, &mut Tally),
    ) -> io::Result<()> {
        let (to_teller, messages) = mpsc::sync_channel(BATCHES_UNDER_WAY);
        let (used, room) = mpsc::channel();
        thread::scope(|scope| {
            let reading = scope.spawn(move || {
                let mut bridge = Bridge { batch: Vec::with_capacity(BATCH), to_teller, room };
                let read = read(unit, None, options, AT_ONCE, watch, &mut |delivery| bridge.take(delivery));
                let handed_on = bridge.hand_on();
                read.and(handed_on)
            });
            let shown = self.tell_and_show(options, messages, &used);
            let read = reading.join().unwrap_or_else(|panic| resume_unwind(panic));
            // Where the sink has failed, that is why the other could not hand on.
            shown.and(read)
        })
    }

    fn tell_and_show(
        &mut self,
        options: &analyzer::Options,
        messages: Receiver<Message>,
        used: &Sender<Vec<Step>>,
    ) -> io::Result<()> {
        let mut teller = Teller::new(options);
        for message in messages {
            match message {
                Message::Start(first) => self.start(first)?,
                Message::Steps(mut steps) => {
                    self.tell(&mut teller, &mut steps)?;
                    // There is nobody any more behind the last ones.
                    let _ = used.send(steps);
                }
            }
        }
        Ok(())
    }
}

/// The way from the first thread to the second.
///
/// A step is made in many small writes. Each of them has to wait where another processor has looked at that memory last,
/// and all that the thread writes behind it waits as well. So steps are made where only their own thread ever looks, and
/// go from there to the batch in one large move.
struct Bridge {
    /// What is handed on when it is full.
    batch: Vec<Step>,
    to_teller: SyncSender<Message>,
    /// Batches that are used up come back, for their room.
    room: Receiver<Vec<Step>>,
}

impl Bridge {
    fn take(&mut self, delivery: Delivery<'_>) -> io::Result<()> {
        match delivery {
            Delivery::Start(first) => self.send(Message::Start(first)),
            Delivery::Steps(steps) => {
                self.batch.append(steps);
                if self.batch.len() < BATCH { Ok(()) } else { self.hand_on() }
            }
        }
    }

    /// Hands on the steps so far.
    fn hand_on(&mut self) -> io::Result<()> {
        let empty = self.room.try_recv().unwrap_or_default();
        let full = mem::replace(&mut self.batch, empty);
        self.send(Message::Steps(full))
    }

    fn send(&self, message: Message) -> io::Result<()> {
        self.to_teller.send(message).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
