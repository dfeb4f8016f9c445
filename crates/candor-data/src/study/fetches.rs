//! What the ledger knows of addresses: which are to be asked for, and what came of each.
//!
//! Every answer is written down before the next is: whoever is killed in between asks for that one again, and for nothing
//! that is there.

use std::collections::BTreeMap;
use std::path::Path;

use candor_core::{Image, Provenance, Sample, SampleId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::exif::exif_of;
use super::forget::Tombstones;
use super::import::{Facts, Held, describe, insert};
use super::orphans::{OrphanReport, Orphans};
use super::{Blobs, LEDGER, Outcome, Study, StudyError, schema};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FetchKind {
    Robots,
    Page,
    Picture,
}

impl FetchKind {
    const ALL: [FetchKind; 3] = [FetchKind::Robots, FetchKind::Page, FetchKind::Picture];

    pub fn name(self) -> &'static str {
        match self {
            FetchKind::Robots => "robots",
            FetchKind::Page => "page",
            FetchKind::Picture => "picture",
        }
    }
}

/// An address that waits to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub id: i64,
    pub kind: FetchKind,
    pub url: String,
    /// Of the answer that is there already.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// How an address ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    /// For good, until everything is asked for again.
    Refused,
    /// For now: the next run tries again.
    Failed,
}

impl Ended {
    fn name(self) -> &'static str {
        match self {
            Ended::Done => "done",
            Ended::Refused => "refused",
            Ended::Failed => "failed",
        }
    }
}

/// What came of an address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Came {
    pub reason: Option<String>,
    pub robots: Option<String>,
    /// Whether it was asked at all.
    pub asked: bool,
    pub status: Option<u16>,
    pub content_type: Option<String>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub x_robots_tag: Option<String>,
    pub licence: Option<String>,
    pub sha256: Option<SampleId>,
    pub recipe: String,
    pub rules: Option<String>,
    /// Redirects: addresses that were asked, and their status.
    pub hops: Vec<(String, u16)>,
    pub location: Option<String>,
}

/// A picture as a page or a list names it.
#[derive(Clone, Debug)]
pub(crate) struct NamedPicture<'a> {
    pub url: &'a str,
    pub class: &'a str,
    pub name: Option<&'a str>,
    pub licence: Option<&'a str>,
}

/// A picture whose bytes came.
pub(crate) struct NewPicture<'a> {
    pub id: SampleId,
    pub bytes: &'a [u8],
    pub image: &'a Image,
    pub format: &'static str,
}

/// What taking a picture in came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TakenIn {
    /// Whether the study did not have it.
    pub new: bool,
    /// The class that it has in the study.
    pub class: String,
    /// Where it is named with another class: that class.
    pub other_classes: Vec<String>,
}

impl Study {
    /// A study in memory, for trying out: nothing of it is ever written.
    pub(crate) fn in_memory(path: &Path) -> Result<Study, StudyError> {
        let open = || -> Outcome<Study> {
            let mut connection = Connection::open_in_memory()?;
            schema::migrate(&mut connection)?;
            Ok(Study {
                path: path.to_owned(),
                connection,
                blobs: Blobs::of(path),
                derived: Blobs::derived(path),
                orphans: Orphans::of(path),
                orphan_report: OrphanReport::default(),
                _lock: None,
            })
        };
        open().map_err(|kind| StudyError::new(&path.join(LEDGER), kind))
    }

    /// The number of the source that is collected from `place`.
    pub(crate) fn collected_source(&self, place: &str) -> Result<i64, StudyError> {
        self.at(self.source_row(place, "collect"))
    }

    /// What is to be asked for again in this run: what failed, or was refused for the address of its host; with `refresh` everything; pages on which other `rules` looked
    /// for something else, and those whole, since what came of them is not kept.
    pub(crate) fn reopen(&self, source: i64, rules: &str, refresh: bool) -> Result<(), StudyError> {
        let reopen = || -> Outcome<()> {
            // What was refused for its address was never asked for, nor was its robots.txt: another run may be allowed to.
            let sql = "UPDATE fetch SET state = 'waiting' WHERE source = ?1
                         AND (state = 'failed' OR ?2 OR (state = 'refused' AND asked_at IS NULL AND robots IS NULL))";
            self.connection.execute(sql, params![source, refresh])?;
            let sql = "UPDATE fetch SET state = 'waiting', etag = NULL, last_modified = NULL
                       WHERE source = ?1 AND kind = 'page' AND rules <> ?2";
            self.connection.execute(sql, params![source, rules])?;
            // The files by which sites say what they allow are read in every run, and never from here.
            self.connection.execute("DELETE FROM fetch WHERE kind = 'robots' AND state = 'waiting'", [])?;
            Ok(())
        };
        self.at(reopen())
    }

