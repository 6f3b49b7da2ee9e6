//! The shapes of a database's tables, from its catalogue alone: types, keys, indexes, sizes. What
//! they mean is judged in [`crate::discover`].

use std::collections::HashMap;

use crate::error::{self, Failure};
use crate::import::catalogue::Table;
use crate::import::database::{ColumnKind, Database};
use crate::sql::Dialect;

/// A table or a view, with what the catalogue knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) table: Table,
    pub(crate) is_view: bool,
    /// The columns that may be read, in the order of the table's.
    pub(crate) columns: Vec<ColumnShape>,
    /// How many rows the server believes there are.
    pub(crate) rows: Option<u64>,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct ColumnShape {
    pub(crate) name: String,
    /// The type's name as the server says it.
    pub(crate) type_name: String,
    /// In SQLite what the type's name promises, which no value has to keep.
    pub(crate) kind: ColumnKind,
    pub(crate) is_nullable: bool,
    /// Whether it is the first column of an index over all rows.
    pub(crate) leads_index: bool,
    /// Whether no two rows have the same value, by a key or an index of this column alone.
    pub(crate) is_unique: bool,
    /// The table that a foreign key of this column alone leads to.
    pub(crate) references: Option<String>,
    /// How many different values the server believes there are.
    pub(crate) distinct: Option<u64>,
}

/// All tables of a database.
#[derive(Debug)]
pub(crate) struct Shapes {
    pub(crate) dialect: Dialect,
    pub(crate) tables: Vec<Shape>,
    /// Tables that cannot be read, by name, as far as the server lists them, and why.
    pub(crate) unreadable: Vec<(String, String)>,
}

impl Shapes {
    /// Reads the catalogue.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read. A view that is broken is only unreadable.
    pub(crate) fn of(database: &mut Database) -> Result<Self, Failure> {
        let dialect = database.catalogue().dialect;
        let tables = database.catalogue().tables.clone();
        let mut shapes = Self {
            dialect,
            tables: Vec::new(),
            unreadable: Vec::new(),
        };
        let mut known = match dialect {
            Dialect::Postgres => known(database.ask(POSTGRES)?),
            Dialect::Mysql => known(database.ask(MYSQL)?),
            _ => HashMap::new(),
        };
        for table in tables {
            if dialect == Dialect::Sqlite {
                known = self::known(database.ask(&sqlite(&table.name))?);
            }
            let place = (table.schema.clone(), table.name.clone());
            let known = match (known.remove(&place), dialect) {
                (Some(known), _) => known,
                (None, Dialect::Postgres) => {
                    let reason = "the table it inherits from holds its rows too".to_owned();
                    shapes.unreadable.push((table.named(), reason));
                    continue;
                }
                (None, _) => HashMap::new(),
            };
            match kinds(database, &table) {
                Ok(kinds) => shapes.tables.push(shape(table, &known, &kinds)),
                Err(failure) if is_of_table(&failure) => {
                    let reason = format!("cannot be looked at: {}", failure.message);
                    shapes.unreadable.push((table.named(), reason));
                }
                Err(failure) => return Err(failure),
            }
        }
        if dialect == Dialect::Postgres {
            let rows = database.ask(POSTGRES_UNREADABLE)?;
            let tables = rows.into_iter().flatten().flatten();
            let reason = "this account may not read it";
            let tables = tables.map(|table| (table, reason.to_owned()));
            shapes.unreadable.extend(tables);
        }
        Ok(shapes)
    }
}

/// What the catalogue says of a column and its table.
#[derive(Clone, Debug, Default)]
struct Known {
    type_name: String,
    is_nullable: bool,
    leads_index: bool,
    is_unique: bool,
    references: Option<String>,
    distinct: Option<f64>,
    is_view: bool,
    rows: Option<f64>,
}

/// What is known of the columns of each table, by schema and name.
type KnownTables = HashMap<(Option<String>, String), HashMap<String, Known>>;

fn known(rows: Vec<Vec<Option<String>>>) -> KnownTables {
    let mut tables = KnownTables::new();
    for row in rows {
        let mut cells = row.into_iter();
        let mut next = || cells.next().flatten();
        let number = |cell: Option<String>| cell.and_then(|cell| cell.parse::<f64>().ok());
        let yes = |cell: Option<String>| cell.as_deref() == Some("1");
        let place = (next(), next().unwrap_or_default());
        let column = next().unwrap_or_default();
        let known = Known {
            type_name: next().unwrap_or_default(),
            is_nullable: yes(next()),
            leads_index: yes(next()),
            is_unique: yes(next()),
            references: next(),
            distinct: number(next()),
            is_view: yes(next()),
            rows: number(next()),
        };
        tables.entry(place).or_default().insert(column, known);
    }
    tables
}

