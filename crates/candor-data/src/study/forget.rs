//! Taking pictures out, so that neither they nor what is known of them is in any file of the study afterwards, and so that
//! they do not come back.
//!
//! What remains is a *tombstone*: the HMAC-SHA-256 of the picture's hash and addresses under a key that only this study has,
//! and a sketch by which near copies are told. A sketch holds signs of random projections (Charikar, "Similarity estimation
//! techniques from rounding algorithms", 2002): the picture cannot be seen in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candor_core::SampleId;
use rusqlite::Transaction;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Outcome, Study, StudyError, StudyErrorKind};

/// Signs of 256 random projections.
pub type Signs = [u64; 4];

/// By what near copies of a picture that was taken out are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// Of the picture.
    pub signs: Signs,
    /// In so many signs a copy differs at most; other pictures of the study differ in more.
    pub of_a_copy: u8,
}

/// Of 256 signs so many may differ between a picture and one that is very similar: a correlation of about .92 of their fine
/// structures.
const MOST_DIFFERENT: u32 = 32;

/// What a picture is to those that were taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resemblance {
    /// Nothing.
    #[default]
    None,
    /// Very similar to one of them: only a person can tell whether it is a copy.
    Similar,
    /// A copy of one of them.
    Copy,
}

/// A picture that is to be taken out, with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doomed {
    /// SHA-256 of its bytes.
    pub id: SampleId,
    /// Its class.
    pub class: String,
    /// The file that holds the original, where that is outside of the study: it is not touched.
    pub elsewhere: Option<PathBuf>,
    /// SHA-256 of the faces that were cut out of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crops: Vec<SampleId>,
    /// Where it was found: files, addresses.
    pub origins: Vec<String>,
    /// Whatever else is known of it.
    pub attributes: Vec<String>,
    /// Of these, what no other picture has.
    #[serde(skip)]
    telling: Vec<String>,
}

impl Doomed {
    /// By which trainings know it: its own id, and those of its crops.
    pub fn ids(&self) -> impl Iterator<Item = SampleId> {
        std::iter::once(self.id).chain(self.crops.iter().copied())
    }

    /// An original that no row names: nothing is known of it but its bytes.
    fn orphan(id: SampleId) -> Doomed {
        Doomed {
            id,
            class: String::new(),
            elsewhere: None,
            crops: Vec::new(),
            origins: Vec::new(),
            attributes: Vec::new(),
            telling: Vec::new(),
        }
    }

    /// The texts by which a file could speak of it: its hash, its files' names, its addresses, and what else is known of it
    /// alone.
    pub fn traces(&self) -> BTreeSet<String> {
        const SHORTEST: usize = 3;
        // A name such as 1.jpg stands in that of 11.jpg.
        const SHORTEST_NAME: usize = 8;
        let names = self.origins.iter().filter_map(|origin| origin.rsplit('/').next());
        let names = names.filter(|name| name.len() >= SHORTEST_NAME);
        let told = self.origins.iter().map(String::as_str).chain(names);
        let known = self.telling.iter().map(String::as_str).filter(|value| value.chars().count() >= SHORTEST);
        let told = told.filter(|text| !text.is_empty()).chain(known).map(str::to_owned);
        told.chain(self.ids().map(|id| id.to_string())).collect()
    }
}

/// What keeps pictures from coming back.
#[derive(Clone, Debug)]
pub(super) struct Tombstones {
    key: Vec<u8>,
    digests: BTreeSet<Vec<u8>>,
}

impl Tombstones {
    /// Whether the picture with this id, or what was found at this address, was taken out.
    pub fn refuse(&self, id: &SampleId, url: Option<&str>) -> bool {
        self.holds(&id.to_string()) || url.is_some_and(|url| self.holds(url))
    }

    /// Whether a picture's hash or address is that of one that was taken out.
    pub fn holds(&self, text: &str) -> bool {
        !self.digests.is_empty() && self.digests.contains(&self.digest(text))
    }

