//! Parquet files and Arrow IPC streams that no writer of sense writes.

use polars_arrow_format::ipc::planus::Builder;
use polars_arrow_format::ipc::{
    BodyCompression, Buffer, DictionaryBatch, DictionaryEncoding, Field, FieldNode, Message, MessageHeader,
    MetadataVersion, RecordBatch, Schema, Type,
};

/// A value of Thrift's compact protocol.
pub(crate) enum Thrift {
    Number(i64),
    Text(&'static str),
    /// Of structures.
    List(Vec<Self>),
    /// Its fields with their numbers, in order.
    Struct(Vec<(u8, Self)>),
}

use Thrift::{List, Number, Struct, Text};

impl Thrift {
    fn code(&self) -> u8 {
        match self {
            Number(_) => 6,
            Text(_) => 8,
            List(_) => 9,
            Struct(_) => 12,
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Number(number) => varint((number << 1 ^ number >> 63) as u64, bytes),
            Text(text) => {
                varint(text.len() as u64, bytes);
                bytes.extend(text.as_bytes());
            }
            List(elements) => {
                bytes.push((elements.len() as u8) << 4 | 12);
                elements.iter().for_each(|element| element.write(bytes));
            }
            Struct(fields) => {
                let mut last = 0;
                for (number, value) in fields {
                    bytes.push((number - last) << 4 | value.code());
                    value.write(bytes);
                    last = *number;
                }
                bytes.push(0);
            }
        }
    }
}

pub(crate) fn varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number > 0x7F {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A page of a dictionary, packed as it is.
pub(crate) fn dictionary(values: usize, packed: &[u8], unpacked: usize) -> Vec<u8> {
    page(2, (7, Struct(vec![(1, Number(values as i64)), (2, Number(0))])), packed, unpacked)
}

/// A data page of version 1.
pub(crate) fn data(values: usize, encoding: i64, packed: &[u8], unpacked: usize) -> Vec<u8> {
    let levels = [(3, Number(3)), (4, Number(3))];
    let values = [(1, Number(values as i64)), (2, Number(encoding))].into_iter().chain(levels).collect();
    page(0, (5, Struct(values)), packed, unpacked)
}

fn page(kind: i64, what: (u8, Thrift), packed: &[u8], unpacked: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header = [(1, Number(kind)), (2, Number(unpacked as i64)), (3, Number(packed.len() as i64)), what];
    Struct(header.into()).write(&mut bytes);
    bytes.extend(packed);
    bytes
}

/// A Parquet file of one column: what its schema says of it, its codec, and of each row group the rows and the pages.
pub(crate) fn parquet(element: Vec<(u8, Thrift)>, codec: i64, groups: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"PAR1".to_vec();
    let mut parts = Vec::new();
    for (rows, pages) in groups {
        let rows = *rows as i64;
        let chunk = [(4, codec), (5, rows), (7, pages.len() as i64), (9, file.len() as i64)];
        let chunk = chunk.map(|(field, number)| (field, Number(number))).into();
        parts.push(Struct(vec![(1, List(vec![Struct(vec![(3, Struct(chunk))])])), (3, Number(rows))]));
        file.extend(pages);
    }
    let root = Struct(vec![(4, Text("root")), (5, Number(1))]);
    let rows: usize = groups.iter().map(|(rows, _)| rows).sum();
    let start = file.len();
    let schema = List(vec![root, Struct(element)]);
    Struct(vec![(2, schema), (3, Number(rows as i64)), (4, List(parts))]).write(&mut file);
    let length = (file.len() - start) as u32;
    file.extend(length.to_le_bytes());
    file.extend(b"PAR1");
    file
}

fn message(header: MessageHeader, body: &[u8]) -> Vec<u8> {
    let message = Message {
        version: MetadataVersion::V5,
        header: Some(header),
        body_length: body.len() as i64,
        custom_metadata: None,
    };
    let mut builder = Builder::new();
    let header = builder.finish(&message, None);
    [&[0xFF; 4][..], &(header.len() as u32).to_le_bytes(), header, body].concat()
}

/// The schema of a stream, with columns "a", "b" and so on, of these types, each with the number of its dictionary if it has one.
pub(crate) fn schema(columns: Vec<(Type, Option<i64>)>) -> Vec<u8> {
    let field = |(name, (of, dictionary)): (char, (Type, Option<i64>))| Field {
        name: Some(name.into()),
        nullable: true,
        type_: Some(of),
        // Places of 4 bytes.
        dictionary: dictionary.map(|id| Box::new(DictionaryEncoding { id, ..DictionaryEncoding::default() })),
        ..Field::default()
    };
    let fields = Some(('a'..).zip(columns).map(field).collect());
    message(MessageHeader::Schema(Box::new(Schema { fields, ..Schema::default() })), &[])
}

/// A batch of so many columns, with all their buffers, and its body. The first column may be one of views.
fn batch(rows: usize, columns: usize, buffers: &[&[u8]], packed: bool) -> (RecordBatch, Vec<u8>) {
    let mut body = Vec::new();
    let place = |bytes: &&[u8]| {
        let offset = body.len() as i64;
        body.extend(*bytes);
        Buffer { offset, length: bytes.len() as i64 }
    };
    let batch = RecordBatch {
        length: rows as i64,
        nodes: Some(vec![FieldNode { length: rows as i64, null_count: 0 }; columns]),
        buffers: Some(buffers.iter().map(place).collect()),
        compression: packed.then(Box::<BodyCompression>::default),
        // One buffer beside validity and views.
        variadic_buffer_counts: Some(vec![1]),
    };
    (batch, body)
}

pub(crate) fn records(rows: usize, columns: usize, buffers: &[&[u8]], packed: bool) -> Vec<u8> {
    let (batch, body) = batch(rows, columns, buffers, packed);
    message(MessageHeader::RecordBatch(Box::new(batch)), &body)
}

/// The texts of dictionary number 0, or more of them.
pub(crate) fn texts<'t>(texts: impl IntoIterator<Item = &'t str>, more: bool) -> Vec<u8> {
    let (mut ends, mut all) = (vec![0; 4], String::new());
    for text in texts {
        all += text;
        ends.extend((all.len() as u32).to_le_bytes());
    }
    let (batch, body) = batch(ends.len() / 4 - 1, 1, &[&[], &ends, all.as_bytes()], false);
    let batch = DictionaryBatch { id: 0, data: Some(Box::new(batch)), is_delta: more };
    message(MessageHeader::DictionaryBatch(Box::new(batch)), &body)
}
