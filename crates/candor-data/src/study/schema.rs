//! The tables of `study.db`, and how those of an older candor become those of this one.

use rusqlite::{Connection, TransactionBehavior};

use super::StudyErrorKind;

/// What leads from each version to the next. What was released is never changed: a new step is added.
const STEPS: [&str; 9] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
    include_str!("schema/9.sql"),
];

/// Brings the tables up to this version, all steps or none.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StudyErrorKind> {
    let known = STEPS.len();
    if version(connection)? == known {
        return Ok(());
    }
    // Taken at once, so that two processes do not take the same step.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > known {
        return Err(StudyErrorKind::Newer { found, known });
    }
    STEPS[found..].iter().try_for_each(|step| transaction.execute_batch(step))?;
    transaction.pragma_update(None, "user_version", known as i64)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map(|found| found as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_can_be_taken_and_none_is_taken_twice() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), STEPS.len());
    }

    #[test]
    fn what_a_newer_candor_wrote_is_not_touched() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        let error = migrate(&mut connection).unwrap_err().to_string();
        assert!(error.contains("newer candor"), "{error}");
    }
}