    /// What waits to be asked for of a source, in the order in which it was found.
    pub(crate) fn waiting(&self, source: i64) -> Result<Vec<Waiting>, StudyError> {
        let read = || -> Outcome<Vec<Waiting>> {
            let sql = "SELECT id, kind, url, etag, last_modified FROM fetch
                       WHERE source = ?1 AND state = 'waiting' AND kind <> 'robots' ORDER BY id";
            let mut rows = self.connection.prepare(sql)?;
            let rows = rows.query_map([source], |row| {
                let kind: String = row.get(1)?;
                let kind = FetchKind::ALL.into_iter().find(|known| known.name() == kind);
                Ok(Waiting {
                    id: row.get(0)?,
                    kind: kind.unwrap_or(FetchKind::Page),
                    url: row.get(2)?,
                    etag: row.get(3)?,
                    last_modified: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        self.at(read())
    }

    /// How many addresses of a kind a source has, and how many of them are done.
    pub(crate) fn fetch_counts(&self, source: i64, kind: FetchKind) -> Result<(usize, usize), StudyError> {
        let sql =
            "SELECT count(*), ifnull(sum(state = 'done'), 0) FROM fetch WHERE source = ?1 AND kind = ?2";
        let read = || -> Outcome<(usize, usize)> {
            let counts = self.connection.query_row(sql, params![source, kind.name()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })?;
            Ok((counts.0 as usize, counts.1 as usize))
        };
        self.at(read())
    }

    /// Writes several things down at once, or none of them.
    pub(crate) fn write_down<T>(
        &mut self,
        write: impl FnOnce(&FetchLedger<'_>) -> Outcome<T>,
    ) -> Result<T, StudyError> {
        let tombstones = self.tombstones();
        let all = || -> Outcome<T> {
            let ledger = FetchLedger { transaction: self.connection.transaction()?, tombstones: tombstones? };
            let written = write(&ledger)?;
            ledger.transaction.commit()?;
            Ok(written)
        };
        let outcome = all();
        self.at(outcome)
    }

    /// Whether the picture with this id, or what is found at this address, was taken out.
    pub(crate) fn was_taken_out(&self, id: Option<&SampleId>, url: &str) -> Result<bool, StudyError> {
        let tombstones = self.at(self.tombstones())?;
        Ok(tombstones.holds(url) || id.is_some_and(|id| tombstones.holds(&id.to_string())))
    }

    /// Takes the picture in that came from the address numbered `fetch`, with all that is said of it.
    pub(crate) fn take_in(
        &mut self,
        fetch: i64,
        picture: &NewPicture<'_>,
        came: &Came,
    ) -> Result<TakenIn, StudyError> {
        let outcome = self.take_in_all(fetch, picture, came);
        self.at(outcome)
    }

    fn take_in_all(&mut self, fetch: i64, picture: &NewPicture<'_>, came: &Came) -> Outcome<TakenIn> {
        let known: Option<String> = self
            .connection
            .query_row("SELECT class FROM picture WHERE sha256 = ?1", [picture.id.to_string()], |row| {
                row.get(0)
            })
            .optional()?;
        if known.is_none() {
            self.blobs.prepare()?;
            if let Some(beside) = self.blobs.write_beside(&picture.id, picture.bytes, 0)? {
                self.blobs.settle(&[&beside])?;
            }
        }
        let transaction = self.connection.transaction()?;
        let said = said_of(&transaction, fetch)?;
        let class = known.clone().or_else(|| said.first().map(|said| said.class.clone()));
        // Without anything said of it, a page that named it was read anew meanwhile, and no longer does.
        let Some(class) = class else {
            transaction.execute("DELETE FROM fetch WHERE id = ?1", [fetch])?;
            transaction.commit()?;
            return Ok(TakenIn { new: false, class: String::new(), other_classes: Vec::new() });
        };
        if known.is_none() {
            let (width, height) = (picture.image.width(), picture.image.height());
            let exif = exif_of(picture.bytes);
            let (bytes, format) = (picture.bytes.len(), picture.format);
            let facts = Facts { bytes, width, height, format, exif, held: Held::default() };
            insert(&transaction, &picture.id, &class, &facts)?;
        }
        finish(&transaction, fetch, Ended::Done, came)?;
        describe_all(&transaction, &picture.id, &said)?;
        transaction.commit()?;
        let mut other_classes: Vec<String> = said.into_iter().map(|said| said.class).collect();
        other_classes.retain(|other| *other != class);
        other_classes.dedup();
        Ok(TakenIn { new: known.is_none(), class, other_classes })
    }
}

/// A transaction on what is known of addresses.
pub(crate) struct FetchLedger<'a> {
    transaction: Transaction<'a>,
    tombstones: Tombstones,
}

/// What becomes of a picture that a page names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is to be asked for.
    New(Waiting),
    /// It waits already, or is there, or was refused.
    Known,
    /// It was taken out before.
    TakenOut,
}

impl FetchLedger<'_> {
    /// A page to be asked for; `None` where that is known.
    pub fn expect_page(&self, source: i64, url: &str) -> Outcome<Option<Waiting>> {
        let sql = "INSERT OR IGNORE INTO fetch (source, kind, url, state) VALUES (?1, 'page', ?2, 'waiting') RETURNING id";
        let id = self.transaction.query_row(sql, params![source, url], |row| row.get(0)).optional()?;
        Ok(id.map(|id| waiting(id, FetchKind::Page, url)))
    }

    /// A picture that `page` names; where it is there already, what is said of it is written down.
    pub fn expect_picture(
        &self,
        source: i64,
        page: Option<i64>,
        picture: &NamedPicture<'_>,
    ) -> Outcome<Expected> {
        // Not even that it was named is written down.
        if self.tombstones.holds(picture.url) {
            return Ok(Expected::TakenOut);
        }
        let sql = "INSERT OR IGNORE INTO fetch (source, kind, url, state) VALUES (?1, 'picture', ?2, 'waiting') RETURNING id";
        let new: Option<i64> =
            self.transaction.query_row(sql, params![source, picture.url], |row| row.get(0)).optional()?;
        let sql = "SELECT id, CASE state WHEN 'done' THEN sha256 END FROM fetch WHERE kind = 'picture' AND url = ?1";
        let (id, sha256): (i64, Option<String>) =
            self.transaction.query_row(sql, [picture.url], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let sql = "INSERT INTO named (picture, page, source, class, name, licence) SELECT ?1, ?2, ?3, ?4, ?5, ?6
                   WHERE NOT EXISTS (SELECT 1 FROM named WHERE picture = ?1 AND page IS ?2 AND source = ?3 AND class = ?4 AND name IS ?5)";
        let NamedPicture { class, name, licence, .. } = picture;
        self.transaction.execute(sql, params![id, page, source, class, name, licence])?;
        if let Some(sha256) = sha256.and_then(|sha256| SampleId::from_hex(&sha256)) {
            describe_all(&self.transaction, &sha256, &said_of(&self.transaction, id)?)?;
        }
        Ok(match new {
            Some(id) => Expected::New(waiting(id, FetchKind::Picture, picture.url)),
            None => Expected::Known,
        })
    }

    /// Forgets what a page said before, since it is read anew.
    pub fn read_anew(&self, page: i64) -> Outcome<()> {
        self.transaction.execute("DELETE FROM named WHERE page = ?1", [page])?;
        Ok(())
    }

    /// Takes away pictures that wait, and that nothing names any more.
    pub fn drop_unnamed(&self) -> Outcome<()> {
        let sql = "DELETE FROM fetch WHERE kind = 'picture' AND state = 'waiting' AND sha256 IS NULL
                     AND id NOT IN (SELECT picture FROM named)";
        self.transaction.execute(sql, [])?;
        Ok(())
    }

    /// Writes down what came of an address.
    pub fn finish(&self, fetch: i64, ended: Ended, came: &Came) -> Outcome<()> {
        finish(&self.transaction, fetch, ended, came)
    }

    /// Writes down that an answer has not changed since the last time.
    pub fn unchanged(&self, fetch: i64) -> Outcome<()> {
        let sql = "UPDATE fetch SET state = 'done', status = 304, asked_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?1";
        self.transaction.execute(sql, [fetch])?;
        Ok(())
    }

    /// Writes down the robots.txt of a host.
    pub fn robots(&self, source: i64, url: &str, ended: Ended, came: &Came) -> Outcome<()> {
        let sql = "INSERT INTO fetch (source, kind, url, state) VALUES (?1, 'robots', ?2, 'done')
                   ON CONFLICT (kind, url) WHERE kind <> 'page' DO UPDATE SET source = source RETURNING id";
        let id = self.transaction.query_row(sql, params![source, url], |row| row.get(0))?;
        finish(&self.transaction, id, ended, came)
    }

    /// Forgets an address whose picture was taken out before, and refuses it from now on without asking.
    pub fn bury(&self, fetch: i64, url: &str) -> Outcome<()> {
        self.tombstones.add(&self.transaction, url)?;
        self.transaction.execute("DELETE FROM fetch WHERE id = ?1", [fetch])?;
        Ok(())
    }
}

fn waiting(id: i64, kind: FetchKind, url: &str) -> Waiting {
    Waiting { id, kind, url: url.to_owned(), etag: None, last_modified: None }
}

fn finish(transaction: &Transaction<'_>, fetch: i64, ended: Ended, came: &Came) -> Outcome<()> {
    let sql = "UPDATE fetch SET state = ?2, reason = ?3, robots = ?4, status = ?5, location = ?6, content_type = ?7, etag = ?8,
                                last_modified = ?9, x_robots_tag = ?10, licence = ?11, sha256 = ifnull(?12, sha256), recipe = ?13,
                                rules = ?14,
                                asked_at = CASE WHEN ?15 THEN strftime('%Y-%m-%dT%H:%M:%SZ', 'now') ELSE asked_at END
               WHERE id = ?1";
    let Came { reason, robots, status, location, content_type, etag, .. } = came;
    let Came { last_modified, x_robots_tag, licence, recipe, rules, asked, .. } = came;
    let sha256 = came.sha256.map(|id| id.to_string());
    transaction.execute(
        sql,
        params![
            fetch,
            ended.name(),
            reason,
            robots,
            status,
            location,
            content_type,
            etag,
            last_modified,
            x_robots_tag,
            licence,
            sha256,
            recipe,
            rules,
            asked
        ],
    )?;
    transaction.execute("DELETE FROM hop WHERE fetch = ?1", [fetch])?;
    for (place, (url, status)) in came.hops.iter().enumerate() {
        let sql = "INSERT INTO hop (fetch, place, url, status) VALUES (?1, ?2, ?3, ?4)";
        transaction.execute(sql, params![fetch, place as i64, url, status])?;
    }
    Ok(())
}

/// What one page or list says of a picture.
struct Said {
    source: i64,
    url: String,
    page: Option<String>,
    class: String,
    name: Option<String>,
    licence: Option<String>,
}

fn said_of(transaction: &Transaction<'_>, fetch: i64) -> Outcome<Vec<Said>> {
    let sql = "SELECT named.source, picture.url, page.url, named.class, named.name, ifnull(named.licence, picture.licence)
               FROM named JOIN fetch AS picture ON picture.id = named.picture LEFT JOIN fetch AS page ON page.id = named.page
               WHERE named.picture = ?1 ORDER BY named.id";
    let mut rows = transaction.prepare(sql)?;
    let rows = rows.query_map([fetch], |row| {
        Ok(Said {
            source: row.get(0)?,
            url: row.get(1)?,
            page: row.get(2)?,
            class: row.get(3)?,
            name: row.get(4)?,
            licence: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes what is said of a picture where the study has it: origins and attributes.
fn describe_all(transaction: &Transaction<'_>, id: &SampleId, said: &[Said]) -> Outcome<()> {
    for said in said {
        let values = [("page", &said.page), ("name", &said.name), ("licence", &said.licence)];
        let attributes: BTreeMap<String, String> =
            values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
        let provenance = Provenance { file: file_in(&said.url), row: None, url: Some(said.url.clone()) };
        let sample = Sample { id: *id, class: 0, group: None, provenance, attributes };
        describe(transaction, said.source, id, &said.class, None, &sample)?;
    }
    Ok(())
}

/// What stands behind the host of an address: what the file is called there.
fn file_in(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after.split_once('/').map_or(after, |(_, path)| path);
    if path.is_empty() { after.to_owned() } else { path.to_owned() }
}
