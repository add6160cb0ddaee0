//! The columns of a timeline, for every width of a terminal, and how a row is laid out in them.
//!
//! Knows texts and columns. Knows nothing of exchanges.

use crate::anomaly::Severity;
use crate::output::cell::fit_value;
use crate::output::style::{self, Style};
use std::fmt::Write;

/// From here on there is room to spell flags and commands out and to name both packets.
const WIDE: usize = 112;
/// Below this the packet number goes.
const NARROW: usize = 72;
/// Below this the milliseconds and the response time go as well.
const TINY: usize = 60;
/// Nobody reads a table in less; a narrower terminal wraps the lines.
const LEAST: usize = 36;
/// The longest object names have 48 characters.
const OBJECT_MOST: usize = 48;
/// A value longer than this is looked at in another way.
const VALUE_MOST: usize = 44;
/// The least that is left of an object's name when other columns need more room than they have.
const OBJECT_LEAST: usize = 8;

/// The width of each column, without the blank behind it. A column of width 0 is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Commands and flags are spelled out, and both packets are named.
    pub(super) wide: bool,
    pub(super) time: usize,
    pub(super) connection: usize,
    pub(super) packets: usize,
    pub(super) command: usize,
    pub(super) object: usize,
    pub(super) value: usize,
    pub(super) rtt: usize,
    /// The sign alone, or signs with ids and names.
    pub(super) flags: usize,
}

impl Layout {
    /// The columns for a line of `width`.
    pub(super) fn new(width: usize) -> Self {
        let width = width.max(LEAST);
        let wide = width >= WIDE;
        let mut layout = Self {
            wide,
            time: if width < TINY { 8 } else { 12 },
            connection: if wide { 4 } else { 2 },
            packets: match width {
                _ if wide => 11,
                ..NARROW => 0,
                _ => 5,
            },
            command: if wide { 6 } else { 3 },
            object: 0,
            value: 0,
            rtt: if width < TINY { 0 } else { 6 },
            flags: if wide { 24 } else { 1 },
        };
        let room = width - layout.before_object() - 1 - layout.behind_value();
        layout.object = (room * 3 / 5).min(OBJECT_MOST);
        layout.value = (room - layout.object).min(VALUE_MOST);
        if wide {
            layout.flags += room - layout.object - layout.value;
        }
        layout
    }

    /// Columns of everything in front of the object.
    pub(super) const fn before_object(&self) -> usize {
        let packets = if self.packets == 0 { 0 } else { self.packets + 1 };
        self.time + 1 + self.connection + 1 + packets + self.command + 1
    }

    /// Columns of everything behind the value.
    const fn behind_value(&self) -> usize {
        let rtt = if self.rtt == 0 { 0 } else { self.rtt + 1 };
        let flags = if self.wide { self.flags + 2 } else { self.flags + 1 };
        rtt + flags
    }

    /// Columns of the whole line.
    pub(super) const fn width(&self) -> usize {
        self.before_object() + self.object + 1 + self.value + self.behind_value()
    }
}

/// What stands in the columns of one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) time: String,
    pub(super) connection: String,
    pub(super) packets: String,
    pub(super) command: String,
    pub(super) body: Body,
    pub(super) rtt: String,
    /// What is wrong, the worst first. Where the columns are narrow only the first one's sign is shown.
    pub(super) flags: Vec<(Severity, String)>,
}

