//! The quirks of devices, bridges and clients as fixtures: a part of `corpus`.

use crate::corpus::{CLIENT, DEVICE, Lines, Made, OTHER, frame, id, make, manifest, payload, read};
use rctscope::object::ObjectId;
use rctscope::rct::command::Command;
use rctscope::rct::crc::checksum;
use rctscope::rct::encode;
use rctscope::rct::registry::DataType;
use rctscope::tools::fixture::CAPTURES;
use rctscope::tools::synth::cases::dialogue;

/// Name, title, clients, and what is said.
type Quirk = (&'static str, &'static str, u8, Lines);

/// A frame whose length field says `length`, with a CRC over what it really holds.
fn lying(command: Command, length: u16, object: ObjectId, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![command.0];
    body.extend_from_slice(&length.to_be_bytes()[2 - command.length_bytes()..]);
    body.extend(object.0.to_be_bytes());
    body.extend_from_slice(payload);
    let mut out = vec![0, encode::START];
    encode::escape(&mut out, &body);
    encode::escape(&mut out, &checksum(&body).to_be_bytes());
    out
}

/// A request of a client that escapes nothing, or not its CRC.
fn unescaped(object: ObjectId, escape_body: bool) -> Vec<u8> {
    let mut body = vec![Command::READ.0, 4];
    body.extend(object.0.to_be_bytes());
    let mut out = vec![encode::START];
    if escape_body {
        encode::escape(&mut out, &body);
    } else {
        out.extend_from_slice(&body);
    }
    out.extend(checksum(&body).to_be_bytes());
    out
}

