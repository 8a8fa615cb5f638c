//! Replies read back by another decoder as the values that were written.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use protocol::{Encoder, Output, Version};
use redis_protocol::resp2::{decode::decode as decode_resp2, types::OwnedFrame as Resp2};
use redis_protocol::resp3::decode::complete::decode as decode_resp3;
use redis_protocol::resp3::types::{OwnedFrame as Resp3, VerbatimStringFormat};

#[derive(Clone, Debug)]
enum Value {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Shared(Vec<u8>),
    Nil,
    NilArray,
    Double(f64),
    Boolean(bool),
    BigNumber(String),
    Verbatim(Vec<u8>),
    Array(Vec<Value>),
    LateArray(Vec<Value>),
    Set(Vec<i64>),
    Map(Vec<(i64, Value)>),
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[ -~]{0,20}".prop_map(Value::Simple),
        "[A-Z]{1,8} [ -~]{0,20}".prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        (-200i64..200).prop_map(Value::Integer),
        vec(any::<u8>(), 0..200).prop_map(Value::Bulk),
        (16_380usize..16_390).prop_map(|length| Value::Shared(vec![b'\n'; length])),
        Just(Value::Nil),
        Just(Value::NilArray),
        any::<f64>()
            .prop_filter("equal to itself", |x| !x.is_nan())
            .prop_map(Value::Double),
        any::<bool>().prop_map(Value::Boolean),
        "-?[1-9][0-9]{0,60}".prop_map(Value::BigNumber),
        vec(any::<u8>(), 0..20).prop_map(Value::Verbatim),
    ];
    leaf.prop_recursive(3, 40, 12, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..12).prop_map(Value::Array),
            vec(inner.clone(), 0..12).prop_map(Value::LateArray),
            btree_set(any::<i64>(), 0..12).prop_map(|set| Value::Set(set.into_iter().collect())),
            btree_map(any::<i64>(), inner, 0..12)
                .prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    })
}

fn write(reply: &mut Encoder<'_>, value: &Value) {
    match value {
        Value::Simple(text) => reply.simple(text),
        Value::Error(text) => reply.error(text),
        Value::Integer(number) => reply.integer(*number),
        Value::Bulk(bytes) => reply.bulk(bytes),
        Value::Shared(bytes) => reply.bulk_shared(bytes.clone().into()),
        Value::Nil => reply.nil(),
        Value::NilArray => reply.nil_array(),
        Value::Double(number) => reply.double(*number),
        Value::Boolean(is_true) => reply.boolean(*is_true),
        Value::BigNumber(digits) => reply.big_number(digits),
        Value::Verbatim(text) => reply.verbatim("txt", text),
        Value::Array(values) => {
            reply.array(values.len());
            values.iter().for_each(|value| write(reply, value));
        }
        Value::LateArray(values) => {
            let mark = reply.mark();
            values.iter().for_each(|value| write(reply, value));
            reply.array_at(mark, values.len());
        }
        Value::Set(numbers) => {
            reply.set(numbers.len());
            numbers.iter().for_each(|number| reply.integer(*number));
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            for (key, value) in pairs {
                reply.integer(*key);
                write(reply, value);
            }
        }
    }
}

fn written(value: &Value, version: Version) -> Vec<u8> {
    let mut output = Output::new();
    write(&mut Encoder::new(&mut output, version), value);
    let bytes: Vec<u8> = output
        .chunks()
        .flat_map(|chunk| chunk.as_slice().to_vec())
        .collect();
    assert_eq!(output.len_bytes(), bytes.len());
    bytes
}

fn as_resp2(value: &Value) -> Resp2 {
    match value {
        Value::Simple(text) => Resp2::SimpleString(text.clone().into()),
        Value::Error(text) => Resp2::Error(text.clone()),
        Value::Integer(number) => Resp2::Integer(*number),
        Value::Bulk(bytes) | Value::Shared(bytes) | Value::Verbatim(bytes) => {
            Resp2::BulkString(bytes.clone())
        }
        Value::Nil | Value::NilArray => Resp2::Null,
        Value::Double(number) => {
            Resp2::BulkString(protocol::number::format_f64(*number).as_bytes().to_vec())
        }
        Value::Boolean(is_true) => Resp2::Integer(i64::from(*is_true)),
        Value::BigNumber(digits) => Resp2::BulkString(digits.clone().into()),
        Value::Array(values) | Value::LateArray(values) => {
            Resp2::Array(values.iter().map(as_resp2).collect())
        }
        Value::Set(numbers) => Resp2::Array(
            numbers
                .iter()
                .map(|number| Resp2::Integer(*number))
                .collect(),
        ),
        Value::Map(pairs) => {
            let flat = pairs
                .iter()
                .flat_map(|(key, value)| [Resp2::Integer(*key), as_resp2(value)]);
            Resp2::Array(flat.collect())
        }
    }
}

fn number(data: i64) -> Resp3 {
    Resp3::Number {
        data,
        attributes: None,
    }
}

fn as_resp3(value: &Value) -> Resp3 {
    let attributes = None;
    match value.clone() {
        Value::Simple(text) => Resp3::SimpleString {
            data: text.into(),
            attributes,
        },
        Value::Error(data) => Resp3::SimpleError { data, attributes },
        Value::Integer(data) => number(data),
        Value::Bulk(data) | Value::Shared(data) => Resp3::BlobString { data, attributes },
        Value::Nil | Value::NilArray => Resp3::Null,
        Value::Double(data) => Resp3::Double { data, attributes },
        Value::Boolean(data) => Resp3::Boolean { data, attributes },
        Value::BigNumber(digits) => Resp3::BigNumber {
            data: digits.into(),
            attributes,
        },
        Value::Verbatim(data) => {
            let format = VerbatimStringFormat::Text;
            Resp3::VerbatimString {
                data,
                format,
                attributes,
            }
        }
        Value::Array(values) | Value::LateArray(values) => {
            let data = values.iter().map(as_resp3).collect();
            Resp3::Array { data, attributes }
        }
        Value::Set(numbers) => {
            let data = numbers.into_iter().map(number).collect();
            Resp3::Set { data, attributes }
        }
        Value::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| (number(*key), as_resp3(value)));
            Resp3::Map {
                data: pairs.collect(),
                attributes,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn resp2_reads_back_as_written(value in value()) {
        let bytes = written(&value, Version::Resp2);
        let decoded = decode_resp2(&bytes).expect("valid");
        prop_assert_eq!(decoded, Some((as_resp2(&value), bytes.len())));
    }

    #[test]
    fn resp3_reads_back_as_written(value in value()) {
        let bytes = written(&value, Version::Resp3);
        let decoded = decode_resp3(&bytes).expect("valid");
        prop_assert_eq!(decoded, Some((as_resp3(&value), bytes.len())));
    }

    #[test]
    fn an_output_written_in_pieces_is_the_same_bytes(
        values in vec(value(), 1..6),
        pieces in vec(1usize..20_000, 1..6),
    ) {
        let mut output = Output::new();
        let mut expected = Vec::new();
        for value in &values {
            write(&mut Encoder::new(&mut output, Version::Resp3), value);
            expected.extend(written(value, Version::Resp3));
        }
        let mut sent = Vec::new();
        for piece in pieces.iter().cycle() {
            let Some(chunk) = output.chunks().next() else { break };
            let count = chunk.as_slice().len().min(*piece);
            sent.extend_from_slice(&chunk.as_slice()[..count]);
            output.advance(count);
        }
        prop_assert_eq!(sent, expected);
    }
}