/// The middle of a row.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// An object and its value.
    Value {
        /// The object's name.
        object: String,
        /// The value, or why there is none.
        value: String,
    },
    /// A text over both columns.
    Text(String),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Line {
    /// The line as it is printed, without its line end.
    pub(super) fn render(&self, layout: &Layout, style: Style) -> String {
        let mut line = self.front(layout);
        let overflow = style::display_width(&line).saturating_sub(layout.before_object());
        self.push_body(&mut line, layout, overflow);
        if layout.rtt > 0 {
            line.push(' ');
            style::push_right(&mut line, &self.rtt, layout.rtt);
        }
        if layout.wide {
            self.push_flags(&mut line, layout, style);
        } else if let Some((severity, _)) = self.flags.first() {
            let _ = write!(line, " {}", style.paint(style::ink(*severity), style::sign(*severity)));
        }
        line.truncate(line.trim_end().len());
        line
    }

    /// Time to command. Where a number needs more room than its column has, the rest moves right.
    fn front(&self, layout: &Layout) -> String {
        let mut line = String::with_capacity(layout.width() + 8);
        style::push_left(&mut line, &self.time, layout.time);
        line.push(' ');
        style::push_left(&mut line, &self.connection, layout.connection);
        line.push(' ');
        if layout.packets > 0 {
            style::push_right(&mut line, &self.packets, layout.packets);
            line.push(' ');
        }
        style::push_left(&mut line, &self.command, layout.command);
        line.push(' ');
        line
    }

    /// Object and value. What the columns in front took too much comes off the object, so that values stay aligned.
    fn push_body(&self, line: &mut String, layout: &Layout, overflow: usize) {
        match &self.body {
            Body::Value { object, value } => {
                let room = layout.object.saturating_sub(overflow).max(OBJECT_LEAST);
                style::push_left(line, &style::fit_middle(object, room), room);
                line.push(' ');
                style::push_left(line, &fit_value(value, layout.value), layout.value);
            }
            Body::Text(text) => {
                let room = (layout.object + 1 + layout.value).saturating_sub(overflow).max(OBJECT_LEAST);
                style::push_left(line, &style::fit_end(text, room), room);
            }
        }
    }

    /// The flags with their names: the first always, a later one where it fits, and a count of those that do not.
    fn push_flags(&self, line: &mut String, layout: &Layout, style: Style) {
        const COUNT: usize = 3;
        line.push(' ');
        let mut room = layout.flags + 1;
        for (place, (severity, text)) in self.flags.iter().enumerate() {
            let flag = format!("{} {text}", style::sign(*severity));
            let left = self.flags.len() - place;
            let reserve = if left > 1 { COUNT } else { 0 };
            if place > 0 && style::display_width(&flag) + 1 + reserve > room {
                let _ = write!(line, " +{left}");
                return;
            }
            let fitted = style::fit_end(&flag, room.saturating_sub(1 + reserve)).into_owned();
            room = room.saturating_sub(style::display_width(&fitted) + 1);
            let _ = write!(line, " {}", style.paint(style::ink(*severity), fitted));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_filled_and_never_passed() {
        for width in 0..400 {
            let layout = Layout::new(width);
            assert!(layout.width() <= width.max(LEAST), "{width}: {layout:?}");
            assert!(layout.object >= OBJECT_LEAST && layout.value >= 7, "{width}: {layout:?}");
            if width >= WIDE {
                assert_eq!(layout.width(), width, "{layout:?}");
            }
        }
    }

    #[test]
    fn columns_of_the_usual_widths() {
        let columns = |width| {
            let layout = Layout::new(width);
            (layout.before_object(), layout.object, layout.value, layout.rtt)
        };
        assert_eq!(columns(40), (16, 12, 9, 0));
        assert_eq!(columns(80), (26, 26, 18, 6));
        assert_eq!(columns(120), (37, 29, 20, 6));
    }

    #[test]
    fn what_needs_more_room_takes_it_from_the_object() {
        let layout = Layout::new(80);
        let line = |packets: &str| Line {
            time: "21:06:31.012".into(),
            connection: "1".into(),
            packets: packets.into(),
            command: "R".into(),
            body: Body::Value { object: "g_sync.p_ac_grid_sum_lp".into(), value: "388.0 W".into() },
            rtt: "83.5".into(),
            flags: Vec::new(),
        };
        let [short, long] = ["75", "123456789"].map(|packets| line(packets).render(&layout, Style::default()));
        assert_eq!(short, "21:06:31.012 1     75 R   g_sync.p_ac_grid_sum_lp    388.0 W              83.5");
        assert_eq!(long, "21:06:31.012 1  123456789 R   g_sync.p_a…grid_sum_lp 388.0 W              83.5");
    }

    #[test]
    fn flags_that_do_not_fit_are_counted() {
        let line = Line {
            flags: vec![
                (Severity::Error, "A7 payload_short".into()),
                (Severity::Warning, "A8 late_response".into()),
                (Severity::Note, "A9 retry".into()),
            ],
            ..Line::default()
        };
        let text = line.render(&Layout::new(120), Style::default());
        assert!(text.ends_with("  ✗ A7 payload_short +2"), "{text}");
        assert!(style::display_width(&text) <= 120);
    }
}
