//! Reads requests and writes answers in HTTP/1.1, by hand, because faults need the bare connection.

use std::io::{self, Read, Write};

/// Room for a session token of 4,096 bytes in a header, and then some.
const HEAD_LIMIT: usize = 32 * 1024;
const BODY_LIMIT: usize = 64 * 1024;
const HEADER_COUNT: usize = 64;

/// One request, whole.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub(crate) fn wants_close(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Why no request came out of a connection.
#[derive(Debug)]
pub(crate) enum Unread {
    Io(io::Error),
    /// What came is not acceptable: answer with this status, then close.
    Refused(u16),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Unread {
        Unread::Io(error)
    }
}

/// Returns the next request of a connection, or nothing when the peer has closed it.
///
/// `carry` holds what was read beyond the last request; keep it with the connection.
pub(crate) fn read_request(
    stream: &mut (impl Read + Write + ?Sized),
    carry: &mut Vec<u8>,
) -> Result<Option<Request>, Unread> {
    let (mut request, head_length) = loop {
        if let Some(found) = parse_head(carry)? {
            break found;
        }
        if carry.len() > HEAD_LIMIT {
            return Err(Unread::Refused(431));
        }
        if read_more(stream, carry)? == 0 {
            return Ok(None);
        }
    };
    let length = body_length(&request)?;
    let awaited = request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
    if awaited && carry.len() < head_length + length {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.flush()?;
    }
    while carry.len() < head_length + length {
        if read_more(stream, carry)? == 0 {
            return Ok(None);
        }
    }
    request.body = carry[head_length..head_length + length].to_vec();
    carry.drain(..head_length + length);
    Ok(Some(request))
}

fn read_more(stream: &mut (impl Read + ?Sized), carry: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk)?;
    carry.extend_from_slice(&chunk[..count]);
    Ok(count)
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Request, usize)>, Unread> {
    let mut room = [httparse::EMPTY_HEADER; HEADER_COUNT];
    let mut head = httparse::Request::new(&mut room);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Unread::Refused(400)),
    };
    let mut request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        ..Request::default()
    };
    for header in head.headers.iter() {
        let value = str::from_utf8(header.value).map_err(|_| Unread::Refused(400))?;
        request.headers.push((header.name.to_owned(), value.to_owned()));
    }
    Ok(Some((request, length)))
}

fn body_length(request: &Request) -> Result<usize, Unread> {
    if request.header("transfer-encoding").is_some() {
        return Err(Unread::Refused(411));
    }
    let Some(text) = request.header("content-length") else {
        return Ok(0);
    };
    match text.parse::<usize>() {
        Ok(length) if length <= BODY_LIMIT => Ok(length),
        Ok(_) => Err(Unread::Refused(413)),
        Err(_) => Err(Unread::Refused(400)),
    }
}

/// One answer, not yet sent.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
        Response { status, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    /// Returns everything before the body; the length announced is that of the whole body.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Wire(io::Cursor<Vec<u8>>);

    impl Read for Wire {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let few = room.len().min(50);
            self.0.read(&mut room[..few])
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn read(text: &str) -> Result<Vec<Request>, Unread> {
        let mut wire = Wire(io::Cursor::new(text.as_bytes().to_vec()));
        let mut carry = Vec::new();
        let mut requests = Vec::new();
        while let Some(request) = read_request(&mut wire, &mut carry)? {
            requests.push(request);
        }
        Ok(requests)
    }

    #[test]
    fn two_requests_in_one_stream_come_apart() {
        let both = "POST /?a=1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nx=1GET /two HTTP/1.1\r\n\r\n";
        let requests = read(both).unwrap();
        assert_eq!(requests[0].body, b"x=1");
        assert_eq!((requests[0].path(), requests[0].query()), ("/", "a=1"));
        assert_eq!(requests[1].target, "/two");
    }

    #[test]
    fn unacceptable_requests_name_their_status() {
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(40_000));
        let rows = [
            ("nonsense\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
            (long.as_str(), 431),
        ];
        for (text, status) in rows {
            assert!(matches!(read(text), Err(Unread::Refused(found)) if found == status), "{status}");
        }
    }
}
