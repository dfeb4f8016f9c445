//! A number as it was printed, with its digits.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

/// More digits than this behind the point are no longer a published figure, and could overflow.
const MOST_DECIMALS: usize = 9;
const MOST_MANTISSA: u64 = 1_000_000_000_000;

/// A number from 0 up: `.571`, `0.571`, `57.1 %`, `12`. In JSON and TOML a string or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedNumber {
    text: String,
    mantissa: u64,
    decimals: u32,
    per_cent: bool,
}

/// Text that is not such a number.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{text}\" is not a figure; write a number from 0 up with a point and at most 9 digits behind it, such as \".571\" or \"57.1 %\""
)]
pub struct NumberError {
    text: String,
}

impl PublishedNumber {
    /// The digits without the point.
    pub(super) fn mantissa(&self) -> u64 {
        self.mantissa
    }

    /// How many of them stand behind the point.
    pub(super) fn decimals(&self) -> u32 {
        self.decimals
    }

    /// Whether a per cent sign follows.
    pub(super) fn per_cent(&self) -> bool {
        self.per_cent
    }

    /// Whether the number, without its sign, is above 1.
    pub(super) fn above_one(&self) -> bool {
        self.mantissa > 10u64.pow(self.decimals)
    }
}

impl FromStr for PublishedNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<PublishedNumber, NumberError> {
        let wrong = || NumberError { text: text.to_owned() };
        let (digits, per_cent) = match text.trim().strip_suffix('%') {
            Some(before) => (before.trim_end(), true),
            None => (text.trim(), false),
        };
        let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = format!("{whole}{behind}");
        let readable = !all_digits.is_empty() && all_digits.bytes().all(|byte| byte.is_ascii_digit());
        let mantissa = all_digits.parse().ok().filter(|&mantissa| mantissa <= MOST_MANTISSA);
        match mantissa {
            Some(mantissa) if readable && behind.len() <= MOST_DECIMALS => {
                let decimals = behind.len() as u32;
                Ok(PublishedNumber { text: text.trim().to_owned(), mantissa, decimals, per_cent })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for PublishedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for PublishedNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PublishedNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNumber)
    }
}

struct AnyNumber;

impl AnyNumber {
    fn parse<E: de::Error>(text: &str) -> Result<PublishedNumber, E> {
        text.parse().map_err(E::custom)
    }
}

impl Visitor<'_> for AnyNumber {
    type Value = PublishedNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a figure such as \".571\", \"57.1 %\" or 12")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PublishedNumber, E> {
        Self::parse(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<PublishedNumber, E> {
        Self::parse(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<PublishedNumber, E> {
        Self::parse(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<PublishedNumber, E> {
        Self::parse(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_and_what_is_no_figure_is_refused() {
        let cases = [
            (".2510", 2510, 4, false),
            ("57.1 %", 571, 1, true),
            ("12", 12, 0, false),
            (" 0.5", 5, 1, false),
        ];
        for (text, mantissa, decimals, per_cent) in cases {
            let number: PublishedNumber = text.parse().unwrap();
            assert_eq!(
                (number.mantissa, number.decimals, number.per_cent),
                (mantissa, decimals, per_cent),
                "{text}"
            );
        }
        for wrong in
            ["", ".", "%", "-1", "1e3", "NaN", "1,5", "a half", "1.0123456789", "99999999999999999999"]
        {
            assert!(wrong.parse::<PublishedNumber>().is_err(), "{wrong}");
        }
        let bare: Vec<PublishedNumber> = serde_json::from_str("[0.571, 3, \".50\"]").unwrap();
        assert_eq!(bare.iter().map(|n| n.mantissa).collect::<Vec<_>>(), [571, 3, 50]);
        let error = serde_json::from_str::<PublishedNumber>("-0.5").unwrap_err().to_string();
        assert!(error.contains("\"-0.5\" is not a figure"), "{error}");
    }
}
