//! Lines of standard input, read byte by byte: what follows a line is left for the next reader, a child perhaps.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc;

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::system::clock::Deadline;
use crate::system::platform;

/// Why there is no line.
#[derive(Debug)]
pub enum NoLine {
    Ended,
    /// It is longer than asked for, or not UTF-8.
    Unfit,
    TimedOut,
    Unreadable(io::Error),
}

/// Reads one line of at most `longest` bytes before the deadline, without its end; the last line may lack one.
pub fn read_line(longest: usize, until: Deadline) -> Result<Secret<String>, NoLine> {
    let input = platform::unbuffered_stdin().map_err(NoLine::Unreadable)?;
    let (done, wait) = mpsc::channel();
    // a read cannot be ended from outside: after the deadline the thread stays behind until the process ends
    std::thread::spawn(move || done.send(line_of(input, longest)));
    wait.recv_timeout(until.left()).unwrap_or(Err(NoLine::TimedOut))
}

fn line_of(mut input: impl Read, longest: usize) -> Result<Secret<String>, NoLine> {
    // one more than fits, so that a line too long is noticed; full size, so that no copy is left behind
    let mut line = Zeroizing::new(Vec::with_capacity(longest + 1));
    let mut byte = Zeroizing::new([0u8]);
    loop {
        match input.read(&mut byte[..]) {
            Ok(0) if line.is_empty() => return Err(NoLine::Ended),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if line.len() > longest => {}
            Ok(_) => line.push(byte[0]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(NoLine::Unreadable(e)),
        }
    }
    let text = std::str::from_utf8(&line).ok().filter(|text| text.len() <= longest).ok_or(NoLine::Unfit)?;
    Ok(Secret::new(text.trim_end_matches('\r').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_taken_and_the_rest_is_left() {
        let mut input: &[u8] = b"123456\r\nrest";
        assert_eq!(line_of(&mut input, 10).unwrap().expose(), "123456");
        assert_eq!(input, b"rest");
        assert_eq!(line_of(&mut input, 10).unwrap().expose(), "rest");
        assert!(matches!(line_of(&mut input, 10), Err(NoLine::Ended)));
    }

    #[test]
    fn a_line_that_cannot_be_meant_is_read_to_its_end() {
        for unfit in ["12345678901\nnext", &format!("{}\nnext", "x".repeat(100_000))] {
            let mut input = unfit.as_bytes();
            assert!(matches!(line_of(&mut input, 10), Err(NoLine::Unfit)));
            assert_eq!(input, b"next");
        }
        assert!(matches!(line_of(&b"\xff\xff\n"[..], 10), Err(NoLine::Unfit)));
    }
}
