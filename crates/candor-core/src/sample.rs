//! One picture among others: what it is called, what class it has, where it came from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The SHA-256 of the original's bytes: the same file has the same id wherever it lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SampleId([u8; 32]);

impl SampleId {
    /// Hashes the bytes of the original: the file as it was found, or the row's pixels where there is no file.
    pub fn of(original: &[u8]) -> SampleId {
        SampleId(Sha256::digest(original).into())
    }

    /// Reads 64 hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<SampleId> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(bytes.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(SampleId(id))
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SampleId({})", self.short())
    }
}

impl Serialize for SampleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SampleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        SampleId::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("\"{text}\" is not a SHA-256 in hexadecimal")))
    }
}

/// Where a sample was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The file that holds it, as the person named it (relative to the source where that is a folder).
    pub file: String,
    /// Which row or item of that file, counted from 0, where one file holds many samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The address that it was fetched from, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Provenance {
    /// The web site that it was fetched from: the host of its address, `commons.wikimedia.org`. `None` where it has no
    /// address of the web.
    pub fn site(&self) -> Option<&str> {
        let url = self.url.as_deref()?;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?.split(':').next()?;
        Some(host).filter(|host| !host.is_empty())
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => write!(f, "{}, row {row}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// One picture with its class, group and provenance; the pixels are read separately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What identifies the original's bytes.
    pub id: SampleId,
    /// Index into the data set's class names.
    pub class: usize,
    /// What must not be torn apart by a split: a person, a web site, a burst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Where it came from.
    pub provenance: Provenance,
    /// Whatever else the source says of it (further columns of a table), for the audit by subgroup.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_the_host_of_an_address() {
        let site = |url: &str| {
            let provenance = Provenance { url: Some(url.to_owned()), ..Provenance::default() };
            provenance.site().map(str::to_owned)
        };
        let cases = [
            ("https://a.org/b/c.jpg?d", Some("a.org")),
            ("http://me@a.org:8080", Some("a.org")),
            ("https://", None),
            ("javascript:alert(1)", None),
            ("/home/me/a.jpg", None),
        ];
        for (url, host) in cases {
            assert_eq!(site(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn an_id_is_the_sha256_and_reads_back_what_it_writes() {
        let id = SampleId::of(b"abc");
        assert_eq!(id.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(SampleId::from_hex(&id.to_string()), Some(id));
        for wrong in ["", "ba78", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(SampleId::from_hex(wrong), None, "{wrong}");
        }
    }
}
