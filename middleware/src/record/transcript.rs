use std::time::Duration;

use choreo_core::runtime::Instant;
use choreo_core::{
    Bytes, Codec, Encoded, Error, ErrorKind, Label, Operation, Result, RoleName, TypeTag,
};

use super::recording::{Entry, Failure, Log, Payload, Recording};

const HEAD: &str = "choreo transcript 1";
const OPERATIONS: [Operation; 4] = [
    Operation::Send,
    Operation::Recv,
    Operation::Choose,
    Operation::Offer,
];
const KINDS: [ErrorKind; 13] = [
    ErrorKind::Closed,
    ErrorKind::UnknownRole,
    ErrorKind::UnknownLabel,
    ErrorKind::Protocol,
    ErrorKind::Encode,
    ErrorKind::Decode,
    ErrorKind::Timeout,
    ErrorKind::Busy,
    ErrorKind::Transport,
    ErrorKind::Extension,
    ErrorKind::Program,
    ErrorKind::Injected,
    ErrorKind::Config,
];

impl Recording {
    /// The recording as text, payloads included, for [`from_transcript`](Self::from_transcript).
    ///
    /// One line for each role and each entry, with tabs between the fields:
    /// `role` name, and `entry` nanoseconds, role, operation, peer, `message` or `label`,
    /// type or label, number of the type, number of the codec, bytes in hexadecimal, contents,
    /// kind of the error (`Dropped` for a send that was dropped), `transient`, the error's text.
    /// What there is not is empty.
    #[must_use]
    pub fn to_transcript(&self) -> String {
        let log = self.log();
        let mut out = String::from(HEAD);
        out.push('\n');
        for role in &log.roles {
            write_line(&mut out, &["role", role.as_str()]);
        }
        for entry in &log.entries {
            write_entry(&mut out, entry);
        }
        if log.dropped > 0 {
            write_line(&mut out, &["dropped", &log.dropped.to_string()]);
        }
        out
    }

    /// Reads what [`to_transcript`](Self::to_transcript) wrote.
    ///
    /// The recording is full: layers that write into it add to what was
    /// [dropped](Self::dropped).
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode), naming the line, when the text is no transcript.
    pub fn from_transcript(text: &str) -> Result<Self> {
        Self::from_transcript_with(text, Codec::default())
    }

    /// Reads what [`to_transcript`](Self::to_transcript) wrote of roles that sent in this codec.
    /// In all else as [`from_transcript`](Self::from_transcript), which reads those in postcard.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode), naming the line, when the text is no transcript, or has a
    /// message in another codec.
    pub fn from_transcript_with(text: &str, codec: Codec) -> Result<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(refused(1, "it does not begin with `choreo transcript 1`"));
        }
        let mut log = Log::new(Instant::now());
        for (index, line) in lines.enumerate() {
            read_line(&mut log, line, codec).map_err(|what| refused(index + 2, what))?;
        }
        Ok(Self::from_log(log))
    }
}

fn refused(line: usize, what: &str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("transcript refused at line {line}: {what}"),
    )
}

fn write_entry(out: &mut String, entry: &Entry) {
    let at = entry.at.as_nanos().to_string();
    let (mut tag, mut codec, mut bytes) = Default::default();
    let (form, name, contents) = match &entry.payload {
        None => ("", "", ""),
        Some(Payload::Label(label)) => ("label", label.as_str(), ""),
        Some(Payload::Message {
            type_name,
            encoded,
            contents,
        }) => {
            if let Some(encoded) = encoded {
                tag = encoded.type_tag().hash().to_string();
                codec = encoded.codec().id().to_string();
                bytes = to_hex(encoded.bytes());
            }
            let contents = contents.as_deref().unwrap_or_default();
            ("message", type_name.as_str(), contents)
        }
    };
    let (kind, transient, detail) = match &entry.failure {
        None => (String::new(), "", ""),
        Some(failure) => (
            failure
                .kind
                .map_or_else(|| "Dropped".to_owned(), |kind| format!("{kind:?}")),
            if failure.transient { "transient" } else { "" },
            failure.detail.as_str(),
        ),
    };
    let (role, peer) = (entry.role.as_str(), entry.peer.as_str());
    let operation = entry.operation.name();
    write_line(
        out,
        &[
            "entry", &at, role, operation, peer, form, name, &tag, &codec, &bytes, contents, &kind,
            transient, detail,
        ],
    );
}

fn write_line(out: &mut String, fields: &[&str]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push('\t');
        }
        for c in field.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                c => out.push(c),
            }
        }
    }
    out.push('\n');
}

fn read_line(log: &mut Log, line: &str, codec: Codec) -> Result<(), &'static str> {
    let fields: Option<Vec<String>> = line.split('\t').map(unescape).collect();
    let fields = fields.ok_or("a backslash stands before none of t, n, r and backslash")?;
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    match fields[..] {
        ["role", name] => log.roles.push(RoleName::from(name)),
        ["dropped", count] => log.dropped = count.parse().map_err(|_| "no number of dropped")?,
        [
            "entry",
            at,
            role,
            operation,
            peer,
            ref payload @ ..,
            kind,
            transient,
            detail,
        ] => {
            let at = at.parse().map_err(|_| "the time is no number")?;
            let operation = OPERATIONS
                .into_iter()
                .find(|known| known.name() == operation);
            log.entries.push(Entry {
                at: Duration::from_nanos(at),
                role: RoleName::from(role),
                peer: RoleName::from(peer),
                operation: operation.ok_or("no such operation")?,
                payload: read_payload(payload, codec)?,
                failure: read_failure(kind, transient, detail)?,
            });
        }
        _ => return Err("neither role, nor entry with its fields, nor dropped"),
    }
    Ok(())
}

fn read_payload(fields: &[&str], known: Codec) -> Result<Option<Payload>, &'static str> {
    Ok(match *fields {
        ["", "", "", "", "", ""] => None,
        ["label", name, "", "", "", ""] => Some(Payload::Label(Label::from(name.to_owned()))),
        ["message", type_name, tag, codec, bytes, contents] => Some(Payload::Message {
            type_name: type_name.to_owned(),
            encoded: match codec {
                "" => None,
                codec => {
                    let codec = codec.parse().ok().and_then(|id| known.known(id));
                    let tag = tag.parse().map_err(|_| "the type's number is none")?;
                    Some(Encoded::from_parts(
                        from_hex(bytes).ok_or("the bytes are not hexadecimal")?,
                        codec.ok_or("its codec is neither postcard nor the one that was given")?,
                        TypeTag::from_hash(tag),
                    ))
                }
            },
            contents: (!contents.is_empty()).then(|| contents.to_owned()),
        }),
        _ => return Err("neither a message nor a label, with their fields"),
    })
}

fn read_failure(
    kind: &str,
    transient: &str,
    detail: &str,
) -> Result<Option<Failure>, &'static str> {
    let known = KINDS.into_iter().find(|known| format!("{known:?}") == kind);
    if known.is_none() && !matches!(kind, "" | "Dropped") {
        return Err("no such kind of error");
    }
    Ok((!kind.is_empty()).then(|| Failure {
        kind: known,
        detail: detail.to_owned(),
        transient: transient == "transient",
    }))
}

fn unescape(field: &str) -> Option<String> {
    let mut chars = field.chars();
    let mut out = String::with_capacity(field.len());
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn from_hex(text: &str) -> Option<Bytes> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    pairs.collect()
}