fn shape(
    table: Table,
    known: &HashMap<String, Known>,
    kinds: &HashMap<String, (String, ColumnKind)>,
) -> Shape {
    let whole = |number: f64| (number >= 0.0).then_some(number as u64);
    let any = known.values().next();
    let rows = any.and_then(|any| any.rows).and_then(whole);
    let column = |name: &String| {
        let known = known.get(name).cloned().unwrap_or_default();
        let (type_name, kind) = match kinds.get(name) {
            Some(found) => found.clone(),
            None => (known.type_name.clone(), declared(&known.type_name)),
        };
        // PostgreSQL gives a share of the rows, below zero, where it thinks it grows with them.
        let distinct = known.distinct.and_then(|distinct| match distinct < 0.0 {
            true => whole(-distinct * rows? as f64),
            false => whole(distinct).filter(|&distinct| distinct > 0),
        });
        ColumnShape {
            name: name.clone(),
            type_name,
            kind,
            is_nullable: known.is_nullable,
            leads_index: known.leads_index,
            is_unique: known.is_unique,
            references: known.references,
            distinct,
        }
    };
    Shape {
        columns: table.columns.iter().map(column).collect(),
        is_view: any.is_some_and(|any| any.is_view),
        rows,
        table,
    }
}

/// Whether a failure is that of one table, so that others can be looked at.
pub(crate) fn is_of_table(failure: &Failure) -> bool {
    let of_statement = [error::STATEMENT, error::STATEMENT_TIMEOUT, error::USAGE];
    of_statement.contains(&failure.id)
}

/// The types of a server's table, as its importer takes them. SQLite has none.
fn kinds(
    database: &mut Database,
    table: &Table,
) -> Result<HashMap<String, (String, ColumnKind)>, Failure> {
    let dialect = database.catalogue().dialect;
    if dialect == Dialect::Sqlite {
        return Ok(HashMap::new());
    }
    let columns = table.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| dialect.identifier(column))
        .collect::<Result<_, _>>()?;
    let name = dialect.table(table.schema.as_deref(), &table.name)?;
    let header = database.header(&format!("SELECT {} FROM {name}", columns.join(", ")))?;
    let kinds = header
        .into_iter()
        .map(|column| (column.name, (column.type_name, column.kind)));
    Ok(kinds.collect())
}

/// What the declared type of a column of SQLite promises: <https://sqlite.org/datatype3.html>.
fn declared(type_name: &str) -> ColumnKind {
    let type_name = type_name.to_uppercase();
    let has = |part: &str| type_name.contains(part);
    if has("BOOL") || has("JSON") {
        ColumnKind::Other
    } else if has("TIME") {
        ColumnKind::Local
    } else if has("DATE") {
        ColumnKind::Date
    } else if has("INT") {
        ColumnKind::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") || has("UUID") || type_name.is_empty() {
        ColumnKind::Text
    } else if has("BLOB") {
        ColumnKind::Binary
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        ColumnKind::Real
    } else {
        ColumnKind::Decimal
    }
}

// Each of the three gives, for every column: schema, where the table's name alone does not find it;
// table; column; type; whether it may be null; whether it leads an index; whether it is unique; the
// table that it references; how many values it has; whether the table is a view; its rows.

/// Rows are those that the statistics collector counted, or the last ANALYZE; partitions' together.
const POSTGRES: &str = "
    SELECT CASE WHEN pg_table_is_visible(class.oid) THEN NULL ELSE namespace.nspname::text END,
           class.relname::text,
           attribute.attname::text,
           format_type(attribute.atttypid, NULL),
           (NOT attribute.attnotnull)::int,
           coalesce(indexes.leads, 0),
           coalesce(indexes.is_unique, 0),
           target.relname::text,
           statistics.n_distinct::text,
           (class.relkind IN ('v', 'm'))::int,
           sizes.rows::bigint
    FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    LEFT JOIN LATERAL (
        SELECT 1 AS leads, max((index.indisunique AND index.indnkeyatts = 1)::int) AS is_unique
        FROM pg_index AS index
        WHERE index.indrelid = class.oid AND index.indkey[0] = attribute.attnum
          AND index.indisvalid AND index.indpred IS NULL
        HAVING count(*) > 0
    ) AS indexes ON true
    LEFT JOIN LATERAL (
        SELECT link.confrelid FROM pg_constraint AS link
        WHERE link.conrelid = class.oid AND link.contype = 'f'
          AND link.conkey = ARRAY[attribute.attnum]
        LIMIT 1
    ) AS link ON true
    LEFT JOIN pg_class AS target ON target.oid = link.confrelid
    LEFT JOIN pg_stats AS statistics
        ON statistics.schemaname = namespace.nspname AND statistics.tablename = class.relname
        AND statistics.attname = attribute.attname
        AND statistics.inherited = (class.relkind = 'p')
    LEFT JOIN LATERAL (
        WITH RECURSIVE part AS (
            SELECT class.oid AS oid
            UNION SELECT inhrelid FROM pg_inherits JOIN part ON part.oid = inhparent
        )
        SELECT sum(greatest(leaf.reltuples, pg_stat_get_live_tuples(leaf.oid))) AS rows
        FROM part JOIN pg_class AS leaf ON leaf.oid = part.oid AND leaf.relkind = 'r'
    ) AS sizes ON class.relkind IN ('r', 'p')
    WHERE class.relkind IN ('r', 'v', 'm', 'f', 'p')
      AND NOT EXISTS (SELECT FROM pg_inherits AS heir WHERE heir.inhrelid = class.oid)
      AND attribute.attnum > 0 AND NOT attribute.attisdropped
      AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND namespace.nspname NOT LIKE 'pg\\_toast%' AND namespace.nspname NOT LIKE 'pg\\_temp%'
      AND has_column_privilege(class.oid, attribute.attnum, 'SELECT')
      AND has_schema_privilege(namespace.oid, 'USAGE')";

