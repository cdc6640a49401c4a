//! Where one HTTP/1.1 request ends in a stream of bytes, so that it can be sent once more.
//!
//! Reads as much of the head as framing needs. What it cannot frame (chunks, another protocol,
//! too many bytes) it carries unread. Does not understand requests.

use std::mem;

/// Bytes of a request that are kept: above the largest batch the relay takes.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of a head; hyper's own limit is of this order.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Follows a client's bytes.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    seen: Vec<u8>,
    framing: Framing,
}

#[derive(Debug, Default)]
enum Framing {
    /// The head is not complete.
    #[default]
    Head,
    /// The request ends at this length.
    Body { request_bytes: usize },
    /// A request too large to keep, of which so many bytes are still to come.
    Passing { remaining_bytes: usize },
    /// No HTTP/1.1 that could be framed; nothing more is looked at.
    Opaque,
}

impl Recorder {
    /// Takes what the client said and yields the requests that it completed: their bytes, or
    /// none for one that was not kept.
    pub(super) fn take(&mut self, said: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut complete = Vec::new();
        if !matches!(self.framing, Framing::Opaque) {
            self.seen.extend_from_slice(said);
        }
        while let Some(request) = self.next() {
            complete.push(request);
        }
        complete
    }

    fn next(&mut self) -> Option<Option<Vec<u8>>> {
        match self.framing {
            Framing::Opaque => None,
            Framing::Passing { remaining_bytes } => {
                let passed = remaining_bytes.min(self.seen.len());
                self.seen.drain(..passed);
                if passed < remaining_bytes {
                    self.framing = Framing::Passing { remaining_bytes: remaining_bytes - passed };
                    return None;
                }
                self.framing = Framing::Head;
                Some(None)
            }
            Framing::Body { request_bytes } => {
                if self.seen.len() < request_bytes {
                    return None;
                }
                let rest = self.seen.split_off(request_bytes);
                self.framing = Framing::Head;
                Some(Some(mem::replace(&mut self.seen, rest)))
            }
            Framing::Head => {
                self.framing = framing(&self.seen)?;
                if matches!(self.framing, Framing::Opaque) {
                    self.seen = Vec::new();
                }
                self.next()
            }
        }
    }
}

/// How the request whose first bytes these are is framed; none while its head is incomplete.
fn framing(seen: &[u8]) -> Option<Framing> {
    let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") else {
        return (seen.len() > HEAD_BYTES_MAX).then_some(Framing::Opaque);
    };
    let head_bytes = end + 4;
    let Some(body_bytes) = body_bytes(&seen[..end]) else { return Some(Framing::Opaque) };
    let Some(request_bytes) = head_bytes.checked_add(body_bytes) else {
        return Some(Framing::Opaque);
    };
    if request_bytes > REQUEST_BYTES_MAX {
        return Some(Framing::Passing { remaining_bytes: request_bytes });
    }
    Some(Framing::Body { request_bytes })
}

/// The length of the body that a head announces; none if it is framed in another way.
fn body_bytes(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    if !lines.next()?.ends_with(" HTTP/1.1") {
        return None;
    }
    let mut length = 0;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &[u8] = b"POST /v1/events HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn two_requests_in_one_piece_are_told_apart() {
        let both = [GET, POST].concat();
        let found = Recorder::default().take(&both);
        assert_eq!(found, [Some(GET.to_vec()), Some(POST.to_vec())]);
    }

    #[test]
    fn a_request_that_comes_byte_by_byte_is_complete_at_its_last() {
        let mut recorder = Recorder::default();
        let (last, before) = POST.split_last().unwrap();
        for byte in before {
            assert_eq!(recorder.take(&[*byte]), []);
        }
        assert_eq!(recorder.take(&[*last]), [Some(POST.to_vec())]);
    }

    #[test]
    fn a_request_that_is_too_large_is_passed_and_the_next_one_is_seen() {
        let mut recorder = Recorder::default();
        let large = REQUEST_BYTES_MAX + 1;
        let head = format!("POST / HTTP/1.1\r\ncontent-length: {large}\r\n\r\n");
        assert_eq!(recorder.take(head.as_bytes()), []);
        assert_eq!(recorder.take(&vec![b'x'; large - 1]), []);
        assert_eq!(recorder.take(b"x"), [None]);
        assert_eq!(recorder.take(GET), [Some(GET.to_vec())]);
    }

    #[test]
    fn what_cannot_be_framed_is_left_alone() {
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(Recorder::default().take(chunked), []);
        assert_eq!(Recorder::default().take(b"\x16\x03\x01\r\n\r\n"), []);
    }
}
