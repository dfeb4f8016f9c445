//! As much of the protocol buffer encoding as an ONNX file needs: numbers, texts, bytes, and messages inside messages
//! (<https://protobuf.dev/programming-guides/encoding/>).

/// A message under construction: its fields, encoded one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A whole number.
    pub fn integer(mut self, field: u32, value: i64) -> Message {
        self.tag(field, 0);
        self.varint(value as u64);
        self
    }

    /// A number in single precision.
    pub fn float(mut self, field: u32, value: f32) -> Message {
        self.tag(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A text.
    pub fn text(self, field: u32, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    /// A message inside this one.
    pub fn message(self, field: u32, message: Message) -> Message {
        self.bytes(field, &message.0)
    }

    /// Bytes as they are.
    pub fn bytes(mut self, field: u32, bytes: &[u8]) -> Message {
        self.tag(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// The encoded message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn tag(&mut self, field: u32, wire_type: u64) {
        self.varint(u64::from(field) << 3 | wire_type);
    }

    /// Seven bits a byte, the lowest first; the highest bit says whether more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// The value of an operation's setting.
pub(super) enum Attribute {
    Float(f32),
    Integer(i64),
    Text(&'static str),
    Integers(Vec<i64>),
}

/// An operation's setting (`AttributeProto`).
pub(super) fn attribute(name: &str, value: Attribute) -> Message {
    let message = Message::default().text(1, name);
    match value {
        Attribute::Float(value) => message.float(2, value).integer(20, 1),
        Attribute::Integer(value) => message.integer(3, value).integer(20, 2),
        Attribute::Text(value) => message.text(4, value).integer(20, 3),
        Attribute::Integers(values) => {
            values.iter().fold(message, |message, &value| message.integer(8, value)).integer(20, 7)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_encoded_as_in_the_guide() {
        // The examples of the encoding guide: 150 in field 1, "testing" in field 2, the first inside field 3.
        let number = Message::default().integer(1, 150);
        assert_eq!(number.clone().into_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing").into_bytes();
        assert_eq!(text, [&[0x12, 0x07][..], b"testing"].concat());
        assert_eq!(Message::default().message(3, number).into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let negative = Message::default().integer(1, -2).into_bytes();
        assert_eq!(negative.len(), 11, "negative numbers take ten bytes");
    }
}