    /// Keeps a hash or an address from coming back.
    pub fn add(&self, transaction: &Transaction<'_>, text: &str) -> Outcome<()> {
        let sql = "INSERT OR IGNORE INTO tombstone (digest, made_on) VALUES (?1, date('now'))";
        transaction.execute(sql, [self.digest(text)])?;
        Ok(())
    }

    fn digest(&self, text: &str) -> Vec<u8> {
        hmac(&self.key, text.as_bytes()).to_vec()
    }
}

impl Study {
    /// The pictures that `what` speaks of: a SHA-256, an address, the path of a file (by its bytes, wherever it lies), the name
    /// of a file, or a name or other attribute.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn find(&self, what: &str) -> Result<Vec<Doomed>, StudyError> {
        self.at(self.find_all(what))
    }

    fn find_all(&self, what: &str) -> Outcome<Vec<Doomed>> {
        let bytes = std::fs::read(what).ok().map(|bytes| SampleId::of(&bytes).to_string());
        let id = bytes.unwrap_or_else(|| what.to_lowercase());
        let sql = "SELECT id FROM picture WHERE sha256 = ?2 OR grouped_by = ?1 OR reference = ?1
                   UNION SELECT picture FROM origin WHERE url = ?1 OR file = ?1 OR substr(file, -length('/' || ?1)) = '/' || ?1
                   UNION SELECT picture FROM attribute WHERE value = ?1
                   UNION SELECT picture.id FROM picture JOIN fetch USING (sha256)
                         WHERE location = ?1 OR fetch.id IN (SELECT picture FROM named WHERE name = ?1)
                   UNION SELECT picture FROM face WHERE crop = ?2";
        let mut rows = self.connection.prepare(sql)?;
        let ids = rows.query_map([what, &id], |row| row.get(0))?;
        let ids: Vec<i64> = ids.collect::<rusqlite::Result<_>>()?;
        let id = SampleId::from_hex(&id).filter(|id| ids.is_empty() && self.orphans.path(id).is_file());
        let orphan = id.map(|id| Ok(Doomed::orphan(id)));
        ids.iter().map(|&picture| self.doomed(picture, &ids)).chain(orphan).collect()
    }

    fn doomed(&self, picture: i64, all: &[i64]) -> Outcome<Doomed> {
        let texts = |sql: &str| -> Outcome<Vec<String>> {
            let mut rows = self.connection.prepare(sql)?;
            let texts = rows.query_map([picture], |row| row.get(0))?;
            Ok(texts.collect::<rusqlite::Result<_>>()?)
        };
        let sql = "SELECT sha256, class, reference, grouped_by FROM picture WHERE id = ?1";
        let (id, class, elsewhere, group): (String, String, Option<String>, Option<String>) = self
            .connection
            .query_row(sql, [picture], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let attributes = texts("SELECT value FROM attribute WHERE picture = ?1")?;
        // What other pictures share, such as a year, tells nothing of this one.
        let all: Vec<String> = all.iter().map(i64::to_string).collect();
        let others = format!("WHERE picture.id NOT IN ({})", all.join(", "));
        let telling = texts(&format!(
            "SELECT value FROM attribute WHERE picture = ?1
                AND value NOT IN (SELECT value FROM attribute JOIN picture ON picture.id = attribute.picture {others})
             UNION SELECT grouped_by FROM picture WHERE id = ?1 AND grouped_by IS NOT NULL
                AND grouped_by NOT IN (SELECT grouped_by FROM picture {others} AND grouped_by IS NOT NULL)
             UNION SELECT name FROM named JOIN fetch ON fetch.id = named.picture JOIN picture USING (sha256)
                WHERE picture.id = ?1 AND name IS NOT NULL AND name NOT IN
                    (SELECT value FROM attribute JOIN picture ON picture.id = attribute.picture {others})"
        ))?;
        Ok(Doomed {
            id: SampleId::from_hex(&id).ok_or(StudyErrorKind::NotAHash { found: id })?,
            class,
            elsewhere: elsewhere.map(PathBuf::from),
            crops: texts("SELECT crop FROM face WHERE picture = ?1 AND crop IS NOT NULL ORDER BY id")?
                .iter()
                .filter_map(|id| SampleId::from_hex(id))
                .collect(),
            origins: texts(
                "SELECT file FROM origin WHERE picture = ?1 UNION SELECT url FROM origin WHERE picture = ?1 AND url IS NOT NULL
                 UNION SELECT ifnull(location, fetch.url) FROM fetch JOIN picture USING (sha256) WHERE picture.id = ?1 AND kind = 'picture'",
            )?,
            attributes: attributes.into_iter().chain(group).collect(),
            telling,
        })
    }

    /// The addresses of pictures that `what` (an address, or a name) speaks of and that were never taken in: they wait, were
    /// refused, or failed.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn find_addresses(&self, what: &str) -> Result<Vec<String>, StudyError> {
        let find = || -> Outcome<Vec<String>> {
            let sql = "SELECT url FROM fetch WHERE kind = 'picture' AND ifnull(sha256, '') NOT IN (SELECT sha256 FROM picture)
                         AND (url = ?1 OR location = ?1 OR id IN (SELECT picture FROM named WHERE name = ?1)) ORDER BY url";
            let mut rows = self.connection.prepare(sql)?;
            let urls = rows.query_map([what], |row| row.get(0))?;
            Ok(urls.collect::<rusqlite::Result<_>>()?)
        };
        self.at(find())
    }

    /// Names and other words of the ledger in which every word of `what` stands: what may have been meant where nothing is found.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn names_like(&self, what: &str) -> Result<Vec<String>, StudyError> {
        let words: Vec<String> = what.split_whitespace().map(str::to_lowercase).collect();
        let find = || -> Outcome<Vec<String>> {
            let sql = "SELECT value FROM attribute WHERE name <> 'page' UNION SELECT name FROM named WHERE name IS NOT NULL
                       UNION SELECT grouped_by FROM picture WHERE grouped_by IS NOT NULL ORDER BY 1";
            let mut rows = self.connection.prepare(sql)?;
            let names = rows.query_map([], |row| row.get(0))?;
            let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
            let is_like = |name: &String| words.iter().all(|word| name.to_lowercase().contains(word));
            Ok(names.into_iter().filter(is_like).collect())
        };
        self.at(if words.is_empty() { Ok(Vec::new()) } else { find() })
    }

    /// The bytes of its original.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn original(&self, doomed: &Doomed) -> Result<Vec<u8>, StudyError> {
        let in_study = || match self.blobs.path(&doomed.id) {
            path if path.is_file() => path,
            _ => self.orphans.path(&doomed.id),
        };
        let path = doomed.elsewhere.clone().unwrap_or_else(in_study);
        self.at(std::fs::read(&path).map_err(StudyErrorKind::file(&path, "read")))
    }

    /// Takes the pictures out: rows first, in one transaction with their tombstones and a list of the files that are to go,
    /// then originals. A process that is killed in between leaves the list, and the study's next writer completes it. `sketches` tell near copies; `addresses` are
    /// those of pictures that were never taken in.
    ///
    /// # Errors
    /// When the disk says no, or another process reads the ledger at the moment.
    pub fn forget(
        &mut self,
        doomed: &[Doomed],
        sketches: &[Sketch],
        addresses: &[String],
    ) -> Result<(), StudyError> {
        let outcome = self.take_out(doomed, sketches, addresses);
        self.at(outcome)
    }

    fn take_out(&mut self, doomed: &[Doomed], sketches: &[Sketch], addresses: &[String]) -> Outcome<()> {
        let tombstones = self.tombstones()?;
        let transaction = self.connection.transaction()?;
        for address in addresses {
            tombstones.add(&transaction, address)?;
            take_out_fetches(&transaction, "", address)?;
        }
        for picture in doomed {
            let id = picture.id.to_string();
            let addresses = picture.origins.iter().filter(|origin| origin.contains("://"));
            let ids: Vec<String> = picture.ids().map(|id| id.to_string()).collect();
            for text in addresses.chain(&ids) {
                tombstones.add(&transaction, text)?;
            }
            for origin in &picture.origins {
                take_out_fetches(&transaction, &id, origin)?;
            }
            for id in &ids {
                transaction.execute("INSERT OR IGNORE INTO removal (sha256) VALUES (?1)", [id])?;
            }
            let tied = "DELETE FROM tie WHERE id IN (SELECT tie FROM tied JOIN picture ON picture.id = picture WHERE sha256 = ?1)";
            transaction.execute(tied, [&id])?;
            transaction.execute("DELETE FROM picture WHERE sha256 = ?1", [&id])?;
            for trace in picture.traces() {
                let sql = "DELETE FROM problem WHERE instr(place, ?1) OR instr(reason, ?1)";
                transaction.execute(sql, [trace])?;
            }
        }
        for sketch in sketches {
            let mut bits: Vec<u8> = sketch.signs.iter().flat_map(|word| word.to_le_bytes()).collect();
            bits.push(sketch.of_a_copy);
            transaction.execute("INSERT INTO sketch (bits, made_on) VALUES (?1, date('now'))", [bits])?;
        }
        let sql = "DELETE FROM fetch WHERE kind = 'robots' AND source NOT IN (SELECT source FROM fetch WHERE kind <> 'robots')";
        transaction.execute(sql, [])?;
        transaction.execute("DELETE FROM source WHERE id NOT IN (SELECT source FROM origin) AND id NOT IN (SELECT source FROM problem)
                             AND id NOT IN (SELECT source FROM fetch) AND id NOT IN (SELECT source FROM named)", [])?;
        transaction.commit()?;
        self.complete_removals()?;
        self.flush()
    }

    /// Brings everything from the write-ahead log into `study.db`, where what was deleted is overwritten, and empties the log.
    pub(super) fn flush(&self) -> Outcome<()> {
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 { Ok(()) } else { Err(StudyErrorKind::BeingRead) }
    }

    fn key(&self) -> Outcome<Vec<u8>> {
        Ok(self.connection.query_row("SELECT value FROM setting WHERE name = 'key'", [], |row| row.get(0))?)
    }

    pub(super) fn tombstones(&self) -> Outcome<Tombstones> {
        let mut rows = self.connection.prepare("SELECT digest FROM tombstone")?;
        let digests = rows.query_map([], |row| row.get(0))?;
        Ok(Tombstones { key: self.key()?, digests: digests.collect::<rusqlite::Result<_>>()? })
    }

    /// What near copies of pictures that were taken out are told by, and the seed of the projections.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn sketches(&self) -> Result<Sketches, StudyError> {
        self.at(self.read_sketches())
    }

    fn read_sketches(&self) -> Outcome<Sketches> {
        let mut rows = self.connection.prepare("SELECT bits FROM sketch")?;
        let all = rows.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        // Sketches of earlier versions say nothing of copies: what resembles them is listed.
        let sketch = |bits: Vec<u8>| Sketch {
            signs: std::array::from_fn(|at| bits.get(8 * at..8 * at + 8).map_or(0, word)),
            of_a_copy: bits.get(32).copied().unwrap_or(0),
        };
        let known = all.map(|bits| bits.map(sketch)).collect::<rusqlite::Result<_>>()?;
        let seed = hmac(&self.key()?, b"sketch");
        Ok(Sketches { seed: word(&seed[..8]), known })
    }

    /// Writes down that a training sees pictures of this study.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_run(&self, run: &Path) -> Result<(), StudyError> {
        let path = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
        let sql = "INSERT OR IGNORE INTO run (path) VALUES (?1)";
        let noted = self.connection.execute(sql, [path.display().to_string()]);
        self.at(noted.map(|_| ()).map_err(StudyErrorKind::from))
    }

    /// The folders of the trainings that were written down, as far as they are still there.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn noted_runs(&self) -> Result<Vec<PathBuf>, StudyError> {
        let read = || -> Outcome<Vec<String>> {
            let mut rows = self.connection.prepare("SELECT path FROM run ORDER BY path")?;
            let paths = rows.query_map([], |row| row.get(0))?;
            Ok(paths.collect::<rusqlite::Result<_>>()?)
        };
        let paths = self.at(read())?.into_iter().map(PathBuf::from);
        Ok(paths.filter(|path| path.is_dir()).collect())
    }

    /// The file of the picture's original in the study, where it has one there.
    pub fn blob(&self, doomed: &Doomed) -> Option<PathBuf> {
        match doomed.elsewhere {
            Some(_) => None,
            None => Some(self.blobs.path(&doomed.id)),
        }
    }
}

