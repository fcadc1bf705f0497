//! Numbers and text as they are written down in a pickle.

use std::borrow::Cow;

use super::Node;

/// A little-endian number of up to 8 bytes.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// A whole number in two's complement, of any length.
pub(super) fn long(bytes: &[u8]) -> Node<'_> {
    match bytes.len() {
        0 => Node::Int(0),
        count @ 1..=8 => {
            // Shifting up and back down as i64 repeats the sign bit.
            let free = 64 - 8 * count;
            Node::Int((number(bytes) << free) as i64 >> free)
        }
        _ => Node::LongInt(Cow::Borrowed(bytes)),
    }
}

/// The most digits of a whole number that is written as text: reading one takes the square of them.
const DIGITS: usize = 1000;

/// A whole number in decimal digits, of any length up to [`DIGITS`].
pub(super) fn decimal<'a>(text: &str) -> Option<Node<'a>> {
    if let Ok(number) = text.parse() {
        return Some(Node::Int(number));
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if digits.is_empty() || digits.len() > DIGITS {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.chars() {
        let mut carry = digit.to_digit(10)?;
        for byte in &mut bytes {
            carry += 10 * u32::from(*byte);
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    // Room for the sign; then, for a negative number, every bit is turned and 1 is added.
    bytes.push(0);
    if negative {
        let mut carry = true;
        for byte in &mut bytes {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let fill = if negative { 0xff } else { 0 };
    while let [.., before, last] = *bytes.as_slice()
        && last == fill
        && (before ^ fill) < 0x80
    {
        bytes.pop();
    }
    Some(Node::LongInt(Cow::Owned(bytes)))
}

/// The bytes of a string of Python 2 in its quotes.
pub(super) fn unquoted(line: &str) -> Option<Vec<u8>> {
    let line = line.trim();
    let quote = line.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inner = line.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(bytes)
}

/// Text of protocol 0, where a character that ends a line, and every one outside of Latin-1, is written as `\uXXXX`.
pub(super) fn unescaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(place) = rest.find('\\') {
        text.push_str(&rest[..place]);
        let digits = match rest[place + 1..].chars().next() {
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let code = rest.get(place + 2..place + 2 + digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        match code.filter(|_| digits > 0).and_then(char::from_u32) {
            Some(character) => {
                text.push(character);
                rest = &rest[place + 2 + digits..];
            }
            None => {
                text.push('\\');
                rest = &rest[place + 1..];
            }
        }
    }
    text.push_str(rest);
    text
}
