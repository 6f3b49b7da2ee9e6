//! Which columns a file has, and of which of them users, times and sources can be read. Columns
//! inside others go by their dotted path.

use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field, TimeUnit};
use polars_parquet::read::{
    ColumnChunkMetadata, FileMetadata, PhysicalType, PrimitiveConvertedType, PrimitiveLogicalType,
    RowGroupMetadata,
};

use crate::error::{self, Failure};
use crate::import::intake::Unit;
use crate::time::timestamp::quoted;

/// Columns within columns that are looked at.
const DEEPEST: usize = 16;

/// What a column is to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    name: &'static str,
    accepts: fn(Kind) -> bool,
}

/// A user: integers, text, bytes.
pub(crate) const USER: Role = Role {
    name: "user",
    accepts: |kind| !matches!(kind, Kind::Time { .. }),
};
/// A time: instants, local times, numbers, text.
pub(crate) const TIME: Role = Role {
    name: "time",
    accepts: |kind| matches!(kind, Kind::Integer | Kind::Text | Kind::Time { .. }),
};
/// A source's name: integers, text.
pub(crate) const SOURCE: Role = Role {
    name: "source",
    accepts: |kind| matches!(kind, Kind::Integer | Kind::Text),
};

/// What a column holds, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    /// A decimal without a fraction.
    Decimal,
    Text,
    Binary,
    /// An instant, or a local time.
    Time {
        unit: Unit,
        is_instant: bool,
    },
}

impl Kind {
    fn of(dtype: &ArrowDataType) -> Option<Self> {
        use ArrowDataType as T;
        match dtype {
            T::Int8 | T::Int16 | T::Int32 | T::Int64 => Some(Kind::Integer),
            T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => Some(Kind::Integer),
            T::Decimal(_, 0) | T::Decimal32(_, 0) | T::Decimal64(_, 0) => Some(Kind::Decimal),
            T::Utf8 | T::LargeUtf8 | T::Utf8View => Some(Kind::Text),
            T::Dictionary(_, inner, _) if Kind::of(inner) == Some(Kind::Text) => Some(Kind::Text),
            T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => {
                Some(Kind::Binary)
            }
            T::Extension(extension) => Kind::of(&extension.inner),
            T::Timestamp(unit, zone) => Some(Kind::Time {
                unit: match unit {
                    TimeUnit::Nanosecond => Unit::Nanoseconds,
                    TimeUnit::Microsecond => Unit::Microseconds,
                    // Parquet has no seconds; writers put them down as milliseconds, and those
                    // are what is read.
                    TimeUnit::Millisecond | TimeUnit::Second => Unit::Milliseconds,
                },
                is_instant: zone.is_some(),
            }),
            _ => None,
        }
    }
}

/// A column at the end of a path, or one that holds others and cannot be read itself.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// The fields from the root to it.
    path: Vec<Field>,
}

/// The columns of a file: the outer ones in their order, then those inside others whose dotted
/// paths are no outer column's name.
pub(crate) fn leaves(schema: &ArrowSchema) -> Vec<Leaf> {
    let outer = schema.iter_values();
    let mut found: Vec<Leaf> = outer
        .map(|field| Leaf {
            path: vec![field.clone()],
        })
        .collect();
    let outer = found.len();
    for at in 0..outer {
        let leaf = found[at].clone();
        leaf.inner(&mut found);
    }
    let (outer, inner) = found.split_at(outer);
    let is_hidden = |leaf: &Leaf| outer.iter().any(|outer| outer.name() == leaf.name());
    let inner = inner.iter().filter(|leaf| !is_hidden(leaf));
    outer.iter().chain(inner).cloned().collect()
}

impl Leaf {
    /// The dotted path.
    pub(crate) fn name(&self) -> String {
        let names: Vec<&str> = self.path.iter().map(|field| field.name.as_str()).collect();
        names.join(".")
    }

    fn field(&self) -> &Field {
        self.path.last().expect("a path has a field at least")
    }

    fn inner(&self, found: &mut Vec<Leaf>) {
        if let ArrowDataType::Struct(fields) = &self.field().dtype
            && self.path.len() < DEEPEST
        {
            for field in fields {
                let mut leaf = self.clone();
                leaf.path.push(field.clone());
                found.push(leaf.clone());
                leaf.inner(found);
            }
        }
    }