/// Takes away what is known of the addresses that gave the picture with this hash, or are this one; of pages too that named
/// nothing else, since they may be the page of a person.
fn take_out_fetches(transaction: &Transaction<'_>, sha256: &str, url: &str) -> Outcome<()> {
    let which = "kind = 'picture' AND (sha256 = ?1 OR url = ?2)";
    let sql = format!(
        "SELECT DISTINCT page FROM named WHERE page IS NOT NULL AND picture IN (SELECT id FROM fetch WHERE {which})"
    );
    let pages: Vec<i64> = {
        let mut rows = transaction.prepare(&sql)?;
        let pages = rows.query_map([sha256, url], |row| row.get(0))?;
        pages.collect::<rusqlite::Result<_>>()?
    };
    transaction.execute(&format!("DELETE FROM fetch WHERE {which}"), [sha256, url])?;
    for page in pages {
        let sql =
            "DELETE FROM fetch WHERE id = ?1 AND id NOT IN (SELECT page FROM named WHERE page IS NOT NULL)";
        transaction.execute(sql, [page])?;
    }
    Ok(())
}

/// Sketches of pictures that were taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketches {
    /// Of the random projections: another one in every study.
    pub seed: u64,
    known: Vec<Sketch>,
}

impl Sketches {
    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What a picture with these signs is to those that were taken out.
    pub fn resemblance(&self, signs: &Signs) -> Resemblance {
        let of = |known: &Sketch| {
            let different: u32 = known.signs.iter().zip(signs).map(|(a, b)| (a ^ b).count_ones()).sum();
            match different {
                _ if different <= u32::from(known.of_a_copy) => Resemblance::Copy,
                0..=MOST_DIFFERENT => Resemblance::Similar,
                _ => Resemblance::None,
            }
        };
        self.known.iter().map(of).max().unwrap_or_default()
    }
}

/// HMAC-SHA-256 (RFC 2104) under a key of 64 bytes at most.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let padded =
        |with: u8| -> [u8; 64] { std::array::from_fn(|at| key.get(at).copied().unwrap_or(0) ^ with) };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hmac_is_that_of_rfc_4231() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(hmac(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }

    #[test]
    fn few_different_signs_make_a_copy_and_some_more_a_similar_picture() {
        let sketches = Sketches { seed: 1, known: vec![Sketch { signs: [0; 4], of_a_copy: 9 }] };
        for (different, expected) in [
            (0, Resemblance::Copy),
            (9, Resemblance::Copy),
            (10, Resemblance::Similar),
            (32, Resemblance::Similar),
            (33, Resemblance::None),
        ] {
            assert_eq!(
                sketches.resemblance(&[(1 << different) - 1, 0, 0, 0]),
                expected,
                "{different} of 256"
            );
        }
        assert_eq!(Sketches::default().resemblance(&[0; 4]), Resemblance::None);
    }
}