/// Tables of which no column may be read.
const POSTGRES_UNREADABLE: &str = "
    SELECT CASE WHEN pg_table_is_visible(class.oid) THEN class.relname::text
                ELSE namespace.nspname || '.' || class.relname END
    FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT class.relispartition
      AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND namespace.nspname NOT LIKE 'pg\\_toast%' AND namespace.nspname NOT LIKE 'pg\\_temp%'
      AND NOT (has_schema_privilege(namespace.oid, 'USAGE')
               AND has_any_column_privilege(class.oid, 'SELECT'))
    ORDER BY 1";

const MYSQL: &str = "
    SELECT NULL,
           field.table_name,
           field.column_name,
           field.data_type,
           field.is_nullable = 'YES',
           led.column_name IS NOT NULL,
           led.is_unique,
           link.target,
           led.cardinality,
           base.table_type LIKE '%VIEW',
           base.table_rows
    FROM information_schema.columns AS field
    JOIN information_schema.tables AS base
        ON base.table_schema = database() AND base.table_name = field.table_name
    LEFT JOIN (
        SELECT part.table_name, part.column_name,
               max(part.is_unique) AS is_unique, max(part.cardinality) AS cardinality
        FROM (
            SELECT table_name, index_name, count(*) = 1 AND max(non_unique) = 0 AS is_unique,
                   max(CASE WHEN seq_in_index = 1 THEN column_name END) AS column_name,
                   max(CASE WHEN seq_in_index = 1 THEN cardinality END) AS cardinality
            FROM information_schema.statistics
            WHERE table_schema = database() AND index_type = 'BTREE'
            GROUP BY table_name, index_name
        ) AS part
        GROUP BY part.table_name, part.column_name
    ) AS led ON led.table_name = field.table_name AND led.column_name = field.column_name
    LEFT JOIN (
        SELECT table_name, max(column_name) AS column_name, max(referenced_table_name) AS target
        FROM information_schema.key_column_usage
        WHERE table_schema = database() AND referenced_table_name IS NOT NULL
        GROUP BY table_name, constraint_name
        HAVING count(*) = 1
    ) AS link ON link.table_name = field.table_name AND link.column_name = field.column_name
    WHERE field.table_schema = database() AND find_in_set('select', field.privileges) > 0";

/// SQLite keeps no count of rows. The whole primary key may be one column that has no index.
fn sqlite(table: &str) -> String {
    let name = Dialect::Sqlite.literal(table);
    format!(
        "
    SELECT NULL,
           list.name,
           field.name,
           field.type,
           field.\"notnull\" = 0 AND field.pk = 0,
           EXISTS (
               SELECT 1 FROM pragma_index_list({name}) AS ind
               JOIN pragma_index_info(ind.name) AS part
               WHERE ind.partial = 0 AND part.seqno = 0 AND part.name = field.name
           ),
           (field.pk = 1 AND (SELECT max(pk) FROM pragma_table_info({name})) = 1) OR EXISTS (
               SELECT 1 FROM pragma_index_list({name}) AS ind
               WHERE ind.\"unique\" AND ind.partial = 0
                 AND (SELECT group_concat(part.name) FROM pragma_index_info(ind.name) AS part)
                     = field.name
           ),
           (
               SELECT link.\"table\" FROM pragma_foreign_key_list({name}) AS link
               WHERE link.\"from\" = field.name LIMIT 1
           ),
           NULL,
           list.type = 'view',
           NULL
    FROM pragma_table_list AS list
    JOIN pragma_table_xinfo({name}) AS field
    WHERE list.schema = 'main' AND list.name = {name} AND field.hidden <> 1"
    )
}