    /// How it is read, when it is of a kind that can be used.
    pub(crate) fn wanted(&self, role: Role, metadata: &FileMetadata) -> Result<Wanted, Failure> {
        let field = self.field();
        let kind = match Kind::of(&field.dtype) {
            Some(kind) if (role.accepts)(kind) => kind,
            _ => return Err(self.refused(role)),
        };
        let names = self.path.iter().map(|field| field.name.to_string());
        let mut wanted = Wanted {
            names: names.collect(),
            field: field_to_read(field, kind),
            kind,
        };
        let chunk = metadata
            .row_groups
            .first()
            .and_then(|group| wanted.chunk(group));
        if kind == Kind::Binary && chunk.is_some_and(is_word) {
            wanted.field.dtype = ArrowDataType::Utf8View;
            wanted.kind = Kind::Text;
        }
        if chunk.is_some_and(|chunk| chunk.physical_type() == PhysicalType::Int96) {
            // Nanoseconds would wrap around outside of the years 1678 to 2262.
            wanted.field.dtype = ArrowDataType::Timestamp(TimeUnit::Microsecond, None);
            let is_instant = matches!(
                kind,
                Kind::Time {
                    is_instant: true,
                    ..
                }
            );
            wanted.kind = Kind::Time {
                unit: Unit::Microseconds,
                is_instant,
            };
        }
        // The field as the decoder is to see it: the outer ones hold nothing but the inner one.
        for outer in self.path.iter().rev().skip(1) {
            let dtype = ArrowDataType::Struct(vec![wanted.field]);
            wanted.field = Field::new(outer.name.clone(), dtype, outer.is_nullable);
        }
        Ok(wanted)
    }

    fn refused(&self, role: Role) -> Failure {
        let dtype = &self.field().dtype;
        let name = quoted(self.name().as_bytes());
        let is_date = matches!(dtype, ArrowDataType::Date32 | ArrowDataType::Date64);
        let why = match is_date && role.name == TIME.name {
            true => "is of type date, which has no time of day".to_owned(),
            false => format!(
                "is of type {}, which cannot be a {}",
                type_name(dtype),
                role.name
            ),
        };
        let failure = Failure::new(error::COLUMN_TYPE, format!("column {name} {why}"));
        match dtype {
            ArrowDataType::Struct(fields) if !fields.is_empty() => {
                let inner = format!("{}.{}", self.name(), fields[0].name);
                failure.help(format!(
                    "name a column inside it, such as {}",
                    quoted(inner.as_bytes())
                ))
            }
            _ => failure,
        }
    }
}

/// A column to read.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Its path.
    names: Vec<String>,
    /// The outer field, with nothing in it but the column.
    pub(crate) field: Field,
    pub(crate) kind: Kind,
}

impl Wanted {
    /// Its chunk in a row group.
    pub(crate) fn chunk<'g>(&self, group: &'g RowGroupMetadata) -> Option<&'g ColumnChunkMetadata> {
        let outer = self.names.first()?;
        group.columns_under_root_iter(outer)?.find(|chunk| {
            let path = &chunk.descriptor().path_in_schema;
            path.iter().map(|name| name.as_str()).eq(self.names.iter())
        })
    }
}

/// The field without what is only a name for its values: an extension, a dictionary, a zone (the
/// instants are kept in UTC).
fn field_to_read(field: &Field, kind: Kind) -> Field {
    let mut field = field.clone();
    field.metadata = None;
    while let ArrowDataType::Extension(extension) = &field.dtype {
        field.dtype = extension.inner.clone();
    }
    match (&mut field.dtype, kind) {
        (ArrowDataType::Timestamp(unit, zone), _) => {
            *zone = None;
            if *unit == TimeUnit::Second {
                *unit = TimeUnit::Millisecond;
            }
        }
        (ArrowDataType::FixedSizeBinary(_), _) => {}
        (dtype, Kind::Text) => *dtype = ArrowDataType::Utf8View,
        (dtype, Kind::Binary) => *dtype = ArrowDataType::BinaryView,
        _ => {}
    }
    field
}

/// Whether bytes are the words of an enumeration, or JSON, which are text.
fn is_word(chunk: &ColumnChunkMetadata) -> bool {
    use PrimitiveConvertedType as Converted;
    use PrimitiveLogicalType as Logical;
    let kind = &chunk.descriptor().descriptor.primitive_type;
    matches!(kind.logical_type, Some(Logical::Enum | Logical::Json))
        || matches!(kind.converted_type, Some(Converted::Enum | Converted::Json))
}

/// A type in a word: `float64`, `struct`.
fn type_name(dtype: &ArrowDataType) -> String {
    match dtype {
        ArrowDataType::LargeList(_) | ArrowDataType::FixedSizeList(..) => "list".to_owned(),
        ArrowDataType::Decimal(_, scale) => format!("decimal with {scale} digits after the point"),
        _ => {
            let shown = format!("{dtype:?}").to_lowercase();
            let mut words = shown.split(|sign: char| !sign.is_ascii_alphanumeric());
            words.next().unwrap_or_default().to_owned()
        }
    }
}