/// The habits of devices, bridges and clients, one at a time, in the smallest form that shows them.
#[expect(clippy::too_many_lines, reason = "a table, however rustfmt sets it")]
pub(crate) fn quirks() -> Vec<Made> {
    let (soc, power, grid) = (id("battery.soc"), id("g_sync.p_acc_lp"), id("g_sync.p_ac_grid_sum_lp"));
    let (history, escaped, in_crc) = (id("logger.minutes_soc_log_ts"), id("g_sync.p_ac_sum_lp"), ObjectId(0x67bf_3003));
    let value = |number: f32| number.to_be_bytes();
    let answer = |object, number: f32| frame(Command::RESPONSE, object, &value(number));
    let ask_history = || frame(Command::WRITE, history, &1_742_245_200_u32.to_be_bytes());
    let table = payload(DataType::Timeseries);
    let declared = |length: usize| u16::try_from(length).expect("short");
    let plain = |frame: Vec<u8>| frame[1..].to_vec();
    let both = |a: Vec<u8>, b: Vec<u8>| [a, b].concat();
    let half = answer(power, -1_580.0);
    let (first, second) = half.split_at(9);
    let text = frame(Command::RESPONSE, id("bat_mng_struct.profile_load"), b"+-+--++-");
    let split_escape = text.iter().position(|byte| *byte == encode::ESCAPE).expect("one") + 1;
    let quirks: Vec<Quirk> = vec![
        (
            "no-separator",
            "A RESPONSE without the 00 that mostly stands in front",
            1,
            vec![(10, CLIENT, read(soc)), (70, DEVICE, plain(answer(soc, 0.3)))],
        ),
        (
            "two-separators",
            "Two 00 between answers",
            1,
            vec![
                (10, CLIENT, both(read(soc), read(power))),
                (70, DEVICE, both(answer(soc, 0.3), both(vec![0], answer(power, 1.0)))),
            ],
        ),
        (
            "batch",
            "Three READs in one segment, answered one after the other",
            1,
            vec![
                (10, CLIENT, [read(soc), read(power), read(grid)].concat()),
                (70, DEVICE, answer(soc, 0.3)),
                (120, DEVICE, answer(power, -1_580.0)),
                (170, DEVICE, answer(grid, 430.0)),
            ],
        ),
        (
            "many-in-a-segment",
            "Three answers in one segment",
            1,
            vec![
                (10, CLIENT, [read(soc), read(power), read(grid)].concat()),
                (170, DEVICE, [answer(soc, 0.3), answer(power, -1_580.0), answer(grid, 430.0)].concat()),
            ],
        ),
        (
            "across-segments",
            "One answer over two segments",
            1,
            vec![(10, CLIENT, read(power)), (70, DEVICE, first.to_vec()), (75, DEVICE, second.to_vec())],
        ),
        (
            "cut-in-an-escape",
            "A segment ends between an escape byte and what it escapes",
            1,
            vec![
                (10, CLIENT, read(id("bat_mng_struct.profile_load"))),
                (70, DEVICE, text[..split_escape].to_vec()),
                (75, DEVICE, text[split_escape..].to_vec()),
            ],
        ),
        (
            "escape-in-the-object",
            "2d in an object id, escaped in request and answer",
            1,
            vec![(10, CLIENT, read(escaped)), (70, DEVICE, answer(escaped, -1_106.0))],
        ),
        (
            "escape-in-the-length",
            "A length of 2b, escaped, and not counted",
            1,
            vec![
                (10, CLIENT, read(id("bat_mng_struct.profile_load"))),
                (70, DEVICE, frame(Command::RESPONSE, id("bat_mng_struct.profile_load"), &[b'.'; 39])),
            ],
        ),
        (
            "escape-in-the-crc",
            "2b or 2d in the CRC of a READ, escaped",
            1,
            vec![(10, CLIENT, read(in_crc)), (70, DEVICE, frame(Command::RESPONSE, in_crc, &[1]))],
        ),
        (
            "raw-crc",
            "2b or 2d in the CRC of a READ, not escaped, as the Go libraries send it",
            1,
            vec![(10, CLIENT, unescaped(in_crc, true)), (70, DEVICE, frame(Command::RESPONSE, in_crc, &[1]))],
        ),
        (
            "nothing-escaped",
            "A client that escapes nothing, 2d in its object id",
            1,
            vec![(10, CLIENT, unescaped(escaped, false)), (70, DEVICE, answer(escaped, -1_106.0))],
        ),
        (
            "length-16-too-small",
            "A LONG_RESPONSE that declares 16 bytes too few, CRC over what is there, and a RESPONSE behind it",
            1,
            vec![
                (10, CLIENT, both(ask_history(), read(soc))),
                (
                    70,
                    DEVICE,
                    both(
                        lying(Command::LONG_RESPONSE, declared(4 + table.len() - 16), history, &table),
                        answer(soc, 0.3),
                    ),
                ),
            ],
        ),
        (
            "length-472-too-large",
            "A LONG_RESPONSE that declares 472 bytes too many, CRC over what is there, and a RESPONSE behind it",
            1,
            vec![
                (10, CLIENT, both(ask_history(), read(soc))),
                (
                    70,
                    DEVICE,
                    both(
                        lying(Command::LONG_RESPONSE, declared(4 + table.len() + 472), history, &table),
                        answer(soc, 0.3),
                    ),
                ),
            ],
        ),
        (
            "short-length-too-large",
            "A RESPONSE that declares 200 bytes and has 4, CRC over what is there, and another one behind it",
            1,
            vec![
                (10, CLIENT, both(read(soc), read(power))),
                (70, DEVICE, both(lying(Command::RESPONSE, 200, soc, &value(0.3)), answer(power, 1.0))),
            ],
        ),
        (
            "broken-then-good",
            "A RESPONSE that breaks off, and a whole one right behind it",
            1,
            vec![
                (10, CLIENT, both(read(power), read(soc))),
                (70, DEVICE, both(answer(power, -1_580.0)[..9].to_vec(), plain(answer(soc, 0.3)))),
            ],
        ),
        (
            "cut-by-a-request",
            "A second client's request cuts an answer after 2 of 4 bytes, CRC valid over what was sent",
            2,
            vec![
                (10, CLIENT, read(power)),
                (60, OTHER, read(soc)),
                (70, DEVICE, lying(Command::RESPONSE, 6, power, &value(-1_580.0)[..2])),
                (130, DEVICE, answer(soc, 0.3)),
            ],
        ),
        (
            "cut-with-full-length",
            "The same with the full length in the frame",
            2,
            vec![
                (10, CLIENT, read(power)),
                (60, OTHER, read(soc)),
                (70, DEVICE, lying(Command::RESPONSE, 8, power, &value(-1_580.0)[..2])),
                (130, DEVICE, answer(soc, 0.3)),
            ],
        ),
        (
            "cut-table",
            "A second client's request cuts a history after two rows, CRC valid over what was sent",
            2,
            vec![
                (10, CLIENT, ask_history()),
                (60, OTHER, read(soc)),
                (70, DEVICE, lying(Command::LONG_RESPONSE, declared(4 + table.len()), history, &table[..20])),
                (130, DEVICE, answer(soc, 0.3)),
            ],
        ),
        (
            "copies",
            "One answer, copied to both connections",
            2,
            vec![(10, CLIENT, read(soc)), (70, DEVICE, answer(soc, 0.3))],
        ),
        (
            "anothers-answer",
            "A client waits for one object and gets the other client's answer first",
            2,
            vec![
                (10, CLIENT, read(power)),
                (12, OTHER, read(soc)),
                (70, DEVICE, answer(power, -1_580.0)),
                (130, DEVICE, answer(soc, 0.3)),
            ],
        ),
        (
            "same-object-two-clients",
            "Two clients ask for the same object: two answers, two values",
            2,
            vec![
                (10, CLIENT, read(power)),
                (12, OTHER, read(power)),
                (70, DEVICE, answer(power, -1_580.0)),
                (130, DEVICE, answer(power, -1_600.0)),
            ],
        ),
        (
            "missing-answer",
            "An answer that never comes, and the client asks again",
            1,
            vec![(10, CLIENT, read(soc)), (5_200, CLIENT, read(soc)), (5_260, DEVICE, answer(soc, 0.3))],
        ),
        (
            "table-with-another-time",
            "A history that echoes the time it was asked for the time before",
            1,
            vec![
                (10, CLIENT, frame(Command::WRITE, history, &1_742_244_900_u32.to_be_bytes())),
                (70, DEVICE, frame(Command::LONG_RESPONSE, history, &table)),
            ],
        ),
        (
            "write-in-silence",
            "A WRITE without a RESPONSE; a READ shows that it took",
            1,
            vec![
                (10, CLIENT, frame(Command::WRITE, id("power_mng.soc_min"), &value(0.2))),
                (6_000, CLIENT, read(id("power_mng.soc_min"))),
                (6_060, DEVICE, answer(id("power_mng.soc_min"), 0.2)),
            ],
        ),
        (
            "keep-alive",
            "AT+, the keep-alive of the vendor's server, which holds a start byte, in front of a READ",
            1,
            vec![(10, CLIENT, both(b"AT+\r".to_vec(), read(soc))), (70, DEVICE, answer(soc, 0.3))],
        ),
        (
            "bridge-noise",
            "AT-mode noise of the bridge in front of an answer",
            1,
            vec![(10, CLIENT, read(soc)), (40, DEVICE, b"+++\r+++".to_vec()), (70, DEVICE, answer(soc, 0.3))],
        ),
        (
            "bootloader",
            "The bootloader announces itself twice a second, then an answer",
            1,
            vec![
                (10, CLIENT, read(soc)),
                (500, DEVICE, vec![0x50, 0xf7, 0x05, 0xab]),
                (1_000, DEVICE, vec![0x50, 0xf7, 0x05, 0xab]),
                (1_070, DEVICE, answer(soc, 0.3)),
            ],
        ),
        (
            "echo",
            "The device sends the READ back before it answers",
            1,
            vec![(10, CLIENT, read(soc)), (30, DEVICE, read(soc)), (70, DEVICE, answer(soc, 0.3))],
        ),
        (
            "remainder",
            "The tail of an earlier answer in front of the next one",
            1,
            vec![
                (10, CLIENT, read(power)),
                (70, DEVICE, answer(power, -1_580.0)),
                (500, CLIENT, read(soc)),
                (570, DEVICE, both(answer(power, -1_580.0)[9..].to_vec(), answer(soc, 0.3))),
            ],
        ),
        (
            "empty-answer",
            "A RESPONSE without a payload",
            1,
            vec![(10, CLIENT, read(soc)), (70, DEVICE, frame(Command::RESPONSE, soc, &[]))],
        ),
    ];
    quirks
        .into_iter()
        .map(|(name, title, clients, lines)| {
            let capture = dialogue(clients, &lines);
            make(&format!("quirks/{name}"), manifest(title, "synthetic", ""), Vec::new(), capture, CAPTURES[0])
        })
        .collect()
}
